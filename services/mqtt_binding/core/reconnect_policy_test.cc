#include "services/mqtt_binding/core/reconnect_policy.h"

#include "gtest/gtest.h"

namespace isthmus::mqtt_binding {
namespace {

ReconnectPolicy Policy(double random = 0) {
  return ReconnectPolicy({}, [random] { return random; });
}

// Field case "broker away for five minutes": subscribed again within 10 s of its return.
TEST(ReconnectPolicy, AbsentBrokerIsLookedForOftenEnoughAndNotTooOften) {
  ReconnectPolicy calm = Policy(0);
  ReconnectPolicy wild = Policy(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_GE(calm.OnFailed(), absl::Seconds(1));
    EXPECT_LE(wild.OnFailed(), absl::Seconds(6));
  }
  EXPECT_EQ(calm.OnFailed(), absl::Seconds(5));
  calm.OnConnected(absl::Seconds(1000));
  EXPECT_EQ(calm.OnFailed(), absl::Seconds(1));
}

// Field case "MQTT session takeover by a rolling update".
TEST(ReconnectPolicy, RepeatedTakeoverIsNoticedAndTheLoserBacksOff) {
  ReconnectPolicy policy = Policy();
  absl::Duration now = absl::Seconds(1000);
  policy.OnConnected(now);
  now += absl::Hours(1);
  EXPECT_EQ(policy.OnLost(now), absl::Seconds(1));  // once in a while is nothing
  EXPECT_FALSE(policy.Contested(now));
  absl::Duration wait = absl::Seconds(1);
  for (int i = 0; i < 8; ++i) {
    policy.OnConnected(now);
    now += absl::Seconds(2);
    const absl::Duration next = policy.OnLost(now);
    EXPECT_GE(next, wait);
    wait = next;
    EXPECT_EQ(policy.Contested(now), i >= 1) << i;
  }
  EXPECT_EQ(wait, absl::Seconds(30));
  // A rival that waits its longest does not make the connection look stable.
  policy.OnConnected(now);
  now += absl::Seconds(36);
  EXPECT_TRUE(policy.Contested(now));
  EXPECT_EQ(policy.OnLost(now), absl::Seconds(30));
  // The rival has gone.
  policy.OnConnected(now);
  EXPECT_TRUE(policy.Contested(now + absl::Seconds(44)));
  EXPECT_FALSE(policy.Contested(now + absl::Seconds(45)));
  EXPECT_EQ(policy.OnLost(now + absl::Seconds(46)), absl::Seconds(1));
}

TEST(ReconnectPolicy, FlappingBrokerIsNoRival) {
  ReconnectPolicy policy = Policy();
  absl::Duration now = absl::Seconds(1000);
  for (int i = 0; i < 10; ++i) {  // up 3 s, down 3 s
    policy.OnConnected(now);
    now += absl::Seconds(3);
    EXPECT_LE(policy.OnLost(now), absl::Seconds(2));
    EXPECT_LE(policy.OnFailed(), absl::Seconds(1));
    now += absl::Seconds(3);
    EXPECT_FALSE(policy.Contested(now));
  }
}

}  // namespace
}  // namespace isthmus::mqtt_binding
