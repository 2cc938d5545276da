#include "services/synchronizer/core/device/freshness.h"

#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"

namespace isthmus::synchronizer {
namespace {

TEST(Freshness, AWholeReadServesEveryAttributeUntilItIsTooOld) {
  FakeClock clock;
  Freshness freshness(absl::Seconds(10), &clock);
  EXPECT_FALSE(freshness.Age("r", {}).has_value());
  freshness.Read("r", {});
  clock.Advance(absl::Seconds(9));
  EXPECT_EQ(freshness.Age("r", {}), absl::Seconds(9));
  EXPECT_EQ(freshness.Age("r", {"btl"}), absl::Seconds(9));
  clock.Advance(absl::Seconds(1));
  EXPECT_FALSE(freshness.Age("r", {}).has_value());
}

TEST(Freshness, ANotificationServesOnlyWhatItCarried) {
  FakeClock clock;
  Freshness freshness(absl::Seconds(10), &clock);
  freshness.Notified("r", {"btl"});
  freshness.Notified("r", {});
  EXPECT_TRUE(freshness.Age("r", {"btl"}).has_value());
  EXPECT_FALSE(freshness.Age("r", {"btl", "bts"}).has_value());
  EXPECT_FALSE(freshness.Age("r", {}).has_value());
}

TEST(Freshness, ForgetsAfterAChange) {
  FakeClock clock;
  Freshness freshness(absl::Seconds(10), &clock);
  freshness.Read("r", {});
  freshness.Forget("r");
  EXPECT_FALSE(freshness.Age("r", {}).has_value());
}

TEST(Freshness, WithoutMaxAgeNothingIsEverFresh) {
  FakeClock clock;
  Freshness freshness(absl::ZeroDuration(), &clock);
  freshness.Read("r", {});
  EXPECT_FALSE(freshness.Age("r", {}).has_value());
}

}  // namespace
}  // namespace isthmus::synchronizer
