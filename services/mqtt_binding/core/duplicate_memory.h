// Remembers requests and their answers, because QoS 1 may deliver a request twice (TS-0010 6.4.1): the second delivery
// must not be executed again.
//
//   switch (auto arrival = memory.Arrive(key, topic, clock.Monotonic()); arrival.verdict) {
//     case kNew:      execute it, then for each topic of memory.Finish(key, answer, now): publish the answer
//     case kRunning:  nothing to do, the answer will come
//     case kFinished: publish *arrival.answer again
//   }
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_DUPLICATE_MEMORY_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_DUPLICATE_MEMORY_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace isthmus::mqtt_binding {

// Thread-safe.
class DuplicateMemory {
 public:
  struct Limits {
    // How long an answer is kept after it was given; at least the longest time a request may take.
    absl::Duration window = absl::Minutes(5);
    // Bounds of what is kept; beyond them the oldest answers go first. Running requests are not counted.
    size_t entries = 100'000;
    size_t octets = 64 << 20;
  };
  enum class Verdict { kNew, kRunning, kFinished };
  struct Arrival {
    Verdict verdict = Verdict::kNew;
    std::shared_ptr<const std::string> answer;  // with kFinished
  };

  explicit DuplicateMemory(Limits limits) : limits_(limits) {}

  // A request with this key came in; its answer goes to `answer_topic`. `now` is monotonic.
  Arrival Arrive(const std::string& key, const std::string& answer_topic, absl::Duration now);
  // The answer of a new request. Returns where to publish it: each topic that asked for it, once.
  std::vector<std::string> Finish(const std::string& key, std::shared_ptr<const std::string> answer,
                                  absl::Duration now);

  // Finished requests that are kept.
  size_t kept() const;

 private:
  struct Entry {
    std::vector<std::string> topics;
    std::shared_ptr<const std::string> answer;  // null = running
  };
  void Forget(absl::Duration now);

  const Limits limits_;
  mutable std::mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::deque<std::pair<absl::Duration, std::string>> finished_;  // oldest first
  size_t octets_ = 0;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_DUPLICATE_MEMORY_H_
