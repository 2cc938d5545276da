// Links from one <mgmtObj> of a device to another one of the same node (mgmtLink, activeCmdhPolicyLink). The device
// side names the other by the element of its objectPaths, oneM2M by its resource identifier (TS-0001 9.6.15).
//
//   ShowSiblings(policy, &value);                       // val: "/2050/0" -> "r17"
//   NameOnDevice(context, table, policy, &attributes);  // val: "r17" or "cse-in/dev1/cmdhDefaults0" -> "/2050/0"
//
// What names no sibling stays as it is: an object that the device has not announced yet, or what translation will
// refuse. Free functions; the caller holds the lock of the tree.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_SIBLING_LINKS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_SIBLING_LINKS_H_

#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/cse/cse_context.h"
#include "services/synchronizer/core/resource/resource_tree.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {

// The value of an attribute that is a link (AttributeRule::link), as it came from the device side.
void ShowSiblings(const Entry& object, onem2m::v1::Value* value);
// Attributes on their way to the device.
void NameOnDevice(const CseContext& context, const ResourceTable& table, const Entry& object,
                  onem2m::v1::Object* attributes);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_SIBLING_LINKS_H_
