#include "services/synchronizer/core/device/interest_book.h"

#include "absl/status/statusor.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::synchronizer {

void InterestBook::Set(const std::string& holder, const std::string& endpoint,
                       const std::vector<lwm2m::v1::Path>& paths) {
  std::set<Place> wanted;
  for (const lwm2m::v1::Path& path : paths) wanted.emplace(endpoint, lwm2m::PathToString(path));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    std::set<Place> before;
    if (auto found = holders_.find(holder); found != holders_.end()) before = std::move(found->second);
    for (const Place& place : wanted) {
      if (before.count(place) == 0 && ++counts_[place] == 1) changes_.push_back({true, place});
    }
    for (const Place& place : before) {
      if (wanted.count(place) != 0) continue;
      auto count = counts_.find(place);
      if (--count->second == 0) {
        counts_.erase(count);
        changes_.push_back({false, place});
      }
    }
    if (wanted.empty()) {
      holders_.erase(holder);
    } else {
      holders_[holder] = std::move(wanted);
    }
  }
  Tell();
}

void InterestBook::Tell() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (telling_) return;  // whoever is telling will tell ours too
  telling_ = true;
  while (!changes_.empty()) {
    const Change change = std::move(changes_.front());
    changes_.pop_front();
    lock.unlock();
    const absl::StatusOr<lwm2m::v1::Path> path = lwm2m::ParsePath(change.place.second);
    if (path.ok()) {  // it was printed by PathToString
      if (change.add) {
        session::v1::Interest interest;
        interest.set_endpoint(change.place.first);
        *interest.mutable_path() = *path;
        session_->AddInterest(interest);
      } else {
        session_->RemoveInterest(change.place.first, *path);
      }
    }
    lock.lock();
  }
  telling_ = false;
}

bool InterestBook::HasInterest(const std::string& endpoint) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = counts_.lower_bound({endpoint, ""});
  return found != counts_.end() && found->first.first == endpoint;
}

size_t InterestBook::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return counts_.size();
}

}  // namespace isthmus::synchronizer
