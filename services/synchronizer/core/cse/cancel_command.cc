// Taking back what a <mgmtCmd> has begun: UPDATE of execDisable and DELETE of an <execInstance> (TS-0004 7.4.17.2.1,
// 7.4.17.2.3), DELETE of the <mgmtCmd> (7.4.16.2.4).
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/onem2m/status_code.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/command/execution.h"
#include "services/synchronizer/core/command/management_command.h"
#include "services/synchronizer/core/cse/cse_core.h"

namespace isthmus::synchronizer {
namespace {

using Phase = Execution::Phase;

bool IsUnderWay(const Entry& execution) { return execution.record.execution.phase != Phase::kNone; }

bool IsUnreachable(uint32_t code) {
  return code == onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE ||
         code == onem2m::v1::RESPONSE_STATUS_CODE_MGMT_SESSION_CANNOT_BE_ESTABLISHED ||
         code == onem2m::v1::RESPONSE_STATUS_CODE_MGMT_SESSION_ESTABLISHMENT_TIMEOUT;
}

}  // namespace

CseCore::Outcome CseCore::CancelExecution(const Call& call, Entry* entry) {
  if (!IsUnderWay(*entry)) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_ALREADY_COMPLETE,
                   absl::StrCat(entry->path, " has ended: there is nothing to cancel"));
  }
  return Cancel(call, entry, {entry}, &CseCore::FinishCancelByUpdate);
}

CseCore::Outcome CseCore::FinishCancelByUpdate(const Call& call, Entry* entry) {
  onem2m::v1::Object attributes = call.primitive.primitive_content().value().object();
  if (Checked checked = SettleExpiration(*entry->parent, false, &attributes)) return Refused(call, *checked);
  return UpdateHere(call, entry, attributes);
}

CseCore::Outcome CseCore::DeleteCommand(const Call& call, Entry* entry) {
  std::vector<Entry*> executions;
  if (entry->record.type == kExecInstance) {
    if (IsUnderWay(*entry)) executions.push_back(entry);
  } else {
    for (const auto& [order, child] : entry->children) {
      if (child->record.type == kExecInstance && IsUnderWay(*child)) executions.push_back(child);
    }
  }
  if (executions.empty()) return DeleteHere(call, entry);
  // Once more from the beginning: another one may have begun by then.
  return Cancel(call, entry, executions, &CseCore::DeleteCommand);
}

// Cancels all of `executions`, which are under way, and does `finish` with `target` when that has succeeded. Nothing is
// cancelled when one of them cannot be.
CseCore::Outcome CseCore::Cancel(const Call& call, Entry* target, const std::vector<Entry*>& executions,
                                 Outcome (CseCore::*finish)(const Call&, Entry*)) {
  struct Request {
    ManagementRequest request;
    std::string execution_id;
  };
  std::vector<Entry*> stuck;
  std::string busy;
  std::vector<Request> requests;
  Change change(&context_);
  for (Entry* execution : executions) {
    const Phase phase = execution->record.execution.phase;
    if (phase == Phase::kScheduled) {
      End(kCancelled, std::nullopt, &change.Edit(execution));
      continue;
    }
    const ManagementCommand command = CommandOf(*execution);
    const Entry* performer = context_.tree.FindById(execution->record.execution.performer);
    if (command.cancel.members().empty() || performer == nullptr) {
      stuck.push_back(execution);
      continue;
    }
    // It would end what another one has just been asked to begin.
    const std::vector<Entry*> asked = AskedOf(*performer);
    const bool another = std::any_of(asked.begin(), asked.end(), [&](Entry* other) {
      return std::find(executions.begin(), executions.end(), other) == executions.end();
    });
    if (phase == Phase::kCancelling) busy = " is being cancelled";
    if (another) busy = " cannot be cancelled while another execution begins on its device";
    if (!busy.empty()) {
      busy = execution->path + busy;
      break;
    }
    StoredResource& record = change.Edit(execution);
    record.execution.phase = Phase::kCancelling;
    record.execution.next = absl::InfiniteFuture();
    onem2m::Set(record.attributes, "exs", onem2m::Integer(kCancelling));
    requests.push_back({MakeRun(record, *performer, command.cancel), record.resource_id});
    KeepToLimits(call, &requests.back().request);
  }
  if (!busy.empty()) return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CANCELLATION_FAILED, busy);
  if (!stuck.empty()) {
    Change marks(&context_);
    for (Entry* execution : stuck) {
      onem2m::Set(marks.Edit(execution).attributes, "exs", onem2m::Integer(kNonCancellable));
    }
    if (absl::Status status = marks.Commit(); !status.ok()) return StoreFailed(call, status);
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_MGMT_COMMAND_NOT_CANCELLABLE,
                   absl::StrCat(stuck.front()->path, " is under way on the device and cannot be taken back"));
  }
  if (absl::Status status = change.Commit(); !status.ok()) return StoreFailed(call, status);
  if (requests.empty()) return (this->*finish)(call, target);

  struct Progress {
    size_t left;
    std::vector<std::string> failures;
    std::vector<onem2m::v1::TraceStep> steps;
  };
  Outcome outcome;
  outcome.later = [this, later = KeepForLater(call), requests = std::move(requests),
                   target_id = target->record.resource_id, finish](Done done) mutable {
    auto progress = std::make_shared<Progress>(Progress{requests.size(), {}, {}});
    for (Request& one : requests) {
      const std::string performer_id = one.request.resource_id;
      context_.management->Perform(
          std::move(one.request), [this, later, progress, performer_id, execution_id = one.execution_id, target_id,
                                   finish, done](const ManagementResult& result) {
            bool last = false;
            {
              std::lock_guard<std::mutex> lock(mutex_);
              StoreSurely([this, execution_id, performer_id, result] {
                return FinishCancel(execution_id, performer_id, result);
              });
              if (!onem2m::IsSuccess(result.response_status_code)) {
                progress->failures.push_back(
                    absl::StrCat("the device answered ", result.response_status_code, ": ", result.reason));
              }
              progress->steps.insert(progress->steps.end(), result.steps.begin(), result.steps.end());
              last = --progress->left == 0;
            }
            if (!last) return context_.effects.Run();
            Conclude(progress->steps, done, [&] {
              const Call again = CallOf(*later);
              if (!progress->failures.empty()) {
                return Refused(again, onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CANCELLATION_FAILED,
                               absl::StrJoin(progress->failures, "; "));
              }
              Entry* there = context_.tree.FindById(target_id);
              if (there != nullptr) return (this->*finish)(again, there);
              return Refused(again, onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND,
                             "the resource was deleted while the request was under way");
            });
          });
    }
  };
  return outcome;
}

absl::Status CseCore::FinishCancel(const std::string& execution_id, const std::string& performer_id,
                                   const ManagementResult& result) {
  Entry* execution = context_.tree.FindById(execution_id);
  Entry* performer = context_.tree.FindById(performer_id);
  const ManagementCommand command = execution == nullptr ? ManagementCommand() : CommandOf(*execution);
  const bool succeeded = onem2m::IsSuccess(result.response_status_code);
  const absl::Time now = context_.clock->Now();
  Change change(&context_);
  std::set<std::string> modified;
  if (performer != nullptr) {
    if (succeeded) KeepUpdate(&change, performer, command.cancel, result, &modified);
    MergeResult(&change, performer, result);
  }
  if (execution != nullptr && execution->record.execution.phase == Phase::kCancelling) {
    StoredResource& record = change.Edit(execution);
    std::optional<ExecResult> ended;
    if (record.execution.ended.has_value()) ended = static_cast<ExecResult>(*record.execution.ended);
    if (performer == nullptr) ended = kInternalError;
    // Its end may have come meanwhile.
    if (!ended.has_value()) ended = RunResult(command, change.Edit(performer).attributes);
    if (succeeded) {
      End(kCancelled, std::nullopt, &record);
    } else if (ended.has_value()) {
      EndRun(*ended, now, &record);
    } else if (record.execution.next == absl::InfiniteFuture() || !IsUnreachable(result.response_status_code)) {
      // One from before a restart is asked for until the device is reached.
      onem2m::Set(record.attributes, "exs", onem2m::Integer(kPending));
      onem2m::Set(record.attributes, "exr", onem2m::Integer(kCancellationDenied));
      Follow(command.complete_by, &record);
    }
  }
  return change.Commit();
}

}  // namespace isthmus::synchronizer
