// Reads the values of devices that have registered: each device one path after the other, a bounded number of devices
// at once. A device that does not answer goes to the back of a queue of its own, which never has more than a quarter of
// the places, so that slow devices hold up none of the others.
//
//   FirstValues values({}, session, clock, on_result, on_end);
//   values.Read("urn:dev:1", {read_of_3_0, read_of_5_0});
//   values.Tick();
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FIRST_VALUES_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FIRST_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/device/session_port.h"

namespace isthmus::synchronizer {

struct FirstValuesOptions {
  size_t parallel = 32;
  absl::Duration device_timeout = absl::Seconds(30);
  // After no answer: this long, then twice as long, at most `longest_pause`.
  absl::Duration pause = absl::Seconds(5);
  absl::Duration longest_pause = absl::Minutes(10);
};

// Thread-safe. Outlives its calls to the session. Callbacks run on the session's threads, without a lock.
class FirstValues {
 public:
  using OnResult = std::function<void(const std::string& endpoint, const lwm2m::v1::Path& path,
                                      const lwm2m::v1::OperationResult& result)>;
  // All paths of the device were answered, be it with an error.
  using OnEnd = std::function<void(const std::string& endpoint)>;

  FirstValues(FirstValuesOptions options, SessionPort* session, const Clock* clock, OnResult on_result, OnEnd on_end);

  // Takes the place of what is left of an earlier call for the device.
  void Read(const std::string& endpoint, std::vector<lwm2m::v1::Read> reads);
  // The device is gone.
  void Forget(const std::string& endpoint);
  void Tick();

  // Devices that are not done.
  size_t size() const;

 private:
  struct Device {
    std::vector<lwm2m::v1::Read> reads;
    size_t next = 0;
    uint64_t generation = 0;
    int failures = 0;
    bool queued = false;
    bool reading = false;
    absl::Duration not_before;
  };

  void Pump();
  void Start(const std::string& endpoint, const lwm2m::v1::Read& read, uint64_t generation, bool slow);
  void Answered(const std::string& endpoint, uint64_t generation, bool slow, const lwm2m::v1::Path& path,
                const lwm2m::v1::OperationResult& result);
  bool TakeLocked(std::deque<std::string>& queue, std::string* endpoint);

  const FirstValuesOptions options_;
  SessionPort* const session_;
  const Clock* const clock_;
  const OnResult on_result_;
  const OnEnd on_end_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Device> devices_;
  std::deque<std::string> fresh_;
  std::deque<std::string> slow_;
  size_t active_ = 0;
  size_t active_slow_ = 0;
  uint64_t next_generation_ = 1;
  bool pumping_ = false;
  bool pump_again_ = false;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FIRST_VALUES_H_
