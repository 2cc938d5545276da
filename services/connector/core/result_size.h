// How much of a device's values one message to the IN-CSE may carry. A payload format packs values far denser than a
// message does (two octets of TLV are some twenty there), and a message above the limit of gRPC ends the session: an
// event would end it again each time it is sent anew.
//
//   RETURN_IF_ERROR(CheckFits(nodes));
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_RESULT_SIZE_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_RESULT_SIZE_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::connector {

// Half of what a message of gRPC may have here (services/lib/service/limits.h).
inline constexpr size_t kMostValueOctets = 4 << 20;

// INVALID_ARGUMENT when they do not.
absl::Status CheckFits(const std::vector<lwm2m::v1::Node>& nodes);

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_RESULT_SIZE_H_
