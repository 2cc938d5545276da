#include "services/lib/log/log.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidjson/document.h"

namespace isthmus::log {
namespace {

TEST(LogTest, BelowTheLevelNothingIsWritten) {
  Configure("synchronizer", Level::kWarning, Format::kText);
  testing::internal::CaptureStderr();
  Debug("one");
  Info("two");
  Warning("three", {{"n", 3}});
  Error("four");
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_THAT(output, testing::Not(testing::HasSubstr("one")));
  EXPECT_THAT(output, testing::Not(testing::HasSubstr("two")));
  EXPECT_THAT(output, testing::HasSubstr("synchronizer: three n=3"));
  EXPECT_THAT(output, testing::HasSubstr("synchronizer: four"));
  EXPECT_FALSE(Enabled(Level::kInfo));
  EXPECT_TRUE(Enabled(Level::kWarning));
}

TEST(LogTest, LinesOfManyThreadsDoNotMix) {
  Configure("synchronizer", Level::kInfo, Format::kJson);
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      const std::string filler(1000, 'x');
      for (int n = 0; n < 50; ++n) {
        Info("line", {{"a", filler}, {"b", filler}, {"c", filler}, {"d", filler}, {"e", filler}, {"n", n}});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string output = testing::internal::GetCapturedStderr();
  int lines = 0;
  for (const absl::string_view line : absl::StrSplit(output, '\n', absl::SkipEmpty())) {
    rapidjson::Document document;
    document.Parse(line.data(), line.size());
    ASSERT_FALSE(document.HasParseError()) << line;
    ++lines;
  }
  EXPECT_EQ(lines, 200);
}

}  // namespace
}  // namespace isthmus::log
