// Performs LwM2M operations on devices: builds the request, sends it over the device's line, understands the answer,
// and tries another payload format where the device wants one. What worked is remembered for the registration.
//
//   Operations operations(&clock, &lines);
//   operations.Perform(registry.FindByEndpoint("urn:x"), operation, {.deadline = clock.Monotonic() + absl::Seconds(5)},
//                      [](Operations::Performed performed) { ... performed.result ... });
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_OPERATIONS_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_OPERATIONS_H_

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/connector/core/device.h"
#include "services/connector/core/device_line.h"
#include "services/connector/core/operation_codec.h"
#include "services/lib/clock/clock.h"

namespace isthmus::connector {

// Not thread-safe: on the thread of the lines.
class Operations {
 public:
  struct Options {
    absl::Duration deadline = absl::InfiniteDuration();  // monotonic
    bool background = false;                             // behind everything that somebody waits for
    // Observe: makes the token of each attempt. Cancel Observation: gives the token of the observation.
    std::function<std::string()> token;
    // Write-Attributes: what was written before; attributes that are no longer wanted are unset.
    lwm2m::v1::NotificationAttributes attributes_before;
    // As of DeviceLines::Job.
    bool front = false;
    absl::Duration patience = absl::InfiniteDuration();
  };
  struct Performed {
    lwm2m::v1::OperationResult result;
    bool observing = false;     // the device notifies from now on,
    std::string token;          // with this token,
    coap::Peer peer;            // from this address,
    Format format;              // asked for in this format
    bool acknowledged = false;  // the device has had the message, whether or not it answered
  };
  using Done = std::function<void(Performed)>;

  // `clock` and `lines` must outlive it.
  Operations(const Clock* clock, DeviceLines* lines);

  // `device` null = not registered. Calls back exactly once, by the deadline, maybe before Perform returns. A composite
  // operation is sent as one, whatever the device makes of it: composites.h knows better.
  void Perform(const DevicePtr& device, const lwm2m::v1::Operation& operation, Options options, Done done);

  // What worked with an earlier registration says nothing about the next.
  void ForgetFormats(const std::string& endpoint) { formats_.erase(endpoint); }
  // Devices that something is remembered of.
  size_t remembered() const { return formats_.size(); }

 private:
  struct Run;
  static absl::StatusOr<coap::OutgoingRequest> Request(const Run& run, const Device& device);
  void Try(const std::shared_ptr<Run>& run);
  void OnResult(const std::shared_ptr<Run>& run, DeviceLines::Result result);
  // How the last attempt ended says something about the formats of the device.
  void Learn(const Run& run, const Performed& performed);

  const Clock* const clock_;
  DeviceLines* const lines_;
  std::unordered_map<std::string, FormatMemory> formats_;  // by endpoint
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_OPERATIONS_H_
