#include "services/translation/core/yaml_reader.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

std::string Repeated(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

absl::Status Read(const std::string& text) {
  YamlDocument document("x.yaml", text);
  (void)document.root();
  return document.status();
}

TEST(YamlReader, ReadsMapsListsAndScalars) {
  YamlDocument document("x.yaml", "a: 1\nb:\n  - x\n  - [y, z]\nc: {d: true, e: ~, f: \"~\"}\n");
  const YamlValue root = document.root();
  EXPECT_EQ(root.At("a").Integer(0, 9), 1);
  const auto items = root.At("b").Items();
  ASSERT_THAT(items, SizeIs(2));
  EXPECT_EQ(items[0].Text(), "x");
  EXPECT_EQ(items[0].Where(), "x.yaml:3");
  EXPECT_EQ(items[1].Items()[1].Text(), "z");
  EXPECT_TRUE(root.At("c").At("d").Boolean());
  EXPECT_FALSE(root.At("c").At("e").present());
  EXPECT_EQ(root.At("c").At("f").Text(), "~");
  EXPECT_EQ(root.At("c").Members()[0].first, "d");
  EXPECT_FALSE(root.At("d").present());
  EXPECT_EQ(root.At("d").Text(), "");
  EXPECT_TRUE(document.status().ok());
}

TEST(YamlReader, TheFirstErrorNamesLineKeyAndWhatStoodThere) {
  YamlDocument document("x.yaml", "a: one\nb: [1]\n");
  const YamlValue root = document.root();
  EXPECT_EQ(root.At("a").Integer(0, 9), 0);
  EXPECT_EQ(root.At("b").Text(), "");
  EXPECT_THAT(document.status(),
              StatusIs(kInvalid, "x.yaml:1: key 'a': expected a whole number from 0 to 9, got 'one'"));
}

TEST(YamlReader, WhatAFileMayNotBe) {
  EXPECT_THAT(Read(""), StatusIs(kInvalid, "x.yaml:1: expected a map, got nothing"));
  EXPECT_THAT(Read("- a\n"), StatusIs(kInvalid, "x.yaml:1: expected a map, got a list"));
  EXPECT_THAT(Read("a: [\n"), StatusIs(kInvalid, StartsWith("x.yaml:2: not YAML")));
  EXPECT_THAT(Read("a: 1\nb:\n  c: 2\n  c: 3\n"),
              StatusIs(kInvalid, AllOf(StartsWith("x.yaml:4:"), HasSubstr("'c' is given twice"))));
  EXPECT_THAT(Read("a: 1\n---\nb: 2\n"), StatusIs(kInvalid, HasSubstr("a second document")));
  EXPECT_THAT(Read("a: 1\nb: \xFF\n"), StatusIs(kInvalid, StartsWith("x.yaml:2: not UTF-8")));
  EXPECT_THAT(Read(std::string("\xFF\xFE"
                               "a\0:\0",
                               6)),
              StatusIs(kInvalid, StartsWith("x.yaml:1: not UTF-8")));
  EXPECT_THAT(Read(std::string("a: 1\nb: \0\n", 10)),
              StatusIs(kInvalid, AllOf(StartsWith("x.yaml:2:"), HasSubstr("value 0"))));
  EXPECT_THAT(Read("\xEF\xBB\xBF"
                   "a: 1\n"),
              StatusIs(absl::StatusCode::kOk));
}

TEST(YamlReader, AliasesAreRefusedSoThatAFewLinesAreNotAMillion) {
  EXPECT_THAT(Read("a: &x [1]\nb: *x\n"), StatusIs(kInvalid, AllOf(StartsWith("x.yaml:2:"), HasSubstr("alias"))));
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  EXPECT_THAT(Read(bomb), StatusIs(kInvalid, AllOf(StartsWith("x.yaml:2:"), HasSubstr("alias"))));
}

TEST(YamlReader, NestingHasAnEnd) {
  EXPECT_THAT(Read("a: " + Repeated("[", 31) + Repeated("]", 31)), StatusIs(absl::StatusCode::kOk));
  for (const std::string& deep : {Repeated("[", 100000), Repeated("{a: ", 100000), Repeated("- ", 100000),
                                  Repeated("? ", 100000), Repeated("[a: ", 100000)}) {
    EXPECT_EQ(Read("a: " + deep).code(), kInvalid);
    EXPECT_EQ(Read(deep).code(), kInvalid);
  }
}

// Of this thread, so that others on the machine do not count.
double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Eight times the length takes about eight times as long; a quadratic reader would take sixty-four times.
TEST(YamlReader, TimeGrowsWithTheLength) {
  for (const char* part : {"  - {id: 1, name: \"n\", operations: RW}\n", "  \n", "# comment\n", "  - [\n", "a",
                           "  - |\n    text\n", "\"a\\n", "  - &a\n", "{", " a", "  - \"\\\n\n    b\"\n"}) {
    const auto measure = [&](size_t octets) {
      const std::string text = "a:\n" + Repeated(part, static_cast<int>(octets / strlen(part)));
      double best = 1e9;
      for (int i = 0; i < 2; ++i) {
        const double begin = CpuSeconds();
        (void)Read(text);
        best = std::min(best, CpuSeconds() - begin);
      }
      return best;
    };
    const double small = measure(25000);
    const double large = measure(200000);
    EXPECT_LT(large, 24 * small + 0.01) << part << ": " << small << " s and " << large << " s";
  }
}

}  // namespace
}  // namespace isthmus::translation
