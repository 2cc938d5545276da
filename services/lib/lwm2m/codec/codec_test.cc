// What all formats have in common; equivalence_test.cc shows that they agree.
#include "services/lib/lwm2m/codec/codec.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/node_text.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::lwm2m::codec {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);
constexpr uint32_t kOurs[] = {kText, kOpaque, kCbor, kSenMlJson, kSenMlCbor, kTlv, kLwm2mJson, kLwm2mCbor};
constexpr uint32_t kOfManyValues[] = {kTlv, kSenMlJson, kSenMlCbor, kLwm2mJson, kLwm2mCbor};

TEST(CodecTest, FormatsHaveNames) {
  EXPECT_EQ(FormatName(kTlv), "TLV");
  EXPECT_EQ(FormatName(kSenMlJson), "SenML JSON");
  EXPECT_EQ(FormatName(kText), "text");
  EXPECT_EQ(FormatName(65000), "65000");
}

TEST(CodecTest, AnUnknownFormatIsUnimplemented) {
  for (const uint32_t format : {65000u, kLinkFormat, 1542u}) {
    EXPECT_FALSE(CanDecode(format));
    EXPECT_FALSE(CanEncode(format));
    EXPECT_THAT(Decode(format, "x", MakePath(3), kNow), StatusIs(absl::StatusCode::kUnimplemented));
    EXPECT_THAT(Encode(format, {}, MakePath(3)), StatusIs(absl::StatusCode::kUnimplemented));
  }
}

// Field case "2.05 with nothing in it".
TEST(CodecTest, EmptyMeansEmptyInEveryFormat) {
  for (const uint32_t format : kOurs) {
    EXPECT_TRUE(CanDecode(format) && CanEncode(format));
    for (const char* path : {"/", "/7", "/7/0", "/4/0/4", "/4/0/4/0"}) {
      const auto nodes = Decode(format, "", *ParsePath(path), kNow);
      ASSERT_THAT(nodes, IsOk()) << FormatName(format) << " " << path;
      EXPECT_THAT(*nodes, IsEmpty());
    }
  }
}

TEST(CodecTest, WhatNoFormatCanCarryIsRefused) {
  const v1::Path path = MakePath(3, 0);
  const auto refused = [](absl::string_view why) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(std::string(why)));
  };
  for (const uint32_t format : kOfManyValues) {
    const auto encode = [&](const v1::Node& node) { return Encode(format, {node}, path); };
    EXPECT_THAT(encode(IntegerNode("/3/1/9", 80)), refused("does not lie in /3/0"));
    EXPECT_THAT(encode(IntegerNode("/3/0", 80)), refused("neither a resource"));
    EXPECT_THAT(encode(MakeNode("/3/0/9", [](v1::Value*) {})), refused("missing"));
    EXPECT_THAT(encode(MakeNode("/3/0/9", [](v1::Value* value) { value->mutable_raw()->set_octets("P"); })),
                refused("raw"));
    EXPECT_THAT(encode(FloatNode("/3/0/9", std::nan(""))), refused("finite"));
    EXPECT_THAT(encode(FloatNode("/3/0/9", std::numeric_limits<double>::infinity())), refused("finite"));
    EXPECT_THAT(encode(ObjectLinkNode("/3/0/22/0", 65536, 0)), refused("65535"));
    v1::Node far = IntegerNode("/3/0/9", 80);
    far.mutable_path()->set_resource_id(70000);
    EXPECT_THAT(encode(far), refused("65535"));
    EXPECT_THAT(Encode(format, {IntegerNode("/3/0/9", 80), IntegerNode("/3/0/9", 81)}, path), refused("twice"));
    EXPECT_THAT(Encode(format, {IntegerNode("/3/0/6", 80), IntegerNode("/3/0/6/0", 81)}, path),
                refused("a value of its own"));
  }
  v1::Node timed = IntegerNode("/3/0/9", 80);
  timed.mutable_time()->set_seconds(1701172800);
  for (const uint32_t format : {kTlv, kLwm2mCbor}) EXPECT_THAT(Encode(format, {timed}, path), refused("time"));
  for (const uint32_t format : {kSenMlJson, kSenMlCbor, kLwm2mJson}) {
    const auto payload = Encode(format, {timed}, path);
    ASSERT_THAT(payload, IsOk());
    const auto decoded = Decode(format, *payload, path, kNow);
    ASSERT_THAT(decoded, IsOk());
    EXPECT_EQ((*decoded)[0].time().seconds(), 1701172800) << FormatName(format);
  }
  timed.mutable_time()->set_nanos(500000000);
  for (const uint32_t format : {kSenMlJson, kSenMlCbor, kLwm2mJson}) {
    const auto decoded = Decode(format, *Encode(format, {timed}, path), path, kNow);
    ASSERT_THAT(decoded, IsOk());
    EXPECT_EQ((*decoded)[0].time().nanos(), 500000000) << FormatName(format);
  }
  timed.mutable_time()->set_seconds(1000);
  for (const uint32_t format : {kSenMlJson, kSenMlCbor, kLwm2mJson}) {
    EXPECT_THAT(Encode(format, {timed}, path), refused("too early to be an absolute one"));
  }
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
