// The formats that are CBOR: 60, 112 and 11544. Payloads are written in hexadecimal.
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/expect_nodes.h"
#include "services/lib/lwm2m/codec/node_text.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::lwm2m::codec {
namespace {

using ::testing::IsEmpty;

constexpr int64_t kNow = 1700000000;

absl::StatusOr<std::vector<v1::Node>> DecodeHex(uint32_t format, absl::string_view hex, absl::string_view path = "/") {
  return Decode(format, absl::HexStringToBytes(hex), *ParsePath(path), absl::FromUnixSeconds(kNow));
}
std::string Hex(uint32_t format, const std::vector<v1::Node>& nodes, absl::string_view path) {
  const absl::StatusOr<std::string> payload = Encode(format, nodes, *ParsePath(path));
  return payload.ok() ? absl::BytesToHexString(*payload) : std::string(payload.status().message());
}

// ---- SenML CBOR ----------------------------------------------------------------------------------------------------

TEST(SenMlCborTest, EveryTypeOfValue) {
  EXPECT_NODES(DecodeHex(kSenMlCbor,
                         "86"
                         "a321652f332f302f006130036441636d65"  // bn, n, vs
                         "a2006139021850"                      // v
                         "a20062313002f93e00"                  // v, half
                         "a2006432322f3063766c6f63333a31"      // vlo
                         "a200613604f5"                        // vb
                         "a20061370842fbff"),                  // vd
               "/3/0/0='Acme'", "/3/0/9=80", "/3/0/10=f1.5", "/3/0/22/0=3:1", "/3/0/6=true", "/3/0/7=opaque:fbff");
}

// Field case "SenML numbers in the other shape".
TEST(SenMlCborTest, NumbersInTheOtherShape) {
  const std::string battery = "81a200662f332f302f3902";
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "1850"), "/3/0/9=80");
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "fb4054000000000000"), "/3/0/9=80");
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "f95500"), "/3/0/9=80");
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "fb4054200000000000"), "/3/0/9=f80.5");
  EXPECT_NODES(DecodeHex(kSenMlCbor, "81a2006c2f333330332f302f353730300215"), "/3303/0/5700=21");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "f97e00"), "not finite");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "f97c00"), "not finite");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "3bffffffffffffffff"), "more than 64 bits");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "623830"), "v is not a number");
}

// Field case "time in every shape": 2023-11-28 12:00 UTC.
TEST(SenMlCborTest, TimeAsANumberATagOrText) {
  const std::string time = "81a200672f332f302f3133";
  EXPECT_NODES(DecodeHex(kSenMlCbor, time + "021a6565d640"), "/3/0/13=1701172800");
  EXPECT_NODES(DecodeHex(kSenMlCbor, time + "02c11a6565d640"), "/3/0/13=time:1701172800");
  for (const char* label : {"02", "03"}) {
    EXPECT_NODES(DecodeHex(kSenMlCbor, time + label + "c074323032332d31312d32385431323a30303a30305a"),
                 "/3/0/13=time:1701172800");
    EXPECT_NODES(DecodeHex(kSenMlCbor, time + label + "c07819323032332d31312d32385432313a30303a30302b30393a3030"),
                 "/3/0/13=time:1701172800");
  }
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, time + "02c06161"), "RFC 3339");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, time + "02c11b00038d7ea4c68000"), "years 1 to 9999");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, time + "02c11bffffffffffffffff"), "years 1 to 9999");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, time + "02c1fb7e37e43c8800759c"), "not in seconds");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, time + "02c1f97e00"), "not finite");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, time + "02c16161"), "not a number");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, time + "03c06f696e66696e6974652d667574757265"), "RFC 3339");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, time + "02c21a6565d640"), "tag 2");
}

// Of when a value was measured, label 6.
TEST(SenMlCborTest, TimesOfRecordsAreNumbers) {
  const std::string record = "81a300662f332f302f3902185006";
  EXPECT_NODES(DecodeHex(kSenMlCbor, record + "1a6565d640"), "/3/0/9=80@1701172800");
  EXPECT_NODES(DecodeHex(kSenMlCbor, record + "c11a6565d640"), "/3/0/9=80@1701172800");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, record + "c074323032332d31312d32385431323a30303a30305a"), "a time with tag 0");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, record + "1bffffffffffffffff"), "years 1 to 9999");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, record + "6161"), "a time that is not a number");
}

// A double holds what somebody wrote as a decimal, and some octets of noise behind it.
TEST(SenMlCborTest, FractionsOfSecondsAreTheDecimalOnesThatWereMeant) {
  const std::string record = "81a300662f332f302f3902185006";
  EXPECT_NODES(DecodeHex(kSenMlCbor, record + "fb41d959759007e6b4"), "/3/0/9=80@1701172800+123456000");
  EXPECT_NODES(DecodeHex(kSenMlCbor, record + "fbbfe0000000000000"), "/3/0/9=80@1699999999+500000000");  // -0.5 of now
}

// RFC 8428 6: exponent and mantissa.
TEST(SenMlCborTest, NumbersMayBeDecimalFractions) {
  const std::string battery = "81a200662f332f302f3902";
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "c48220190325"), "/3/0/9=f80.5");
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "c482203901f3"), "/3/0/9=-50");
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "c4820108"), "/3/0/9=80");
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "c48239018f01"), "/3/0/9=0");  // 1e-400
  EXPECT_NODES(DecodeHex(kSenMlCbor, "81a300662f332f302f3902185006c482201b00000003f5fa5e85"),
               "/3/0/9=80@1701172800+500000000");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "c48219019001"), "too large");  // 1e400
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "c4821b7fffffffffffffff01"), "too large");
  EXPECT_NODES(DecodeHex(kSenMlCbor, battery + "c4823b7fffffffffffffff01"), "/3/0/9=0");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "c4821bffffffffffffffff01"), "decimal fraction");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "c48101"), "decimal fraction");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "c482016131"), "decimal fraction");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, battery + "c401"), "decimal fraction");
}

TEST(SenMlCborTest, OfSeveralRecordsTheLatestCounts) {
  // 80 now, 82 a minute before
  EXPECT_NODES(DecodeHex(kSenMlCbor, "82a200662f332f302f39021850a300662f332f302f3906383b021852"), "/3/0/9=80");
}

TEST(SenMlCborTest, WhatItIsNotIsRefused) {
  EXPECT_NODES(DecodeHex(kSenMlCbor, "81a300662f332f302f390218501903e700"), "/3/0/9=80");  // an unknown label
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "a0"), "expected a list");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "8101"), "record 1: expected a map");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "81a200662f332f302f39"), "cut short");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "81a100662f332f302f39"), "no value");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "81a300662f332f302f3902185004f5"), "more than one value");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "81a300662f332f302f39021850021851"), "twice");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "81a2000061021850"), "n is not text");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "81a300662f332f302f39021850240a"), "base value");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "81a300662f332f302f3902185062785f01"), "has to be understood");
  EXPECT_REFUSED(DecodeHex(kSenMlCbor, "81a200662f332f302f39021850", "/4"), "does not belong to /4");
}

TEST(SenMlCborTest, Encoded) {
  EXPECT_EQ(Hex(kSenMlCbor, {IntegerNode("/3/0/9", 80), TextNode("/3/0/0", "Acme")}, "/3/0"),
            "82a321652f332f302f006130036441636d65a2006139021850");
  EXPECT_EQ(Hex(kSenMlCbor, {ObjectLinkNode("/3/0/22/0", 3, 1)}, "/3/0"),
            "81a321652f332f302f006432322f3063766c6f63333a31");
  EXPECT_EQ(Hex(kSenMlCbor, {TimeNode("/3/0/13", 1701172800)}, "/3/0"), "81a321652f332f302f00623133021a6565d640");
  EXPECT_NODES(DecodeHex(kSenMlCbor, "80"));
}

// ---- CBOR ----------------------------------------------------------------------------------------------------------

TEST(PlainCborTest, OneValue) {
  EXPECT_NODES(DecodeHex(kCbor, "1850", "/3/0/9"), "/3/0/9=80");
  EXPECT_NODES(DecodeHex(kCbor, "6441636d65", "/3/0/0"), "/3/0/0='Acme'");
  EXPECT_NODES(DecodeHex(kCbor, "c11a6565d640", "/3/0/13"), "/3/0/13=time:1701172800");
  EXPECT_EQ(Hex(kCbor, {TimeNode("/3/0/13", 1701172800)}, "/3/0/13"), "c11a6565d640");
  EXPECT_EQ(Hex(kCbor, {FloatNode("/3303/0/5700", 21.5)}, "/3303/0/5700"), "fa41ac0000");
}

TEST(PlainCborTest, NothingElse) {
  EXPECT_REFUSED(DecodeHex(kCbor, "1850", "/3/0"), "is no resource");
  EXPECT_REFUSED(DecodeHex(kCbor, "8101", "/3/0/9"), "a list");
  EXPECT_REFUSED(DecodeHex(kCbor, "a0", "/3/0/9"), "a map");
  EXPECT_REFUSED(DecodeHex(kCbor, "f6", "/3/0/9"), "null");
  EXPECT_REFUSED(DecodeHex(kCbor, "185000", "/3/0/9"), "something follows");
  EXPECT_EQ(Hex(kCbor, {IntegerNode("/3/0/9", 1), IntegerNode("/3/0/10", 1)}, "/3/0"),
            "CBOR: it carries exactly one value, at /3/0 itself");
}

// ---- LwM2M CBOR ----------------------------------------------------------------------------------------------------

TEST(Lwm2mCborTest, MapsInMapsAndListsOfLevels) {
  EXPECT_NODES(DecodeHex(kLwm2mCbor, "a103a100a2006441636d65091850"), "/3/0/0='Acme'", "/3/0/9=80");
  EXPECT_NODES(DecodeHex(kLwm2mCbor, "a1820300a209185007a200190ed801191388"), "/3/0/9=80", "/3/0/7/0=3800",
               "/3/0/7/1=5000");
  EXPECT_NODES(DecodeHex(kLwm2mCbor, "a1830300091850"), "/3/0/9=80");
  EXPECT_THAT(*DecodeHex(kLwm2mCbor, "a0"), IsEmpty());
  EXPECT_EQ(
      Hex(kLwm2mCbor, {IntegerNode("/3/0/9", 80), TextNode("/3/0/0", "Acme"), IntegerNode("/3/0/7/1", 5)}, "/3/0"),
      "a103a100a3006441636d6507a10105091850");
}

TEST(Lwm2mCborTest, TimeIsTagged) {
  EXPECT_EQ(Hex(kLwm2mCbor, {TimeNode("/3/0/13", 1701172800)}, "/3/0"), "a103a100a10dc11a6565d640");
  EXPECT_NODES(DecodeHex(kLwm2mCbor, "a103a100a10dc11a6565d640"), "/3/0/13=time:1701172800");
}

TEST(Lwm2mCborTest, WhatItIsNotIsRefused) {
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "1850"), "expected a map");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a103a1001850"), "/3/0: a value where a map is due");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a16133a0"), "a key");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a11a00010000a0"), "a key");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a180a0"), "a key");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a184810300090a01"), "list of lists");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a1850300090a0b01"), "more than four levels");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a1840300090aa0"), "a resource instance that is a map");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a103a100a2091850091851"), "twice");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a2830300091850840300090001"), "/3/0/9: has a value and instances");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a2840300090001830300091850"), "/3/0/9: has a value and instances");
  EXPECT_REFUSED(DecodeHex(kLwm2mCbor, "a1830300098101"), "/3/0/9: a list");
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
