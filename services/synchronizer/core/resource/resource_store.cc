#include "services/synchronizer/core/resource/resource_store.h"

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {

// An Object and not a struct of its own, so that a newer version may add members that an older one skips.
std::string EncodeInternal(const StoredResource& resource) {
  onem2m::v1::Object internal;
  onem2m::Set(internal, "root", onem2m::Text(resource.root));
  if (!resource.creator.empty()) onem2m::Set(internal, "creator", onem2m::Text(resource.creator));
  if (resource.provisioned) onem2m::Set(internal, "provisioned", onem2m::Boolean(true));
  if (!resource.targets.empty()) onem2m::Set(internal, "targets", onem2m::TextList(resource.targets));
  return internal.SerializeAsString();
}

absl::Status DecodeInternal(absl::string_view octets, StoredResource* resource) {
  onem2m::v1::Object internal;
  if (!internal.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) {
    return absl::DataLossError(
        absl::StrCat("stored resource ", resource->resource_id, ": its internal part is damaged"));
  }
  resource->root = onem2m::FindText(internal, "root");
  resource->creator = onem2m::FindText(internal, "creator");
  const onem2m::v1::Value* provisioned = onem2m::Find(internal, "provisioned");
  resource->provisioned = provisioned != nullptr && provisioned->boolean();
  resource->targets.clear();
  if (const onem2m::v1::Value* targets = onem2m::Find(internal, "targets")) {
    for (const onem2m::v1::Value& target : targets->list().values()) resource->targets.push_back(target.text());
  }
  return absl::OkStatus();
}

}  // namespace isthmus::synchronizer
