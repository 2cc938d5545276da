#include "services/synchronizer/core/device/device_sync.h"

#include "services/synchronizer/core/device/device_side_fixture.h"

namespace isthmus::synchronizer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class DeviceSyncTest : public DeviceSideFixture {
 protected:
  session::v1::Snapshot MakeSnapshot(std::vector<lwm2m::v1::Registration> registrations) {
    session::v1::Snapshot snapshot;
    snapshot.mutable_position()->set_epoch("e1");
    snapshot.mutable_position()->set_sequence(++sequence);
    for (auto& registration : registrations) *snapshot.add_registrations() = std::move(registration);
    return snapshot;
  }
  // One more subscription on the object of the device.
  void Subscribe(const std::string& endpoint, const std::string& name, int count) {
    side->management()->SubscribersChanged(endpoint + "/" + name, endpoint,
                                           resources.object(endpoint, endpoint + "/" + name), count);
  }
};

TEST_F(DeviceSyncTest, ADeviceThatRegistersBecomesResourcesWithValues) {
  DeviceSays({{"/3/0/9", 80}, {"/5/0/3", 0}});
  side->OnEvent(Registered("dev", {"/3/0", "/5/0", "/7"}));
  EXPECT_EQ(resources.node("dev").client_address, "coap://192.0.2.1:5683");
  EXPECT_THAT(resources.node("dev").labels,
              UnorderedElementsAre("Iwked-Technology:LWM2M", "Iwked-Entity-ID:dev", "Iwked-Entity-Type:Client",
                                   "Isthmus-State:registered"));
  EXPECT_THAT(resources.ManagementObjects("dev"), SizeIs(2));
  EXPECT_THAT(session.log(), ElementsAre("dev Read /3/0", "dev Read /5/0"));
  EXPECT_EQ(resources.attribute("dev", "dev/o3-0", "r9"), 80);
  EXPECT_EQ(resources.attribute("dev", "dev/o5-0", "r3"), 0);
  EXPECT_EQ(acknowledged.back(), 1u);
}

TEST_F(DeviceSyncTest, FirstValuesAreReadOncePerPath) {
  DeviceSays({{"/3/0/9", 80}});
  side->OnEvent(Registered("dev", {"/3/0", "/3/0"}));
  EXPECT_THAT(session.log(), ElementsAre("dev Read /3/0"));
}

TEST_F(DeviceSyncTest, ADeviceThatLeavesKeepsItsResources) {
  DeviceSays({{"/3/0/9", 80}});
  side->OnEvent(Registered("dev", {"/3/0"}));
  side->OnEvent(Deregistered("dev"));
  EXPECT_EQ(resources.node("dev").client_address, "");
  EXPECT_THAT(resources.node("dev").labels, Contains("Isthmus-State:deregistered"));
  EXPECT_EQ(resources.attribute("dev", "dev/o3-0", "r9"), 80);
  side->OnEvent(Registered("dev", {"/3/0"}, "b"));
  EXPECT_THAT(resources.node("dev").labels, Contains("Isthmus-State:registered"));
  side->OnEvent(Deregistered("dev", /*expired=*/true));
  EXPECT_THAT(resources.node("dev").labels, Contains("Isthmus-State:lost"));
}

TEST_F(DeviceSyncTest, AnUnknownDeviceThatLeavesMakesNoNode) {
  side->OnEvent(Deregistered("stranger"));
  EXPECT_FALSE(resources.has_node("stranger"));
  EXPECT_THAT(acknowledged, ElementsAre(1));
}

TEST_F(DeviceSyncTest, AnUpdateWithNewObjectsReadsOnlyThose) {
  DeviceSays({{"/3/0/9", 80}});
  side->OnEvent(Registered("dev", {"/3/0"}));
  session.ClearLog();
  side->OnEvent(Updated("dev", {"/3/0", "/9/1"}));
  EXPECT_THAT(session.log(), ElementsAre("dev Read /9/1"));
  EXPECT_THAT(resources.ManagementObjects("dev"), SizeIs(2));
  side->OnEvent(Updated("dev", {"/3/0"}));
  EXPECT_THAT(resources.ManagementObjects("dev"), SizeIs(1));
  EXPECT_EQ(resources.attribute("dev", "dev/o3-0", "r9"), 80);
}

TEST_F(DeviceSyncTest, AnUpdateOfTheAddressAloneIsCheap) {
  DeviceSays({{"/3/0/9", 80}});
  side->OnEvent(Registered("dev", {"/3/0"}));
  const int described = translation.descriptions;
  session::v1::Event event = Updated("dev", {"/3/0"});
  event.mutable_updated()->mutable_registration()->set_address("192.0.2.9:1000");
  side->OnEvent(event);
  EXPECT_EQ(resources.node("dev").client_address, "coap://192.0.2.9:1000");
  EXPECT_EQ(translation.descriptions, described);
  EXPECT_EQ(side->directory().Find("dev")->registration.address(), "192.0.2.9:1000");
}

TEST_F(DeviceSyncTest, ANotificationChangesTheObjectsThatItTouches) {
  DeviceSays({{"/3/0/9", 80}});
  side->OnEvent(Registered("dev", {"/3/0", "/5/0"}));
  side->OnEvent(Notified("dev", "/3/0/9", {{"/3/0/9", 60}}));
  EXPECT_EQ(resources.attribute("dev", "dev/o3-0", "r9"), 60);
  EXPECT_EQ(resources.attribute("dev", "dev/o5-0", "r9"), -1);
}

// A status is a step from the one before: when an UPDATE moves it meanwhile, the step is made anew.
TEST_F(DeviceSyncTest, AStatusThatMovesWhileValuesAreTranslatedIsNotUndone) {
  const auto status = [this] {
    const onem2m::v1::Resource resource = resources.object("dev", "dev/o5-0");
    const onem2m::v1::Value* value = onem2m::Find(resource.attributes(), "r99");
    return value == nullptr ? "" : onem2m::Describe(*value);
  };
  DeviceSays({});
  side->OnEvent(Registered("dev", {"/5/0"}));
  translation.hold = true;
  const int before = translation.notifications;
  side->OnEvent(Notified("dev", "/5/0/99", {{"/5/0/99", 2}}));
  onem2m::v1::Attribute moved;
  moved.set_name("r99");
  onem2m::v1::Object executed;
  onem2m::Set(executed, "sus", onem2m::Integer(3));
  *moved.mutable_value() = onem2m::Complex(executed);
  EXPECT_TRUE(resources.UpdateAttributes("dev/o5-0", {moved}, {}).ok());
  translation.ReleaseAll();
  EXPECT_EQ(status(), R"({"sus":3})");
  EXPECT_EQ(translation.notifications, before + 2);
  translation.ReleaseAll();
  EXPECT_EQ(status(), R"({"sus":2})");
  EXPECT_EQ(side->sync().backlog(), 0u);
}

// The end of an UPDATE tells a status as it was when the UPDATE read it. What the device says of the status meanwhile
// is newer and comes after it; other values do not wait.
TEST_F(DeviceSyncTest, AStatusWaitsForTheUpdateThatIsUnderWay) {
  DeviceSays({});
  side->OnEvent(Registered("dev", {"/5/0", "/3/0"}));
  side->OnEvent(Notified("dev", "/5/0/99", {{"/5/0/99", 1}}));
  session.on_perform = nullptr;  // the device takes its time
  const auto answer = Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(7)}}));
  ASSERT_EQ(session.pending(), 1u);
  const int before = translation.notifications;
  side->OnEvent(Notified("dev", "/5/0/99", {{"/5/0/99", 2}}));
  EXPECT_EQ(translation.notifications, before);
  EXPECT_EQ(side->sync().backlog(), 1u);
  session.Answer(Answered(204));
  while (session.pending() > 0) session.Answer(Answered(205));
  EXPECT_EQ(Code(answer), 2004u);
  EXPECT_EQ(translation.notifications, before + 1);
  EXPECT_EQ(side->sync().backlog(), 0u);
  const auto other = Perform(Update("dev", "o3-0", {{"r1", onem2m::Integer(7)}}));
  side->OnEvent(Notified("dev", "/3/0/9", {{"/3/0/9", 2}}));
  EXPECT_EQ(side->sync().backlog(), 0u) << "no status";
}

TEST_F(DeviceSyncTest, EventsOfADeviceAreAppliedInOrderAndOthersDoNotWait) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  side->OnEvent(Registered("b", {"/3/0"}));
  translation.hold = true;
  side->OnEvent(Notified("a", "/3/0/9", {{"/3/0/9", 1}}));
  side->OnEvent(Notified("a", "/3/0/9", {{"/3/0/9", 2}}));
  side->OnEvent(Notified("b", "/3/0/9", {{"/3/0/9", 5}}));
  EXPECT_EQ(translation.held(), 2u);  // one of each device
  translation.ReleaseAll();
  EXPECT_EQ(translation.held(), 1u);
  translation.ReleaseAll();
  EXPECT_THAT(resources.updates(), ElementsAre("a/o3-0 r9=1", "b/o3-0 r9=5", "a/o3-0 r9=2"));
}

TEST_F(DeviceSyncTest, AThousandNotificationsArriveInOrder) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  translation.hold = true;
  for (int i = 0; i < 1000; ++i) side->OnEvent(Notified("a", "/3/0/9", {{"/3/0/9", i}}));
  translation.hold = false;
  translation.ReleaseAll();
  ASSERT_EQ(resources.updates().size(), 1000u);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(resources.updates()[i], "a/o3-0 r9=" + std::to_string(i));
  EXPECT_EQ(acknowledged.back(), 1001u);
}

TEST_F(DeviceSyncTest, NothingIsAcknowledgedBeforeItIsApplied) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  side->OnEvent(Registered("b", {"/3/0"}));
  acknowledged.clear();
  translation.hold = true;
  side->OnEvent(Notified("a", "/3/0/9", {{"/3/0/9", 1}}));  // 3
  translation.hold = false;
  side->OnEvent(Notified("b", "/3/0/9", {{"/3/0/9", 2}}));  // 4, applied before 3
  side->Tick();
  EXPECT_THAT(acknowledged, IsEmpty());
  translation.ReleaseAll();
  EXPECT_THAT(acknowledged, ElementsAre(4));
}

TEST_F(DeviceSyncTest, ACrashInTheMiddleResumesBeforeTheUnappliedEvent) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  side->OnEvent(Registered("b", {"/3/0"}));
  translation.hold = true;
  const session::v1::Event unapplied = Notified("a", "/3/0/9", {{"/3/0/9", 1}});
  const session::v1::Event applied = Notified("b", "/3/0/9", {{"/3/0/9", 2}});
  side->OnEvent(unapplied);
  translation.hold = false;
  side->OnEvent(applied);
  const session::v1::EventPosition resumed = Restart();
  EXPECT_EQ(resumed.epoch(), "e1");
  EXPECT_EQ(resumed.sequence(), 2u);
  // The server sends both again.
  side->OnEvent(unapplied);
  side->OnEvent(applied);
  EXPECT_EQ(resources.attribute("a", "a/o3-0", "r9"), 1);
  EXPECT_EQ(resources.attribute("b", "b/o3-0", "r9"), 2);
  EXPECT_EQ(side->applied().sequence(), 4u);
}

TEST_F(DeviceSyncTest, WhileTranslationIsAwayEventsWaitInOrder) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  acknowledged.clear();
  translation.down = absl::UnavailableError("away");
  for (int i = 0; i < 3; ++i) side->OnEvent(Notified("a", "/3/0/9", {{"/3/0/9", i}}));
  for (int i = 0; i < 3; ++i) {
    clock.Advance(absl::Seconds(1));
    side->Tick();
  }
  EXPECT_THAT(acknowledged, IsEmpty());
  EXPECT_EQ(side->sync().backlog(), 3u);
  EXPECT_LE(translation.notifications, 5);  // tried again now and then, not in a loop
  translation.down = absl::OkStatus();
  clock.Advance(absl::Seconds(1));
  side->Tick();
  EXPECT_THAT(resources.updates(), ElementsAre("a/o3-0 r9=0", "a/o3-0 r9=1", "a/o3-0 r9=2"));
  EXPECT_THAT(acknowledged, ElementsAre(4));
}

TEST_F(DeviceSyncTest, WhileTheStoreIsAwayEventsWait) {
  DeviceSays({{"/3/0/9", 80}});
  resources.down = absl::UnavailableError("locked");
  side->OnEvent(Registered("a", {"/3/0"}));
  EXPECT_FALSE(resources.has_node("a"));
  resources.down = absl::OkStatus();
  clock.Advance(absl::Seconds(1));
  side->Tick();
  EXPECT_EQ(resources.attribute("a", "a/o3-0", "r9"), 80);
  EXPECT_THAT(acknowledged, ElementsAre(1));
}

TEST_F(DeviceSyncTest, WhatTranslationCannotUnderstandIsPassedOver) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  translation.down = absl::InvalidArgumentError("nodes[0]");
  side->OnEvent(Notified("a", "/3/0/9", {{"/3/0/9", 1}}));
  translation.down = absl::OkStatus();
  side->OnEvent(Notified("a", "/3/0/9", {{"/3/0/9", 2}}));
  EXPECT_THAT(resources.updates(), ElementsAre("a/o3-0 r9=2"));
  EXPECT_EQ(acknowledged.back(), 3u);
}

TEST_F(DeviceSyncTest, EventsWithoutKindOrEndpointAreAcknowledged) {
  side->OnEvent(MakeEvent("a"));
  side->OnEvent(Registered("", {"/3/0"}));
  EXPECT_EQ(acknowledged.back(), 2u);
  EXPECT_EQ(side->sync().backlog(), 0u);
}

TEST_F(DeviceSyncTest, ASnapshotSaysWhoIsLost) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  side->OnEvent(Registered("b", {"/3/0"}));
  side->OnSnapshot(MakeSnapshot({MakeRegistration("b", {"/3/0"}), MakeRegistration("c", {"/3/0"})}));
  EXPECT_THAT(resources.node("a").labels, Contains("Isthmus-State:lost"));
  EXPECT_THAT(resources.node("b").labels, Contains("Isthmus-State:registered"));
  EXPECT_THAT(resources.node("c").labels, Contains("Isthmus-State:registered"));
  EXPECT_EQ(acknowledged.back(), 3u);
}

TEST_F(DeviceSyncTest, ASnapshotOfWhatIsKnownCostsNothing) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  session.ClearLog();
  const int puts = resources.puts();
  const int described = translation.descriptions;
  side->OnSnapshot(MakeSnapshot({MakeRegistration("a", {"/3/0"})}));
  EXPECT_EQ(resources.puts(), puts);
  EXPECT_EQ(translation.descriptions, described);
  EXPECT_THAT(session.log(), IsEmpty());
  // Somebody listens: values may have been lost before the snapshot, so they are read.
  Subscribe("a", "o3-0", 1);
  side->OnSnapshot(MakeSnapshot({MakeRegistration("a", {"/3/0"})}));
  EXPECT_EQ(resources.puts(), puts);
  EXPECT_THAT(session.log(), ElementsAre("a Read /3/0"));
}

TEST_F(DeviceSyncTest, ASnapshotWithANewRegistrationIsARegister) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  session.ClearLog();
  side->OnSnapshot(MakeSnapshot({MakeRegistration("a", {"/3/0"}, "other")}));
  EXPECT_THAT(session.log(), ElementsAre("a Read /3/0"));
}

TEST_F(DeviceSyncTest, AnEmptySnapshotIsAcknowledged) {
  side->OnSnapshot(MakeSnapshot({}));
  EXPECT_THAT(acknowledged, ElementsAre(1));
}

TEST_F(DeviceSyncTest, ASnapshotIsAcknowledgedWithItsLastDevice) {
  translation.hold = true;
  side->OnSnapshot(MakeSnapshot({MakeRegistration("a", {"/3/0"}), MakeRegistration("b", {"/3/0"})}));
  side->Tick();
  EXPECT_THAT(acknowledged, IsEmpty());
  translation.hold = false;
  translation.ReleaseAll();
  EXPECT_THAT(acknowledged, ElementsAre(1));
}

TEST_F(DeviceSyncTest, SubscribersMakeInterests) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0", "/5/0"}));
  EXPECT_THAT(session.interests(), IsEmpty());
  Subscribe("a", "o3-0", 1);
  Subscribe("a", "o3-0", 2);
  EXPECT_THAT(session.interests(), ElementsAre("a /3/0"));
  Subscribe("a", "o3-0", 1);
  EXPECT_THAT(session.interests(), ElementsAre("a /3/0"));
  Subscribe("a", "o3-0", 0);
  EXPECT_THAT(session.interests(), IsEmpty());
}

TEST_F(DeviceSyncTest, InterestsStayOverAnAbsenceAndARestart) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  Subscribe("a", "o3-0", 1);
  side->OnEvent(Deregistered("a"));
  EXPECT_THAT(session.interests(), ElementsAre("a /3/0"));
  Restart();
  session.RemoveInterest("a", lwm2m::MakePath(3, 0));  // a new session knows none
  Subscribe("a", "o3-0", 1);                           // as the resource side does at start
  EXPECT_THAT(session.interests(), ElementsAre("a /3/0"));
}

TEST_F(DeviceSyncTest, SubscribersAnnouncedBeforeTheStartCountToo) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  FakeSession fresh;
  DeviceSide other(options, &translation, &fresh, &resources, &clock, RunInPlace());
  other.management()->SubscribersChanged("a/o3-0", "a", resources.object("a", "a/o3-0"), 1);
  EXPECT_THAT(fresh.interests(), IsEmpty());
  other.Start();
  EXPECT_THAT(fresh.interests(), ElementsAre("a /3/0"));
}

TEST_F(DeviceSyncTest, ASubscriptionOnTheNodeObservesNothing) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  onem2m::v1::Resource node;
  node.set_root("m2m:nod");
  side->management()->SubscribersChanged("nod-a", "a", node, 1);
  EXPECT_THAT(session.interests(), IsEmpty());
}

TEST_F(DeviceSyncTest, FirstValuesGoOnAfterARestart) {
  side->OnEvent(Registered("a", {"/3/0"}));
  EXPECT_EQ(session.pending(), 1u);  // never answered
  session.ClearLog();
  DeviceSays({{"/3/0/9", 80}});
  Restart();
  EXPECT_EQ(resources.attribute("a", "a/o3-0", "r9"), 80);
  session.ClearLog();
  Restart();
  EXPECT_THAT(session.log(), IsEmpty());  // they are complete now
}

TEST_F(DeviceSyncTest, FieldCaseFirmwareB_ValuesAreReadAfterEachRegister) {
  DeviceSays({{"/5/0/3", 3}, {"/5/0/5", 0}});
  side->OnEvent(Registered("dev", {"/5/0"}));
  side->OnEvent(Deregistered("dev"));
  clock.Advance(absl::Seconds(90));
  DeviceSays({{"/5/0/3", 0}, {"/5/0/5", 1}});
  side->OnEvent(Registered("dev", {"/5/0"}, "b"));
  EXPECT_EQ(resources.attribute("dev", "dev/o5-0", "r5"), 1);
  EXPECT_EQ(resources.attribute("dev", "dev/o5-0", "r3"), 0);
}

TEST_F(DeviceSyncTest, FieldCaseFiveHundredDevicesAtOnce) {
  DeviceSays({{"/3/0/9", 80}});
  const auto answer = session.on_perform;
  session.on_perform = nullptr;
  for (int i = 0; i < 500; ++i) side->OnEvent(Registered("d" + std::to_string(i), {"/3/0"}));
  EXPECT_EQ(session.pending(), 32u);
  EXPECT_EQ(acknowledged.back(), 500u);  // reading holds up no event
  session.on_perform = answer;
  while (session.pending() > 0) session.Answer(Content({{"/3/0/9", 80}}));
  for (int i = 0; i < 500; ++i) {
    const std::string name = "d" + std::to_string(i);
    ASSERT_EQ(resources.attribute(name, name + "/o3-0", "r9"), 80) << name;
  }
}

TEST_F(DeviceSyncTest, ANewMappingVersionDescribesRegisteredDevicesAgain) {
  DeviceSays({});
  side->OnEvent(Registered("a", {"/3/0"}));
  side->OnEvent(Registered("b", {"/3/0"}));
  side->OnEvent(Deregistered("b"));
  const int described = translation.descriptions;
  translation.version = "v2";
  side->OnEvent(Notified("a", "/3/0/9", {{"/3/0/9", 1}}));  // its answer tells the version
  side->Tick();
  EXPECT_EQ(translation.descriptions, described);
  clock.Advance(absl::Seconds(2));
  side->Tick();
  EXPECT_EQ(translation.descriptions, described + 1);
  EXPECT_EQ(side->directory().Find("a")->description.mapping_version(), "v2");
  clock.Advance(absl::Seconds(10));
  side->Tick();
  EXPECT_EQ(translation.descriptions, described + 1);
}

TEST_F(DeviceSyncTest, FieldCaseDeviceRestarts_TwentyRoundsGrowNothing) {
  DeviceSays({{"/3/0/9", 80}});
  side->OnEvent(Registered("a", {"/3/0"}));
  Subscribe("a", "o3-0", 1);
  const size_t states = resources.states();
  for (int round = 0; round < 20; ++round) {
    side->OnEvent(Registered("a", {"/3/0"}, std::to_string(round)));
    side->OnEvent(Registered("a", {"/3/0"}, std::to_string(round)));
  }
  EXPECT_EQ(resources.states(), states);
  EXPECT_THAT(resources.ManagementObjects("a"), SizeIs(1));
  EXPECT_THAT(session.interests(), ElementsAre("a /3/0"));
  EXPECT_EQ(side->sync().backlog(), 0u);
  EXPECT_EQ(side->sync().reading(), 0u);
}

}  // namespace
}  // namespace isthmus::synchronizer
