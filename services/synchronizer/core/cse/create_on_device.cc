// CREATE of a <mgmtObj> whose data live on a device (TS-0004 7.4.15.2.1, TS-0005 6.4.1): the object instance is made
// there first, and objectPaths say then where it is.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/cse/cse_core.h"
#include "services/synchronizer/core/cse/primitive_check.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Value;

// The path of the object instance, "/9/0"; a path that names the object alone is its only instance.
bool SamePlace(const std::string& path, const std::string& other) {
  return path == other || absl::StrCat(path, "/0") == other;
}

}  // namespace

// The <mgmtObj> of the same kind that stands for the place already; null when there is none.
Entry* CseCore::FindAtPlace(const Entry& node, const std::string& root, const std::string& path) const {
  for (const auto& [order, child] : node.children) {
    if (!IsOnDevice(child->record) || child->record.root != root) continue;
    const onem2m::v1::Resource& resource = ResourceOf(*child);
    if (SamePlace(path, resource.object_paths(0))) return child;
  }
  return nullptr;
}

CseCore::Outcome CseCore::CreateOnDevice(const Call& call, Entry* parent, StoredResource record) {
  const onem2m::v1::Resource resource = MakeResource(record);
  if (resource.object_ids().empty()) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
                   "attribute obps (objectPaths): expected together with obis (objectIDs), which say of what");
  }
  const std::string path = absl::StrCat(parent->path, "/", record.name);
  if (context_.tree.FindByPath(path) != nullptr) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_CONFLICT,
                   absl::StrCat("attribute rn (resourceName): ", path, " exists already"));
  }
  if (!resource.object_paths().empty()) {
    if (const Entry* there = FindAtPlace(*parent, record.root, resource.object_paths(0))) {
      // The same content is success (TS-0004 7.4.15.2.1): the new resource stands for what is there.
      for (const onem2m::v1::Attribute& attribute : resource.attributes().members()) {
        const Value* kept = onem2m::Find(there->record.attributes, attribute.name());
        if (kept != nullptr && onem2m::Equal(*kept, attribute.value())) continue;
        return Refused(
            call, onem2m::v1::RESPONSE_STATUS_CODE_ALREADY_EXISTS,
            absl::StrCat(resource.object_paths(0), " is on the device already, as ", there->path, ", where ",
                         attribute.name(), " is ", kept == nullptr ? "absent" : onem2m::Describe(*kept, 80)));
      }
      const ResourceTable& table = context_.TableOf(record);
      for (const onem2m::v1::Attribute& attribute : there->record.attributes.members()) {
        if (!table.IsCommon(attribute.name())) onem2m::Set(record.attributes, attribute.name(), attribute.value());
      }
      onem2m::Set(record.attributes, "obps", *onem2m::Find(there->record.attributes, "obps"));
      Change change(&context_);
      return FinishCreate(call, parent, std::move(record), &change);
    }
  }
  ManagementRequest request = MakeManagementRequest(call, record.resource_id, *parent, resource);
  Outcome outcome;
  outcome.later = [this, later = KeepForLater(call), parent_id = parent->record.resource_id, record = std::move(record),
                   request = std::move(request)](Done done) mutable {
    context_.management->Perform(
        std::move(request), [this, later, parent_id, record = std::move(record), done](const ManagementResult& result) {
          Conclude(result.steps, done, [&] { return FinishCreateOnDevice(CallOf(*later), parent_id, record, result); });
        });
  };
  return outcome;
}

CseCore::Outcome CseCore::FinishCreateOnDevice(const Call& call, const std::string& parent_id, StoredResource record,
                                               const ManagementResult& result) {
  if (result.response_status_code != onem2m::v1::RESPONSE_STATUS_CODE_CREATED) {
    return Refused(call, result.response_status_code, result.reason);
  }
  Entry* parent = context_.tree.FindById(parent_id);
  if (parent == nullptr) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND,
                   absl::StrCat("the <node> was deleted while the request was under way; the device has made ",
                                result.created_path));
  }
  onem2m::Set(record.attributes, "obps", onem2m::TextList({result.created_path}));
  for (const onem2m::v1::Attribute& attribute : result.attributes) {
    onem2m::Set(record.attributes, attribute.name(), attribute.value());
  }
  Change change(&context_);
  // The device may have told of its new instance before its answer to the Create arrived.
  Entry* told = FindAtPlace(*parent, record.root, result.created_path);
  if (told != nullptr && told->record.provisioned) {
    record.provisioned = true;
    change.Remove(told);
  }
  return FinishCreate(call, parent, std::move(record), &change);
}

}  // namespace isthmus::synchronizer
