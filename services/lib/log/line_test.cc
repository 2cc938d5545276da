#include "services/lib/log/line.h"

#include <cmath>
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "rapidjson/document.h"

namespace isthmus::log {
namespace {

const absl::Time kTime = absl::FromUnixMillis(1700000000123);

std::string Json(absl::string_view message, std::initializer_list<Field> fields) {
  return FormatLine(Format::kJson, kTime, "connector", Level::kInfo, message, fields);
}

rapidjson::Document Parse(const std::string& line) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(line.data(), line.size());
  EXPECT_FALSE(document.HasParseError()) << line;
  return document;
}

TEST(LineTest, JsonHasTimeLevelServiceMessageAndFields) {
  EXPECT_EQ(Json("device registered", {{"endpoint", "ep1"}, {"lifetime_s", 300}, {"queue", true}}),
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\",\"service\":\"connector\","
            "\"message\":\"device registered\",\"endpoint\":\"ep1\",\"lifetime_s\":300,\"queue\":true}\n");
}

TEST(LineTest, JsonEscapesWhatJsonMustEscape) {
  const std::string nasty = std::string("a\"b\\c\nd\re\tf") + '\0' + "\x01\x1f\x7f/\xC3\xA9\xF0\x9F\x98\x80";
  const std::string line = Json(nasty, {{"value", nasty}});
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one event is one line";
  const rapidjson::Document document = Parse(line);
  EXPECT_EQ(std::string(document["value"].GetString(), document["value"].GetStringLength()), nasty);
  EXPECT_EQ(std::string(document["message"].GetString(), document["message"].GetStringLength()), nasty);
}

TEST(LineTest, BrokenUtf8BecomesTheReplacementCharacter) {
  for (const char* broken :
       {"\xFF", "\xC3", "\xC0\xAF", "\xE2\x82", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF0\x80\x80\x80", "a\x80z"}) {
    const rapidjson::Document document = Parse(Json("m", {{"value", broken}}));
    EXPECT_NE(std::string(document["value"].GetString()).find("\xEF\xBF\xBD"), std::string::npos);
  }
}

TEST(LineTest, NumbersThatJsonDoesNotKnowAreQuoted) {
  const rapidjson::Document document =
      Parse(Json("m", {{"a", std::nan("")}, {"b", std::numeric_limits<double>::infinity()}, {"c", -1.5}}));
  EXPECT_TRUE(document["a"].IsString());
  EXPECT_TRUE(document["b"].IsString());
  EXPECT_EQ(document["c"].GetDouble(), -1.5);
}

TEST(LineTest, LongValuesAreCutBetweenCharacters) {
  std::string text(kMaxValueLength - 1, 'x');
  text += "\xC3\xA9yyy";  // the two octets of the last character would straddle the limit
  const rapidjson::Document document = Parse(Json("m", {{"value", text}}));
  EXPECT_EQ(std::string(document["value"].GetString()), std::string(kMaxValueLength - 1, 'x') + "...");
  const rapidjson::Document whole = Parse(Json("m", {{"value", std::string(kMaxValueLength, 'x')}}));
  EXPECT_EQ(std::string(whole["value"].GetString()), std::string(kMaxValueLength, 'x'));
}

TEST(LineTest, TextQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(FormatLine(Format::kText, kTime, "translation", Level::kWarning, "odd\nmessage",
                       {{"path", "/3/0/9"}, {"why", "two words"}, {"empty", ""}, {"n", 3}}),
            "2023-11-14T22:13:20.123Z WARNING translation: odd\\nmessage path=/3/0/9 why=\"two words\" empty=\"\" "
            "n=3\n");
}

TEST(LineTest, NullTextIsEmpty) {
  const char* nothing = nullptr;
  EXPECT_EQ(Parse(Json("m", {{"value", nothing}}))["value"].GetStringLength(), 0u);
}

}  // namespace
}  // namespace isthmus::log
