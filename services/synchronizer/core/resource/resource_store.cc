#include "services/synchronizer/core/resource/resource_store.h"

#include <utility>

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
  if (const Execution& execution = resource.execution; execution.phase != Execution::Phase::kNone) {
    onem2m::v1::Object kept;
    onem2m::Set(kept, "phase", onem2m::Integer(static_cast<int64_t>(execution.phase)));
    onem2m::Set(kept, "performer", onem2m::Text(execution.performer));
    onem2m::Set(kept, "begun", onem2m::Integer(execution.begun));
    if (execution.next < absl::InfiniteFuture()) {
      onem2m::Set(kept, "next", onem2m::Integer(absl::ToUnixMicros(execution.next)));
    }
    if (execution.ended.has_value()) onem2m::Set(kept, "ended", onem2m::Integer(*execution.ended));
    onem2m::Set(internal, "execution", onem2m::Complex(std::move(kept)));
  }
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
  resource->execution = {};
  if (const onem2m::v1::Value* kept = onem2m::Find(internal, "execution")) {
    const onem2m::v1::Value* phase = onem2m::Find(kept->object(), "phase");
    const onem2m::v1::Value* begun = onem2m::Find(kept->object(), "begun");
    const onem2m::v1::Value* next = onem2m::Find(kept->object(), "next");
    if (phase == nullptr || begun == nullptr) {
      return absl::DataLossError(absl::StrCat("stored resource ", resource->resource_id, ": how far it is is damaged"));
    }
    resource->execution.phase = static_cast<Execution::Phase>(phase->integer());
    resource->execution.performer = onem2m::FindText(kept->object(), "performer");
    resource->execution.begun = begun->integer();
    if (next != nullptr) resource->execution.next = absl::FromUnixMicros(next->integer());
    if (const onem2m::v1::Value* ended = onem2m::Find(kept->object(), "ended")) {
      resource->execution.ended = ended->integer();
    }
  }
  return absl::OkStatus();
}

}  // namespace isthmus::synchronizer
