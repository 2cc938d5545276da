// What the binding needs of an MQTT connection. The implementation over Paho is adapters/paho; core/fake_mqtt_client.h
// is the one for tests.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_MQTT_CLIENT_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_MQTT_CLIENT_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace isthmus::mqtt_binding {

struct IncomingMessage {
  absl::string_view topic;
  absl::string_view payload;
  bool retained = false;   // it was kept by the broker; nobody has just sent it
  bool duplicate = false;  // the broker delivers it again
};

struct OutgoingMessage {
  std::string topic;
  std::string payload;
  // Dropped when the broker has not got it by then.
  absl::Time expires = absl::InfiniteFuture();
  // May be null. OK once the broker has the message, else why it was dropped: DEADLINE_EXCEEDED (expired),
  // RESOURCE_EXHAUSTED (too much is waiting), INVALID_ARGUMENT (the broker can never take it), CANCELLED (stopped).
  std::function<void(const absl::Status&)> done;
};

// Always QoS 1, never retained.
class MqttClient {
 public:
  virtual ~MqttClient() = default;
  // Never blocks, from any thread, also from within on_message. While there is no connection messages wait, in order
  // and bounded.
  virtual void Publish(OutgoingMessage message) = 0;
  virtual bool connected() const = 0;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_MQTT_CLIENT_H_
