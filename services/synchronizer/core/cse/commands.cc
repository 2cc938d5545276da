// <mgmtCmd> and the executions that it begins (TS-0004 7.4.16): creation, change, and the runs of <execInstance>.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/log/log.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/command/execution.h"
#include "services/synchronizer/core/command/management_command.h"
#include "services/synchronizer/core/cse/cse_core.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;
using Phase = Execution::Phase;

bool HasExecutions(const Entry& command) {
  return std::any_of(command.children.begin(), command.children.end(),
                     [](const auto& child) { return child.second->record.type == kExecInstance; });
}

std::string PathOnDevice(const StoredResource& record) {
  const Value* paths = onem2m::Find(record.attributes, "obps");
  return paths == nullptr || paths->list().values().empty() ? "" : paths->list().values(0).text();
}

bool IsMeant(const ManagementCommand& command, const StoredResource& record) {
  if (!command.object_path.empty()) return PathOnDevice(record) == command.object_path;
  const std::string& software = command.software;
  if (!software.empty() && software != onem2m::FindText(record.attributes, "swn") && software != record.name &&
      software != record.resource_id) {
    return false;
  }
  return command.version.empty() || command.version == onem2m::FindText(record.attributes, "vr");
}

bool Succeeded(uint32_t code) { return code >= 2000 && code < 3000; }

// So many begin under one lock and in one transaction.
constexpr size_t kRunsAtOnce = 64;
constexpr absl::Duration kStoreAgain = absl::Seconds(1);
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

CseCore::Outcome CseCore::CreateCommand(const Call& call, Entry* parent, StoredResource record) {
  if (Checked checked = CheckCommand(record.attributes)) return Refused(call, *checked);
  Change change(&context_);
  return FinishCreate(call, parent, std::move(record), &change);
}

CseCore::Outcome CseCore::UpdateCommand(const Call& call, Entry* entry, const Object& attributes) {
  const bool retargeted = onem2m::Find(attributes, "ext") != nullptr || onem2m::Find(attributes, "exm") != nullptr;
  if (retargeted && HasExecutions(*entry)) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED,
                   "attributes ext (execTarget) and exm (execMode) cannot be changed while the <mgmtCmd> has an "
                   "<execInstance>");
  }
  Object command = entry->record.attributes;
  for (const onem2m::v1::Attribute& attribute : attributes.members()) {
    if (attribute.value().kind_case() == Value::kNull) {
      onem2m::Remove(command, attribute.name());
    } else {
      onem2m::Set(command, attribute.name(), attribute.value());
    }
  }
  if (Checked checked = CheckCommand(command)) return Refused(call, *checked);
  if (onem2m::Find(attributes, "exe") == nullptr) return UpdateHere(call, entry, attributes);
  return ExecuteCommand(call, entry, attributes, command);
}

// A <node>, by its address or its nodeID.
Checked CseCore::FindTargetNode(const std::string& target, Entry** node) {
  Entry* entry = context_.Resolve(target);
  if (entry != nullptr && entry->record.type != kNode) {
    return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE,
                   absl::StrCat("attribute ext (execTarget): expected a <node>, got ", entry->path, ", which is a ",
                                context_.TableOf(entry->record).name)};
  }
  if (entry == nullptr) entry = context_.tree.FindNode(target);
  if (entry == nullptr || ResourceTree::Expired(entry, context_.clock->Now()) != nullptr) {
    return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE,
                   absl::StrCat("attribute ext (execTarget): there is no <node> '", target.substr(0, 300), "'")};
  }
  *node = entry;
  return std::nullopt;
}

Checked CseCore::FindPerformer(const Entry& node, const ManagementCommand& command, Entry** performer) const {
  std::vector<Entry*> all, meant, empty;
  for (const auto& [order, child] : node.children) {
    if (!IsOnDevice(child->record) || child->record.root != command.root) continue;
    all.push_back(child);
    if (!IsMeant(command, child->record)) continue;
    meant.push_back(child);
    if (onem2m::FindText(child->record.attributes, "swn").empty() && !IsBusy(*child)) empty.push_back(child);
  }
  const std::string name = absl::StrCat("[", context_.tables.ByRoot(command.root)->name, "]");
  if (all.empty()) {
    return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_FOUND,
                   absl::StrCat(node.path, " has no ", name, ", which ", CommandName(command.type), " needs")};
  }
  if (meant.size() > 1 && command.wants_empty && !empty.empty()) meant = {empty.front()};
  if (meant.size() == 1) {
    *performer = meant.front();
    return std::nullopt;
  }
  const std::string said = meant.empty() ? "is not what the arguments name" : "can be meant";
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR,
                 absl::StrCat("attribute exra (execReqArgs): ", node.path, " has ", all.size(), " ", name, " and ",
                              meant.empty() ? "none " : "more than one ", said,
                              "; UUID (the software's name), version, or anyArg objectPath say which")};
}

bool CseCore::IsBusy(const Entry& performer) const {
  const std::vector<Entry*> executions = context_.tree.ExecutionsBy(performer.record.resource_id);
  return std::any_of(executions.begin(), executions.end(),
                     [](const Entry* one) { return one->record.execution.phase != Phase::kScheduled; });
}

std::vector<Entry*> CseCore::AskedOf(const Entry& performer) const {
  std::vector<Entry*> asked;
  for (Entry* execution : context_.tree.ExecutionsBy(performer.record.resource_id)) {
    if (execution->record.execution.phase == Phase::kAsked) asked.push_back(execution);
  }
  return asked;
}

// After Recv-6.5 (TS-0004 7.4.16.2.3.2).
CseCore::Outcome CseCore::ExecuteCommand(const Call& call, Entry* entry, const Object& attributes,
                                         const Object& command_attributes) {
  ManagementCommand command;
  if (Checked checked = ConvertCommand(command_attributes, &command)) return Refused(call, *checked);
  Entry* node = nullptr;
  Entry* performer = nullptr;
  if (Checked checked = FindTargetNode(onem2m::FindText(command_attributes, "ext"), &node)) {
    return Refused(call, *checked);
  }
  if (Checked checked = FindPerformer(*node, command, &performer)) return Refused(call, *checked);
  if (!context_.access.Allows(call.originator, *performer, kUpdate)) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE,
                   absl::StrCat(call.primitive.from(), " may not UPDATE ", performer->path, ", which ",
                                CommandName(command.type), " does"));
  }

  const absl::Time now = context_.clock->Now();
  const absl::Time start = std::max(now + ScheduleOf(command_attributes).delay, command.not_before);
  if (start >= command.complete_by) {
    return Refused(
        call, onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR,
        absl::StrCat("attribute exra (execReqArgs): completeTime ", onem2m::FormatTimestamp(command.complete_by),
                     " is over when it begins, at ", onem2m::FormatTimestamp(start)));
  }

  Change change(&context_);
  StoredResource& changed = change.Edit(entry);
  std::set<std::string> modified;
  changed.attributes = command_attributes;
  for (const onem2m::v1::Attribute& attribute : attributes.members()) {
    modified.insert(attribute.name());
    change.Mention(entry, attribute.name());
  }
  Object copied;
  // Not acpi: without one of its own the policies of the <mgmtCmd> govern it, as they are at the time.
  for (const char* name : {"exm", "exf", "exy", "exn", "exra"}) {
    if (const Value* value = onem2m::Find(command_attributes, name)) onem2m::Set(copied, name, *value);
  }
  onem2m::Set(copied, "ext", onem2m::Text(node->path));
  if (Checked checked = SettleExpiration(*entry, true, &copied)) return Refused(call, *checked);
  const std::string execution_id = context_.ids->NextId();
  StoredResource execution = NewRecord(*entry, kExecInstance, "m2m:exin", execution_id,
                                       FreeName(*entry, absl::StrCat("exin-", execution_id)), copied);
  execution.creator = call.originator;
  Schedule(start, &execution);
  const bool at_once = start <= now;
  if (at_once) BeginRun(performer->record.resource_id, &execution);
  ManagementRequest request = MakeRun(execution, *performer, command.update);
  change.Insert(std::move(execution));
  if (absl::Status status = change.Commit(); !status.ok()) return StoreFailed(call, status);
  if (!at_once) return AnswerUpdate(call, *entry, modified);

  KeepToLimits(call, &request);
  Outcome outcome;
  outcome.later = [this, later = KeepForLater(call), request = std::move(request), execution_id,
                   command_id = entry->record.resource_id, modified = std::move(modified)](Done done) mutable {
    const std::string performer_id = request.resource_id;
    context_.management->Perform(
        std::move(request), [this, later, execution_id, command_id, performer_id, modified = std::move(modified),
                             done = std::move(done)](const ManagementResult& result) {
          Outcome finished;
          {
            std::lock_guard<std::mutex> lock(mutex_);
            StoreSurely(
                [this, execution_id, performer_id, result] { return FinishRun(execution_id, performer_id, result); });
            const Call again = CallOf(*later);
            const Entry* executed = context_.tree.FindById(command_id);
            if (!Succeeded(result.response_status_code)) {
              finished = Refused(again, result.response_status_code, result.reason);
            } else if (executed == nullptr) {
              finished = Refused(again, onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND,
                                 "the <mgmtCmd> was deleted while it was executed");
            } else {
              finished = AnswerUpdate(again, *executed, modified);
            }
          }
          for (const onem2m::v1::TraceStep& step : result.steps) *finished.response.add_steps() = step;
          context_.effects.Run();
          done(std::move(finished.response));
        });
  };
  return outcome;
}

// An UPDATE of what carries the command out, in the name of who executed it.
ManagementRequest CseCore::MakeRun(const StoredResource& execution, const Entry& performer,
                                   const Object& update) const {
  ManagementRequest request;
  request.primitive.set_operation(onem2m::v1::OPERATION_TYPE_UPDATE);
  request.primitive.set_to(performer.path);
  request.primitive.set_from(execution.creator);
  request.primitive.set_request_identifier(context_.ids->NextId());
  request.primitive.set_release_version_indicator("4");
  request.primitive.mutable_primitive_content()->set_name(performer.record.root);
  *request.primitive.mutable_primitive_content()->mutable_value() = onem2m::Complex(update);
  request.resource_id = performer.record.resource_id;
  request.node_id = NodeIdOf(performer);
  request.resource = ResourceOf(performer);
  request.trace_id = request.primitive.request_identifier();
  return request;
}

// The answer comes by the time that the originator set.
void CseCore::KeepToLimits(const Call& call, ManagementRequest* request) {
  if (!call.trace_id.empty()) request->trace_id = call.trace_id;
  if (call.primitive.has_request_expiration()) {
    *request->primitive.mutable_request_expiration() = call.primitive.request_expiration();
  }
  if (call.primitive.has_operation_execution_time()) {
    *request->primitive.mutable_operation_execution_time() = call.primitive.operation_execution_time();
  }
}

absl::Status CseCore::FinishRun(const std::string& execution_id, const std::string& performer_id,
                                const ManagementResult& result) {
  Entry* execution = context_.tree.FindById(execution_id);
  Entry* performer = context_.tree.FindById(performer_id);
  const bool succeeded = Succeeded(result.response_status_code);
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
