#include "services/lib/coap/timer_queue.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace isthmus::coap {
namespace {

TEST(TimerQueueTest, RunsInOrderWhatIsDue) {
  TimerQueue timers;
  std::vector<int> ran;
  timers.At(absl::Seconds(3), [&] { ran.push_back(3); });
  timers.At(absl::Seconds(1), [&] { ran.push_back(1); });
  const TimerId two = timers.At(absl::Seconds(2), [&] { ran.push_back(2); });
  EXPECT_EQ(timers.Next(), absl::Seconds(1));
  timers.Cancel(two);
  timers.RunDue(absl::Seconds(2));
  EXPECT_THAT(ran, testing::ElementsAre(1));
  EXPECT_EQ(timers.Next(), absl::Seconds(3));
  timers.RunDue(absl::Seconds(3));
  EXPECT_THAT(ran, testing::ElementsAre(1, 3));
  EXPECT_EQ(timers.Next(), absl::InfiniteDuration());
}

TEST(TimerQueueTest, TimersMayAddAndCancelTimers) {
  TimerQueue timers;
  int ran = 0;
  TimerId victim = 0;
  timers.At(absl::Seconds(1), [&] {
    timers.Cancel(victim);
    timers.At(absl::Seconds(1), [&] { ++ran; });
  });
  victim = timers.At(absl::Seconds(1), [] { FAIL() << "cancelled"; });
  timers.RunDue(absl::Seconds(1));
  EXPECT_EQ(ran, 0) << "in the next turn, lest one turn never end";
  timers.RunDue(absl::Seconds(1));
  EXPECT_EQ(ran, 1);
}

TEST(TimerQueueTest, CancelledOnesDoNotPileUp) {
  TimerQueue timers;
  for (int i = 0; i < 1000000; ++i) timers.Cancel(timers.At(absl::Hours(1), [] {}));
  EXPECT_EQ(timers.size(), 0u);
  EXPECT_EQ(timers.Next(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace isthmus::coap
