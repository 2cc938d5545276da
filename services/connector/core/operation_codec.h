// One LwM2M operation as a CoAP request, and a CoAP response as its result (LwM2M Transport 6.4): pure functions.
//
//   std::vector<Format> formats = FormatsToTry(operation, remembered, device.content_formats);
//   ASSIGN_OR_RETURN(coap::OutgoingRequest request, ToRequest(operation, formats[0], root_path));
//   PrependRoot(device.registration.root_path(), request);
//   Interpretation seen = Interpret(operation, response, formats[0], offered, root_path, now);
//   if (seen.try_other_format) ...the next of `formats`
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_OPERATION_CODEC_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_OPERATION_CODEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/lib/coap/endpoint.h"

namespace isthmus::connector {

// A payload format: what to accept of a read, what to write in. nullopt = whatever the device likes.
using Format = std::optional<uint32_t>;

// What is known to work with one registration of a device.
struct FormatMemory {
  std::optional<Format> read;
  std::optional<uint32_t> write;
  std::optional<uint32_t> composite;
  // Of reads that ask for formats that tell types (self_describing.h); one that tells none = the device has no such.
  std::optional<Format> self_describing;
  // The last attempt in one was met with silence, and nothing has been heard since.
  bool self_describing_silent = false;
};

// Formats in the order in which they are tried; at least one. `offered`: what the device said it speaks; empty = it did
// not say.
std::vector<Format> FormatsToTry(const lwm2m::v1::Operation& operation, const FormatMemory& memory,
                                 const std::vector<uint32_t>& offered);

// Path that an operation is about; the root for composites.
const lwm2m::v1::Path& PathOf(const lwm2m::v1::Operation& operation);
// "read", "write", "execute" ...
absl::string_view KindOf(const lwm2m::v1::Operation& operation);
// Sending it twice does no harm.
bool IsRepeatable(const lwm2m::v1::Operation& operation);

// A result that needs no device: an operation that must never be sent. A Delete of a Security, Server or Access Control
// instance (or of OSCORE) would lose the device for ever, so it is refused as the device ought to: 4.05.
std::optional<lwm2m::v1::OperationResult> RefuseLocally(const lwm2m::v1::Operation& operation);

//   INVALID_ARGUMENT  the operation cannot be sent as it is (a value that the format cannot carry, a wrong path).
//   UNIMPLEMENTED     an operation that this server does not know.
// `root_path`: the alternate root of the device, which stands before the names in a SenML payload; the request itself
// gets it from PrependRoot. `attributes_before`: what an earlier Write-Attributes set; what is no longer wanted of it
// is unset.
absl::StatusOr<coap::OutgoingRequest> ToRequest(const lwm2m::v1::Operation& operation, Format format,
                                                absl::string_view root_path = "",
                                                const lwm2m::v1::NotificationAttributes& attributes_before = {});
// For a device whose objects lie below an alternate root; "" = none.
void PrependRoot(absl::string_view root_path, coap::OutgoingRequest& request);

struct Interpretation {
  lwm2m::v1::OperationResult result;
  // The device might do it in another format: nothing was performed, or nothing understood.
  bool try_other_format = false;
  // The response says that the device notifies from now on.
  bool observing = false;
};
// `offered` as above: a 4.00 to a format that the device did not name means the format.
Interpretation Interpret(const lwm2m::v1::Operation& operation, const coap::Message& response, Format tried,
                         const std::vector<uint32_t>& offered, absl::string_view root_path, absl::Time now);

// Values of a response to a read or observation of `path`, or of a notification. Empty payload = no values; a payload
// without a Content-Format is text when `path` is a single resource.
absl::StatusOr<std::vector<lwm2m::v1::Node>> DecodeContent(const coap::Message& message, const lwm2m::v1::Path& path,
                                                           absl::string_view root_path, absl::Time now);

// Query of a Write-Attributes; attributes that `before` has and `wanted` has not are unset (their name alone).
//   INVALID_ARGUMENT  a number that is not finite.
absl::StatusOr<std::vector<std::string>> AttributeQuery(const lwm2m::v1::NotificationAttributes& wanted,
                                                        const lwm2m::v1::NotificationAttributes& before);

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_OPERATION_CODEC_H_
