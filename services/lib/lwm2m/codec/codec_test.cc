// What all formats have in common, and that they agree.
#include "services/lib/lwm2m/codec/codec.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/node_text.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::lwm2m::codec {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::ElementsAreArray;
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

// Types by resource number, as an object definition would give them.
ResourceType TypeOf(const v1::Path& path) { return static_cast<ResourceType>(path.resource_id() % 9); }

std::vector<v1::Node> RandomNodes(std::mt19937_64* random) {
  const auto below = [random](uint64_t limit) { return (*random)() % limit; };
  std::vector<v1::Node> nodes;
  for (uint64_t instance = 0; instance < 3; ++instance) {
    uint32_t resource = static_cast<uint32_t>(below(3));
    for (uint64_t i = below(6); i > 0; --i, resource += static_cast<uint32_t>(1 + below(500))) {
      const bool multiple = below(4) == 0;
      const uint64_t count = multiple ? 1 + below(3) : 1;
      for (uint64_t k = 0; k < count; ++k) {
        std::string path = absl::StrCat("/3303/", instance * 300, "/", resource);
        if (multiple) absl::StrAppend(&path, "/", k * 200);
        std::string octets;
        for (uint64_t n = below(2) == 0 ? below(8) : below(400); n > 0; --n)
          octets.push_back(static_cast<char>(below(256)));
        const std::string text = absl::StrCat("text \xC3\xA4\"\\\n ", octets.size());
        const uint64_t bits = (*random)() >> below(64);
        switch (TypeOf(*ParsePath(path))) {
          case ResourceType::kString:
            nodes.push_back(TextNode(path, text));
            break;
          case ResourceType::kInteger:
            nodes.push_back(IntegerNode(path, static_cast<int64_t>(bits)));
            break;
          case ResourceType::kUnsignedInteger:
            nodes.push_back(bits >> 63 != 0 ? UnsignedNode(path, bits) : IntegerNode(path, static_cast<int64_t>(bits)));
            break;
          case ResourceType::kFloat:
            nodes.push_back(FloatNode(path, std::ldexp(static_cast<double>(bits), -static_cast<int>(below(100)))));
            break;
          case ResourceType::kBoolean:
            nodes.push_back(BooleanNode(path, below(2) == 0));
            break;
          case ResourceType::kOpaque:
            nodes.push_back(OpaqueNode(path, octets));
            break;
          case ResourceType::kTime:
            nodes.push_back(TimeNode(path, static_cast<int64_t>(below(253402300799))));
            break;
          case ResourceType::kObjectLink:
            nodes.push_back(
                ObjectLinkNode(path, static_cast<uint32_t>(below(65536)), static_cast<uint32_t>(below(65536))));
            break;
          case ResourceType::kCoreLink:
            nodes.push_back(CoreLinkNode(path, "</3/0>;ver=1.1"));
            break;
          case ResourceType::kNone:
            break;
        }
      }
    }
  }
  return nodes;
}

std::vector<std::string> Typed(std::vector<v1::Node> nodes) {
  for (v1::Node& node : nodes) {
    const absl::StatusOr<v1::Value> value = TypeValue(node.value(), TypeOf(node.path()));
    EXPECT_THAT(value, IsOk());
    if (value.ok()) *node.mutable_value() = *value;
  }
  return NodeTexts(nodes);
}

TEST(CodecTest, FormatsOfManyValuesCarryTheSameNodes) {
  std::mt19937_64 random(20240229);
  for (int round = 0; round < 300; ++round) {
    const std::vector<v1::Node> nodes = RandomNodes(&random);
    for (const uint32_t format : kOfManyValues) {
      const absl::StatusOr<std::string> payload = Encode(format, nodes, MakePath(3303));
      ASSERT_THAT(payload, IsOk());
      const absl::StatusOr<std::vector<v1::Node>> decoded = Decode(format, *payload, MakePath(3303), kNow);
      ASSERT_THAT(decoded, IsOk());
      ASSERT_THAT(Typed(*decoded), ElementsAreArray(NodeTexts(nodes))) << FormatName(format);
    }
  }
}

TEST(CodecTest, EveryFormatCarriesASingleValue) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 100; ++round) {
    for (const v1::Node& node : RandomNodes(&random)) {
      for (const uint32_t format : {kTlv, kSenMlJson, kSenMlCbor, kLwm2mJson, kLwm2mCbor, kCbor, kText}) {
        const absl::StatusOr<std::string> payload = Encode(format, {node}, node.path());
        ASSERT_THAT(payload, IsOk());
        if (payload->empty()) continue;  // empty text is the same as nothing
        const absl::StatusOr<std::vector<v1::Node>> decoded = Decode(format, *payload, node.path(), kNow);
        ASSERT_THAT(decoded, IsOk());
        ASSERT_THAT(Typed(*decoded), ElementsAreArray(NodeTexts({node}))) << FormatName(format);
      }
    }
  }
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
