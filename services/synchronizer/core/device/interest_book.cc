#include "services/synchronizer/core/device/interest_book.h"

#include <initializer_list>
#include <utility>

#include "absl/status/statusor.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::synchronizer {

void InterestBook::CountLocked(const Holder& holder, int by) {
  for (const Place& place : holder.places) {
    Count& count = counts_[place];
    count.holders += by;
    if (holder.self_describing) count.self_describing += by;
  }
}

void InterestBook::Set(const std::string& holder, const std::string& endpoint,
                       const std::vector<lwm2m::v1::Path>& paths, bool self_describing) {
  Holder now;
  now.self_describing = self_describing;
  for (const lwm2m::v1::Path& path : paths) now.places.emplace(endpoint, lwm2m::PathToString(path));
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Holder& kept = holders_[holder];
    std::map<Place, Count> touched;
    for (const Holder* of : std::initializer_list<const Holder*>{&kept, &now}) {
      for (const Place& place : of->places) touched.emplace(place, counts_[place]);
    }
    CountLocked(kept, -1);
    CountLocked(now, 1);
    for (const auto& [place, before] : touched) {
      const Count after = counts_[place];
      if (after.holders == 0) {
        counts_.erase(place);
        changes_.push_back({false, place, false});
      } else if (before.holders == 0 || (before.self_describing > 0) != (after.self_describing > 0)) {
        changes_.push_back({true, place, after.self_describing > 0});
      }
    }
    if (now.places.empty()) {
      holders_.erase(holder);
    } else {
      kept = std::move(now);
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
        interest.set_self_describing(change.self_describing);
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
