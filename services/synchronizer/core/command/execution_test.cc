#include "services/synchronizer/core/command/execution.h"

#include <string>

#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Integer;
using onem2m::Text;
using Phase = Execution::Phase;

int64_t Get(const StoredResource& record, const char* name) {
  const onem2m::v1::Value* value = onem2m::Find(record.attributes, name);
  return value == nullptr ? -1 : value->integer();
}

TEST(Execution, OfOneRunEndsWithIt) {
  StoredResource record;
  Schedule(absl::FromUnixSeconds(10), &record);
  EXPECT_EQ(Get(record, "exs"), kInitiated);
  EXPECT_EQ(record.execution.next, absl::FromUnixSeconds(10));
  BeginRun("r1", &record);
  EXPECT_EQ(Get(record, "exs"), kPending);
  Follow(absl::InfiniteFuture(), &record);
  EXPECT_EQ(record.execution.phase, Phase::kFollowed);
  EndRun(kSuccess, absl::FromUnixSeconds(20), &record);
  EXPECT_EQ(Get(record, "exs"), kFinished);
  EXPECT_EQ(Get(record, "exr"), kSuccess);
  EXPECT_TRUE(record.execution == Execution());
}

TEST(Execution, OfSeveralRunsWaitsForTheNext) {
  StoredResource record;
  onem2m::Set(record.attributes, "exm", Integer(2));
  onem2m::Set(record.attributes, "exn", Integer(2));
  onem2m::Set(record.attributes, "exf", Text("PT5S"));
  Schedule(absl::FromUnixSeconds(10), &record);
  BeginRun("r1", &record);
  EndRun(kInternalError, absl::FromUnixSeconds(11), &record);
  EXPECT_EQ(Get(record, "exs"), kPending);
  EXPECT_EQ(Get(record, "exr"), kInternalError);
  EXPECT_EQ(record.execution.phase, Phase::kScheduled);
  EXPECT_EQ(record.execution.next, absl::FromUnixSeconds(16));
  BeginRun("r1", &record);
  EndRun(kSuccess, absl::FromUnixSeconds(17), &record);
  EXPECT_EQ(Get(record, "exs"), kFinished);
  EXPECT_EQ(Get(record, "exr"), kSuccess);
}

TEST(ResultOf, KnowsEveryKindOfAnswer) {
  EXPECT_EQ(ResultOf(2004), kSuccess);
  EXPECT_EQ(ResultOf(4000), kInvalidArguments);
  EXPECT_EQ(ResultOf(4005), kRequestUnsupported);
  EXPECT_EQ(ResultOf(6005), kRequestUnsupported);
  EXPECT_EQ(ResultOf(6025), kRequestUnsupported);
  EXPECT_EQ(ResultOf(4103), kRequestDenied);
  EXPECT_EQ(ResultOf(5105), kRequestDenied);
  EXPECT_EQ(ResultOf(6003), kInternalError);
}

TEST(RunResult, FollowsTheStatus) {
  ManagementCommand command;
  command.status = "uds";
  const auto status = [](const char* action, int64_t number) {
    onem2m::v1::Object object, attributes;
    onem2m::Set(object, "acn", Text(action));
    onem2m::Set(object, "sus", Integer(number));
    onem2m::Set(attributes, "uds", onem2m::Complex(object));
    return attributes;
  };
  EXPECT_EQ(RunResult(command, {}), std::nullopt);
  EXPECT_EQ(RunResult(command, status("", 0)), std::nullopt);
  EXPECT_EQ(RunResult(command, status("url", 3)), std::nullopt);
  EXPECT_EQ(RunResult(command, status("ud", 1)), kSuccess);
  EXPECT_EQ(RunResult(command, status("url", 2)), kFileTransferFailed);
  EXPECT_EQ(RunResult(command, status("ud", 2)), kInternalError);
}

}  // namespace
}  // namespace isthmus::synchronizer
