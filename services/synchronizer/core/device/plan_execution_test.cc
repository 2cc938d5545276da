#include "services/synchronizer/core/device/plan_execution.h"

#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/path.h"
#include "services/synchronizer/core/device/fake_session.h"
#include "services/synchronizer/core/device/operation_text.h"

namespace isthmus::synchronizer {
namespace {

using lwm2m::MakePath;
using testing::ElementsAre;

class PlanExecutionTest : public testing::Test {
 protected:
  PlanExecutionTest() {
    *start_.plan.add_steps()->mutable_operation()->mutable_write()->mutable_path() = MakePath(5, 0, 1);
    auto& step = *start_.plan.add_steps();
    *step.mutable_operation()->mutable_execute()->mutable_path() = MakePath(5, 0, 2);
    *step.mutable_precondition()->mutable_path() = MakePath(5, 0, 3);
    step.mutable_precondition()->add_values(2);
    step.mutable_precondition()->add_failure_values(3);
    step.mutable_precondition()->set_description("downloaded");
    start_.endpoint = "dev";
  }
  void Run() {
    ExecutePlan(&session_, start_, [this](PlanEnd end) {
      EXPECT_FALSE(end_.has_value());
      end_ = std::move(end);
    });
  }

  FakeSession session_;
  PlanStart start_;
  std::optional<PlanEnd> end_;
};

TEST_F(PlanExecutionTest, StepsInOrderEachAfterTheOneBefore) {
  Run();
  EXPECT_THAT(session_.log(), ElementsAre("dev Write /5/0/1"));
  session_.Answer(Answered(204));
  EXPECT_THAT(session_.log(), ElementsAre("dev Write /5/0/1", "dev Read /5/0/3"));
  session_.Answer(Content({{"/5/0/3", 2}}));
  session_.Answer(Answered(204));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kCompleted);
  EXPECT_EQ(end_->results.size(), 2u);
  ASSERT_EQ(end_->trace.size(), 3u);
  EXPECT_EQ(end_->trace[1].operation(), "Read /5/0/3");
  EXPECT_EQ(end_->trace[1].outcome(), "2.05 Content, 1 resource");
  EXPECT_EQ(end_->trace[1].duration_us(), 1000u);
}

TEST_F(PlanExecutionTest, AFailedStepEndsIt) {
  Run();
  session_.Answer(Answered(405));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kStepFailed);
  EXPECT_EQ(end_->results.size(), 1u);
  EXPECT_EQ(end_->reason, "Write /5/0/1: 4.05 Method Not Allowed");
  EXPECT_EQ(session_.log().size(), 1u);
}

TEST_F(PlanExecutionTest, AnotherValueWaits) {
  Run();
  session_.Answer(Answered(204));
  session_.Answer(Content({{"/5/0/3", 1}}));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kWaiting);
  EXPECT_EQ(end_->step, 1u);
  EXPECT_EQ(end_->precondition_value, 1);
  EXPECT_EQ(end_->results.size(), 1u);
  EXPECT_FALSE(end_->step_sent);
}

TEST_F(PlanExecutionTest, NoValueWaits) {
  Run();
  session_.Answer(Answered(204));
  session_.Answer(Answered(205));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kWaiting);
}

TEST_F(PlanExecutionTest, AFailureValueEndsIt) {
  start_.plan.mutable_steps()->DeleteSubrange(0, 1);
  Run();
  session_.Answer(Content({{"/5/0/3", 3}}));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kImpossible);
  EXPECT_THAT(end_->reason, testing::HasSubstr("/5/0/3 is 3"));
}

TEST_F(PlanExecutionTest, AFailureValueRightAfterAStepIsOnlyNotYet) {
  Run();
  session_.Answer(Answered(204));
  session_.Answer(Content({{"/5/0/3", 3}}));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kWaiting);
}

TEST_F(PlanExecutionTest, AConditionThatCannotBeReadIsTheFailureOfItsStep) {
  Run();
  session_.Answer(Answered(204));
  session_.Answer(Answered(404));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kStepFailed);
  ASSERT_EQ(end_->results.size(), 2u);
  EXPECT_EQ(end_->results[1].coap_code(), 404u);
}

TEST_F(PlanExecutionTest, TellsWhetherTheDeviceMayHaveSeenTheStep) {
  Run();
  session_.Answer(Ended(lwm2m::v1::OUTCOME_TIMEOUT));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kNoAnswer);
  EXPECT_TRUE(end_->step_sent);

  end_.reset();
  Run();
  session_.Answer(Ended(lwm2m::v1::OUTCOME_EXPIRED_UNSENT));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kNoAnswer);
  EXPECT_FALSE(end_->step_sent);

  end_.reset();
  Run();
  session_.Answer(Ended(lwm2m::v1::OUTCOME_NOT_REGISTERED));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kNotRegistered);

  end_.reset();
  Run();
  session_.Answer(Ended(lwm2m::v1::OUTCOME_UNSPECIFIED));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kNoSession);
  EXPECT_FALSE(end_->step_sent);
}

TEST_F(PlanExecutionTest, TakesUpInTheMiddle) {
  start_.first_step = 1;
  start_.first_holds = true;
  Run();
  EXPECT_THAT(session_.log(), ElementsAre("dev Execute /5/0/2"));
  session_.Answer(Answered(204));
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kCompleted);
  EXPECT_EQ(end_->results.size(), 1u);
}

TEST_F(PlanExecutionTest, AnEmptyPlanIsCompletedAtOnce) {
  start_.plan.clear_steps();
  Run();
  ASSERT_TRUE(end_.has_value());
  EXPECT_EQ(end_->kind, PlanEnd::Kind::kCompleted);
}

}  // namespace
}  // namespace isthmus::synchronizer
