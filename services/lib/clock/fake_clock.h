// A clock that moves when the test says so.
#ifndef ISTHMUS_SERVICES_LIB_CLOCK_FAKE_CLOCK_H_
#define ISTHMUS_SERVICES_LIB_CLOCK_FAKE_CLOCK_H_

#include <mutex>

#include "absl/time/time.h"
#include "services/lib/clock/clock.h"

namespace isthmus {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time start = absl::FromUnixSeconds(1700000000)) : now_(start) {}

  absl::Time Now() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return now_;
  }
  absl::Duration Monotonic() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return monotonic_;
  }
  // Time passes.
  void Advance(absl::Duration by) {
    std::lock_guard<std::mutex> lock(mutex_);
    now_ += by;
    monotonic_ += by;
  }
  // Somebody sets the host's clock: no time passes.
  void SetWallTime(absl::Time now) {
    std::lock_guard<std::mutex> lock(mutex_);
    now_ = now;
  }

 private:
  mutable std::mutex mutex_;
  absl::Time now_;
  absl::Duration monotonic_ = absl::Seconds(1000);
};

}  // namespace isthmus

#endif  // ISTHMUS_SERVICES_LIB_CLOCK_FAKE_CLOCK_H_
