// Time behind an interface, so that tests and the simulation own it.
//
// Now() is wall time, for what people and protocols see. Monotonic() never jumps: time-outs, lifetimes and ages are
// measured with it, so that setting the host's clock expires nobody.
#ifndef ISTHMUS_SERVICES_LIB_CLOCK_CLOCK_H_
#define ISTHMUS_SERVICES_LIB_CLOCK_CLOCK_H_

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace isthmus {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
  // Time since an arbitrary start.
  virtual absl::Duration Monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
  absl::Duration Monotonic() const override {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
};

}  // namespace isthmus

#endif  // ISTHMUS_SERVICES_LIB_CLOCK_CLOCK_H_
