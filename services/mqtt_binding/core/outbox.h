// Messages on their way to the broker, in order, until it has acknowledged them.
//
//   outbox.Add(std::move(message));
//   while (auto next = outbox.Next(clock.Now())) send(next->sequence, *next->topic, *next->payload);
//   outbox.Acknowledge(sequence);   // PUBACK
//   outbox.Rewind();                // the connection was lost: Next starts again with the oldest unacknowledged one
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_OUTBOX_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "services/mqtt_binding/core/mqtt_client.h"

namespace isthmus::mqtt_binding {

// Thread-safe. Calls each message's `done` exactly once and outside its lock.
class Outbox {
 public:
  struct Limits {
    // Bounds of what waits; what comes on top is refused (RESOURCE_EXHAUSTED).
    size_t messages = 100'000;
    size_t octets = 64 << 20;
    // Sent and not yet acknowledged at once. Paho looks through a list of them for each message, and leaks those that
    // it has not written yet when a connection is lost: few enough for that not to matter.
    size_t window = 128;
  };
  struct Ticket {
    uint64_t sequence = 0;
    std::shared_ptr<const std::string> topic;
    std::shared_ptr<const std::string> payload;
  };

  explicit Outbox(Limits limits) : limits_(limits) {}
  ~Outbox() { Close(); }

  void Add(OutgoingMessage message);
  // The next message to send, and marks it as sent. Nothing when all are sent or the window is full. Those that have
  // expired are dropped on the way.
  std::optional<Ticket> Next(absl::Time now);
  // The broker has it. Unknown sequences are ignored (an acknowledgement of before a Rewind).
  void Acknowledge(uint64_t sequence);
  // The broker can never take it.
  void Drop(uint64_t sequence, const absl::Status& reason);
  // Nothing that was sent and not acknowledged can be relied upon.
  void Rewind();
  // Drops everything (CANCELLED), and what is added from now on.
  void Close();

  bool empty() const;
  size_t size() const;

 private:
  struct Entry {
    Ticket ticket;
    absl::Time expires;
    std::function<void(const absl::Status&)> done;
    bool sent = false;
    bool gone = false;  // acknowledged or dropped; waits for those before it to be removed
  };
  using Done = std::function<void(const absl::Status&)>;

  // Marks as gone and returns its `done`.
  Done Remove(Entry& entry);
  Entry* Find(uint64_t sequence);
  void Trim();

  const Limits limits_;
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // sequences without gaps
  uint64_t next_sequence_ = 1;
  size_t next_ = 0;  // index of the first that was not offered since the last Rewind
  size_t waiting_ = 0;
  size_t octets_ = 0;
  size_t in_window_ = 0;
  bool closed_ = false;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_OUTBOX_H_
