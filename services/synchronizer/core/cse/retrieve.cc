// RETRIEVE and discovery (TS-0004 7.3.3.2, 7.3.3.6, 7.3.3.17; <mgmtObj> 7.4.15.2.2).
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/cse/cse_core.h"
#include "services/synchronizer/core/cse/primitive_check.h"
#include "services/synchronizer/core/cse/result_content.h"

namespace isthmus::synchronizer {

// The attributes of a partial RETRIEVE; none = all.
Checked CseCore::WantedAttributes(const Call& call, const Entry& entry, std::vector<std::string>* wanted) const {
  if (!call.address.attribute.empty()) wanted->push_back(call.address.attribute);
  if (call.primitive.has_primitive_content()) {
    for (const onem2m::v1::Value& name : call.primitive.primitive_content().value().list().values()) {
      wanted->push_back(name.text());
    }
  }
  const ResourceTable& table = context_.TableOf(entry.record);
  for (const std::string& name : *wanted) {
    if (table.open || IsOnDevice(entry.record) || table.Find(name) != nullptr) continue;
    return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
                   absl::StrCat("attribute ", name, ": ", entry.record.root, " has no attribute of this name")};
  }
  return std::nullopt;
}

CseCore::Outcome CseCore::Retrieve(const Call& call, Entry* entry) {
  if (IsDiscovery(call.primitive)) {
    Outcome outcome{Answer(call.primitive, onem2m::v1::RESPONSE_STATUS_CODE_OK), nullptr};
    const Listing listing{&call.primitive, call.originator, kDiscover};
    const Checked checked =
        ListInto(context_, *entry, listing, call.result_content, outcome.response.mutable_primitive());
    return checked.has_value() ? Refused(call, *checked) : std::move(outcome);
  }
  if (!context_.access.Allows(call.originator, *entry, kRetrieve)) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE,
                   absl::StrCat(call.primitive.from(), " may not RETRIEVE ", entry->path));
  }
  if (call.result_content != kAttributes) {
    Outcome outcome{Answer(call.primitive, onem2m::v1::RESPONSE_STATUS_CODE_OK), nullptr};
    const Listing listing{&call.primitive, call.originator, kRetrieve};
    const Checked checked =
        ListInto(context_, *entry, listing, call.result_content, outcome.response.mutable_primitive());
    return checked.has_value() ? Refused(call, *checked) : std::move(outcome);
  }
  std::vector<std::string> wanted;
  if (Checked checked = WantedAttributes(call, *entry, &wanted)) return Refused(call, *checked);
  bool ask_device = IsOnDevice(entry->record);
  if (ask_device && !wanted.empty()) {
    const ResourceTable& table = context_.TableOf(entry->record);
    std::vector<std::string> of_device;
    for (const std::string& name : wanted) {
      if (!table.IsCommon(name)) of_device.push_back(name);
    }
    ask_device = !of_device.empty();
    wanted = std::move(of_device);
  }
  if (!ask_device) return AnswerRetrieve(call, *entry);

  if (call.primitive.has_filter_criteria()) {
    // A filter that makes no sense is no reason to wake a device.
    Filter filter;
    if (Checked checked = filter.Parse(call.primitive.filter_criteria())) return Refused(call, *checked);
  }
  ManagementRequest request = MakeManagementRequest(call, *entry);
  request.wanted = std::move(wanted);
  Outcome outcome;
  outcome.later = [this, later = KeepForLater(call), request = std::move(request)](Done done) mutable {
    Perform(std::move(later), std::move(request), std::move(done), &CseCore::FinishRetrieve);
  };
  return outcome;
}

CseCore::Outcome CseCore::FinishRetrieve(const Call& call, Entry* entry, const ManagementResult& result) {
  Change change(&context_);
  MergeResult(&change, entry, result);
  if (absl::Status status = change.Commit(); !status.ok()) return StoreFailed(call, status);
  if (result.response_status_code != onem2m::v1::RESPONSE_STATUS_CODE_OK) {
    return Refused(call, result.response_status_code, result.reason);
  }
  return AnswerRetrieve(call, *entry);
}

CseCore::Outcome CseCore::AnswerRetrieve(const Call& call, const Entry& entry) const {
  if (Checked checked = CheckMatch(call, entry)) return Refused(call, *checked);
  std::vector<std::string> wanted;
  if (Checked checked = WantedAttributes(call, entry, &wanted)) return Refused(call, *checked);
  Outcome outcome{Answer(call.primitive, onem2m::v1::RESPONSE_STATUS_CODE_OK), nullptr};
  onem2m::v1::Attribute* content = outcome.response.mutable_primitive()->mutable_primitive_content();
  *content = Representation(context_, entry, wanted);
  if (!wanted.empty() && content->value().object().members_size() == 0) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND,
                   absl::StrCat(entry.path, " has no attribute ", absl::StrJoin(wanted, " or ")));
  }
  return outcome;
}

}  // namespace isthmus::synchronizer
