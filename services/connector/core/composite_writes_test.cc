#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/composites.h"
#include "services/connector/core/composites_testing.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using CompositeWritesTest = CompositesTest;

TEST_F(CompositeWritesTest, OneIPatchWritesAll) {
  Write({"/1/0/1", "/3/0/14"});
  // Nothing is known yet: a silent iPATCH would have an unknown fate.
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /"));
  EXPECT_EQ(coap_.last().request.timeout, absl::Seconds(5));
  Respond(205, 110, R"([{"n":"/3/0/16","vs":"U"}])");
  EXPECT_THAT(Sent(), ElementsAre("0.07 iPATCH /"));
  EXPECT_EQ(coap_.last().request.content_format, 112u);
  const auto nodes = lwm2m::codec::Decode(112, coap_.last().request.payload, lwm2m::v1::Path(), absl::UnixEpoch());
  EXPECT_EQ(nodes->size(), 2u);
  Respond(204);
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].coap_code(), 204u);
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/1/0/1 204", "/3/0/14 204"));
  Write({"/1/0/1", "/3/0/14"});
  EXPECT_THAT(Sent(), ElementsAre("0.07 iPATCH /"));
}

TEST_F(CompositeWritesTest, ASilentIPatchStaysUnknownAndNothingIsRepeated) {
  Read({"/3/0/9", "/1/0/1"});
  Respond(205, 110, kSenMl);
  Sent();
  Write({"/1/0/1", "/3/0/14"});
  EXPECT_EQ(coap_.last().request.timeout, absl::Seconds(30));
  coap_.Acknowledge(coap_.last().id);
  Silence();
  ASSERT_EQ(done_.size(), 2u);
  EXPECT_EQ(done_[1].outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
  EXPECT_THAT(PathsOf(done_[1]), ElementsAre("/1/0/1 TIMEOUT", "/3/0/14 TIMEOUT"));
  Pass(absl::Minutes(5));
  EXPECT_THAT(Sent(), ElementsAre("0.07 iPATCH /"));
  // It had the message and was silent: the next is written one by one.
  Write({"/1/0/1", "/3/0/14"});
  EXPECT_THAT(Sent(), ElementsAre("0.03 PUT /1/0/1"));
}

TEST_F(CompositeWritesTest, AnIPatchThatNeverArrivedSaysNothingAboutTheDevice) {
  Read({"/3/0/9", "/1/0/1"});
  Respond(205, 110, kSenMl);
  Write({"/1/0/1", "/3/0/14"});
  Silence();
  Sent();
  Write({"/1/0/1", "/3/0/14"});
  EXPECT_THAT(Sent(), ElementsAre("0.07 iPATCH /"));
}

TEST_F(CompositeWritesTest, ADeviceWithoutCompositesIsWrittenToInstanceByInstance) {
  Write({"/1/0/1", "/3/0/14", "/3/0/15", "/6/0/1"});
  coap_.Acknowledge(coap_.last().id);
  Silence();
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /", "0.03 PUT /1/0/1"));
  Respond(204);
  EXPECT_THAT(Sent(), ElementsAre("0.02 POST /3/0"));
  Respond(204);
  EXPECT_THAT(Sent(), ElementsAre("0.03 PUT /6/0/1"));
  Respond(204);
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].coap_code(), 204u);
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/1/0/1 204", "/3/0/14 204", "/3/0/15 204", "/6/0/1 204"));
  // Remembered for reads and writes.
  Write({"/1/0/1", "/3/0/14"});
  EXPECT_THAT(Sent(), ElementsAre("0.03 PUT /1/0/1"));
  Respond(204);
  Respond(204);
  Sent();
  Read({"/1/0/1", "/3/0/14"});
  EXPECT_THAT(Sent(), ElementsAre("0.01 GET /1/0/1"));
}

TEST_F(CompositeWritesTest, WritesEndAtTheFirstThatFailsAndSayWhich) {
  Register("1.0");
  Write({"/1/0/1", "/3/0/14", "/6/0/1"});
  Respond(204);
  Respond(405, std::nullopt, "read only");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_ANSWERED);
  EXPECT_EQ(done_[0].coap_code(), 405u);
  EXPECT_EQ(done_[0].diagnostic(), "write of /3/0/14: read only");
  EXPECT_THAT(PathsOf(done_[0]), ElementsAre("/1/0/1 204", "/3/0/14 405", "/6/0/1 EXPIRED_UNSENT"));
  EXPECT_THAT(Sent(), ElementsAre("0.03 PUT /1/0/1", "0.03 PUT /3/0/14"));
  // Silence ends them, too: what was sent may have happened, what follows did not.
  Write({"/1/0/1", "/3/0/14"});
  Silence();
  EXPECT_EQ(done_[1].outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
  EXPECT_THAT(PathsOf(done_[1]), ElementsAre("/1/0/1 TIMEOUT", "/3/0/14 EXPIRED_UNSENT"));
}

TEST_F(CompositeWritesTest, ADefiniteRefusalOfAnIPatchIsFollowedByWrites) {
  for (const coap::Code code : {405, 501, 402}) {
    composites_.Forget("d");
    Read({"/3/0/9", "/1/0/1"});
    Respond(205, 110, kSenMl);
    Sent();
    Write({"/1/0/1", "/3/0/14"});
    Respond(code);
    EXPECT_THAT(Sent(), ElementsAre("0.07 iPATCH /", "0.03 PUT /1/0/1")) << code;
    Respond(204);
    Respond(204);
    EXPECT_EQ(done_.back().coap_code(), 204u);
    Sent();
    Write({"/1/0/1", "/3/0/14"});
    EXPECT_THAT(Sent(), ElementsAre("0.03 PUT /1/0/1")) << code;
    Respond(204);
    Respond(204);
    Read({"/3/0/9", "/1/0/1"});
    EXPECT_EQ(Sent().back(), "0.05 FETCH /");  // reads work as before
    Respond(205, 110, kSenMl);
  }
}

TEST_F(CompositeWritesTest, AnAnswerThatIsAboutTheContentIsTheAnswer) {
  Read({"/3/0/9", "/1/0/1"});
  Respond(205, 110, kSenMl);
  for (const coap::Code code : {400, 401, 404, 500}) {
    Sent();
    Write({"/1/0/1", "/3/0/14"});
    Respond(code);
    EXPECT_THAT(Sent(), ElementsAre("0.07 iPATCH /")) << code;
    EXPECT_EQ(done_.back().coap_code(), static_cast<uint32_t>(code));
    EXPECT_THAT(PathsOf(done_.back()), ElementsAre(absl::StrCat("/1/0/1 ", code), absl::StrCat("/3/0/14 ", code)));
  }
  // All or nothing: a device that has written so before means the resource when it says 4.05.
  Write({"/1/0/1", "/3/0/14"});
  Respond(204);
  Sent();
  Write({"/1/0/1", "/3/0/14"});
  Respond(405);
  EXPECT_THAT(Sent(), ElementsAre("0.07 iPATCH /"));
  EXPECT_EQ(done_.back().coap_code(), 405u);
}

TEST_F(CompositeWritesTest, AValueThatSenMlCannotCarryIsNotSent) {
  Operation operation;
  for (const char* path : {"/1/0/1", "/3/0/14"}) {
    auto* node = operation.mutable_write_composite()->add_nodes();
    *node->mutable_path() = *lwm2m::ParsePath(path);
    node->mutable_value()->mutable_raw()->set_octets("x");
  }
  Perform(operation);
  Respond(205, 110, R"([{"n":"/3/0/16","vs":"U"}])");
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].outcome(), lwm2m::v1::OUTCOME_UNSUPPORTED);
}

TEST_F(CompositeWritesTest, WhatIsLearnedOfADeviceThatLeftIsNotKept) {
  Read({"/3/0/9", "/1/0/1"});
  Respond(405);
  composites_.Forget("d");  // it left, and came back
  Respond(205, 0, "80");
  Respond(205, 0, "60");
  Sent();
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /"));
}

}  // namespace
}  // namespace isthmus::connector
