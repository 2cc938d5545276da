#include "services/connector/core/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace isthmus::connector {
namespace {

TEST(Utf8Test, TakesWhatIsWellFormed) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("urn:imei:350000000000001"));
  EXPECT_TRUE(IsUtf8("Gerät-温度-🌡"));
}

TEST(Utf8Test, RefusesOverlongSurrogateTruncatedAndTooLarge) {
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));
  EXPECT_FALSE(IsUtf8("\xE0\x80\xAF"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(IsUtf8("a\xE6\xB8"));
  EXPECT_FALSE(IsUtf8("\x80"));
  EXPECT_FALSE(IsUtf8("\xFF"));
}

TEST(Utf8Test, PrintableNeverCutsACharacterAndShowsOctetsElse) {
  EXPECT_EQ(Printable("short"), "short");
  EXPECT_EQ(Printable("a\xE6\xB8\xA9", 2), "a...");
  EXPECT_EQ(Printable("\xFF\x01"), "0xff01");
  EXPECT_TRUE(IsUtf8(Printable(std::string(1000, '\xFF'))));
  EXPECT_LT(Printable(std::string(1000, '\xFF')).size(), 220u);
}

}  // namespace
}  // namespace isthmus::connector
