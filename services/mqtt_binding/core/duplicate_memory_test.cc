#include "services/mqtt_binding/core/duplicate_memory.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace isthmus::mqtt_binding {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Verdict = DuplicateMemory::Verdict;

std::shared_ptr<const std::string> Answer(absl::string_view text) { return std::make_shared<const std::string>(text); }

TEST(DuplicateMemory, SecondWhileRunningIsNotNewAndShareTheAnswer) {
  DuplicateMemory memory({});
  EXPECT_EQ(memory.Arrive("k", "t", absl::Seconds(0)).verdict, Verdict::kNew);
  EXPECT_EQ(memory.Arrive("k", "t", absl::Seconds(1)).verdict, Verdict::kRunning);
  EXPECT_EQ(memory.Arrive("k", "u", absl::Seconds(1)).verdict, Verdict::kRunning);
  EXPECT_THAT(memory.Finish("k", Answer("a"), absl::Seconds(2)), ElementsAre("t", "u"));
  EXPECT_THAT(memory.Finish("k", Answer("b"), absl::Seconds(2)), IsEmpty());
}

TEST(DuplicateMemory, FinishedIsReplayedForTheWindow) {
  DuplicateMemory memory({absl::Minutes(5)});
  memory.Arrive("k", "t", absl::ZeroDuration());
  // A request that took an hour is remembered for the window all the same.
  const absl::Duration end = absl::Hours(1);
  memory.Finish("k", Answer("a"), end);
  const auto again = memory.Arrive("k", "t", end + absl::Minutes(4));
  ASSERT_EQ(again.verdict, Verdict::kFinished);
  EXPECT_EQ(*again.answer, "a");
  EXPECT_EQ(memory.Arrive("k", "t", end + absl::Minutes(5)).verdict, Verdict::kNew);
  EXPECT_EQ(memory.kept(), 0u);
}

TEST(DuplicateMemory, IsBoundedInNumberAndSizeAndForgetsTheOldest) {
  DuplicateMemory few({absl::Minutes(5), /*entries=*/10, /*octets=*/1 << 20});
  DuplicateMemory small({absl::Minutes(5), /*entries=*/1000, /*octets=*/10 * 1024});
  for (int i = 0; i < 100; ++i) {
    const std::string key = absl::StrCat("k", i);
    for (DuplicateMemory* memory : {&few, &small}) {
      memory->Arrive(key, "t", absl::Seconds(1));
      memory->Finish(key, Answer(std::string(1000, 'x')), absl::Seconds(1));
    }
  }
  EXPECT_EQ(few.kept(), 10u);
  EXPECT_EQ(small.kept(), 10u);
  EXPECT_EQ(few.Arrive("k99", "t", absl::Seconds(1)).verdict, Verdict::kFinished);
  EXPECT_EQ(few.Arrive("k0", "t", absl::Seconds(1)).verdict, Verdict::kNew);
}

TEST(DuplicateMemory, AnAnswerBeyondTheBoundIsStillGiven) {
  DuplicateMemory memory({absl::Minutes(5), 10, /*octets=*/100});
  memory.Arrive("k", "t", absl::Seconds(1));
  EXPECT_THAT(memory.Finish("k", Answer(std::string(1000, 'x')), absl::Seconds(1)), ElementsAre("t"));
  EXPECT_EQ(memory.kept(), 0u);
}

}  // namespace
}  // namespace isthmus::mqtt_binding
