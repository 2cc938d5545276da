#include "services/lib/onem2m/xml/attribute_types.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "yaml-cpp/yaml.h"

namespace isthmus::onem2m {

std::string tables;  // folder, given by the build

namespace {

AttributeKind KindOf(const std::string& type) {
  if (type == "string" || type == "uri" || type == "id" || type == "timestamp") return AttributeKind::kText;
  if (type == "boolean") return AttributeKind::kBoolean;
  if (type == "unsigned" || type == "integer" || type == "number") return AttributeKind::kNumber;
  if (type == "mgmtLinkRef") return AttributeKind::kReference;
  return AttributeKind::kObject;
}

int Compare(const std::string& container, const YAML::Node& attributes) {
  int compared = 0;
  for (const YAML::Node& attribute : attributes) {
    const std::string type = attribute["type"].as<std::string>();
    if (type == "any") continue;
    const std::string name = attribute["short"].as<std::string>();
    const AttributeType ours = TypeOf(container, name);
    EXPECT_EQ(static_cast<int>(ours.kind), static_cast<int>(KindOf(type)))
        << container << "." << name << " is a " << type << ": attribute_types.cc needs the name in that group";
    EXPECT_EQ(ours.list != ListForm::kNone, attribute["list"].as<bool>(false)) << container << "." << name;
    ++compared;
  }
  return compared;
}

// Where a complex type stands, for the members that are something else elsewhere.
std::string ContainerOf(const std::string& type) {
  if (type == "eventNotificationCriteria") return "enc";
  if (type == "accessControlObjectDetails") return "acod";
  if (type == "mgmtLinkRef") return "cmlk";
  return type;
}

TEST(AttributeTypes, AgreeWithTheTablesOfTheResources) {
  int compared = 0;
  for (const auto& file : std::filesystem::directory_iterator(tables)) {
    if (file.path().extension() != ".yaml") continue;
    const YAML::Node table = YAML::LoadFile(file.path().string());
    const std::string root = table["root"].as<std::string>("");
    if (table["attributes"]) compared += Compare(root.substr(root.find(':') + 1), table["attributes"]);
    for (const YAML::Node& type : table["complexTypes"]) {
      compared += Compare(ContainerOf(type["name"].as<std::string>()), type["members"]);
    }
  }
  EXPECT_GT(compared, 150);
}

TEST(AttributeTypes, SomeNamesDependOnTheirPlace) {
  EXPECT_EQ(TypeOf("bat", "ty").list, ListForm::kNone);
  EXPECT_EQ(TypeOf("fc", "ty").list, ListForm::kTokens);
  EXPECT_EQ(TypeOf("enc", "net").list, ListForm::kRepeated);
  EXPECT_EQ(TypeOf("nev", "net").list, ListForm::kNone);
  EXPECT_EQ(TypeOf("rbo", "rbo").kind, AttributeKind::kBoolean);
  EXPECT_EQ(TypeOf("exra", "rbo").kind, AttributeKind::kObject);
  EXPECT_EQ(TypeOf("fc", "atr").kind, AttributeKind::kObject);
  EXPECT_EQ(TypeOf("enc", "atr").kind, AttributeKind::kText);
}

TEST(AttributeTypes, ResourcesInResourcesAreLists) {
  EXPECT_EQ(TypeOf("pc", "m2m:nod").list, ListForm::kNone);
  EXPECT_EQ(TypeOf("nod", "m2m:bat", true).list, ListForm::kRepeated);
  EXPECT_EQ(TypeOf("rce", "m2m:bat", true).list, ListForm::kNone);
  EXPECT_EQ(TypeOf("rep", "m2m:bat").list, ListForm::kNone);
  EXPECT_EQ(TypeOf("pc", "m2m:uril").list, ListForm::kTokens);
  EXPECT_EQ(TypeOf("pc", "m2m:dbg").kind, AttributeKind::kText);
}

TEST(AttributeTypes, WhatNobodyKnowsIsUnknown) {
  EXPECT_EQ(TypeOf("acmeThing", "temperature").kind, AttributeKind::kUnknown);
  EXPECT_EQ(TypeOf("acmeThing", "").kind, AttributeKind::kUnknown);
}

}  // namespace
}  // namespace isthmus::onem2m

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (argc > 1) isthmus::onem2m::tables = argv[1];
  return RUN_ALL_TESTS();
}
