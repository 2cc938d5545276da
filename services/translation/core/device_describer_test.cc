#include "services/translation/core/device_describer.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::DescribeDeviceRequest Device(const std::vector<std::pair<std::string, std::string>>& links,
                                 const std::string& root_path = "") {
  v1::DescribeDeviceRequest request;
  request.set_endpoint("urn:imei:1");
  request.set_root_path(root_path);
  for (const auto& [path, version] : links) {
    lwm2m::v1::ObjectLink* link = request.add_links();
    *link->mutable_path() = P(path);
    link->set_version(version);
  }
  return request;
}

v1::DescribeDeviceResponse Describe(const v1::DescribeDeviceRequest& request) {
  const auto response = DescribeDevice(BuiltIn(), request);
  EXPECT_TRUE(response.ok()) << std::string(response.status().message());
  return *response;
}

std::vector<std::string> Names(const v1::DescribeDeviceResponse& response) {
  std::vector<std::string> names;
  for (const v1::ManagementObject& object : response.management_objects()) names.push_back(object.resource_name());
  return names;
}

const v1::ManagementObject& Named(const v1::DescribeDeviceResponse& response, const std::string& name) {
  static const v1::ManagementObject* const kNone = new v1::ManagementObject();
  for (const v1::ManagementObject& object : response.management_objects()) {
    if (object.resource_name() == name) return object;
  }
  ADD_FAILURE() << "no " << name;
  return *kNone;
}

std::vector<std::string> Paths(const google::protobuf::RepeatedPtrField<lwm2m::v1::Path>& paths) {
  std::vector<std::string> texts;
  for (const lwm2m::v1::Path& path : paths) texts.push_back(lwm2m::PathToString(path));
  return texts;
}

TEST(DescribeDevice, UsualDevice) {
  const auto response = Describe(Device({{"/1/0", ""}, {"/3/0", ""}, {"/5/0", ""}, {"/6/0", ""}}));
  EXPECT_EQ(response.mapping_version(), BuiltIn().version());
  EXPECT_EQ(response.node_id(), "urn:imei:1");
  EXPECT_THAT(Names(response),
              ElementsAre("firmware", "memory", "battery", "deviceInfo", "reboot", "lwm2mServer0", "location"));
  const v1::ManagementObject& battery = Named(response, "battery");
  EXPECT_EQ(battery.resource().root(), "m2m:bat");
  EXPECT_EQ(battery.resource().mgmt_definition(), 1006u);
  EXPECT_THAT(battery.resource().object_ids(), ElementsAre("urn:oma:lwm2m:oma:3"));
  EXPECT_THAT(battery.resource().object_paths(), ElementsAre("/3/0"));
  EXPECT_THAT(Paths(battery.read_paths()), ElementsAre("/3/0"));
  EXPECT_THAT(Paths(battery.observe_paths()), ElementsAre("/3/0/9", "/3/0/20"));
  EXPECT_THAT(battery.clause(), HasSubstr("TS-0005 6.3"));
}

TEST(DescribeDevice, EachResourceIsValidBeforeItIsRead) {
  const auto response = Describe(Device({{"/3/0", ""}, {"/5/0", ""}, {"/9/2", ""}}));
  const auto first = [&](const std::string& name) {
    return Text(Named(response, name).resource().attributes().members());
  };
  EXPECT_EQ(first("battery"), R"({"btl":0,"bts":7})");
  EXPECT_EQ(first("memory"), R"({"mma":0,"mmt":0})");
  EXPECT_EQ(first("deviceInfo"), R"({"dlb":"","man":"","mod":"","dty":""})");
  EXPECT_EQ(first("reboot"), R"({"rbo":false,"far":false})");
  EXPECT_EQ(first("firmware"), R"({"vr":"","fwn":"","url":"","ud":false,"uds":{"acn":"","sus":0}})");
  EXPECT_THAT(first("software2"), HasSubstr(R"("in":false,"un":false,"ins":{"acn":"","sus":0})"));
}

TEST(DescribeDevice, WhatToReadAndToObserve) {
  const auto response = Describe(Device({{"/3/0", ""}, {"/5/0", ""}}));
  EXPECT_THAT(Paths(Named(response, "firmware").observe_paths()), ElementsAre("/5/0/3", "/5/0/5"));
  EXPECT_THAT(Paths(Named(response, "deviceInfo").observe_paths()), ElementsAre("/3/0/3", "/3/0/19"));
  EXPECT_THAT(Paths(Named(response, "memory").observe_paths()), ElementsAre("/3/0/10"));
  EXPECT_THAT(Named(response, "reboot").read_paths(), IsEmpty());
  EXPECT_THAT(Named(response, "reboot").observe_paths(), IsEmpty());
  // Observing the instance, or the clock, would tell each second.
  for (const v1::ManagementObject& object : response.management_objects()) {
    for (const std::string& path : Paths(object.observe_paths())) {
      EXPECT_NE(path, "/3/0");
      EXPECT_NE(path, "/3/0/13");
    }
  }
}

TEST(DescribeDevice, VersionsOtherThanTheFirstAreInTheObjectId) {
  const auto id = [](const std::string& version) {
    return Named(Describe(Device({{"/3", version}, {"/3/0", ""}})), "battery").resource().object_ids(0);
  };
  EXPECT_EQ(id(""), "urn:oma:lwm2m:oma:3");
  EXPECT_EQ(id("1.0"), "urn:oma:lwm2m:oma:3");
  EXPECT_EQ(id("1.2"), "urn:oma:lwm2m:oma:3:1.2");
}

TEST(DescribeDevice, ASingleObjectWithoutInstanceHasInstanceZero) {
  EXPECT_THAT(Names(Describe(Device({{"/3", "1.1"}}))), ElementsAre("memory", "battery", "deviceInfo", "reboot"));
  EXPECT_EQ(Named(Describe(Device({{"/3", ""}})), "battery").resource().object_paths(0), "/3/0");
  EXPECT_THAT(Names(Describe(Device({{"/9", ""}, {"/15", "2.0"}}))), IsEmpty());
}

TEST(DescribeDevice, InstancesOfAMultipleObjectAreNumbered) {
  const auto response = Describe(Device({{"/9/0", ""}, {"/9/3", ""}, {"/15/1", ""}, {"/20/0", ""}}));
  EXPECT_THAT(Names(response), ElementsAre("software0", "software3", "capability1", "eventLog0"));
  EXPECT_EQ(Named(response, "software3").resource().object_paths(0), "/9/3");
  EXPECT_THAT(Paths(Named(response, "software3").observe_paths()), ElementsAre("/9/3/7", "/9/3/9", "/9/3/12"));
}

TEST(DescribeDevice, AlternateRootIsInThePathsOfTheResourceOnly) {
  for (const std::string root : {"/lwm2m", "/lwm2m/"}) {
    const auto response = Describe(Device({{"/3/0", ""}}, root));
    EXPECT_EQ(Named(response, "battery").resource().object_paths(0), "/lwm2m/3/0");
    EXPECT_THAT(Paths(Named(response, "battery").read_paths()), ElementsAre("/3/0"));
  }
  EXPECT_EQ(Named(Describe(Device({{"/3/0", ""}}, "/")), "battery").resource().object_paths(0), "/3/0");
}

TEST(DescribeDevice, LinksTwiceAndDeeperMakeNoPhantoms) {
  EXPECT_THAT(Names(Describe(Device({{"/3/0", ""}, {"/3/0", ""}, {"/3/0/11/0", ""}, {"/5/0/1", ""}}))),
              ElementsAre("firmware", "memory", "battery", "deviceInfo", "reboot"));
  EXPECT_THAT(Names(Describe(Device({}))), IsEmpty());
  EXPECT_THAT(Names(Describe(Device({{"/34120", ""}}))), IsEmpty());
}

TEST(DescribeDevice, NamesAreUniqueEvenForADeviceAgainstTheRules) {
  EXPECT_THAT(Names(Describe(Device({{"/5/0", ""}, {"/5/1", ""}}))), ElementsAre("firmware", "firmware1"));
}

TEST(DescribeDevice, InputThatMakesNoSenseNamesItsField) {
  v1::DescribeDeviceRequest request = Device({{"/3/0", ""}});
  request.clear_endpoint();
  EXPECT_THAT(DescribeDevice(BuiltIn(), request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("endpoint")));
  EXPECT_THAT(DescribeDevice(BuiltIn(), Device({{"/3/0", ""}, {"/", ""}})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("links[1].path")));
  EXPECT_THAT(DescribeDevice(BuiltIn(), Device({{"/3/0", ""}}, "lwm2m")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("root_path")));
}

}  // namespace
}  // namespace isthmus::translation
