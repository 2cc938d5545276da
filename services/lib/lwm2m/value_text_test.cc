#include "services/lib/lwm2m/value_text.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::lwm2m {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::HasSubstr;

TEST(ValueTextTest, IntegralNumbersOfAnyShapeAreIntegers) {
  EXPECT_EQ(ParseNumber("80")->integer(), 80);
  EXPECT_EQ(ParseNumber("+80")->integer(), 80);
  EXPECT_EQ(ParseNumber("80.0")->integer(), 80);
  EXPECT_EQ(ParseNumber("80.")->integer(), 80);
  EXPECT_EQ(ParseNumber("1e2")->integer(), 100);
  EXPECT_EQ(ParseNumber("1.7011728e9")->integer(), 1701172800);
  EXPECT_EQ(ParseNumber("-9223372036854775808")->integer(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ParseNumber("007")->integer(), 7);
  EXPECT_TRUE(ParseNumber("80.0")->has_integer());
}

TEST(ValueTextTest, LargeNumbersKeepWhatTheyCan) {
  EXPECT_EQ(ParseNumber("9223372036854775808")->unsigned_integer(), uint64_t{1} << 63);
  EXPECT_EQ(ParseNumber("18446744073709551615")->unsigned_integer(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(ParseNumber("18446744073709551616")->floating(), 18446744073709551616.0);
  EXPECT_EQ(ParseNumber("1e300")->floating(), 1e300);
}

TEST(ValueTextTest, FractionsAreFloating) {
  EXPECT_EQ(ParseNumber("-0.5")->floating(), -0.5);
  EXPECT_EQ(ParseNumber(".5")->floating(), 0.5);
  EXPECT_EQ(ParseNumber("5e-1")->floating(), 0.5);
  EXPECT_EQ(ParseNumber("1e-400")->kind_case(), ParseNumber("0")->kind_case());
}

TEST(ValueTextTest, OtherTextIsNoNumber) {
  for (const char* text : {"",    ".",   "+",   "-",   "0.-5", "80 ", " 80",   "1e", "1e+",   "0x10",
                           "inf", "nan", "NaN", "1,5", "--1",  "+-1", "1.2.3", "e5", "1_000", "80\n"}) {
    EXPECT_THAT(ParseNumber(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a decimal"))) << text;
  }
  EXPECT_THAT(ParseNumber("1e400"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("too large")));
  EXPECT_THAT(ParseNumber(std::string(400, '9')), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ValueTextTest, FloatsRoundTripInShortestForm) {
  EXPECT_EQ(FormatFloat(0.1), "0.1");
  EXPECT_EQ(FormatFloat(-40.5), "-40.5");
  for (const double number : {0.1, 1e300, -1e-300, 21.37, 4.9406564584124654e-324, 1.7976931348623157e308}) {
    EXPECT_EQ(ParseNumber(FormatFloat(number))->floating(), number);
  }
}

TEST(ValueTextTest, Base64OfBothAlphabets) {
  EXPECT_EQ(DecodeBase64("+/8="), "\xFB\xFF");
  EXPECT_EQ(DecodeBase64("-_8"), "\xFB\xFF");
  EXPECT_EQ(DecodeBase64("QUJD"), "ABC");
  EXPECT_EQ(DecodeBase64("QQ=="), "A");
  EXPECT_EQ(DecodeBase64(""), "");
  for (const char* text : {"Q", "QUJ D", "QUJD\n", "Q===", "====", "QU=D", "QUJD*", "="}) {
    EXPECT_FALSE(DecodeBase64(text).has_value()) << text;
  }
}

TEST(ValueTextTest, DatesAndTimes) {
  EXPECT_EQ(*ParseDateAndTime("2023-11-28T12:00:00Z"), 1701172800);
  EXPECT_EQ(*ParseDateAndTime("2023-11-28T21:00:00+09:00"), 1701172800);
  EXPECT_EQ(*ParseDateAndTime("2023-11-28T12:00:00.999Z"), 1701172800);
  EXPECT_EQ(*ParseDateAndTime("0001-01-01T00:00:00Z"), kEarliestTime);
  EXPECT_EQ(*ParseDateAndTime("9999-12-31T23:59:59Z"), kLatestTime);
  for (const char* text :
       {"", "Z", "2023", "infinite-future", "infinite-past", " 2023-11-28T12:00:00Z", "2023-11-28T12:00:00Z ",
        "12023-11-28T12:00:00Z", "0000-12-31T23:59:59Z", "-001-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00",
        "2023-11-28 12:00:00Z", "2023-13-28T12:00:00Z", "20231128T120000Z"}) {
    EXPECT_THAT(ParseDateAndTime(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("RFC 3339"))) << text;
  }
}

TEST(ValueTextTest, ObjectLinks) {
  const absl::StatusOr<v1::ObjectLinkValue> link = ParseObjectLink("65535:1");
  ASSERT_THAT(link, IsOk());
  EXPECT_EQ(link->object_id(), 65535u);
  EXPECT_EQ(link->object_instance_id(), 1u);
  EXPECT_EQ(FormatObjectLink(*link), "65535:1");
  for (const char* text : {"", ":", "3", "3:", ":0", "3:0:1", "3/0", "65536:0", "-1:0", "3: 0", "3:0 ", "+3:0"}) {
    EXPECT_THAT(ParseObjectLink(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(ValueTextTest, ExcerptsAreShortAndPrintable) {
  EXPECT_EQ(Excerpt("80 "), "'80 '");
  EXPECT_EQ(Excerpt("\xFF\n"), "'\\xff\\n'");
  EXPECT_LT(Excerpt(std::string(100000, 'x')).size(), 50u);
}

}  // namespace
}  // namespace isthmus::lwm2m
