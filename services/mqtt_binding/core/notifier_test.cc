#include "services/mqtt_binding/core/notifier.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/onem2m/cbor/cbor_codec.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_matchers.h"
#include "services/mqtt_binding/core/fake_mqtt_client.h"
#include "services/mqtt_binding/core/notification_target.h"

namespace isthmus::mqtt_binding {
namespace {

using onem2m::v1::NotifyRequest;
using onem2m::v1::NotifyResponse;
using status::IsOk;
using status::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<std::string> kBrokers = {"127.0.0.1:1883", "broker.example:8884"};

TEST(NotificationTarget, IdsBecomeTopicsOfTheirReceiver) {
  const TopicScheme scheme("/id-in", "");
  for (const auto& [target, topic] :
       std::initializer_list<std::pair<const char*, const char*>>{{"Cmon", "/oneM2M/req/id-in/Cmon/json"},
                                                                  {"/id-in/Cmon", "/oneM2M/req/id-in/Cmon/json"},
                                                                  {"/id-mn", "/oneM2M/req/id-in/id-mn/json"},
                                                                  {"/id-mn/Cx", "/oneM2M/req/id-in/id-mn/json"}}) {
    const auto resolved = ResolveTarget(target, scheme, kBrokers);
    ASSERT_THAT(resolved, IsOk()) << target;
    EXPECT_EQ(resolved->topic, topic);
    EXPECT_FALSE(resolved->receiver.empty());
  }
}

TEST(NotificationTarget, UrlPathIsTheWholeTopic) {
  const TopicScheme scheme("/id-in", "");
  for (const auto& [target, topic] : std::initializer_list<std::pair<const char*, const char*>>{
           {"mqtt://127.0.0.1:1883/noti/x", "noti/x"},
           {"mqtt://localhost/noti/x?ct=json", "noti/x"},
           {"mqtt://Broker.Example:8884/a", "a"},
           {"mqtt://user:pw@127.0.0.1:1883//lead", "/lead"},
           {"mqtt://127.0.0.1//oneM2M/req/id-in/Cmon/json", "/oneM2M/req/id-in/Cmon/json"}}) {
    const auto resolved = ResolveTarget(target, scheme, kBrokers);
    ASSERT_THAT(resolved, IsOk()) << target;
    EXPECT_EQ(resolved->topic, topic);
    EXPECT_EQ(resolved->receiver, "");
  }
}

// Field case "notification to the wrong receiver, or to nobody"; ACME's storm.
TEST(NotificationTarget, WhatIsNoTargetOrComesBackIsRefused) {
  const TopicScheme scheme("/id-in", "");
  for (const char* target : {"",
                             "id-in",
                             "/id-in",
                             "/id-in/",
                             "/",
                             "//sp/id-in/Cx",
                             "cse-in/Cmon",
                             "/id-in/cse-in/Cmon",
                             "C+",
                             "C#",
                             "a\nb",
                             "http://h/x",
                             "mqtts://127.0.0.1:1883/x",
                             "mqtt://127.0.0.1:1883",
                             "mqtt://127.0.0.1:1883/",
                             "mqtt://other:1883/x",
                             "mqtt://127.0.0.1:1884/x",
                             "mqtt://127.0.0.1/a/#",
                             "mqtt://127.0.0.1/$SYS/x",
                             "mqtt://127.0.0.1//oneM2M/req/Cme/id-in/json",
                             "mqtt://127.0.0.1//oneM2M/resp/id-in/Cme/json",
                             "mqtt://127.0.0.1//oneM2M/reg_req/Cme/id-in/json"}) {
    EXPECT_THAT(ResolveTarget(target, scheme, kBrokers), StatusIs(absl::StatusCode::kInvalidArgument)) << target;
  }
}

TEST(NotificationTarget, TheSerialisationOfIdsIsGivenAndThatOfUrlsIsInThem) {
  const TopicScheme scheme("/id-in", "");
  auto resolved = ResolveTarget("Cmon", scheme, kBrokers, "cbor");
  ASSERT_THAT(resolved, IsOk());
  EXPECT_EQ(resolved->topic, "/oneM2M/req/id-in/Cmon/cbor");
  EXPECT_EQ(resolved->serialization, "cbor");
  resolved = ResolveTarget("mqtt://127.0.0.1/noti/x?ct=xml", scheme, kBrokers, "cbor");
  ASSERT_THAT(resolved, IsOk());
  EXPECT_EQ(resolved->topic, "noti/x");
  EXPECT_EQ(resolved->serialization, "xml");
}

class NotifierTest : public ::testing::Test {
 protected:
  NotifyRequest Request(const std::string& target, const std::string& rqi = "n1") {
    NotifyRequest request;
    request.set_target(target);
    request.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_NOTIFY);
    request.mutable_primitive()->set_to(target);
    request.mutable_primitive()->set_from("/id-in");
    request.mutable_primitive()->set_request_identifier(rqi);
    request.mutable_primitive()->set_release_version_indicator("4");
    return request;
  }
  void Notify(NotifyRequest request, absl::Duration timeout = absl::Seconds(10)) {
    notifier_.Notify(std::move(request), timeout,
                     [this](absl::StatusOr<NotifyResponse> response) { outcomes_.push_back(std::move(response)); });
  }
  Topic AnswerTopic(const std::string& receiver) { return {TopicKind::kResponse, "id-in", receiver, "json"}; }
  static std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> Codecs() {
    std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> codecs;
    codecs.push_back(std::make_unique<onem2m::JsonCodec>());
    codecs.push_back(std::make_unique<onem2m::CborCodec>());
    return codecs;
  }

  TopicScheme scheme_{"/id-in", ""};
  onem2m::CodecRegistry codecs_{Codecs()};
  FakeMqttClient mqtt_;
  FakeClock clock_;
  Notifier notifier_{&scheme_, &codecs_, &mqtt_, &clock_, kBrokers};
  std::vector<absl::StatusOr<NotifyResponse>> outcomes_;
};

TEST_F(NotifierTest, PublishesAndGivesTheAnswer) {
  Notify(Request("Cmon"));
  const auto published = mqtt_.Take();
  ASSERT_THAT(published, SizeIs(1));
  EXPECT_EQ(published[0].topic, "/oneM2M/req/id-in/Cmon/json");
  EXPECT_EQ(published[0].payload, R"({"op":5,"to":"Cmon","fr":"/id-in","rqi":"n1","rvi":"4"})");
  EXPECT_EQ(published[0].expires, clock_.Now() + absl::Seconds(10));
  EXPECT_THAT(outcomes_, IsEmpty());

  EXPECT_TRUE(notifier_.OnAnswer(AnswerTopic("Cmon"), R"({"rsc":2000,"rqi":"n1","rvi":"4"})"));
  ASSERT_THAT(outcomes_, SizeIs(1));
  ASSERT_THAT(outcomes_[0], IsOk());
  EXPECT_EQ(outcomes_[0]->primitive().response_status_code(), 2000u);
  // A second copy of the answer (QoS 1) is nobody's.
  EXPECT_FALSE(notifier_.OnAnswer(AnswerTopic("Cmon"), R"({"rsc":2000,"rqi":"n1","rvi":"4"})"));
  EXPECT_THAT(outcomes_, SizeIs(1));
  EXPECT_EQ(notifier_.pending(), 0u);
}

TEST_F(NotifierTest, SpeaksTheSerialisationOfTheTarget) {
  NotifyRequest request = Request("Cmon");
  request.set_serialization("cbor");
  Notify(request);
  const auto published = mqtt_.Take();
  ASSERT_THAT(published, SizeIs(1));
  EXPECT_EQ(published[0].topic, "/oneM2M/req/id-in/Cmon/cbor");
  const onem2m::CborCodec cbor;
  EXPECT_EQ(published[0].payload, cbor.EncodeRequest(request.primitive()));
  onem2m::v1::ResponsePrimitive answer;
  answer.set_response_status_code(2000);
  answer.set_request_identifier("n1");
  EXPECT_TRUE(notifier_.OnAnswer({TopicKind::kResponse, "id-in", "Cmon", "cbor"}, cbor.EncodeResponse(answer)));
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_THAT(outcomes_[0], IsOk());

  request.set_serialization("yaml");
  Notify(request);
  ASSERT_THAT(outcomes_, SizeIs(2));
  EXPECT_THAT(outcomes_[1], StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'yaml' is not known")));
}

TEST_F(NotifierTest, AnswersOfOthersAreNotTaken) {
  Notify(Request("Cmon"));
  EXPECT_FALSE(notifier_.OnAnswer(AnswerTopic("Cother"), R"({"rsc":2000,"rqi":"n1","rvi":"4"})"));
  EXPECT_FALSE(notifier_.OnAnswer(AnswerTopic("Cmon"), R"({"rsc":2000,"rqi":"n2","rvi":"4"})"));
  EXPECT_FALSE(notifier_.OnAnswer(AnswerTopic("Cmon"), "garbage"));
  EXPECT_THAT(outcomes_, IsEmpty());
}

TEST_F(NotifierTest, UnreadableAnswerEndsTheWait) {
  Notify(Request("Cmon"));
  EXPECT_TRUE(notifier_.OnAnswer(AnswerTopic("Cmon"), R"({"rqi":"n1","rvi":"4"})"));
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_THAT(outcomes_[0], StatusIs(absl::StatusCode::kInternal, HasSubstr("rsc is missing")));
}

TEST_F(NotifierTest, SilenceIsDeadlineExceededOnce) {
  Notify(Request("Cmon"), absl::Seconds(10));
  clock_.Advance(absl::Seconds(9));
  notifier_.Tick();
  EXPECT_THAT(outcomes_, IsEmpty());
  clock_.Advance(absl::Seconds(1));
  notifier_.Tick();
  notifier_.Tick();
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_THAT(outcomes_[0], StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(notifier_.OnAnswer(AnswerTopic("Cmon"), R"({"rsc":2000,"rqi":"n1","rvi":"4"})"));
}

// Field case "order after a reconnect": a line that was cut without a word must not cost a notification.
TEST_F(NotifierTest, WhatTheBrokerDidNotTakeInTimeIsUnavailable) {
  mqtt_.set_acknowledge(false);
  Notify(Request("Cmon", "never"), absl::Seconds(10));
  Notify(Request("Cmon", "late"), absl::Seconds(10));
  Notify(Request("Cmon", "expired"), absl::Seconds(10));
  const auto published = mqtt_.Take();
  ASSERT_THAT(published, SizeIs(3));
  published[1].done(absl::OkStatus());
  published[2].done(absl::DeadlineExceededError("expired before it was sent"));
  clock_.Advance(absl::Seconds(10));
  notifier_.Tick();
  ASSERT_THAT(outcomes_, SizeIs(3));
  EXPECT_THAT(outcomes_[0], StatusIs(absl::StatusCode::kUnavailable, HasSubstr("expired")));
  EXPECT_THAT(outcomes_[1], StatusIs(absl::StatusCode::kUnavailable, HasSubstr("broker did not take")));
  EXPECT_THAT(outcomes_[2], StatusIs(absl::StatusCode::kDeadlineExceeded));
  published[0].done(absl::OkStatus());
  EXPECT_THAT(outcomes_, SizeIs(3));
}

TEST_F(NotifierTest, HostClockJumpsEndNothing) {
  Notify(Request("Cmon"), absl::Seconds(10));
  clock_.SetWallTime(clock_.Now() + absl::Hours(1));
  notifier_.Tick();
  EXPECT_THAT(outcomes_, IsEmpty());
}

TEST_F(NotifierTest, UrlTargetsReturnWhenTheBrokerHasTheMessage) {
  mqtt_.set_acknowledge(false);
  Notify(Request("mqtt://127.0.0.1:1883/noti/x"));
  const auto published = mqtt_.Take();
  ASSERT_THAT(published, SizeIs(1));
  EXPECT_EQ(published[0].topic, "noti/x");
  EXPECT_THAT(outcomes_, IsEmpty());
  published[0].done(absl::OkStatus());
  ASSERT_THAT(outcomes_, SizeIs(1));
  ASSERT_THAT(outcomes_[0], IsOk());
  EXPECT_FALSE(outcomes_[0]->has_primitive());
}

// Field case "order after a reconnect, and what the broker throws away".
TEST_F(NotifierTest, WithoutAnswerItReturnsWhenTheBrokerHasTheMessage) {
  mqtt_.set_acknowledge(false);
  NotifyRequest request = Request("Cmon");
  request.set_without_answer(true);
  Notify(request);
  Notify(request);  // nobody waits for an answer, so the rqi is free
  const auto published = mqtt_.Take();
  ASSERT_THAT(published, SizeIs(2));
  EXPECT_EQ(published[0].topic, "/oneM2M/req/id-in/Cmon/json");
  EXPECT_THAT(outcomes_, IsEmpty());
  published[0].done(absl::OkStatus());
  ASSERT_THAT(outcomes_, SizeIs(1));
  ASSERT_THAT(outcomes_[0], IsOk());
  EXPECT_FALSE(outcomes_[0]->has_primitive());
  EXPECT_FALSE(notifier_.OnAnswer(AnswerTopic("Cmon"), R"({"rsc":2000,"rqi":"n1","rvi":"4"})"));
  clock_.Advance(absl::Seconds(10));
  notifier_.Tick();
  ASSERT_THAT(outcomes_, SizeIs(2));
  EXPECT_THAT(outcomes_[1], StatusIs(absl::StatusCode::kUnavailable, HasSubstr("broker did not take")));
}

TEST_F(NotifierTest, NothingIsSentWithoutABrokerOrToNobody) {
  mqtt_.set_connected(false);
  Notify(Request("Cmon"));
  mqtt_.set_connected(true);
  Notify(Request("/id-in"));
  Notify(Request("mqtt://127.0.0.1/x?ct=xml"));
  NotifyRequest no_notify = Request("Cmon");
  no_notify.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_UPDATE);
  Notify(no_notify);
  Notify(Request("Cmon", ""));
  Notify(Request("Cmon"), absl::ZeroDuration());
  ASSERT_THAT(outcomes_, SizeIs(6));
  EXPECT_THAT(outcomes_[0], StatusIs(absl::StatusCode::kUnavailable));
  for (int i = 1; i < 5; ++i) EXPECT_THAT(outcomes_[i], StatusIs(absl::StatusCode::kInvalidArgument)) << i;
  EXPECT_THAT(outcomes_[5], StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(mqtt_.Take(), IsEmpty());
}

TEST_F(NotifierTest, ALostMessageIsUnavailableNotSilence) {
  mqtt_.set_outcome(absl::ResourceExhaustedError("too many messages wait"));
  Notify(Request("Cmon"));
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_THAT(outcomes_[0], StatusIs(absl::StatusCode::kUnavailable, HasSubstr("too many")));
}

TEST_F(NotifierTest, OneRequestIdentifierAtATimePerTarget) {
  Notify(Request("Cmon"));
  Notify(Request("Cother"));
  Notify(Request("Cmon"));
  ASSERT_THAT(outcomes_, SizeIs(1));
  EXPECT_THAT(outcomes_[0], StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(notifier_.pending(), 2u);
  notifier_.Shutdown();
  ASSERT_THAT(outcomes_, SizeIs(3));
  EXPECT_THAT(outcomes_[2], StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(notifier_.pending(), 0u);
  // Whoever comes now must not wait for an answer that nobody will hear.
  Notify(Request("Cmon", "after"));
  ASSERT_THAT(outcomes_, SizeIs(4));
  EXPECT_THAT(outcomes_[3], StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopped")));
  EXPECT_EQ(notifier_.pending(), 0u);
}

}  // namespace
}  // namespace isthmus::mqtt_binding
