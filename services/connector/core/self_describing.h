// Operations whose asker has no definition of the object (lwm2m.v1.Read.self_describing): which formats
// that tell the types of values a device is asked for before anything else, and what it means when it gives none.
//
//   std::vector<Format> formats = SelfDescribingFormats(operation, memory, device);   // 112, 110
//
// Pure functions: thread-safe.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_SELF_DESCRIBING_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_SELF_DESCRIBING_H_

#include <vector>

#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/connector/core/device.h"
#include "services/connector/core/operation_codec.h"

namespace isthmus::connector {

// Of a read or an observation.
bool IsSelfDescribing(const lwm2m::v1::Operation& operation);

// In the order in which they are tried, before those of FormatsToTry: what worked before; else those that the device
// names; else, where it names none, what its version of LwM2M has. Empty when `operation` does not ask for them, and
// when the device is known, or has just been suspected, to have none. Of a write or a creation whose values nobody has
// typed only what worked for a read: it is no time for experiments.
std::vector<Format> SelfDescribingFormats(const lwm2m::v1::Operation& operation, const FormatMemory& memory,
                                          const Device& device);

// The way in which an attempt in such a format ended may be due to the format: devices that do not know it say so in
// many ways, and the next attempt shows what it was. Silence is none of them: a device that is away is silent as well.
// Nor is, for what changes the device, any way that leaves open whether it did.
bool MayBeTheFormat(const lwm2m::v1::Operation& operation, const lwm2m::v1::OperationResult& result);

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_SELF_DESCRIBING_H_
