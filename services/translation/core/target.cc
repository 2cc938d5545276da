#include "services/translation/core/target.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::translation {
namespace {

// "/3/0", "/prefix/3/0", or "/3" of a single object -> the instance.
absl::StatusOr<lwm2m::v1::Path> ParseObjectPath(absl::string_view text, uint32_t object_id, bool multiple) {
  const auto instance_of = [&](size_t count, absl::string_view path) -> absl::StatusOr<lwm2m::v1::Path> {
    std::vector<absl::string_view> parts = absl::StrSplit(path, '/', absl::SkipEmpty());
    if (parts.size() < count) return absl::NotFoundError("");
    parts.erase(parts.begin(), parts.end() - count);
    absl::StatusOr<lwm2m::v1::Path> parsed = lwm2m::ParsePath(absl::StrCat("/", absl::StrJoin(parts, "/")));
    if (!parsed.ok() || parsed->object_id() != object_id) return absl::NotFoundError("");
    return parsed;
  };
  if (absl::StatusOr<lwm2m::v1::Path> instance = instance_of(2, text); instance.ok()) return instance;
  if (!multiple) {
    if (const absl::StatusOr<lwm2m::v1::Path> object = instance_of(1, text); object.ok()) {
      return lwm2m::MakePath(object_id, 0);
    }
  }
  return absl::NotFoundError("");
}

}  // namespace

lwm2m::v1::Path Target::At(uint32_t resource_id) const {
  return lwm2m::MakePath(instance.object_id(), instance.object_instance_id(), resource_id);
}

const ResourceDefinition* Target::Definition(uint32_t resource_id) const {
  return table->FindResource(mapping->object_id, version, resource_id);
}

std::string Target::Describe(uint32_t resource_id) const {
  const ResourceDefinition* definition = Definition(resource_id);
  return absl::StrCat(lwm2m::PathToString(At(resource_id)), definition == nullptr ? "" : " ",
                      definition == nullptr ? "" : definition->name);
}

absl::StatusOr<Target> Locate(const MappingTable& table, const onem2m::v1::Resource& resource,
                              absl::string_view field) {
  if (resource.root().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(field, ".root: expected the root of a <mgmtObj>, as m2m:bat"));
  }
  Target target;
  target.table = &table;
  target.mapping = table.FindMapping(resource.root());
  if (target.mapping == nullptr) {
    std::vector<std::string> known;
    for (const ResourceMapping& mapping : table.mappings()) known.push_back(mapping.root);
    return absl::UnimplementedError(absl::StrCat("there is no mapping for ", resource.root(), " (mgmtDefinition ",
                                                 resource.mgmt_definition(), "); mapped are ",
                                                 absl::StrJoin(known, ", ")));
  }
  const ResourceMapping& mapping = *target.mapping;
  if (resource.mgmt_definition() != 0 && resource.mgmt_definition() != mapping.mgmt_definition) {
    return absl::InvalidArgumentError(absl::StrCat(field, ".mgmt_definition: expected ", mapping.mgmt_definition,
                                                   " for ", mapping.root, ", got ", resource.mgmt_definition()));
  }
  for (int i = 0; i < resource.object_ids_size(); ++i) {
    const ObjectUrn urn = SplitUrn(resource.object_ids(i));
    if (urn.base != mapping.object_urn) continue;
    if (i >= resource.object_paths_size()) {
      return absl::NotFoundError(
          absl::StrCat("objectPaths has no element for objectIDs[", i, "] ", resource.object_ids(i)));
    }
    const ObjectDefinition* object = table.FindObject(mapping.object_id, urn.version);
    const absl::StatusOr<lwm2m::v1::Path> instance =
        ParseObjectPath(resource.object_paths(i), mapping.object_id, object != nullptr && object->multiple);
    if (!instance.ok()) {
      return absl::NotFoundError(absl::StrCat("objectPaths[", i, "]: expected /", mapping.object_id,
                                              "/<instance>, got '", resource.object_paths(i), "'"));
    }
    target.instance = *instance;
    target.version = urn.version;
    return target;
  }
  return absl::UnavailableError(absl::StrCat("objectIDs of the ", mapping.root, " do not name ", mapping.object_urn,
                                             ": it is not kept in step with a LwM2M device"));
}

uint32_t StatusCodeOfLocate(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnimplemented:
      return onem2m::v1::RESPONSE_STATUS_CODE_NOT_IMPLEMENTED;
    case absl::StatusCode::kUnavailable:
      return onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_REACHABLE;
    case absl::StatusCode::kNotFound:
      return onem2m::v1::RESPONSE_STATUS_CODE_EXTERNAL_OBJECT_NOT_FOUND;
    default:
      return 0;
  }
}

}  // namespace isthmus::translation
