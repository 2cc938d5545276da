// UPDATE (TS-0004 7.3.3.3, 7.3.3.7; <mgmtObj> 7.4.15.2.3).
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/status_code.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/cse/cse_core.h"
#include "services/synchronizer/core/cse/primitive_check.h"
#include "services/synchronizer/core/cse/result_content.h"
#include "services/synchronizer/core/cse/sibling_links.h"
#include "services/synchronizer/core/representation/representation.h"
#include "services/synchronizer/core/subscription/notification_target.h"
#include "services/synchronizer/core/subscription/subscription_rules.h"

namespace isthmus::synchronizer {

using onem2m::v1::Object;

CseCore::Outcome CseCore::Update(const Call& call, Entry* entry) {
  if (entry->record.type == kCseBase) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED,
                   "the CSEBase cannot be changed by request");
  }
  const Object& content = call.primitive.primitive_content().value().object();
  const bool policies = onem2m::Find(content, "acpi") != nullptr;
  if (policies ? !context_.access.AllowsPolicyChange(call.originator, *entry)
               : !context_.access.Allows(call.originator, *entry, kUpdate)) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE,
                   absl::StrCat(call.primitive.from(), " may not UPDATE ", policies ? "acpi of " : "", entry->path));
  }
  const bool on_device = IsOnDevice(entry->record);
  const ResourceTable& table = context_.TableOf(entry->record);
  Object attributes;
  // Mounted mappings may add attributes to a device's objects, and translation alone knows these.
  if (Checked checked = CheckUpdate(table, entry->record.root, call.primitive,
                                    on_device ? Unknown::kPass : Unknown::kRefuse, &attributes)) {
    return Refused(call, *checked);
  }
  if (policies && attributes.members_size() > 1) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
                   "attribute acpi (accessControlPolicyIDs): expected to be the only attribute of its UPDATE");
  }
  if (Checked checked = CheckPolicies(attributes)) return Refused(call, *checked);
  if (Checked checked = SettleExpiration(*entry->parent, false, &attributes)) return Refused(call, *checked);
  if (on_device) {
    Object of_device;
    for (const onem2m::v1::Attribute& attribute : attributes.members()) {
      if (!table.IsCommon(attribute.name())) *of_device.add_members() = attribute;
    }
    if (of_device.members_size() > 0) {
      // Against what is kept: a filter is judged before the device is asked to do something.
      if (Checked checked = CheckMatch(call, *entry)) return Refused(call, *checked);
      return UpdateOnDevice(call, entry, std::move(of_device));
    }
  }
  if (Checked checked = CheckMatch(call, *entry)) return Refused(call, *checked);
  if (entry->record.type == kManagementCommand) return UpdateCommand(call, entry, attributes);
  if (entry->record.type == kExecInstance && onem2m::Find(attributes, "exd") != nullptr) {
    return CancelExecution(call, entry);
  }
  return UpdateHere(call, entry, attributes);
}

CseCore::Outcome CseCore::UpdateHere(const Call& call, Entry* entry, const Object& attributes) {
  Change change(&context_);
  StoredResource& record = change.Edit(entry);
  std::set<std::string> modified;
  for (const onem2m::v1::Attribute& attribute : attributes.members()) {
    Assign(attribute, &record.attributes);
    modified.insert(attribute.name());
    change.Mention(entry, attribute.name());
  }
  switch (record.type) {
    case kNode:
      if (record.provisioned && modified.count("ni") > 0 &&
          onem2m::FindText(record.attributes, "ni") != onem2m::FindText(entry->record.attributes, "ni")) {
        return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED,
                       "attribute ni (nodeID): it is the Endpoint Client Name of the device and cannot be changed");
      }
      break;
    case kAe: {
      const std::string before = onem2m::FindText(entry->record.attributes, "nl");
      const std::string after = onem2m::FindText(record.attributes, "nl");
      if (before != after) {
        Unlink(&change, record.resource_id, before);
        Link(&change, record.resource_id, after);
      }
      break;
    }
    case kSubscription: {
      if (Checked checked = CheckSubscription(context_.TableOf(entry->parent->record), record.attributes)) {
        return Refused(call, *checked);
      }
      if (modified.count("nu") > 0) {
        std::vector<std::string> targets;
        std::set<std::string> to_verify;
        if (Checked checked = ResolveTargets(record.attributes, call.originator, &targets, &to_verify)) {
          return Refused(call, *checked);
        }
        for (const std::string& known : record.targets) to_verify.erase(ReachableTarget(known, context_.tree));
        if (!to_verify.empty() && !call.verified) return Verify(call, record.resource_id, to_verify);
        record.targets = std::move(targets);
      }
      break;
    }
    default:
      break;
  }
  if (absl::Status status = change.Commit(); !status.ok()) return StoreFailed(call, status);
  return AnswerUpdate(call, *entry, modified);
}

CseCore::Outcome CseCore::UpdateOnDevice(const Call& call, Entry* entry, Object attributes) {
  ManagementRequest request = MakeManagementRequest(call, *entry);
  NameOnDevice(context_, context_.TableOf(entry->record), *entry, &attributes);
  *request.primitive.mutable_primitive_content()->mutable_value() = onem2m::Complex(std::move(attributes));
  Outcome outcome;
  outcome.later = [this, later = KeepForLater(call), request = std::move(request)](Done done) mutable {
    Perform(std::move(later), std::move(request), std::move(done), &CseCore::FinishUpdate);
  };
  return outcome;
}

void CseCore::KeepUpdate(Change* change, Entry* entry, const Object& given, const ManagementResult& result,
                         std::set<std::string>* modified) const {
  const ResourceTable& table = context_.TableOf(entry->record);
  Object attributes = given;
  // Its parent may have got another expirationTime meanwhile.
  if (Checked checked = SettleExpiration(*entry->parent, false, &attributes)) onem2m::Remove(attributes, "et");
  StoredResource& record = change->Edit(entry);
  for (const onem2m::v1::Attribute& attribute : attributes.members()) {
    const std::string& name = attribute.name();
    if (table.IsCommon(name) || absl::c_linear_search(result.local_attributes, name)) {
      Assign(attribute, &record.attributes);
    }
    modified->insert(name);
    change->Mention(entry, name);
  }
}

CseCore::Outcome CseCore::FinishUpdate(const Call& call, Entry* entry, const ManagementResult& result) {
  Change change(&context_);
  std::set<std::string> modified;
  const Object& given = call.primitive.primitive_content().value().object();
  if (onem2m::IsSuccess(result.response_status_code)) KeepUpdate(&change, entry, given, result, &modified);
  // One that has failed halfway has changed the device too.
  if (onem2m::IsSuccess(result.response_status_code) || !result.attributes.empty()) {
    EndSuperseded(&change, *entry, given, result);
  }
  MergeResult(&change, entry, result);
  for (const onem2m::v1::Attribute& attribute : result.attributes) modified.insert(attribute.name());
  if (absl::Status status = change.Commit(); !status.ok()) return StoreFailed(call, status);
  if (!onem2m::IsSuccess(result.response_status_code)) return Refused(call, result.response_status_code, result.reason);
  return AnswerUpdate(call, *entry, modified);
}

CseCore::Outcome CseCore::AnswerUpdate(const Call& call, const Entry& entry,
                                       const std::set<std::string>& modified) const {
  Outcome outcome{Answer(call.primitive, onem2m::v1::RESPONSE_STATUS_CODE_UPDATED), nullptr};
  if (call.result_content == kNothing) return outcome;
  std::vector<std::string> wanted;
  if (call.result_content == kModifiedAttributes) {
    wanted.assign(modified.begin(), modified.end());
    wanted.push_back("lt");
  }
  *outcome.response.mutable_primitive()->mutable_primitive_content() = Representation(context_, entry, wanted);
  return outcome;
}

}  // namespace isthmus::synchronizer
