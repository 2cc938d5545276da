#include "services/synchronizer/core/device/unfinished_plans.h"

#include "services/synchronizer/core/device/device_side_fixture.h"

namespace isthmus::synchronizer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Firmware: Execute /5/0/2 when State (/5/0/3) is 2; 3 (updating) is no failure, 7 is one for the sake of the test.
class UnfinishedPlansTest : public DeviceSideFixture {
 protected:
  UnfinishedPlansTest() {
    translation::v1::Precondition condition;
    *condition.mutable_path() = lwm2m::MakePath(5, 0, 3);
    condition.add_values(2);
    condition.add_failure_values(7);
    condition.set_description("firmware downloaded");
    translation.precondition = condition;
    StateIs(0);
    side->OnEvent(Registered("dev", {"/5/0"}));
    session.ClearLog();
  }
  void StateIs(int64_t state) { DeviceSays({{"/5/0/3", state}}); }
  // The device tells its State by itself.
  void Tells(int64_t state) {
    StateIs(state);
    side->OnEvent(Notified("dev", "/5/0/3", {{"/5/0/3", state}}));
  }
  std::shared_ptr<std::optional<ManagementResult>> UpdateFirmware() {
    return Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(1)}, {"x2", onem2m::Boolean(true)}}));
  }
  std::shared_ptr<std::optional<ManagementResult>> Trigger() {
    return Perform(Update("dev", "o5-0", {{"x2", onem2m::Boolean(true)}}));
  }
  int Executions() const {
    int count = 0;
    for (const std::string& line : session.log()) count += line == "dev Execute /5/0/2" ? 1 : 0;
    return count;
  }
};

TEST_F(UnfinishedPlansTest, IsAnsweredNowAndGoesOnWithTheNotification) {
  StateIs(1);
  auto slot = UpdateFirmware();
  EXPECT_EQ(Code(slot), 2004u);
  EXPECT_EQ(ValueOf(slot, "r3"), 1);  // what the condition was read as is known now
  EXPECT_EQ(ValueOf(slot, "r1"), 1);
  EXPECT_THAT(session.log(), ElementsAre("dev Write /5/0/1", "dev Read /5/0/3"));
  EXPECT_THAT(session.interests(), ElementsAre("dev /5/0"));
  EXPECT_EQ(side->unfinished().size(), 1u);

  Tells(1);
  EXPECT_EQ(Executions(), 0);
  Tells(2);
  EXPECT_EQ(Executions(), 1);
  EXPECT_EQ(side->unfinished().size(), 0u);
  EXPECT_THAT(session.interests(), IsEmpty());
  Tells(2);
  EXPECT_EQ(Executions(), 1);
}

TEST_F(UnfinishedPlansTest, WhatHoldsAlreadyNeedsNoWaiting) {
  StateIs(2);
  EXPECT_EQ(Code(UpdateFirmware()), 2004u);
  EXPECT_EQ(Executions(), 1);
  EXPECT_EQ(side->unfinished().size(), 0u);
}

TEST_F(UnfinishedPlansTest, AFailureValueIsAnsweredAtOnce) {
  StateIs(7);
  auto slot = Trigger();
  EXPECT_EQ(Code(slot), 4005u);
  EXPECT_THAT((*slot)->reason, HasSubstr("/5/0/3 is 7"));
  EXPECT_EQ(side->unfinished().size(), 0u);
}

TEST_F(UnfinishedPlansTest, AFailureValueLaterEndsIt) {
  StateIs(1);
  UpdateFirmware();
  clock.Advance(absl::Seconds(5));
  Tells(7);
  EXPECT_EQ(side->unfinished().size(), 0u);
  Tells(2);
  EXPECT_EQ(Executions(), 0);
  EXPECT_THAT(session.interests(), IsEmpty());
  EXPECT_THAT(resources.failed_updates(), testing::ElementsAre(testing::Pair("dev/o5-0", 0u)));
}

TEST_F(UnfinishedPlansTest, AFailureValueRightAfterTheWriteIsGivenAMoment) {
  StateIs(7);
  EXPECT_EQ(Code(UpdateFirmware()), 2004u);
  Tells(7);  // the observation's first value
  EXPECT_EQ(side->unfinished().size(), 1u);
  Tells(1);
  Tells(2);
  EXPECT_EQ(Executions(), 1);
}

TEST_F(UnfinishedPlansTest, AFailureValueThatStaysEndsItAfterThatMoment) {
  StateIs(7);
  UpdateFirmware();
  clock.Advance(absl::Seconds(5));
  side->Tick();
  EXPECT_EQ(side->unfinished().size(), 0u);
}

TEST_F(UnfinishedPlansTest, FieldCaseFirmwareH_ASecondTriggerStartsNothing) {
  StateIs(1);
  UpdateFirmware();
  session.ClearLog();
  auto again = Trigger();
  EXPECT_EQ(Code(again), 2004u);
  EXPECT_THAT((*again)->steps[0].outcome(), HasSubstr("under way since"));
  auto whole = UpdateFirmware();
  EXPECT_EQ(Code(whole), 2004u);
  EXPECT_THAT(session.log(), IsEmpty());  // no second download
  Tells(2);
  EXPECT_EQ(Executions(), 1);
}

TEST_F(UnfinishedPlansTest, ASecondTriggerWhileTheFirstIsUnderWayStartsNothing) {
  session.on_perform = nullptr;
  auto one = Trigger();
  auto two = Trigger();
  EXPECT_THAT(session.log(), ElementsAre("dev Read /5/0/3"));
  session.Answer(Content({{"/5/0/3", 1}}));
  EXPECT_EQ(Code(one), 2004u);
  EXPECT_EQ(Code(two), 2004u);
  EXPECT_THAT(session.log(), ElementsAre("dev Read /5/0/3"));
}

TEST_F(UnfinishedPlansTest, ANewerUpdateTakesItsPlace) {
  StateIs(1);
  UpdateFirmware();
  EXPECT_EQ(Code(Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(2)}}))), 2004u);
  EXPECT_EQ(side->unfinished().size(), 0u);
  Tells(2);
  EXPECT_EQ(Executions(), 0);
  EXPECT_THAT(resources.failed_updates(), IsEmpty());
}

TEST_F(UnfinishedPlansTest, ANewerUpdateThatIsNotDoneTakesNothingsPlace) {
  StateIs(1);
  UpdateFirmware();
  session.on_perform = [](const std::string&, const lwm2m::v1::Operation&) { return Answered(405); };
  EXPECT_EQ(Code(Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(2)}}))), 4005u);
  session.on_perform = [](const std::string&, const lwm2m::v1::Operation&) {
    return Ended(lwm2m::v1::OUTCOME_NOT_REGISTERED);
  };
  EXPECT_EQ(Code(Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(2)}}))), 6003u);
  EXPECT_EQ(Code(Perform(MakeRequest(onem2m::v1::OPERATION_TYPE_DELETE, "dev", "o5-0"))), 6003u);
  side->OnEvent(Deregistered("dev"));
  EXPECT_EQ(Code(Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(2)}}))), 6003u);
  EXPECT_THAT(resources.failed_updates(), IsEmpty());
  StateIs(1);
  side->OnEvent(Registered("dev", {"/5/0"}, "b"));
  Tells(2);
  EXPECT_EQ(Executions(), 1);
}

TEST_F(UnfinishedPlansTest, ANewerUpdateOfWhichNobodyKnowsIsTheEndOfIt) {
  StateIs(1);
  UpdateFirmware();
  session.on_perform = [](const std::string&, const lwm2m::v1::Operation&) {
    return Ended(lwm2m::v1::OUTCOME_TIMEOUT);
  };
  EXPECT_EQ(Code(Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(2)}}))), 6003u);
  EXPECT_THAT(resources.failed_updates(), ElementsAre(testing::Pair("dev/o5-0", 6003u)));
  Tells(2);
  EXPECT_EQ(Executions(), 0);
}

TEST_F(UnfinishedPlansTest, ANewerUpdateThatFailsHalfwayIsTheEndOfIt) {
  StateIs(1);
  UpdateFirmware();
  session.on_perform = [](const std::string&, const lwm2m::v1::Operation& operation) {
    return Answered(operation.write().path().resource_id() == 1 ? 204 : 405);
  };
  EXPECT_EQ(Code(Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(2)}, {"r4", onem2m::Integer(2)}}))), 4005u);
  EXPECT_THAT(resources.failed_updates(), ElementsAre(testing::Pair("dev/o5-0", 6003u)));
  Tells(2);
  EXPECT_EQ(Executions(), 0);
}

TEST_F(UnfinishedPlansTest, AnUpdateOfLocalAttributesDoesNot) {
  StateIs(1);
  UpdateFirmware();
  Perform(Update("dev", "o5-0", {{"lbl", onem2m::Text("x")}}));
  EXPECT_EQ(side->unfinished().size(), 1u);
}

TEST_F(UnfinishedPlansTest, DeleteEndsIt) {
  StateIs(1);
  UpdateFirmware();
  Perform(MakeRequest(onem2m::v1::OPERATION_TYPE_DELETE, "dev", "o5-0"));
  EXPECT_EQ(side->unfinished().size(), 0u);
}

TEST_F(UnfinishedPlansTest, OutlivesARestart) {
  StateIs(1);
  UpdateFirmware();
  session.ClearLog();
  Restart();
  EXPECT_EQ(side->unfinished().size(), 1u);
  EXPECT_THAT(session.interests(), ElementsAre("dev /5/0"));
  Tells(2);
  EXPECT_EQ(Executions(), 1);
  Restart();
  EXPECT_EQ(side->unfinished().size(), 0u);
}

TEST_F(UnfinishedPlansTest, WhatCameTrueWhileWeWereAwayIsRead) {
  StateIs(1);
  UpdateFirmware();
  StateIs(2);
  session.ClearLog();
  Restart();
  side->Tick();
  EXPECT_THAT(session.log(), ElementsAre("dev Read /5/0/3", "dev Execute /5/0/2"));
}

// Events that were not acknowledged before the restart are told again.
TEST_F(UnfinishedPlansTest, AnOldFailureValueAfterARestartEndsNothing) {
  StateIs(7);
  UpdateFirmware();
  clock.Advance(absl::Minutes(1));
  Restart();
  Tells(7);
  StateIs(1);
  side->Tick();
  EXPECT_EQ(side->unfinished().size(), 1u);
  clock.Advance(absl::Seconds(6));
  side->Tick();
  EXPECT_EQ(side->unfinished().size(), 1u);
  StateIs(2);
  Tells(2);
  EXPECT_EQ(Executions(), 1);
}

TEST_F(UnfinishedPlansTest, ACrashAfterSendingDoesNotSendTwice) {
  StateIs(1);
  UpdateFirmware();
  session.on_perform = nullptr;
  side->OnEvent(Notified("dev", "/5/0/3", {{"/5/0/3", 2}}));
  EXPECT_EQ(Executions(), 1);
  // The answer is never heard. The device has begun: State 3.
  StateIs(3);
  Restart();
  side->Tick();
  EXPECT_EQ(Executions(), 1);
  EXPECT_EQ(side->unfinished().size(), 0u);
}

TEST_F(UnfinishedPlansTest, AStepWithoutAnswerIsSentAgainOnlyWhileItsConditionHolds) {
  StateIs(1);
  UpdateFirmware();
  session.on_perform = nullptr;
  side->OnEvent(Notified("dev", "/5/0/3", {{"/5/0/3", 2}}));
  session.Answer(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  EXPECT_EQ(side->unfinished().size(), 1u);
  StateIs(2);
  side->Tick();
  EXPECT_EQ(Executions(), 1);
  clock.Advance(absl::Minutes(1));
  side->Tick();
  EXPECT_EQ(Executions(), 2);
  EXPECT_EQ(side->unfinished().size(), 0u);
}

TEST_F(UnfinishedPlansTest, AStepThatWasNotSentWaitsForTheSession) {
  StateIs(1);
  UpdateFirmware();
  session.on_perform = [](const std::string&, const lwm2m::v1::Operation&) {
    return Ended(lwm2m::v1::OUTCOME_UNSPECIFIED);
  };
  side->OnEvent(Notified("dev", "/5/0/3", {{"/5/0/3", 2}}));
  session.SetState(SessionPort::State::kNone);
  StateIs(2);
  clock.Advance(absl::Minutes(5));
  side->Tick();
  EXPECT_EQ(Executions(), 1);
  session.SetState(SessionPort::State::kUp);
  side->Tick();
  EXPECT_EQ(Executions(), 2);
}

TEST_F(UnfinishedPlansTest, TheConditionIsReadAfterEachRegister) {
  StateIs(1);
  UpdateFirmware();
  side->OnEvent(Deregistered("dev"));
  clock.Advance(absl::Minutes(2));
  side->Tick();
  EXPECT_EQ(Executions(), 0);
  StateIs(2);
  side->OnEvent(Registered("dev", {"/5/0"}, "b"));
  side->Tick();
  EXPECT_EQ(Executions(), 1);
}

TEST_F(UnfinishedPlansTest, IsReadNowAndThenWhenItCannotBeObserved) {
  StateIs(1);
  UpdateFirmware();
  session::v1::Event event = MakeEvent("dev");
  *event.mutable_observation_failed()->mutable_path() = lwm2m::MakePath(5, 0);
  *event.mutable_observation_failed()->mutable_result() = Answered(405);
  side->OnEvent(event);
  session.ClearLog();
  for (int second = 0; second < 150; ++second) {
    side->Tick();
    clock.Advance(absl::Seconds(1));
  }
  // Once after the write, then each minute.
  EXPECT_THAT(session.log(), ElementsAre("dev Read /5/0/3", "dev Read /5/0/3", "dev Read /5/0/3"));
  StateIs(2);
  clock.Advance(absl::Minutes(1));
  side->Tick();
  EXPECT_EQ(Executions(), 1);
}

TEST_F(UnfinishedPlansTest, EndsAfterABoundedTime) {
  StateIs(1);
  UpdateFirmware();
  clock.Advance(absl::Hours(20));
  Restart();
  side->Tick();
  EXPECT_EQ(side->unfinished().size(), 1u);
  clock.Advance(absl::Hours(4));
  side->Tick();
  EXPECT_EQ(side->unfinished().size(), 0u);
  Tells(2);
  EXPECT_EQ(Executions(), 0);
  EXPECT_THAT(resources.failed_updates(), testing::ElementsAre(testing::Pair("dev/o5-0", 0u)));
}

TEST_F(UnfinishedPlansTest, SettingTheClockEndsNothing) {
  StateIs(1);
  UpdateFirmware();
  clock.SetWallTime(clock.Now() + absl::Hours(48));
  side->Tick();
  EXPECT_EQ(side->unfinished().size(), 1u);
}

TEST_F(UnfinishedPlansTest, AValueBetweenTheReadAndTheKeepingIsNotOverlooked) {
  session.on_perform = nullptr;
  auto slot = Trigger();
  const FakeSession::Pending read = session.Take();
  side->OnEvent(Notified("dev", "/5/0/3", {{"/5/0/3", 2}}));  // overtakes the answer
  StateIs(2);
  read.callback(Content({{"/5/0/3", 1}}));
  EXPECT_EQ(Code(slot), 2004u);
  side->Tick();
  EXPECT_EQ(Executions(), 1);
}

TEST_F(UnfinishedPlansTest, WhatCannotBeKeptIsNotPromised) {
  StateIs(1);
  resources.down = absl::UnavailableError("disk full");
  auto slot = Trigger();
  EXPECT_EQ(Code(slot), 5000u);
  EXPECT_THAT((*slot)->reason, HasSubstr("disk full"));
  EXPECT_EQ(side->unfinished().size(), 0u);
}

TEST_F(UnfinishedPlansTest, TheRestDoesNotRunBesideARequest) {
  StateIs(1);
  UpdateFirmware();
  session.on_perform = nullptr;
  side->OnEvent(Notified("dev", "/5/0/3", {{"/5/0/3", 2}}));
  auto slot = Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(9)}}));
  EXPECT_THAT(session.log(), Not(Contains("dev Write /5/0/1 again")));
  ASSERT_EQ(session.pending(), 1u);  // the Execute alone
  session.Answer(Answered(204));
  ASSERT_EQ(session.pending(), 1u);
  EXPECT_TRUE(session.Take().operation.has_write());
}

TEST_F(UnfinishedPlansTest, FieldCaseFirmwareG_ARefusedExecuteEndsIt) {
  StateIs(1);
  UpdateFirmware();
  session.on_perform = [](const std::string&, const lwm2m::v1::Operation&) { return Answered(405); };
  side->OnEvent(Notified("dev", "/5/0/3", {{"/5/0/3", 2}}));
  EXPECT_EQ(Executions(), 1);
  EXPECT_EQ(side->unfinished().size(), 0u);
  EXPECT_THAT(resources.failed_updates(), testing::ElementsAre(testing::Pair("dev/o5-0", 4005u)));
}

TEST_F(UnfinishedPlansTest, EndedPlansLeaveNothingInTheStore) {
  const size_t before = resources.states();
  StateIs(1);
  UpdateFirmware();
  Tells(2);
  EXPECT_LE(resources.states(), before);
}

}  // namespace
}  // namespace isthmus::synchronizer
