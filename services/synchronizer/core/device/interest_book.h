// Who wants to hear of what on the devices, and what the LwM2M Server has to be told about it: a path is an interest of
// the session as long as at least one holder names it.
//
//   book.Set("subscribed/4711", "urn:dev:1", {path_of_3_0_9});   // AddInterest
//   book.Set("plan/4712", "urn:dev:1", {path_of_3_0_9});         // nothing to tell
//   book.Clear("subscribed/4711");                               // nothing to tell
//   book.Clear("plan/4712");                                     // RemoveInterest
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_INTEREST_BOOK_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_INTEREST_BOOK_H_

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/synchronizer/core/device/session_port.h"

namespace isthmus::synchronizer {

// Thread-safe. The session hears of changes in their order, never under a lock of this class: it may call back into us.
class InterestBook {
 public:
  explicit InterestBook(SessionPort* session) : session_(session) {}

  // What `holder` wants from now on, in place of what it wanted before. `self_describing`: in formats that tell types,
  // as the interest says; it is enough that one of the holders of a path wants it so.
  void Set(const std::string& holder, const std::string& endpoint, const std::vector<lwm2m::v1::Path>& paths,
           bool self_describing = false);
  void Clear(const std::string& holder) { Set(holder, "", {}); }

  bool HasInterest(const std::string& endpoint) const;
  size_t size() const;

 private:
  using Place = std::pair<std::string, std::string>;  // endpoint, path as text
  struct Change {
    bool add;
    Place place;
    bool self_describing;
  };
  struct Holder {
    std::set<Place> places;
    bool self_describing = false;
  };
  struct Count {
    int holders = 0;
    int self_describing = 0;  // so many of them
  };

  // One more holder of its places, or one less.
  void CountLocked(const Holder& holder, int by);

  void Tell();

  SessionPort* const session_;
  mutable std::mutex mutex_;
  std::map<std::string, Holder> holders_;
  std::map<Place, Count> counts_;
  std::deque<Change> changes_;
  bool telling_ = false;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_INTEREST_BOOK_H_
