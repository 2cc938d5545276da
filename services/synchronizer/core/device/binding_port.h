// The protocol binding as the notifications see it. The gRPC implementation is adapters/grpc/binding_client.h, the fake
// fake_binding.h.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_BINDING_PORT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_BINDING_PORT_H_

#include <functional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.pb.h"

namespace isthmus::synchronizer {

// Thread-safe. Answers exactly once, within `timeout`, on any thread and maybe before the call returns: with the
// target's answer, UNAVAILABLE (not sent, send again), DEADLINE_EXCEEDED (no answer) or INVALID_ARGUMENT (no target).
class BindingPort {
 public:
  virtual ~BindingPort() = default;
  virtual void Notify(const onem2m::v1::NotifyRequest& request, absl::Duration timeout,
                      std::function<void(absl::StatusOr<onem2m::v1::NotifyResponse>)> callback) = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_BINDING_PORT_H_
