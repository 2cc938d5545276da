// Which events of a LwM2M Server have been applied. Events are applied side by side (device by device), so they end out
// of order; the position moves only over what has no unapplied event before it. It is stored first and acknowledged
// then: what is acknowledged, the server forgets.
//
//   EventPositions positions(resources, "session/position");
//   const auto ticket = positions.Begin(event.position());   // in the order of arrival
//   positions.End(ticket);                                   // in any order
//   positions.Flush();                                       // stores, then calls on_applied
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_EVENT_POSITIONS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_EVENT_POSITIONS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "isthmus/session/v1/session.pb.h"
#include "services/synchronizer/core/ports.h"

namespace isthmus::synchronizer {

// Thread-safe.
class EventPositions {
 public:
  using Ticket = uint64_t;

  EventPositions(ResourcePort* resources, std::string key);

  // Hears of every stored position, in order; not under a lock. Set before use.
  void OnApplied(std::function<void(const session::v1::EventPosition&)> listener);
  // The stored position; empty epoch = none.
  session::v1::EventPosition Load();
  // The last one that was stored.
  session::v1::EventPosition applied() const;

  // `parts` ends are needed (a snapshot has one part for each device); with 0 it has ended already.
  Ticket Begin(const session::v1::EventPosition& position, size_t parts = 1);
  // Flushes by itself when nothing is open any more, or much has ended since.
  void End(Ticket ticket);
  void Flush();

  size_t open() const;

 private:
  struct Open {
    session::v1::EventPosition position;
    size_t parts;
  };

  void Advance();

  ResourcePort* const resources_;
  const std::string key_;
  std::function<void(const session::v1::EventPosition&)> listener_;
  std::mutex flush_mutex_;  // before mutex_; one flush at a time keeps the stored positions in order
  mutable std::mutex mutex_;
  std::deque<Open> open_;
  Ticket first_ = 1;  // ticket of open_.front()
  session::v1::EventPosition reached_;
  session::v1::EventPosition stored_;
  size_t unflushed_ = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_EVENT_POSITIONS_H_
