// <mgmtCmd> and the executions that it begins (TS-0004 7.4.16): creation, change, and the runs of <execInstance>.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/log/log.h"
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
    if (onem2m::FindText(child->record.attributes, "swn").empty()) empty.push_back(child);
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

  Change change(&context_);
  StoredResource& changed = change.Edit(entry);
  std::set<std::string> modified;
  changed.attributes = command_attributes;
  for (const onem2m::v1::Attribute& attribute : attributes.members()) {
    modified.insert(attribute.name());
    change.Mention(entry, attribute.name());
  }
  Object copied;
  for (const char* name : {"acpi", "exm", "exf", "exy", "exn", "exra"}) {
    if (const Value* value = onem2m::Find(command_attributes, name)) onem2m::Set(copied, name, *value);
  }
  onem2m::Set(copied, "ext", onem2m::Text(node->path));
  if (Checked checked = SettleExpiration(*entry, true, &copied)) return Refused(call, *checked);
  const std::string execution_id = context_.ids->NextId();
  StoredResource execution = NewRecord(*entry, kExecInstance, "m2m:exin", execution_id,
                                       FreeName(*entry, absl::StrCat("exin-", execution_id)), copied);
  execution.creator = call.originator;
  const absl::Time now = context_.clock->Now();
  const absl::Time start = std::max(now + ScheduleOf(command_attributes).delay, command.not_before);
  Schedule(start, &execution);
  const bool at_once = start <= now;
  if (at_once) BeginRun(performer->record.resource_id, &execution);
  ManagementRequest request = MakeRun(execution, *performer, command.update);
  change.Insert(std::move(execution));
  if (absl::Status status = change.Commit(); !status.ok()) return StoreFailed(call, status);
  if (!at_once) return AnswerUpdate(call, *entry, modified);

  request.trace_id = call.trace_id.empty() ? context_.ids->NextId() : call.trace_id;
  if (call.primitive.has_request_expiration()) {
    *request.primitive.mutable_request_expiration() = call.primitive.request_expiration();
  }
  if (call.primitive.has_operation_execution_time()) {
    *request.primitive.mutable_operation_execution_time() = call.primitive.operation_execution_time();
  }
  Outcome outcome;
  outcome.later = [this, later = KeepForLater(call), request = std::move(request), execution_id,
                   command_id = entry->record.resource_id, modified = std::move(modified)](Done done) mutable {
    const std::string performer_id = request.resource_id;
    context_.management->Perform(std::move(request),
                                 [this, later, execution_id, command_id, performer_id, modified = std::move(modified),
                                  done = std::move(done)](const ManagementResult& result) {
                                   Outcome finished;
                                   {
                                     std::lock_guard<std::mutex> lock(mutex_);
                                     FinishRun(execution_id, performer_id, result);
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
                                   for (const onem2m::v1::TraceStep& step : result.steps)
                                     *finished.response.add_steps() = step;
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

void CseCore::FinishRun(const std::string& execution_id, const std::string& performer_id,
                        const ManagementResult& result) {
  Entry* execution = context_.tree.FindById(execution_id);
  Entry* performer = context_.tree.FindById(performer_id);
  const bool succeeded = Succeeded(result.response_status_code);
  // One that is being cancelled is not brought back by the answer to what began it.
  const bool asked = execution != nullptr && execution->record.execution.phase == Phase::kAsked;
  const ManagementCommand command = execution == nullptr ? ManagementCommand() : CommandOf(*execution);
  Change change(&context_);
  std::set<std::string> modified;
  if (performer != nullptr) {
    if (succeeded) KeepUpdate(&change, performer, command.update, result, &modified);
    MergeResult(&change, performer, result);
  }
  if (asked && (!succeeded || command.status.empty() || performer == nullptr)) {
    EndRun(ResultOf(result.response_status_code), context_.clock->Now(), &change.Edit(execution));
  } else if (asked) {
    Follow(command.complete_by, &change.Edit(execution));
    // A newer one has taken the place of what the device was doing before.
    for (Entry* other : context_.tree.ExecutionsBy(performer_id)) {
      if (other != execution && other->record.execution.phase == Phase::kFollowed) {
        End(kCancelled, std::nullopt, &change.Edit(other));
      }
    }
  }
  if (absl::Status status = change.Commit(); !status.ok()) {
    log::Error("the run of a command could not be stored", {{"resource", execution_id}, {"error", status.ToString()}});
  }
}

void CseCore::UnfinishedUpdateFailed(const std::string& resource_id, uint32_t code, const std::string& reason) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Change change(&context_);
    for (Entry* execution : context_.tree.ExecutionsBy(resource_id)) {
      if (execution->record.execution.phase != Phase::kFollowed) continue;
      log::Info("the execution of a command has failed",
                {{"resource", execution->record.resource_id}, {"reason", reason}});
      // What is waited for is a package, which did not come.
      EndRun(code == 0 ? kFileTransferFailed : ResultOf(code), context_.clock->Now(), &change.Edit(execution));
    }
    if (absl::Status status = change.Commit(); !status.ok()) {
      log::Error("the end of a command could not be stored", {{"error", status.ToString()}});
    }
  }
  context_.effects.Run();
}

void CseCore::RunCommands() {
  struct Run {
    ManagementRequest request;
    std::string execution_id;
  };
  std::vector<Run> runs;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const absl::Time now = context_.clock->Now();
    std::vector<Entry*> due;
    for (Entry* execution : context_.tree.executions()) {
      if (execution->record.execution.next <= now) due.push_back(execution);
    }
    for (Entry* execution : due) {
      Change change(&context_);
      StoredResource& record = change.Edit(execution);
      if (record.execution.phase == Phase::kFollowed) {
        EndRun(kFileTransferWindowExceeded, now, &record);
      } else if (record.execution.phase == Phase::kScheduled) {
        const ManagementCommand command = CommandOf(*execution);
        Entry* node = nullptr;
        Entry* performer = nullptr;
        Checked checked = FindTargetNode(onem2m::FindText(record.attributes, "ext"), &node);
        if (!checked.has_value()) checked = FindPerformer(*node, command, &performer);
        if (!checked.has_value() && !context_.access.Allows(record.creator, *performer, kUpdate)) {
          checked = Refusal{onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE, "rights were taken away"};
        }
        record.execution.next = absl::InfiniteFuture();
        BeginRun(performer == nullptr ? "" : performer->record.resource_id, &record);
        if (checked.has_value()) {
          EndRun(ResultOf(checked->code), now, &record);
        } else {
          runs.push_back({MakeRun(record, *performer, command.update), record.resource_id});
        }
      } else {
        continue;
      }
      if (absl::Status status = change.Commit(); !status.ok()) {
        log::Error("the run of a command could not be stored", {{"error", status.ToString()}});
        return;
      }
    }
  }
  context_.effects.Run();
  for (Run& run : runs) {
    const std::string performer_id = run.request.resource_id;
    context_.management->Perform(std::move(run.request),
                                 [this, execution_id = run.execution_id, performer_id](const ManagementResult& result) {
                                   {
                                     std::lock_guard<std::mutex> lock(mutex_);
                                     FinishRun(execution_id, performer_id, result);
                                   }
                                   context_.effects.Run();
                                 });
  }
}

// After a restart nobody waits for an answer of the device: what has a status is followed, of the rest nothing is
// known.
void CseCore::ResumeExecutions() {
  std::vector<Entry*> unanswered;
  for (Entry* execution : context_.tree.executions()) {
    const Phase phase = execution->record.execution.phase;
    if (phase == Phase::kAsked || phase == Phase::kCancelling) unanswered.push_back(execution);
  }
  for (Entry* execution : unanswered) {
    Change change(&context_);
    const ManagementCommand command = CommandOf(*execution);
    StoredResource& record = change.Edit(execution);
    if (command.status.empty()) {
      EndRun(kInternalError, context_.clock->Now(), &record);
    } else {
      onem2m::Set(record.attributes, "exs", onem2m::Integer(kPending));
      Follow(command.complete_by, &record);
    }
    if (absl::Status status = change.Commit(); !status.ok()) {
      log::Error("a command could not be taken up again", {{"error", status.ToString()}});
    }
  }
}

}  // namespace isthmus::synchronizer
