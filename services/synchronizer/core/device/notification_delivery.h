// Brings notifications to their targets through the protocol binding, without ever holding up whoever causes them.
//
//   NotificationDelivery delivery({}, binding, clock);
//   delivery.Send({"Cmon", subscription_id, primitive}, nullptr);
//   delivery.Tick();                       // at least every 50 ms
//
// Each target has a queue: one notification is under way at a time, so they arrive in the order of the calls. A queue
// is bounded, and so are all together; when one is full its oldest goes, which is counted and logged once until the
// queue is empty again.
//   no broker (UNAVAILABLE)      kept, sent again in order until it is older than max_age
//   no answer                    not sent again: the broker has it, and the target may still get it. What follows is
//                                handed to the broker without waiting for answers: it is there to keep messages for who
//                                is away, we are not. Now and then, less often each time, one is to be answered
//   any answer, or no target     the next one
// Who waits for an answer (`done`) hears of one in `timeout` from the call on, and is waited for in any case: the
// target has just been named in a new request.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_NOTIFICATION_DELIVERY_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_NOTIFICATION_DELIVERY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/device/binding_port.h"
#include "services/synchronizer/core/ports.h"

namespace isthmus::synchronizer {

struct NotificationDeliveryOptions {
  size_t queue_length = 10000;                     // per target
  size_t total_length = 100000;                    // of all targets; beyond, the longest queue loses its oldest
  absl::Duration timeout = absl::Seconds(10);      // for one attempt
  absl::Duration probe = absl::Seconds(1);         // for the answer of a target that did not answer before
  absl::Duration max_age = absl::Minutes(10);      // of what waits
  absl::Duration retry = absl::Seconds(1);         // after UNAVAILABLE
  absl::Duration rest = absl::Seconds(1);          // after no answer, none is awaited for this; doubles ...
  absl::Duration longest_rest = absl::Minutes(1);  // ... up to this
};

// Thread-safe. Outlives its calls to the binding.
class NotificationDelivery final : public NotificationPort {
 public:
  using Done = std::function<void(absl::StatusOr<onem2m::v1::ResponsePrimitive>)>;

  NotificationDelivery(NotificationDeliveryOptions options, BindingPort* binding, const Clock* clock);

  void Send(OutgoingNotification notification, Done done) override;
  void Tick();

  struct Counts {
    uint64_t delivered = 0;    // answered, or handed to a URL
    uint64_t handed_over = 0;  // to the broker, without waiting for an answer
    uint64_t unanswered = 0;   // no answer in time
    uint64_t refused = 0;      // no such target, or another failure
    uint64_t overflowed = 0;   // the oldest of a full queue
    uint64_t outdated = 0;     // older than max_age
  };
  Counts counts() const;
  // Notifications that wait or are under way.
  size_t pending() const;

 private:
  struct Item {
    OutgoingNotification notification;
    Done done;
    absl::Duration accepted;  // Clock::Monotonic
  };
  using ItemPtr = std::shared_ptr<Item>;
  struct Target {
    std::deque<ItemPtr> queue;
    ItemPtr under_way;
    bool awaited = false;       // the answer to what is under way
    absl::Duration not_before;  // nothing goes earlier: there was no broker
    absl::Duration ask_at;      // an answer is awaited again, when it did not answer
    int unanswered_in_a_row = 0;
    bool overflow_logged = false;
  };
  struct Ending {
    ItemPtr item;
    absl::Status status;
  };

  void Start(const std::string& name);
  void Attempt(const std::string& name, const ItemPtr& item, bool awaited, bool probe);
  void Ended(const std::string& name, const ItemPtr& item, const absl::StatusOr<onem2m::v1::NotifyResponse>& response);
  // Makes room for one more in the queue of `target`; null when there is room.
  ItemPtr MakeRoomLocked(const std::string& name, Target& target);
  void DropOldLocked(const std::string& name, Target& target, absl::Duration now, std::vector<Ending>* endings);

  const NotificationDeliveryOptions options_;
  BindingPort* const binding_;
  const Clock* const clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Target> targets_;  // those with something in them, and those that rest
  std::unordered_set<std::string> starting_;         // somebody is in the loop of Start
  size_t waiting_ = 0;                               // in all queues
  Counts counts_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_NOTIFICATION_DELIVERY_H_
