#include "services/synchronizer/core/device/first_values.h"

#include <algorithm>
#include <utility>

namespace isthmus::synchronizer {
namespace {

// Nothing was said about the path itself: worth another try.
bool Unanswered(const lwm2m::v1::OperationResult& result) {
  switch (result.outcome()) {
    case lwm2m::v1::OUTCOME_ANSWERED:
      return result.coap_code() == 503;
    case lwm2m::v1::OUTCOME_UNDECODABLE:
    case lwm2m::v1::OUTCOME_UNSUPPORTED:
      return false;
    default:
      return true;
  }
}

}  // namespace

FirstValues::FirstValues(FirstValuesOptions options, SessionPort* session, const Clock* clock, OnResult on_result,
                         OnEnd on_end)
    : options_(options),
      session_(session),
      clock_(clock),
      on_result_(std::move(on_result)),
      on_end_(std::move(on_end)) {}

void FirstValues::Read(const std::string& endpoint, std::vector<lwm2m::v1::Read> reads) {
  const bool nothing = reads.empty();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (nothing) {
      devices_.erase(endpoint);
    } else {
      Device& device = devices_[endpoint];
      device.reads = std::move(reads);
      device.next = 0;
      device.failures = 0;
      device.generation = next_generation_++;
      device.reading = false;  // an answer to the earlier call finds another generation
      // It may wait in the slow queue: whichever entry is met first counts, the other is dropped when met.
      device.queued = true;
      device.not_before = clock_->Monotonic();
      fresh_.push_back(endpoint);
    }
  }
  if (nothing) return on_end_(endpoint);
  Pump();
}

void FirstValues::Forget(const std::string& endpoint) {
  std::lock_guard<std::mutex> lock(mutex_);
  devices_.erase(endpoint);
}

void FirstValues::Tick() { Pump(); }

size_t FirstValues::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return devices_.size();
}

// The first device of the queue whose time has come; entries of forgotten devices go.
bool FirstValues::TakeLocked(std::deque<std::string>& queue, std::string* endpoint) {
  const absl::Duration now = clock_->Monotonic();
  for (auto it = queue.begin(); it != queue.end();) {
    auto device = devices_.find(*it);
    if (device == devices_.end() || !device->second.queued) {
      it = queue.erase(it);
      continue;
    }
    if (device->second.not_before > now) {
      ++it;
      continue;
    }
    *endpoint = *it;
    queue.erase(it);
    return true;
  }
  return false;
}

// One thread at a time, in a loop: a session that answers on the spot must not make a recursion.
void FirstValues::Pump() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (pumping_) {
    pump_again_ = true;
    return;
  }
  pumping_ = true;
  do {
    pump_again_ = false;
    while (active_ < options_.parallel && session_->state() == SessionPort::State::kUp) {
      std::string endpoint;
      bool slow = false;
      if (!TakeLocked(fresh_, &endpoint)) {
        slow = true;
        if (active_slow_ >= std::max<size_t>(1, options_.parallel / 4) || !TakeLocked(slow_, &endpoint)) break;
      }
      Device& device = devices_[endpoint];
      device.queued = false;
      device.reading = true;
      ++active_;
      if (slow) ++active_slow_;
      const lwm2m::v1::Read read = device.reads[device.next];
      const uint64_t generation = device.generation;
      lock.unlock();
      Start(endpoint, read, generation, slow);
      lock.lock();
    }
  } while (pump_again_);
  pumping_ = false;
}

void FirstValues::Start(const std::string& endpoint, const lwm2m::v1::Read& read, uint64_t generation, bool slow) {
  const absl::Time now = clock_->Now();
  lwm2m::v1::Operation operation;
  *operation.mutable_read() = read;
  session_->Perform(endpoint, operation, now + options_.device_timeout, now, /*trace_id=*/"",
                    [this, endpoint, path = read.path(), generation, slow](const lwm2m::v1::OperationResult& result) {
                      Answered(endpoint, generation, slow, path, result);
                    });
}

void FirstValues::Answered(const std::string& endpoint, uint64_t generation, bool slow, const lwm2m::v1::Path& path,
                           const lwm2m::v1::OperationResult& result) {
  bool ended = false;
  bool tell = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    --active_;
    if (slow) --active_slow_;
    auto found = devices_.find(endpoint);
    if (found != devices_.end() && found->second.generation == generation) {
      Device& device = found->second;
      device.reading = false;
      if (result.outcome() == lwm2m::v1::OUTCOME_NOT_REGISTERED) {
        devices_.erase(found);  // its next Register starts anew
      } else if (Unanswered(result)) {
        const int doublings = std::min(device.failures++, 20);
        device.not_before =
            clock_->Monotonic() + std::min(options_.pause * (int64_t{1} << doublings), options_.longest_pause);
        device.queued = true;
        slow_.push_back(endpoint);
      } else {
        tell = true;
        device.failures = 0;
        if (++device.next >= device.reads.size()) {
          devices_.erase(found);
          ended = true;
        } else {
          device.queued = true;
          device.not_before = clock_->Monotonic();
          // Before those that have not begun: a device is complete sooner.
          fresh_.push_front(endpoint);
        }
      }
    }
  }
  if (tell) on_result_(endpoint, path, result);
  if (ended) on_end_(endpoint);
  Pump();
}

}  // namespace isthmus::synchronizer
