// A store that forgets with its process: for tests, and for an IN-CSE that may start empty.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_IN_MEMORY_RESOURCE_STORE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_IN_MEMORY_RESOURCE_STORE_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "services/synchronizer/core/resource/resource_store.h"

namespace isthmus::synchronizer {

// Thread-safe.
class InMemoryResourceStore final : public ResourceStore {
 public:
  absl::StatusOr<std::vector<StoredResource>> Load() override;
  absl::Status Commit(const StoreTransaction& transaction) override;
  absl::Status PutState(const std::string& key, const std::string& value) override;
  absl::StatusOr<std::string> GetState(const std::string& key) override;

  // For tests: every write fails with this from now on; OK = works again.
  void FailWrites(absl::Status status);
  // Commits that were done.
  int commits() const;

 private:
  mutable std::mutex mutex_;
  absl::Status failure_;
  int commits_ = 0;
  uint64_t last_order_ = 0;
  std::unordered_map<std::string, uint64_t> orders_;  // by resource ID
  std::map<uint64_t, StoredResource> resources_;
  std::unordered_map<std::string, std::string> state_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_IN_MEMORY_RESOURCE_STORE_H_
