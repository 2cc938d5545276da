#include "services/synchronizer/core/command/execution.h"

#include <algorithm>

#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;
using Phase = Execution::Phase;

// m2m:status (TS-0004 6.3.4.2.23).
constexpr int64_t kStatusSuccessful = 1;
constexpr int64_t kStatusFailure = 2;

void SetStatus(ExecStatus status, StoredResource* execution) {
  onem2m::Set(execution->attributes, "exs", onem2m::Integer(status));
}

}  // namespace

void Schedule(absl::Time start, StoredResource* execution) {
  execution->execution = {Phase::kScheduled, "", 0, start, std::nullopt};
  SetStatus(kInitiated, execution);
}

void BeginRun(const std::string& performer, StoredResource* execution) {
  Execution& state = execution->execution;
  state.phase = Phase::kAsked;
  state.performer = performer;
  state.next = absl::InfiniteFuture();
  state.ended.reset();
  ++state.begun;
  SetStatus(kPending, execution);
}

void Follow(absl::Time give_up, StoredResource* execution) {
  execution->execution.phase = Phase::kFollowed;
  execution->execution.next = give_up;
  execution->execution.ended.reset();
}

void End(ExecStatus status, std::optional<ExecResult> result, StoredResource* execution) {
  execution->execution = {};
  SetStatus(status, execution);
  if (result.has_value()) onem2m::Set(execution->attributes, "exr", onem2m::Integer(*result));
}

void EndRun(ExecResult result, absl::Time now, StoredResource* execution) {
  const CommandSchedule schedule = ScheduleOf(execution->attributes);
  Execution& state = execution->execution;
  if (state.begun >= schedule.runs) return End(kFinished, result, execution);
  onem2m::Set(execution->attributes, "exr", onem2m::Integer(result));
  SetStatus(kPending, execution);
  state.phase = Phase::kScheduled;
  state.next = now + schedule.interval;
  state.ended.reset();
}

ExecResult ResultOf(uint32_t response_status_code) {
  switch (response_status_code) {
    case onem2m::v1::RESPONSE_STATUS_CODE_OK:
    case onem2m::v1::RESPONSE_STATUS_CODE_UPDATED:
      return kSuccess;
    case onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST:
    case onem2m::v1::RESPONSE_STATUS_CODE_CONTENTS_UNACCEPTABLE:
      return kInvalidArguments;
    case onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED:
    case onem2m::v1::RESPONSE_STATUS_CODE_NOT_IMPLEMENTED:
    case onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_FOUND:
    case onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR:
      return kRequestUnsupported;
    case onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE:
    case onem2m::v1::RESPONSE_STATUS_CODE_RECEIVER_HAS_NO_PRIVILEGE:
      return kRequestDenied;
    default:
      return kInternalError;
  }
}

std::optional<ExecResult> RunResult(const ManagementCommand& command, const Object& performer) {
  const Value* status = onem2m::Find(performer, command.status);
  if (status == nullptr || status->kind_case() != Value::kObject) return std::nullopt;
  const Value* number = onem2m::Find(status->object(), "sus");
  if (number == nullptr) return std::nullopt;
  if (number->integer() == kStatusSuccessful) return kSuccess;
  if (number->integer() != kStatusFailure) return std::nullopt;
  return onem2m::FindText(status->object(), "acn") == "url" ? kFileTransferFailed : kInternalError;
}

}  // namespace isthmus::synchronizer
