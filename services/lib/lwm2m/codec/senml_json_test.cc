#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
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

constexpr int64_t kNow = 1700000000;

absl::StatusOr<std::vector<v1::Node>> DecodeJson(absl::string_view json, absl::string_view path = "/3/0") {
  return Decode(kSenMlJson, json, *ParsePath(path), absl::FromUnixSeconds(kNow));
}
std::string Encoded(const std::vector<v1::Node>& nodes, absl::string_view path) {
  const absl::StatusOr<std::string> payload = Encode(kSenMlJson, nodes, *ParsePath(path));
  return payload.ok() ? *payload : std::string(payload.status().message());
}

#define EXPECT_NODES(json, ...)                               \
  do {                                                        \
    const auto nodes = DecodeJson(json, "/");                 \
    ASSERT_THAT(nodes, IsOk());                               \
    EXPECT_THAT(NodeTexts(*nodes), ElementsAre(__VA_ARGS__)); \
  } while (false)
#define EXPECT_REFUSED(json, why) \
  EXPECT_THAT(DecodeJson(json, "/"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)))

TEST(SenMlJsonDecodeTest, EveryTypeOfValue) {
  EXPECT_NODES(
      R"([{"bn":"/3/0/","n":"0","vs":"Acme"},{"n":"9","v":80},{"n":"10","v":1.5},{"n":"22/0","vlo":"3:1"},
          {"bn":"/5/0/","n":"0","vd":"-_8"},{"bn":"/1/0/6","vb":true},{"bn":"/1/0/","n":"7","vs":""}])",
      "/3/0/0='Acme'", "/3/0/9=80", "/3/0/10=f1.5", "/3/0/22/0=3:1", "/5/0/0=opaque:fbff", "/1/0/6=true", "/1/0/7=''");
}

TEST(SenMlJsonDecodeTest, TheBaseNameIsAPrefixWhereverItEnds) {
  EXPECT_NODES(R"([{"bn":"/3/0","n":"/9","v":1},{"n":"/10","v":2}])", "/3/0/9=1", "/3/0/10=2");
  EXPECT_NODES(R"([{"bn":"/3/0/9","v":1}])", "/3/0/9=1");
  EXPECT_NODES(R"([{"n":"/3/0/9","v":1}])", "/3/0/9=1");
  EXPECT_NODES(R"([{"bn":"/3/0/9/","v":1}])", "/3/0/9=1");
  EXPECT_NODES(R"([{"bn":"/"},{"n":"3/0/9","v":1}])", "/3/0/9=1");
}

TEST(SenMlJsonDecodeTest, NamesThatAreNoResourceAreRefused) {
  EXPECT_REFUSED(R"([{"n":"9","v":1}])", "record 1: the name '9'");
  EXPECT_REFUSED(R"([{"bn":"/3/0/","v":1}])", "not the path of a resource");
  EXPECT_REFUSED(R"([{"bn":"/3/0","n":"9","v":1}])", "not the path");
  EXPECT_REFUSED(R"([{"bn":"/3/0/9/1/2","v":1}])", "not the path");
  EXPECT_REFUSED(R"([{"bn":"urn:dev:ow:10e2073a01080063","n":"/3/0/9","v":1}])", "longer than any path");
}

TEST(SenMlJsonDecodeTest, ValuesOutsideOfThePathAreRefused) {
  EXPECT_THAT(DecodeJson(R"([{"n":"/3/0/9","v":1}])", "/3/0/9"), IsOk());
  EXPECT_THAT(DecodeJson(R"([{"n":"/3/0/10","v":1}])", "/3/0/9"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/3/0/10 does not belong to /3/0/9")));
}

// Field case "SenML numbers in the other shape".
TEST(SenMlJsonDecodeTest, IntegralDoublesAreIntegers) {
  EXPECT_NODES(R"([{"bn":"/3/0/","n":"9","v":80.0},{"n":"13","v":1.7011728e9},{"n":"10","v":1.5}])", "/3/0/9=80",
               "/3/0/13=1701172800", "/3/0/10=f1.5");
  EXPECT_NODES(R"([{"n":"/3/0/9","v":18446744073709551615}])", "/3/0/9=u18446744073709551615");
  EXPECT_NODES(R"([{"n":"/3/0/9","v":-9223372036854775808}])", "/3/0/9=-9223372036854775808");
}

TEST(SenMlJsonDecodeTest, WhatIsNoNumberIsRefused) {
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":NaN}])", "octet");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":Infinity}])", "octet");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":1e400}])", "too ");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":0.-5}])", "octet");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":"80"}])", "the value of v is text");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":null}])", "null");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":[80]}])", "the value of v is a list");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","vb":1}])", "the value of vb is a number");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","vs":true}])", "the value of vs is true or false");
}

// Field case "time in every shape".
TEST(SenMlJsonDecodeTest, TheLatestRecordWins) {
  EXPECT_NODES(R"([{"n":"/3/0/9","t":-30,"v":80}])", absl::StrCat("/3/0/9=80@", kNow - 30));
  EXPECT_NODES(R"([{"bn":"/3/0/9","bt":1701172800,"v":80},{"t":-60,"v":82}])", "/3/0/9=80@1701172800");
  EXPECT_NODES(R"([{"bn":"/3/0/9","bt":1701172800,"t":-60,"v":82},{"v":80}])", "/3/0/9=80@1701172800");
  EXPECT_NODES(R"([{"n":"/3/0/9","v":80},{"n":"/3/0/9","t":-5,"v":82}])", "/3/0/9=80");
  EXPECT_NODES(R"([{"n":"/3/0/9","t":-5,"v":82},{"n":"/3/0/9","v":80}])", "/3/0/9=80");
  EXPECT_NODES(R"([{"n":"/3/0/9","v":81},{"n":"/3/0/9","v":80}])", "/3/0/9=80");
}

TEST(SenMlJsonDecodeTest, ATimeIsItsRecordsOnly) {
  EXPECT_NODES(R"([{"bn":"/3/0/","n":"9","t":1701172800.123456789,"v":80},{"n":"20","v":0}])",
               "/3/0/9=80@1701172800+123456789", "/3/0/20=0");
  EXPECT_NODES(R"([{"n":"/3/0/9","t":0,"v":80}])", "/3/0/9=80");
  EXPECT_NODES(R"([{"n":"/3/0/9","t":-0.5,"v":80}])", absl::StrCat("/3/0/9=80@", kNow - 1, "+500000000"));
  EXPECT_NODES(R"([{"n":"/3/0/9","t":1.7011728e9,"v":80}])", "/3/0/9=80@1701172800");
  EXPECT_NODES(R"([{"bt":1701172800},{"n":"/3/0/9","v":80}])", "/3/0/9=80@1701172800");
}

TEST(SenMlJsonDecodeTest, TimesThatNobodyCanMeanAreRefused) {
  EXPECT_REFUSED(R"([{"n":"/3/0/9","t":1701172800000,"v":80}])", "seconds");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","bt":900000000000,"v":80}])", "years 1 to 9999");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","t":-900000000000,"v":80}])", "years 1 to 9999");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","t":1e300,"v":80}])", "seconds");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","t":"now","v":80}])", "the value of t is text");
}

TEST(SenMlJsonDecodeTest, EmptyMeansEmpty) {
  EXPECT_THAT(NodeTexts(*DecodeJson("[]", "/7")), IsEmpty());
  EXPECT_THAT(NodeTexts(*DecodeJson("", "/7")), IsEmpty());
  EXPECT_THAT(NodeTexts(*DecodeJson(R"([{"bn":"/7/0/"}])", "/7")), IsEmpty());
}

TEST(SenMlJsonDecodeTest, WhatIsNotKnownIsIgnoredUnlessItMustNotBe) {
  EXPECT_NODES(R"([{"bn":"/3/0/","bver":10,"bu":"%","n":"9","u":"%","v":80,"x":{"y":[1,{"z":null}]},"s":1}])",
               "/3/0/9=80");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":80,"x_":1}])", "has to be understood");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":80,"bv":1}])", "bv");
  EXPECT_REFUSED(R"([{"bver":11,"n":"/3/0/9","v":80}])", "version");
}

TEST(SenMlJsonDecodeTest, RecordsThatContradictThemselvesAreRefused) {
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":80,"vs":"80"}])", "more than one value");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":80,"vb":true}])", "more than one value");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","v":80,"v":81}])", "v occurs twice");
  EXPECT_REFUSED(R"([{"n":"/3/0/9","n":"/3/0/10","v":81}])", "n occurs twice");
  EXPECT_REFUSED(R"([{"n":"/3/0/9"}])", "no value");
  EXPECT_REFUSED(R"([{}])", "no value");
  EXPECT_REFUSED(R"([{"n":"/3/0/0","vd":"not base64!"}])", "base64");
  EXPECT_REFUSED(R"([{"n":"/3/0/22","vlo":"3"}])", "object link");
}

TEST(SenMlJsonDecodeTest, WhatIsNoListOfRecordsIsRefused) {
  for (const char* json : {"{", "[", "]", "{}", "[[]]", "[1]", "\"x\"", "7", "null", "[{\"n\":\"/3/0/9\",\"v\":1}",
                           "[{]", "[{}}", "[] []", "[],", " ", "[{\"n\" \"/3/0/9\"}]", "[\"x\"]", "[null]", "[true]"}) {
    EXPECT_THAT(DecodeJson(json, "/"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("octet"))) << json;
  }
  EXPECT_REFUSED(absl::string_view("[]\0[]", 5), "octet 2: something follows");
  EXPECT_REFUSED("[{\"n\":\"/3/0/0\",\"vs\":\"\xFF\"}]", "octet");
  EXPECT_REFUSED(R"([{"n":"/3/0/0","vs":"\ud800"}])", "octet");
}

TEST(SenMlJsonDecodeTest, AByteOrderMarkAndBlanksAreTaken) {
  EXPECT_NODES("\xEF\xBB\xBF [ {\"n\" : \"/3/0/9\" , \"v\" : 80 } ] \r\n", "/3/0/9=80");
}

TEST(SenMlJsonDecodeTest, DepthIsBounded) {
  const std::string deep(200000, '[');
  EXPECT_REFUSED(deep, "octet");
  EXPECT_REFUSED(absl::StrCat(R"([{"x":)", deep), "nested deeper");
  std::string objects = R"([{"x":)";
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&objects, R"({"a":)");
  EXPECT_REFUSED(objects, "nested deeper");
}

TEST(SenMlJsonDecodeTest, ALongBaseNameIsNotCopiedToEachRecord) {
  std::string json = absl::StrCat(R"([{"bn":")", std::string(1000000, 'x'), "\"}");
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&json, R"(,{"v":1})");
  EXPECT_REFUSED(json + "]", "longer than any path");
}

TEST(SenMlJsonEncodeTest, TheBaseNameIsTheInstance) {
  EXPECT_EQ(Encoded({TextNode("/3/0/0", "Ac\"me"), IntegerNode("/3/0/9", 80), IntegerNode("/3/0/6/1", 5)}, "/3/0"),
            R"([{"bn":"/3/0/","n":"0","vs":"Ac\"me"},{"n":"6/1","v":5},{"n":"9","v":80}])");
  EXPECT_EQ(Encoded({BooleanNode("/1/0/6", false), FloatNode("/3303/1/5700", -0.5)}, "/"),
            R"([{"bn":"/1/0/","n":"6","vb":false},{"bn":"/3303/1/","n":"5700","v":-0.5}])");
  EXPECT_EQ(Encoded({OpaqueNode("/5/0/0", "\xFB\xFF")}, "/5/0/0"), R"([{"bn":"/5/0/","n":"0","vd":"-_8"}])");
  EXPECT_EQ(Encoded({ObjectLinkNode("/3/0/22/0", 3, 1)}, "/3/0/22"), R"([{"bn":"/3/0/","n":"22/0","vlo":"3:1"}])");
  EXPECT_EQ(Encoded({UnsignedNode("/5/0/13", std::numeric_limits<uint64_t>::max())}, "/5/0"),
            R"([{"bn":"/5/0/","n":"13","v":18446744073709551615}])");
  EXPECT_EQ(Encoded({}, "/7"), "[]");
}

TEST(SenMlJsonEncodeTest, TimesAreKept) {
  v1::Node node = IntegerNode("/3/0/9", 80);
  node.mutable_time()->set_seconds(1701172800);
  node.mutable_time()->set_nanos(120000000);
  const std::string json = Encoded({node}, "/3/0");
  EXPECT_EQ(json, R"([{"bn":"/3/0/","n":"9","t":1701172800.12,"v":80}])");
  EXPECT_NODES(json, "/3/0/9=80@1701172800+120000000");
  node.mutable_time()->set_seconds(1000);
  EXPECT_THAT(Encoded({node}, "/3/0"), HasSubstr("too early"));
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
