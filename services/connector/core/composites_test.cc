#include "services/connector/core/composites.h"

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/composites_testing.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(CompositesTest, OneFetchReadsAll) {
  Read({"/3/0/9", "/1/0", "/4/0"});
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /"));
  EXPECT_EQ(coap_.last().request.content_format, 112u);
  EXPECT_EQ(coap_.last().request.accept, 112u);
  const auto asked = lwm2m::codec::DecodePaths(112, coap_.last().request.payload);
  ASSERT_EQ(asked->size(), 3u);
  Respond(205, 110, kSenMl);
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_ANSWERED);
  EXPECT_EQ(done_[0].coap_code(), 205u);
  EXPECT_THAT(ValuesOf(done_[0]), ElementsAre("/3/0/9=80", "/1/0/1=60", "/1/0/7=1"));
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/3/0/9 205", "/1/0 205", "/4/0 404"));
  EXPECT_THAT(done_[0].paths(2).diagnostic(), HasSubstr("left it out"));
}

TEST_F(CompositesTest, WhatNobodyAskedForIsLeftOut) {
  Read({"/3/0/9", "/1/0/1"});
  Respond(205, 110, R"([{"n":"/3/0/9","v":80},{"n":"/3/0/10","v":1},{"n":"/1/0/1","v":60}])");
  EXPECT_THAT(ValuesOf(done_[0]), ElementsAre("/3/0/9=80", "/1/0/1=60"));
}

TEST_F(CompositesTest, BelowAnAlternateRoot) {
  Register("1.1", {}, "/lwm2m");
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /lwm2m"));
  EXPECT_THAT(coap_.last().request.payload, HasSubstr("/lwm2m/3/0/9"));
  Respond(205, 110, R"([{"n":"/lwm2m/3/0/9","v":80},{"n":"/1/0/1","v":60}])");
  EXPECT_THAT(ValuesOf(done_[0]), ElementsAre("/3/0/9=80", "/1/0/1=60"));
}

TEST_F(CompositesTest, TheFormatThatTheDeviceOffersThenTheOtherAndItIsRemembered) {
  Register("1.1", {110, 11542});
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_EQ(coap_.last().request.content_format, 110u);
  Respond(205, 110, kSenMl);
  Register("1.1");
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_EQ(coap_.last().request.content_format, 112u);
  Respond(415);
  EXPECT_EQ(coap_.last().request.content_format, 110u);
  Respond(205, 110, kSenMl);
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_EQ(coap_.last().request.content_format, 110u);
}

// 1.10 is later than 1.9, and 1.0 has no composites.
TEST_F(CompositesTest, OnlyDevicesThatMayHaveThemAreAsked) {
  for (const std::string version : {"1.1", "1.2", "1.10", "2.0"}) {
    Register(version);
    Read({"/3/0/9", "/1/0/1"});
    EXPECT_EQ(Sent().front(), "0.05 FETCH /") << version;
    Respond(205, 110, kSenMl);
  }
  for (const std::string version : {"1.0", "0.9", "1", "", "x", "1.x"}) {
    Register(version);
    Read({"/3/0/9", "/1/0/1"});
    EXPECT_EQ(Sent().front(), "0.01 GET /3/0/9") << version;
    Respond(205, 0, "80");
    Respond(205, 0, "60");
    ASSERT_FALSE(done_.empty());
    EXPECT_THAT(ValuesOf(done_.back()), ElementsAre("/3/0/9=80", "/1/0/1=60"));
    EXPECT_THAT(PathsOf(done_.back()), ElementsAre("/3/0/9 205", "/1/0/1 205"));
    Sent();
  }
  Register("1.1", {11542, 0});  // it names its formats, and has no SenML
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_EQ(Sent().front(), "0.01 GET /3/0/9");
}

TEST_F(CompositesTest, ARefusalIsFollowedBySingleReadsAndRemembered) {
  for (const coap::Code code : {405, 501, 404, 400, 402, 500}) {
    composites_.Forget("d");
    Sent();
    Read({"/3/0/9", "/1/0/1"});
    Respond(code);
    EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /", "0.01 GET /3/0/9")) << code;
    Respond(205, 0, "80");
    Respond(205, 0, "60");
    EXPECT_THAT(Sent(), ElementsAre("0.01 GET /1/0/1"));
    EXPECT_THAT(ValuesOf(done_.back()), ElementsAre("/3/0/9=80", "/1/0/1=60"));
    EXPECT_EQ(done_.back().coap_code(), 205u);
    Read({"/3/0/9", "/1/0/1"});
    EXPECT_THAT(Sent(), ElementsAre("0.01 GET /3/0/9")) << code;
    Respond(205, 0, "80");
    Respond(205, 0, "60");
  }
}

TEST_F(CompositesTest, ARefusalThatTheContentExplainsIsNotRemembered) {
  Read({"/3/0/4", "/1/0/1"});  // /3/0/4 can only be executed
  Respond(405);
  Respond(405);
  Respond(205, 0, "60");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/3/0/4 405", "/1/0/1 205"));
  EXPECT_EQ(done_[0].coap_code(), 205u);
  Sent();
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /"));
}

// "Too large", "not now" and a transfer that broke off say nothing about what the device can do.
TEST_F(CompositesTest, ARefusalOfTheMomentIsNotRemembered) {
  const auto read_one_by_one = [this] {
    Respond(205, 0, "80");
    Respond(205, 0, "60");
    EXPECT_THAT(ValuesOf(done_.back()), ElementsAre("/3/0/9=80", "/1/0/1=60"));
    Sent();
  };
  for (const coap::Code code : {413, 429, 503, 401, 403}) {
    Read({"/3/0/9", "/1/0/1"});
    EXPECT_EQ(Sent().front(), "0.05 FETCH /") << "before " << code;
    Respond(code);
    read_one_by_one();
  }
  Read({"/3/0/9", "/1/0/1"});
  coap_.Fail(coap_.last().id, coap::Exchange::Outcome::kTransferFailed);
  EXPECT_EQ(Sent().front(), "0.05 FETCH /");
  read_one_by_one();
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_EQ(Sent().front(), "0.05 FETCH /");
}

TEST_F(CompositesTest, NothingThatCouldBeReadIsTheFirstRefusal) {
  Read({"/33/0", "/34/0"});
  Respond(404);
  Respond(404);
  Respond(401);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_ANSWERED);
  EXPECT_EQ(done_[0].coap_code(), 404u);
  EXPECT_THAT(done_[0].diagnostic(), HasSubstr("/33/0"));
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/33/0 404", "/34/0 401"));
}

// A success that holds nothing of what was asked may come from a device that takes the method for another.
TEST_F(CompositesTest, AHollowSuccessIsNotBelieved) {
  for (const auto& [code, format, payload] : std::vector<std::tuple<coap::Code, uint32_t, std::string>>{
           {204, 110, ""}, {205, 110, ""}, {205, 110, "[]"}, {205, 110, R"([{"n":"/5/0/3","v":0}])"}}) {
    composites_.Forget("d");
    Sent();
    Read({"/3/0/9", "/1/0/1"});
    Respond(code, format, payload);
    EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /", "0.01 GET /3/0/9")) << code << payload;
    Respond(205, 0, "80");
    Respond(205, 0, "60");
    EXPECT_THAT(ValuesOf(done_.back()), ElementsAre("/3/0/9=80", "/1/0/1=60"));
    Sent();
    Write({"/1/0/1", "/3/0/14"});
    EXPECT_THAT(Sent(), ElementsAre("0.03 PUT /1/0/1")) << "it has no composites";
    Respond(204);
    Respond(204);
  }
  // Nothing there at all says nothing.
  composites_.Forget("d");
  Read({"/7", "/8"});
  Respond(205, 110, "[]");
  Respond(205, 11542, "");
  Respond(205, 11542, "");
  EXPECT_THAT(PathsOf(done_.back()), ElementsAre("/7 205", "/8 205"));
  Sent();
  Write({"/1/0/1", "/3/0/14"});
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /"));
  Respond(204);  // to the probe
  EXPECT_THAT(Sent(), ElementsAre("0.03 PUT /1/0/1"));
}

// An empty acknowledgement, then silence: a field case.
TEST_F(CompositesTest, SilenceIsPaidOnceAndLeavesTimeForTheReads) {
  Read({"/3/0/9", "/1/0/1"}, absl::Seconds(30));
  EXPECT_EQ(coap_.last().request.timeout, absl::Seconds(5));
  coap_.Acknowledge(coap_.last().id);
  clock_.Advance(absl::Seconds(5));
  Silence();
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /", "0.01 GET /3/0/9"));
  EXPECT_EQ(coap_.last().request.timeout, absl::Seconds(25));
  Respond(205, 0, "80");
  Respond(205, 0, "60");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_THAT(ValuesOf(done_[0]), ElementsAre("/3/0/9=80", "/1/0/1=60"));
  Sent();
  for (int i = 0; i < 2; ++i) {
    Read({"/3/0/9", "/1/0/1"});
    EXPECT_THAT(Sent(), ElementsAre("0.01 GET /3/0/9"));
    Respond(205, 0, "80");
    Respond(205, 0, "60");
    Sent();
    Register("1.1");  // the same version: nothing new
  }
  Register("1.2");
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /"));
}

TEST_F(CompositesTest, AShortDeadlineIsSharedOut) {
  Read({"/3/0/9", "/1/0/1"}, absl::Seconds(6));
  EXPECT_EQ(coap_.last().request.timeout, absl::Seconds(2));
}

TEST_F(CompositesTest, ADeviceThatIsDeafIsNotTakenForOneWithoutComposites) {
  Read({"/3/0/9", "/1/0/1", "/4/0/2"});
  Silence();
  Silence();
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/3/0/9 TIMEOUT", "/1/0/1 EXPIRED_UNSENT", "/4/0/2 EXPIRED_UNSENT"));
  Sent();
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /"));
}

TEST_F(CompositesTest, AValueThatCameStaysWhenTheNextReadIsSilent) {
  Register("1.0");
  Read({"/3/0/9", "/1/0/1", "/4/0/2"});
  Respond(205, 0, "80");
  Silence();
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
  EXPECT_THAT(done_[0].diagnostic(), HasSubstr("/1/0/1"));
  EXPECT_THAT(ValuesOf(done_[0]), ElementsAre("/3/0/9=80"));
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/3/0/9 205", "/1/0/1 TIMEOUT", "/4/0/2 EXPIRED_UNSENT"));
}

TEST_F(CompositesTest, ADeviceThatHasThemIsGivenAllTheTime) {
  Read({"/3/0/9", "/1/0/1"});
  Respond(205, 110, kSenMl);
  Sent();
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_EQ(coap_.last().request.timeout, absl::Seconds(30));
  Silence();
  ASSERT_EQ(done_.size(), 2u);
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /"));
  EXPECT_EQ(done_[1].outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
  EXPECT_THAT(PathsOf(done_[1]), ElementsAre("/3/0/9 TIMEOUT", "/1/0/1 TIMEOUT"));
  // A refusal is of the whole: the single reads say whose it is.
  Read({"/3/0/9", "/0/0"});
  Respond(401);
  Respond(205, 0, "80");
  Respond(401);
  EXPECT_THAT(PathsOf(done_[2]), ElementsAre("/3/0/9 205", "/0/0 401"));
}

// Silence to a composite does not mean asleep: the reads go out at once.
TEST_F(CompositesTest, ADeviceInQueueModeStaysAwake) {
  Register("1.1", {}, "", /*queue_mode=*/true);
  Read({"/3/0/9", "/1/0/1"});
  coap_.Acknowledge(coap_.last().id);
  Silence();
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /", "0.01 GET /3/0/9"));
}

TEST_F(CompositesTest, SingleReadsComeBeforeWhatWaits) {
  Read({"/3/0/9", "/1/0/1"});
  Operation other;
  *other.mutable_execute()->mutable_path() = lwm2m::MakePath(3, 0, 4);
  operations_.Perform(device_, other, {clock_.Monotonic() + absl::Seconds(30), false, nullptr, {}}, [](auto) {});
  Respond(405);
  Respond(205, 0, "80");
  Respond(205, 0, "60");
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /", "0.01 GET /3/0/9", "0.01 GET /1/0/1", "0.02 POST /3/0/4"));
}

TEST_F(CompositesTest, OnePathIsAnOrdinaryReadAndAPathAskedTwiceIsReadOnce) {
  Read({"/3/0/9", "/3/0/9"});
  EXPECT_THAT(Sent(), ElementsAre("0.01 GET /3/0/9"));
  Respond(205, 0, "80");
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/3/0/9 205", "/3/0/9 205"));
  EXPECT_THAT(ValuesOf(done_[0]), ElementsAre("/3/0/9=80"));
}

TEST_F(CompositesTest, AnAnswerThatCannotBeDecodedIsReadOneByOne) {
  Read({"/3/0/9", "/1/0/1"});
  Respond(205, 110, R"([{"n":)");
  Respond(205, 0, "80");
  Respond(205, 0, "60");
  EXPECT_THAT(ValuesOf(done_[0]), ElementsAre("/3/0/9=80", "/1/0/1=60"));
}

TEST_F(CompositesTest, WhatCannotBeAskedIsRefusedInWords) {
  Read({});
  Read({"/", "/3"});
  Write({});
  Write({"/3/0/14", "/1/0"});
  Write({"/3/0/14", "/1/0/1", "/3/0/14"});
  ASSERT_EQ(done_.size(), 5u);
  for (const auto& result : done_) {
    EXPECT_EQ(result.outcome(), lwm2m::v1::OUTCOME_UNSUPPORTED);
    EXPECT_THAT(result.diagnostic(), HasSubstr("omposite"));
  }
  device_ = nullptr;
  Read({"/3", "/4"});
  EXPECT_EQ(done_.back().outcome(), lwm2m::v1::OUTCOME_NOT_REGISTERED);
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(CompositesTest, ThousandsOfReadsOfADeviceThatLeft) {
  Register("1.0");
  lines_.OnGone("d");
  std::vector<std::string> paths;
  for (int i = 0; i < 20000; ++i) paths.push_back(absl::StrCat("/3/0/", i));
  Read(paths);
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_NOT_REGISTERED);
}

}  // namespace
}  // namespace isthmus::connector
