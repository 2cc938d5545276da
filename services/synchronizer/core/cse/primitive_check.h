// What of a request primitive can be judged without looking at any resource (TS-0004 7.2.2.2, 7.3.2.1).
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_PRIMITIVE_CHECK_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_PRIMITIVE_CHECK_H_

#include <cstdint>

#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.pb.h"
#include "services/synchronizer/core/cse/cse_options.h"
#include "services/synchronizer/core/refusal.h"

namespace isthmus::synchronizer {

// Result Content (TS-0004 6.3.4.2.7).
enum ResultContent : uint32_t {
  kNothing = 0,
  kAttributes = 1,
  kHierarchicalAddress = 2,
  kAddressAndAttributes = 3,
  kAttributesAndChildren = 4,
  kAttributesAndChildReferences = 5,
  kChildReferences = 6,
  kChildren = 8,
  kModifiedAttributes = 9,
  kDiscoveryReferences = 11,
};

bool IsDiscovery(const onem2m::v1::RequestPrimitive& primitive);
// What was asked for, or the default of the operation.
uint32_t ResultContentOf(const onem2m::v1::RequestPrimitive& primitive);

// Mandatory parameters, releases, values.
Checked CheckPrimitive(const onem2m::v1::HandleRequest& request, const CseOptions& options);
// 4008.
Checked CheckExpiration(const onem2m::v1::RequestPrimitive& primitive, absl::Time now);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_PRIMITIVE_CHECK_H_
