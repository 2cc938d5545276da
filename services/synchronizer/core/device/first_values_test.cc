#include "services/synchronizer/core/device/first_values.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/path.h"
#include "services/synchronizer/core/device/fake_session.h"

namespace isthmus::synchronizer {
namespace {

using lwm2m::MakePath;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<lwm2m::v1::Read> Reads(const std::vector<lwm2m::v1::Path>& paths) {
  std::vector<lwm2m::v1::Read> reads;
  for (const lwm2m::v1::Path& path : paths) *reads.emplace_back().mutable_path() = path;
  return reads;
}

class FirstValuesTest : public testing::Test {
 protected:
  std::vector<std::string> results_;
  std::vector<std::string> ended_;
  FakeClock clock_;
  FakeSession session_;
  FirstValuesOptions options_ = [] {
    FirstValuesOptions options;
    options.parallel = 4;
    return options;
  }();
  FirstValues values_{
      options_, &session_, &clock_,
      [this](const std::string& endpoint, const lwm2m::v1::Path& path, const lwm2m::v1::OperationResult& result) {
        results_.push_back(endpoint + " " + lwm2m::PathToString(path));
      },
      [this](const std::string& endpoint) { ended_.push_back(endpoint); }};
};

TEST_F(FirstValuesTest, WhatNoDefinitionTypesIsReadInFormatsThatTellTypes) {
  std::vector<lwm2m::v1::Read> reads = Reads({MakePath(3, 0), MakePath(34121, 0)});
  reads[1].set_self_describing(true);
  values_.Read("a", reads);
  FakeSession::Pending device = session_.Take();
  EXPECT_FALSE(device.operation.read().self_describing());
  device.callback(Content({{"/3/0/9", 1}}));
  EXPECT_TRUE(session_.Take().operation.read().self_describing());
}

TEST_F(FirstValuesTest, OnePathAfterTheOther) {
  values_.Read("a", Reads({MakePath(3, 0), MakePath(5, 0)}));
  EXPECT_THAT(session_.log(), ElementsAre("a Read /3/0"));
  session_.Answer(Content({{"/3/0/9", 1}}));
  EXPECT_THAT(session_.log(), ElementsAre("a Read /3/0", "a Read /5/0"));
  session_.Answer(Answered(404));  // an answer too
  EXPECT_THAT(results_, ElementsAre("a /3/0", "a /5/0"));
  EXPECT_THAT(ended_, ElementsAre("a"));
  EXPECT_EQ(values_.size(), 0u);
}

TEST_F(FirstValuesTest, ABoundedNumberOfDevicesAtOnce) {
  for (int i = 0; i < 10; ++i) values_.Read("d" + std::to_string(i), Reads({MakePath(3, 0)}));
  EXPECT_EQ(session_.pending(), 4u);
  session_.Answer(Content({}));
  EXPECT_EQ(session_.pending(), 4u);
  EXPECT_EQ(session_.log().size(), 5u);
  while (session_.pending() > 0) session_.Answer(Content({}));
  EXPECT_EQ(ended_.size(), 10u);
}

TEST_F(FirstValuesTest, ADeviceThatDoesNotAnswerIsAskedAgainLaterAndLater) {
  values_.Read("a", Reads({MakePath(3, 0)}));
  session_.Answer(Ended(lwm2m::v1::OUTCOME_RESET));
  EXPECT_EQ(session_.pending(), 0u);
  clock_.Advance(absl::Seconds(5));
  values_.Tick();
  ASSERT_EQ(session_.pending(), 1u);
  session_.Answer(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  clock_.Advance(absl::Seconds(5));
  values_.Tick();
  EXPECT_EQ(session_.pending(), 0u);
  clock_.Advance(absl::Seconds(5));
  values_.Tick();
  ASSERT_EQ(session_.pending(), 1u);
  session_.Answer(Content({{"/3/0/9", 1}}));
  EXPECT_THAT(ended_, ElementsAre("a"));
}

TEST_F(FirstValuesTest, DevicesThatDoNotAnswerDoNotTakeThePlacesOfOthers) {
  for (int i = 0; i < 8; ++i) values_.Read("dead" + std::to_string(i), Reads({MakePath(3, 0)}));
  for (int i = 0; i < 8; ++i) session_.Answer(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  clock_.Advance(absl::Minutes(1));
  values_.Tick();
  EXPECT_EQ(session_.pending(), 1u);  // a quarter of the places
  for (int i = 0; i < 3; ++i) values_.Read("alive" + std::to_string(i), Reads({MakePath(3, 0)}));
  EXPECT_EQ(session_.pending(), 4u);
}

TEST_F(FirstValuesTest, ARegisterStartsAnewAndFast) {
  values_.Read("a", Reads({MakePath(3, 0)}));
  session_.Answer(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  values_.Read("a", Reads({MakePath(3, 0), MakePath(4, 0)}));
  ASSERT_EQ(session_.pending(), 1u);  // it does not wait for the pause
  values_.Read("a", Reads({MakePath(5, 0)}));
  ASSERT_EQ(session_.pending(), 2u);
  session_.Answer(Content({}));  // of the earlier call: nobody wants it
  EXPECT_THAT(results_, IsEmpty());
  session_.Answer(Content({}));
  EXPECT_THAT(results_, ElementsAre("a /5/0"));
  EXPECT_THAT(ended_, ElementsAre("a"));
  clock_.Advance(absl::Minutes(1));
  values_.Tick();
  EXPECT_EQ(session_.pending(), 0u);
}

TEST_F(FirstValuesTest, EndsForADeviceThatIsGone) {
  values_.Read("a", Reads({MakePath(3, 0)}));
  session_.Answer(Ended(lwm2m::v1::OUTCOME_NOT_REGISTERED));
  values_.Read("b", Reads({MakePath(3, 0)}));
  values_.Forget("b");
  session_.Answer(Content({}));
  EXPECT_EQ(values_.size(), 0u);
  EXPECT_THAT(results_, IsEmpty());
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(FirstValuesTest, WaitsForASession) {
  session_.SetState(SessionPort::State::kConnecting);
  values_.Read("a", Reads({MakePath(3, 0)}));
  EXPECT_EQ(session_.pending(), 0u);
  session_.SetState(SessionPort::State::kUp);
  values_.Tick();
  EXPECT_EQ(session_.pending(), 1u);
}

TEST_F(FirstValuesTest, ASessionThatAnswersOnTheSpotMakesNoRecursion) {
  session_.on_perform = [](const std::string&, const lwm2m::v1::Operation&) { return Content({}); };
  std::vector<lwm2m::v1::Path> paths;
  for (uint32_t i = 0; i < 50000; ++i) paths.push_back(MakePath(3, 0, i));
  values_.Read("a", Reads(paths));
  EXPECT_EQ(results_.size(), 50000u);
}

}  // namespace
}  // namespace isthmus::synchronizer
