#include "services/translation/core/target.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/invalid_field.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/core/generic_mapping.h"

namespace isthmus::translation {
namespace {

// The path that ends `text` and has `levels`, if it is of the object.
std::optional<lwm2m::v1::Path> PathAtEnd(absl::string_view text, size_t levels, uint32_t object_id) {
  while (absl::EndsWith(text, "/")) text.remove_suffix(1);
  size_t begin = text.size();
  for (size_t level = 0; level < levels; ++level) {
    if (begin == 0) return std::nullopt;
    begin = text.rfind('/', begin - 1);
    if (begin == absl::string_view::npos) return std::nullopt;
  }
  const absl::StatusOr<lwm2m::v1::Path> parsed = lwm2m::ParsePath(text.substr(begin));
  if (!parsed.ok() || parsed->object_id() != object_id) return std::nullopt;
  return *parsed;
}

// Puts the instance of objectPaths[index] into the target: "/3/0", "/prefix/3/0", or "/3" of a single object.
absl::Status TakeInstance(const onem2m::v1::Resource& resource, int index, uint32_t object_id, bool multiple,
                          Place place, Target* target) {
  const bool there = index < resource.object_paths_size();
  if (!there && place == Place::kExisting) {
    return absl::NotFoundError(
        absl::StrCat("objectPaths has no element for objectIDs[", index, "] ", resource.object_ids(index)));
  }
  const std::string text = there ? resource.object_paths(index) : "";
  target->instance = lwm2m::MakePath(object_id, 0);
  if (const auto instance = PathAtEnd(text, 2, object_id)) {
    target->instance = *instance;
    return absl::OkStatus();
  }
  const bool object_alone = PathAtEnd(text, 1, object_id).has_value() || (text.empty() && place == Place::kNew);
  if (object_alone && !multiple) return absl::OkStatus();
  if (object_alone && place == Place::kNew) {
    target->chosen = false;
    return absl::OkStatus();
  }
  return absl::NotFoundError(
      absl::StrCat("objectPaths[", index, "]: expected /", object_id, "/<instance>, got '", text, "'"));
}

// A self-defined <mgmtObj> without a mapping: its first objectID says what it is.
absl::StatusOr<Target> LocateSelfDefined(const MappingTable& table, const onem2m::v1::Resource& resource, Place place) {
  if (resource.object_ids().empty()) {
    return absl::UnavailableError(absl::StrCat(
        "the ", resource.root(), " has no objectIDs and no mapping: it is not kept in step with a LwM2M device"));
  }
  const ObjectUrn urn = SplitUrn(resource.object_ids(0));
  const std::vector<absl::string_view> parts = absl::StrSplit(urn.base, ':');
  const std::optional<uint32_t> id = ResourceIdOf(parts.back());
  if (!absl::StartsWith(urn.base, "urn:oma:lwm2m:") || parts.size() != 5 || !id.has_value() || IsHidden(*id)) {
    return absl::UnavailableError(
        absl::StrCat("objectIDs[0] '", resource.object_ids(0),
                     "' names no LwM2M object: expected urn:oma:lwm2m:<class>:<object id>[:<version>]"));
  }
  Target target;
  target.table = &table;
  target.generic = true;
  target.version = urn.version;
  const ObjectDefinition* object = table.FindObject(*id, urn.version);
  const ResourceMapping* mapping = table.FindGenericMapping(*id, urn.version);
  target.undefined = mapping == nullptr;
  target.mapping = target.undefined ? &UnknownObjectMapping() : mapping;
  RETURN_IF_ERROR(TakeInstance(resource, 0, *id, object == nullptr || object->multiple, place, &target));
  return target;
}

}  // namespace

lwm2m::v1::Path Target::At(uint32_t resource_id) const {
  return lwm2m::MakePath(instance.object_id(), instance.object_instance_id(), resource_id);
}

const ResourceDefinition* Target::Definition(uint32_t resource_id) const {
  const ResourceDefinition* definition = table->FindResource(instance.object_id(), version, resource_id);
  return definition == nullptr && generic ? &UntypedResource() : definition;
}

void Target::Admit(uint32_t resource_id, bool list) {
  for (const AttributeMapping& attribute : mapping->attributes) {
    if (attribute.resource_id == resource_id) return;
  }
  if (own_ == nullptr) {
    own_ = std::make_shared<ResourceMapping>(*mapping);
    mapping = own_.get();
  }
  own_->attributes.push_back(MakeUntypedAttribute(resource_id, list));
}

void Target::AdmitNodes(const google::protobuf::RepeatedPtrField<lwm2m::v1::Node>& nodes) {
  if (!generic) return;
  for (const lwm2m::v1::Node& node : nodes) {
    if (!node.path().has_resource_id() || !lwm2m::Contains(instance, node.path())) continue;
    Admit(node.path().resource_id(), node.path().has_resource_instance_id());
  }
}

void Target::AdmitName(absl::string_view name, bool list) {
  if (!generic) return;
  if (const std::optional<uint32_t> id = ResourceIdOf(name)) Admit(*id, list);
}

std::string Target::Describe(uint32_t resource_id) const {
  const ResourceDefinition* definition = Definition(resource_id);
  const bool named = definition != nullptr && !definition->name.empty();
  return absl::StrCat(lwm2m::PathToString(At(resource_id)), named ? " " : "", named ? definition->name : "");
}

absl::StatusOr<Target> Locate(const MappingTable& table, const onem2m::v1::Resource& resource, absl::string_view field,
                              Place place) {
  if (resource.root().empty()) {
    return status::InvalidField(absl::StrCat(field, ".root"), status::FieldReason::kMissing,
                                "expected the root of a <mgmtObj>, as m2m:bat");
  }
  Target target;
  target.table = &table;
  target.mapping = table.FindMapping(resource.root());
  if (target.mapping == nullptr && resource.mgmt_definition() == 0) return LocateSelfDefined(table, resource, place);
  if (target.mapping == nullptr) {
    std::vector<std::string> known;
    for (const ResourceMapping& mapping : table.mappings()) known.push_back(mapping.root);
    return absl::UnimplementedError(absl::StrCat("there is no mapping for ", resource.root(), " (mgmtDefinition ",
                                                 resource.mgmt_definition(), "); mapped are ",
                                                 absl::StrJoin(known, ", ")));
  }
  const ResourceMapping& mapping = *target.mapping;
  if (resource.mgmt_definition() != 0 && resource.mgmt_definition() != mapping.mgmt_definition) {
    return status::InvalidField(absl::StrCat(field, ".mgmt_definition"), status::FieldReason::kUnexpected,
                                absl::StrCat("expected ", mapping.mgmt_definition, " for ", mapping.root, ", got ",
                                             resource.mgmt_definition()));
  }
  for (int i = 0; i < resource.object_ids_size(); ++i) {
    const ObjectUrn urn = SplitUrn(resource.object_ids(i));
    if (urn.base != mapping.object_urn) continue;
    const ObjectDefinition* object = table.FindObject(mapping.object_id, urn.version);
    RETURN_IF_ERROR(
        TakeInstance(resource, i, mapping.object_id, object != nullptr && object->multiple, place, &target));
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
