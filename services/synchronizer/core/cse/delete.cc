// DELETE (TS-0004 7.3.3.4; <mgmtObj> 7.4.15.2.4, <mgmtCmd> and <execInstance> in cancel_command.cc).
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/status_code.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/cse/cse_core.h"
#include "services/synchronizer/core/cse/primitive_check.h"
#include "services/synchronizer/core/cse/result_content.h"

namespace isthmus::synchronizer {

CseCore::Outcome CseCore::Delete(const Call& call, Entry* entry) {
  if (entry->record.type == kCseBase) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED, "the CSEBase cannot be deleted");
  }
  if (!context_.access.Allows(call.originator, *entry, kDelete)) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE,
                   absl::StrCat(call.primitive.from(), " may not DELETE ", entry->path));
  }
  if (Checked checked = CheckMatch(call, *entry)) {
    // With a listing in the answer the criteria choose what is listed and not whether it is done.
    if (call.result_content == kNothing || call.result_content == kAttributes) return Refused(call, *checked);
  }
  if (entry->record.type == kManagementCommand || entry->record.type == kExecInstance) {
    return DeleteCommand(call, entry);
  }
  if (!IsOnDevice(entry->record)) return DeleteHere(call, entry);
  ManagementRequest request = MakeManagementRequest(call, *entry);
  Outcome outcome;
  outcome.later = [this, later = KeepForLater(call), request = std::move(request)](Done done) mutable {
    Perform(std::move(later), std::move(request), std::move(done), &CseCore::FinishDelete);
  };
  return outcome;
}

CseCore::Outcome CseCore::FinishDelete(const Call& call, Entry* entry, const ManagementResult& result) {
  if (onem2m::IsSuccess(result.response_status_code)) return DeleteHere(call, entry);
  Change change(&context_);
  MergeResult(&change, entry, result);
  if (absl::Status status = change.Commit(); !status.ok()) return StoreFailed(call, status);
  return Refused(call, result.response_status_code, result.reason);
}

CseCore::Outcome CseCore::DeleteHere(const Call& call, Entry* entry) {
  Outcome outcome{Answer(call.primitive, onem2m::v1::RESPONSE_STATUS_CODE_DELETED), nullptr};
  onem2m::v1::ResponsePrimitive* response = outcome.response.mutable_primitive();
  if (call.result_content == kAttributes) {
    *response->mutable_primitive_content() = Representation(context_, *entry);
  } else if (call.result_content != kNothing) {
    const Listing listing{&call.primitive, call.originator, kRetrieve};
    if (Checked checked = ListInto(context_, *entry, listing, call.result_content, response)) {
      return Refused(call, *checked);
    }
  }
  Change change(&context_);
  PrepareRemoval(&change, entry);
  if (absl::Status status = change.Commit(); !status.ok()) return StoreFailed(call, status);
  return outcome;
}

// The removal, with the links between AEs and nodes that end by it.
void CseCore::PrepareRemoval(Change* change, Entry* entry) {
  if (entry->record.type == kAe) {
    Unlink(change, entry->record.resource_id, onem2m::FindText(entry->record.attributes, "nl"));
  } else if (entry->record.type == kNode) {
    if (const onem2m::v1::Value* links = onem2m::Find(entry->record.attributes, "hael")) {
      for (const onem2m::v1::Value& link : links->list().values()) {
        Entry* application = context_.tree.FindById(link.text());
        if (application == nullptr || application->record.type != kAe) continue;
        if (context_.Resolve(onem2m::FindText(application->record.attributes, "nl")) == entry) {
          onem2m::Remove(change->Edit(application).attributes, "nl");
        }
      }
    }
  }
  change->Remove(entry);
}

}  // namespace isthmus::synchronizer
