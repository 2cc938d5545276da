#include "services/mqtt_binding/core/outbox.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace isthmus::mqtt_binding {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

class OutboxTest : public ::testing::Test {
 protected:
  void Add(Outbox& outbox, const std::string& payload, absl::Time expires = absl::InfiniteFuture()) {
    outbox.Add({"t", payload, expires, [this, payload](const absl::Status& status) {
                  outcomes_.push_back(absl::StrCat(payload, "=", absl::StatusCodeToString(status.code())));
                }});
  }
  std::vector<std::string> Drain(Outbox& outbox, absl::Time now = kNow) {
    std::vector<std::string> sent;
    while (const auto next = outbox.Next(now)) {
      sent.push_back(*next->payload);
      sequences_.push_back(next->sequence);
    }
    return sent;
  }
  std::vector<std::string> outcomes_;
  std::vector<uint64_t> sequences_;
};

TEST_F(OutboxTest, KeepsTheOrderAndForgetsWhatIsAcknowledged) {
  Outbox outbox({});
  for (const char* payload : {"a", "b", "c"}) Add(outbox, payload);
  EXPECT_THAT(Drain(outbox), ElementsAre("a", "b", "c"));
  outbox.Acknowledge(sequences_[1]);
  outbox.Acknowledge(sequences_[0]);
  outbox.Acknowledge(sequences_[0]);
  EXPECT_THAT(outcomes_, ElementsAre("b=OK", "a=OK"));
  EXPECT_EQ(outbox.size(), 1u);
  outbox.Acknowledge(sequences_[2]);
  EXPECT_TRUE(outbox.empty());
}

// Field case "order after a reconnect".
TEST_F(OutboxTest, AfterAReconnectTheUnacknowledgedComeFirstAndInOrder) {
  Outbox outbox({});
  for (const char* payload : {"a", "b", "c"}) Add(outbox, payload);
  Drain(outbox);
  outbox.Acknowledge(sequences_[1]);
  outbox.Rewind();
  Add(outbox, "d");
  // Acknowledgements of before are not believed.
  outbox.Acknowledge(sequences_[0]);
  EXPECT_THAT(Drain(outbox), ElementsAre("a", "c", "d"));
  EXPECT_THAT(outcomes_, ElementsAre("b=OK"));
}

TEST_F(OutboxTest, ExpiredOnesAreDroppedWhenTheirTurnComes) {
  Outbox outbox({});
  Add(outbox, "a", kNow + absl::Seconds(1));
  Add(outbox, "b");
  Add(outbox, "c", kNow + absl::Seconds(1));
  EXPECT_THAT(Drain(outbox, kNow + absl::Seconds(1)), ElementsAre("b"));
  EXPECT_THAT(outcomes_, ElementsAre("a=DEADLINE_EXCEEDED", "c=DEADLINE_EXCEEDED"));
  EXPECT_EQ(outbox.size(), 1u);
}

TEST_F(OutboxTest, WindowBoundsWhatIsUnderWay) {
  Outbox outbox({/*messages=*/100, /*octets=*/1000, /*window=*/2});
  for (const char* payload : {"a", "b", "c"}) Add(outbox, payload);
  EXPECT_THAT(Drain(outbox), ElementsAre("a", "b"));
  outbox.Acknowledge(sequences_[0]);
  EXPECT_THAT(Drain(outbox), ElementsAre("c"));
}

TEST_F(OutboxTest, IsBounded) {
  Outbox outbox({/*messages=*/2, /*octets=*/1000, /*window=*/10});
  Add(outbox, "a");
  Add(outbox, "b");
  Add(outbox, "c");
  EXPECT_THAT(outcomes_, ElementsAre("c=RESOURCE_EXHAUSTED"));
  Outbox small({/*messages=*/10, /*octets=*/10, /*window=*/10});
  Add(small, "0123456789");
  EXPECT_TRUE(small.empty());
}

TEST_F(OutboxTest, DropAndCloseTellWhy) {
  Outbox outbox({});
  for (const char* payload : {"a", "b"}) Add(outbox, payload);
  Drain(outbox);
  outbox.Drop(sequences_[0], absl::InvalidArgumentError("no"));
  outbox.Close();
  Add(outbox, "c");
  EXPECT_THAT(outcomes_, ElementsAre("a=INVALID_ARGUMENT", "b=CANCELLED", "c=CANCELLED"));
  EXPECT_THAT(Drain(outbox), IsEmpty());
  EXPECT_TRUE(outbox.empty());
}

}  // namespace
}  // namespace isthmus::mqtt_binding
