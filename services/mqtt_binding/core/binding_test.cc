#include "services/mqtt_binding/core/binding.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/onem2m/cbor/cbor_codec.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/onem2m/value.h"
#include "services/mqtt_binding/core/fake_cse_port.h"
#include "services/mqtt_binding/core/fake_mqtt_client.h"

namespace isthmus::mqtt_binding {
namespace {

using onem2m::v1::HandleResponse;
using onem2m::v1::ResponsePrimitive;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> Codecs() {
  std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> codecs;
  codecs.push_back(std::make_unique<onem2m::JsonCodec>());
  codecs.push_back(std::make_unique<onem2m::CborCodec>());
  return codecs;
}

class BindingTest : public ::testing::Test {
 protected:
  void Send(absl::string_view topic, absl::string_view payload, bool retained = false) {
    binding_->OnMessage({topic, payload, retained, false});
  }
  static std::string Retrieve(absl::string_view rqi, absl::string_view fr = "Cme", absl::string_view more = "") {
    return absl::StrCat(R"({"op":2,"to":"cse-in/n/bat","fr":")", fr, R"(","rqi":")", rqi, R"(","rvi":"4")", more, "}");
  }
  static HandleResponse Answer(uint32_t code, const std::string& rqi) {
    HandleResponse response;
    response.mutable_primitive()->set_response_status_code(code);
    response.mutable_primitive()->set_request_identifier(rqi);
    return response;
  }
  // The one answer that was published, checked to be well-formed.
  ResponsePrimitive TakeAnswer(absl::string_view topic) {
    const auto published = mqtt_.Take();
    EXPECT_THAT(published, SizeIs(1));
    if (published.size() != 1) return {};
    EXPECT_EQ(published[0].topic, topic);
    auto decoded = onem2m::JsonCodec().DecodeResponse(published[0].payload);
    if (const auto* error = std::get_if<onem2m::DecodeError>(&decoded)) {
      // Answers to what had no readable rqi have none either.
      EXPECT_EQ(error->reason, "rqi is missing");
      EXPECT_THAT(published[0].payload, HasSubstr("\"rsc\":4000"));
      EXPECT_THAT(published[0].payload, HasSubstr("\"rvi\":\"4\""));
      return {};
    }
    auto response = std::get<ResponsePrimitive>(decoded);
    EXPECT_FALSE(response.release_version_indicator().empty());
    EXPECT_EQ(response.from(), "/id-in");
    EXPECT_FALSE(response.originating_timestamp().empty());
    return response;
  }
  std::string DebugOf(const ResponsePrimitive& response) {
    return response.primitive_content().name() == "m2m:dbg" ? response.primitive_content().value().text() : "";
  }
  void Restart(BindingOptions options) {
    options_ = options;
    binding_ = std::make_unique<Binding>(options_, &scheme_, &codecs_, &clock_, &cse_, &mqtt_, &notifier_);
  }

  BindingOptions options_;
  TopicScheme scheme_{"/id-in", ""};
  onem2m::CodecRegistry codecs_{Codecs()};
  FakeClock clock_;
  FakeMqttClient mqtt_;
  FakeCsePort cse_;
  Notifier notifier_{&scheme_, &codecs_, &mqtt_, &clock_, {"127.0.0.1:1883"}};
  std::unique_ptr<Binding> binding_ =
      std::make_unique<Binding>(options_, &scheme_, &codecs_, &clock_, &cse_, &mqtt_, &notifier_);
};

constexpr char kRequestTopic[] = "/oneM2M/req/Cme/id-in/json";
constexpr char kAnswerTopic[] = "/oneM2M/resp/Cme/id-in/json";

TEST_F(BindingTest, RequestGoesToTheCseAndItsAnswerToTheMirroredTopic) {
  Send(kRequestTopic, Retrieve("r1"));
  auto calls = cse_.Take();
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].request.primitive().to(), "cse-in/n/bat");
  EXPECT_FALSE(calls[0].request.registration());
  EXPECT_THAT(calls[0].request.trace_id(), SizeIs(16));
  EXPECT_EQ(calls[0].deadline, clock_.Now() + absl::Seconds(60));
  EXPECT_EQ(binding_->in_flight(), 1u);
  calls[0].done(Answer(2000, "r1"));
  const ResponsePrimitive answer = TakeAnswer(kAnswerTopic);
  EXPECT_EQ(answer.response_status_code(), 2000u);
  EXPECT_EQ(answer.request_identifier(), "r1");
  EXPECT_EQ(answer.release_version_indicator(), "4");
  EXPECT_EQ(answer.to(), "Cme");
  EXPECT_TRUE(binding_->WaitUntilIdle(absl::ZeroDuration()));
}

TEST_F(BindingTest, TheAnswerIsInTheSerialisationOfTheRequest) {
  const onem2m::CborCodec cbor;
  const auto decoded = onem2m::JsonCodec().DecodeRequest(Retrieve("r1"), clock_.Now());
  const auto& request = std::get<onem2m::v1::RequestPrimitive>(decoded);
  Send("/oneM2M/req/Cme/id-in/cbor", cbor.EncodeRequest(request));
  // In another serialisation it is another request: its answer has another text.
  Send(kRequestTopic, Retrieve("r1"));
  auto calls = cse_.Take();
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_EQ(calls[0].request.primitive().SerializeAsString(), request.SerializeAsString());
  calls[0].done(Answer(2000, "r1"));
  auto published = mqtt_.Take();
  ASSERT_THAT(published, SizeIs(1));
  EXPECT_EQ(published[0].topic, "/oneM2M/resp/Cme/id-in/cbor");
  auto answer = cbor.DecodeResponse(published[0].payload);
  ASSERT_TRUE(std::holds_alternative<ResponsePrimitive>(answer));
  EXPECT_EQ(std::get<ResponsePrimitive>(answer).response_status_code(), 2000u);
  calls[1].done(Answer(2000, "r1"));
  mqtt_.Take();

  // What is wrong is said in it too, with the identifier.
  const std::string whole = cbor.EncodeRequest(request);
  Send("/oneM2M/req/Cme/id-in/cbor", whole.substr(0, whole.size() - 1));
  published = mqtt_.Take();
  ASSERT_THAT(published, SizeIs(1));
  answer = cbor.DecodeResponse(published[0].payload);
  ASSERT_TRUE(std::holds_alternative<ResponsePrimitive>(answer));
  EXPECT_EQ(std::get<ResponsePrimitive>(answer).response_status_code(), 4000u);
  EXPECT_EQ(std::get<ResponsePrimitive>(answer).request_identifier(), "r1");
  EXPECT_THAT(DebugOf(std::get<ResponsePrimitive>(answer)), HasSubstr("cut short"));
}

TEST_F(BindingTest, SegmentsOfTheAnswerAreCopiedLiterally) {
  Send("/oneM2M/req/id-in:Cme/id-in", Retrieve("r1", "/id-in/Cme"));
  cse_.Take().at(0).done(Answer(2000, "r1"));
  EXPECT_EQ(TakeAnswer("/oneM2M/resp/id-in:Cme/id-in").to(), "/id-in/Cme");
}

TEST_F(BindingTest, RqetIsTheDeadline) {
  Send(kRequestTopic, Retrieve("r1", "Cme", R"(,"rqet":"120000")"));
  const auto calls = cse_.Take();
  ASSERT_THAT(calls, SizeIs(1));
  // The CSE watches rqet itself; we give up a little later.
  EXPECT_GT(calls[0].deadline, clock_.Now() + absl::Seconds(120));
  EXPECT_LE(calls[0].deadline, clock_.Now() + absl::Seconds(122));
}

TEST_F(BindingTest, PassedRqetIs4008AndNotExecuted) {
  Send(kRequestTopic, Retrieve("r1", "Cme", R"(,"rqet":"20200101T000000")"));
  EXPECT_THAT(cse_.Take(), IsEmpty());
  EXPECT_EQ(TakeAnswer(kAnswerTopic).response_status_code(), 4008u);
}

TEST_F(BindingTest, OriginatorMustBeWhoTheTopicSays) {
  Send(kRequestTopic, Retrieve("r1", "CAdmin"));
  ResponsePrimitive answer = TakeAnswer(kAnswerTopic);
  EXPECT_EQ(answer.response_status_code(), 4106u);
  EXPECT_EQ(answer.request_identifier(), "r1");
  Send(kRequestTopic, R"({"op":2,"to":"cse-in","rqi":"r2","rvi":"4"})");
  answer = TakeAnswer(kAnswerTopic);
  EXPECT_EQ(answer.response_status_code(), 4000u);
  EXPECT_EQ(DebugOf(answer), "fr is missing");
  Send("/oneM2M/req/id-in/id-in/json", Retrieve("r3", "/id-in"));
  EXPECT_EQ(TakeAnswer("/oneM2M/resp/id-in/id-in/json").response_status_code(), 4107u);
  EXPECT_THAT(cse_.Take(), IsEmpty());
  Send("/oneM2M/req/id-mn/id-in/json", Retrieve("r4", "/id-mn/Cx"));
  EXPECT_THAT(cse_.Take(), SizeIs(1));
}

TEST_F(BindingTest, RegistrationTakesOnlyRegistrations) {
  const std::string ae = R"({"op":1,"ty":2,"to":"cse-in","fr":"","rqi":"a","rvi":"4","pc":{"m2m:ae":{}}})";
  Send("/oneM2M/reg_req/cred/id-in/json", ae);
  auto calls = cse_.Take();
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_TRUE(calls[0].request.registration());
  HandleResponse response = Answer(2001, "a");
  response.mutable_primitive()->set_to("Cnew");
  calls[0].done(response);
  EXPECT_EQ(TakeAnswer("/oneM2M/reg_resp/cred/id-in/json").to(), "Cnew");

  // Any other request would go around the check of the originator.
  Send("/oneM2M/reg_req/cred/id-in/json", Retrieve("r1", "CAdmin"));
  EXPECT_EQ(TakeAnswer("/oneM2M/reg_resp/cred/id-in/json").response_status_code(), 4000u);
  Send("/oneM2M/reg_req/cred/id-in/json",
       R"({"op":1,"ty":1,"to":"cse-in","fr":"CAdmin","rqi":"b","rvi":"4","pc":{"m2m:acp":{}}})");
  EXPECT_EQ(TakeAnswer("/oneM2M/reg_resp/cred/id-in/json").response_status_code(), 4000u);
  Send("/oneM2M/reg_req/cred/id-in/json", R"({"op":1,"ty":16,"to":"cse-in","rqi":"c","rvi":"4","pc":{"m2m:csr":{}}})");
  EXPECT_EQ(TakeAnswer("/oneM2M/reg_resp/cred/id-in/json").response_status_code(), 4000u);
  EXPECT_THAT(cse_.Take(), IsEmpty());
}

TEST_F(BindingTest, TwoAesWithTheSameUnassignedIdentityAreNotDuplicates) {
  const std::string ae = R"({"op":1,"ty":2,"to":"cse-in","fr":"C","rqi":"1","rvi":"4","pc":{"m2m:ae":{}}})";
  Send("/oneM2M/reg_req/cred1/id-in/json", ae);
  Send("/oneM2M/reg_req/cred2/id-in/json", ae);
  EXPECT_THAT(cse_.Take(), SizeIs(2));
}

TEST_F(BindingTest, DuplicateWhileRunningIsNotExecutedAndAnsweredOnce) {
  Send(kRequestTopic, Retrieve("r1"));
  Send(kRequestTopic, Retrieve("r1"));
  auto calls = cse_.Take();
  ASSERT_THAT(calls, SizeIs(1));
  calls[0].done(Answer(2000, "r1"));
  EXPECT_EQ(TakeAnswer(kAnswerTopic).response_status_code(), 2000u);
  EXPECT_EQ(binding_->counters().duplicates, 1u);
  EXPECT_EQ(binding_->in_flight(), 0u);
}

TEST_F(BindingTest, DuplicateAfterwardsGetsTheSameAnswerAgain) {
  Send(kRequestTopic, Retrieve("r1"));
  cse_.Take().at(0).done(Answer(2004, "r1"));
  const auto first = mqtt_.Take();
  clock_.Advance(absl::Minutes(4));
  Send(kRequestTopic, Retrieve("r1"));
  EXPECT_THAT(cse_.Take(), IsEmpty());
  const auto second = mqtt_.Take();
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].payload, first.at(0).payload);
  clock_.Advance(absl::Minutes(1));
  Send(kRequestTopic, Retrieve("r1"));
  EXPECT_THAT(cse_.Take(), SizeIs(1));
}

TEST_F(BindingTest, RepeatedWithNewTimesIsStillADuplicate) {
  Send(kRequestTopic, Retrieve("r1", "Cme", R"(,"ot":"20231114T221320","rqet":"5000","rset":"6000","oet":"10")"));
  clock_.Advance(absl::Seconds(1));
  Send(kRequestTopic, Retrieve("r1", "Cme", R"(,"ot":"20231114T221321","rqet":"5000","rset":"6000","oet":"10")"));
  const auto calls = cse_.Take();
  ASSERT_THAT(calls, SizeIs(1));
  // What was set aside for the comparison is there.
  EXPECT_EQ(calls[0].request.primitive().originating_timestamp(), "20231114T221320");
  EXPECT_TRUE(calls[0].request.primitive().has_operation_execution_time());
  EXPECT_THAT(calls[0].request.primitive().other_parameters(), SizeIs(1));
}

TEST_F(BindingTest, OneIdentifierForDifferentQuestionsGetsDifferentAnswers) {
  Send(kRequestTopic, Retrieve("1"));
  Send(kRequestTopic, R"({"op":3,"to":"cse-in/n/bat","fr":"Cme","rqi":"1","rvi":"4","pc":{"m2m:bat":{"btl":1}}})");
  EXPECT_THAT(cse_.Take(), SizeIs(2));
}

// Field case "retained requests".
TEST_F(BindingTest, RetainedMessagesAreNeverExecuted) {
  Send(kRequestTopic, R"({"op":3,"to":"cse-in/n/rbo","fr":"Cme","rqi":"1","rvi":"4","pc":{"m2m:rbo":{"rbo":true}}})",
       /*retained=*/true);
  Send("/oneM2M/resp/id-in/Cme/json", R"({"rsc":2000,"rqi":"1","rvi":"4"})", /*retained=*/true);
  EXPECT_THAT(cse_.Take(), IsEmpty());
  EXPECT_THAT(mqtt_.Take(), IsEmpty());
  EXPECT_EQ(binding_->counters().retained, 2u);
}

// Field case "oneM2M requests as AEs send them".
TEST_F(BindingTest, StrayTopicsAreSilenceAndNotExecuted) {
  for (const char* topic :
       {"/oneM2M/req/:id-x:Cme/:id-in/json", "/oneM2M/req/Cme/:id-in/json", "oneM2M/req/Cme/id-in/json",
        "/oneM2M/req/Cme/id-in/JSON", "/oneM2M/req/Cme/id-in/json/x", "/oneM2M/req/Cme/id-other/json",
        "/oneM2M/req/Cme", "/oneM2M/resp/Cme/id-in/json", "/oneM2M/reg_resp/cred/id-in/json", "noti/x"}) {
    Send(topic, Retrieve("r1"));
    EXPECT_THAT(cse_.Take(), IsEmpty()) << topic;
    EXPECT_THAT(mqtt_.Take(), IsEmpty()) << topic;
  }
  EXPECT_EQ(binding_->counters().stray, 10u);
}

TEST_F(BindingTest, WhatCannotBeReadIsAnsweredWithItsIdentifier) {
  for (const std::string& payload :
       {std::string(R"({"m2m:rqp":{"op":2,"fr":"Cme","to":"cse-in/n/bat","rqi":"w","rvi":"4"}})"),
        std::string(R"({"op":3,"fr":"Cme","to":"x","rqi":"w","rvi":"4","pc":"{\"m2m:bat\":{\"btl\":5}}"})"),
        "\xEF\xBB\xBF" + Retrieve("w"), std::string(R"({"op":2,"fr":"Cme","to":"x","rqi":"w","rvi":"4",})"),
        R"({"op":2,"fr":"Cme","to":"x","rqi":"w","pc":)" + std::string(10'000, '[') + std::string(10'000, ']') + "}"}) {
    Send(kRequestTopic, payload);
    const ResponsePrimitive answer = TakeAnswer(kAnswerTopic);
    EXPECT_EQ(answer.response_status_code(), 4000u) << payload.substr(0, 100);
    EXPECT_EQ(answer.request_identifier(), "w") << payload.substr(0, 100);
    EXPECT_FALSE(DebugOf(answer).empty());
  }
  for (const std::string& payload :
       {std::string(), std::string("hello"), std::string("[]"), std::string("\x00\x01", 2)}) {
    Send(kRequestTopic, payload);
    TakeAnswer(kAnswerTopic);
  }
  EXPECT_THAT(cse_.Take(), IsEmpty());
}

TEST_F(BindingTest, OversizedPayloadIsRefusedWithItsIdentifier) {
  const std::string filler(1 << 20, 'x');
  Send(kRequestTopic,
       absl::StrCat(R"({"op":3,"to":"x","fr":"Cme","rqi":"big","rvi":"4","pc":{"m2m:bat":{"x":")", filler, "\"}}}"));
  const ResponsePrimitive answer = TakeAnswer(kAnswerTopic);
  EXPECT_EQ(answer.response_status_code(), 4000u);
  EXPECT_EQ(answer.request_identifier(), "big");
  EXPECT_THAT(DebugOf(answer), HasSubstr("at most 262144"));
  // A request with a tail of blanks is as long as it is.
  Send(kRequestTopic, Retrieve("blank") + std::string(1 << 20, ' '));
  EXPECT_EQ(TakeAnswer(kAnswerTopic).response_status_code(), 4000u);
  EXPECT_THAT(cse_.Take(), IsEmpty());
}

TEST_F(BindingTest, EveryFailureOfTheCseIsAnswered) {
  int i = 0;
  for (const auto& [status, code] :
       std::vector<std::pair<absl::Status, uint32_t>>{{absl::UnavailableError("x"), 5103},
                                                      {absl::AbortedError("x"), 5103},
                                                      {absl::CancelledError("x"), 5103},
                                                      {absl::DeadlineExceededError("x"), 5103},
                                                      {absl::InternalError("x"), 5000}}) {
    const std::string rqi = absl::StrCat("r", ++i);
    Send(kRequestTopic, Retrieve(rqi));
    cse_.Take().at(0).done(status);
    const ResponsePrimitive answer = TakeAnswer(kAnswerTopic);
    EXPECT_EQ(answer.response_status_code(), code) << status;
    EXPECT_EQ(answer.request_identifier(), rqi);
    EXPECT_FALSE(DebugOf(answer).empty());
  }
  Send(kRequestTopic, Retrieve("q", "Cme", R"(,"rqet":"1000")"));
  clock_.Advance(absl::Seconds(3));
  cse_.Take().at(0).done(absl::DeadlineExceededError("x"));
  auto published = mqtt_.Take();
  ASSERT_THAT(published, SizeIs(1));
  EXPECT_THAT(published[0].payload, HasSubstr("\"rsc\":4008"));
  // Given when rqet passes, and still to be sent.
  EXPECT_GT(published[0].expires, clock_.Now());
  Send(kRequestTopic, Retrieve("empty"));
  cse_.Take().at(0).done(HandleResponse());
  EXPECT_EQ(TakeAnswer(kAnswerTopic).response_status_code(), 5000u);
}

TEST_F(BindingTest, NoResponseIsExecutedAndNotAnswered) {
  Send(kRequestTopic, Retrieve("r1", "Cme", R"(,"rt":{"rtv":5})"));
  cse_.Take().at(0).done(Answer(2000, "r1"));
  Send(kRequestTopic, Retrieve("r1", "Cme", R"(,"rt":{"rtv":5})"));
  EXPECT_THAT(cse_.Take(), IsEmpty());
  EXPECT_THAT(mqtt_.Take(), IsEmpty());
}

TEST_F(BindingTest, RequestsUnderWayAreBounded) {
  BindingOptions options;
  options.in_flight_limit = 2;
  Restart(options);
  for (const char* rqi : {"a", "b", "c"}) Send(kRequestTopic, Retrieve(rqi));
  EXPECT_EQ(TakeAnswer(kAnswerTopic).response_status_code(), 5103u);
  auto calls = cse_.Take();
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_FALSE(binding_->WaitUntilIdle(absl::ZeroDuration()));
  for (auto& call : calls) call.done(Answer(2000, "x"));
  EXPECT_TRUE(binding_->WaitUntilIdle(absl::ZeroDuration()));
  mqtt_.Take();
  Send(kRequestTopic, Retrieve("c"));
  EXPECT_THAT(cse_.Take(), SizeIs(1));
}

TEST_F(BindingTest, OldReleasesAreAnsweredInOneThatPeersRead) {
  for (const auto& [asked, answered] : std::initializer_list<std::pair<const char*, const char*>>{
           {"1", "4"}, {"2a", "2a"}, {"3", "3"}, {"5", "5"}, {"99", "4"}}) {
    Send(kRequestTopic, absl::StrCat(R"({"op":2,"to":"x","fr":"Cme","rqi":"v)", asked, R"(","rvi":")", asked, "\"}"));
    const auto calls = cse_.Take();
    ASSERT_THAT(calls, SizeIs(1));
    HandleResponse response = Answer(2000, "v");
    response.mutable_primitive()->set_release_version_indicator(asked);
    calls[0].done(response);
    EXPECT_EQ(TakeAnswer(kAnswerTopic).release_version_indicator(), answered);
  }
}

// For the thread sanitizer: requests, duplicates and outcomes from several threads.
TEST_F(BindingTest, ManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRequests = 200;
  std::atomic<bool> sending{true};
  std::thread cse([&] {
    while (true) {
      const bool last = !sending;
      for (auto& call : cse_.Take()) call.done(Answer(2000, call.request.primitive().request_identifier()));
      if (last) return;
    }
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRequests; ++i) {
        const std::string request = Retrieve(absl::StrCat(t % 2, ".", i));  // two threads send the same
        Send(kRequestTopic, request);
        notifier_.Tick();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  sending = false;
  cse.join();
  EXPECT_TRUE(binding_->WaitUntilIdle(absl::Seconds(10)));
  EXPECT_EQ(binding_->counters().requests, 2u * kRequests);
  EXPECT_EQ(binding_->counters().duplicates, 2u * kRequests);
  EXPECT_GE(mqtt_.Take().size(), 2u * kRequests);
}

TEST_F(BindingTest, AnswersGoToTheNotifier) {
  onem2m::v1::NotifyRequest request;
  request.set_target("Cmon");
  request.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_NOTIFY);
  request.mutable_primitive()->set_to("Cmon");
  request.mutable_primitive()->set_request_identifier("n1");
  bool answered = false;
  notifier_.Notify(request, absl::Seconds(5), [&](absl::StatusOr<onem2m::v1::NotifyResponse> r) { answered = r.ok(); });
  Send("/oneM2M/resp/id-in/Cmon/json", R"({"rsc":2000,"rqi":"n1","rvi":"4"})");
  EXPECT_TRUE(answered);
  Send("/oneM2M/resp/id-in/Cmon/json", R"({"rsc":2000,"rqi":"n1","rvi":"4"})");
  EXPECT_EQ(binding_->counters().stray, 1u);
}

}  // namespace
}  // namespace isthmus::mqtt_binding
