// A plan whose next step waits for a condition on the device, and its form in the store.
//
//   resources->KeepState(key, SerializeUnfinishedPlan(plan));
//   ASSIGN_OR_RETURN(const UnfinishedPlan plan, ParseUnfinishedPlan(resource_id, resources->GetState(key)));
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_UNFINISHED_PLAN_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_UNFINISHED_PLAN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/translation/v1/translation.pb.h"

namespace isthmus::synchronizer {

struct UnfinishedPlan {
  std::string resource_id;
  std::string endpoint;
  std::string trace_id;
  absl::Time since;
  bool step_sent = false;
  // Request, resource, whole plan, and the results of the steps that are done: the next step is the one that waits.
  translation::v1::TranslateResponseRequest work;
};

// Without the resource, which is the plan's key.
std::string SerializeUnfinishedPlan(const UnfinishedPlan& plan);
//   DATA_LOSS  it was not written by SerializeUnfinishedPlan, or no step of it waits.
absl::StatusOr<UnfinishedPlan> ParseUnfinishedPlan(const std::string& resource_id, const std::string& text);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_UNFINISHED_PLAN_H_
