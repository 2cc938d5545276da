// <mgmtCmd> (TS-0004 7.4.16): creation, change, and execution by an UPDATE; run_commands.cc goes on.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/lib/onem2m/status_code.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/command/execution.h"
#include "services/synchronizer/core/command/management_command.h"
#include "services/synchronizer/core/cse/cse_core.h"
#include "services/synchronizer/core/representation/representation.h"

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

// The last that a timestamp can tell.
absl::Time EndOfTime() { return absl::FromCivil(absl::CivilSecond(9999, 12, 31, 23, 59, 59), absl::UTCTimeZone()); }

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
  for (const onem2m::v1::Attribute& attribute : attributes.members()) Assign(attribute, &command);
  if (Checked checked = CheckCommand(command)) return Refused(call, *checked);
  if (onem2m::Find(attributes, "exe") == nullptr) return UpdateHere(call, entry, attributes);
  return ExecuteCommand(call, entry, attributes, command);
}

// A <node>, by its address or its nodeID.
Checked CseCore::FindTargetNode(const std::string& target, Entry** node) {
  Entry* entry = context_.Resolve(target);
  // Something else may have the address that a device has for its name.
  if (entry == nullptr || entry->record.type != kNode) {
    if (Entry* named = context_.tree.FindNode(target)) entry = named;
  }
  if (entry != nullptr && entry->record.type != kNode) {
    return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE,
                   absl::StrCat("attribute ext (execTarget): expected a <node>, got ", entry->path, ", which is a ",
                                context_.TableOf(entry->record).name)};
  }
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
  if (start >= EndOfTime()) {
    return Refused(
        call, onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR,
        "attributes exy (execDelay) and exra (execReqArgs): it would never begin, the delay leads behind the "
        "year 9999");
  }
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
          Conclude(result.steps, done, [&] {
            StoreSurely(
                [this, execution_id, performer_id, result] { return FinishRun(execution_id, performer_id, result); });
            const Call again = CallOf(*later);
            if (!onem2m::IsSuccess(result.response_status_code)) {
              return Refused(again, result.response_status_code, result.reason);
            }
            const Entry* executed = context_.tree.FindById(command_id);
            if (executed != nullptr) return AnswerUpdate(again, *executed, modified);
            return Refused(again, onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND,
                           "the <mgmtCmd> was deleted while it was executed");
          });
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

}  // namespace isthmus::synchronizer
