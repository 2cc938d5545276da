// Sends notifications of the IN-CSE to their targets and awaits the answers (TS-0010 6.4.2, 6.4.3).
//
//   Notifier notifier(&scheme, &codecs, &mqtt, &clock, {"127.0.0.1:1883"});
//   notifier.Notify(request, absl::Seconds(10), [](absl::StatusOr<NotifyResponse> response) { ... });
//   // the binding hands over what comes on /oneM2M/resp/<csi>/...:
//   notifier.OnAnswer(topic, payload);
//   // somebody calls this every few milliseconds:
//   notifier.Tick();
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_NOTIFIER_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_NOTIFIER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.pb.h"
#include "services/lib/clock/clock.h"
#include "services/lib/onem2m/codec.h"
#include "services/mqtt_binding/core/mqtt_client.h"
#include "services/mqtt_binding/core/topic.h"

namespace isthmus::mqtt_binding {

// Thread-safe. Borrows what it is given.
class Notifier {
 public:
  using Done = std::function<void(absl::StatusOr<onem2m::v1::NotifyResponse>)>;

  // `brokers`: the names ("host:port") under which URL targets may call our broker.
  Notifier(const TopicScheme* scheme, const onem2m::CodecRegistry* codecs, MqttClient* mqtt, const Clock* clock,
           std::vector<std::string> brokers);

  // Calls `done` exactly once, maybe before it returns, with the status codes of NotificationService.Notify, with
  // ALREADY_EXISTS when an answer to this rqi is awaited from this target, and with INTERNAL when the answer cannot be
  // read.
  void Notify(onem2m::v1::NotifyRequest request, absl::Duration timeout, Done done);

  // An answer on the topic of one of our requests. False when nobody waits for it.
  bool OnAnswer(const Topic& topic, absl::string_view payload);

  // Ends what is past its time.
  void Tick();
  // Ends everything with UNAVAILABLE, and what comes from now on too.
  void Shutdown();

  size_t pending() const;

 private:
  struct Pending {
    std::pair<std::string, std::string> key;  // receiver segment and rqi; no receiver when no answer is awaited
    absl::Duration deadline;                  // monotonic
    Done done;
    bool at_broker = false;  // acknowledged by the broker
  };

  void Complete(uint64_t id, absl::StatusOr<onem2m::v1::NotifyResponse> outcome);
  // The broker has acknowledged the request.
  void Taken(uint64_t id);
  // Removes and returns what waits under this id; `done` is null when there is nothing.
  Pending Remove(uint64_t id);

  const TopicScheme* const scheme_;
  const onem2m::CodecRegistry* const codecs_;
  MqttClient* const mqtt_;
  const Clock* const clock_;
  const std::vector<std::string> brokers_;

  mutable std::mutex mutex_;
  uint64_t next_id_ = 1;
  bool closed_ = false;
  absl::flat_hash_map<uint64_t, Pending> pending_;
  absl::flat_hash_map<std::pair<std::string, std::string>, uint64_t> by_key_;
  std::set<std::pair<absl::Duration, uint64_t>> by_deadline_;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_NOTIFIER_H_
