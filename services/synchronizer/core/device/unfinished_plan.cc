#include "services/synchronizer/core/device/unfinished_plan.h"

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace isthmus::synchronizer {
namespace {

constexpr char kVersion[] = "plan-1";

}  // namespace

std::string SerializeUnfinishedPlan(const UnfinishedPlan& plan) {
  return absl::StrCat(kVersion, "\n", absl::ToUnixMicros(plan.since), "\n", plan.step_sent ? 1 : 0, "\n",
                      absl::Base64Escape(plan.endpoint), "\n", absl::Base64Escape(plan.trace_id), "\n",
                      absl::Base64Escape(plan.work.SerializeAsString()));
}

absl::StatusOr<UnfinishedPlan> ParseUnfinishedPlan(const std::string& resource_id, const std::string& text) {
  const auto bad = [&](absl::string_view what) {
    return absl::DataLossError(absl::StrCat("stored plan of ", resource_id, ": ", what));
  };
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.size() != 6) return bad("6 lines were expected");
  if (lines[0] != kVersion) return bad(absl::StrCat("unknown version ", lines[0]));
  UnfinishedPlan plan;
  plan.resource_id = resource_id;
  int64_t micros = 0;
  if (!absl::SimpleAtoi(lines[1], &micros)) return bad("the time is no number");
  plan.since = absl::FromUnixMicros(micros);
  plan.step_sent = lines[2] == "1";
  std::string work;
  if (!absl::Base64Unescape(lines[3], &plan.endpoint) || !absl::Base64Unescape(lines[4], &plan.trace_id) ||
      !absl::Base64Unescape(lines[5], &work) || !plan.work.ParseFromString(work)) {
    return bad("the work cannot be parsed");
  }
  if (plan.work.results_size() >= plan.work.plan().steps_size() ||
      !plan.work.plan().steps(plan.work.results_size()).has_precondition()) {
    return bad("no step of it waits");
  }
  return plan;
}

}  // namespace isthmus::synchronizer
