// What translation answered to RETRIEVE requests. Translation is pure, so an answer holds as long as the mapping
// version does, and the second RETRIEVE of a kind costs one call to translation less.
//
//   if (auto kept = cache.Find(request)) { use(*kept); } else { ask; cache.Keep(request, answer); }
//   cache.ObserveVersion(any_answer.mapping_version());
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_PLAN_CACHE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_PLAN_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "isthmus/translation/v1/translation.pb.h"

namespace isthmus::synchronizer {

// Thread-safe.
class PlanCache {
 public:
  // Wanted attributes come from applications, so the number of kinds is bounded; a full cache starts anew.
  explicit PlanCache(size_t capacity = 10000) : capacity_(capacity) {}

  // Only RETRIEVE requests are kept: the plan of any other depends on its content.
  std::optional<translation::v1::TranslateRequestResponse> Find(
      const translation::v1::TranslateRequestRequest& request);
  void Keep(const translation::v1::TranslateRequestRequest& request,
            const translation::v1::TranslateRequestResponse& response);

  // Tells the version that any answer carried. A change clears the cache; true then.
  bool ObserveVersion(const std::string& mapping_version);
  std::string mapping_version() const;
  // Hears of each change of version but the first; called without a lock. Set before use.
  void OnVersionChange(std::function<void(const std::string&)> listener) { listener_ = std::move(listener); }

  size_t size() const;
  uint64_t hits() const;
  uint64_t misses() const;

 private:
  bool ObserveLocked(const std::string& mapping_version, bool* first);

  const size_t capacity_;
  std::function<void(const std::string&)> listener_;
  mutable std::mutex mutex_;
  std::string version_;
  std::unordered_map<std::string, translation::v1::TranslateRequestResponse> plans_;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_PLAN_CACHE_H_
