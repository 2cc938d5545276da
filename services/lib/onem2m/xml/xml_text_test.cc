#include "services/lib/onem2m/xml/xml_text.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/json/json_text.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/onem2m/xml/xml_check.h"
#include "services/lib/onem2m/xml/xml_lexical.h"

namespace isthmus::onem2m {
namespace {

using ::testing::HasSubstr;

// Within <m2m:rqp>, with the usual declaration.
XmlDocument Read(absl::string_view inside, absl::string_view more = "") {
  return ParseXml(
      absl::StrCat("<m2m:rqp xmlns:m2m=\"http://www.onem2m.org/xml/protocols\"", more, ">", inside, "</m2m:rqp>"));
}
// As JSON, to be readable.
std::string Json(absl::string_view inside, absl::string_view more = "") {
  XmlDocument document = Read(inside, more);
  return document.error.empty() ? ToJson(Complex(document.members)) : absl::StrCat("error: ", document.error);
}
std::string Write(const v1::Object& members) {
  XmlWriter writer("m2m:rqp");
  for (const v1::Attribute& member : members.members()) writer.Member(member.name(), member.value());
  return writer.Finish();
}
std::string Write(absl::string_view json) {
  const JsonDocument document = ParseJson(json);
  EXPECT_EQ(document.error, "") << json;
  return Write(document.value.object());
}
// Only what stands in the root element.
std::string Inside(absl::string_view json) {
  const std::string document = Write(json);
  const size_t begin = document.find('>', document.find("<m2m:rqp")) + 1;
  return document.substr(begin, document.size() - begin - strlen("</m2m:rqp>"));
}

TEST(XmlText, ReadsTheExamplesOfTheSpecification) {
  // TS-0004 8.3.2.
  XmlDocument document = ParseXml(R"(<?xml version="1.0" encoding="UTF-8"?>
<m2m:rqp xmlns:m2m="http://www.onem2m.org/xml/protocols">
    <op>1</op>
    <to>//example.net/myCSE/-/Cont1</to>
    <fr>/myCSE/C2345</fr>
    <rqi>0002bf63</rqi>
    <ty>4</ty>
    <pc>
        <m2m:cin>
            <cnf>application/xml:1</cnf>
            <con>PHRpbWU+MTc4ODkzMDk8L3RpbWU+PHRlbXA+MjA8L3RlbXA+DQo=</con>
        </m2m:cin>
    </pc>
</m2m:rqp>
)");
  EXPECT_EQ(document.error, "");
  EXPECT_EQ(document.root, "m2m:rqp");
  EXPECT_EQ(ToJson(Complex(document.members)),
            R"({"op":1,"to":"//example.net/myCSE/-/Cont1","fr":"/myCSE/C2345","rqi":"0002bf63","ty":4,)"
            R"("pc":{"m2m:cin":{"cnf":"application/xml:1",)"
            R"("con":"PHRpbWU+MTc4ODkzMDk8L3RpbWU+PHRlbXA+MjA8L3RlbXA+DQo="}}})");
  EXPECT_EQ(Json("<pc><m2m:grp><mnm></mnm></m2m:grp></pc>"), R"({"pc":{"m2m:grp":{"mnm":null}}})");
}

TEST(XmlText, AttributesHaveTheTypesOfTheSpecification) {
  EXPECT_EQ(Json(R"(<pc><m2m:bat rn="b1"><btl> 77 </btl><bts>1</bts><lbl>a  b
 c</lbl><obis>urn:oma:lwm2m:oma:3</obis></m2m:bat></pc>)"),
            R"({"pc":{"m2m:bat":{"rn":"b1","btl":77,"bts":1,"lbl":["a","b","c"],"obis":["urn:oma:lwm2m:oma:3"]}}})");
  // A text stays one, whatever it looks like.
  EXPECT_EQ(Json("<rqi>123</rqi><rvi>4</rvi><fr>true</fr>"), R"({"rqi":"123","rvi":"4","fr":"true"})");
  EXPECT_EQ(Json("<rbo>true</rbo><far>0</far><sud>1</sud>"), R"({"rbo":true,"far":false,"sud":true})");
  // What has another shape than its type stays a text, which the receiver refuses by its name.
  EXPECT_EQ(Json("<btl>high</btl><rbo>yes</rbo>"), R"({"btl":"high","rbo":"yes"})");
  EXPECT_EQ(Json("<fc><fu>1</fu><ty>13 14</ty><lbl>x</lbl><atr><nm>con</nm><val>a*</val></atr></fc>"),
            R"({"fc":{"fu":1,"ty":[13,14],"lbl":["x"],"atr":[{"nm":"con","val":"a*"}]}})");
  EXPECT_EQ(Json("<enc><net>1</net><net>3</net><atr>btl bts</atr></enc>"),
            R"({"enc":{"net":[1,3],"atr":["btl","bts"]}})");
  EXPECT_EQ(Json("<enc><net>1</net></enc>"), R"({"enc":{"net":[1]}})");
  EXPECT_EQ(Json("<rt><rtv>2</rtv><nu/></rt>"), R"({"rt":{"rtv":2,"nu":[]}})");
  EXPECT_EQ(Json("<lbl>a</lbl><lbl>b c</lbl>"), R"({"lbl":["a","b","c"]})");
  EXPECT_EQ(Json("<btl>9223372036854775808</btl>"), R"({"btl":9223372036854775808.0})");
  EXPECT_EQ(Json("<btl>1e999</btl><bts>NaN</bts>"), R"({"btl":"1e999","bts":"NaN"})");
}

TEST(XmlText, ReferencesAndChildResources) {
  EXPECT_EQ(Json(R"(<pc><m2m:nod rn="n"><ch nm="bat" typ="13">cse-in/n/bat</ch></m2m:nod></pc>)"),
            R"({"pc":{"m2m:nod":{"rn":"n","ch":[{"nm":"bat","typ":13,"val":"cse-in/n/bat"}]}}})");
  EXPECT_EQ(Json(R"(<pc><m2m:nod><m2m:bat rn="a"/><m2m:mem rn="b"><mma>1</mma></m2m:mem></m2m:nod></pc>)"),
            R"({"pc":{"m2m:nod":{"m2m:bat":[{"rn":"a"}],"m2m:mem":[{"rn":"b","mma":1}]}}})");
  EXPECT_EQ(Json("<pc><m2m:rce><uri>cse-in/n</uri><m2m:nod><ni>x</ni></m2m:nod></m2m:rce></pc>"),
            R"({"pc":{"m2m:rce":{"uri":"cse-in/n","m2m:nod":{"ni":"x"}}}})");
  EXPECT_EQ(Json("<pc><m2m:uril>cse-in/a cse-in/b</m2m:uril></pc>"), R"({"pc":{"m2m:uril":["cse-in/a","cse-in/b"]}})");
  EXPECT_EQ(Json("<pc><m2m:uril/></pc>"), R"({"pc":{"m2m:uril":[]}})");
  EXPECT_EQ(Json("<pc><m2m:nod/></pc>"), R"({"pc":{"m2m:nod":{}}})");
}

TEST(XmlText, AttributesOfSelfDefinedTypesAreWhatTheyLookLike) {
  EXPECT_EQ(Json("<pc><m2m:acmeThing><t>21</t><u>-0.5</u><v>true</v><w>a b</w></m2m:acmeThing></pc>"),
            R"({"pc":{"m2m:acmeThing":{"t":21,"u":-0.5,"v":true,"w":"a b"}}})");
  // Not as we would write a number: a version, a code, an identifier.
  EXPECT_EQ(Json("<a>1.10</a><b>007</b><c>+5</c><d>1e5</d><e>-0</e><f>True</f><g>99999999999999999999</g>"),
            R"({"a":"1.10","b":"007","c":"+5","d":"1e5","e":"-0","f":"True","g":"99999999999999999999"})");
  EXPECT_EQ(Json("<a>1</a><a>x</a>"), R"({"a":[1,"x"]})");
  EXPECT_EQ(Json(R"(<a xsi:type="xs:string">21</a><b xsi:type="xs:double">21</b><c xsi:type="xs:string"/>)",
                 R"( xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance")"),
            R"({"a":"21","b":21.0,"c":""})");
}

TEST(XmlText, PrefixesAreTheDocumentsOwnAffair) {
  XmlDocument document =
      ParseXml(R"(<rqp xmlns="http://www.onem2m.org/xml/protocols"><op>2</op><pc><bat><btl>1</btl></bat>)"
               R"(</pc></rqp>)");
  EXPECT_EQ(document.root, "m2m:rqp");
  EXPECT_EQ(ToJson(Complex(document.members)), R"({"op":2,"pc":{"m2m:bat":{"btl":1}}})");
  document = ParseXml(R"(<o:rqp xmlns:o="http://www.onem2m.org/xml/protocols"><pc><o:bat/></pc></o:rqp>)");
  EXPECT_EQ(document.root, "m2m:rqp");
  EXPECT_EQ(ToJson(Complex(document.members)), R"({"pc":{"m2m:bat":{}}})");
  EXPECT_EQ(ParseXml(R"(<x:rqp xmlns:x="urn:other"/>)").root, "x:rqp");
  EXPECT_EQ(ParseXml("<rqp/>").root, "rqp");
  EXPECT_EQ(Json(R"(<pc><d:datc xmlns:d="urn:d"/></pc>)"), R"({"pc":{"d:datc":{}}})");
  std::string many;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&many, " xmlns:n", i, "=\"urn:n\"");
  EXPECT_THAT(Json("<op>2</op>", many), HasSubstr("more than 64 namespaces"));
}

TEST(XmlText, MarkupInTheTextIsNoMatter) {
  EXPECT_EQ(Json("<to>a&amp;b&lt;&#99;&#x64;<!-- c --><![CDATA[<&]]></to>"), R"({"to":"a&b<cd<&"})");
  EXPECT_EQ(Json("<to>  x </to>"), R"({"to":"  x "})");
  EXPECT_EQ(Json("<?pi x?><!-- <op> --><to>\xC3\xA4</to>"), "{\"to\":\"\xC3\xA4\"}");
  EXPECT_EQ(ParseXml("\xEF\xBB\xBF<rqp/>").error, "");
}

TEST(XmlText, WhatIsNoXmlIsRefused) {
  for (const char* text : {"",
                           " ",
                           "x",
                           "<",
                           "<a",
                           "<a>",
                           "<a></b>",
                           "<a/><b/>",
                           "<a/>x",
                           "x<a/>",
                           "<a><b></a></b>",
                           "{\"op\":2}",
                           "<a b=c/>",
                           "<a b=\"<\"/>",
                           "<a <b/></a>",
                           "<a>&nbsp;</a>",
                           "<a>&#0;</a>",
                           "<a>&#1;</a>",
                           "<a>&#xD800;</a>",
                           "<a>&#x110000;</a>",
                           "<a>&#99999999999;</a>",
                           "<a>&#;</a>",
                           "<a>&#xg;</a>",
                           "<a>& b</a>",
                           "<a>\x01</a>",
                           "<a>\xFF</a>",
                           "<a>\xEF\xBF\xBE</a>",
                           "<a><!-- </a>",
                           "<a><![CDATA[ </a>",
                           "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>",
                           "<!-- -->",
                           "<![CDATA[x]]><a/>"}) {
    EXPECT_FALSE(ParseXml(text).error.empty()) << text;
  }
  EXPECT_FALSE(ParseXml(absl::string_view("<a>\0</a>", 8)).error.empty());
  EXPECT_FALSE(ParseXml(absl::string_view("<\0a\0/\0>\0", 8)).error.empty());  // UTF-16
}

TEST(XmlText, DocumentTypesAndEntitiesAreNeverTaken) {
  const std::string bomb =
      R"(<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><b>&b;</b>)";
  EXPECT_THAT(ParseXml(bomb).error, HasSubstr("document type declaration"));
  EXPECT_THAT(ParseXml(R"(<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>)").error, HasSubstr("document type"));
  EXPECT_THAT(ParseXml(R"(<!doctype r><r/>)").error, HasSubstr("document type"));
  EXPECT_THAT(ParseXml("<r>&file;</r>").error, HasSubstr("octet 3: expected a reference"));
}

TEST(XmlText, WrongMembersAreNamedAndTheOthersRead) {
  XmlDocument document = Read("<op>2</op><op>3</op><rqi>w1</rqi>");
  EXPECT_EQ(document.error, "op: it occurs twice");
  EXPECT_EQ(FindText(document.members, "rqi"), "w1");
  document = Read("<pc><m2m:bat><btl>1</btl>oops</m2m:bat></pc><rqi>w2</rqi>");
  EXPECT_EQ(document.error, "pc.m2m:bat: text between elements");
  EXPECT_EQ(FindText(document.members, "rqi"), "w2");
  document = Read(R"(<pc><m2m:bat rn="a"><rn>b</rn></m2m:bat></pc><rqi>w3</rqi>)");
  EXPECT_EQ(document.error, "pc.m2m:bat.rn: it occurs twice");
  EXPECT_EQ(FindText(document.members, "rqi"), "w3");
}

TEST(XmlText, DepthIsBoundedAndReadingGoesOn) {
  const auto nested = [](int levels) {
    std::string open, close;
    for (int i = 0; i < levels; ++i) {
      open += "<x>";
      close += "</x>";
    }
    return open + "1" + close;
  };
  // The root is one, and the innermost is none.
  EXPECT_EQ(Read(nested(kMaxValueDepth)).error, "");
  EXPECT_THAT(Read(nested(kMaxValueDepth + 1)).error, HasSubstr("nested deeper than 24"));
  const XmlDocument document = Read(nested(50'000) + "<rqi>w1</rqi>");
  EXPECT_THAT(document.error, HasSubstr("nested deeper"));
  EXPECT_EQ(FindText(document.members, "rqi"), "w1");
}

TEST(XmlText, WritesWhatPeersExpect) {
  EXPECT_EQ(Write(R"({"rsc":2000,"rqi":"r1"})"),
            R"(<?xml version="1.0" encoding="UTF-8"?><m2m:rqp xmlns:m2m="http://www.onem2m.org/xml/protocols">)"
            R"(<rsc>2000</rsc><rqi>r1</rqi></m2m:rqp>)");
  EXPECT_EQ(Inside(R"({"pc":{"m2m:bat":{"rn":"b","btl":77,"lbl":["a","b"],"far":true,"cmlk":[{"nm":"x","typ":1011,)"
                   R"("val":"cse-in/x"}],"dc":"a<b & \"c\"\r\n"}}})"),
            R"(<pc><m2m:bat rn="b"><btl>77</btl><lbl>a b</lbl><far>true</far><cmlk nm="x" typ="1011">cse-in/x</cmlk>)"
            R"(<dc>a&lt;b &amp; &quot;c&quot;&#13;&#10;</dc></m2m:bat></pc>)");
  EXPECT_EQ(Inside(R"({"pc":{"m2m:sgn":{"nev":{"net":1,"rep":{"m2m:x":{"t":21,"u":1.5,"s":"on"}}},"vrq":true}}})"),
            "<pc><m2m:sgn><nev><net>1</net><rep><m2m:x><t>21</t><u>1.5</u><s>on</s></m2m:x></rep></nev><vrq>true</vrq>"
            "</m2m:sgn></pc>");
  EXPECT_EQ(Inside(R"({"pc":{"m2m:grp":{"mnm":null}}})"), "<pc><m2m:grp><mnm/></m2m:grp></pc>");
  EXPECT_EQ(Inside(R"({"pc":{"m2m:nod":{"m2m:bat":[{"rn":"a"},{"rn":"b"}]}}})"),
            R"(<pc><m2m:nod><m2m:bat rn="a"></m2m:bat><m2m:bat rn="b"></m2m:bat></m2m:nod></pc>)");
}

TEST(XmlText, SaysTheTypeWhereNothingElseDoes) {
  EXPECT_EQ(Inside(R"({"x":"21"})"), R"(<x xsi:type="xs:string">21</x>)");
  EXPECT_EQ(Inside(R"({"btl":"5"})"), R"(<btl xsi:type="xs:string">5</btl>)");
  EXPECT_EQ(Inside(R"({"rvi":4})"), R"(<rvi xsi:type="xs:integer">4</rvi>)");
  EXPECT_EQ(Inside(R"({"dc":""})"), R"(<dc xsi:type="xs:string"></dc>)");
  EXPECT_EQ(Inside(R"({"x":{}})"), R"(<x xsi:type="xs:anyType"/>)");
  EXPECT_EQ(Inside(R"({"x":[1],"y":[]})"), R"(<x isthmus:list="true">1</x><y isthmus:list="empty"/>)");
  EXPECT_EQ(Inside(R"({"lbl":["my label"]})"), R"(<lbl isthmus:list="true" xsi:type="xs:string">my label</lbl>)");
  EXPECT_THAT(Write(R"({"x":"21","y":[]})"), HasSubstr(R"( xmlns:isthmus="urn:isthmus:list">)"));
}

TEST(XmlText, NamesThatXmlDoesNotHaveAreEscaped) {
  for (const char* name : {"5700",
                           "a b",
                           "",
                           "_x_",
                           "_x0035_",
                           "x_x",
                           "a:b:c",
                           ":",
                           "a:",
                           ":a",
                           "xml:lang",
                           "xsi:nil",
                           "isthmus:list",
                           "\xC3\xA4",
                           "\xF0\x9F\x98\x80",
                           "a\x01",
                           "-a",
                           "a-b.c_d",
                           "<",
                           "&"}) {
    v1::Object object;
    Set(object, name, Integer(1));
    const XmlDocument document = ParseXml(Write(object));
    EXPECT_EQ(document.error, "") << name;
    ASSERT_EQ(document.members.members_size(), 1) << Write(object);
    EXPECT_EQ(document.members.members(0).name(), name) << Write(object);
  }
  EXPECT_EQ(Inside(R"({"5700":1})"), "<_x0035_700>1</_x0035_700>");
  // What only looks like an escape stands for itself.
  for (const char* name : {"_xD800_", "_x110000_", "_x123456789_", "_xzz_", "_x12"})
    EXPECT_EQ(UnescapeName(name), name);
}

// What JSON can carry and XML cannot.
TEST(XmlText, CharactersThatXmlDoesNotHaveBecomeTheReplacementCharacter) {
  v1::Object object;
  Set(object, "dc",
      Text(absl::string_view("a\0b\x1F"
                             "c\xFF"
                             "d\xEF\xBF\xBF"
                             "e\xC3",
                             12)));
  Set(object, "rn", Text("\x01"));
  const XmlDocument document = ParseXml(Write(object));
  EXPECT_EQ(document.error, "");
  EXPECT_EQ(FindText(document.members, "dc"), absl::StrReplaceAll("a?b?c?d?e?", {{"?", "\xEF\xBF\xBD"}}));
  EXPECT_EQ(FindText(document.members, "rn"), "\xEF\xBF\xBD");
}

TEST(XmlText, NeverWritesNaNOrInfinity) {
  v1::Object object;
  Set(object, "a", Number(std::nan("")));
  Set(object, "c", List({Number(-std::numeric_limits<double>::infinity()), Integer(1)}));
  const XmlDocument document = ParseXml(Write(object));
  EXPECT_EQ(ToJson(Complex(document.members)), R"({"c":[null,1]})");
}

// The order of members says nothing, and `rn` comes first in XML; that an integer is none with a fraction is kept.
std::string InOrder(v1::Value value) {
  std::vector<v1::Value*> open = {&value};
  while (!open.empty()) {
    v1::Value* next = open.back();
    open.pop_back();
    if (next->kind_case() == v1::Value::kList) {
      for (v1::Value& member : *next->mutable_list()->mutable_values()) open.push_back(&member);
    } else if (next->kind_case() == v1::Value::kObject) {
      auto* members = next->mutable_object()->mutable_members();
      std::sort(members->begin(), members->end(),
                [](const v1::Attribute& a, const v1::Attribute& b) { return a.name() < b.name(); });
      for (v1::Attribute& member : *members) open.push_back(member.mutable_value());
    }
  }
  return ToJson(value);
}

// Names of every kind, in places where they mean something and where they do not.
v1::Value RandomValue(std::mt19937_64& random, int depth) {
  static const std::vector<std::string> kNames = {"btl",     "lbl",      "enc",     "net",     "fc",  "ty",  "atr",
                                                  "rt",      "nu",       "x",       "y",       "rn",  "val", "m2m:bat",
                                                  "m2m:nod", "m2m:uril", "pc",      "cmlk",    "nm",  "typ", "rbo",
                                                  "dc",      "ch",       "m2m:rce", "m2m:dbg", "sce", "5"};
  static const std::vector<std::string> kTexts = {"",    " ",  "a",      "a b",    "21",  "true", "1.5",
                                                  "1.0", "-0", "<&>\"'", "\t\n\r", "]]>", " 7 ",  "\xC3\xA4"};
  switch (random() % (depth > 0 ? 9 : 6)) {
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
      return Number(std::isfinite(number) && random() % 2 == 0 ? number : static_cast<double>(random() % 9) - 4);
    }
    case 4:
    case 5:
      return Text(kTexts[random() % kTexts.size()]);
    case 6: {
      std::vector<v1::Value> values;
      for (uint64_t i = random() % 4; i > 0; --i) values.push_back(RandomValue(random, depth - 1));
      return List(std::move(values));
    }
    default: {
      v1::Object object;
      for (uint64_t i = random() % 6; i > 0; --i) {
        Set(object, kNames[random() % kNames.size()], RandomValue(random, depth - 1));
      }
      return Complex(std::move(object));
    }
  }
}

TEST(XmlText, RandomValuesComeBackWithTheirTypes) {
  std::mt19937_64 random(20240611);
  for (int i = 0; i < 20'000; ++i) {
    v1::Value value;
    while (value.kind_case() != v1::Value::kObject) value = RandomValue(random, 6);
    const std::string text = Write(value.object());
    const XmlDocument document = ParseXml(text);
    ASSERT_EQ(document.error, "") << text;
    ASSERT_EQ(InOrder(Complex(document.members)), InOrder(value)) << text;
  }
}

TEST(XmlText, RandomTextIsSurvived) {
  std::mt19937_64 random(7);
  const std::vector<std::string> pieces = {"<a>",
                                           "</a>",
                                           "<a/>",
                                           "<b",
                                           ">",
                                           "<",
                                           "/>",
                                           "x",
                                           "&amp;",
                                           "&#65;",
                                           "\"",
                                           "='",
                                           "<!--",
                                           "-->",
                                           "<![CDATA[",
                                           "]]>",
                                           "<?p",
                                           "?>",
                                           " ",
                                           "xmlns:m2m",
                                           "=\"",
                                           "isthmus:list=\"nested\"",
                                           "<isthmus:item>",
                                           "xsi:type=\"xs:integer\"",
                                           "1"};
  int read = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string text = "<r>";
    for (uint64_t n = random() % 8; n > 0; --n) text += pieces[random() % pieces.size()];
    text += "</r>";
    const XmlDocument document = ParseXml(text);
    if (!document.error.empty()) continue;
    ++read;
    const std::string again = Write(document.members);
    const XmlDocument second = ParseXml(again);
    ASSERT_EQ(second.error, "") << text << "\n" << again;
    ASSERT_EQ(InOrder(Complex(second.members)), InOrder(Complex(document.members))) << text << "\n" << again;
  }
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace isthmus::onem2m
