// Calls something every few milliseconds on a thread of its own, until it is destroyed.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_TICKER_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_TICKER_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/time/time.h"

namespace isthmus::mqtt_binding {

class Ticker {
 public:
  Ticker(absl::Duration period, std::function<void()> tick)
      : period_(period), tick_(std::move(tick)), thread_([this] { Run(); }) {}
  ~Ticker() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!changed_.wait_for(lock, absl::ToChronoMilliseconds(period_), [this] { return stopped_; })) {
      lock.unlock();
      tick_();
      lock.lock();
    }
  }

  const absl::Duration period_;
  const std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_TICKER_H_
