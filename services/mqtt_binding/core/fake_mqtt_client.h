// Keeps what is published.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_FAKE_MQTT_CLIENT_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_FAKE_MQTT_CLIENT_H_

#include <mutex>
#include <utility>
#include <vector>

#include "services/mqtt_binding/core/mqtt_client.h"

namespace isthmus::mqtt_binding {

// Thread-safe.
class FakeMqttClient final : public MqttClient {
 public:
  void Publish(OutgoingMessage message) override {
    const auto done = message.done;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      published_.push_back(std::move(message));
    }
    if (done && acknowledge_) done(outcome_);
  }
  bool connected() const override { return connected_; }

  // All since the last call.
  std::vector<OutgoingMessage> Take() {
    std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(published_, {});
  }
  void set_connected(bool connected) { connected_ = connected; }
  void set_acknowledge(bool acknowledge) { acknowledge_ = acknowledge; }
  void set_outcome(absl::Status outcome) { outcome_ = std::move(outcome); }

 private:
  std::mutex mutex_;
  std::vector<OutgoingMessage> published_;
  bool connected_ = true;
  bool acknowledge_ = true;
  absl::Status outcome_;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_FAKE_MQTT_CLIENT_H_
