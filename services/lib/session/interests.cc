#include "services/lib/session/interests.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::session {
namespace {

v1::Interest Merge(const std::map<std::string, v1::Interest>& by_peer) {
  v1::Interest merged = by_peer.begin()->second;
  for (auto it = std::next(by_peer.begin()); it != by_peer.end(); ++it) {
    *merged.mutable_attributes() = MergeAttributes(merged.attributes(), it->second.attributes());
    if (it->second.self_describing()) merged.set_self_describing(true);
  }
  if (merged.attributes().ByteSizeLong() == 0) merged.clear_attributes();  // none, in one form
  return merged;
}

}  // namespace

std::string InterestKey(const std::string& endpoint, const lwm2m::v1::Path& path) {
  return absl::StrCat(endpoint, "\n", lwm2m::PathToString(path));
}

bool SameInterest(const v1::Interest& a, const v1::Interest& b) {
  return a.endpoint() == b.endpoint() && a.SerializeAsString() == b.SerializeAsString();
}

bool PeerInterests::Add(const v1::Interest& interest) {
  auto [found, added] = by_endpoint_[interest.endpoint()].try_emplace(lwm2m::PathToString(interest.path()), interest);
  if (added) {
    ++size_;
    return true;
  }
  if (SameInterest(found->second, interest)) return false;
  found->second = interest;
  return true;
}

bool PeerInterests::Remove(const std::string& endpoint, const lwm2m::v1::Path& path) {
  const auto found = by_endpoint_.find(endpoint);
  if (found == by_endpoint_.end() || found->second.erase(lwm2m::PathToString(path)) == 0) return false;
  --size_;
  if (found->second.empty()) by_endpoint_.erase(found);
  return true;
}

bool PeerInterests::Wants(const std::string& endpoint, const lwm2m::v1::Path& path) const {
  const auto found = by_endpoint_.find(endpoint);
  if (found == by_endpoint_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const auto& entry) { return lwm2m::Contains(entry.second.path(), path); });
}

std::map<std::string, v1::Interest> PeerInterests::All() const {
  std::map<std::string, v1::Interest> all;
  for (const auto& [endpoint, interests] : by_endpoint_) {
    for (const auto& [path, interest] : interests) all.emplace(InterestKey(endpoint, interest.path()), interest);
  }
  return all;
}

void InterestUnion::Add(const std::string& peer, const v1::Interest& interest, v1::InterestChange& change) {
  auto& by_peer = by_key_[InterestKey(interest.endpoint(), interest.path())];
  const bool fresh = by_peer.empty();
  const v1::Interest before = fresh ? v1::Interest() : Merge(by_peer);
  by_peer[peer] = interest;
  v1::Interest after = Merge(by_peer);
  if (fresh || !SameInterest(before, after)) *change.add_add() = std::move(after);
}

void InterestUnion::Remove(const std::string& peer, const std::string& endpoint, const lwm2m::v1::Path& path,
                           v1::InterestChange& change) {
  const auto found = by_key_.find(InterestKey(endpoint, path));
  if (found == by_key_.end()) return;
  const v1::Interest before = Merge(found->second);
  if (found->second.erase(peer) == 0) return;
  if (found->second.empty()) {
    by_key_.erase(found);
    *change.add_remove() = before;
    return;
  }
  v1::Interest after = Merge(found->second);
  if (!SameInterest(before, after)) *change.add_add() = std::move(after);
}

std::vector<v1::Interest> InterestUnion::All() const {
  std::vector<v1::Interest> all;
  all.reserve(by_key_.size());
  for (const auto& [key, by_peer] : by_key_) all.push_back(Merge(by_peer));
  std::sort(all.begin(), all.end(), [](const v1::Interest& a, const v1::Interest& b) {
    return a.endpoint() != b.endpoint() ? a.endpoint() < b.endpoint() : lwm2m::Less(a.path(), b.path());
  });
  return all;
}

void InterestBook::Load(const std::string& peer, const v1::Interests& interests) {
  v1::InterestChange ignored;
  for (const v1::Interest& interest : interests.interests()) {
    if (peers_[peer].Add(interest)) union_.Add(peer, interest, ignored);
  }
}

void InterestBook::Replace(const std::string& peer, v1::Interests interests) {
  PeerInterests& mine = peers_[peer];
  std::map<std::string, v1::Interest> wanted;
  for (const v1::Interest& interest : interests.interests()) {
    wanted[InterestKey(interest.endpoint(), interest.path())] = interest;
  }
  Entry entry;
  bool changed = false;
  for (const auto& [key, interest] : mine.All()) {
    if (wanted.count(key) > 0) continue;
    changed = true;
    mine.Remove(interest.endpoint(), interest.path());
    union_.Remove(peer, interest.endpoint(), interest.path(), entry.of_union);
  }
  for (const auto& [key, interest] : wanted) {
    if (!mine.Add(interest)) continue;
    changed = true;
    union_.Add(peer, interest, entry.of_union);
  }
  if (!changed) return;
  entry.peer = peer;
  entry.replaced = std::move(interests);
  changes_.push_back(std::move(entry));
}

void InterestBook::Change(const std::string& peer, v1::InterestChange change) {
  PeerInterests& mine = peers_[peer];
  Entry entry;
  for (const v1::Interest& interest : change.remove()) {
    if (mine.Remove(interest.endpoint(), interest.path())) {
      union_.Remove(peer, interest.endpoint(), interest.path(), entry.of_union);
    }
  }
  for (const v1::Interest& interest : change.add()) {
    if (mine.Add(interest)) union_.Add(peer, interest, entry.of_union);
  }
  entry.peer = peer;
  entry.change = std::move(change);
  changes_.push_back(std::move(entry));
}

bool InterestBook::Wants(const std::string& peer, const std::string& endpoint, const lwm2m::v1::Path& path) const {
  const auto found = peers_.find(peer);
  return found != peers_.end() && found->second.Wants(endpoint, path);
}

size_t InterestBook::size(const std::string& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? 0 : found->second.size();
}

std::vector<InterestBook::Entry> InterestBook::TakeChanges() { return std::exchange(changes_, {}); }

lwm2m::v1::NotificationAttributes MergeAttributes(const lwm2m::v1::NotificationAttributes& a,
                                                  const lwm2m::v1::NotificationAttributes& b) {
  lwm2m::v1::NotificationAttributes merged;
  // An absent pmin allows notifications at once, an absent pmax asks for none.
  if (a.has_minimum_period() && b.has_minimum_period()) {
    merged.set_minimum_period(std::min(a.minimum_period(), b.minimum_period()));
  }
  if (a.has_maximum_period() && b.has_maximum_period()) {
    merged.set_maximum_period(std::min(a.maximum_period(), b.maximum_period()));
  } else if (a.has_maximum_period() || b.has_maximum_period()) {
    merged.set_maximum_period(a.has_maximum_period() ? a.maximum_period() : b.maximum_period());
  }
  // gt, lt and st act together; sets of them that differ have no common form but "every change".
  const auto conditions = [](lwm2m::v1::NotificationAttributes attributes) {
    attributes.clear_minimum_period();
    attributes.clear_maximum_period();
    return attributes.SerializeAsString();
  };
  if (conditions(a) == conditions(b)) {
    if (a.has_greater_than()) merged.set_greater_than(a.greater_than());
    if (a.has_less_than()) merged.set_less_than(a.less_than());
    if (a.has_step()) merged.set_step(a.step());
  }
  return merged;
}

void ApplyChange(const v1::InterestChange& change, v1::Interests& interests) {
  std::map<std::string, v1::Interest> all;
  for (const v1::Interest& interest : interests.interests()) {
    all[InterestKey(interest.endpoint(), interest.path())] = interest;
  }
  for (const v1::Interest& interest : change.remove()) all.erase(InterestKey(interest.endpoint(), interest.path()));
  for (const v1::Interest& interest : change.add()) {
    all[InterestKey(interest.endpoint(), interest.path())] = interest;
  }
  interests.clear_interests();
  for (auto& [key, interest] : all) *interests.add_interests() = std::move(interest);
}

}  // namespace isthmus::session
