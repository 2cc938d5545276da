#include "services/lib/utf8/utf8.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace isthmus {
namespace {

TEST(Utf8Test, TakesWhatIsWellFormed) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("urn:imei:350000000000001"));
  EXPECT_TRUE(IsUtf8("Gerät-温度-🌡"));
  EXPECT_TRUE(IsUtf8("plain, \xC3\xA4, \xE2\x82\xAC, \xF0\x9F\x98\x80"));
  EXPECT_TRUE(IsUtf8(absl::string_view("\0", 1)));
}

TEST(Utf8Test, RefusesOverlongSurrogateTruncatedAndTooLarge) {
  for (const char* octets : {"\xC0\x80",
                             "\xC0\xAF",
                             "\xC1\xBF",
                             "\xE0\x80\xAF",
                             "\xE0\x9F\xBF",
                             "\xED\xA0\x80",
                             "\xED\xBF\xBF",
                             "\xF0\x8F\xBF\xBF",
                             "\xF4\x90\x80\x80",
                             "a\xF5\x80\x80\x80",
                             "a\xE6\xB8",
                             "\xC3",
                             "\xE2\x82",
                             "\xF0\x9F\x98",
                             "\x80",
                             "\xBF",
                             "\xFE",
                             "\xFF",
                             "\xC3(",
                             "\xE2\x82("}) {
    EXPECT_FALSE(IsUtf8(octets)) << octets;
  }
}

TEST(Utf8Test, LengthIsThatOfTheFirstCharacter) {
  EXPECT_EQ(Utf8Length(""), 0u);
  EXPECT_EQ(Utf8Length("a\xFF"), 1u);
  EXPECT_EQ(Utf8Length("\xC3\xA4z"), 2u);
  EXPECT_EQ(Utf8Length("\xE2\x82\xACz"), 3u);
  EXPECT_EQ(Utf8Length("\xF0\x9F\x98\x80z"), 4u);
  EXPECT_EQ(Utf8Length("\xFF"
                       "a"),
            0u);
}

// Each code point, encoded by the rule of RFC 3629 section 3, is one character; a surrogate is none.
TEST(Utf8Test, EveryCodePoint) {
  for (uint32_t c = 0; c <= 0x10FFFF; ++c) {
    std::string text;
    const auto tail = [&](int shift) { text.push_back(static_cast<char>(0x80 | ((c >> shift) & 0x3F))); };
    if (c < 0x80) {
      text.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
      text.push_back(static_cast<char>(0xC0 | (c >> 6)));
      tail(0);
    } else if (c < 0x10000) {
      text.push_back(static_cast<char>(0xE0 | (c >> 12)));
      tail(6);
      tail(0);
    } else {
      text.push_back(static_cast<char>(0xF0 | (c >> 18)));
      tail(12);
      tail(6);
      tail(0);
    }
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(Utf8Length(text), surrogate ? 0u : text.size()) << c;
  }
}

TEST(Utf8Test, WhatBelongsToNoCharacterIsReplaced) {
  EXPECT_EQ(ToUtf8("\xC3\xA4 plain"), "\xC3\xA4 plain");
  EXPECT_EQ(ToUtf8("a\xFF\xC3"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(ToUtf8(""), "");
}

}  // namespace
}  // namespace isthmus
