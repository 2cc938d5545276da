// updateStatus, installStatus and activeStatus for every State, every Result, and everything that can have been
// started: the state machines of LwM2M Core annex E.6 and of the Software Management object against m2m:actionStatus
// (TS-0001 D.2, D.3). Each line is one pair that a device tells; each column is what the IN-CSE has kept, that is, what
// came before:
//
//   none     no status at all                     :0      nothing was started since the device is known
//   url:0    URL or package was pushed            url:3   ... and the device was seen to take it
//   ud:3     Update was executed (in: Install, un: Uninstall, act: Activate, dea: Deactivate)
//   x:1 x:2  that run succeeded, failed or was cancelled
//
// An entry is the new `acn:sus`; "=" keeps what was there. "-" is what the device has not told (a notification brings
// one of the two). F stands for every failure: each of its codes goes through the line.
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "services/translation/core/action_status.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

constexpr char kFirmware[] = R"(
State Result | none   :0     url:0  url:3  ud:3   ud:1   url:2  ud:2
-     0      | :0     =      =      =      =      =      =      =
-     1      | :1     =      =      =      ud:1   =      =      ud:1
-     F      | :2     =      url:2  url:2  ud:2   ud:2   =      =
-     11     | ud:3   =      =      ud:3   =      ud:3   ud:3   ud:3
0     -      | :0     =      =      =      =      =      =      =
0     0      | :0     =      =      url:2  ud:2   =      =      =
0     1      | :1     =      =      url:2  ud:1   =      =      ud:1
0     F      | :2     =      url:2  url:2  ud:2   ud:2   =      =
0     11     | ud:3   =      =      ud:3   =      ud:3   ud:3   ud:3
1     -      | url:3  url:3  url:3  =      =      url:3  url:3  url:3
1     0      | url:3  url:3  url:3  =      =      url:3  url:3  url:3
1     1      | url:3  url:3  url:3  =      =      url:3  url:3  url:3
1     F      | url:3  url:3  url:3  =      ud:2   url:3  =      =
1     11     | url:3  url:3  url:3  =      =      url:3  url:3  url:3
2     -      | url:3  url:3  url:3  =      =      url:3  url:3  =
2     0      | url:3  url:3  url:3  =      =      url:3  url:3  url:3
2     1      | url:3  url:3  url:3  =      =      url:3  url:3  url:3
2     F      | :2     =      url:3  =      ud:2   ud:2   =      =
2     11     | ud:3   ud:3   ud:3   ud:3   =      ud:3   ud:3   ud:3
3     -      | ud:3   ud:3   ud:3   ud:3   =      ud:3   ud:3   ud:3
3     0      | ud:3   ud:3   ud:3   ud:3   =      ud:3   ud:3   ud:3
3     1      | ud:3   ud:3   ud:3   ud:3   =      =      ud:3   ud:3
3     F      | ud:3   ud:3   ud:3   ud:3   =      ud:3   =      =
3     11     | ud:3   ud:3   ud:3   ud:3   =      ud:3   ud:3   ud:3
)";

// D: a failure of download or installation, U: one that a removal may have. In :1 the software was installed when the
// device became known.
constexpr char kSoftware[] = R"(
State Result | none   :0     :1     url:0  url:3  url:2  in:3   in:1   in:2   un:3   un:1   un:2
-     0      | :0     =      =      =      =      =      =      =      =      =      =      =
-     1      | :0     =      =      =      =      =      =      =      =      =      =      =
-     2      | :0     =      =      =      =      =      in:1   =      =      =      =      =
-     3      | :0     =      =      =      =      =      =      =      =      =      =      =
-     D      | :2     =      =      url:2  url:2  =      in:2   in:2   =      =      =      =
-     U      | :2     =      =      url:2  url:2  =      in:2   in:2   =      un:2   =      =
0     -      | :0     =      =      =      =      =      =      =      =      un:1   =      un:1
0     0      | :0     =      =      =      url:2  =      in:2   =      =      un:1   =      un:1
0     1      | :0     =      =      =      url:2  =      in:2   =      =      un:1   =      un:1
0     2      | :0     =      =      =      url:2  =      in:1   =      =      un:1   =      un:1
0     3      | :0     =      =      =      url:2  =      in:2   =      =      un:1   =      un:1
0     D      | :2     =      =      url:2  url:2  =      in:2   in:2   =      un:1   =      un:1
0     U      | :2     =      =      url:2  url:2  =      in:2   in:2   =      un:1   =      un:1
1     -      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
1     0      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
1     1      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
1     2      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
1     3      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
1     D      | url:3  url:3  url:3  url:3  =      =      in:2   in:2   =      =      =      =
1     U      | url:3  url:3  url:3  url:3  =      =      in:2   in:2   =      un:2   =      =
2     -      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  =      =      url:3  =
2     0      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
2     1      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
2     2      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
2     3      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
2     D      | :2     =      =      url:3  =      =      in:2   in:2   =      =      =      =
2     U      | :2     =      =      url:3  =      =      in:2   in:2   =      un:2   =      =
3     -      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  =      =      url:3  =
3     0      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
3     1      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
3     2      | url:3  url:3  url:3  url:3  =      url:3  =      =      url:3  =      url:3  url:3
3     3      | url:3  url:3  url:3  url:3  =      url:3  =      url:3  url:3  =      url:3  url:3
3     D      | :2     =      =      url:3  =      =      in:2   in:2   =      =      =      =
3     U      | :2     =      =      url:3  =      =      in:2   in:2   =      un:2   =      =
4     -      | :1     :1     =      =      in:1   =      in:1   =      in:1   =      in:1   =
4     0      | :1     :1     =      =      in:1   =      in:1   =      in:1   =      in:1   =
4     1      | :1     :1     =      =      in:1   =      in:1   =      in:1   =      in:1   =
4     2      | :1     :1     =      =      in:1   =      in:1   =      in:1   =      in:1   =
4     3      | :1     :1     =      =      in:1   =      in:1   =      in:1   =      in:1   =
4     D      | :2     :1     =      url:2  url:2  =      in:2   in:2   =      =      =      =
4     U      | :2     :1     =      url:2  url:2  =      in:2   in:2   =      un:2   =      =
)";

constexpr char kActivation[] = R"(
State Result | none   :0     act:3  act:1  dea:3  dea:1
-     -      | :0     =      =      =      =      =
0     -      | :0     =      =      dea:1  dea:1  =
1     -      | act:1  act:1  act:1  =      =      act:1
)";

// Codes that a word of the Result column stands for.
std::vector<std::optional<int64_t>> Codes(const std::string& word) {
  if (word == "-") return {std::nullopt};
  if (word == "F") return {2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 200};
  if (word == "D") return {50, 51, 52, 53, 54, 55, 56, 58};
  if (word == "U") return {57, 59, 60, 200};
  int64_t code = 0;
  EXPECT_TRUE(absl::SimpleAtoi(word, &code)) << word;
  return {code};
}

std::vector<std::string> Words(absl::string_view line) {
  return absl::StrSplit(line, absl::ByAnyChar(" |"), absl::SkipEmpty());
}

std::optional<onem2m::v1::Value> Kept(const std::string& column) {
  if (column == "none") return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(column, ':');
  int64_t status = 0;
  EXPECT_TRUE(absl::SimpleAtoi(parts.at(1), &status)) << column;
  return ActionStatus(parts.at(0), status);
}

// Holds a table against the mapping; returns how many entries it has.
int HoldAgainst(const StatusConversion& conversion, absl::string_view table) {
  const std::vector<std::string> lines = absl::StrSplit(table, '\n', absl::SkipEmpty());
  const std::vector<std::string> columns = Words(lines.at(0));
  int entries = 0;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> words = Words(lines[i]);
    EXPECT_EQ(words.size(), columns.size()) << lines[i];
    if (words.size() != columns.size()) return 0;
    for (const std::optional<int64_t>& result : Codes(words[1])) {
      for (size_t column = 2; column < columns.size(); ++column) {
        const std::optional<onem2m::v1::Value> kept = Kept(columns[column]);
        StatusInput input;
        input.state = Codes(words[0]).front();
        input.result = result;
        input.kept = kept.has_value() ? &*kept : nullptr;
        const onem2m::v1::Value status = EvaluateStatus(conversion, input);
        EXPECT_EQ(absl::StrCat(ActionOf(&status), ":", StatusOf(&status)),
                  words[column] == "=" ? columns[column] : words[column])
            << "State " << words[0] << ", Result " << (result.has_value() ? absl::StrCat(*result) : "-") << ", after "
            << columns[column];
        ++entries;
      }
    }
  }
  return entries;
}

const StatusConversion& Rules(const char* root, const char* attribute) {
  return *BuiltIn().FindMapping(root)->Find(attribute)->conversion.status;
}

TEST(StatusGrid, Firmware) { EXPECT_EQ(HoldAgainst(Rules("m2m:fwr", "uds"), kFirmware), 8 * (19 + 5 * 11)); }

TEST(StatusGrid, Software) { EXPECT_EQ(HoldAgainst(Rules("m2m:swr", "ins"), kSoftware), 12 * (29 + 6 * 12)); }

TEST(StatusGrid, Activation) { EXPECT_EQ(HoldAgainst(Rules("m2m:swr", "acts"), kActivation), 6 * 3); }

// Whatever a device tells twice, the second time changes nothing: reading again does not make a status flicker.
void TellTwice(const StatusConversion& rules, absl::string_view table) {
  const size_t first = table.find('|');
  for (const std::string& column : Words(table.substr(first, table.find('\n', first) - first))) {
    for (int64_t state = -1; state <= 4; ++state) {
      for (int64_t result = -1; result <= 70; ++result) {
        const std::optional<onem2m::v1::Value> kept = Kept(column);
        StatusInput input;
        if (state >= 0) input.state = state;
        if (result >= 0) input.result = result;
        input.kept = kept.has_value() ? &*kept : nullptr;
        const onem2m::v1::Value once = EvaluateStatus(rules, input);
        input.kept = &once;
        const onem2m::v1::Value twice = EvaluateStatus(rules, input);
        EXPECT_EQ(onem2m::Describe(twice), onem2m::Describe(once))
            << "after " << column << ", State " << state << ", Result " << result;
      }
    }
  }
}

TEST(StatusGrid, TellingTheSameTwiceChangesNothing) {
  TellTwice(Rules("m2m:fwr", "uds"), kFirmware);
  TellTwice(Rules("m2m:swr", "ins"), kSoftware);
  TellTwice(Rules("m2m:swr", "acts"), kActivation);
}

}  // namespace
}  // namespace isthmus::translation
