// Every object without a mapping of its own is a self-defined <mgmtObj> (mgmtDefinition 0, TS-0001 9.6.15): one
// attribute for each resource, made from the object's definition, or named by its Resource ID where there is none.
//
//   const ResourceMapping mapping = MakeGenericMapping(temperature);   // 3303
//   mapping.root                                 // "m2m:mgo"
//   mapping.Find("sensorValue")->resource_id     // 5700
//   mapping.name                                 // "temperature"
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_GENERIC_MAPPING_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_GENERIC_MAPPING_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// Root of every such <mgmtObj> (TS-0004 8.2.4: mgmtObj). No mapping file may have it.
inline constexpr char kGenericRoot[] = "m2m:mgo";

// Attributes are named as resources are, in lower camel case. A name that is taken, in the object or by an attribute
// that every resource has (rn, lbl ...), gets the Resource ID behind it. What can be read is observed.
ResourceMapping MakeGenericMapping(const ObjectDefinition& object);

// Of an object that nobody has described: no attribute is known before the device tells one. `object_id` is 0 and
// `object_urn` empty: they are the target's.
const ResourceMapping& UnknownObjectMapping();

// An attribute that goes by a Resource ID and has the type of whatever value comes.
AttributeMapping MakeUntypedAttribute(uint32_t resource_id, bool list);
// What stands for the resource of such an attribute.
const ResourceDefinition& UntypedResource();

// "5700" -> 5700; nothing when `name` is no Resource ID in its shortest form.
std::optional<uint32_t> ResourceIdOf(absl::string_view name);

// Security (0) and OSCORE (21) objects hold keys and are never shown to a LwM2M Server (LwM2M Core E.1): no resource is
// made of them even when a device names them.
bool IsHidden(uint32_t object_id);

// Attributes that every <mgmtObj> has whatever its specialization (TS-0001 9.6.1.3, 9.6.15): the IN-CSE keeps them.
bool IsCommonAttribute(absl::string_view short_name);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_GENERIC_MAPPING_H_
