#include "services/translation/core/object_parser.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/core/parser.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kMany[] = R"(resources:
  - {id: 10, name: "Level", operations: R, type: float, unit: "m"}
  - {id: 11, name: "Low", operations: RW, type: float}
  - {id: 12, name: "High", operations: RW, type: float}
  - {id: 13, name: "Notes", operations: RW, type: string, multiple: true, range: "0..64"}
groups:
  limits: [11, 12]
  empty: []
multiple: true
objects:
  - {object: 34140, name: "Tank", version: "1.1", required: [10], optional: [limits, 13]}
  - {object: 34140, name: "Tank", version: "2.0", required: [10, limits]}
  - {object: 34141, name: "Well", multiple: false, urn: urn:oma:lwm2m:ext:34141, optional: [10, empty]}
)";

absl::StatusOr<std::vector<ParsedObject>> Parse(const std::string& text) {
  const auto parsed = ParseYaml("x.yaml", text);
  if (!parsed.ok()) return parsed.status();
  return std::get<std::vector<ParsedObject>>(*parsed);
}

TEST(ObjectParser, ManyObjectsShareResources) {
  const auto objects = Parse(kMany);
  ASSERT_TRUE(objects.ok()) << std::string(objects.status().message());
  ASSERT_THAT(*objects, SizeIs(3));
  const ObjectDefinition& tank = (*objects)[0].object;
  EXPECT_EQ((*objects)[0].where, "x.yaml:11");
  EXPECT_EQ(tank.id, 34140u);
  EXPECT_EQ(tank.version, "1.1");
  EXPECT_EQ(tank.urn, "urn:oma:lwm2m:x:34140");
  EXPECT_TRUE(tank.multiple);
  EXPECT_FALSE(tank.mandatory);
  ASSERT_THAT(tank.resources, SizeIs(4));
  EXPECT_TRUE(tank.Find(10)->mandatory);
  EXPECT_EQ(tank.Find(10)->unit, "m");
  EXPECT_FALSE(tank.Find(11)->mandatory);
  EXPECT_TRUE(tank.Find(13)->multiple);
  EXPECT_EQ(tank.Find(13)->range->ToString(), "0..64");
  const ObjectDefinition& second = (*objects)[1].object;
  EXPECT_EQ(second.version, "2.0");
  ASSERT_THAT(second.resources, SizeIs(3));
  EXPECT_TRUE(second.Find(12)->mandatory);
  const ObjectDefinition& well = (*objects)[2].object;
  EXPECT_EQ(well.version, "1.0");
  EXPECT_EQ(well.urn, "urn:oma:lwm2m:ext:34141");
  EXPECT_FALSE(well.multiple);
  EXPECT_THAT(well.resources, SizeIs(1));
}

TEST(ObjectParser, WhatDoesNotHoldIsNamed) {
  const struct {
    const char* from;
    const char* to;
    const char* where;
    const char* message;
  } cases[] = {
      {"[limits, 13]", "[limits, 14]", "x.yaml:11:", "the id of a resource in this file, or a group of them, got '14'"},
      {"[limits, 13]", "[limit, 13]", "x.yaml:11:", "got 'limit'"},
      {"[limits, 13]", "[limits, 11]", "x.yaml:11:", "resource 11 once"},
      {"[limits, 13]", "[limits, 10]", "x.yaml:11:", "resource 10 once"},
      {"[limits, 13]", "limits", "x.yaml:11:", "a list"},
      {"limits: [11, 12]", "limits: [11, 99]", "x.yaml:7:", "got '99'"},
      {"limits: [11, 12]", "limits: [11, empty]", "x.yaml:7:", "got 'empty'"},
      {"empty: []", "limits: []", "x.yaml:8:", "key 'limits' is given twice"},
      {"empty: []", "7: []", "x.yaml:8:", "no number"},
      {"{id: 11,", "{id: 10,", "x.yaml:3:", "an id that no resource above has"},
      {"unit: \"m\"}", "mandatory: true}", "x.yaml:2:", "unknown key 'mandatory'"},
      {"version: \"2.0\"", "version: \"1.1\"", "x.yaml:12:", "an object and version that is not above"},
      {"version: \"2.0\"", "version: \"01.1\"", "x.yaml:12:", "an object and version that is not above"},
      {"ext:34141", "ext:34142", "x.yaml:13:", "the URN of object 34141"},
      {"multiple: true\nobj", "colour: red\nobj", "x.yaml:9:", "unknown key 'colour'"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.to);
    const std::string text = absl::StrReplaceAll(kMany, {{bad.from, bad.to}});
    ASSERT_NE(text, kMany);
    EXPECT_THAT(Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(StartsWith(bad.where), HasSubstr(bad.message))));
  }
  EXPECT_THAT(Parse("resources: []\nobjects: []\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one object")));
}

TEST(ObjectParser, AFewLinesCannotNameAMillionResources) {
  std::string text = "resources:\n";
  std::string all;
  for (int id = 0; id < 1000; ++id) {
    absl::StrAppend(&text, "  - {id: ", id, ", name: n, operations: R, type: string}\n");
    absl::StrAppend(&all, id == 0 ? "" : ", ", id);
  }
  absl::StrAppend(&text, "groups:\n  all: [", all, "]\nobjects:\n");
  for (int id = 0; id < 1000; ++id) absl::StrAppend(&text, "  - {object: ", id, ", name: n, optional: [all]}\n");
  EXPECT_THAT(Parse(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 100000 resources")));
}

}  // namespace
}  // namespace isthmus::translation
