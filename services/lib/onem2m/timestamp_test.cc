#include "services/lib/onem2m/timestamp.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::onem2m {
namespace {

using status::IsOk;
using status::StatusIs;

const absl::Time kNoon = absl::FromUnixSeconds(1701172800);  // 2023-11-28 12:00:00 UTC

TEST(Timestamp, FormatsInUtcWithoutSeparators) {
  EXPECT_EQ(FormatTimestamp(kNoon), "20231128T120000");
  EXPECT_EQ(FormatTimestamp(kNoon + absl::Milliseconds(999)), "20231128T120000");
  EXPECT_EQ(FormatTimestamp(absl::FromUnixSeconds(-1)), "19691231T235959");
  EXPECT_EQ(FormatTimestamp(absl::FromUnixSeconds(2177452800)), "20390101T000000");
}

TEST(Timestamp, ParsesWithAndWithoutFraction) {
  ASSERT_THAT(ParseTimestamp("20231128T120000"), IsOk());
  EXPECT_EQ(*ParseTimestamp("20231128T120000"), kNoon);
  EXPECT_EQ(*ParseTimestamp("20231128T120000,5"), kNoon + absl::Milliseconds(500));
  EXPECT_EQ(*ParseTimestamp("20231128T120000,000001"), kNoon + absl::Microseconds(1));
}

class BadTimestamp : public testing::TestWithParam<const char*> {};

TEST_P(BadTimestamp, IsRefused) {
  EXPECT_THAT(ParseTimestamp(GetParam()),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("YYYYMMDDThhmmss")));
}

INSTANTIATE_TEST_SUITE_P(Shapes, BadTimestamp,
                         testing::Values("", "now", "20231128", "20231128T120000Z", "2023-11-28T12:00:00",
                                         "20231128 120000", "20230231T120000", "20231301T120000", "20231128T240000",
                                         "20231128T126000", "20231128T120000,", "20231128T120000,x",
                                         "20231128T120000.5", "20231128T120000,1234567890", "x0231128T120000"));

TEST(AbsRelTimestamp, TakesMillisecondsFromNow) {
  EXPECT_EQ(*ParseAbsRelTimestamp("5000", kNoon), kNoon + absl::Seconds(5));
  EXPECT_EQ(*ParseAbsRelTimestamp("-1", kNoon), kNoon - absl::Milliseconds(1));
  EXPECT_EQ(*ParseAbsRelTimestamp("20231128T120000", absl::UnixEpoch()), kNoon);
  EXPECT_THAT(ParseAbsRelTimestamp("5 s", kNoon), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseAbsRelTimestamp("99999999999999999999", kNoon), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Duration, IsOfDaysToSeconds) {
  EXPECT_EQ(*ParseDuration("PT30S"), absl::Seconds(30));
  EXPECT_EQ(*ParseDuration("PT0.5S"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseDuration("P1DT2H3M4S"), absl::Hours(26) + absl::Minutes(3) + absl::Seconds(4));
  EXPECT_EQ(*ParseDuration("P2D"), absl::Hours(48));
  EXPECT_EQ(*ParseDuration("PT0S"), absl::ZeroDuration());
}

class BadDuration : public testing::TestWithParam<const char*> {};

TEST_P(BadDuration, IsRefused) {
  EXPECT_THAT(ParseDuration(GetParam()), StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("PT30S")));
}

INSTANTIATE_TEST_SUITE_P(Shapes, BadDuration,
                         testing::Values("", "P", "PT", "30", "30S", "P1Y", "P1M", "-PT5S", "PT5", "PTS", "PT1.5H",
                                         "PT.5S", "PT5.S", "PT1.2.3S", "PT5S1M", "P5S", "PT1D", "PT1S2S", "P1DT",
                                         "PT9999999999999S", "PT 5S"));

}  // namespace
}  // namespace isthmus::onem2m
