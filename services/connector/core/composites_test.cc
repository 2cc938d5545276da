#include "services/connector/core/composites.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/fake_coap_client.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CompositesTest : public testing::Test {
 protected:
  CompositesTest()
      : lines_(DeviceLineOptions(), &clock_, &coap_),
        operations_(&clock_, &lines_),
        composites_(CompositeOptions(), &clock_, &operations_) {
    Register("1.1");
  }
  void Register(const std::string& version, std::vector<uint32_t> formats = {}, const std::string& root = "",
                bool queue_mode = false) {
    auto device = std::make_shared<Device>();
    device->registration.set_endpoint("d");
    device->registration.set_address("a:1");
    device->registration.set_lwm2m_version(version);
    device->registration.set_root_path(root);
    device->registration.set_queue_mode(queue_mode);
    device->content_formats = std::move(formats);
    device_ = device;
    lines_.OnRegistered(device_);
    Pass(absl::Seconds(1));
  }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    lines_.Tick();
  }
  void Perform(const Operation& operation, absl::Duration within = absl::Seconds(30)) {
    Operations::Options options;
    options.deadline = clock_.Monotonic() + within;
    composites_.Perform(device_, operation, std::move(options),
                        [this](OperationResult result) { done_.push_back(std::move(result)); });
  }
  void Read(const std::vector<std::string>& paths, absl::Duration within = absl::Seconds(30)) {
    Operation operation;
    operation.mutable_read_composite();
    for (const std::string& path : paths) *operation.mutable_read_composite()->add_paths() = *lwm2m::ParsePath(path);
    Perform(operation, within);
  }
  void Write(const std::vector<std::string>& paths, absl::Duration within = absl::Seconds(30)) {
    Operation operation;
    operation.mutable_write_composite();
    for (const std::string& path : paths) {
      auto* node = operation.mutable_write_composite()->add_nodes();
      *node->mutable_path() = *lwm2m::ParsePath(path);
      node->mutable_value()->set_integer(7);
    }
    Perform(operation, within);
  }
  void Respond(coap::Code code, std::optional<uint32_t> format = std::nullopt, std::string payload = "") {
    coap::Message message;
    message.code = code;
    if (format) message.AddUintOption(coap::kContentFormat, *format);
    message.payload = std::move(payload);
    coap_.Respond(coap_.last().id, std::move(message));
  }
  void Silence() { coap_.Fail(coap_.last().id, coap::Exchange::Outcome::kTimeout); }
  // "0.05 FETCH /", since the last call.
  std::vector<std::string> Sent() {
    std::vector<std::string> texts;
    for (; told_ < coap_.sent.size(); ++told_) {
      const auto& sent = coap_.sent[told_];
      texts.push_back(absl::StrCat(coap::CodeToString(sent.request.method), " ", sent.path()));
    }
    return texts;
  }
  // "/3/0/9 205", or with the outcome's number in place of a code.
  static std::vector<std::string> PathsOf(const OperationResult& result) {
    std::vector<std::string> texts;
    for (const auto& at : result.paths()) {
      const bool answered = at.outcome() == lwm2m::v1::OUTCOME_ANSWERED;
      texts.push_back(
          absl::StrCat(lwm2m::PathToString(at.path()), " ",
                       answered ? absl::StrCat(at.coap_code()) : lwm2m::v1::Outcome_Name(at.outcome()).substr(8)));
    }
    return texts;
  }
  static std::vector<std::string> ValuesOf(const OperationResult& result) {
    std::vector<std::string> texts;
    for (const auto& node : result.nodes()) {
      texts.push_back(
          absl::StrCat(lwm2m::PathToString(node.path()), "=",
                       node.value().has_raw() ? node.value().raw().octets() : absl::StrCat(node.value().integer())));
    }
    return texts;
  }

  FakeClock clock_;
  FakeCoapClient coap_;
  DeviceLines lines_;
  Operations operations_;
  Composites composites_;
  DevicePtr device_;
  std::vector<OperationResult> done_;
  size_t told_ = 0;
};

const char kSenMl[] = R"([{"n":"/3/0/9","v":80},{"bn":"/1/0/","n":"1","v":60},{"n":"7","v":1}])";

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
  Register("1.1", {}, "/root");
  Read({"/3/0/9", "/1/0/1"});
  EXPECT_THAT(Sent(), ElementsAre("0.05 FETCH /root"));
  EXPECT_THAT(coap_.last().request.payload, HasSubstr("/root/3/0/9"));
  Respond(205, 110, R"([{"n":"/root/3/0/9","v":80},{"n":"/1/0/1","v":60}])");
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

// ---- writes ---------------------------------------------------------------------------------------------------------

TEST_F(CompositesTest, OneIPatchWritesAll) {
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

TEST_F(CompositesTest, ASilentIPatchStaysUnknownAndNothingIsRepeated) {
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

TEST_F(CompositesTest, AnIPatchThatNeverArrivedSaysNothingAboutTheDevice) {
  Read({"/3/0/9", "/1/0/1"});
  Respond(205, 110, kSenMl);
  Write({"/1/0/1", "/3/0/14"});
  Silence();
  Sent();
  Write({"/1/0/1", "/3/0/14"});
  EXPECT_THAT(Sent(), ElementsAre("0.07 iPATCH /"));
}

TEST_F(CompositesTest, ADeviceWithoutCompositesIsWrittenToInstanceByInstance) {
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

TEST_F(CompositesTest, WritesEndAtTheFirstThatFailsAndSayWhich) {
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

TEST_F(CompositesTest, ADefiniteRefusalOfAnIPatchIsFollowedByWrites) {
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

TEST_F(CompositesTest, AnAnswerThatIsAboutTheContentIsTheAnswer) {
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

TEST_F(CompositesTest, AValueThatSenMlCannotCarryIsNotSent) {
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

TEST_F(CompositesTest, WhatIsLearnedOfADeviceThatLeftIsNotKept) {
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
