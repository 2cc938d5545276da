// Bounds how often one kind of line is logged, so that a flood of bad messages does not become a flood of lines.
//
//   if (limiter.Allow(clock.Monotonic())) log::Warning("...", {{"suppressed", limiter.TakeSuppressed()}});
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_LOG_LIMITER_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_LOG_LIMITER_H_

#include <cstdint>
#include <mutex>

#include "absl/time/time.h"

namespace isthmus::mqtt_binding {

// Thread-safe. Ten lines in ten seconds.
class LogLimiter {
 public:
  bool Allow(absl::Duration now) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (now - window_start_ >= absl::Seconds(10)) {
      window_start_ = now;
      allowed_ = 0;
    }
    if (++allowed_ <= 10) return true;
    ++suppressed_;
    return false;
  }
  // Lines that were not allowed since the last call.
  uint64_t TakeSuppressed() {
    std::lock_guard<std::mutex> lock(mutex_);
    const uint64_t suppressed = suppressed_;
    suppressed_ = 0;
    return suppressed;
  }

 private:
  std::mutex mutex_;
  absl::Duration window_start_ = -absl::InfiniteDuration();
  int allowed_ = 0;
  uint64_t suppressed_ = 0;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_LOG_LIMITER_H_
