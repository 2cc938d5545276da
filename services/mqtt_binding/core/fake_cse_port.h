// A CSE whose answers the test gives.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_FAKE_CSE_PORT_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_FAKE_CSE_PORT_H_

#include <mutex>
#include <utility>
#include <vector>

#include "services/mqtt_binding/core/cse_port.h"

namespace isthmus::mqtt_binding {

// Thread-safe.
class FakeCsePort final : public CsePort {
 public:
  struct Call {
    onem2m::v1::HandleRequest request;
    absl::Time deadline;
    Done done;
  };

  void Handle(onem2m::v1::HandleRequest request, absl::Time deadline, Done done) override {
    std::lock_guard<std::mutex> lock(mutex_);
    calls_.push_back({std::move(request), deadline, std::move(done)});
  }

  // All since the last call.
  std::vector<Call> Take() {
    std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(calls_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Call> calls_;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_FAKE_CSE_PORT_H_
