// Device management requests (LwM2M Transport 6.4.2) on a device model: Read, Discover, Write, Write-Attributes,
// Execute, Read-Composite and Write-Composite, in whatever formats our codecs know. It answers; that an answer starts
// an observation is the client's affair.
//
//   Management management(&model, &clock);
//   respond(management.Answer(request.message));
//
// Not thread-safe.
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_MANAGEMENT_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_MANAGEMENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"
#include "tools/lwm2m_fleet/attributes.h"
#include "tools/lwm2m_fleet/device_model.h"

namespace isthmus::fleet {

// An option whose value is a number.
coap::Option UintOption(uint16_t number, uint64_t value);

class Management {
 public:
  // Both must outlive it.
  Management(DeviceModel* model, const Clock* clock) : model_(model), clock_(clock) {}

  coap::OutgoingResponse Answer(const coap::Message& request);
  // Also for notifications. Without `accept` it is text or opaque for a single resource and TLV for anything else.
  coap::OutgoingResponse Read(const v1::Path& path, std::optional<uint64_t> accept) const;
  // The number at a single resource; nullopt when there is none.
  std::optional<double> NumberAt(const v1::Path& path) const;
  const AttributeTable& attributes() const { return attributes_; }
  // The device has started again.
  void ForgetAttributes() { attributes_.Clear(); }

  // The path of a request. INVALID_ARGUMENT when its segments are no path.
  static absl::StatusOr<v1::Path> PathOf(const coap::Message& request);

 private:
  coap::OutgoingResponse Discover(const v1::Path& path) const;
  coap::OutgoingResponse Write(const v1::Path& path, const coap::Message& request);
  coap::OutgoingResponse Post(const v1::Path& path, const coap::Message& request);
  coap::OutgoingResponse ReadComposite(const coap::Message& request) const;
  coap::OutgoingResponse WriteComposite(const coap::Message& request);

  DeviceModel* const model_;
  const Clock* const clock_;
  AttributeTable attributes_;
};

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_MANAGEMENT_H_
