#include "services/synchronizer/core/device/plan_cache.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"

namespace isthmus::synchronizer {
namespace {

// Length-prefixed parts, so that no attribute name can imitate the border between two.
void Append(std::string* key, const std::string& part) { absl::StrAppend(key, part.size(), ":", part); }

std::optional<std::string> KeyOf(const translation::v1::TranslateRequestRequest& request) {
  if (request.primitive().operation() != onem2m::v1::OPERATION_TYPE_RETRIEVE) return std::nullopt;
  const onem2m::v1::Resource& resource = request.resource();
  std::string key = absl::StrCat(resource.mgmt_definition(), ";");
  Append(&key, resource.root());
  absl::StrAppend(&key, ";");
  for (const std::string& id : resource.object_ids()) Append(&key, id);
  absl::StrAppend(&key, ";");
  for (const std::string& path : resource.object_paths()) Append(&key, path);
  absl::StrAppend(&key, ";");
  std::vector<std::string> wanted(request.wanted_attributes().begin(), request.wanted_attributes().end());
  std::sort(wanted.begin(), wanted.end());
  for (const std::string& attribute : wanted) Append(&key, attribute);
  return key;
}

}  // namespace

std::optional<translation::v1::TranslateRequestResponse> PlanCache::Find(
    const translation::v1::TranslateRequestRequest& request) {
  const std::optional<std::string> key = KeyOf(request);
  if (!key.has_value()) return std::nullopt;
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = plans_.find(*key);
  if (found == plans_.end()) {
    ++misses_;
    return std::nullopt;
  }
  ++hits_;
  return found->second;
}

void PlanCache::Keep(const translation::v1::TranslateRequestRequest& request,
                     const translation::v1::TranslateRequestResponse& response) {
  const std::optional<std::string> key = KeyOf(request);
  bool first = false;
  bool changed = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    changed = ObserveLocked(response.mapping_version(), &first);
    if (key.has_value() && !response.mapping_version().empty()) {
      if (plans_.size() >= capacity_) plans_.clear();
      plans_[*key] = response;
    }
  }
  if (changed && !first && listener_) listener_(response.mapping_version());
}

bool PlanCache::ObserveVersion(const std::string& mapping_version) {
  bool first = false;
  bool changed = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    changed = ObserveLocked(mapping_version, &first);
  }
  if (changed && !first && listener_) listener_(mapping_version);
  return changed;
}

bool PlanCache::ObserveLocked(const std::string& mapping_version, bool* first) {
  if (mapping_version.empty() || mapping_version == version_) return false;
  *first = version_.empty();
  version_ = mapping_version;
  plans_.clear();
  return true;
}

std::string PlanCache::mapping_version() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return version_;
}

size_t PlanCache::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return plans_.size();
}

uint64_t PlanCache::hits() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return hits_;
}

uint64_t PlanCache::misses() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return misses_;
}

}  // namespace isthmus::synchronizer
