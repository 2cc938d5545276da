#include "services/synchronizer/core/device/device_management.h"

#include "services/synchronizer/core/device/device_side_fixture.h"

namespace isthmus::synchronizer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DeviceManagementTest : public DeviceSideFixture {
 protected:
  DeviceManagementTest() { Begin(); }
  void Begin() {
    DeviceSays({{"/3/0/9", 80}});
    side->OnEvent(Registered("dev", {"/3/0", "/5/0"}));
    session.ClearLog();
    translation.requests = translation.responses = translation.notifications = 0;
  }
  void Expire(ManagementRequest& request, absl::Duration in) {
    request.primitive.mutable_request_expiration()->set_seconds(absl::ToUnixSeconds(clock.Now() + in));
  }
};

TEST_F(DeviceManagementTest, ARetrieveIsOneSessionRoundTripAndOneTranslation) {
  auto first = Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(Code(first), 2000u);
  EXPECT_EQ(ValueOf(first, "r9"), 80);
  EXPECT_EQ(translation.requests, 1);
  EXPECT_EQ(translation.responses, 1);
  EXPECT_THAT(session.log(), ElementsAre("dev Read /3/0"));
  ASSERT_EQ((*first)->steps.size(), 1u);
  EXPECT_EQ((*first)->steps[0].operation(), "Read /3/0");
  EXPECT_EQ((*first)->steps[0].outcome(), "2.05 Content, 1 resource");

  DeviceSays({{"/3/0/9", 60}});
  auto second = Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(ValueOf(second, "r9"), 60);
  EXPECT_EQ(translation.requests, 1);  // the plan was kept
  EXPECT_EQ(translation.responses, 2);
  EXPECT_EQ(session.log().size(), 2u);
}

TEST_F(DeviceManagementTest, AnotherMappingVersionIsAskedForNewPlans) {
  Perform(Retrieve("dev", "o3-0"));
  translation.version = "v2";
  Perform(Retrieve("dev", "o3-0"));  // the kept plan; its answer tells the version
  Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(translation.requests, 2);
}

TEST_F(DeviceManagementTest, ARefusalNeverReachesTheDevice) {
  translation.refusal = 4102;
  auto slot = Perform(Update("dev", "o3-0", {{"r14", onem2m::Integer(1)}}));
  EXPECT_EQ(Code(slot), 4102u);
  EXPECT_EQ((*slot)->reason, "refused");
  EXPECT_THAT(session.log(), IsEmpty());
}

TEST_F(DeviceManagementTest, AnUpdateWritesAndTellsWhatIsLocal) {
  auto slot = Perform(Update("dev", "o3-0", {{"r14", onem2m::Integer(7)}, {"lbl", onem2m::Text("x")}}));
  EXPECT_EQ(Code(slot), 2004u);
  EXPECT_EQ(ValueOf(slot, "r14"), 7);
  EXPECT_THAT((*slot)->local_attributes, ElementsAre("lbl"));
  EXPECT_THAT(session.log(), ElementsAre("dev Write /3/0/14"));
}

TEST_F(DeviceManagementTest, WhatIsLocalAloneNeedsNoDevice) {
  side->OnEvent(Deregistered("dev"));
  auto slot = Perform(Update("dev", "o3-0", {{"lbl", onem2m::Text("x")}}));
  EXPECT_EQ(Code(slot), 2004u);
  EXPECT_THAT(session.log(), IsEmpty());
}

TEST_F(DeviceManagementTest, ADeviceErrorIsWhatTranslationMakesOfIt) {
  session.on_perform = [](const std::string&, const lwm2m::v1::Operation&) { return Answered(404); };
  auto slot = Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(Code(slot), 6005u);
  EXPECT_EQ((*slot)->reason, "4.04 Not Found");
}

TEST_F(DeviceManagementTest, NotRegisteredIsAnsweredAtOnceWithSinceWhen) {
  clock.SetWallTime(absl::FromUnixSeconds(1700000000));
  side->OnEvent(Deregistered("dev", /*expired=*/true));
  auto slot = Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(Code(slot), 6003u);
  EXPECT_EQ((*slot)->reason, "device dev is not registered since 20231114T221320");
  EXPECT_THAT(session.log(), IsEmpty());
}

TEST_F(DeviceManagementTest, TheServerSaysNotRegistered) {
  session.on_perform = [](const std::string&, const lwm2m::v1::Operation&) {
    return Ended(lwm2m::v1::OUTCOME_NOT_REGISTERED);
  };
  EXPECT_EQ(Code(Perform(Retrieve("dev", "o3-0"))), 6003u);
}

TEST_F(DeviceManagementTest, NoAnswerInTheDevicesTime) {
  session.on_perform = nullptr;
  auto slot = Perform(Retrieve("dev", "o3-0"));
  const FakeSession::Pending pending = session.Take();
  EXPECT_LE(pending.deadline, clock.Now() + absl::Seconds(30));
  EXPECT_GE(pending.deadline, clock.Now() + absl::Seconds(29));
  EXPECT_EQ(pending.trace_id, "trace");
  clock.Advance(absl::Seconds(30));
  lwm2m::v1::OperationResult lost = Ended(lwm2m::v1::OUTCOME_TIMEOUT);
  lost.set_diagnostic("session lost while the request was under way");
  pending.callback(lost);
  EXPECT_EQ(Code(slot), 6003u);
  EXPECT_THAT((*slot)->reason, HasSubstr("did not answer within 30s (no answer in time: session lost while"));
}

TEST_F(DeviceManagementTest, TheRequestExpirationEndsIt) {
  session.on_perform = nullptr;
  ManagementRequest request = Retrieve("dev", "o3-0");
  Expire(request, absl::Seconds(5));
  auto slot = Perform(std::move(request));
  const FakeSession::Pending pending = session.Take();
  EXPECT_LT(pending.deadline, clock.Now() + absl::Seconds(5));
  clock.Advance(pending.deadline - clock.Now());
  pending.callback(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  EXPECT_EQ(Code(slot), 6030u);
}

TEST_F(DeviceManagementTest, AServerThatGivesUpEarlierIsNotTheRequestExpiration) {
  session.on_perform = nullptr;
  ManagementRequest request = Retrieve("dev", "o3-0");
  Expire(request, absl::Seconds(25));
  auto slot = Perform(std::move(request));
  clock.Advance(absl::Seconds(10));
  session.Answer(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  EXPECT_EQ(Code(slot), 6003u);
}

TEST_F(DeviceManagementTest, TheOperationExecutionTimeEndsIt) {
  session.on_perform = nullptr;
  ManagementRequest request = Retrieve("dev", "o3-0");
  request.primitive.mutable_operation_execution_time()->set_seconds(absl::ToUnixSeconds(clock.Now()) + 4);
  Expire(request, absl::Seconds(20));
  auto slot = Perform(std::move(request));
  clock.Advance(absl::Seconds(4));
  session.Answer(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  EXPECT_EQ(Code(slot), 6031u);
}

TEST_F(DeviceManagementTest, IsAnsweredInTimeWhateverTheSessionDoes) {
  session.on_perform = nullptr;
  ManagementRequest request = Retrieve("dev", "o3-0");
  Expire(request, absl::Seconds(5));
  auto slot = Perform(std::move(request));
  clock.Advance(absl::Seconds(5));
  side->Tick();
  EXPECT_EQ(Code(slot), 6030u);
  EXPECT_EQ(side->requests_in_flight(), 0u);
  session.Answer(Content({{"/3/0/9", 1}}));  // late: nobody hears it twice
}

TEST_F(DeviceManagementTest, NoSessionAndNoSessionInTime) {
  session.on_perform = nullptr;
  session.SetState(SessionPort::State::kNone, "connection refused");
  auto none = Perform(Retrieve("dev", "o3-0"));
  FakeSession::Pending pending = session.Take();
  EXPECT_EQ(pending.session_deadline, clock.Now() + absl::Seconds(3));
  pending.callback(Ended(lwm2m::v1::OUTCOME_UNSPECIFIED));
  EXPECT_EQ(Code(none), 6020u);
  EXPECT_THAT((*none)->reason, HasSubstr("connection refused"));
  session.SetState(SessionPort::State::kConnecting);
  auto late = Perform(Retrieve("dev", "o3-0"));
  session.Answer(Ended(lwm2m::v1::OUTCOME_UNSPECIFIED));
  EXPECT_EQ(Code(late), 6021u);
}

TEST_F(DeviceManagementTest, AMissingSessionIsToldBeforeTheRequestExpires) {
  session.on_perform = nullptr;
  ManagementRequest request = Retrieve("dev", "o3-0");
  Expire(request, absl::Seconds(1));
  auto slot = Perform(std::move(request));
  const FakeSession::Pending pending = session.Take();
  EXPECT_LT(pending.session_deadline, pending.deadline);
}

TEST_F(DeviceManagementTest, WithoutTranslationThereIsAnAnswerToo) {
  translation.down = absl::UnavailableError("translation is away");
  auto slot = Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(Code(slot), 5000u);
  EXPECT_THAT((*slot)->reason, HasSubstr("translation is away"));
}

TEST_F(DeviceManagementTest, FreshValuesAreNotReadAgain) {
  options.max_age = absl::Seconds(10);
  Restart();
  Begin();
  clock.Advance(absl::Minutes(1));
  EXPECT_EQ(Code(Perform(Retrieve("dev", "o3-0"))), 2000u);
  EXPECT_EQ(session.log().size(), 1u);
  clock.Advance(absl::Seconds(9));
  auto kept = Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(Code(kept), 2000u);
  EXPECT_EQ(session.log().size(), 1u);
  EXPECT_THAT((*kept)->attributes, IsEmpty());
  EXPECT_EQ((*kept)->steps[0].outcome(), "told by the device 9s ago");
  clock.Advance(absl::Seconds(1));
  Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(session.log().size(), 2u);
  // A write makes what was read doubtful.
  Perform(Update("dev", "o3-0", {{"r14", onem2m::Integer(1)}}));
  Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(session.log().size(), 4u);
}

TEST_F(DeviceManagementTest, ByDefaultEveryRetrieveReads) {
  Perform(Retrieve("dev", "o3-0"));
  Perform(Retrieve("dev", "o3-0"));
  EXPECT_EQ(session.log().size(), 2u);
}

TEST_F(DeviceManagementTest, UpdatesOfOneResourceRunOneAfterTheOther) {
  session.on_perform = nullptr;
  auto one = Perform(Update("dev", "o3-0", {{"r14", onem2m::Integer(1)}}));
  auto two = Perform(Update("dev", "o3-0", {{"r15", onem2m::Integer(2)}}));
  auto other = Perform(Update("dev", "o5-0", {{"r1", onem2m::Integer(3)}}));
  EXPECT_THAT(session.log(), ElementsAre("dev Write /3/0/14", "dev Write /5/0/1"));
  session.Answer(Answered(204));
  EXPECT_EQ(Code(one), 2004u);
  EXPECT_THAT(session.log(), ElementsAre("dev Write /3/0/14", "dev Write /5/0/1", "dev Write /3/0/15"));
  session.Answer(Answered(204));
  session.Answer(Answered(204));
  EXPECT_EQ(Code(two), 2004u);
  EXPECT_EQ(Code(other), 2004u);
}

TEST_F(DeviceManagementTest, ARequestThatExpiresInTheQueueIsNeverSent) {
  session.on_perform = nullptr;
  auto one = Perform(Update("dev", "o3-0", {{"r14", onem2m::Integer(1)}}));
  ManagementRequest request = Update("dev", "o3-0", {{"r15", onem2m::Integer(2)}});
  Expire(request, absl::Seconds(5));
  auto two = Perform(std::move(request));
  clock.Advance(absl::Seconds(5));
  side->Tick();
  EXPECT_EQ(Code(two), 6030u);
  session.Answer(Answered(204));
  EXPECT_EQ(Code(one), 2004u);
  EXPECT_THAT(session.log(), ElementsAre("dev Write /3/0/14"));
}

TEST_F(DeviceManagementTest, WhatWasWrittenBeforeATimeoutIsKept) {
  session.on_perform = nullptr;
  auto slot = Perform(Update("dev", "o3-0", {{"r14", onem2m::Integer(7)}, {"r15", onem2m::Integer(8)}}));
  session.Answer(Answered(204));
  clock.Advance(absl::Seconds(30));
  session.Answer(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  EXPECT_EQ(Code(slot), 6003u);
  EXPECT_EQ(resources.attribute("dev", "dev/o3-0", "r14"), 7);
  EXPECT_EQ(resources.attribute("dev", "dev/o3-0", "r15"), -1);
}

TEST_F(DeviceManagementTest, DeleteGoesToTheDevice) {
  auto slot = Perform(MakeRequest(onem2m::v1::OPERATION_TYPE_DELETE, "dev", "o5-0"));
  EXPECT_EQ(Code(slot), 2002u);
  EXPECT_THAT(session.log(), ElementsAre("dev Delete /5/0"));
}

}  // namespace
}  // namespace isthmus::synchronizer
