#include "services/lib/cbor/cbor.h"

#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::cbor {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::HasSubstr;

std::string Hex(const Item& item) { return absl::BytesToHexString(Encode(item)); }
absl::StatusOr<Item> FromHex(absl::string_view hex) { return Decode(absl::HexStringToBytes(hex)); }
// The same octets after a round trip.
std::string Again(absl::string_view hex) {
  const auto item = FromHex(hex);
  return item.ok() ? Hex(*item) : std::string(item.status().message());
}

// Examples of RFC 8949 appendix A.
TEST(CborTest, ItemsOfEachKindComeBack) {
  for (const char* hex : {"00",
                          "17",
                          "1818",
                          "1903e8",
                          "1a000f4240",
                          "1bffffffffffffffff",
                          "20",
                          "3863",
                          "3bffffffffffffffff",
                          "f4",
                          "f5",
                          "f6",
                          "60",
                          "6449455446",
                          "40",
                          "4401020304",
                          "80",
                          "83010203",
                          "8301820203820405",
                          "a0",
                          "a201020304",
                          "c11a514b67b0",
                          "fb3ff199999999999a",
                          "fa47c35000"}) {
    EXPECT_EQ(Again(hex), hex);
  }
}

TEST(CborTest, OtherFormsOfTheSame) {
  EXPECT_EQ(Again("1800"), "00");                          // a longer form of a number
  EXPECT_EQ(Again("f95500"), "fa42a00000");                // half
  EXPECT_EQ(Again("f7"), "f6");                            // undefined
  EXPECT_EQ(Again("5f42010243030405ff"), "450102030405");  // strings in pieces
  EXPECT_EQ(Again("7f657374726561646d696e67ff"), "6973747265616d696e67");
  EXPECT_EQ(Again("9f0102ff"), "820102");
  EXPECT_EQ(Again("bf61610161629f02ffff"), "a261610161628102");
}

TEST(CborTest, IntegersOfEachEnd) {
  EXPECT_EQ(Hex(Integer(std::numeric_limits<int64_t>::min())), "3b7fffffffffffffff");
  EXPECT_EQ(Hex(Integer(-1)), "20");
  EXPECT_EQ(Hex(Unsigned(std::numeric_limits<uint64_t>::max())), "1bffffffffffffffff");
}

TEST(CborTest, WhatIsMalformedIsRefused) {
  const struct {
    const char* hex;
    const char* why;
  } kRows[] = {
      {"", "cut short"},
      {"18", "cut short"},
      {"1a0000", "cut short"},
      {"6549455446", "cut short"},
      {"5b7fffffffffffffff00", "cut short"},
      {"9b7fffffffffffffff00", "cut short"},
      {"bb7fffffffffffffff0000", "cut short"},
      {"8201", "cut short"},
      {"9f01", "cut short"},
      {"5f4101", "cut short"},
      {"0000", "something follows"},
      {"ff", "a break"},
      {"82ff", "a break"},
      {"bf01ff", "a break"},
      {"c1ff", "a tag of nothing"},
      {"5f6161ff", "another kind"},
      {"5f5fffff", "another kind"},
      {"62c328", "not UTF-8"},
      {"1c", "not a data item"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(FromHex(row.hex), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(row.why))) << row.hex;
  }
}

TEST(CborTest, WhatCameBeforeAnErrorIsRead) {
  const struct {
    const char* hex;
    const char* read;
  } kRows[] = {
      {"", "f6"},
      {"18", "f6"},
      {"8301", "8101"},
      {"8201ff", "8101"},
      {"a2616101616282", "a1616101"},  // the container has nothing in it yet
      {"a26161016162820162", "a261610161628101"},
      {"9f0102", "820102"},
      {"0000", "00"},
      {"c1820162c328", "c18101"},
  };
  for (const auto& row : kRows) {
    Item item;
    EXPECT_FALSE(Decode(absl::HexStringToBytes(row.hex), &item).ok()) << row.hex;
    if (item.kind == Kind::kMap) item.items.resize(item.items.size() / 2 * 2);
    EXPECT_EQ(Hex(item), row.read) << row.hex;
  }
}

TEST(CborTest, DoublesBeyondTheRangeOfASingleStayDoubles) {
  EXPECT_EQ(Hex(Floating(1e300)), "fb7e37e43c8800759c");
  EXPECT_EQ(Hex(Floating(std::numeric_limits<float>::max())), "fa7f7fffff");
  EXPECT_EQ(Hex(Floating(std::numeric_limits<double>::max())), "fb7fefffffffffffff");
}

TEST(CborTest, TheNumberOfItemsIsBounded) {
  const auto list_of = [](size_t items) { return std::string("\x9f") + std::string(items, '\0') + "\xff"; };
  EXPECT_THAT(Decode(list_of(kMostItems - 2)), IsOk());
  EXPECT_THAT(Decode(list_of(kMostItems)), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("more than")));
}

TEST(CborTest, DepthIsBounded) {
  EXPECT_THAT(Decode(std::string(kMostDepth, '\x81') + '\0'), IsOk());
  EXPECT_THAT(Decode(std::string(kMostDepth + 1, '\x81') + '\0'),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deeper")));
  EXPECT_THAT(Decode(std::string(100000, '\x81')), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deeper")));
  EXPECT_THAT(Decode(std::string(100000, '\xc1')), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("deeper")));
}

}  // namespace
}  // namespace isthmus::cbor
