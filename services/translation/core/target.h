// Where the data of a <mgmtObj> lives on its device: mapping by root, object by objectIDs, instance by objectPaths
// (TS-0005 6.3.1, TS-0004 7.3.4). A self-defined <mgmtObj> whose root has no mapping is what its object's definition
// makes of it (generic_mapping.h).
//
//   ASSIGN_OR_RETURN(const Target target, Locate(table, resource, "resource"));
//   target.At(9)   // path /3/0/9
//
// A target points into the table and is valid while that lives. Pure function: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_TARGET_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_TARGET_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_field.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

struct Target {
  const MappingTable* table = nullptr;
  const ResourceMapping* mapping = nullptr;
  lwm2m::v1::Path instance;  // without an alternate root: the connector puts it before
  std::string version;       // of the object on the device; "" = 1.0
  bool generic = false;      // no mapping file: Resource IDs are names too
  bool undefined = false;    // generic, and no definition of the object either
  bool chosen = true;        // false of a creation that leaves the instance to the device; it counts as 0 then

  // Makes attributes named by their Resource IDs of what the definition does not tell; nothing when not `generic`.
  // Pointers to attributes that were taken before do not hold any more.
  void AdmitNodes(const google::protobuf::RepeatedPtrField<lwm2m::v1::Node>& nodes);
  void AdmitName(absl::string_view name, bool list);

  lwm2m::v1::Path At(uint32_t resource_id) const;
  // Never null for a resource that the mapping names.
  const ResourceDefinition* Definition(uint32_t resource_id) const;
  // "/3/0/9 Battery Level".
  std::string Describe(uint32_t resource_id) const;

 private:
  void Admit(uint32_t resource_id, bool list);
  std::shared_ptr<ResourceMapping> own_;  // the mapping, once something was admitted
};

// A creation needs no instance: without one the device chooses.
enum class Place { kExisting, kNew };

// `field` is what messages call the resource.
//   INVALID_ARGUMENT  the resource makes no sense in itself.
//   UNIMPLEMENTED     no mapping for its root, which is not self-defined.
//   UNAVAILABLE       objectIDs do not name the object that the mapping is for: nothing to manage it by.
//   NOT_FOUND         objectPaths do not say where the object is.
absl::StatusOr<Target> Locate(const MappingTable& table, const onem2m::v1::Resource& resource, absl::string_view field,
                              Place place = Place::kExisting);

// The response status code of a Locate that failed: 5001, 6003, 6005; 0 for INVALID_ARGUMENT.
uint32_t StatusCodeOfLocate(const absl::Status& status);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_TARGET_H_
