#include "services/lib/coap/timer_queue.h"

#include <algorithm>
#include <utility>

namespace isthmus::coap {

TimerId TimerQueue::At(absl::Duration due, std::function<void()> run) {
  const TimerId id = ++last_id_;
  live_.emplace(id, std::move(run));
  heap_.push_back(Entry{due, id});
  std::push_heap(heap_.begin(), heap_.end());
  return id;
}

void TimerQueue::Cancel(TimerId id) {
  if (live_.erase(id) == 0) return;
  // Most timers are cancelled long before they are due: without this the heap would hold minutes of them.
  if (heap_.size() < 2 * live_.size() + 1024) return;
  heap_.erase(std::remove_if(heap_.begin(), heap_.end(), [&](const Entry& entry) { return !live_.contains(entry.id); }),
              heap_.end());
  std::make_heap(heap_.begin(), heap_.end());
}

void TimerQueue::DropCancelledInFront() {
  while (!heap_.empty() && !live_.contains(heap_.front().id)) {
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
  }
}

void TimerQueue::RunDue(absl::Duration now) {
  const TimerId last = last_id_;
  for (;;) {
    DropCancelledInFront();
    if (heap_.empty() || heap_.front().due > now || heap_.front().id > last) return;
    auto it = live_.find(heap_.front().id);
    std::function<void()> run = std::move(it->second);
    live_.erase(it);
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    run();
  }
}

absl::Duration TimerQueue::Next() {
  DropCancelledInFront();
  return heap_.empty() ? absl::InfiniteDuration() : heap_.front().due;
}

}  // namespace isthmus::coap
