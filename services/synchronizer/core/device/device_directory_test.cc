#include "services/synchronizer/core/device/device_directory.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_matchers.h"
#include "services/synchronizer/core/device/fake_resources.h"

namespace isthmus::synchronizer {
namespace {

using status::IsOk;
using status::StatusIs;
using testing::ElementsAre;

DeviceRecord Record() {
  DeviceRecord record;
  record.endpoint = "urn:dev:1";
  record.since = absl::FromUnixMicros(1700000000000123);
  record.registration.set_address("192.0.2.1:5683");
  record.values_pending = true;
  record.description.set_mapping_version("v1");
  auto& object = *record.description.add_management_objects();
  object.mutable_resource()->set_root("m2m:bat");
  object.mutable_resource()->add_object_paths("/3/0");
  *object.add_observe_paths() = lwm2m::MakePath(3, 0, 9);
  return record;
}

TEST(DeviceDirectory, OutlivesARestart) {
  FakeResources resources;
  ASSERT_THAT(resources.PutNode("urn:dev:1", "", {}), IsOk());
  {
    DeviceDirectory directory(&resources);
    EXPECT_FALSE(directory.Presence("urn:dev:1").has_value());
    ASSERT_THAT(directory.Put(Record()), IsOk());
  }
  DeviceDirectory directory(&resources);
  directory.Load();
  const std::optional<DeviceRecord> record = directory.Find("urn:dev:1");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->state, DeviceState::kRegistered);
  EXPECT_EQ(record->since, Record().since);
  EXPECT_EQ(record->registration.address(), "192.0.2.1:5683");
  EXPECT_TRUE(record->values_pending);
  EXPECT_THAT(directory.Registered(), ElementsAre("urn:dev:1"));
  onem2m::v1::Resource battery;
  battery.set_root("m2m:bat");
  battery.add_object_paths("/3/0");
  ASSERT_EQ(directory.ObservePaths("urn:dev:1", battery).size(), 1u);
  EXPECT_FALSE(directory.IsSelfDescribing("urn:dev:1", battery));
  battery.set_root("m2m:mem");
  EXPECT_TRUE(directory.ObservePaths("urn:dev:1", battery).empty());

  ASSERT_THAT(directory.SetValuesPending("urn:dev:1", false), IsOk());
  DeviceDirectory again(&resources);
  again.Load();
  EXPECT_FALSE(again.Find("urn:dev:1")->values_pending);
}

TEST(DeviceDirectory, WhatIsNotStoredIsNotKnown) {
  FakeResources resources;
  DeviceDirectory directory(&resources);
  resources.down = absl::UnavailableError("disk");
  EXPECT_THAT(directory.Put(Record()), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(directory.Presence("urn:dev:1").has_value());
}

TEST(DeviceDirectory, UnreadableRecordsAreLeftOut) {
  FakeResources resources;
  ASSERT_THAT(resources.PutNode("bad", "", {}), IsOk());
  ASSERT_THAT(resources.KeepState("device/bad", "nonsense"), IsOk());
  DeviceDirectory directory(&resources);
  directory.Load();
  EXPECT_FALSE(directory.Presence("bad").has_value());
}

TEST(DeviceRecordText, RefusesWhatItDidNotWrite) {
  const std::string good = SerializeDeviceRecord(Record());
  EXPECT_THAT(ParseDeviceRecord("e", good), IsOk());
  for (const std::string& bad :
       {std::string(), good + "\n", "device-0" + good.substr(8), std::string("device-1\nasleep\n1\n0\n\n"),
        std::string("device-1\nlost\nx\n0\n\n"), std::string("device-1\nlost\n1\n0\n***\n"),
        std::string("device-1\nlost\n1\n0\n\n/w==")}) {
    EXPECT_THAT(ParseDeviceRecord("e", bad), StatusIs(absl::StatusCode::kDataLoss)) << bad;
  }
}

}  // namespace
}  // namespace isthmus::synchronizer
