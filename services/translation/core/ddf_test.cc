#include "services/translation/core/ddf.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using lwm2m::ResourceType;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Our own, in the form that the registry publishes. The line numbers below are its.
constexpr char kPump[] = R"(<?xml version="1.0" encoding="UTF-8"?>
<!-- A comment, as all of them have one. -->
<LWM2M xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="LWM2M.xsd">
  <Object ObjectType="MODefinition">
    <Name>Pump</Name>
    <Description1><![CDATA[Moves <water> & more.]]></Description1>
    <ObjectID>34120</ObjectID>
    <ObjectURN>urn:oma:lwm2m:x:34120:1.1</ObjectURN>
    <LWM2MVersion>1.0</LWM2MVersion>
    <ObjectVersion>1.1</ObjectVersion>
    <MultipleInstances>Multiple</MultipleInstances>
    <Mandatory>Optional</Mandatory>
    <Resources>
      <Item ID="2">
        <Name>Start</Name>
        <Operations>E</Operations>
        <MultipleInstances>Single</MultipleInstances>
        <Mandatory>Mandatory</Mandatory>
        <Type></Type>
        <RangeEnumeration></RangeEnumeration>
        <Units></Units>
        <Description>Starts it.</Description>
      </Item>
      <Item ID="0">
        <Name>Speed</Name>
        <Operations>RW</Operations>
        <MultipleInstances>Single</MultipleInstances>
        <Mandatory>Mandatory</Mandatory>
        <Type>Unsigned Integer</Type>
        <RangeEnumeration>0..3000</RangeEnumeration>
        <Units>1/min</Units>
        <Description>How fast.</Description>
      </Item>
      <Item ID="1">
        <Name>Tags</Name>
        <Operations>R</Operations>
        <MultipleInstances>Multiple</MultipleInstances>
        <Mandatory>Optional</Mandatory>
        <Type>String</Type>
        <RangeEnumeration>0-64 bytes</RangeEnumeration>
        <Units/>
        <Description/>
      </Item>
    </Resources>
    <Description2/>
  </Object>
</LWM2M>
)";

std::string Change(const std::string& from, const std::string& to) {
  const std::string changed = absl::StrReplaceAll(kPump, {{from, to}});
  EXPECT_NE(changed, kPump) << from;
  return changed;
}

// The only object of a file that holds.
ObjectDefinition One(const std::string& text) {
  const auto objects = ParseDdf("x.xml", text);
  EXPECT_TRUE(objects.ok()) << std::string(objects.status().message());
  if (!objects.ok() || objects->size() != 1) return {};
  return objects->front().object;
}

TEST(Ddf, GivesTheDefinition) {
  const auto objects = ParseDdf("pump.xml", kPump);
  ASSERT_TRUE(objects.ok()) << std::string(objects.status().message());
  ASSERT_THAT(*objects, SizeIs(1));
  EXPECT_EQ(objects->front().where, "pump.xml:4");
  const ObjectDefinition& object = objects->front().object;
  EXPECT_EQ(object.id, 34120u);
  EXPECT_EQ(object.name, "Pump");
  EXPECT_EQ(object.version, "1.1");
  EXPECT_EQ(object.urn, "urn:oma:lwm2m:x:34120");
  EXPECT_TRUE(object.multiple);
  EXPECT_FALSE(object.mandatory);
  ASSERT_THAT(object.resources, SizeIs(3));
  const ResourceDefinition& speed = object.resources[0];
  EXPECT_EQ(speed.id, 0u);
  EXPECT_EQ(speed.name, "Speed");
  EXPECT_TRUE(speed.readable && speed.writable && !speed.executable);
  EXPECT_TRUE(speed.mandatory && !speed.multiple);
  EXPECT_EQ(speed.type, ResourceType::kUnsignedInteger);
  EXPECT_EQ(speed.range->ToString(), "0..3000");
  EXPECT_EQ(speed.unit, "1/min");
  EXPECT_TRUE(object.Find(1)->multiple);
  EXPECT_EQ(object.Find(1)->range->ToString(), "0..64");
  EXPECT_EQ(object.Find(1)->type, ResourceType::kString);
  EXPECT_TRUE(object.Find(2)->executable);
  EXPECT_EQ(object.Find(2)->type, ResourceType::kNone);
  EXPECT_EQ(object.Find(3), nullptr);
}

TEST(Ddf, TypesAreWordsInAnyCase) {
  const struct {
    const char* word;
    ResourceType type;
  } types[] = {
      {"string", ResourceType::kString},         {"Integer", ResourceType::kInteger},
      {"INTEGER", ResourceType::kInteger},       {"unsigned\n          integer", ResourceType::kUnsignedInteger},
      {"Float", ResourceType::kFloat},           {"Boolean", ResourceType::kBoolean},
      {"Opaque", ResourceType::kOpaque},         {"Time", ResourceType::kTime},
      {" time ", ResourceType::kTime},           {"Objlnk", ResourceType::kObjectLink},
      {"ObjLnk", ResourceType::kObjectLink},     {"Corelnk", ResourceType::kCoreLink},
      {"<![CDATA[Time]]>", ResourceType::kTime}, {"Ti<!-- a comment -->me", ResourceType::kTime},
  };
  for (const auto& known : types) {
    EXPECT_EQ(One(Change("Unsigned Integer", known.word)).Find(0)->type, known.type) << known.word;
  }
}

TEST(Ddf, RangesThatReadAsIntervalsCountAndOtherWordsDoNot) {
  const struct {
    const char* text;
    const char* interval;  // null = none
  } cases[] = {
      {"0..100", "0..100"},
      {"-128..127", "-128..127"},
      {"0-100", "0..100"},
      {"1...15", "1..15"},
      {" 1 .. 5 ", "1..5"},
      {"0.0..100.0", "0..100"},
      {"-30..-120", nullptr},
      {"255", nullptr},
      {"0,1,2", nullptr},
      {"0..3, 99", nullptr},
      {"8-Bits", nullptr},
      {"0.000001..1.0", nullptr},
      {"ON;OFF", nullptr},
      {"[1:4]", nullptr},
      {"0..255 bytes", nullptr},
      {"", nullptr},
      {"..", nullptr},
      {"-", nullptr},
      {"0: off\n1: on", nullptr},
      {"0..18446744073709551615", "0.."},
  };
  for (const auto& range : cases) {
    SCOPED_TRACE(range.text);
    const auto interval = One(Change("0..3000", range.text)).Find(0)->range;
    EXPECT_EQ(interval.has_value() ? interval->ToString() : "none",
              range.interval == nullptr ? "none" : range.interval);
  }
  EXPECT_EQ(One(Change("0-64 bytes", "1..256 Bytes")).Find(1)->range->ToString(), "1..256");
  EXPECT_FALSE(One(Change("0-64 bytes", "0 or 26 Bytes")).Find(1)->range.has_value());
  EXPECT_FALSE(One(Change("<Type>Unsigned Integer", "<Type>Opaque")).Find(0)->range.has_value());
}

TEST(Ddf, WhatIsMissingHasTheMeaningOfTheSpecification) {
  // ObjectVersion: that of the URN, else 1.0.
  EXPECT_EQ(One(Change("<ObjectVersion>1.1</ObjectVersion>", "")).version, "1.1");
  EXPECT_EQ(One(Change("<ObjectVersion>1.1</ObjectVersion>", "<ObjectVersion/>")).version, "1.1");
  EXPECT_EQ(One(Change("x:34120:1.1", "x:34120")).version, "1.1");
  const std::string old = absl::StrReplaceAll(kPump, {{"x:34120:1.1", "x:34120"},
                                                      {"<ObjectVersion>1.1</ObjectVersion>", ""},
                                                      {"<LWM2MVersion>1.0</LWM2MVersion>", ""}});
  EXPECT_EQ(One(old).version, "1.0");
  EXPECT_EQ(One(Change("<ObjectURN>urn:oma:lwm2m:x:34120:1.1</ObjectURN>", "")).urn, "urn:oma:lwm2m:x:34120");
  EXPECT_FALSE(One(Change("<MultipleInstances>Multiple</MultipleInstances>", "")).multiple);
  EXPECT_FALSE(One(Change("<Mandatory>Mandatory</Mandatory>", "<Mandatory/>")).Find(0)->mandatory);
  EXPECT_FALSE(One(Change("<RangeEnumeration>0..3000</RangeEnumeration>", "")).Find(0)->range.has_value());
  EXPECT_EQ(One(Change("<Units>1/min</Units>", "")).Find(0)->unit, "");
}

TEST(Ddf, OperationsOfTheField) {
  EXPECT_TRUE(One(Change("<Operations>RW", "<Operations>R/W")).Find(0)->writable);
  EXPECT_TRUE(One(Change("<Operations>RW", "<Operations>r w")).Find(0)->readable);
  // What only a bootstrap reads and writes has none, with a type or without.
  const ResourceDefinition hidden = *One(Change("<Operations>RW</Operations>", "<Operations/>")).Find(0);
  EXPECT_FALSE(hidden.readable || hidden.writable || hidden.executable);
  EXPECT_EQ(hidden.type, ResourceType::kUnsignedInteger);
  // A type of an executable says nothing.
  EXPECT_EQ(One(Change("<Type></Type>", "<Type>String</Type>")).Find(2)->type, ResourceType::kNone);
}

TEST(Ddf, SeveralObjectsInAFile) {
  std::string text = kPump;
  const size_t begin = text.find("  <Object ");
  const std::string object = text.substr(begin, text.find("</LWM2M>") - begin);
  const std::string second = absl::StrReplaceAll(object, {{"34120", "34121"}});
  const auto objects = ParseDdf("x.xml", absl::StrReplaceAll(text, {{"</LWM2M>", second + "</LWM2M>"}}));
  ASSERT_TRUE(objects.ok()) << std::string(objects.status().message());
  ASSERT_THAT(*objects, SizeIs(2));
  EXPECT_EQ((*objects)[1].object.id, 34121u);
  EXPECT_EQ((*objects)[1].where, "x.xml:47");
  EXPECT_THAT(ParseDdf("x.xml", absl::StrReplaceAll(text, {{"</LWM2M>", object + "</LWM2M>"}})),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(StartsWith("x.xml:50:"), HasSubstr("'34120'"))));
}

TEST(Ddf, EncodingsOfTheField) {
  EXPECT_EQ(One(absl::StrCat("\xEF\xBB\xBF", kPump)).name, "Pump");
  EXPECT_EQ(One(Change(">Pump<", ">P\xC3\xBCmp<")).name, "P\xC3\xBCmp");
  const std::string latin = absl::StrReplaceAll(kPump, {{"UTF-8", "ISO-8859-1"}, {">Pump<", ">P\xFCmp<"}});
  EXPECT_EQ(One(latin).name, "P\xC3\xBCmp");
  // The octets of a text that nobody reads do no harm; those of a name do.
  EXPECT_EQ(One(Change("Moves", "M\xF6ves")).name, "Pump");
  EXPECT_THAT(ParseDdf("x.xml", Change(">Pump<", ">P\xFCmp<")),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(StartsWith("x.xml:5:"), HasSubstr("UTF-8"))));
  EXPECT_EQ(One(Change("UTF-8", "windows-1252")).name, "Pump");
  EXPECT_THAT(ParseDdf("x.xml", absl::StrReplaceAll(kPump, {{"UTF-8", "Windows-1252"}, {">Pump<", ">P\xFCmp<"}})),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(StartsWith("x.xml:1:"), HasSubstr("'windows-1252'"))));
  EXPECT_THAT(ParseDdf("x.xml", std::string("\xFF\xFE<\0L\0", 6)),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(StartsWith("x.xml:1:"), HasSubstr("UTF-16"))));
  EXPECT_EQ(One(absl::StrReplaceAll(kPump, {{"\n", "\r\n"}})).name, "Pump");
}

TEST(Ddf, NamesLoseTheirLineBreaksAndKeepTheirCharacters) {
  EXPECT_EQ(One(Change("<Name>Pump</Name>", "<Name>\n      The  &lt;old&gt;\n   pump &amp; &#x263A;\n</Name>")).name,
            "The <old> pump & \xE2\x98\xBA");
}

TEST(Ddf, BadFilesAreRefusedWithFileLineElementAndWhatWasExpected) {
  const std::string pump = kPump;
  const struct {
    const char* what;
    std::string text;
    std::vector<std::string> message;  // parts of the refusal, the first at its beginning
  } files[] = {
      {"empty", "", {"x.xml:1:", "empty"}},
      {"blanks", " \n\n ", {"x.xml:1:", "empty"}},
      {"no XML", "object: 3\n", {"x.xml:1:", "not XML"}},
      {"NUL", std::string("<LWM2M>\n\0</LWM2M>", 18), {"x.xml:2:", "octet of value 0"}},
      {"cut", pump.substr(0, pump.find("<Type></Type>")), {"x.xml:", "not XML"}},
      {"not closed", Change("</Object>", ""), {"x.xml:47:", "not XML"}},
      {"error page",
       "<!DOCTYPE html>\n<html><head><title>404</title></head><body>gone<br></html>",
       {"x.xml:1:", "web page"}},
      {"error page without DOCTYPE", "\n<HTML><body><p>503</body></HTML>", {"x.xml:2:", "web page"}},
      {"DOCTYPE",
       Change("<LWM2M xmlns", "<!DOCTYPE LWM2M [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>\n<LWM2M xmlns"),
       {"x.xml:3:", "DOCTYPE"}},
      {"other root",
       "<?xml version=\"1.0\"?>\n<DDFList><Item/></DDFList>",
       {"x.xml:2:", "root element 'LWM2M'", "'DDFList'"}},
      {"two roots", pump + "<LWM2M/>", {"x.xml:48:", "second root"}},
      {"no object", "<LWM2M>\n</LWM2M>", {"x.xml:1:", "element 'Object' is missing"}},
      {"object type", Change("MODefinition", "CommonResources"), {"x.xml:4:", "'ObjectType'", "'CommonResources'"}},
      {"no name", Change("<Name>Pump</Name>", ""), {"x.xml:4:", "element 'Name' is missing"}},
      {"empty name", Change("<Name>Pump</Name>", "<Name> </Name>"), {"x.xml:5:", "'Name'", "got nothing"}},
      {"no id", Change("<ObjectID>34120</ObjectID>", ""), {"x.xml:4:", "element 'ObjectID' is missing"}},
      {"id", Change("<ObjectID>34120", "<ObjectID>pump"), {"x.xml:7:", "'ObjectID'", "0 to 65535", "'pump'"}},
      {"id too large", Change("<ObjectID>34120", "<ObjectID>70000"), {"x.xml:7:", "'ObjectID'", "'70000'"}},
      {"id negative", Change("<ObjectID>34120", "<ObjectID>-1"), {"x.xml:7:", "'ObjectID'", "'-1'"}},
      {"id twice",
       Change("<LWM2MVersion>", "<ObjectID>1</ObjectID><LWM2MVersion>"),
       {"x.xml:9:", "'ObjectID'", "twice"}},
      {"urn", Change("urn:oma:lwm2m:x:34120:1.1", "http://example.com"), {"x.xml:8:", "'ObjectURN'", "'http:"}},
      {"urn of another", Change("lwm2m:x:34120:1.1", "lwm2m:x:3:1.1"), {"x.xml:8:", "object 34120", ":3:1.1'"}},
      {"version", Change("<ObjectVersion>1.1", "<ObjectVersion>one"), {"x.xml:10:", "'ObjectVersion'", "'one'"}},
      {"version and urn",
       Change("<ObjectVersion>1.1", "<ObjectVersion>1.2"),
       {"x.xml:10:", "1.1 as in ObjectURN", "'1.2'"}},
      {"multiple",
       Change("<MultipleInstances>Single", "<MultipleInstances>Many"),
       {"x.xml:17:", "Multiple or Single", "'Many'"}},
      {"mandatory", Change("<Mandatory>Mandatory", "<Mandatory>yes"), {"x.xml:18:", "Mandatory or Optional", "'yes'"}},
      {"no resources",
       "<LWM2M><Object><Name>a</Name><ObjectID>1</ObjectID></Object></LWM2M>",
       {"x.xml:1:", "element 'Resources' is missing"}},
      {"item id", Change("Item ID=\"0\"", "Item ID=\"x\""), {"x.xml:24:", "attribute 'ID'", "'x'"}},
      {"item without id", Change("Item ID=\"0\"", "Item"), {"x.xml:24:", "attribute 'ID'", "nothing"}},
      {"item id twice",
       Change("Item ID=\"1\"", "Item ID=\"0\""),
       {"x.xml:34:", "attribute 'ID'", "no Item above", "'0'"}},
      {"no operations", Change("<Operations>RW</Operations>", ""), {"x.xml:24:", "element 'Operations' is missing"}},
      {"operations", Change("<Operations>RW", "<Operations>RX"), {"x.xml:26:", "'Operations'", "R, W, RW, E", "'RX'"}},
      {"type", Change("Unsigned Integer", "Number"), {"x.xml:29:", "'Type'", "Unsigned Integer", "'Number'"}},
      {"no type", Change("<Type>Unsigned Integer</Type>", ""), {"x.xml:24:", "element 'Type' is missing"}},
      {"value without a type", Change("Unsigned Integer", ""), {"x.xml:29:", "'Type'", "got nothing"}},
      {"surrogate", Change("<Name>Speed", "<Name>&#xD800;"), {"x.xml:25:", "'Name'", "UTF-8"}},
  };
  for (const auto& bad : files) {
    SCOPED_TRACE(bad.what);
    const auto objects = ParseDdf("x.xml", bad.text);
    ASSERT_FALSE(objects.ok());
    EXPECT_EQ(objects.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(objects.status().message());
    EXPECT_THAT(message, StartsWith(bad.message[0]));
    for (const std::string& part : bad.message) EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST(Ddf, MessagesStayShortAndReadable) {
  const auto objects =
      ParseDdf("x.xml", Change("Unsigned Integer", std::string(79, 'a') + "\xC3\xBC" + std::string(1 << 16, 'b')));
  ASSERT_FALSE(objects.ok());
  EXPECT_THAT(std::string(objects.status().message()),
              ::testing::EndsWith(absl::StrCat("got '", std::string(79, 'a'), "'")));
}

TEST(Ddf, HugeTextsAndDeepNestingAreReadInTheirStride) {
  EXPECT_EQ(One(Change("How fast.", std::string(2 << 20, 'x'))).Find(0)->name, "Speed");
  std::string deep;
  for (int i = 0; i < 200000; ++i) deep += "<a>";
  EXPECT_FALSE(ParseDdf("x.xml", deep).ok());
  for (int i = 0; i < 200000; ++i) deep += "</a>";
  EXPECT_EQ(One(Change("How fast.", deep)).Find(0)->name, "Speed");
  std::string items;
  for (int i = 0; i < 65536; ++i) {
    absl::StrAppend(&items, "<Item ID=\"", i, "\"><Name>n</Name><Operations/><Type/></Item>");
  }
  EXPECT_THAT(One(absl::StrCat("<LWM2M><Object><Name>n</Name><ObjectID>5</ObjectID><Resources>", items,
                               "</Resources></Object></LWM2M>"))
                  .resources,
              SizeIs(65536));
}

}  // namespace
}  // namespace isthmus::translation
