// The IN-CSE as the binding sees it (CseService of the synchronizer). The implementation over gRPC is adapters/grpc.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_CSE_PORT_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_CSE_PORT_H_

#include <functional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.pb.h"

namespace isthmus::mqtt_binding {

class CsePort {
 public:
  using Done = std::function<void(absl::StatusOr<onem2m::v1::HandleResponse>)>;
  virtual ~CsePort() = default;
  // Never blocks; calls `done` exactly once, by the deadline, maybe at once and maybe on another thread. Repeats by
  // itself what is safe to repeat. Failures:
  //   UNAVAILABLE        the CSE could not be reached; the request was not performed
  //   ABORTED            the connection broke while the request was under way; it may have been performed
  //   DEADLINE_EXCEEDED  no outcome by the deadline; it may have been performed
  //   CANCELLED          we are being stopped; it may have been performed
  virtual void Handle(onem2m::v1::HandleRequest request, absl::Time deadline, Done done) = 0;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_CSE_PORT_H_
