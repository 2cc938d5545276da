#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::lwm2m::codec {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// "/3;ver=1.1", "/3/0/6;dim=2".
std::vector<std::string> Texts(const Links& links) {
  std::vector<std::string> texts;
  for (const v1::ObjectLink& link : links.links) {
    std::string text = PathToString(link.path());
    if (!link.version().empty()) absl::StrAppend(&text, ";ver=", link.version());
    if (link.has_dimension()) absl::StrAppend(&text, ";dim=", link.dimension());
    texts.push_back(text);
  }
  return texts;
}

Links Parsed(absl::string_view payload) {
  absl::StatusOr<Links> links = ParseRegistrationLinks(payload);
  EXPECT_THAT(links, IsOk());
  return links.ok() ? *links : Links();
}

TEST(RegistrationLinksTest, WhatClientsSend) {
  const Links links = Parsed("</>;rt=\"oma.lwm2m\";ct=110,</1>;ver=1.1,</1/0>,</2>,</3/0>");
  EXPECT_THAT(Texts(links), ElementsAre("/1;ver=1.1", "/1/0", "/2", "/3/0"));
  EXPECT_THAT(links.content_formats, ElementsAre(110));
  EXPECT_EQ(links.root_path, "");
  EXPECT_THAT(links.warnings, IsEmpty());
  EXPECT_THAT(Parsed("</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542 11543\",</3/0>").content_formats,
              ElementsAre(60, 110, 112, 11542, 11543));
  EXPECT_THAT(Parsed("").links, IsEmpty());
}

// Field case "link formats that devices really send", a to j.
TEST(RegistrationLinksTest, AVersionOnAnInstanceIsTheObjects) {
  const Links links = Parsed("</1/0>;ver=1.1,</3/0>;ver=1.1");
  EXPECT_THAT(Texts(links), ElementsAre("/1;ver=1.1", "/1/0", "/3;ver=1.1", "/3/0"));
  EXPECT_THAT(links.warnings, IsEmpty());
}

TEST(RegistrationLinksTest, ContentFormatsTwice) {
  const Links links = Parsed("</>;ct=110;ct=60,</1/0>,</3/0>");
  EXPECT_THAT(Texts(links), ElementsAre("/1/0", "/3/0"));
  EXPECT_THAT(links.content_formats, ElementsAre(110, 60));
  EXPECT_THAT(links.warnings, ElementsAre(HasSubstr("ct occurs twice")));
}

TEST(RegistrationLinksTest, ContentFormatsWithoutQuotes) {
  const Links links = Parsed("</>;ct=60 110 112;rt=\"oma.lwm2m\",</1>;ver=1.1,</1/0>");
  EXPECT_THAT(Texts(links), ElementsAre("/1;ver=1.1", "/1/0"));
  EXPECT_THAT(links.content_formats, ElementsAre(60, 110, 112));
}

TEST(RegistrationLinksTest, BlanksBetweenLinks) {
  EXPECT_THAT(Texts(Parsed("</1/0>, </3/0>, </6/0>")), ElementsAre("/1/0", "/3/0", "/6/0"));
  EXPECT_THAT(Texts(Parsed(" </1/0> ; ver = 1.1 ,\r\n</3/0>\n")), ElementsAre("/1;ver=1.1", "/1/0", "/3/0"));
}

TEST(RegistrationLinksTest, DeeperLinksCountForTheirInstance) {
  const Links links = Parsed("</1/0>;obs,</3/0>;obs,</3/0/0>;obs,</3/0/11/0>;obs,</5/0/1>");
  EXPECT_THAT(Texts(links), ElementsAre("/1/0", "/3/0", "/5/0"));
}

TEST(RegistrationLinksTest, VersionsThatContradictEachOther) {
  const Links links = Parsed("</44/0>;ver=2.2,</44/1>;ver=1.9");
  EXPECT_THAT(Texts(links), ElementsAre("/44;ver=2.2", "/44/0", "/44/1"));
  EXPECT_THAT(links.warnings, ElementsAre(HasSubstr("object 44 has 2.2")));
}

TEST(RegistrationLinksTest, NoLeadingSlash) {
  const Links links = Parsed("<1/0>,<3/0>");
  EXPECT_THAT(Texts(links), ElementsAre("/1/0", "/3/0"));
  EXPECT_THAT(links.warnings, SizeIs(2));
}

TEST(RegistrationLinksTest, EmptyLinks) {
  const Links links = Parsed("</3/0>,,</6/0>,");
  EXPECT_THAT(Texts(links), ElementsAre("/3/0", "/6/0"));
  EXPECT_THAT(links.warnings, ElementsAre("2 empty links"));
}

TEST(RegistrationLinksTest, ThreeThousandLinks) {
  std::string payload;
  for (int i = 0; i < 3000; ++i) absl::StrAppend(&payload, i == 0 ? "" : ",", "</", 30000 + i, "/0>");
  EXPECT_THAT(Parsed(payload).links, SizeIs(3000));
}

TEST(RegistrationLinksTest, SeparatorsInQuotes) {
  EXPECT_THAT(Texts(Parsed("</3/0>;x=\"a,b;c<d>\",</6/0>")), ElementsAre("/3/0", "/6/0"));
  EXPECT_THAT(Texts(Parsed("</3/0>;x=\"a\\\"b\",</6/0>")), ElementsAre("/3/0", "/6/0"));
}

TEST(RegistrationLinksTest, AnAlternateRoot) {
  for (const char* root : {"</lwm2m>;rt=\"oma.lwm2m\"", "</lwm2m/>;rt=\"core.rd oma.lwm2m\";ct=112"}) {
    const Links links =
        Parsed(absl::StrCat("</sensor/1>;rt=\"x\",", root, ",</lwm2m/1/0>,</lwm2m/3>;ver=1.2,</lwm2mx/4/0>"));
    EXPECT_EQ(links.root_path, "/lwm2m");
    EXPECT_THAT(Texts(links), ElementsAre("/1/0", "/3;ver=1.2"));
    EXPECT_THAT(links.warnings, SizeIs(2));
  }
  EXPECT_THAT(ParseRegistrationLinks("<lwm2m>;rt=\"oma.lwm2m\""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseRegistrationLinks("</\xFF>;rt=\"oma.lwm2m\""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("UTF-8")));
}

TEST(RegistrationLinksTest, OtherResourcesAreNamedInAWarning) {
  const Links links = Parsed("</3/0>,</.well-known/core>,</a/b>;x=1,<coap://x/3/0>");
  EXPECT_THAT(Texts(links), ElementsAre("/3/0"));
  EXPECT_THAT(links.warnings, Contains(HasSubstr(".well-known/core")));
}

TEST(RegistrationLinksTest, OddVersionsAndFormatsAreNamedInAWarning) {
  const Links links = Parsed("</>;ct=\"110 x 99999\",</3>;ver=new,</3/0>;ver,</4>;ver=\"1.3\"");
  EXPECT_THAT(Texts(links), ElementsAre("/3", "/3/0", "/4;ver=1.3"));
  EXPECT_THAT(links.content_formats, ElementsAre(110));
  EXPECT_THAT(links.warnings, SizeIs(4));
}

TEST(RegistrationLinksTest, EachOnce) {
  EXPECT_THAT(Texts(Parsed("</3/0>,</3/0>,</3>,</3/0/1>,</3>;ver=1.1")), ElementsAre("/3/0", "/3;ver=1.1"));
}

TEST(RegistrationLinksTest, WarningsAreBounded) {
  std::string payload = "</x>";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&payload, ",</x", i, ">");
  const Links links = Parsed(payload);
  EXPECT_THAT(links.warnings, SizeIs(17));
  EXPECT_EQ(links.warnings.back(), "and 985 more");
}

TEST(RegistrationLinksTest, MalformedOnesAreRefusedWithTheirPlace) {
  for (const char* payload : {"3/0", "</3/0", "</3/0>;x=\"a", "</3/0>x", "</3/0> </6/0>", "</3/0></6/0>", "</3</0>",
                              "</3/0>;=1", "</70000/0>", "</03/0>", "</3//0>", "</1/2/3/4/5>", "hello",
                              "</3/0>;x=\"a\"b", "</1/0>;ver=1.1</3/0>", "<//>,<///>"}) {
    EXPECT_THAT(ParseRegistrationLinks(payload), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("octet")))
        << payload;
  }
}

TEST(DiscoverLinksTest, EveryLevelWithDimension) {
  const absl::StatusOr<Links> links =
      ParseDiscoverLinks("</3>;ver=1.1,</3/0>;pmin=10;pmax=60,</3/0/6>;dim=2,</3/0/6/0>,</3/0/9>;gt=50;lt=42.2");
  ASSERT_THAT(links, IsOk());
  EXPECT_THAT(Texts(*links), ElementsAre("/3;ver=1.1", "/3/0", "/3/0/6;dim=2", "/3/0/6/0", "/3/0/9"));
  EXPECT_THAT(links->warnings, IsEmpty());
}

TEST(DiscoverLinksTest, BelowAnAlternateRoot) {
  const absl::StatusOr<Links> links = ParseDiscoverLinks("</lwm2m/3/0>,</lwm2m/3/0/6>;dim=x", "/lwm2m");
  ASSERT_THAT(links, IsOk());
  EXPECT_THAT(Texts(*links), ElementsAre("/3/0", "/3/0/6"));
  EXPECT_THAT(links->warnings, ElementsAre(HasSubstr("dimension")));
}

TEST(DiscoverLinksTest, MalformedOnesAreRefused) {
  EXPECT_THAT(ParseDiscoverLinks("</3/0/70000>"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseDiscoverLinks("</3/0/6>;dim=\"2"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseDiscoverLinks("")->links, IsEmpty());
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
