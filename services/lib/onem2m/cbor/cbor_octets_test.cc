#include "services/lib/onem2m/cbor/cbor_octets.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/cbor/cbor.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::onem2m {
namespace {

using ::testing::HasSubstr;

CborDocument FromHex(absl::string_view hex) { return ParseCbor(absl::HexStringToBytes(hex)); }
std::string RoundTrip(absl::string_view hex) {
  const CborDocument document = FromHex(hex);
  return document.error.empty() ? absl::BytesToHexString(ToCbor(document.value))
                                : absl::StrCat("error: ", document.error);
}

TEST(CborOctets, KeepsEveryKindOfValue) {
  for (const char* hex :
       {"f6", "f4", "f5", "00", "20", "1b7fffffffffffffff", "3b7fffffffffffffff", "fa3f800000", "fb3ff199999999999a",
        "60", "6474657874", "80", "a0", "8201820283036161a16161f6", "a26161a161628202f561630a"}) {
    EXPECT_EQ(RoundTrip(hex), hex);
  }
  EXPECT_EQ(FromHex("1b7fffffffffffffff").value.integer(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(FromHex("3b7fffffffffffffff").value.integer(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(FromHex("a26161a161628202f561630a").error, "");
  // 1.0 stays a number with a fraction, as in JSON.
  EXPECT_EQ(FromHex("fa3f800000").value.kind_case(), v1::Value::kNumber);
}

TEST(CborOctets, IntegersBeyondInt64BecomeNumbers) {
  EXPECT_EQ(FromHex("1b8000000000000000").value.number(), 9223372036854775808.0);
  EXPECT_EQ(FromHex("1bffffffffffffffff").value.number(), 18446744073709551615.0);
  EXPECT_EQ(FromHex("3b8000000000000000").value.number(), -9223372036854775809.0);
  EXPECT_EQ(FromHex("3bffffffffffffffff").value.number(), -18446744073709551616.0);
}

TEST(CborOctets, WhatJsonCannotSayIsRefusedByTheNameOfTheMember) {
  const struct {
    const char* diagnostic;
    const char* hex;
    const char* error;
  } kRows[] = {
      {"{pc: {m2m:bat: {btl: h'01'}}}", "a1627063a1676d326d3a626174a16362746c4101",
       "pc.m2m:bat.btl: expected a text, got a byte string"},
      {"{a: NaN}", "a16161f97e00", "a: expected a number, got NaN"},
      {"{a: [1, Infinity]}", "a161618201f97c00", "a: expected a number, got infinity"},
      {"{a: -Infinity}", "a16161fbfff0000000000000", "a: expected a number, got infinity"},
      {"{a: 0(\"x\")}", "a16161c06178", "a: expected no tag, got 0"},
      {"1(5)", "c105", "expected no tag, got 1"},
      {"{a: 55799(5)}", "a16161d9d9f705", "a: expected no tag, got 55799"},
      {"{1: 2}", "a10102", "expected texts as keys"},
      {"{h'61': 2}", "a1416102", "expected texts as keys"},
      {"{a: {b: 1, b: 2}}", "a16161a2616201616202", "a: the member 'b' occurs twice"},
      {"{a: 1, a: 1}", "a2616101616101", "the member 'a' occurs twice"},
  };
  for (const auto& row : kRows) EXPECT_THAT(FromHex(row.hex).error, HasSubstr(row.error)) << row.diagnostic;
}

TEST(CborOctets, OneWrongMemberLeavesTheOthers) {
  // {a: h'01', 1: 2, rqi: "w1"}
  const CborDocument document = FromHex("a361614101010263727169627731");
  EXPECT_THAT(document.error, HasSubstr("a: expected a text"));
  EXPECT_EQ(FindText(document.value.object(), "rqi"), "w1");
}

TEST(CborOctets, TheTagThatSaysCborIsTaken) { EXPECT_EQ(RoundTrip("d9d9f7a1616101"), "a1616101"); }

TEST(CborOctets, MalformedOctetsTellWhereAndWhatCameBefore) {
  CborDocument document = FromHex("a26372716962773161");
  EXPECT_THAT(document.error, HasSubstr("octet 8: cut short"));
  EXPECT_EQ(FindText(document.value.object(), "rqi"), "w1");
  EXPECT_EQ(document.value.object().members_size(), 1);
  document = FromHex("a16372716962773100");
  EXPECT_THAT(document.error, HasSubstr("something follows"));
  EXPECT_EQ(FindText(document.value.object(), "rqi"), "w1");
  EXPECT_THAT(FromHex("62c328").error, HasSubstr("not UTF-8"));
  EXPECT_EQ(FromHex("").error, "the payload is empty");
}

TEST(CborOctets, DepthIsBounded) {
  const auto nested = [](int levels) { return std::string(levels - 1, '\x81') + '\x80'; };
  EXPECT_EQ(ParseCbor(nested(kMaxValueDepth)).error, "");
  EXPECT_THAT(ParseCbor(nested(kMaxValueDepth + 1)).error, HasSubstr("nested deeper than 24"));
  // {pc: [[...]], rqi: "w1"}: read on behind it.
  const CborDocument document = ParseCbor(absl::StrCat("\xa2\x62pc", nested(kMaxValueDepth + 2), "\x63rqi\x62w1"));
  EXPECT_THAT(document.error, HasSubstr("pc: nested deeper"));
  EXPECT_EQ(FindText(document.value.object(), "rqi"), "w1");
  for (const char head : {'\x81', '\xa1', '\xc1', '\x9f'}) {
    EXPECT_FALSE(ParseCbor(std::string(200'000, head)).error.empty());
  }
}

TEST(CborOctets, NeverWritesNaNOrInfinity) {
  v1::Object object;
  Set(object, "a", Number(std::nan("")));
  Set(object, "b", Number(std::numeric_limits<double>::infinity()));
  Set(object, "c", List({Number(-std::numeric_limits<double>::infinity()), Integer(1)}));
  EXPECT_EQ(absl::BytesToHexString(ToCbor(Complex(object))), "a1616382f601");
}

TEST(CborOctets, WritesUtf8WhateverTheTextHolds) {
  EXPECT_EQ(ToCbor(Text("a\xFF")),
            "\x64"
            "a\xEF\xBF\xBD");
  v1::Object object;
  Set(object, "\xC3", Null());
  EXPECT_EQ(ToCbor(Complex(object)), "\xa1\x63\xEF\xBF\xBD\xf6");
}

TEST(CborOctets, RandomOctetsAreSurvived) {
  std::mt19937_64 random(7);
  // Heads of each kind, mostly short ones.
  const std::string alphabet(
      "\xa1\xa2\xa3\x81\x82\x61\x62\x63"
      "ab\x01\x20\xf4\xf6\xf9\x7e\x18\x41\xc0\x9f\xbf\xff\x7f",
      23);
  int read = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string octets;
    for (uint64_t n = random() % 24; n > 0; --n) octets.push_back(alphabet[random() % alphabet.size()]);
    const CborDocument document = ParseCbor(octets);
    if (!document.error.empty()) continue;
    ++read;
    const CborDocument again = ParseCbor(ToCbor(document.value));
    ASSERT_EQ(again.error, "") << absl::BytesToHexString(octets);
    ASSERT_TRUE(Equal(again.value, document.value)) << absl::BytesToHexString(octets);
  }
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace isthmus::onem2m
