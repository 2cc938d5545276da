#include "services/translation/core/device_describer.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/invalid_field.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/core/action_status.h"
#include "services/translation/core/definition_rules.h"
#include "services/translation/core/generic_mapping.h"

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
      return status::InvalidField(absl::StrCat("links[", i, "].path"), status::FieldReason::kMissing,
                                  "expected an object or an instance");
    }
    Object& object = objects[link.path().object_id()];
    object.announced = true;
    if (!link.version().empty()) object.version = link.version();
    if (link.path().has_object_instance_id()) object.instances.insert(link.path().object_instance_id());
  }
  return objects;
}

// 1.0 is what an identifier without a version means (TS-0005 6.2).
std::string WithVersion(const std::string& urn, const std::string& version) {
  return version.empty() || version == "1.0" ? urn : absl::StrCat(urn, ":", version);
}

// What every <mgmtObj> has before anything is read.
void DescribeResource(const ResourceMapping& mapping, const std::string& urn, const std::string& path,
                      v1::ManagementObject* described) {
  onem2m::v1::Resource* resource = described->mutable_resource();
  resource->set_root(mapping.root);
  resource->set_mgmt_definition(mapping.mgmt_definition);
  resource->add_object_ids(urn);
  resource->add_object_paths(path);
  described->set_clause(mapping.clause);
  onem2m::v1::Object* attributes = resource->mutable_attributes();
  for (const AttributeMapping& attribute : mapping.attributes) {
    if (attribute.is_action()) onem2m::Set(*attributes, attribute.short_name, onem2m::Boolean(attribute.reads));
    if (attribute.is_status()) onem2m::Set(*attributes, attribute.short_name, MakeStatus("", kUninitialized));
    if (attribute.fallback.has_value()) onem2m::Set(*attributes, attribute.short_name, *attribute.fallback);
  }
  // mgmtSchema (TS-0001 9.6.15) tells what the attributes of a self-defined one are: the object's definition.
  if (mapping.mgmt_definition == 0) onem2m::Set(*attributes, "mgs", onem2m::Text(urn));
}

void DescribeOne(const ResourceMapping& mapping, const Object& object, uint32_t instance, const std::string& root_path,
                 v1::ManagementObject* described) {
  DescribeResource(mapping, WithVersion(mapping.object_urn, object.version),
                   absl::StrCat(root_path, "/", mapping.object_id, "/", instance), described);
  std::set<uint32_t> read;
  std::set<uint32_t> observe;
  for (const AttributeMapping& attribute : mapping.attributes) {
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

// The resource names of a node are distinct.
class Names {
 public:
  explicit Names(const v1::DescribeDeviceResponse& response) {
    for (const v1::ManagementObject& object : response.management_objects()) taken_.insert(object.resource_name());
  }
  // "temperature0", "server0"; where that is taken, or a digit would meet a digit, "object34121-0".
  std::string Take(const std::string& name, uint32_t object_id, bool numbered, uint32_t instance) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(name.back()));
    std::string wanted = numbered ? absl::StrCat(name, digit ? "-" : "", instance) : name;
    if (taken_.count(wanted) > 0) {
      wanted = numbered ? absl::StrCat(name, "-", object_id, "-", instance) : absl::StrCat(name, "-", object_id);
    }
    taken_.insert(wanted);
    return wanted;
  }

 private:
  std::set<std::string> taken_;
};

// A self-defined <mgmtObj>. It is observed as a whole: nobody knows which of its resources matter.
void DescribeGeneric(const MappingTable& table, uint32_t object_id, const Object& object, const std::string& root_path,
                     Names* names, v1::DescribeDeviceResponse* response) {
  const ObjectDefinition* definition = table.FindObject(object_id, object.version);
  const ResourceMapping* known = table.FindGenericMapping(object_id, object.version);
  const ResourceMapping& mapping = known == nullptr ? UnknownObjectMapping() : *known;
  const std::string urn = WithVersion(definition == nullptr ? RegistryUrn(object_id) : definition->urn, object.version);
  const bool multiple = definition == nullptr || definition->multiple;
  const bool readable =
      definition == nullptr || std::any_of(mapping.attributes.begin(), mapping.attributes.end(),
                                           [](const AttributeMapping& attribute) { return attribute.readable(); });
  std::set<uint32_t> instances = object.instances;
  if (instances.empty() && !multiple) instances.insert(0);
  for (const uint32_t instance : instances) {
    v1::ManagementObject* described = response->add_management_objects();
    const std::string name = known == nullptr ? absl::StrCat(mapping.name, object_id) : mapping.name;
    described->set_resource_name(names->Take(name, object_id, multiple || instance != 0, instance));
    DescribeResource(mapping, urn, absl::StrCat(root_path, "/", object_id, "/", instance), described);
    described->set_self_describing(known == nullptr);
    if (!readable) continue;
    *described->add_read_paths() = lwm2m::MakePath(object_id, instance);
    *described->add_observe_paths() = lwm2m::MakePath(object_id, instance);
  }
}

}  // namespace

absl::StatusOr<v1::DescribeDeviceResponse> DescribeDevice(const MappingTable& table,
                                                          const v1::DescribeDeviceRequest& request) {
  if (request.endpoint().empty()) return status::InvalidField("endpoint", status::FieldReason::kMissing, "missing");
  std::string root_path = request.root_path();
  while (absl::EndsWith(root_path, "/")) root_path.pop_back();
  if (!root_path.empty() && root_path.front() != '/') {
    return status::InvalidField("root_path", status::FieldReason::kMalformed,
                                absl::StrCat("expected a path that starts with '/', got '", request.root_path(), "'"));
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
  Names names(response);
  for (const auto& [object_id, object] : objects) {
    if (IsHidden(object_id) || table.IsMapped(object_id)) continue;
    DescribeGeneric(table, object_id, object, root_path, &names, &response);
  }
  return response;
}

}  // namespace isthmus::translation
