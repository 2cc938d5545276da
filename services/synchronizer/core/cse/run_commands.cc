// The runs of <execInstance> (TS-0004 7.4.16.2.3.2): their answers, their ends, and what is due.
#include <algorithm>
#include <optional>
#include <utility>

#include "services/lib/log/log.h"
#include "services/lib/onem2m/status_code.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/command/execution.h"
#include "services/synchronizer/core/command/management_command.h"
#include "services/synchronizer/core/cse/cse_core.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;
using Phase = Execution::Phase;

// So many begin under one lock and in one transaction.
constexpr size_t kRunsAtOnce = 64;
constexpr absl::Duration kStoreAgain = absl::Seconds(1);
// How long after a cancellation that nobody waits for the next one is tried.
constexpr absl::Duration kCancelAgain = absl::Minutes(1);
// How long what was asked for before a restart may go on without a word from the device.
constexpr absl::Duration kResumedFor = absl::Hours(24);
// What an adjustment of the clock does at a time, beside being set.
constexpr absl::Duration kClockDrift = absl::Seconds(1);

absl::Duration ClockOffset(const Clock& clock) { return clock.Now() - absl::UnixEpoch() - clock.Monotonic(); }

// Asks for what is under way anyway.
bool AsksForTheSame(const Object& given, const ManagementCommand& command) {
  bool acts = false;
  for (const onem2m::v1::Attribute& attribute : given.members()) {
    const Value* asked = onem2m::Find(command.update, attribute.name());
    if (asked == nullptr || !onem2m::Equal(*asked, attribute.value())) return false;
    acts |= attribute.value().kind_case() == Value::kBoolean;
  }
  return acts;
}

}  // namespace

absl::Status CseCore::FinishRun(const std::string& execution_id, const std::string& performer_id,
                                const ManagementResult& result) {
  Entry* execution = context_.tree.FindById(execution_id);
  Entry* performer = context_.tree.FindById(performer_id);
  const bool succeeded = onem2m::IsSuccess(result.response_status_code);
  const Phase phase = execution == nullptr ? Phase::kNone : execution->record.execution.phase;
  const ManagementCommand command = execution == nullptr ? ManagementCommand() : CommandOf(*execution);
  const absl::Time now = context_.clock->Now();
  Change change(&context_);
  std::set<std::string> modified;
  if (performer != nullptr) {
    if (succeeded) KeepUpdate(&change, performer, command.update, result, &modified);
    MergeResult(&change, performer, result);
  }
  if (phase == Phase::kCancelling && !succeeded) {
    // One that is being cancelled is not brought back by the answer to what began it; it matters when that fails too.
    change.Edit(execution).execution.ended = ResultOf(result.response_status_code);
  } else if (phase == Phase::kAsked && (!succeeded || command.status.empty())) {
    EndRun(ResultOf(result.response_status_code), now, &change.Edit(execution));
  } else if (phase == Phase::kAsked && performer == nullptr) {
    EndRun(kInternalError, now, &change.Edit(execution));
  } else if (phase == Phase::kAsked) {
    StoredResource& record = change.Edit(execution);
    std::optional<ExecResult> ended;
    if (record.execution.ended.has_value()) ended = static_cast<ExecResult>(*record.execution.ended);
    const bool told = std::any_of(result.attributes.begin(), result.attributes.end(),
                                  [&](const auto& attribute) { return attribute.name() == command.status; });
    if (told && !ended.has_value()) ended = RunResult(command, change.Edit(performer).attributes);
    Follow(command.complete_by, &record);
    if (ended.has_value()) EndRun(*ended, now, &record);
    // A newer one has taken the place of what the device was doing before.
    for (Entry* other : context_.tree.ExecutionsBy(performer_id)) {
      if (other != execution && other->record.execution.phase == Phase::kFollowed) {
        End(kCancelled, std::nullopt, &change.Edit(other));
      }
    }
  }
  return change.Commit();
}

void CseCore::EndSuperseded(Change* change, const Entry& performer, const Object& given,
                            const ManagementResult& result) const {
  Object of_device;
  for (const onem2m::v1::Attribute& attribute : given.members()) {
    const bool local = context_.TableOf(performer.record).IsCommon(attribute.name()) ||
                       std::count(result.local_attributes.begin(), result.local_attributes.end(), attribute.name()) > 0;
    // An action that is not wanted asks for nothing.
    const bool nothing = attribute.value().kind_case() == Value::kBoolean && !attribute.value().boolean();
    if (!local && !nothing) *of_device.add_members() = attribute;
  }
  if (of_device.members().empty()) return;
  for (Entry* execution : context_.tree.ExecutionsBy(performer.record.resource_id)) {
    if (execution->record.execution.phase != Phase::kFollowed) continue;
    if (!AsksForTheSame(of_device, CommandOf(*execution))) End(kCancelled, std::nullopt, &change->Edit(execution));
  }
}

void CseCore::UnfinishedUpdateFailed(const std::string& resource_id, uint32_t code, const std::string& reason) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    log::Info("what a <mgmtObj> was asked to do later has failed", {{"resource", resource_id}, {"reason", reason}});
    StoreSurely([this, resource_id, code] { return EndUnfinished(resource_id, code); });
  }
  context_.effects.Run();
}

absl::Status CseCore::EndUnfinished(const std::string& performer_id, uint32_t code) {
  // What is waited for is a package, which did not come.
  const ExecResult result = code == 0 ? kFileTransferFailed : ResultOf(code);
  Change change(&context_);
  for (Entry* execution : context_.tree.ExecutionsBy(performer_id)) {
    const Phase phase = execution->record.execution.phase;
    if (phase == Phase::kFollowed) {
      EndRun(result, context_.clock->Now(), &change.Edit(execution));
    } else if (phase != Phase::kScheduled) {
      change.Edit(execution).execution.ended = result;
    }
  }
  return change.Commit();
}

// ---- what is due ---------------------------------------------------------------------------------------------------

void CseCore::StoreSurely(std::function<absl::Status()> commit) {
  const absl::Status status = commit();
  if (status.ok()) return;
  log::Error("how far a command is could not be stored", {{"error", status.ToString()}});
  unstored_.push_back(std::move(commit));
  store_again_ = context_.clock->Monotonic() + kStoreAgain;
}

// Delays and intervals are of time that passes: when somebody sets the clock, the runs that wait move with it.
// startTime and completeTime stay where they are.
void CseCore::FollowClock() {
  const absl::Duration offset = ClockOffset(*context_.clock);
  const absl::Duration moved = offset - clock_offset_;
  if (absl::AbsDuration(moved) <= kClockDrift) return;
  Change change(&context_);
  for (Entry* execution : context_.tree.executions()) {
    const Execution& state = execution->record.execution;
    if (state.phase != Phase::kScheduled || state.next == CommandOf(*execution).not_before) continue;
    change.Edit(execution).execution.next += moved;
  }
  if (const absl::Status status = change.Commit(); !status.ok()) {
    log::Error("commands could not follow the clock", {{"error", status.ToString()}});
    store_again_ = context_.clock->Monotonic() + kStoreAgain;
    return;
  }
  clock_offset_ = offset;
}

void CseCore::RunDue(Entry* execution, Change* change, std::vector<Errand>* errands) {
  const absl::Time now = context_.clock->Now();
  StoredResource& record = change->Edit(execution);
  const Phase phase = record.execution.phase;
  const ManagementCommand command = CommandOf(*execution);
  Entry* performer = context_.tree.FindById(record.execution.performer);
  record.execution.next = absl::InfiniteFuture();
  // It is removed soon.
  if (ResourceTree::Expired(execution, now) != nullptr) return;
  if (phase == Phase::kFollowed) {
    const bool closed = now >= command.complete_by;
    EndRun(closed ? kFileTransferWindowExceeded : kInternalError, now, &record);
    // Nobody wants an update after the window that was asked for; but what another one begins takes its place anyway.
    if (closed && performer != nullptr && !command.cancel.members().empty() && AskedOf(*performer).empty()) {
      errands->push_back({MakeRun(record, *performer, command.cancel), "", true});
    }
  } else if (phase == Phase::kCancelling && performer != nullptr) {
    record.execution.next = now + kCancelAgain;
    errands->push_back({MakeRun(record, *performer, command.cancel), record.resource_id, true});
  } else if (phase == Phase::kCancelling) {
    EndRun(kInternalError, now, &record);
  } else if (phase == Phase::kScheduled) {
    Entry* node = nullptr;
    Checked checked;
    if (command.root.empty()) {
      checked = Refusal{onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR, "it is no longer converted"};
    } else if (command.complete_by > now) {
      checked = FindTargetNode(onem2m::FindText(record.attributes, "ext"), &node);
      if (!checked.has_value()) checked = FindPerformer(*node, command, &performer);
      if (!checked.has_value() && !context_.access.Allows(record.creator, *performer, kUpdate)) {
        checked = Refusal{onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE, "rights were taken away"};
      }
    }
    BeginRun(node == nullptr || checked.has_value() ? "" : performer->record.resource_id, &record);
    if (checked.has_value()) {
      EndRun(ResultOf(checked->code), now, &record);
    } else if (node == nullptr) {
      EndRun(kFileTransferWindowExceeded, now, &record);
    } else {
      errands->push_back({MakeRun(record, *performer, command.update), record.resource_id, false});
    }
  }
}

void CseCore::Perform(Errand errand) {
  const std::string performer_id = errand.request.resource_id;
  const auto finish = errand.cancels ? &CseCore::FinishCancel : &CseCore::FinishRun;
  context_.management->Perform(std::move(errand.request), [this, finish, execution_id = errand.execution_id,
                                                           performer_id](const ManagementResult& result) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      StoreSurely([this, finish, execution_id, performer_id, result] {
        return (this->*finish)(execution_id, performer_id, result);
      });
    }
    context_.effects.Run();
  });
}

void CseCore::RunCommands() {
  std::vector<Errand> errands;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (context_.clock->Monotonic() < store_again_) return;
    for (std::function<absl::Status()>& commit : std::exchange(unstored_, {})) StoreSurely(std::move(commit));
    FollowClock();
    Change change(&context_);
    for (Entry* execution : context_.tree.DueExecutions(context_.clock->Now(), kRunsAtOnce)) {
      RunDue(execution, &change, &errands);
    }
    if (absl::Status status = change.Commit(); !status.ok()) {
      log::Error("the runs of commands could not be stored", {{"error", status.ToString()}});
      store_again_ = context_.clock->Monotonic() + kStoreAgain;
      errands.clear();
    }
  }
  context_.effects.Run();
  for (Errand& errand : errands) Perform(std::move(errand));
}

// After a restart nobody waits for an answer of the device: what has a status is followed, of the rest nothing is
// known. A cancellation is asked for again.
void CseCore::ResumeExecutions() {
  const absl::Time now = context_.clock->Now();
  clock_offset_ = ClockOffset(*context_.clock);
  Change change(&context_);
  for (Entry* execution : context_.tree.executions()) {
    const Phase phase = execution->record.execution.phase;
    const ManagementCommand command = CommandOf(*execution);
    if (phase == Phase::kCancelling) {
      change.Edit(execution).execution.next = now;
    } else if (phase == Phase::kAsked && command.status.empty()) {
      EndRun(kInternalError, now, &change.Edit(execution));
    } else if (phase == Phase::kAsked) {
      Follow(std::min(command.complete_by, now + kResumedFor), &change.Edit(execution));
    }
  }
  if (absl::Status status = change.Commit(); !status.ok()) {
    log::Error("commands could not be taken up again", {{"error", status.ToString()}});
  }
}

}  // namespace isthmus::synchronizer
