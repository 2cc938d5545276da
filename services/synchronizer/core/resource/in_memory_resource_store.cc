#include "services/synchronizer/core/resource/in_memory_resource_store.h"

#include <utility>

namespace isthmus::synchronizer {

absl::StatusOr<std::vector<StoredResource>> InMemoryResourceStore::Load() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<StoredResource> resources;
  resources.reserve(resources_.size());
  for (const auto& [order, resource] : resources_) resources.push_back(resource);
  return resources;
}

absl::Status InMemoryResourceStore::Commit(const StoreTransaction& transaction) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!failure_.ok()) return failure_;
  ++commits_;
  for (const std::string& resource_id : transaction.removals) {
    const auto found = orders_.find(resource_id);
    if (found == orders_.end()) continue;
    resources_.erase(found->second);
    orders_.erase(found);
  }
  for (const StoredResource* resource : transaction.puts) {
    const auto [place, added] = orders_.emplace(resource->resource_id, last_order_ + 1);
    if (added) ++last_order_;
    resources_[place->second] = *resource;
  }
  return absl::OkStatus();
}

absl::Status InMemoryResourceStore::PutState(const std::string& key, const std::string& value) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!failure_.ok()) return failure_;
  if (value.empty()) {
    state_.erase(key);
  } else {
    state_[key] = value;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> InMemoryResourceStore::GetState(const std::string& key) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = state_.find(key);
  return found == state_.end() ? std::string() : found->second;
}

void InMemoryResourceStore::FailWrites(absl::Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  failure_ = std::move(status);
}

int InMemoryResourceStore::commits() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return commits_;
}

}  // namespace isthmus::synchronizer
