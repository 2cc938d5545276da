// The way of events from the outbox to one receiver over one stream: resuming, the window, gaps and snapshots. Internal
// to this library.
//
// Thread-safe; calls the outbox and `list_registrations` without a lock.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_EVENT_FEED_H_
#define ISTHMUS_SERVICES_LIB_SESSION_EVENT_FEED_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/lib/session/connection.h"
#include "services/lib/session/session.h"

namespace isthmus::session {

class EventFeed : public std::enable_shared_from_this<EventFeed> {
 public:
  using Executor = std::function<void(std::function<void()>)>;

  // Sends nothing before Go. `resume_from` is what the receiver says it has applied. `executor` runs what reads and
  // writes the outbox.
  EventFeed(std::string peer, Outbox* outbox, std::function<std::vector<lwm2m::v1::Registration>()> list_registrations,
            std::shared_ptr<OrderedWriter> writer, v1::EventPosition resume_from, Executor executor);

  // Sends what the outbox holds and the window allows, unless somebody does already.
  void Go();
  // `event` has just been appended with this number.
  void Offer(const v1::Event& event, uint64_t sequence);
  // The receiver has applied all up to here.
  void Acknowledged(const v1::EventPosition& position);
  // Nothing is put to the writer after this.
  void Stop();

 private:
  void GoOn();
  void Resume();
  void SendSnapshot(uint64_t sequence, absl::string_view gap);
  uint64_t Room() const;

  const std::string peer_;
  Outbox* const outbox_;
  const std::string epoch_;
  const std::function<std::vector<lwm2m::v1::Registration>()> list_registrations_;
  const std::shared_ptr<OrderedWriter> writer_;
  const v1::EventPosition resume_from_;
  const Executor executor_;

  std::mutex mutex_;
  bool stopped_ = false;
  bool resumed_ = false;       // it is known where to go on
  bool going_ = false;         // somebody is at it
  bool again_ = false;         // and must look once more
  uint64_t sent_ = 0;          // the last event that is on its way
  uint64_t acknowledged_ = 0;  // the last one that was applied
};

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_EVENT_FEED_H_
