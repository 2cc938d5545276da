#include "services/synchronizer/core/cse/cse_core.h"

#include "absl/strings/str_cat.h"
#include "services/lib/log/log.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_macros.h"
#include "services/synchronizer/core/cse/primitive_check.h"
#include "services/synchronizer/core/cse/sibling_links.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::HandleResponse;
using onem2m::v1::RequestPrimitive;

constexpr char kDevicesPolicy[] = "devicesAcp";
constexpr char kDevicesPolicyMade[] = "cse/devices_policy_made";

onem2m::v1::Value Privileges(const std::vector<std::string>& originators) {
  onem2m::v1::Object rule, rules;
  onem2m::Set(rule, "acor", onem2m::TextList(originators));
  onem2m::Set(rule, "acop", onem2m::Integer(63));
  onem2m::Set(rules, "acr", onem2m::List({onem2m::Complex(std::move(rule))}));
  return onem2m::Complex(std::move(rules));
}

}  // namespace

CseCore::CseCore(CseOptions options, ResourceStore* store, const Clock* clock, IdSource* ids)
    : context_(std::move(options), store, clock, ids) {}

// ---- start ---------------------------------------------------------------------------------------------------------

absl::Status CseCore::MakeCseBase() {
  const CseOptions& options = context_.options;
  const std::string now = onem2m::FormatTimestamp(context_.clock->Now());
  Entry* root = context_.tree.root();
  StoredResource record;
  if (root == nullptr) {
    record.resource_id = options.cse_id.substr(1);
    record.type = kCseBase;
    record.name = options.cse_name;
    record.root = "m2m:cb";
    onem2m::Set(record.attributes, "rn", onem2m::Text(record.name));
    onem2m::Set(record.attributes, "ty", onem2m::Integer(kCseBase));
    onem2m::Set(record.attributes, "ri", onem2m::Text(record.resource_id));
    onem2m::Set(record.attributes, "pi", onem2m::Text(""));
    onem2m::Set(record.attributes, "ct", onem2m::Text(now));
  } else if (root->record.name != options.cse_name || root->record.resource_id != options.cse_id.substr(1)) {
    return absl::FailedPreconditionError(absl::StrCat("the store belongs to the CSE /", root->record.resource_id, " (",
                                                      root->record.name, "), and not to ", options.cse_id, " (",
                                                      options.cse_name, ")"));
  } else {
    record = root->record;
  }
  onem2m::v1::Object& attributes = record.attributes;
  onem2m::Set(attributes, "cst", onem2m::Integer(1));
  onem2m::Set(attributes, "csi", onem2m::Text(options.cse_id));
  std::vector<onem2m::v1::Value> types;
  for (const uint32_t type : context_.tables.types()) types.push_back(onem2m::Integer(type));
  onem2m::Set(attributes, "srt", onem2m::List(std::move(types)));
  onem2m::Set(attributes, "srv", onem2m::TextList(options.releases));
  onem2m::Set(attributes, "csz", onem2m::TextList({"application/json", "application/cbor", "application/xml"}));
  if (options.points_of_access.empty()) {
    onem2m::Remove(attributes, "poa");
  } else {
    onem2m::Set(attributes, "poa", onem2m::TextList(options.points_of_access));
  }
  Change change(&context_);
  if (root == nullptr) {
    change.Insert(std::move(record));
  } else {
    change.Edit(root) = std::move(record);
  }
  return change.Commit();
}

absl::Status CseCore::MakeDevicesPolicy() {
  // Only once: an operator who deletes it does not want it back.
  ASSIGN_OR_RETURN(const std::string made, context_.store->GetState(kDevicesPolicyMade));
  if (!made.empty()) return absl::OkStatus();
  Entry* root = context_.tree.root();
  if (context_.tree.FindByPath(absl::StrCat(root->path, "/", kDevicesPolicy)) == nullptr) {
    onem2m::v1::Object attributes;
    onem2m::Set(attributes, "pv", Privileges(context_.options.device_originators));
    onem2m::Set(attributes, "pvs", Privileges({context_.options.admin_originator}));
    StoredResource policy =
        NewRecord(*root, kAccessControlPolicy, "m2m:acp", context_.ids->NextId(), kDevicesPolicy, attributes);
    policy.provisioned = true;
    Change change(&context_);
    change.Insert(std::move(policy));
    RETURN_IF_ERROR(change.Commit());
  }
  return context_.store->PutState(kDevicesPolicyMade, "1");
}

absl::Status CseCore::Start(ManagementPort* management, NotificationPort* notifications) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ASSIGN_OR_RETURN(std::vector<StoredResource> records, context_.store->Load());
    for (StoredResource& record : records) {
      const std::string id = record.resource_id;
      const std::string parent_id = record.parent_id;
      if (context_.tree.Insert(std::move(record)) == nullptr) {
        log::Error("stored resource has no place", {{"resource", id}, {"parent", parent_id}});
      }
    }
    RETURN_IF_ERROR(MakeCseBase());
    RETURN_IF_ERROR(MakeDevicesPolicy());
    context_.management = management;
    context_.notifications = notifications;
    ResumeExecutions();
    ResourceTree::Visit(context_.tree.root(), [this](const Entry* entry) {
      const int count = SubscribersOf(context_, *entry);
      if (context_.management == nullptr || count == 0 || !IsOnDevice(entry->record)) return;
      context_.effects.Post([port = context_.management, id = entry->record.resource_id, node_id = NodeIdOf(*entry),
                             resource = ResourceOf(*entry),
                             count] { port->SubscribersChanged(id, node_id, resource, count); });
    });
  }
  context_.effects.Run();
  return absl::OkStatus();
}

// ---- answers -------------------------------------------------------------------------------------------------------

HandleResponse CseCore::Answer(const RequestPrimitive& primitive, uint32_t code) const {
  HandleResponse response;
  *response.mutable_primitive() = onem2m::MakeResponse(primitive, code);
  response.mutable_primitive()->set_from(context_.options.cse_id);
  response.mutable_primitive()->set_to(primitive.from());
  return response;
}

HandleResponse CseCore::Refuse(const RequestPrimitive& primitive, const Refusal& refusal) const {
  HandleResponse response = Answer(primitive, refusal.code);
  if (refusal.code == onem2m::v1::RESPONSE_STATUS_CODE_RELEASE_VERSION_NOT_SUPPORTED) {
    // In a release that is served: the originator's is not.
    response.mutable_primitive()->set_release_version_indicator(context_.options.releases.back());
  }
  if (!refusal.reason.empty()) {
    onem2m::v1::Attribute* content = response.mutable_primitive()->mutable_primitive_content();
    content->set_name("m2m:dbg");
    *content->mutable_value() = onem2m::Text(refusal.reason);
  }
  return response;
}

CseCore::Outcome CseCore::Refused(const Call& call, const Refusal& refusal) const {
  return {Refuse(call.primitive, refusal), nullptr};
}

CseCore::Outcome CseCore::Refused(const Call& call, uint32_t code, const std::string& reason) const {
  return Refused(call, Refusal{code, reason});
}

CseCore::Outcome CseCore::StoreFailed(const Call& call, const absl::Status& status) const {
  log::Error("a change could not be stored", {{"to", call.primitive.to()}, {"error", status.ToString()}});
  return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_INTERNAL_SERVER_ERROR, std::string(status.message()));
}

// ---- requests ------------------------------------------------------------------------------------------------------

std::shared_ptr<const CseCore::Later> CseCore::KeepForLater(const Call& call) {
  return std::make_shared<const Later>(
      Later{call.primitive, call.originator, call.trace_id, call.address, call.reserved_id});
}

CseCore::Call CseCore::CallOf(const Later& later) {
  return Call{later.primitive, later.originator, later.trace_id, later.address, ResultContentOf(later.primitive),
              false,           later.reserved_id};
}

void CseCore::Handle(const onem2m::v1::HandleRequest& request, Done done) {
  const RequestPrimitive& primitive = request.primitive();
  Call call{primitive, context_.space.NormalizeOriginator(primitive.from()), request.trace_id(), {}, 0, false, ""};
  Checked checked = CheckPrimitive(request, context_.options);
  if (!checked.has_value()) {
    const Checked address = context_.space.Parse(primitive.to(), &call.address);
    if (address.has_value() && address->code == onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST) checked = address;
    if (!checked.has_value()) checked = CheckExpiration(primitive, context_.clock->Now());
    if (!checked.has_value()) checked = address;
  }
  if (!checked.has_value() && !call.address.attribute.empty() &&
      (primitive.operation() != onem2m::v1::OPERATION_TYPE_RETRIEVE || primitive.has_primitive_content() ||
       ResultContentOf(primitive) != kAttributes)) {
    checked = Refusal{onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
                      "to: an attribute after '#' goes with a RETRIEVE of rcn 1 without content only"};
  }
  if (checked.has_value()) {
    done(Refuse(primitive, *checked));
    return;
  }
  call.result_content = ResultContentOf(primitive);
  Outcome outcome;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    outcome = Dispatch(call);
  }
  context_.effects.Run();
  if (outcome.later) {
    outcome.later(std::move(done));
  } else {
    done(std::move(outcome.response));
  }
}

Entry* CseCore::FindTarget(const Address& address) {
  Entry* entry = context_.tree.Find(address.local, address.structured);
  if (entry == nullptr) return nullptr;
  const Entry* expired = ResourceTree::Expired(entry, context_.clock->Now());
  if (expired == nullptr) return entry;
  Change change(&context_);
  PrepareRemoval(&change, const_cast<Entry*>(expired));
  // Whether the store took it or not, it is gone for everybody.
  if (absl::Status status = change.Commit(); !status.ok()) {
    log::Error("an expired resource could not be removed", {{"error", status.ToString()}});
  }
  return nullptr;
}

CseCore::Outcome CseCore::Dispatch(const Call& call) {
  if (context_.tree.root() == nullptr) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_INTERNAL_SERVER_ERROR, "the CSE has not started");
  }
  Entry* entry = FindTarget(call.address);
  if (entry == nullptr) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND,
                   absl::StrCat("to '", call.primitive.to().substr(0, 300), "': there is no such resource"));
  }
  switch (call.primitive.operation()) {
    case onem2m::v1::OPERATION_TYPE_CREATE:
      return Create(call, entry);
    case onem2m::v1::OPERATION_TYPE_RETRIEVE:
      return Retrieve(call, entry);
    case onem2m::v1::OPERATION_TYPE_UPDATE:
      return Update(call, entry);
    case onem2m::v1::OPERATION_TYPE_DELETE:
      return Delete(call, entry);
    default:
      break;
  }
  if (entry->record.type == kAe) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_NOT_IMPLEMENTED,
                   "op: notifications from others are not passed on to AEs here");
  }
  return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED,
                 absl::StrCat("op: a ", entry->record.root, " takes no notifications"));
}

Checked CseCore::CheckMatch(const Call& call, const Entry& entry) const {
  if (!call.primitive.has_filter_criteria()) return std::nullopt;
  Filter filter;
  RETURN_IF_REFUSED(filter.Parse(call.primitive.filter_criteria()));
  const bool matches = filter.Matches(entry);
  RETURN_IF_REFUSED(filter.CheckNames(context_.tables));
  if (matches) return std::nullopt;
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND, "fc: the target does not match the filter criteria"};
}

// ---- the device side's part in requests ----------------------------------------------------------------------------

ManagementRequest CseCore::MakeManagementRequest(const Call& call, const Entry& entry) const {
  return MakeManagementRequest(call, entry.record.resource_id, *entry.parent, ResourceOf(entry));
}

ManagementRequest CseCore::MakeManagementRequest(const Call& call, const std::string& resource_id, const Entry& node,
                                                 const onem2m::v1::Resource& resource) const {
  ManagementRequest request;
  request.primitive = call.primitive;
  request.resource_id = resource_id;
  request.node_id = onem2m::FindText(node.record.attributes, "ni");
  request.resource = resource;
  if (call.primitive.has_request_expiration()) {
    request.deadline = absl::FromUnixSeconds(call.primitive.request_expiration().seconds()) +
                       absl::Nanoseconds(call.primitive.request_expiration().nanos());
  }
  request.trace_id = call.trace_id.empty() ? context_.ids->NextId() : call.trace_id;
  return request;
}

void CseCore::Conclude(const std::vector<onem2m::v1::TraceStep>& steps, const Done& done,
                       const std::function<Outcome()>& finish) {
  Outcome outcome;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    outcome = finish();
  }
  for (const onem2m::v1::TraceStep& step : steps) *outcome.response.add_steps() = step;
  context_.effects.Run();
  if (outcome.later) return outcome.later(done);
  done(std::move(outcome.response));
}

void CseCore::Perform(std::shared_ptr<const Later> later, ManagementRequest request, Done done,
                      Outcome (CseCore::*finish)(const Call&, Entry*, const ManagementResult&)) {
  const std::string resource_id = request.resource_id;
  context_.management->Perform(std::move(request), [this, later = std::move(later), resource_id, done = std::move(done),
                                                    finish](const ManagementResult& result) {
    Conclude(result.steps, done, [&] {
      const Call call = CallOf(*later);
      Entry* entry = context_.tree.FindById(resource_id);
      if (entry == nullptr || ResourceTree::Expired(entry, context_.clock->Now()) != nullptr) {
        return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND,
                       "the resource was deleted while the request was under way");
      }
      return (this->*finish)(call, entry, result);
    });
  });
}

// Copies the record only when something differs: most answers of a device tell what is known.
void CseCore::MergeResult(Change* change, Entry* entry, const ManagementResult& result) const {
  const onem2m::v1::Object& kept = entry->record.attributes;
  const ResourceTable& table = context_.TableOf(entry->record);
  for (const onem2m::v1::Attribute& attribute : result.attributes) {
    const AttributeRule* rule = table.Find(attribute.name());
    onem2m::v1::Value linked;
    if (rule != nullptr && rule->link) {
      linked = attribute.value();
      ShowSiblings(*entry, &linked);
    }
    const onem2m::v1::Value& value = rule == nullptr           ? attribute.value()
                                     : rule->link              ? linked
                                     : rule->reads.has_value() ? *rule->reads
                                                               : attribute.value();
    const onem2m::v1::Value* old = onem2m::Find(kept, attribute.name());
    const bool same = old != nullptr && onem2m::Equal(*old, value);
    if (!same || change->Edits(entry)) onem2m::Set(change->Edit(entry).attributes, attribute.name(), value);
  }
  for (const std::string& name : result.absent_attributes) {
    if (table.IsSingle(name) || (onem2m::Find(kept, name) == nullptr && !change->Edits(entry))) continue;
    onem2m::Remove(change->Edit(entry).attributes, name);
  }
}

// ---- expiry --------------------------------------------------------------------------------------------------------

size_t CseCore::Sweep() {
  size_t removed = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (context_.tree.root() == nullptr) return 0;
    const absl::Time now = context_.clock->Now();
    std::vector<std::string> expired;
    const std::function<void(const Entry*)> visit = [&](const Entry* entry) {
      if (entry->expires <= now) {
        expired.push_back(entry->record.resource_id);
        return;
      }
      for (const auto& [order, child] : entry->children) visit(child);
    };
    visit(context_.tree.root());
    for (const std::string& resource_id : expired) {
      // The last notification of an earlier one may have taken it along.
      Entry* entry = context_.tree.FindById(resource_id);
      if (entry == nullptr) continue;
      Change change(&context_);
      PrepareRemoval(&change, entry);
      if (absl::Status status = change.Commit(); !status.ok()) {
        log::Error("an expired resource could not be removed", {{"error", status.ToString()}});
        break;
      }
      ++removed;
    }
  }
  context_.effects.Run();
  return removed;
}

size_t CseCore::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return context_.tree.size();
}

}  // namespace isthmus::synchronizer
