// What is due when: a heap whose cancelled entries stay until they surface or outnumber the live ones.
//
//   TimerQueue timers;
//   const TimerId id = timers.At(now + absl::Seconds(2), [] { ... });
//   timers.Cancel(id);
//   timers.RunDue(now);
//
// Not thread-safe. A timer's function may add and cancel timers.
#ifndef ISTHMUS_SERVICES_LIB_COAP_TIMER_QUEUE_H_
#define ISTHMUS_SERVICES_LIB_COAP_TIMER_QUEUE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace isthmus::coap {

// 0 names no timer.
using TimerId = uint64_t;

class TimerQueue {
 public:
  TimerId At(absl::Duration due, std::function<void()> run);
  // Unknown ones (those that have run, too) are fine.
  void Cancel(TimerId id);
  // Runs what is due by `now`, in the order in which it became due; not what is added meanwhile.
  void RunDue(absl::Duration now);
  // When the next one is due; absl::InfiniteDuration() without any.
  absl::Duration Next();
  size_t size() const { return live_.size(); }

 private:
  struct Entry {
    absl::Duration due;
    TimerId id;
    // std::*_heap keep the greatest in front: the earliest is the greatest.
    bool operator<(const Entry& other) const { return due != other.due ? due > other.due : id > other.id; }
  };
  void DropCancelledInFront();

  std::vector<Entry> heap_;
  absl::flat_hash_map<TimerId, std::function<void()>> live_;
  TimerId last_id_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_TIMER_QUEUE_H_
