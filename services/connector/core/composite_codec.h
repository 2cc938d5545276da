// Composite operations (LwM2M Core 1.1 6.3.8, 6.3.9) as CoAP requests, what a device's answer to one says of each path,
// and the single operations that say the same: pure functions. operation_codec.h uses the first part.
//
//   if (MaySpeakComposite(device) && operation.has_read_composite()) ...FETCH /
//   for (const Operation& single : SingleOperations(operation)) ...one after the other
//   OperationResult result = Combine(operation, singles, results);
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITE_CODEC_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITE_CODEC_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/connector/core/device.h"
#include "services/lib/coap/endpoint.h"

namespace isthmus::connector {

bool IsComposite(const lwm2m::v1::Operation& operation);

// INVALID_ARGUMENT when it asks for nothing, for the root, or writes to what is no resource.
absl::Status CheckComposite(const lwm2m::v1::Operation& operation);

// LwM2M 1.1 or later, and SenML is among the formats that the device named, if it named any.
bool MaySpeakComposite(const Device& device);

// FETCH or iPATCH of the root, in SenML JSON or SenML CBOR. INVALID_ARGUMENT for a value that SenML cannot carry.
absl::StatusOr<coap::OutgoingRequest> CompositeRequest(const lwm2m::v1::Operation& operation, uint32_t format,
                                                       absl::string_view root_path);

// Values of the answer to a Read-Composite; what nobody asked for is left out.
absl::StatusOr<std::vector<lwm2m::v1::Node>> DecodeComposite(const lwm2m::v1::ReadComposite& asked,
                                                             const coap::Message& response, absl::string_view root_path,
                                                             absl::Time now);

// Says of each path what the one answer to the whole means for it.
void FillPaths(const lwm2m::v1::Operation& operation, lwm2m::v1::OperationResult& result);

// Reads of each path, each once; or writes of the resources of one instance each, in order.
std::vector<lwm2m::v1::Operation> SingleOperations(const lwm2m::v1::Operation& operation);

// The results of the single operations as that of the composite one; those that are missing at the end were not sent,
// because of `why`.
lwm2m::v1::OperationResult Combine(const lwm2m::v1::Operation& operation,
                                   const std::vector<lwm2m::v1::Operation>& singles,
                                   const std::vector<lwm2m::v1::OperationResult>& results, absl::string_view why);

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITE_CODEC_H_
