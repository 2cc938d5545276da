// Plain text and opaque.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/node_text.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::lwm2m::codec {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<std::vector<v1::Node>> DecodeAs(uint32_t format, absl::string_view payload, absl::string_view path) {
  return Decode(format, payload, *ParsePath(path), absl::FromUnixSeconds(1700000000));
}
std::string EncodedText(const v1::Node& node) {
  const absl::StatusOr<std::string> payload = Encode(kText, {node}, node.path());
  return payload.ok() ? *payload : std::string(payload.status().message());
}

TEST(TextTest, TheValueIsRaw) {
  const auto nodes = DecodeAs(kText, "80 ", "/3/0/9");
  ASSERT_THAT(nodes, IsOk());
  EXPECT_THAT(NodeTexts(*nodes), ElementsAre("/3/0/9=raw:383020"));
  EXPECT_EQ((*nodes)[0].value().raw().content_format(), kText);
  EXPECT_THAT(NodeTexts(*DecodeAs(kText, "5", "/3/0/6/1")), ElementsAre("/3/0/6/1=raw:35"));
}

TEST(TextTest, OnlyResourcesHaveATextForm) {
  for (const char* path : {"/", "/3", "/3/0"}) {
    EXPECT_THAT(DecodeAs(kText, "80", path), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no resource")));
    EXPECT_THAT(DecodeAs(kOpaque, "80", path), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no resource")));
    EXPECT_THAT(NodeTexts(*DecodeAs(kText, "", path)), IsEmpty());
  }
}

TEST(TextTest, EveryTypeIsWritten) {
  EXPECT_EQ(EncodedText(TextNode("/3/0/0", "Acme")), "Acme");
  EXPECT_EQ(EncodedText(IntegerNode("/3/0/9", -80)), "-80");
  EXPECT_EQ(EncodedText(UnsignedNode("/3/0/9", 18446744073709551615u)), "18446744073709551615");
  EXPECT_EQ(EncodedText(FloatNode("/3303/0/5700", 21.4)), "21.4");
  EXPECT_EQ(EncodedText(BooleanNode("/1/0/6", true)), "1");
  EXPECT_EQ(EncodedText(BooleanNode("/1/0/6", false)), "0");
  EXPECT_EQ(EncodedText(TimeNode("/3/0/13", 1701172800)), "1701172800");
  EXPECT_EQ(EncodedText(OpaqueNode("/5/0/0", "\xFB\xFF")), "+/8=");
  EXPECT_EQ(EncodedText(ObjectLinkNode("/3/0/22/0", 3, 0)), "3:0");
  EXPECT_EQ(EncodedText(CoreLinkNode("/25/0/3", "</3/0>")), "</3/0>");
}

TEST(TextTest, ExactlyOneValueAtThePath) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("exactly one value"));
  EXPECT_THAT(Encode(kText, {}, MakePath(3, 0, 9)), refused);
  EXPECT_THAT(Encode(kText, {IntegerNode("/3/0/6/0", 1)}, MakePath(3, 0, 6)), refused);
  EXPECT_THAT(Encode(kText, {IntegerNode("/3/0/6/0", 1), IntegerNode("/3/0/6/1", 1)}, MakePath(3, 0, 6)), refused);
  EXPECT_THAT(Encode(kText, {IntegerNode("/3/0/9", 1)}, MakePath(3, 0)), refused);
}

TEST(OpaqueTest, OctetsGoThroughAsTheyAre) {
  const std::string octets("\0\xFF\n", 3);
  const auto nodes = DecodeAs(kOpaque, octets, "/5/0/0");
  ASSERT_THAT(nodes, IsOk());
  EXPECT_EQ((*nodes)[0].value().raw().octets(), octets);
  EXPECT_EQ((*nodes)[0].value().raw().content_format(), kOpaque);
  EXPECT_EQ(*Encode(kOpaque, {OpaqueNode("/5/0/0", octets)}, MakePath(5, 0, 0)), octets);
  EXPECT_THAT(Encode(kOpaque, {TextNode("/5/0/0", "x")}, MakePath(5, 0, 0)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not of type Opaque")));
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
