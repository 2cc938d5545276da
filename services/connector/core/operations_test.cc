#include "services/connector/core/operations.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/fake_coap_client.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;

class OperationsTest : public testing::Test {
 protected:
  OperationsTest() : lines_(DeviceLineOptions(), &clock_, &coap_), operations_(&clock_, &lines_) {
    auto device = std::make_shared<Device>();
    device->registration.set_endpoint("d");
    device->registration.set_address("a:1");
    device->registration.set_root_path("/lwm2m");
    device_ = device;
    lines_.OnRegistered(device_);
    clock_.Advance(absl::Seconds(1));
    lines_.Tick();
  }
  void Perform(const Operation& operation, absl::Duration within = absl::Seconds(30)) {
    operations_.Perform(device_, operation, {clock_.Monotonic() + within, false, nullptr, {}},
                        [this](Operations::Performed performed) { done_.push_back(std::move(performed.result)); });
  }
  // The device says what it speaks.
  void Offer(std::vector<uint32_t> formats) {
    auto device = std::make_shared<Device>(*device_);
    device->content_formats = std::move(formats);
    device_ = device;
  }
  static Operation ReadOf(const std::string& path) {
    Operation operation;
    *operation.mutable_read()->mutable_path() = *lwm2m::ParsePath(path);
    return operation;
  }
  static Operation WriteOf(const std::string& path, int64_t value) {
    Operation operation;
    *operation.mutable_write()->mutable_path() = *lwm2m::ParsePath(path);
    auto* node = operation.mutable_write()->add_nodes();
    *node->mutable_path() = operation.write().path();
    node->mutable_value()->set_integer(value);
    return operation;
  }
  void Respond(coap::Code code, std::optional<uint32_t> format = std::nullopt, std::string payload = "") {
    coap_.Respond(code, format, std::move(payload));
  }

  FakeClock clock_;
  FakeCoapClient coap_;
  DeviceLines lines_;
  Operations operations_;
  DevicePtr device_;
  std::vector<lwm2m::v1::OperationResult> done_;
};

TEST_F(OperationsTest, AReadBelowTheAlternateRoot) {
  Perform(ReadOf("/3/0/9"));
  EXPECT_EQ(coap_.last().path(), "/lwm2m/3/0/9");
  EXPECT_EQ(coap_.last().request.accept, std::nullopt);
  Respond(205, 0, "80");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_ANSWERED);
  EXPECT_EQ(done_[0].coap_code(), 205u);
  EXPECT_EQ(done_[0].nodes_size(), 1);
  EXPECT_EQ(done_[0].duration_us(), 3000u);
}

TEST_F(OperationsTest, WhatIsNotAcceptableIsAskedForInAnotherFormatAndRemembered) {
  Perform(ReadOf("/3/0/9"));
  Respond(406);
  EXPECT_EQ(coap_.last().request.accept, 11542u);
  Respond(406);
  EXPECT_EQ(coap_.last().request.accept, 110u);
  Respond(205, 110, R"([{"n":"/3/0/9","v":80}])");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].nodes(0).value().integer(), 80);
  Perform(ReadOf("/3/0/10"));
  EXPECT_EQ(coap_.last().request.accept, 110u);
}

TEST_F(OperationsTest, AFormatThatWeDoNotKnowIsAskedForInOneThatWeDo) {
  Perform(ReadOf("/3/0/9"));
  Respond(205, 65000, "???");
  for (const uint32_t format : {11542u, 110u, 112u, 11543u}) {
    EXPECT_EQ(coap_.last().request.accept, format);
    Respond(205, 65000, "???");
  }
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
  EXPECT_EQ(done_[0].coap_code(), 205u);
}

TEST_F(OperationsTest, MalformedPayloadsEndTheRequest) {
  for (const std::string& payload : {std::string("\xC1\x09"), std::string("\xC8\x09\xFF\x50")}) {
    Perform(ReadOf("/3/0/9"));
    Respond(205, 11542, payload);
  }
  Perform(ReadOf("/3/0/9"));
  Respond(205, 110, R"([{"n":"/3/0/9","v":)");
  ASSERT_EQ(done_.size(), 3u);
  for (const auto& result : done_) {
    EXPECT_EQ(result.outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
    EXPECT_NE(result.diagnostic(), "");
  }
  EXPECT_EQ(coap_.sent.size(), 3u);
}

TEST_F(OperationsTest, AWriteFallsBackToTextAndToSenMlAndRemembers) {
  Perform(WriteOf("/1/0/1", 60));
  EXPECT_EQ(coap_.last().request.content_format, 11542u);
  Perform(WriteOf("/1/0/1", 61));  // waits behind it
  Respond(415);
  EXPECT_EQ(coap_.last().request.content_format, 0u);
  EXPECT_EQ(coap_.last().request.payload, "60");  // the fallback of the first goes before the second
  Respond(204);
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].coap_code(), 204u);
  Respond(415);  // the second was made before anybody knew
  Respond(204);
  Perform(WriteOf("/1/0/1", 62));
  EXPECT_EQ(coap_.last().request.content_format, 0u);
}

TEST_F(OperationsTest, AWriteThatNoFormatSatisfiesKeepsTheAnswer) {
  Perform(WriteOf("/1/0/1", 60));
  for (const uint32_t format : {11542u, 0u, 110u, 112u}) {
    EXPECT_EQ(coap_.last().request.content_format, format);
    Respond(415);
  }
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_ANSWERED);
  EXPECT_EQ(done_[0].coap_code(), 415u);
}

TEST_F(OperationsTest, ACreateWhoseFallbackCannotCarryItKeepsTheAnswer) {
  Operation operation;
  *operation.mutable_create()->mutable_path() = lwm2m::MakePath(9);
  Perform(operation);
  Respond(415);
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].coap_code(), 415u);
}

TEST_F(OperationsTest, AFormatThatCannotCarryTheValuesIsPassedOver) {
  Offer({110, 11542, 60});
  Operation operation;  // only TLV can leave the instance to the device
  *operation.mutable_create()->mutable_path() = lwm2m::MakePath(9);
  Perform(operation);
  EXPECT_EQ(coap_.last().request.content_format, 11542u);
  Respond(201);
  Offer({110});
  Perform(operation);
  EXPECT_EQ(coap_.last().request.content_format, 11542u);
  Respond(201);
  ASSERT_EQ(done_.size(), 2u);
  EXPECT_EQ(done_[1].coap_code(), 201u);
}

TEST_F(OperationsTest, WhatWorkedForACreateIsRemembered) {
  Operation operation;
  *operation.mutable_create()->mutable_path() = lwm2m::MakePath(9, 7);
  auto* node = operation.mutable_create()->add_nodes();
  *node->mutable_path() = lwm2m::MakePath(9, 7, 1);
  node->mutable_value()->set_text("v");
  Perform(operation);
  EXPECT_EQ(coap_.last().request.content_format, 11542u);
  Respond(415);
  EXPECT_EQ(coap_.last().request.content_format, 110u);
  Respond(201);
  Perform(operation);
  EXPECT_EQ(coap_.last().request.content_format, 110u);
}

TEST_F(OperationsTest, ANewRegistrationStartsAnew) {
  Perform(ReadOf("/3/0/9"));
  Respond(406);
  Respond(205, 11542, std::string("\xC1\x09\x50", 3));
  operations_.ForgetFormats("d");
  Perform(ReadOf("/3/0/9"));
  EXPECT_EQ(coap_.last().request.accept, std::nullopt);
}

// Names that come and go for ever must not stay.
TEST_F(OperationsTest, ADeviceThatLeftIsNotRemembered) {
  Perform(ReadOf("/3/0/9"));
  Respond(406);
  lines_.OnGone("d");
  operations_.ForgetFormats("d");
  Respond(205, 11542, std::string("\xC1\x09\x50", 3));  // to what was sent before
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].coap_code(), 205u);
  EXPECT_EQ(operations_.remembered(), 0u);
  Perform(ReadOf("/3/0/9"));
  EXPECT_EQ(done_[1].outcome(), lwm2m::v1::OUTCOME_NOT_REGISTERED);
  EXPECT_EQ(operations_.remembered(), 0u);
}

TEST_F(OperationsTest, HowRequestsEndWithoutAnAnswer) {
  Perform(ReadOf("/3/0/9"));
  coap_.Fail(coap_.last().id, coap::Exchange::Outcome::kTimeout);
  Perform(ReadOf("/3/0/9"));
  coap_.Respond(coap_.last().id, coap::kNotFound);
  Perform(ReadOf("/3/0/9"));
  coap_.Fail(coap_.last().id, coap::Exchange::Outcome::kReset);
  Perform(ReadOf("/3/0/9"));
  coap_.Fail(coap_.last().id, coap::Exchange::Outcome::kTransferFailed);
  Perform(ReadOf("/3/0/9"), absl::ZeroDuration());
  Operation composite;
  composite.mutable_read_composite();
  Perform(composite);
  Operation deletion;
  *deletion.mutable_delete_()->mutable_path() = lwm2m::MakePath(1, 0);
  Perform(deletion);
  operations_.Perform(nullptr, ReadOf("/3"), {},
                      [this](Operations::Performed performed) { done_.push_back(std::move(performed.result)); });
  std::vector<lwm2m::v1::Outcome> outcomes;
  for (const auto& result : done_) outcomes.push_back(result.outcome());
  EXPECT_THAT(outcomes, testing::ElementsAre(lwm2m::v1::OUTCOME_TIMEOUT, lwm2m::v1::OUTCOME_ANSWERED,
                                             lwm2m::v1::OUTCOME_RESET, lwm2m::v1::OUTCOME_UNDECODABLE,
                                             lwm2m::v1::OUTCOME_EXPIRED_UNSENT, lwm2m::v1::OUTCOME_UNSUPPORTED,
                                             lwm2m::v1::OUTCOME_ANSWERED, lwm2m::v1::OUTCOME_NOT_REGISTERED));
  EXPECT_EQ(done_[6].coap_code(), 405u);
  EXPECT_EQ(coap_.sent.size(), 4u);
}

}  // namespace
}  // namespace isthmus::connector
