#include "services/lib/lwm2m/codec/senml_names.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/node_text.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::lwm2m::codec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

std::vector<std::string> Texts(const absl::StatusOr<std::vector<v1::Path>>& paths) {
  if (!paths.ok()) return {std::string(paths.status().message())};
  std::vector<std::string> texts;
  for (const v1::Path& path : *paths) texts.push_back(PathToString(path));
  return texts;
}

TEST(SenMlNamesTest, BothFormatsOfEachLevelThereAndBack) {
  const std::vector<v1::Path> paths = {MakePath(1), MakePath(3, 0), MakePath(3, 0, 9), MakePath(3, 0, 7, 1)};
  EXPECT_EQ(*EncodePaths(kSenMlJson, paths), R"([{"n":"/1"},{"n":"/3/0"},{"n":"/3/0/9"},{"n":"/3/0/7/1"}])");
  EXPECT_EQ(absl::BytesToHexString(*EncodePaths(kSenMlCbor, {MakePath(3, 0, 9)})), "81a100662f332f302f39");
  for (const uint32_t format : {kSenMlJson, kSenMlCbor}) {
    for (const absl::string_view root : {"", "/lwm2m", "/a/b"}) {
      const auto payload = EncodePaths(format, paths, root);
      EXPECT_THAT(Texts(DecodePaths(format, *payload, root)), ElementsAre("/1", "/3/0", "/3/0/9", "/3/0/7/1"));
    }
  }
  EXPECT_EQ(*EncodePaths(kSenMlJson, {v1::Path(), MakePath(3)}, "/x"), R"([{"n":"/x"},{"n":"/x/3"}])");
  EXPECT_EQ(EncodePaths(kTlv, paths).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(DecodePaths(kTlv, "", "").status().code(), absl::StatusCode::kUnimplemented);
}

TEST(SenMlNamesTest, BaseNamesAndValuesThatNobodyAskedFor) {
  EXPECT_THAT(Texts(DecodePaths(kSenMlJson, R"([{"bn":"/3/0/","n":"9","v":1},{"n":"13"},{"bn":"/4/0"}])")),
              ElementsAre("/3/0/9", "/3/0/13", "/4/0"));
  EXPECT_THAT(Texts(DecodePaths(kSenMlJson, "[]")), ElementsAre());
}

TEST(SenMlNamesTest, WhatIsNoListOfPathsIsRefused) {
  for (const char* payload : {"", "{}", "[1]", R"([{"n":1}])", R"([{"n":"x"}])", R"([{"v":1}])", R"([{"n":"/3"}] x)",
                              R"([{"n":"/3","n":"/4"}])", R"([{"n":"/3/0/9/0/1"}])", "[", R"([{"n":"/99999"}])"}) {
    EXPECT_EQ(DecodePaths(kSenMlJson, payload).status().code(), absl::StatusCode::kInvalidArgument) << payload;
  }
  for (const char* hex : {"", "a0", "8101", "81a10001", "81a1006178", "81a10201", "81a2006233310062"}) {
    EXPECT_EQ(DecodePaths(kSenMlCbor, absl::HexStringToBytes(hex)).status().code(), absl::StatusCode::kInvalidArgument)
        << hex;
  }
  const std::string deep = std::string(100000, '[');
  EXPECT_EQ(DecodePaths(kSenMlJson, deep).status().code(), absl::StatusCode::kInvalidArgument);
}

// The alternate root stands before each name, as LwM2M 1.2 made clear; many devices leave it out.
TEST(SenMlNamesTest, ValuesBelowAnAlternateRootComeWithItAndWithout) {
  for (const char* payload : {R"([{"n":"/lwm2m/3/0/9","v":80},{"n":"/lwm2m/3/0/20","v":0}])",
                              R"([{"bn":"/lwm2m/3/0/","n":"9","v":80},{"n":"20","v":0}])",
                              R"([{"bn":"/lwm2m","n":"/3/0/9","v":80},{"n":"/3/0/20","v":0}])",
                              R"([{"n":"/3/0/9","v":80},{"n":"/lwm2m/3/0/20","v":0}])"}) {
    const auto nodes = Decode(kSenMlJson, payload, MakePath(3, 0), kNow, "/lwm2m");
    EXPECT_THAT(NodeTexts(nodes.value()), ElementsAre("/3/0/9=80", "/3/0/20=0")) << payload;
  }
  // One value, whether it came with the root or without.
  const auto one =
      Decode(kSenMlJson, R"([{"n":"/lwm2m/3/0/9","v":80},{"n":"/3/0/9","v":81}])", MakePath(3, 0), kNow, "/lwm2m");
  EXPECT_THAT(NodeTexts(one.value()), ElementsAre("/3/0/9=81"));
  EXPECT_THAT(Decode(kSenMlJson, R"([{"n":"/lwm2m/3/0/9","v":80}])", MakePath(3, 0), kNow).status().message(),
              HasSubstr("not the path"));
  for (const char* name : {"/lwm2mx/3/0/9", "/other/3/0/9", "/lwm2m/lwm2m/3/0/9", "lwm2m/3/0/9"}) {
    const std::string payload = std::string(R"([{"n":")") + name + R"(","v":80}])";
    EXPECT_FALSE(Decode(kSenMlJson, payload, MakePath(3, 0), kNow, "/lwm2m").ok()) << name;
  }
}

TEST(SenMlNamesTest, ARootThatLooksLikeAnObject) {
  EXPECT_THAT(NodeTexts(Decode(kSenMlJson, R"([{"n":"/3/3/0/9","v":1}])", MakePath(3, 0), kNow, "/3").value()),
              ElementsAre("/3/0/9=1"));
  EXPECT_THAT(NodeTexts(Decode(kSenMlJson, R"([{"n":"/3/0/9","v":1}])", MakePath(3, 0), kNow, "/3").value()),
              ElementsAre("/3/0/9=1"));
}

TEST(SenMlNamesTest, ValuesForADeviceWithAnAlternateRootGoWithIt) {
  const std::vector<v1::Node> nodes = {
      IntegerNode("/1/0/1", 60),
      TextNode("/3/0/14", "+01"),
  };
  EXPECT_EQ(*Encode(kSenMlJson, nodes, v1::Path(), "/lwm2m"),
            R"([{"bn":"/lwm2m/1/0/","n":"1","v":60},{"bn":"/lwm2m/3/0/","n":"14","vs":"+01"}])");
  for (const uint32_t format : {kSenMlJson, kSenMlCbor}) {
    const auto payload = Encode(format, nodes, v1::Path(), "/lwm2m");
    EXPECT_THAT(NodeTexts(Decode(format, *payload, v1::Path(), kNow, "/lwm2m").value()),
                ElementsAre("/1/0/1=60", "/3/0/14='+01'"));
  }
  EXPECT_EQ(*Encode(kTlv, {nodes[0]}, MakePath(1, 0, 1), "/lwm2m"), *Encode(kTlv, {nodes[0]}, MakePath(1, 0, 1)));
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
