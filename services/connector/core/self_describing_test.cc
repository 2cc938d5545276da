// Reads that ask for formats that tell types: what is tried first, what counts as a refusal of the format, and what is
// remembered, beside the memory of ordinary reads.
#include "services/connector/core/self_describing.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/device_line.h"
#include "services/connector/core/fake_coap_client.h"
#include "services/connector/core/operations.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kSenMl[] = R"([{"bn":"/34121/0/","n":"0","v":7},{"n":"1","vs":"x"}])";
const std::string kTlv("\xC1\x00\x07", 3);

Operation ReadOf(const std::string& path, bool self_describing = true) {
  Operation operation;
  *operation.mutable_read()->mutable_path() = *lwm2m::ParsePath(path);
  operation.mutable_read()->set_self_describing(self_describing);
  return operation;
}

Device DeviceOf(const std::string& version, std::vector<uint32_t> offered = {}) {
  Device device;
  device.registration.set_endpoint("d");
  device.registration.set_address("a:1");
  device.registration.set_lwm2m_version(version);
  device.content_formats = std::move(offered);
  return device;
}

std::vector<uint32_t> Formats(const FormatMemory& memory, const Device& device) {
  std::vector<uint32_t> formats;
  for (const Format format : SelfDescribingFormats(ReadOf("/34121/0"), memory, device)) formats.push_back(*format);
  return formats;
}

TEST(SelfDescribingTest, WhatTheDeviceNamesElseWhatItsVersionHas) {
  EXPECT_THAT(Formats({}, DeviceOf("1.1")), ElementsAre(112, 110));
  EXPECT_THAT(Formats({}, DeviceOf("1.2")), ElementsAre(112, 110));
  EXPECT_THAT(Formats({}, DeviceOf("1.0")), ElementsAre(11543));
  EXPECT_THAT(Formats({}, DeviceOf("")), ElementsAre(11543));
  EXPECT_THAT(Formats({}, DeviceOf("1.1", {60, 110, 11542})), ElementsAre(110));
  EXPECT_THAT(Formats({}, DeviceOf("1.2", {11544, 11542})), ElementsAre(11544));
  EXPECT_THAT(Formats({}, DeviceOf("1.1", {11542})), IsEmpty());
}

TEST(SelfDescribingTest, WhatIsKnownOfTheDeviceCountsFirst) {
  FormatMemory memory;
  memory.read = Format(11542);
  EXPECT_THAT(Formats(memory, DeviceOf("1.1")), ElementsAre(112, 110));
  memory.read = Format(110);
  EXPECT_THAT(Formats(memory, DeviceOf("1.1")), ElementsAre(110, 112));
  memory.read.reset();
  memory.composite = 110;
  EXPECT_THAT(Formats(memory, DeviceOf("1.1")), ElementsAre(110, 112));
  memory.self_describing = Format(112);
  EXPECT_THAT(Formats(memory, DeviceOf("1.1")), ElementsAre(112));
  memory.self_describing = Format();  // it has none
  EXPECT_THAT(Formats(memory, DeviceOf("1.1")), IsEmpty());
}

TEST(SelfDescribingTest, OrdinaryReadsAskForNothing) {
  EXPECT_THAT(SelfDescribingFormats(ReadOf("/3/0", false), {}, DeviceOf("1.1")), IsEmpty());
  Operation observe;
  *observe.mutable_observe()->mutable_path() = lwm2m::MakePath(34121, 0);
  EXPECT_THAT(SelfDescribingFormats(observe, {}, DeviceOf("1.1")), IsEmpty());
  observe.mutable_observe()->set_self_describing(true);
  EXPECT_EQ(SelfDescribingFormats(observe, {}, DeviceOf("1.1")).size(), 2u);
}

class SelfDescribingReadTest : public testing::Test {
 protected:
  SelfDescribingReadTest() : lines_(DeviceLineOptions(), &clock_, &coap_), operations_(&clock_, &lines_) {
    Register("1.1");
  }
  void Register(const std::string& version, std::vector<uint32_t> offered = {}) {
    device_ = std::make_shared<Device>(DeviceOf(version, std::move(offered)));
    operations_.ForgetFormats("d");
    lines_.OnRegistered(device_);
    clock_.Advance(absl::Seconds(1));
    lines_.Tick();
  }
  void Perform(const Operation& operation) {
    operations_.Perform(device_, operation, {clock_.Monotonic() + absl::Seconds(30), false, nullptr, {}},
                        [this](Operations::Performed performed) { result_ = std::move(performed.result); });
  }
  void StaySilent() {
    clock_.Advance(absl::Seconds(31));
    coap_.Fail(coap_.last().id, coap::Exchange::Outcome::kTimeout);
    EXPECT_EQ(result_.outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
  }
  std::optional<uint32_t> Asked() const { return coap_.last().request.accept; }
  void Respond(coap::Code code, std::optional<uint32_t> format = std::nullopt, std::string payload = "") {
    coap_.Respond(code, format, std::move(payload));
  }

  FakeClock clock_;
  FakeCoapClient coap_;
  DeviceLines lines_;
  Operations operations_;
  DevicePtr device_;
  lwm2m::v1::OperationResult result_;
};

TEST_F(SelfDescribingReadTest, SenMlTellsTheTypes) {
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), 112u);
  Respond(406);
  EXPECT_EQ(Asked(), 110u);
  Respond(205, 110, kSenMl);
  ASSERT_EQ(result_.nodes_size(), 2);
  EXPECT_EQ(result_.nodes(0).value().integer(), 7);
  EXPECT_EQ(result_.nodes(1).value().text(), "x");
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), 110u);
}

TEST_F(SelfDescribingReadTest, ADeviceThatHasOnlyTlvIsReadAsEver) {
  Perform(ReadOf("/34121/0"));
  Respond(406);
  Respond(406);
  EXPECT_EQ(Asked(), std::nullopt);
  Respond(205, 11542, kTlv);
  EXPECT_EQ(result_.nodes(0).value().raw().octets(), "\x07");
  // It is asked only once, until it registers anew.
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), std::nullopt);
  Respond(205, 11542, kTlv);
  Register("1.1");
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), 112u);
}

TEST_F(SelfDescribingReadTest, ADeviceThatIgnoresAcceptIsTakenAsItIs) {
  Perform(ReadOf("/34121/0"));
  Respond(205, 11542, kTlv);
  EXPECT_EQ(result_.nodes(0).value().raw().octets(), "\x07");
  EXPECT_EQ(coap_.sent.size(), 1u);
}

// Field devices say many things to an Accept that they do not know.
TEST_F(SelfDescribingReadTest, EveryWayToRefuseAFormatLeadsToTheNext) {
  for (const coap::Code code : {400, 402, 406, 415, 500, 501}) {
    Register("1.0");
    Perform(ReadOf("/34121/0"));
    EXPECT_EQ(Asked(), 11543u);
    Respond(code);
    EXPECT_EQ(Asked(), std::nullopt) << code;
    Respond(205, 11542, kTlv);
    EXPECT_EQ(result_.nodes_size(), 1) << code;
  }
  Register("1.0");
  clock_.Advance(absl::Minutes(1));  // a Reset is no longer that of a device that does not know that it is registered
  Perform(ReadOf("/34121/0"));
  coap_.Fail(coap_.last().id, coap::Exchange::Outcome::kReset);
  EXPECT_EQ(Asked(), std::nullopt);
  Respond(205, 11542, kTlv);
  EXPECT_EQ(result_.nodes_size(), 1);
  Register("1.0");
  Perform(ReadOf("/34121/0"));
  Respond(205, 11543, "{");
  EXPECT_EQ(Asked(), std::nullopt);
  Respond(205, 11542, kTlv);
  EXPECT_EQ(result_.nodes_size(), 1);
}

TEST_F(SelfDescribingReadTest, ARefusalOfTheReadItselfIsTheAnswer) {
  for (const coap::Code code : {401, 404, 405, 503}) {
    Perform(ReadOf("/34121/0"));
    EXPECT_EQ(Asked(), 112u);
    Respond(code);
    EXPECT_EQ(result_.coap_code(), static_cast<uint32_t>(code));
  }
  // What is refused in each format is refused for another reason.
  Perform(ReadOf("/34121/0"));
  for (int attempt = 0; attempt < 3; ++attempt) Respond(400);
  EXPECT_EQ(result_.coap_code(), 400u);
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), 112u);  // and says nothing about formats
}

TEST_F(SelfDescribingReadTest, SilenceIsPaidOnce) {
  Perform(ReadOf("/34121/0"));
  coap_.Acknowledge(coap_.last().id);
  StaySilent();
  // It has heard it, and is only slow.
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), 112u);
  StaySilent();
  // Away, or silent to the format: it was away.
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), std::nullopt);
  StaySilent();
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), 112u);
  StaySilent();
  // It was the format.
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), std::nullopt);
  Respond(205, 11542, kTlv);
  EXPECT_EQ(result_.nodes_size(), 1);
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), std::nullopt);
}

TEST_F(SelfDescribingReadTest, AFormatThatWorkedIsNotDoubted) {
  Perform(ReadOf("/34121/0"));
  Respond(205, 112, "\x80");
  Perform(ReadOf("/34121/0"));
  StaySilent();
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), 112u);
}

TEST_F(SelfDescribingReadTest, OrdinaryReadsHaveAMemoryOfTheirOwn) {
  Perform(ReadOf("/34121/0"));
  Respond(205, 112, "\x80");
  Perform(ReadOf("/3/0", false));
  EXPECT_EQ(Asked(), std::nullopt);
  Respond(406);
  EXPECT_EQ(Asked(), 11542u);
  Respond(205, 11542, kTlv);
  Perform(ReadOf("/34121/0"));
  EXPECT_EQ(Asked(), 112u);
  Respond(205, 112, "\x80");
  Perform(ReadOf("/3/0", false));
  EXPECT_EQ(Asked(), 11542u);
  Respond(205, 11542, kTlv);
}

// 21 for a Float is an octet in TLV and a number in SenML.
TEST_F(SelfDescribingReadTest, ValuesThatNobodyHasTypedAreWrittenInWhatWorkedForARead) {
  Operation write;
  *write.mutable_write()->mutable_path() = lwm2m::MakePath(34121, 0, 3);
  write.mutable_write()->set_self_describing(true);
  auto* node = write.mutable_write()->add_nodes();
  *node->mutable_path() = lwm2m::MakePath(34121, 0, 3);
  node->mutable_value()->set_integer(21);
  Perform(write);
  EXPECT_EQ(coap_.last().request.content_format, 11542u);  // nothing is known of the device
  Respond(204);
  Perform(ReadOf("/34121/0"));
  Respond(406);
  Respond(205, 110, kSenMl);
  Perform(write);
  EXPECT_EQ(coap_.last().request.content_format, 110u);
  EXPECT_EQ(coap_.last().request.payload, R"([{"bn":"/34121/0/","n":"3","v":21}])");
  Respond(415);  // it only reads what it writes itself in that
  EXPECT_EQ(coap_.last().request.content_format, 11542u);
  Respond(204);
  EXPECT_EQ(result_.coap_code(), 204u);
  // Whatever leaves open what was done is not followed by another try.
  for (const coap::Code code : {405, 500}) {
    Perform(write);
    EXPECT_EQ(coap_.last().request.content_format, 110u);
    Respond(code);
    EXPECT_EQ(result_.coap_code(), static_cast<uint32_t>(code));
  }
  Perform(write);
  StaySilent();
  write.mutable_write()->set_self_describing(false);
  Perform(write);
  EXPECT_EQ(coap_.last().request.content_format, 11542u);
}

// What an ordinary read would have had to find out is remembered for it.
TEST_F(SelfDescribingReadTest, TheFallBackTeachesOrdinaryReads) {
  Register("1.0");
  Perform(ReadOf("/34121/0"));
  Respond(406);
  EXPECT_EQ(Asked(), std::nullopt);
  Respond(406);
  EXPECT_EQ(Asked(), 11542u);
  Respond(205, 11542, kTlv);
  Perform(ReadOf("/3/0", false));
  EXPECT_EQ(Asked(), 11542u);
}

}  // namespace
}  // namespace isthmus::connector
