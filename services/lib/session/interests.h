// The interests of one peer, and the union over peers.
//
//   PeerInterests mine;
//   mine.Add(interest);
//   mine.Wants("ep1", MakePath(3, 0, 9));
//
// Internal to this library. Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_INTERESTS_H_
#define ISTHMUS_SERVICES_LIB_SESSION_INTERESTS_H_

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/session/v1/session.pb.h"

namespace isthmus::session {

// Equal for interests in the same endpoint and path.
std::string InterestKey(const std::string& endpoint, const lwm2m::v1::Path& path);
bool SameInterest(const v1::Interest& a, const v1::Interest& b);

class PeerInterests {
 public:
  // False when nothing changed.
  bool Add(const v1::Interest& interest);
  bool Remove(const std::string& endpoint, const lwm2m::v1::Path& path);
  // An interest covers the path of the notification.
  bool Wants(const std::string& endpoint, const lwm2m::v1::Path& path) const;
  // By key.
  std::map<std::string, v1::Interest> All() const;
  size_t size() const { return size_; }

 private:
  std::unordered_map<std::string, std::map<std::string, v1::Interest>> by_endpoint_;
  size_t size_ = 0;
};

class InterestUnion {
 public:
  // What a change of one peer changes in the union is appended to `change`.
  void Add(const std::string& peer, const v1::Interest& interest, v1::InterestChange& change);
  void Remove(const std::string& peer, const std::string& endpoint, const lwm2m::v1::Path& path,
              v1::InterestChange& change);
  std::vector<v1::Interest> All() const;

 private:
  // key -> peer -> interest
  std::unordered_map<std::string, std::map<std::string, v1::Interest>> by_key_;
};

// The interests of all peers, their union, and the changes that nobody was told of yet.
class InterestBook {
 public:
  struct Entry {
    std::string peer;
    std::optional<v1::Interests> replaced;  // the whole new list of the peer
    v1::InterestChange change;              // without `replaced`
    v1::InterestChange of_union;            // what is different now for all peers together
  };

  // As they were kept: no change.
  void Load(const std::string& peer, const v1::Interests& interests);
  void Replace(const std::string& peer, v1::Interests interests);
  void Change(const std::string& peer, v1::InterestChange change);
  bool Wants(const std::string& peer, const std::string& endpoint, const lwm2m::v1::Path& path) const;
  size_t size(const std::string& peer) const;
  std::vector<v1::Interest> Union() const { return union_.All(); }

  bool has_changes() const { return !changes_.empty(); }
  std::vector<Entry> TakeChanges();

 private:
  std::map<std::string, PeerInterests> peers_;
  InterestUnion union_;
  std::vector<Entry> changes_;
};

// Attributes that notify whenever one of the two would.
lwm2m::v1::NotificationAttributes MergeAttributes(const lwm2m::v1::NotificationAttributes& a,
                                                  const lwm2m::v1::NotificationAttributes& b);

// `change` applied to `interests`.
void ApplyChange(const v1::InterestChange& change, v1::Interests& interests);

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_INTERESTS_H_
