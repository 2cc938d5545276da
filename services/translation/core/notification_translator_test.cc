#include "services/translation/core/notification_translator.h"

#include <string>
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

v1::TranslateNotificationRequest Notification(const std::string& path, const NodeList& nodes,
                                              const std::vector<onem2m::v1::Resource>& resources) {
  v1::TranslateNotificationRequest request;
  *request.mutable_observed_path() = P(path);
  for (const auto& [node, value] : nodes) *request.add_nodes() = MakeNode(node, value);
  for (const onem2m::v1::Resource& resource : resources) {
    v1::NotifiedResource* notified = request.add_resources();
    notified->set_id("id-" + resource.root());
    *notified->mutable_resource() = resource;
  }
  return request;
}

std::string Changes(const v1::TranslateNotificationRequest& request) {
  const auto response = TranslateNotification(BuiltIn(), request);
  EXPECT_TRUE(response.ok()) << std::string(response.status().message());
  EXPECT_EQ(response->mapping_version(), BuiltIn().version());
  std::string text;
  for (const v1::ResourceChange& change : response->changes()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", change.id(), Text(change.attributes()));
  }
  return text;
}

std::vector<std::string> Problems(const v1::TranslateNotificationRequest& request) {
  const auto response = TranslateNotification(BuiltIn(), request);
  return {response->problems().begin(), response->problems().end()};
}

std::vector<onem2m::v1::Resource> WholeDevice() {
  return {DeviceResource("m2m:bat"), DeviceResource("m2m:dvi"), DeviceResource("m2m:mem"), DeviceResource("m2m:rbo"),
          DeviceResource("m2m:fwr", {{"uds", ActionStatus("ud", 3)}})};
}

TEST(Notification, TouchesTheResourceOfTheValueOnly) {
  EXPECT_EQ(Changes(Notification("/3/0/9", {{"/3/0/9", I(60)}}, WholeDevice())), R"(id-m2m:bat{"btl":60})");
  EXPECT_EQ(Changes(Notification("/3/0/9", {{"/3/0/9", Raw(0, "77")}}, WholeDevice())), R"(id-m2m:bat{"btl":77})");
  EXPECT_EQ(Changes(Notification("/3/0/20", {{"/3/0/20", Tlv({0})}}, WholeDevice())), R"(id-m2m:bat{"bts":1})");
}

TEST(Notification, OfAnInstanceTouchesAllThatLiveThere) {
  const NodeList nodes = {{"/3/0/9", I(60)}, {"/3/0/10", I(2)}, {"/3/0/3", S("2.0")}};
  for (const std::string path : {"/3/0", "/3"}) {
    EXPECT_EQ(Changes(Notification(path, nodes, WholeDevice())),
              R"(id-m2m:bat{"btl":60} id-m2m:dvi{"fwv":"2.0"} id-m2m:mem{"mma":2000})");
  }
}

TEST(Notification, OfAnotherInstanceTouchesNothing) {
  EXPECT_EQ(Changes(Notification("/3/1/9", {{"/3/1/9", I(60)}}, WholeDevice())), "");
  EXPECT_EQ(Changes(Notification("/3303/0/5700", {{"/3303/0/5700", F(21.5)}}, WholeDevice())), "");
  EXPECT_EQ(Changes(Notification("/3/0/9", {}, WholeDevice())), "");
}

TEST(Notification, WhatIsNotInItKeepsItsValue) {
  // An observation of the instance with nothing in it says nothing of what is absent.
  EXPECT_EQ(Changes(Notification("/3/0", {}, WholeDevice())), "");
}

// Field case "object version above 1.0": the same by notification as by read.
TEST(Notification, ForAnObjectOfAnotherVersion) {
  onem2m::v1::Resource battery = DeviceResource("m2m:bat");
  battery.set_object_ids(0, "urn:oma:lwm2m:oma:3:1.2");
  EXPECT_EQ(Changes(Notification("/3/0/9", {{"/3/0/9", I(60)}}, {battery})), R"(id-m2m:bat{"btl":60})");
  battery.set_object_ids(0, "urn:oma:lwm2m:oma:3:9.9");
  battery.set_object_paths(0, "/lwm2m/3/0");
  EXPECT_EQ(Changes(Notification("/3/0/9", {{"/3/0/9", I(60)}}, {battery})), R"(id-m2m:bat{"btl":60})");
}

// Field case "time in every shape": history.
TEST(Notification, LatestRecordWins) {
  v1::TranslateNotificationRequest request =
      Notification("/3/0/9", {{"/3/0/9", I(80)}, {"/3/0/9", I(82)}}, WholeDevice());
  request.mutable_nodes(0)->mutable_time()->set_seconds(1701172800);
  request.mutable_nodes(1)->mutable_time()->set_seconds(1701172740);
  EXPECT_EQ(Changes(request), R"(id-m2m:bat{"btl":80})");
}

TEST(Notification, AValueThatDoesNotConvertIsAProblemAndChangesNothing) {
  v1::TranslateNotificationRequest request =
      Notification("/3/0", {{"/3/0/9", F(80.5)}, {"/3/0/20", I(0)}}, WholeDevice());
  EXPECT_EQ(Changes(request), R"(id-m2m:bat{"bts":1})");
  EXPECT_THAT(Problems(request), ElementsAre(HasSubstr("btl (batteryLevel) from /3/0/9 Battery Level")));
  EXPECT_THAT(Problems(Notification("/3/0/13", {{"/3/0/13", Time(1701172800000)}}, WholeDevice())),
              ElementsAre(HasSubstr("syst")));
  request = Notification("/3/0/9", {{"/3/0/20", I(0)}}, WholeDevice());
  EXPECT_EQ(Changes(request), "");
  EXPECT_THAT(Problems(request), ElementsAre(HasSubstr("/3/0/20 is not below the observed path /3/0/9")));
}

// Field case "firmware: states": the two resources come one by one.
TEST(Notification, FirmwareStateAndResult) {
  const auto tell = [](const NodeList& nodes, const onem2m::v1::Value& kept) {
    return Changes(Notification("/5/0", nodes, {DeviceResource("m2m:fwr", {{"uds", kept}})}));
  };
  EXPECT_EQ(tell({{"/5/0/3", I(1)}}, ActionStatus("url", 0)), R"(id-m2m:fwr{"uds":{"acn":"url","sus":3}})");
  EXPECT_EQ(tell({{"/5/0/5", I(1)}}, ActionStatus("ud", 3)), R"(id-m2m:fwr{"uds":{"acn":"ud","sus":1}})");
  EXPECT_EQ(tell({{"/5/0/5", I(5)}}, ActionStatus("url", 3)), R"(id-m2m:fwr{"uds":{"acn":"url","sus":2}})");
  EXPECT_EQ(tell({{"/5/0/3", I(0)}, {"/5/0/5", I(1)}}, ActionStatus("ud", 3)),
            R"(id-m2m:fwr{"uds":{"acn":"ud","sus":1}})");
  EXPECT_EQ(tell({{"/5/0/3", I(0)}, {"/5/0/5", I(0)}}, ActionStatus("url", 3)),
            R"(id-m2m:fwr{"uds":{"acn":"url","sus":2}})");
}

// Else a notification that overtakes the answer to an Execute would undo what that answer has set.
TEST(Notification, AStatusThatStaysIsNoChange) {
  const auto tell = [](const NodeList& nodes, const onem2m::v1::Value& kept) {
    return Changes(Notification("/5/0", nodes, {DeviceResource("m2m:fwr", {{"uds", kept}})}));
  };
  EXPECT_EQ(tell({{"/5/0/3", I(0)}}, ActionStatus("ud", 3)), "");
  EXPECT_EQ(tell({{"/5/0/5", I(1)}}, ActionStatus("url", 0)), "");
  EXPECT_EQ(tell({{"/5/0/3", I(0)}, {"/5/0/7", S("2")}}, ActionStatus("ud", 3)), R"(id-m2m:fwr{"vr":"2"})");
}

TEST(Notification, InputThatMakesNoSenseNamesItsField) {
  v1::TranslateNotificationRequest request = Notification("/3/0/9", {{"/3/0/9", I(60)}}, WholeDevice());
  request.clear_observed_path();
  EXPECT_THAT(TranslateNotification(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("observed_path")));
  request = Notification("/3/0/9", {{"/3/0", I(60)}}, WholeDevice());
  EXPECT_THAT(TranslateNotification(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nodes[0].path")));
  request = Notification("/3/0/9", {{"/3/0/9", lwm2m::v1::Value()}}, WholeDevice());
  EXPECT_THAT(TranslateNotification(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nodes[0].value")));
  request = Notification("/3/0/9", {{"/3/0/9", I(60)}}, {onem2m::v1::Resource()});
  EXPECT_THAT(TranslateNotification(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("resources[0].resource.root")));
  // A resource that is not mapped is none of ours.
  onem2m::v1::Resource other;
  other.set_root("acme:pump");
  EXPECT_EQ(Changes(Notification("/3/0/9", {{"/3/0/9", I(60)}}, {other, DeviceResource("m2m:bat")})),
            R"(id-m2m:bat{"btl":60})");
}

}  // namespace
}  // namespace isthmus::translation
