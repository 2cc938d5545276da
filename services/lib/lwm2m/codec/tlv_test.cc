#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
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
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Octets(absl::string_view hex) { return absl::HexStringToBytes(absl::StrReplaceAll(hex, {{" ", ""}})); }

absl::StatusOr<std::vector<v1::Node>> DecodeHex(absl::string_view hex, absl::string_view path) {
  return Decode(kTlv, Octets(hex), *ParsePath(path), absl::FromUnixSeconds(1700000000));
}
std::string Encoded(const std::vector<v1::Node>& nodes, absl::string_view path) {
  const absl::StatusOr<std::string> payload = Encode(kTlv, nodes, *ParsePath(path));
  return payload.ok() ? absl::BytesToHexString(*payload) : std::string(payload.status().message());
}

#define EXPECT_NODES(hex, path, ...)                          \
  do {                                                        \
    const auto nodes = DecodeHex(hex, path);                  \
    ASSERT_THAT(nodes, IsOk());                               \
    EXPECT_THAT(NodeTexts(*nodes), ElementsAre(__VA_ARGS__)); \
  } while (false)

TEST(TlvDecodeTest, AResource) { EXPECT_NODES("C1 09 50", "/3/0/9", "/3/0/9=raw:50"); }

TEST(TlvDecodeTest, AnInstanceWithAMultipleResource) {
  EXPECT_NODES("C5 00 416E6A6179 86 06 41 00 01 41 01 05", "/3/0", "/3/0/0=raw:416e6a6179", "/3/0/6/0=raw:01",
               "/3/0/6/1=raw:05");
}

TEST(TlvDecodeTest, LongIdsAndLengths) {
  EXPECT_NODES("E4 16 44 41 AB 33 33", "/3303/0", "/3303/0/5700=raw:41ab3333");
  EXPECT_NODES("87 02 41 00 0F 61 03 E7 01", "/2/0", "/2/0/2/0=raw:0f", "/2/0/2/999=raw:01");
  EXPECT_NODES(absl::StrCat("D0 00 01 2C", absl::BytesToHexString(std::string(300, 'a'))), "/3/0/0",
               absl::StrCat("/3/0/0=raw:", absl::BytesToHexString(std::string(300, 'a'))));
  EXPECT_NODES("D8 00 00 00 01 61", "/3/0/0", "/3/0/0=raw:61");
}

TEST(TlvDecodeTest, SeveralInstances) {
  EXPECT_NODES("03 00 C1 00 01 03 01 C1 00 02", "/1", "/1/0/0=raw:01", "/1/1/0=raw:02");
}

// Field case "TLV with a level more or less than expected".
TEST(TlvDecodeTest, ALevelMoreOrLess) {
  EXPECT_NODES("C4 00 41636D65 C1 09 50", "/3", "/3/0/0=raw:41636d65", "/3/0/9=raw:50");
  EXPECT_NODES("08 00 09 C4 00 41636D65 C1 09 50", "/3", "/3/0/0=raw:41636d65", "/3/0/9=raw:50");
  EXPECT_NODES("08 00 09 C4 00 41636D65 C1 09 50", "/3/0", "/3/0/0=raw:41636d65", "/3/0/9=raw:50");
  EXPECT_NODES("03 00 C1 09 50", "/3/0/9", "/3/0/9=raw:50");
  EXPECT_NODES("41 00 01 41 01 05", "/3/0/6", "/3/0/6/0=raw:01", "/3/0/6/1=raw:05");
  EXPECT_NODES("86 06 41 00 01 41 01 05", "/3/0/6", "/3/0/6/0=raw:01", "/3/0/6/1=raw:05");
  EXPECT_NODES("41 01 05", "/3/0/6/1", "/3/0/6/1=raw:05");
  EXPECT_NODES("83 06 41 01 05", "/3/0/6/1", "/3/0/6/1=raw:05");
}

TEST(TlvDecodeTest, WhatWasNotAskedForIsRefused) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("does not lie in /3/0/9"));
  EXPECT_THAT(DecodeHex("C1 00 50", "/3/0/9"), refused);
  EXPECT_THAT(DecodeHex("03 01 C1 09 50", "/3/0/9"), refused);
  EXPECT_THAT(DecodeHex("C1 09 50 C1 00 50", "/3/0/9"), refused);
  EXPECT_THAT(DecodeHex("41 00 05", "/3/0/6/1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecodeHex("C1 06 05", "/3/0/6/1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecodeHex("C1 09 50", "/"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("several objects")));
}

TEST(TlvDecodeTest, LengthsThatLieAreRefusedWithTheirPlace) {
  EXPECT_THAT(DecodeHex("C1 09", "/3/0/9"), StatusIs(absl::StatusCode::kInvalidArgument,
                                                     AllOf(HasSubstr("octet 0"), HasSubstr("claims 1 octets of 0"))));
  EXPECT_THAT(DecodeHex("C8 09 FF 50", "/3/0/9"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("claims 255 octets of 1")));
  // The inner one reaches beyond its multiple resource, though not beyond the payload.
  EXPECT_THAT(DecodeHex("C1 09 50 83 06 42 00 01 C1 0A 05", "/3/0"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("octet 5")));
  EXPECT_THAT(DecodeHex("02 00 C1 09 50", "/3"),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("octet 2"), HasSubstr("claims"))));
  for (const char* hex : {"C0", "C8 09", "E0 00", "F8 00 09 00 00", "D8 09 FF FF FF", "D0 00 FF"}) {
    EXPECT_THAT(DecodeHex(hex, "/3/0"), StatusIs(absl::StatusCode::kInvalidArgument)) << hex;
  }
}

TEST(TlvDecodeTest, LevelsInTheWrongOrderAreRefused) {
  const auto misplaced = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("does not belong at this level"));
  EXPECT_THAT(DecodeHex("41 00 01", "/3/0"), misplaced);            // an instance of no resource
  EXPECT_THAT(DecodeHex("05 00 03 00 C1 09 50", "/3"), misplaced);  // an instance in an instance
  EXPECT_THAT(DecodeHex("83 06 C1 00 01", "/3/0"), misplaced);      // a resource in a resource
  EXPECT_THAT(DecodeHex("03 00 41 00 01", "/3"), misplaced);
  EXPECT_THAT(DecodeHex("03 00 C1 09 50 C1 0A 01", "/3"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inside and outside")));
}

TEST(TlvDecodeTest, TwiceIsRefused) {
  const auto twice = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("occurs twice"));
  EXPECT_THAT(DecodeHex("C1 09 50 C1 09 51", "/3/0"), twice);
  EXPECT_THAT(DecodeHex("C1 06 01 83 06 41 00 01", "/3/0"), twice);
  EXPECT_THAT(DecodeHex("86 06 41 00 01 41 00 05", "/3/0"), twice);
  EXPECT_THAT(DecodeHex("03 00 C1 00 01 03 00 C1 01 02", "/1"), twice);
  EXPECT_THAT(DecodeHex("41 00 01 41 00 05", "/3/0/6"), twice);
}

// Field case "2.05 with nothing in it".
TEST(TlvDecodeTest, EmptyMeansEmpty) {
  for (const char* path : {"/7", "/7/0", "/4/0/4", "/"}) {
    const auto nodes = DecodeHex("", path);
    ASSERT_THAT(nodes, IsOk()) << path;
    EXPECT_THAT(*nodes, IsEmpty());
  }
  EXPECT_THAT(NodeTexts(*DecodeHex("80 04", "/4/0/4")), IsEmpty());
  EXPECT_THAT(NodeTexts(*DecodeHex("00 00", "/7")), IsEmpty());
  EXPECT_NODES("C0 00", "/3/0/0", "/3/0/0=raw:");
}

TEST(TlvEncodeTest, EachLevelOfThePath) {
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", 80)}, "/3/0/9"), "c10950");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", 80)}, "/3/0"), "c10950");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", 80)}, "/3"), "0300c10950");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/6/1", 5), IntegerNode("/3/0/6/0", 1)}, "/3/0/6"), "8606410001410105");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/6/1", 5)}, "/3/0/6/1"), "410105");
  EXPECT_EQ(Encoded({IntegerNode("/2/0/2/0", 15), IntegerNode("/2/0/2/999", 1)}, "/2/0"), "870241000f6103e701");
  EXPECT_EQ(Encoded({IntegerNode("/1/1/0", 2), IntegerNode("/1/0/0", 1)}, "/1"), "0300c100010301c10002");
  EXPECT_EQ(Encoded({}, "/3/0"), "");
}

TEST(TlvEncodeTest, IntegersAreAsShortAsTheySignedFit) {
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", 127)}, "/3/0/9"), "c1097f");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", 128)}, "/3/0/9"), "c2090080");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", -128)}, "/3/0/9"), "c10980");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", -129)}, "/3/0/9"), "c209ff7f");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", 65536)}, "/3/0/9"), "c40900010000");
  EXPECT_EQ(Encoded({IntegerNode("/3/0/9", int64_t{1} << 31)}, "/3/0/9"), "c809080000000080000000");
  EXPECT_EQ(Encoded({TimeNode("/3/0/13", 1701172800)}, "/3/0/13"), "c40d6565d640");
}

TEST(TlvEncodeTest, UnsignedWithTheTopBitSetGetsALeadingZero) {
  EXPECT_EQ(Encoded({UnsignedNode("/5/0/13", 200)}, "/5/0/13"), "c20d00c8");
  EXPECT_EQ(Encoded({UnsignedNode("/5/0/13", 0xFFFF)}, "/5/0/13"), "c40d0000ffff");
  EXPECT_EQ(Encoded({UnsignedNode("/5/0/13", 0xFFFFFFFF)}, "/5/0/13"), "c80d0800000000ffffffff");
  EXPECT_EQ(Encoded({UnsignedNode("/5/0/13", std::numeric_limits<uint64_t>::max())}, "/5/0/13"),
            "c80d08ffffffffffffffff");
}

TEST(TlvEncodeTest, OtherTypes) {
  EXPECT_EQ(Encoded({TextNode("/3/0/0", "Acme")}, "/3/0/0"), "c40041636d65");
  EXPECT_EQ(Encoded({FloatNode("/3303/0/5700", 21.5)}, "/3303/0/5700"), "e4164441ac0000");
  EXPECT_EQ(Encoded({FloatNode("/3303/0/5700", 21.4)}, "/3303/0/5700"), "e81644084035666666666666");
  EXPECT_EQ(Encoded({FloatNode("/3303/0/5700", 1e300)}, "/3303/0/5700"),
            "e8164408"
            "7e37e43c8800759c");
  EXPECT_EQ(Encoded({BooleanNode("/1/0/6", true)}, "/1/0/6"), "c10601");
  EXPECT_EQ(Encoded({OpaqueNode("/5/0/0", std::string("\0\xFF", 2))}, "/5/0/0"), "c20000ff");
  EXPECT_EQ(Encoded({ObjectLinkNode("/3/0/22/0", 3, 258)}, "/3/0/22"),
            "86164400"
            "00030102");
  EXPECT_EQ(Encoded({CoreLinkNode("/22/0/3/0", "</3>")}, "/22/0/3/0"), "44003c2f333e");
}

TEST(TlvEncodeTest, LengthsGrowWithTheValue) {
  EXPECT_EQ(Encoded({TextNode("/3/0/0", "12345678")}, "/3/0/0").substr(0, 6), "c80008");
  EXPECT_EQ(Encoded({TextNode("/3/0/0", std::string(256, 'a'))}, "/3/0/0").substr(0, 8), "d0000100");
  EXPECT_EQ(Encoded({TextNode("/3/0/0", std::string(65536, 'a'))}, "/3/0/0").substr(0, 10), "d800010000");
  EXPECT_THAT(Encoded({OpaqueNode("/5/0/0", std::string(1 << 24, 'a'))}, "/5/0/0"), HasSubstr("at most 16777215"));
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
