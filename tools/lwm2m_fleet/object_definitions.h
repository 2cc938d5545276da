// The objects that a device of the fleet has: 1, 3, 4, 5 and 3303, and with `more_objects` software management, a
// device capability, an event log and a CMDH policy (9, 15, 20, 2048 to 2057); one instance of each.
//
//   const ResourceDefinition* resource = FindResource(3, 9);   // Battery Level, readable, an Integer
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_OBJECT_DEFINITIONS_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_OBJECT_DEFINITIONS_H_

#include <cstdint>
#include <vector>

#include "services/lib/lwm2m/typed_value.h"

namespace isthmus::fleet {

struct ResourceDefinition {
  uint16_t object = 0, resource = 0;
  lwm2m::ResourceType type = lwm2m::ResourceType::kString;
  bool readable = false, writable = false, multiple = false;

  bool executable() const { return type == lwm2m::ResourceType::kNone; }
};

struct ObjectDefinition {
  uint16_t object = 0;
  const char* version = "";
  bool more = false;  // only with `more_objects`
};

// In ascending order.
const std::vector<ObjectDefinition>& Objects();
const std::vector<ResourceDefinition>& Resources();
// Null when there is none.
const ResourceDefinition* FindResource(uint32_t object, uint32_t resource);
const ObjectDefinition* FindObject(uint32_t object);

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_OBJECT_DEFINITIONS_H_
