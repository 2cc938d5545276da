// Performs a plan of LwM2M operations on one device, in order, each only if the one before succeeded.
//
//   ExecutePlan(session, {endpoint, plan, /*first_step=*/0, ...}, [](PlanEnd end) { ... });
//
// A step with a precondition is preceded by a read of the resource that it names: if one of its values is there the
// step goes on; if one of its failure values is, the plan ends as kImpossible; else it ends as kWaiting and somebody
// keeps the rest (unfinished_plans.h).
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_PLAN_EXECUTION_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_PLAN_EXECUTION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.pb.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/synchronizer/core/device/session_port.h"

namespace isthmus::synchronizer {

struct PlanStart {
  std::string endpoint;
  translation::v1::Plan plan;
  size_t first_step = 0;
  // The precondition of the first step is known to hold: it is not read again.
  bool first_holds = false;
  absl::Time deadline = absl::InfiniteFuture();
  absl::Time session_deadline = absl::InfiniteFuture();
  std::string trace_id;
};

struct PlanEnd {
  enum class Kind {
    kCompleted,      // every step succeeded
    kStepFailed,     // the last of `results` is the failure
    kWaiting,        // the precondition of `step` does not hold yet
    kImpossible,     // the precondition of `step` can no longer come true
    kNoAnswer,       // the device did not answer in time: what it did is unknown
    kNotRegistered,  // the device is not registered; the operation was not sent
    kNoSession,      // no session with the LwM2M Server; the operation was not sent
  };
  Kind kind = Kind::kCompleted;
  // Index of the step where it ended; the number of steps when completed.
  size_t step = 0;
  // Results from `first_step` on.
  std::vector<lwm2m::v1::OperationResult> results;
  // What the precondition's resource was read as.
  lwm2m::v1::OperationResult precondition_read;
  std::optional<int64_t> precondition_value;
  // The operation of `step` itself (and not the read before it) was handed to the session.
  bool step_sent = false;
  std::vector<onem2m::v1::TraceStep> trace;
  std::string reason;  // in words, unless completed
};

// Whether a precondition holds at a value; nothing = not yet, and it may still come.
std::optional<bool> Holds(const translation::v1::Precondition& precondition, std::optional<int64_t> value);

// `session` outlives the call of `done`, which comes exactly once, by the deadline, on any thread.
void ExecutePlan(SessionPort* session, PlanStart start, std::function<void(PlanEnd)> done);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_PLAN_EXECUTION_H_
