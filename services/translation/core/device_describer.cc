#include "services/translation/core/device_describer.h"

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/core/action_status.h"

namespace isthmus::translation {
namespace {

struct Object {
  bool announced = false;
  std::string version;
  std::set<uint32_t> instances;
};

// Objects with their instances; links that go deeper count for their instance.
absl::StatusOr<std::map<uint32_t, Object>> CollectObjects(const v1::DescribeDeviceRequest& request) {
  std::map<uint32_t, Object> objects;
  for (int i = 0; i < request.links_size(); ++i) {
    const lwm2m::v1::ObjectLink& link = request.links(i);
    if (!link.path().has_object_id()) {
      return absl::InvalidArgumentError(absl::StrCat("links[", i, "].path: expected an object or an instance"));
    }
    Object& object = objects[link.path().object_id()];
    object.announced = true;
    if (!link.version().empty()) object.version = link.version();
    if (link.path().has_object_instance_id()) object.instances.insert(link.path().object_instance_id());
  }
  return objects;
}

void DescribeOne(const ResourceMapping& mapping, const Object& object, uint32_t instance, const std::string& root_path,
                 v1::ManagementObject* described) {
  onem2m::v1::Resource* resource = described->mutable_resource();
  resource->set_root(mapping.root);
  resource->set_mgmt_definition(mapping.mgmt_definition);
  // 1.0 is what an identifier without a version means (TS-0005 6.2).
  const bool plain = object.version.empty() || object.version == "1.0";
  resource->add_object_ids(plain ? mapping.object_urn : absl::StrCat(mapping.object_urn, ":", object.version));
  resource->add_object_paths(absl::StrCat(root_path, "/", mapping.object_id, "/", instance));
  described->set_clause(mapping.clause);

  std::set<uint32_t> read;
  std::set<uint32_t> observe;
  onem2m::v1::Object* attributes = resource->mutable_attributes();
  for (const AttributeMapping& attribute : mapping.attributes) {
    if (attribute.is_action()) onem2m::Set(*attributes, attribute.short_name, onem2m::Boolean(attribute.reads));
    if (attribute.is_status()) onem2m::Set(*attributes, attribute.short_name, MakeStatus("", kUninitialized));
    if (attribute.fallback.has_value()) onem2m::Set(*attributes, attribute.short_name, *attribute.fallback);
    for (const uint32_t id : attribute.ReadIds()) {
      read.insert(id);
      if (attribute.observe) observe.insert(id);
    }
  }
  if (read.size() == 1) {
    *described->add_read_paths() = lwm2m::MakePath(mapping.object_id, instance, *read.begin());
  } else if (!read.empty()) {
    *described->add_read_paths() = lwm2m::MakePath(mapping.object_id, instance);
  }
  // One by one: an observation of the whole instance would tell each tick of the device's clock.
  for (const uint32_t id : observe) {
    *described->add_observe_paths() = lwm2m::MakePath(mapping.object_id, instance, id);
  }
}

}  // namespace

absl::StatusOr<v1::DescribeDeviceResponse> DescribeDevice(const MappingTable& table,
                                                          const v1::DescribeDeviceRequest& request) {
  if (request.endpoint().empty()) return absl::InvalidArgumentError("endpoint: missing");
  std::string root_path = request.root_path();
  while (absl::EndsWith(root_path, "/")) root_path.pop_back();
  if (!root_path.empty() && root_path.front() != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("root_path: expected a path that starts with '/', got '", request.root_path(), "'"));
  }
  ASSIGN_OR_RETURN(const auto objects, CollectObjects(request));
  v1::DescribeDeviceResponse response;
  response.set_mapping_version(table.version());
  response.set_node_id(request.endpoint());
  for (const ResourceMapping& mapping : table.mappings()) {
    const auto found = objects.find(mapping.object_id);
    if (found == objects.end()) continue;
    const Object& object = found->second;
    const ObjectDefinition* definition = table.FindObject(mapping.object_id, object.version);
    const bool multiple = definition != nullptr && definition->multiple;
    std::set<uint32_t> instances = object.instances;
    if (instances.empty() && !multiple) instances.insert(0);
    for (const uint32_t instance : instances) {
      v1::ManagementObject* described = response.add_management_objects();
      // A single object has instance 0; one that a device adds against the rules still gets a name of its own.
      described->set_resource_name(multiple || instance != 0 ? absl::StrCat(mapping.name, instance) : mapping.name);
      DescribeOne(mapping, object, instance, root_path, described);
    }
  }
  return response;
}

}  // namespace isthmus::translation
