#include "services/connector/core/device_line.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/fake_coap_client.h"
#include "services/lib/clock/fake_clock.h"

namespace isthmus::connector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = DeviceLines::Result::Kind;
using Outcome = coap::Exchange::Outcome;

class DeviceLineTest : public testing::Test {
 protected:
  DeviceLineTest() : lines_(DeviceLineOptions(), &clock_, &coap_) {}

  DevicePtr DeviceOf(const std::string& endpoint, const std::string& address, bool queue_mode = false) {
    auto device = std::make_shared<Device>();
    device->registration.set_endpoint(endpoint);
    device->registration.set_address(address);
    device->registration.set_queue_mode(queue_mode);
    return device;
  }
  // Registered and settled.
  void Register(const std::string& endpoint, const std::string& address, bool queue_mode = false) {
    lines_.OnRegistered(DeviceOf(endpoint, address, queue_mode));
    Pass(absl::Milliseconds(50));
  }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    lines_.Tick();
  }
  DeviceLines::Job JobOf(const std::string& name, absl::Duration within = absl::Seconds(60), bool repeatable = false) {
    DeviceLines::Job job;
    job.build = [name](const Device&) {
      coap::OutgoingRequest request;
      request.path = {name};
      return request;
    };
    job.deadline = clock_.Monotonic() + within;
    job.repeatable = repeatable;
    job.done = [this, name](DeviceLines::Result result) {
      ended_.push_back(absl::StrCat(name, ":", Word(result)));
      results_.push_back(std::move(result));
    };
    return job;
  }
  static std::string Word(const DeviceLines::Result& result) {
    switch (result.kind) {
      case Kind::kExpiredUnsent:
        return "expired";
      case Kind::kNotRegistered:
        return "not registered";
      case Kind::kQueueFull:
        return "full";
      case Kind::kExchange:
        break;
    }
    switch (result.exchange.outcome) {
      case Outcome::kAnswered:
        return "answered";
      case Outcome::kTimeout:
        return "timeout";
      case Outcome::kReset:
        return "reset";
      default:
        return "other";
    }
  }
  std::vector<std::string> Sent() const {
    std::vector<std::string> names;
    for (const auto& sent : coap_.sent) names.push_back(sent.request.path[0]);
    return names;
  }

  FakeClock clock_;
  FakeCoapClient coap_;
  DeviceLines lines_;
  std::vector<std::string> ended_;
  std::vector<DeviceLines::Result> results_;
};

TEST_F(DeviceLineTest, OneAtATimeInOrder) {
  Register("d", "a:1");
  for (const char* name : {"1", "2", "3"}) lines_.Add("d", JobOf(name));
  EXPECT_THAT(Sent(), ElementsAre("1"));
  coap_.Respond(coap_.last().id, coap::kContent);
  EXPECT_THAT(Sent(), ElementsAre("1", "2"));
  coap_.Respond(coap_.last().id, coap::kContent);
  coap_.Respond(coap_.last().id, coap::kContent);
  EXPECT_THAT(ended_, ElementsAre("1:answered", "2:answered", "3:answered"));
}

TEST_F(DeviceLineTest, WhoeverWaitsGoesBeforeTheBackground) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("1"));
  DeviceLines::Job background = JobOf("background");
  background.background = true;
  lines_.Add("d", std::move(background));
  lines_.Add("d", JobOf("2"));
  coap_.Respond(coap_.last().id, coap::kContent);
  coap_.Respond(coap_.last().id, coap::kContent);
  EXPECT_THAT(Sent(), ElementsAre("1", "2", "background"));
}

// Field case: empty ACK then silence; one slow request holds up the rest.
TEST_F(DeviceLineTest, AnEmptyAcknowledgementFreesTheLine) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("slow", absl::Seconds(90)));
  lines_.Add("d", JobOf("next", absl::Seconds(5)));
  const coap::RequestId slow = coap_.last().id;
  coap_.Acknowledge(slow);
  lines_.Tick();
  EXPECT_THAT(Sent(), ElementsAre("slow", "next"));
  coap_.Respond(coap_.last().id, coap::kContent);
  EXPECT_THAT(ended_, ElementsAre("next:answered"));
  coap_.Respond(slow, coap::kContent);
  EXPECT_THAT(ended_, ElementsAre("next:answered", "slow:answered"));
}

TEST_F(DeviceLineTest, ALateAcknowledgementOfAnEndedRequestFreesNothing) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("1"));
  const coap::RequestId first = coap_.last().id;
  coap_.Fail(first, Outcome::kTimeout);
  lines_.Add("d", JobOf("2"));
  lines_.Add("d", JobOf("3"));
  EXPECT_THAT(Sent(), ElementsAre("1", "2"));
}

TEST_F(DeviceLineTest, WhatRunsOutBeforeItIsSentNeverGoesOut) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("blocking", absl::Seconds(60)));
  lines_.Add("d", JobOf("short", absl::Seconds(5)));
  lines_.Add("d", JobOf("long", absl::Seconds(60)));
  EXPECT_EQ(lines_.Tick(), absl::Seconds(5));
  Pass(absl::Seconds(5));
  EXPECT_THAT(ended_, ElementsAre("short:expired"));
  coap_.Fail(coap_.last().id, Outcome::kTimeout);
  EXPECT_THAT(Sent(), ElementsAre("blocking", "long"));
}

TEST_F(DeviceLineTest, TheTimeoutOfARequestIsWhatIsLeftOfItsDeadline) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("1", absl::Seconds(7)));
  EXPECT_EQ(coap_.last().request.timeout, absl::Seconds(7));
  coap_.Fail(coap_.last().id, Outcome::kTimeout);
  EXPECT_THAT(ended_, ElementsAre("1:timeout"));
}

TEST_F(DeviceLineTest, AlreadyPastOrUnknownEndsAtOnce) {
  lines_.Add("nobody", JobOf("1"));
  Register("d", "a:1");
  lines_.Add("d", JobOf("2", absl::ZeroDuration()));
  EXPECT_THAT(ended_, ElementsAre("1:not registered", "2:expired"));
  EXPECT_THAT(coap_.sent, IsEmpty());
}

TEST_F(DeviceLineTest, ALongQueueIsRefused) {
  Register("d", "a:1");
  for (int i = 0; i < 1002; ++i) lines_.Add("d", JobOf(absl::StrCat(i)));
  EXPECT_THAT(ended_, ElementsAre("1001:full"));
}

// Field case: requests before the device knows it is registered.
TEST_F(DeviceLineTest, TheFirstRequestWaitsForTheRegistrationToSettle) {
  lines_.OnRegistered(DeviceOf("d", "a:1"));
  lines_.Add("d", JobOf("1"));
  EXPECT_THAT(coap_.sent, IsEmpty());
  EXPECT_EQ(lines_.Tick(), absl::Milliseconds(50));
  Pass(absl::Milliseconds(50));
  EXPECT_THAT(Sent(), ElementsAre("1"));
}

TEST_F(DeviceLineTest, AnEarlyResetIsRepeatedLaterAndBounded) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("1"));
  lines_.Add("d", JobOf("2"));
  coap_.Fail(coap_.last().id, Outcome::kReset);
  EXPECT_THAT(Sent(), ElementsAre("1"));  // not at once
  Pass(absl::Milliseconds(250));
  EXPECT_THAT(Sent(), ElementsAre("1", "1"));
  coap_.Respond(coap_.last().id, coap::kContent);
  EXPECT_THAT(ended_, ElementsAre("1:answered"));
  // It knows us now: a Reset means it.
  coap_.Fail(coap_.last().id, Outcome::kReset);
  EXPECT_THAT(ended_, ElementsAre("1:answered", "2:reset"));
}

TEST_F(DeviceLineTest, ADeviceThatResetsForeverEndsWithReset) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("1"));
  for (int i = 0; i < 20 && ended_.empty(); ++i) {
    if (coap_.IsOpen(coap_.last().id)) coap_.Fail(coap_.last().id, Outcome::kReset);
    Pass(absl::Seconds(8));
  }
  EXPECT_THAT(ended_, ElementsAre("1:reset"));
  EXPECT_LE(coap_.sent.size(), 7u);
}

TEST_F(DeviceLineTest, QueueModeWaitsUntilTheDeviceIsHeard) {
  Register("d", "a:1", /*queue_mode=*/true);
  Pass(absl::Seconds(94));  // asleep
  lines_.Add("d", JobOf("1", absl::Hours(1)));
  lines_.Add("d", JobOf("2", absl::Hours(1)));
  lines_.Add("d", JobOf("3", absl::Seconds(10)));
  EXPECT_THAT(coap_.sent, IsEmpty());
  EXPECT_EQ(lines_.Tick(), absl::Seconds(10));
  Pass(absl::Seconds(10));
  EXPECT_THAT(ended_, ElementsAre("3:expired"));
  EXPECT_EQ(lines_.Tick(), absl::Hours(1) - absl::Seconds(10));  // and nothing spins meanwhile
  lines_.OnHeard("d");
  EXPECT_THAT(Sent(), ElementsAre("1"));  // one at a time
  coap_.Respond(coap_.last().id, coap::kContent);
  EXPECT_THAT(Sent(), ElementsAre("1", "2"));
}

TEST_F(DeviceLineTest, AnAnswerKeepsAQueueModeDeviceAwake) {
  Register("d", "a:1", /*queue_mode=*/true);
  Pass(absl::Seconds(80));
  lines_.Add("d", JobOf("1"));
  coap_.Respond(coap_.last().id, coap::kContent);
  Pass(absl::Seconds(80));
  lines_.Add("d", JobOf("2"));
  EXPECT_THAT(Sent(), ElementsAre("1", "2"));
}

TEST_F(DeviceLineTest, ASleeperThatMissedAReadIsAskedAgainWhenItWakes) {
  Register("d", "a:1", /*queue_mode=*/true);
  lines_.Add("d", JobOf("read", absl::Hours(1), /*repeatable=*/true));
  coap_.Fail(coap_.last().id, Outcome::kTimeout);
  lines_.Add("d", JobOf("write", absl::Hours(1)));
  EXPECT_THAT(Sent(), ElementsAre("read"));
  lines_.OnUpdated(DeviceOf("d", "a:1", true));
  EXPECT_THAT(Sent(), ElementsAre("read", "read"));
  coap_.Respond(coap_.last().id, coap::kContent);
  // A write may have been performed: it is not sent twice.
  coap_.Fail(coap_.last().id, Outcome::kTimeout);
  EXPECT_THAT(ended_, ElementsAre("read:answered", "write:timeout"));
}

TEST_F(DeviceLineTest, AfterARestartAQueueModeDeviceCountsAsAsleep) {
  lines_.OnRestored(DeviceOf("d", "a:1", true));
  lines_.OnRestored(DeviceOf("e", "a:2"));
  lines_.Add("d", JobOf("1"));
  lines_.Add("e", JobOf("2"));
  EXPECT_THAT(Sent(), ElementsAre("2"));
}

// Field case: NAT gives a new port.
TEST_F(DeviceLineTest, ANewAddressTakesOverWhatIsUnderWay) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("read", absl::Seconds(60), /*repeatable=*/true));
  coap_.Acknowledge(coap_.last().id);
  lines_.Tick();
  lines_.Add("d", JobOf("write"));
  coap_.Acknowledge(coap_.last().id);
  lines_.Tick();
  lines_.Add("d", JobOf("later"));
  lines_.OnUpdated(DeviceOf("d", "a:2"));
  EXPECT_THAT(coap_.cancelled, testing::UnorderedElementsAre(1, 2, 3));
  EXPECT_THAT(ended_, testing::UnorderedElementsAre("write:timeout", "later:timeout"));
  EXPECT_THAT(Sent(), ElementsAre("read", "write", "later", "read"));
  EXPECT_EQ(coap_.last().peer, "a:2");
}

TEST_F(DeviceLineTest, TheSameAddressLeavesItUnderWay) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("1"));
  lines_.OnUpdated(DeviceOf("d", "a:1"));
  EXPECT_THAT(coap_.cancelled, IsEmpty());
  EXPECT_THAT(Sent(), ElementsAre("1"));
}

TEST_F(DeviceLineTest, ADeviceWhoseAddressBelongsToAnotherIsNotAsked) {
  Register("d1", "a:1");
  lines_.Add("d1", JobOf("under way", absl::Seconds(60), /*repeatable=*/true));
  lines_.OnDisplaced("d1");
  Register("d2", "a:1");
  lines_.Add("d1", JobOf("for d1", absl::Seconds(60)));
  lines_.Add("d2", JobOf("for d2", absl::Seconds(60)));
  EXPECT_THAT(Sent(), ElementsAre("under way", "for d2"));
  lines_.OnUpdated(DeviceOf("d1", "a:3"));
  EXPECT_EQ(coap_.last().peer, "a:3");
  EXPECT_THAT(Sent(), ElementsAre("under way", "for d2", "under way"));
}

TEST_F(DeviceLineTest, AGoneDeviceEndsWhatWaitsAndLetsFinishWhatWasSent) {
  Register("d", "a:1");
  lines_.Add("d", JobOf("reboot"));
  lines_.Add("d", JobOf("2"));
  lines_.OnGone("d");
  EXPECT_THAT(ended_, ElementsAre("2:not registered"));
  coap_.Respond(coap_.last().id, coap::kChanged);
  EXPECT_THAT(ended_, ElementsAre("2:not registered", "reboot:answered"));
  EXPECT_EQ(lines_.statistics().devices, 0u);
  EXPECT_EQ(lines_.statistics().under_way, 0u);
  EXPECT_EQ(lines_.Tick(), absl::InfiniteDuration());
}

TEST_F(DeviceLineTest, WhatWaitsOutlivesANewRegistration) {
  Register("d", "a:1", /*queue_mode=*/true);
  Pass(absl::Seconds(100));
  lines_.Add("d", JobOf("1", absl::Hours(1)));
  Register("d", "a:9", /*queue_mode=*/true);
  EXPECT_THAT(Sent(), ElementsAre("1"));
  EXPECT_EQ(coap_.last().peer, "a:9");
}

TEST_F(DeviceLineTest, AContinuationGoesBeforeWhatWaits) {
  Register("d", "a:1");
  DeviceLines::Job first = JobOf("first");
  first.done = [this](DeviceLines::Result) {
    DeviceLines::Job job = JobOf("first again");
    job.front = true;
    lines_.Add("d", std::move(job));
  };
  lines_.Add("d", std::move(first));
  lines_.Add("d", JobOf("second"));
  coap_.Respond(coap_.last().id, coap::kUnsupportedContentFormat);
  EXPECT_THAT(Sent(), ElementsAre("first", "first again"));
}

}  // namespace
}  // namespace isthmus::connector
