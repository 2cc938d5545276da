#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/expect_nodes.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::lwm2m::codec {
namespace {

constexpr int64_t kNow = 1700000000;

absl::StatusOr<std::vector<v1::Node>> DecodeJson(absl::string_view json, absl::string_view path = "/3/0") {
  return Decode(kLwm2mJson, json, *ParsePath(path), absl::FromUnixSeconds(kNow));
}

TEST(Lwm2mJsonTest, EveryTypeOfValue) {
  EXPECT_NODES(DecodeJson(R"({"bn":"/3/0/","e":[{"n":"0","sv":"Acme"},{"n":"9","v":80},{"n":"10","v":1.5},
                              {"n":"6","bv":true},{"n":"22/0","ov":"3:1"},{"n":"21","v":18446744073709551615}]})"),
               "/3/0/0='Acme'", "/3/0/9=80", "/3/0/10=f1.5", "/3/0/6=true", "/3/0/22/0=3:1",
               "/3/0/21=u18446744073709551615");
}

TEST(Lwm2mJsonTest, NamesAreRelativeToTheBaseNameOrToWhatWasRead) {
  EXPECT_NODES(DecodeJson(R"({"bn":"/3/0","e":[{"n":"9","v":80}]})"), "/3/0/9=80");
  EXPECT_NODES(DecodeJson(R"({"bn":"/3/0/","e":[{"n":"/9","v":80}]})"), "/3/0/9=80");
  EXPECT_NODES(DecodeJson(R"({"e":[{"n":"9","v":80}]})"), "/3/0/9=80");
  EXPECT_NODES(DecodeJson(R"({"e":[{"n":"0","v":3800},{"n":"1","v":5000}]})", "/3/0/7"), "/3/0/7/0=3800",
               "/3/0/7/1=5000");
  EXPECT_NODES(DecodeJson(R"({"bn":"/3/0/9","e":[{"n":"","v":80}]})", "/3/0/9"), "/3/0/9=80");
  EXPECT_NODES(DecodeJson(R"({"e":[{"v":80}]})", "/3/0/9"), "/3/0/9=80");
  EXPECT_NODES(DecodeJson(R"({"bn":"/","e":[{"n":"3/0/9","v":80}]})"), "/3/0/9=80");
}

TEST(Lwm2mJsonTest, OfSeveralRecordsTheLatestCounts) {
  EXPECT_NODES(DecodeJson(R"({"bn":"/3/0/","bt":1699999000,"e":[{"n":"9","v":70,"t":5},{"n":"9","v":80,"t":50}]})"),
               "/3/0/9=80@1699999050");
}

TEST(Lwm2mJsonTest, NothingInItMeansNothing) { EXPECT_NODES(DecodeJson(R"({"bn":"/3/0/","e":[]})")); }

TEST(Lwm2mJsonTest, WhatItIsNotIsRefused) {
  EXPECT_REFUSED(DecodeJson("[]"), "expected an object");
  EXPECT_REFUSED(DecodeJson("{"), "octet");
  EXPECT_REFUSED(DecodeJson(R"({"bn":"/3/0/"})"), "expected a list e");
  EXPECT_REFUSED(DecodeJson(R"({"bn":3,"e":[]})"), "bn is not text");
  EXPECT_REFUSED(DecodeJson(R"({"e":[1]})"), "not an object");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9"}]})"), "without a value");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","v":1,"sv":"1"}]})"), "more than one value");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","v":"80"}]})"), "v is not a number");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","bv":1}]})"), "bv is not true or false");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","sv":1}]})"), "sv is not text");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":9,"v":1}]})"), "n is not text");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","v":1,"t":"x"}]})"), "t is not a number");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"x","v":1}]})"), "is not the path");
  EXPECT_REFUSED(DecodeJson(R"({"bn":"/4/0/","e":[{"n":"9","v":1}]})"), "does not belong to /3/0");
  EXPECT_REFUSED(DecodeJson(R"({"e":[]} x)"), "something follows");
  EXPECT_REFUSED(DecodeJson(absl::string_view("{\"e\":[]}\0{}", 11)), "something follows");
  // To take one of two would lose the other.
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","v":1}],"e":[{"n":"10","v":1}]})"), "e occurs twice");
  EXPECT_REFUSED(DecodeJson(R"({"bn":"/3/0/","bn":"/3/1/","e":[]})"), "bn occurs twice");
  EXPECT_REFUSED(DecodeJson(R"({"bt":1,"bt":2,"e":[]})"), "bt occurs twice");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","n":"10","v":1}]})"), "n occurs twice");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","v":1,"t":1,"t":2}]})"), "t occurs twice");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","v":1,"v":2}]})"), "more than one value");
  EXPECT_REFUSED(DecodeJson(R"({"e":[{"n":"9","v":1e400}]})"), "octet");
  EXPECT_REFUSED(DecodeJson(std::string(100000, '[')), "octet");
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
