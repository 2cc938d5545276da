#include "services/connector/core/lwm2m_server.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/simulation.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LwM2mServerTest : public testing::Test {
 protected:
  coap::Code Ask(SimulatedDevice& device, coap::Code method, std::vector<std::string> path,
                 std::optional<uint32_t> format = std::nullopt, std::string payload = "") {
    coap::OutgoingRequest request;
    request.method = method;
    request.path = std::move(path);
    request.content_format = format;
    request.payload = std::move(payload);
    coap::Code code = 0;
    device.Send(kServerAddress, std::move(request),
                [&](const coap::Exchange& exchange) { code = exchange.message.code; });
    network_.RunUntil([&] { return code != 0; }, absl::Seconds(5));
    return code;
  }

  Network network_;
  SimulatedServer server_{&network_};
  SimulatedDevice device_{&network_, "10.0.0.1:1", "d"};
};

TEST_F(LwM2mServerTest, RegisterUpdateDeregister) {
  device_.Register();
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.last_answer, coap::kCreated);
  device_.Update();
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.last_answer, coap::kChanged);
  device_.Update({"lt=600"}, "</1/0>,</3/0>,</5/0>");
  network_.Run(absl::Seconds(1));
  device_.Deregister();
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.last_answer, coap::kDeleted);
  device_.Update();
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.last_answer, coap::kNotFound);
  EXPECT_THAT(server_.Told(), ElementsAre("registered d", "updated d", "left d"));
  EXPECT_EQ(server_.events[1].updated().registration().links_size(), 3);
}

TEST_F(LwM2mServerTest, ARefusedRegistrationSaysWhy) {
  device_.Register({"lt=-1"});
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.last_answer, coap::kBadRequest);
  EXPECT_THAT(device_.last_diagnostic, HasSubstr("lt"));
  device_.Register({"lwm2m=3.0"});
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.last_answer, coap::kPreconditionFailed);
  device_.Register({"lt=60"}, "</3/0>,</broken");
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.last_answer, coap::kBadRequest);
  EXPECT_NE(device_.last_diagnostic, "");
  EXPECT_THAT(server_.Told(), IsEmpty());
}

TEST_F(LwM2mServerTest, ALongRegistrationComesInBlocks) {
  std::string links = "</1/0>,</3/0>";
  for (int i = 0; i < 3000; ++i) absl::StrAppend(&links, ",</", 30000 + i, "/0>");
  device_.Register({"lt=300"}, links);
  network_.Run(absl::Seconds(5));
  ASSERT_EQ(device_.last_answer, coap::kCreated) << device_.last_diagnostic;
  ASSERT_EQ(server_.events.size(), 1u);
  EXPECT_EQ(server_.events[0].registered().registration().links_size(), 3002);
}

TEST_F(LwM2mServerTest, OtherPathsAndMethods) {
  EXPECT_EQ(Ask(device_, coap::kGet, {"rd"}), coap::kMethodNotAllowed);
  EXPECT_EQ(Ask(device_, coap::kGet, {"rd", "x"}), coap::kMethodNotAllowed);
  EXPECT_EQ(Ask(device_, coap::kPut, {"dp"}), coap::kMethodNotAllowed);
  EXPECT_EQ(Ask(device_, coap::kPost, {"bs"}), coap::kNotFound);
  EXPECT_EQ(Ask(device_, coap::kPost, {}), coap::kNotFound);
  EXPECT_EQ(Ask(device_, coap::kPost, {"rd", "a", "b"}), coap::kNotFound);
  EXPECT_EQ(Ask(device_, coap::kDelete, {"rd", "unknown"}), coap::kNotFound);
}

TEST_F(LwM2mServerTest, ALifetimeThatRunsOutIsTold) {
  device_.Register({"lt=60"});
  network_.Run(absl::Seconds(64));
  EXPECT_THAT(server_.Told(), ElementsAre("registered d"));
  network_.Run(absl::Seconds(2));
  EXPECT_THAT(server_.Told(), ElementsAre("registered d", "expired d"));
  server_.Read("d", "/3/0/9");
  ASSERT_EQ(server_.answers.size(), 1u);
  EXPECT_EQ(server_.answers[0].result.outcome(), lwm2m::v1::OUTCOME_NOT_REGISTERED);
}

TEST_F(LwM2mServerTest, OperationsReachTheDevice) {
  device_.Register();
  network_.Run(absl::Seconds(1));
  server_.Read("d", "/3/0/9");
  Operation execute;
  *execute.mutable_execute()->mutable_path() = lwm2m::MakePath(3, 0, 4);
  server_.Perform("d", execute, absl::Seconds(5));
  server_.Read("d", "/3/0/77");
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(server_.answers.size(), 3u);
  EXPECT_EQ(server_.answers[0].result.nodes(0).value().raw().octets(), "80");
  EXPECT_EQ(server_.answers[1].result.coap_code(), 204u);
  EXPECT_EQ(server_.answers[2].result.coap_code(), 404u);
  EXPECT_THAT(device_.requests, ElementsAre("0.01 GET /3/0/9", "0.02 POST /3/0/4", "0.01 GET /3/0/77"));
}

TEST_F(LwM2mServerTest, ADeviceThatNeverAnswersTimesOutInTime) {
  device_.Register();
  network_.Run(absl::Seconds(1));
  device_.deaf = true;
  server_.Read("d", "/3/0/9", absl::Seconds(5));
  server_.Read("d", "/3/0/9", absl::Seconds(6));
  server_.Read("d", "/3/0/9", absl::Minutes(30));
  network_.Run(absl::Seconds(5));
  ASSERT_EQ(server_.answers.size(), 1u);
  EXPECT_EQ(server_.answers[0].result.outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
  EXPECT_LE(server_.answers[0].after, absl::Seconds(5));
  network_.Run(absl::Minutes(10));
  ASSERT_EQ(server_.answers.size(), 3u);
  // The retransmissions were exhausted long before the deadline.
  EXPECT_EQ(server_.answers[2].result.outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
  EXPECT_LT(server_.answers[2].after, absl::Minutes(2));
}

TEST_F(LwM2mServerTest, ARequestWithoutADeadlineIsNotSent) {
  device_.Register();
  network_.Run(absl::Seconds(1));
  session::v1::Request request;
  request.set_endpoint("d");
  *request.mutable_operation()->mutable_read()->mutable_path() = lwm2m::MakePath(3);
  lwm2m::v1::OperationResult result;
  server_.core().Perform(request, [&](lwm2m::v1::OperationResult ended) { result = std::move(ended); });
  EXPECT_EQ(result.outcome(), lwm2m::v1::OUTCOME_EXPIRED_UNSENT);
  EXPECT_THAT(device_.requests, IsEmpty());
}

TEST_F(LwM2mServerTest, InterestsBecomeObservations) {
  server_.Interest("d", "/3/0/9");
  device_.Register();
  network_.Run(absl::Seconds(1));
  device_.Set("/3/0/9", "60");
  network_.Run(absl::Seconds(1));
  EXPECT_THAT(server_.Told(), ElementsAre("registered d", "value d /3/0/9=80 initial", "value d /3/0/9=60"));
  EXPECT_EQ(server_.store.ObservationsOf("d").size(), 1u);
}

// Without a definition of the object types have to come from the payload.
TEST_F(LwM2mServerTest, AnInterestThatWantsTypesIsObservedInAFormatThatTellsThem) {
  const auto want = [this](bool self_describing) {
    session::v1::InterestChange change;
    session::v1::Interest* interest = change.add_add();
    interest->set_endpoint("d");
    *interest->mutable_path() = lwm2m::MakePath(3, 0, 9);
    interest->set_self_describing(self_describing);
    server_.core().ChangeInterests(change);
    network_.Run(absl::Seconds(1));
  };
  want(false);
  device_.Register();
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(device_.accepts.size(), 1u);
  EXPECT_EQ(device_.accepts[0], std::nullopt);
  // The definition is gone: it is asked anew, as the same observation.
  const std::string token = server_.store.ObservationsOf("d")[0].token;
  want(true);
  ASSERT_EQ(device_.accepts.size(), 2u);
  EXPECT_EQ(device_.accepts[1], 112u);
  ASSERT_EQ(server_.store.ObservationsOf("d").size(), 1u);
  EXPECT_EQ(server_.store.ObservationsOf("d")[0].token, token);
  // With a definition any format will do.
  want(false);
  EXPECT_EQ(device_.accepts.size(), 2u);
}

TEST_F(LwM2mServerTest, AttributesAreWrittenFirst) {
  server_.Interest("d", "/3/0/9", /*pmin=*/10);
  device_.Register();
  network_.Run(absl::Seconds(1));
  EXPECT_THAT(device_.requests, ElementsAre("0.03 PUT /3/0/9 pmin=10", "0.01 GET /3/0/9 observe=0"));
  server_.Interest("d", "/3/0/9", /*pmin=*/20);
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.requests.back(), "0.03 PUT /3/0/9 pmin=20");
  EXPECT_EQ(device_.requests.size(), 3u);
  server_.Interest("d", "/3/0/9");
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device_.requests.back(), "0.03 PUT /3/0/9 pmin");
}

TEST_F(LwM2mServerTest, RefusedAttributesDoNotPreventTheObservation) {
  device_.refusals["/3/0/9"] = coap::kMethodNotAllowed;
  server_.Interest("d", "/3/0/9", /*pmin=*/10);
  device_.Register();
  network_.RunUntil([&] { return device_.requests.size() == 1; }, absl::Seconds(1));
  device_.refusals.clear();
  device_.refusals["/3/0/9"] = coap::kMethodNotAllowed;
  network_.RunUntil([&] { return device_.requests.size() == 2; }, absl::Seconds(1));
  EXPECT_THAT(device_.requests, ElementsAre("0.03 PUT /3/0/9 pmin=10", "0.01 GET /3/0/9 observe=0"));
}

TEST_F(LwM2mServerTest, WhatNobodyWantsIsCancelledWithTheSameToken) {
  server_.Interest("d", "/3/0/9", /*pmin=*/10);
  device_.Register();
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(device_.observers.size(), 1u);
  server_.NoInterest("d", "/3/0/9");
  network_.Run(absl::Seconds(1));
  EXPECT_THAT(device_.observers, IsEmpty());  // keyed by token: only the same one removes it
  EXPECT_EQ(device_.requests[2], "0.01 GET /3/0/9 observe=1");
  EXPECT_EQ(device_.requests[3], "0.03 PUT /3/0/9 pmin");
  EXPECT_THAT(server_.store.LoadObservations(), IsEmpty());
  EXPECT_EQ(server_.core().observer().statistics().wanted, 0u);
  EXPECT_EQ(server_.endpoint().statistics().observations, 0u);
}

TEST_F(LwM2mServerTest, AnInterestThatComesAndGoesAndComesIsServed) {
  device_.Register();
  network_.Run(absl::Seconds(1));
  for (int i = 0; i < 5; ++i) {
    server_.Interest("d", "/3/0/9");
    server_.NoInterest("d", "/3/0/9");
  }
  server_.Interest("d", "/3/0/9");
  network_.Run(absl::Seconds(5));
  EXPECT_EQ(device_.observers.size(), 1u);
  EXPECT_EQ(server_.endpoint().statistics().observations, 1u);
}

TEST_F(LwM2mServerTest, ARefusedObservationIsToldOnceAndTriedWithNewObjects) {
  device_.refusals["/5/0/3"] = coap::kNotFound;
  server_.Interest("d", "/5/0/3");
  device_.Register();
  network_.Run(absl::Minutes(4));
  device_.Update();
  network_.Run(absl::Seconds(10));
  EXPECT_THAT(server_.Told(), ElementsAre("registered d", "failed d /5/0/3 404"));
  EXPECT_EQ(device_.requests.size(), 1u);
  device_.refusals.clear();
  device_.values["/5/0/3"] = "0";
  device_.Update({}, "</1/0>,</3/0>,</5/0>");
  network_.Run(absl::Seconds(10));
  EXPECT_THAT(server_.Told(), Contains("value d /5/0/3=0 initial"));
}

TEST_F(LwM2mServerTest, AnObservationWithoutAnswerIsTriedAgain) {
  server_.Interest("d", "/3/0/9");
  device_.Register({"lt=3600"});
  network_.RunUntil([&] { return device_.last_answer != 0; }, absl::Seconds(1));
  device_.deaf = true;
  network_.Run(absl::Minutes(5));
  device_.deaf = false;
  network_.Run(absl::Minutes(10));
  EXPECT_THAT(server_.Told(), ElementsAre("registered d", "value d /3/0/9=80 initial"));
}

// A device that updates all the time and never observes must not fill the memory.
TEST_F(LwM2mServerTest, RetriesOfADeviceDoNotPileUp) {
  server_.Interest("d", "/3/0/9");
  server_.Interest("d", "/3/0/20");
  device_.refusals["/3/0/9"] = coap::kServiceUnavailable;
  device_.refusals["/3/0/20"] = coap::kServiceUnavailable;
  device_.Register({"lt=7200", "lwm2m=1.1"});
  network_.Run(absl::Seconds(1));
  for (int i = 0; i < 100; ++i) {
    device_.Update();
    network_.Run(absl::Milliseconds(100));
  }
  EXPECT_LE(server_.core().observer().statistics().retries, 2u);
  // They are tried all the same, each in its time.
  device_.requests.clear();
  device_.refusals.clear();
  device_.values["/3/0/9"] = device_.values["/3/0/20"] = "1";
  network_.Run(absl::Minutes(21));
  device_.Update();
  EXPECT_EQ(server_.core().observer().statistics().observed, 2u);
  EXPECT_EQ(server_.core().observer().statistics().retries, 0u);
}

TEST_F(LwM2mServerTest, ADeviceThatDoesNotObserveIsTold) {
  device_.raw["/3/0/10"] = {65000, "?"};
  server_.Interest("d", "/3/0/10");
  device_.Register();
  network_.Run(absl::Seconds(5));
  // It observes, in a format that nobody can read: the observation lives, there is no value.
  EXPECT_THAT(server_.Told(), ElementsAre("registered d"));
  EXPECT_EQ(server_.core().observer().statistics().observed, 1u);
}

TEST_F(LwM2mServerTest, NotificationsThatCannotBeDecodedDoNotEndTheObservation) {
  server_.Interest("d", "/3/0/9");
  device_.Register();
  network_.Run(absl::Seconds(1));
  const std::string token = device_.observers.begin()->first;
  coap::Message broken;
  broken.AddUintOption(coap::kContentFormat, 11542);
  device_.NotifyWith(token, {205, broken.options, std::string("\xC8\x09\xFF\x50")});
  network_.Run(absl::Seconds(1));
  // Field case: no Content-Format.
  device_.NotifyWith(token, {205, {}, "77"});
  network_.Run(absl::Seconds(1));
  device_.NotifyWith(token, {205, {}, ""});
  network_.Run(absl::Seconds(1));
  EXPECT_THAT(device_.notified, Each(coap::Exchange::Outcome::kAnswered));
  EXPECT_THAT(server_.Told(),
              ElementsAre("registered d", "value d /3/0/9=80 initial", "value d /3/0/9=77", "value d /3/0/9="));
}

TEST_F(LwM2mServerTest, AnErrorNotificationEndsTheObservation) {
  server_.Interest("d", "/3/0/9");
  device_.Register();
  network_.Run(absl::Seconds(1));
  device_.NotifyWith(device_.observers.begin()->first, {coap::kNotFound, {}, ""});
  network_.Run(absl::Seconds(1));
  EXPECT_THAT(server_.Told(), Contains("failed d /3/0/9 404"));
  EXPECT_THAT(server_.store.LoadObservations(), IsEmpty());
}

TEST_F(LwM2mServerTest, SendReachesThoseWithAnInterest) {
  server_.Interest("d", "/3/0/9");
  device_.Register();
  network_.Run(absl::Seconds(1));
  const std::string both = R"([{"bn":"/3/0/","n":"9","v":55},{"n":"10","v":7}])";
  EXPECT_EQ(Ask(device_, coap::kPost, {"dp"}, 110, both), coap::kChanged);
  EXPECT_EQ(server_.Told().back(), "value d /3/0/9=55");
  EXPECT_EQ(server_.events.size(), 3u);
  const std::string cbor("\x81\xa2\x00\x66/3/0/9\x02\x18\x38", 13);  // 56
  EXPECT_EQ(Ask(device_, coap::kPost, {"dp"}, 112, cbor), coap::kChanged);
  EXPECT_EQ(server_.Told().back(), "value d /3/0/9=56");
  EXPECT_EQ(server_.events.size(), 4u);
  EXPECT_EQ(Ask(device_, coap::kPost, {"dp"}, 110, "[{"), coap::kBadRequest);
  EXPECT_EQ(Ask(device_, coap::kPost, {"dp"}, 112, "\x81"), coap::kBadRequest);
  EXPECT_EQ(Ask(device_, coap::kPost, {"dp"}, 50, "{}"), coap::kUnsupportedContentFormat);
  EXPECT_EQ(Ask(device_, coap::kPost, {"dp"}, std::nullopt, both), coap::kBadRequest);
  SimulatedDevice stranger(&network_, "10.0.0.2:1", "stranger");
  EXPECT_EQ(Ask(stranger, coap::kPost, {"dp"}, 110, both), coap::kNotFound);
  EXPECT_EQ(server_.events.size(), 4u);
}

TEST_F(LwM2mServerTest, ObserveAndCancelByName) {
  server_.Interest("d", "/3/0/9");
  device_.Register();
  network_.Run(absl::Seconds(1));
  Operation observe, cancel;
  *observe.mutable_observe()->mutable_path() = lwm2m::MakePath(3, 0, 9);
  *cancel.mutable_cancel_observation()->mutable_path() = lwm2m::MakePath(3, 0, 9);
  server_.Perform("d", observe, absl::Seconds(5));
  server_.Perform("d", cancel, absl::Seconds(5));
  *cancel.mutable_cancel_observation()->mutable_path() = lwm2m::MakePath(3, 0, 10);
  server_.Perform("d", cancel, absl::Seconds(5));
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(server_.answers.size(), 3u);
  EXPECT_EQ(server_.answers[0].result.outcome(), lwm2m::v1::OUTCOME_UNSUPPORTED);
  EXPECT_EQ(server_.answers[1].result.coap_code(), 205u);
  EXPECT_EQ(server_.answers[2].result.nodes_size(), 1);
  EXPECT_EQ(device_.observers.size(), 1u);
}

}  // namespace
}  // namespace isthmus::connector
