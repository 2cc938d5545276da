#include "services/lib/onem2m/json/json_text.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::onem2m {
namespace {

using ::testing::HasSubstr;

std::string RoundTrip(absl::string_view text) {
  const JsonDocument document = ParseJson(text);
  return document.error.empty() ? ToJson(document.value) : absl::StrCat("error: ", document.error);
}

TEST(JsonText, KeepsEveryKindOfValue) {
  for (const char* text :
       {"null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "0.1", "1.0", "1e+300",
        "\"\"", "\"text\"", "[]", "{}", "[1,[2,[3]],{\"a\":null}]", "{\"a\":{\"b\":[true,\"x\"]},\"c\":1.5}"}) {
    EXPECT_EQ(RoundTrip(text), text);
  }
}

TEST(JsonText, IntegersBeyondInt64BecomeNumbers) {
  EXPECT_EQ(ParseJson("9223372036854775808").value.number(), 9223372036854775808.0);
  EXPECT_EQ(ParseJson("18446744073709551616").value.number(), 18446744073709551616.0);
  EXPECT_EQ(ParseJson("123456789012345678901234567890").value.kind_case(), v1::Value::kNumber);
}

TEST(JsonText, DoublesReadBackAsTheSameDouble) {
  for (const double number : {0.1, 1.0 / 3, 1.7011728e9, 5e-324, std::numeric_limits<double>::max(), -0.0}) {
    const v1::Value value = Number(number);
    EXPECT_EQ(ParseJson(ToJson(value)).value.number(), number) << ToJson(value);
  }
  EXPECT_EQ(ToJson(Number(0.1)), "0.1");
}

// Found by the fuzz target: undefined behaviour in RapidJSON's conversion.
TEST(JsonText, ZeroWithAnExponentIsZero) {
  for (const char* text : {"0e-88", "-0e-088", "0.000e300"}) {
    const JsonDocument document = ParseJson(text);
    EXPECT_EQ(document.error, "") << text;
    EXPECT_EQ(document.value.kind_case(), v1::Value::kNumber) << text;
    EXPECT_EQ(document.value.number(), 0.0) << text;
  }
  EXPECT_EQ(ParseJson("1e-999").value.number(), 0.0);
}

// Found by the fuzz target: RapidJSON made three octets of it that are no UTF-8, which no neighbour can read.
TEST(JsonText, HalfOfASurrogatePairIsRefused) {
  for (const char* text : {R"("\udc00")", R"("\uDEEEx")", R"("\ud800")", R"("\ud800\ud800")", R"({"\udc00":1})"}) {
    EXPECT_FALSE(ParseJson(text).error.empty()) << text;
  }
  const JsonDocument document = ParseJson(R"({"a":"\udc00","rqi":"w1"})");
  EXPECT_THAT(document.error, HasSubstr("half of a surrogate pair"));
  EXPECT_EQ(FindText(document.value.object(), "rqi"), "w1");
}

TEST(JsonText, NeverWritesNaNOrInfinity) {
  v1::Object object;
  Set(object, "a", Number(std::nan("")));
  Set(object, "b", Number(std::numeric_limits<double>::infinity()));
  Set(object, "c", List({Number(-std::numeric_limits<double>::infinity()), Integer(1)}));
  EXPECT_EQ(ToJson(Complex(object)), R"({"c":[null,1]})");
  EXPECT_FALSE(ParseJson("NaN").error.empty());
  EXPECT_FALSE(ParseJson("1e999").error.empty());
}

TEST(JsonText, EscapesWhatMustBeEscaped) {
  const std::string all =
      std::string("\"\\/\b\f\n\r\t\x01\x1f\x7f", 11) + std::string(1, '\0') + "\xC3\xA4\xF0\x9F\x98\x80";
  const std::string json = ToJson(Text(all));
  EXPECT_EQ(ParseJson(json).value.text(), all) << json;
  EXPECT_THAT(json, HasSubstr("\\u0000"));
  EXPECT_EQ(ParseJson(R"("\u00e4\ud83d\ude00")").value.text(), "\xC3\xA4\xF0\x9F\x98\x80");
}

TEST(JsonText, WritesUtf8WhateverTheTextHolds) {
  EXPECT_EQ(ToJson(Text("a\xFF"
                        "b\xC3")),
            "\"a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\"");
  EXPECT_EQ(ToJson(Text("\xED\xA0\x80")), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");  // a surrogate
}

TEST(JsonText, RefusesWhatIsNoJson) {
  for (const char* text :
       {"",   " ",   "{",   "{\"a\"}", "{\"a\":1,}", "[1,]",        "{'a':1}",  "{\"a\":1}x", "// c\n1",    "01", ".5",
        "+1", "tru", "\"a", "\"\n\"",  "\"\\x\"",    "\"\\ud800\"", "\"\xFF\"", "\"\xC3\"",   "{\"a\":1}{}"}) {
    EXPECT_FALSE(ParseJson(text).error.empty()) << text;
  }
  EXPECT_FALSE(ParseJson(absl::string_view("{\"a\":1}\0{", 9)).error.empty());
  EXPECT_FALSE(ParseJson(absl::string_view("\"a\0b\"", 5)).error.empty());
}

TEST(JsonText, NamesTheByteOrderMark) {
  const JsonDocument document = ParseJson("\xEF\xBB\xBF{\"rqi\":\"w1\"}");
  EXPECT_THAT(document.error, HasSubstr("byte-order mark"));
  EXPECT_EQ(FindText(document.value.object(), "rqi"), "w1");
}

TEST(JsonText, NamesTheMemberThatOccursTwice) {
  EXPECT_THAT(ParseJson(R"({"op":2,"op":4})").error, HasSubstr("'op' occurs twice"));
  EXPECT_THAT(ParseJson(R"({"a":{"b":1,"c":2,"b":3}})").error, HasSubstr("'b' occurs twice"));
  std::string many = "{";
  for (int i = 0; i < 40; ++i) absl::StrAppend(&many, "\"m", i, "\":0,");
  EXPECT_THAT(ParseJson(absl::StrCat(many, "\"m7\":1}")).error, HasSubstr("'m7' occurs twice"));
  EXPECT_EQ(ParseJson(absl::StrCat(many, "\"n\":1}")).error, "");
}

TEST(JsonText, DepthIsBoundedAndReadingGoesOn) {
  const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_EQ(ParseJson(nested(kMaxValueDepth)).error, "");
  EXPECT_THAT(ParseJson(nested(kMaxValueDepth + 1)).error, HasSubstr("nested deeper"));
  for (const int levels : {10'000, 200'000}) {
    const JsonDocument document = ParseJson(absl::StrCat("{\"pc\":", nested(levels), ",\"rqi\":\"w1\"}"));
    EXPECT_THAT(document.error, HasSubstr("nested deeper"));
    EXPECT_EQ(FindText(document.value.object(), "rqi"), "w1");
    EXPECT_FALSE(ParseJson(std::string(levels, '[')).error.empty());
    EXPECT_FALSE(ParseJson(std::string(levels, '{')).error.empty());
  }
}

// What is within the bound must pass protobuf's own bound on the way to a neighbour.
TEST(JsonText, TheDeepestValueSurvivesProtobuf) {
  std::string text;
  for (int i = 1; i < kMaxValueDepth; ++i) text += "{\"a\":";
  text += "{\"a\":1}" + std::string(kMaxValueDepth - 1, '}');
  const JsonDocument document = ParseJson(text);
  ASSERT_EQ(document.error, "");
  v1::Value copy;
  EXPECT_TRUE(copy.ParseFromString(document.value.SerializeAsString()));
}

v1::Value RandomValue(std::mt19937_64& random, int depth) {
  switch (random() % (depth > 0 ? 8 : 6)) {
    case 0:
      return Null();
    case 1:
      return Boolean(random() % 2 == 0);
    case 2:
      return Integer(static_cast<int64_t>(random()) >> (random() % 64));
    case 3: {
      double number;
      const uint64_t bits = random();
      memcpy(&number, &bits, sizeof(number));
      return Number(std::isfinite(number) ? number : 0.5);
    }
    case 4:
    case 5: {
      std::string text;
      for (uint64_t i = random() % 12; i > 0; --i) text.push_back(static_cast<char>(random() % 128));
      return Text(text);
    }
    case 6: {
      std::vector<v1::Value> values;
      for (uint64_t i = random() % 5; i > 0; --i) values.push_back(RandomValue(random, depth - 1));
      return List(std::move(values));
    }
    default: {
      v1::Object object;
      for (uint64_t i = random() % 5; i > 0; --i) {
        Set(object, absl::StrCat("m", random() % 100), RandomValue(random, depth - 1));
      }
      return Complex(std::move(object));
    }
  }
}

TEST(JsonText, RandomValuesComeBack) {
  std::mt19937_64 random(20240611);
  for (int i = 0; i < 3000; ++i) {
    const v1::Value value = RandomValue(random, 6);
    const std::string text = ToJson(value);
    const JsonDocument document = ParseJson(text);
    ASSERT_EQ(document.error, "") << text;
    ASSERT_TRUE(Equal(document.value, value)) << text;
    ASSERT_EQ(ToJson(document.value), text);
  }
}

TEST(JsonText, RandomOctetsAreSurvived) {
  std::mt19937_64 random(7);
  const std::string alphabet = "{}[]\":,\\u0123e.-+ntrf \xC3\xFF\x01";
  for (int i = 0; i < 30000; ++i) {
    std::string text;
    for (uint64_t n = random() % 40; n > 0; --n) text.push_back(alphabet[random() % alphabet.size()]);
    const JsonDocument document = ParseJson(text);
    if (document.error.empty()) {
      ASSERT_EQ(ParseJson(ToJson(document.value)).error, "") << text;
    }
  }
}

}  // namespace
}  // namespace isthmus::onem2m
