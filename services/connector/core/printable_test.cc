#include "services/connector/core/printable.h"

#include <string>

#include "gtest/gtest.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::connector {
namespace {

TEST(PrintableTest, NeverCutsACharacterAndShowsOctetsElse) {
  EXPECT_EQ(Printable("short"), "short");
  EXPECT_EQ(Printable("a\xE6\xB8\xA9", 2), "a...");
  EXPECT_EQ(Printable("\xFF\x01"), "0xff01");
  EXPECT_TRUE(IsUtf8(Printable(std::string(1000, '\xFF'))));
  EXPECT_LT(Printable(std::string(1000, '\xFF')).size(), 220u);
}

}  // namespace
}  // namespace isthmus::connector
