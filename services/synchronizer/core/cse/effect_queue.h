// What follows from a change and must not happen under the lock of the tree: calls of ports. They are made in the order
// in which the changes were, by one thread at a time.
//
//   { std::lock_guard<std::mutex> lock(tree_mutex); change(); effects.Post([=] { port->Send(...); }); }
//   effects.Run();
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_EFFECT_QUEUE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_EFFECT_QUEUE_H_

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace isthmus::synchronizer {

// Thread-safe.
class EffectQueue {
 public:
  void Post(std::function<void()> effect) {
    std::lock_guard<std::mutex> lock(mutex_);
    effects_.push_back(std::move(effect));
  }

  // Makes what waits happen, unless another thread, or a caller further up this one's stack, is at it already: then
  // that one will.
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (running_) return;
    running_ = true;
    while (!effects_.empty()) {
      std::function<void()> effect = std::move(effects_.front());
      effects_.pop_front();
      lock.unlock();
      effect();
      effect = nullptr;
      lock.lock();
    }
    running_ = false;
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> effects_;
  bool running_ = false;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_EFFECT_QUEUE_H_
