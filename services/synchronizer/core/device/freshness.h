// When the device last told the value of each attribute of a <mgmtObj>, so that a RETRIEVE may be answered from what is
// kept when that is younger than device.max_age.
//
//   Freshness freshness(absl::Seconds(10), clock);
//   freshness.Read("4711", {});                          // everything was read
//   freshness.Notified("4711", {"btl"});
//   freshness.Age("4711", {"btl"});                      // nothing when it is too old, or not known
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FRESHNESS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FRESHNESS_H_

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "services/lib/clock/clock.h"

namespace isthmus::synchronizer {

// Thread-safe. With a `max_age` of zero it keeps nothing.
class Freshness {
 public:
  Freshness(absl::Duration max_age, const Clock* clock) : max_age_(max_age), clock_(clock) {}

  // A successful read of these attributes; none = of all.
  void Read(const std::string& resource_id, const std::vector<std::string>& attributes) {
    if (max_age_ <= absl::ZeroDuration()) return;
    std::lock_guard<std::mutex> lock(mutex_);
    Times& times = resources_[resource_id];
    if (attributes.empty()) {
      times.all = clock_->Monotonic();
      times.single.clear();
    } else {
      for (const std::string& attribute : attributes) times.single[attribute] = clock_->Monotonic();
    }
  }

  // Values that came by themselves; `attributes` are those that they became.
  void Notified(const std::string& resource_id, const std::vector<std::string>& attributes) {
    if (!attributes.empty()) Read(resource_id, attributes);
  }

  // The device may hold other values now.
  void Forget(const std::string& resource_id) {
    std::lock_guard<std::mutex> lock(mutex_);
    resources_.erase(resource_id);
  }

  // Age of the oldest of the wanted attributes (none = of all) if that is below the limit.
  std::optional<absl::Duration> Age(const std::string& resource_id, const std::vector<std::string>& wanted) const {
    if (max_age_ <= absl::ZeroDuration()) return std::nullopt;
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = resources_.find(resource_id);
    if (found == resources_.end()) return std::nullopt;
    const absl::Duration now = clock_->Monotonic();
    absl::Duration oldest = absl::ZeroDuration();
    if (wanted.empty()) oldest = now - found->second.all;
    for (const std::string& attribute : wanted) {
      absl::Duration time = found->second.all;
      auto single = found->second.single.find(attribute);
      if (single != found->second.single.end() && single->second > time) time = single->second;
      if (now - time > oldest) oldest = now - time;
    }
    if (oldest >= max_age_) return std::nullopt;
    return oldest;
  }

 private:
  struct Times {
    absl::Duration all = -absl::InfiniteDuration();
    std::map<std::string, absl::Duration> single;
  };

  const absl::Duration max_age_;
  const Clock* const clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Times> resources_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FRESHNESS_H_
