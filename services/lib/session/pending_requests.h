// Requests of an IN-CSE that have no answer yet, and how each of them ends. Internal to this library.
//
// A request waits for a first session, is sent, or was interrupted by the loss of the stream it was sent on. Not
// thread-safe: the owner's mutex guards it. Nothing is called here; what ends is handed back as Ended.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_PENDING_REQUESTS_H_
#define ISTHMUS_SERVICES_LIB_SESSION_PENDING_REQUESTS_H_

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/session/session.h"

namespace isthmus::session {

lwm2m::v1::OperationResult MakeResult(lwm2m::v1::Outcome outcome, absl::string_view diagnostic);
inline constexpr char kNoSession[] = "no session";

class PendingRequests {
 public:
  using Callback = InCseEnd::ResultCallback;
  // To be called without the lock.
  using Ended = std::vector<std::pair<Callback, lwm2m::v1::OperationResult>>;

  // Gives `frame` its request id. `up`: it is sent now, by the caller. Times are monotonic.
  void Add(v1::Frame& frame, bool up, absl::Duration due, absl::Duration session_due, Callback callback);
  // The callback of a sent request, which is then forgotten; null when there is none (any more).
  Callback Take(uint64_t request_id);
  // What is to be sent on a new stream, in the order in which it was added.
  std::vector<v1::Frame> Resend();
  // The stream is lost: what must not be repeated ends.
  void Interrupt(Ended& ended);
  void Expire(absl::Duration now, Ended& ended);
  void EndAll(Ended& ended);

  // Nothing expires before.
  absl::Duration next_due() const { return next_due_; }
  size_t size() const { return requests_.size(); }

 private:
  enum class State { kWaiting, kSent, kInterrupted };
  struct Request {
    State state = State::kWaiting;
    bool safe = false;  // to repeat
    absl::Duration due, session_due;
    v1::Frame frame;  // unless it is sent and not safe
    Callback callback;
  };
  static absl::Duration Expires(const Request& request);
  static lwm2m::v1::OperationResult Expired(const Request& request);

  uint64_t next_id_ = 1;
  std::unordered_map<uint64_t, Request> requests_;
  absl::Duration next_due_ = absl::InfiniteDuration();
};

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_PENDING_REQUESTS_H_
