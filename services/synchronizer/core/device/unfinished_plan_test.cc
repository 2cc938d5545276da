#include "services/synchronizer/core/device/unfinished_plan.h"

#include <string>

#include "gtest/gtest.h"

namespace isthmus::synchronizer {
namespace {

TEST(UnfinishedPlanText, RefusesWhatItDidNotWrite) {
  UnfinishedPlan plan;
  plan.endpoint = "dev";
  plan.since = absl::FromUnixMicros(1700000000000001);
  plan.step_sent = true;
  plan.work.mutable_plan()->add_steps()->mutable_precondition()->add_values(2);
  const std::string good = SerializeUnfinishedPlan(plan);
  const absl::StatusOr<UnfinishedPlan> parsed = ParseUnfinishedPlan("r", good);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->resource_id, "r");
  EXPECT_EQ(parsed->endpoint, "dev");
  EXPECT_EQ(parsed->since, plan.since);
  EXPECT_TRUE(parsed->step_sent);
  plan.work.add_results();  // no step is left
  for (const std::string& bad :
       {std::string(), good + "\nx", "plan-2" + good.substr(6), std::string("plan-1\nx\n0\n\n\n"),
        std::string("plan-1\n1\n0\n*\n\n"), SerializeUnfinishedPlan(plan)}) {
    EXPECT_EQ(ParseUnfinishedPlan("r", bad).status().code(), absl::StatusCode::kDataLoss) << bad;
  }
}

}  // namespace
}  // namespace isthmus::synchronizer
