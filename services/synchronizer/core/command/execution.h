// How an <execInstance> goes on (TS-0004 7.4.16.2.3.2, 7.4.17; m2m:execStatusType, m2m:execResultType of 6.3.4.2).
//
//   BeginRun(performer_id, &record);                    // PENDING, the device is being asked
//   Follow(command.complete_by, &record);               // the device has begun
//   if (auto result = RunResult(command, attributes)) EndRun(*result, now, &record);  // FINISHED, or the next run
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_COMMAND_EXECUTION_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_COMMAND_EXECUTION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/command/management_command.h"
#include "services/synchronizer/core/resource/resource_store.h"

namespace isthmus::synchronizer {

enum ExecStatus : int64_t {
  kInitiated = 1,
  kPending = 2,
  kFinished = 3,
  kCancelling = 4,
  kCancelled = 5,
  kNonCancellable = 6,
};

// Those that a LwM2M device can bring about.
enum ExecResult : int64_t {
  kSuccess = 0,
  kRequestUnsupported = 1,
  kRequestDenied = 2,
  kCancellationDenied = 3,
  kInternalError = 4,
  kInvalidArguments = 5,
  kFileTransferFailed = 7,
  kFileTransferWindowExceeded = 19,
};

// The first run begins at `start`.
void Schedule(absl::Time start, StoredResource* execution);
void BeginRun(const std::string& performer, StoredResource* execution);
void Follow(absl::Time give_up, StoredResource* execution);
// The next run, or the end.
void EndRun(ExecResult result, absl::Time now, StoredResource* execution);
void End(ExecStatus status, std::optional<ExecResult> result, StoredResource* execution);

// What the answer to the UPDATE of the <mgmtObj> says of a run that ended with it.
ExecResult ResultOf(uint32_t response_status_code);
// What the attributes of the <mgmtObj> say of the run; nothing while it goes on.
std::optional<ExecResult> RunResult(const ManagementCommand& command, const onem2m::v1::Object& performer);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_COMMAND_EXECUTION_H_
