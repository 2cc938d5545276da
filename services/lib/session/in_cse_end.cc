#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/log/log.h"
#include "services/lib/session/connection.h"
#include "services/lib/session/interests.h"
#include "services/lib/session/pending_requests.h"
#include "services/lib/session/session.h"

namespace isthmus::session {
namespace {

// Events that are applied before their position is stored and acknowledged, when they come fast.
constexpr int kBatch = 64;
constexpr absl::Duration kTickAtLeast = absl::Milliseconds(50);
// A list of interests goes out in parts of this many, so that no frame comes near the limit of a message.
constexpr int kInterestsPerFrame = 20000;

}  // namespace

class InCseEnd::Impl : public std::enable_shared_from_this<InCseEnd::Impl> {
 public:
  using Conn = std::shared_ptr<Connection>;
  using Ended = PendingRequests::Ended;

  Impl(std::string peer, v1::EventPosition resume_from, const Clock* clock, Callbacks callbacks)
      : peer_(std::move(peer)),
        clock_(clock),
        callbacks_(std::move(callbacks)),
        position_(std::move(resume_from)),
        since_(clock->Now()) {}

  void Attach(std::shared_ptr<FrameStream> stream, bool opened_by_us) {
    auto connection = std::make_shared<Connection>(std::move(stream), opened_by_us, clock_->Monotonic());
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (shut_down_) {
        connection->End("ending", absl::UnavailableError("the IN-CSE is ending"));
      } else {
        handshakes_.insert(connection);
        if (opened_by_us) {
          v1::Frame frame;
          v1::Hello& hello = *frame.mutable_hello();
          hello.set_protocol_version(kProtocolVersion);
          hello.set_role(v1::ROLE_IN_CSE);
          hello.set_peer(peer_);
          hello.set_purpose("device management");
          *hello.mutable_resume_from() = position_;
          connection->purpose = hello.purpose();
          connection->writer->Put(std::move(frame));
        }
      }
    }
    Listen(weak_from_this(), connection, &Impl::gate_, &Impl::OnFrame, &Impl::OnClose);
  }

  bool up() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return current_ != nullptr;
  }

  std::string server_name() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return server_name_;
  }

  void Perform(const std::string& endpoint, const lwm2m::v1::Operation& operation, absl::Time deadline,
               absl::Time session_deadline, const std::string& trace_id, ResultCallback callback) {
    const absl::Time wall = clock_->Now();
    const absl::Duration now = clock_->Monotonic();
    if (deadline <= wall) {
      return callback(MakeResult(lwm2m::v1::OUTCOME_EXPIRED_UNSENT, "the deadline had passed before it was sent"));
    }
    v1::Frame frame;
    v1::Request& request = *frame.mutable_request();
    request.set_endpoint(endpoint);
    *request.mutable_operation() = operation;
    *request.mutable_deadline() = ToTimestamp(deadline);
    request.set_trace_id(trace_id);

    std::unique_lock<std::mutex> lock(mutex_);
    const Conn conn = current_;
    if (shut_down_ || (conn == nullptr && session_deadline <= wall)) {
      lock.unlock();
      return callback(MakeResult(lwm2m::v1::OUTCOME_UNSPECIFIED, kNoSession));
    }
    requests_.Add(frame, conn != nullptr, now + (deadline - wall), now + (session_deadline - wall),
                  std::move(callback));
    if (conn == nullptr) return;
    conn->writer->Put(std::move(frame));
    lock.unlock();
    conn->writer->Flush();
  }

  void AddInterest(const v1::Interest& interest) {
    v1::Frame frame;
    *frame.mutable_interest_change()->add_add() = interest;
    std::unique_lock<std::mutex> lock(mutex_);
    if (!interests_.Add(interest)) return;
    SendAndUnlock(lock, std::move(frame));
  }

  void RemoveInterest(const std::string& endpoint, const lwm2m::v1::Path& path) {
    v1::Frame frame;
    v1::Interest& interest = *frame.mutable_interest_change()->add_remove();
    interest.set_endpoint(endpoint);
    *interest.mutable_path() = path;
    std::unique_lock<std::mutex> lock(mutex_);
    if (!interests_.Remove(endpoint, path)) return;
    SendAndUnlock(lock, std::move(frame));
  }

  std::vector<v1::Interest> interests() const {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<v1::Interest> all;
    for (auto& [key, interest] : interests_.All()) all.push_back(std::move(interest));
    return all;
  }

  absl::Duration Tick() {
    const absl::Duration now = clock_->Monotonic();
    Ended ended;
    std::vector<Conn> silent;
    std::unique_lock<std::mutex> lock(mutex_);
    requests_.Expire(now, ended);
    for (const Conn& conn : handshakes_) {
      if (conn->last_frame + kHandshakeTimeout <= now) silent.push_back(conn);
    }
    for (const Conn& conn : silent)
      EndWithLock(conn, "no Hello or Welcome", absl::DeadlineExceededError("no Hello or Welcome"), ended);
    if (current_ != nullptr && current_->last_frame + current_->idle_timeout <= now) {
      silent.push_back(current_);
      EndWithLock(silent.back(), "idle", absl::CancelledError("idle"), ended);
    }
    const absl::Duration next = std::clamp(requests_.next_due() - now, absl::Milliseconds(1), kTickAtLeast);
    lock.unlock();
    for (const Conn& conn : silent) conn->writer->Flush();
    Finish(ended);
    return next;
  }

  v1::Session Describe() const {
    std::lock_guard<std::mutex> lock(mutex_);
    v1::Session session;
    session.set_session_id(session_id_);
    session.set_peer(server_name_);
    session.set_initiator(initiator_);
    session.set_purpose(purpose_);
    session.set_state(current_ != nullptr    ? v1::SESSION_STATE_ESTABLISHED
                      : server_name_.empty() ? v1::SESSION_STATE_OPENING
                                             : v1::SESSION_STATE_LOST);
    *session.mutable_since() = ToTimestamp(since_);
    session.set_interests(static_cast<uint32_t>(interests_.size()));
    *session.mutable_acknowledged() = position_;
    session.set_requests_in_flight(static_cast<uint32_t>(requests_.size()));
    return session;
  }

  void Shutdown(absl::string_view reason) {
    Ended ended;
    std::unique_lock<std::mutex> lock(mutex_);
    shut_down_ = true;
    std::vector<Conn> all(handshakes_.begin(), handshakes_.end());
    if (current_ != nullptr) all.push_back(current_);
    for (const Conn& conn : all) EndWithLock(conn, reason, absl::UnavailableError(reason), ended);
    requests_.EndAll(ended);
    lock.unlock();
    for (const Conn& conn : all) conn->writer->Flush();
    Finish(ended);
    Apply();
  }

  // Waits for callbacks that are running, and lets no more of them happen but results of requests.
  void CloseGate() { gate_.Close(); }

 private:
  // What is applied one by one and in order.
  struct Item {
    Conn conn;
    v1::Frame frame;         // an event or a snapshot
    std::optional<bool> up;  // or a change of state
  };

  static void Finish(Ended& ended) {
    for (auto& [callback, result] : ended) callback(std::move(result));
  }

  void SendAndUnlock(std::unique_lock<std::mutex>& lock, v1::Frame frame) {
    const Conn conn = current_;
    if (conn != nullptr) conn->writer->Put(std::move(frame));
    lock.unlock();
    if (conn != nullptr) conn->writer->Flush();
  }

  void OnFrame(const Conn& conn, v1::Frame frame) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (conn->phase == Connection::Phase::kClosed) return;
    if (conn->phase == Connection::Phase::kHandshake) return Greet(lock, conn, frame);
    if (conn->idle_timeout != absl::InfiniteDuration()) conn->last_frame = clock_->Monotonic();
    switch (frame.kind_case()) {
      case v1::Frame::kResponse: {
        const ResultCallback callback = requests_.Take(frame.response().request_id());
        if (callback == nullptr) return;  // its deadline has passed: the requester knows
        lock.unlock();
        callback(std::move(*frame.mutable_response()->mutable_result()));
        return;
      }
      case v1::Frame::kEvent:
      case v1::Frame::kSnapshot:
        inbox_.push_back({conn, std::move(frame), std::nullopt});
        lock.unlock();
        return Apply();
      case v1::Frame::kGap:
        lock.unlock();
        log::Warning(
            "events of a LwM2M Server were lost",
            {{"server", conn->peer}, {"reason", frame.gap().reason()}, {"next", frame.gap().next().sequence()}});
        return;
      case v1::Frame::kBye:
        log::Info("LwM2M Server ends the session", {{"server", conn->peer}, {"reason", frame.bye().reason()}});
        return EndAndUnlock(lock, conn, "bye", absl::OkStatus());
      case v1::Frame::KIND_NOT_SET:
        return;  // of a later version
      default:
        return EndAndUnlock(lock, conn, absl::StrCat("unexpected ", KindName(frame)),
                            absl::FailedPreconditionError(absl::StrCat("unexpected ", KindName(frame))));
    }
  }

  // The first frame of a stream.
  void Greet(std::unique_lock<std::mutex>& lock, const Conn& conn, const v1::Frame& frame) {
    const absl::Status status = TakeGreeting(frame, v1::ROLE_LWM2M_SERVER, clock_->Monotonic(), *conn);
    if (!status.ok()) {
      log::Warning("session refused", {{"peer", conn->peer}, {"status", status.ToString()}});
      return EndAndUnlock(lock, conn, status.message(), status);
    }
    if (!conn->opened_by_us) {
      conn->session_id = absl::StrCat(peer_, "-", absl::ToUnixMillis(clock_->Now()), "-", ++sessions_);
    }
    Establish(lock, conn);
  }

  void Establish(std::unique_lock<std::mutex>& lock, const Conn& conn) {
    Ended ended;
    const Conn earlier = current_;
    if (earlier != nullptr) EndWithLock(earlier, "replaced by a newer session", absl::AbortedError("replaced"), ended);
    handshakes_.erase(conn);
    current_ = conn;
    conn->phase = Connection::Phase::kUp;
    if (!server_name_.empty() && server_name_ != conn->peer) {
      log::Warning("another LwM2M Server answers now", {{"was", server_name_}, {"is", conn->peer}});
    }
    server_name_ = conn->peer;
    session_id_ = conn->session_id;
    purpose_ = conn->purpose;
    initiator_ = conn->opened_by_us ? v1::ROLE_IN_CSE : v1::ROLE_LWM2M_SERVER;
    since_ = clock_->Now();
    if (!conn->opened_by_us) {
      v1::Frame frame;
      v1::Welcome& welcome = *frame.mutable_welcome();
      welcome.set_protocol_version(kProtocolVersion);
      welcome.set_role(v1::ROLE_IN_CSE);
      welcome.set_peer(peer_);
      welcome.set_session_id(conn->session_id);
      *welcome.mutable_resume_from() = position_;
      conn->writer->Put(std::move(frame));
    }
    PutInterests(conn);
    for (v1::Frame& frame : requests_.Resend()) conn->writer->Put(std::move(frame));
    inbox_.push_back({conn, v1::Frame(), true});
    const std::string server = conn->peer, id = conn->session_id;
    lock.unlock();
    log::Info("session established", {{"server", server}, {"session", id}, {"opened_by_us", conn->opened_by_us}});
    if (earlier != nullptr) earlier->writer->Flush();
    conn->writer->Flush();
    Finish(ended);
    Apply();
  }

  void PutInterests(const Conn& conn) {
    v1::Frame frame;
    frame.mutable_interests();
    for (auto& [key, interest] : interests_.All()) {
      if (frame.interests().interests_size() == kInterestsPerFrame) {
        frame.mutable_interests()->set_more(true);
        conn->writer->Put(std::move(frame));
        frame = v1::Frame();
      }
      *frame.mutable_interests()->add_interests() = std::move(interest);
    }
    conn->writer->Put(std::move(frame));
  }

  void OnClose(const Conn& conn, const absl::Status& status) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (conn->phase == Connection::Phase::kClosed) return;
    const bool was_up = conn->phase == Connection::Phase::kUp;
    if (was_up) log::Warning("session lost", {{"server", conn->peer}, {"status", status.ToString()}});
    EndAndUnlock(lock, conn, "closed", status);
  }

  void EndAndUnlock(std::unique_lock<std::mutex>& lock, const Conn& conn, absl::string_view why, absl::Status status) {
    Ended ended;
    EndWithLock(conn, why, std::move(status), ended);
    lock.unlock();
    conn->writer->Flush();
    Finish(ended);
    Apply();
  }

  // `ended` gets the requests that end with this stream.
  void EndWithLock(const Conn& conn, absl::string_view why, absl::Status status, Ended& ended) {
    conn->End(why, std::move(status));
    handshakes_.erase(conn);
    if (conn != current_) return;
    current_ = nullptr;
    since_ = clock_->Now();
    inbox_.push_back({conn, v1::Frame(), false});
    requests_.Interrupt(ended);
  }

  // Applies what is in the inbox, unless somebody does already.
  void Apply() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (applying_ || inbox_.empty()) return;
      applying_ = true;
    }
    if (callbacks_.executor == nullptr) return ApplyAll();
    callbacks_.executor([weak_self = weak_from_this()] {
      if (const std::shared_ptr<Impl> self = weak_self.lock(); self != nullptr) self->ApplyAll();
    });
  }

  void ApplyAll() {
    const Gate::Pass pass(gate_);
    if (!pass.ok()) return;
    int applied = 0;  // whose position is not stored yet
    bool acknowledge = false;
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      if (inbox_.empty() || applied >= kBatch) {
        if (applied > 0 && callbacks_.on_position != nullptr) {
          const v1::EventPosition position = position_;
          lock.unlock();
          callbacks_.on_position(position);
          lock.lock();
        }
        if (acknowledge && current_ != nullptr) {
          const Conn conn = current_;
          v1::Frame frame;
          *frame.mutable_acknowledgement()->mutable_position() = position_;
          conn->writer->Put(std::move(frame));
          lock.unlock();
          conn->writer->Flush();
          lock.lock();
        }
        applied = 0;
        acknowledge = false;
        if (!inbox_.empty()) continue;
        applying_ = false;
        return;
      }
      Item item = std::move(inbox_.front());
      inbox_.pop_front();
      if (item.up.has_value()) {
        lock.unlock();
        if (callbacks_.on_state != nullptr) callbacks_.on_state(*item.up);
        lock.lock();
      } else if (item.frame.has_snapshot()) {
        v1::Snapshot& part = *item.frame.mutable_snapshot();
        if (snapshot_of_.lock() != item.conn) snapshot_.Clear();
        snapshot_of_ = item.conn;
        snapshot_.mutable_registrations()->MergeFrom(part.registrations());
        *snapshot_.mutable_position() = part.position();
        if (part.more()) continue;
        const v1::Snapshot whole = std::move(snapshot_);
        snapshot_ = v1::Snapshot();
        snapshot_of_.reset();
        lock.unlock();
        if (callbacks_.on_snapshot != nullptr) callbacks_.on_snapshot(whole);
        lock.lock();
        position_ = whole.position();
        ++applied;
        acknowledge = true;
      } else {
        const v1::EventPosition position = item.frame.event().position();
        const bool comparable = position.epoch() == position_.epoch();
        if (comparable && position.sequence() <= position_.sequence()) {
          acknowledge = true;  // once more: the first acknowledgement may be lost
        } else if (comparable && position.sequence() == position_.sequence() + 1) {
          lock.unlock();
          if (callbacks_.on_event != nullptr) callbacks_.on_event(item.frame.event());
          lock.lock();
          position_ = position;
          ++applied;
          acknowledge = true;
        } else if (item.conn->phase == Connection::Phase::kUp) {
          // A hole that no Gap announced. The next session resumes where this one was whole.
          log::Error(
              "hole in the events of a LwM2M Server; starting the session anew",
              {{"server", item.conn->peer}, {"expected", position_.sequence() + 1}, {"got", position.sequence()}});
          Ended ended;
          EndWithLock(item.conn, "hole in the sequence of events", absl::DataLossError("hole in the events"), ended);
          lock.unlock();
          item.conn->writer->Flush();
          Finish(ended);
          lock.lock();
        }
      }
    }
  }

  const std::string peer_;
  const Clock* const clock_;
  const Callbacks callbacks_;

  mutable std::mutex mutex_;
  Conn current_;               // established; null = none
  std::set<Conn> handshakes_;  // streams that have not greeted yet
  bool shut_down_ = false;
  Gate gate_;  // of callbacks
  uint64_t sessions_ = 0;

  v1::EventPosition position_;  // last event that was applied
  std::deque<Item> inbox_;
  bool applying_ = false;  // somebody works on the inbox
  v1::Snapshot snapshot_;  // parts that have come
  std::weak_ptr<Connection> snapshot_of_;

  PendingRequests requests_;
  PeerInterests interests_;

  // For people.
  std::string server_name_, session_id_, purpose_;
  v1::Role initiator_ = v1::ROLE_UNSPECIFIED;
  absl::Time since_;
};

InCseEnd::InCseEnd(std::string peer, v1::EventPosition resume_from, const Clock* clock, Callbacks callbacks)
    : impl_(std::make_shared<Impl>(std::move(peer), std::move(resume_from), clock, std::move(callbacks))) {}

InCseEnd::~InCseEnd() {
  impl_->CloseGate();
  impl_->Shutdown("ending");
}

void InCseEnd::Attach(std::shared_ptr<FrameStream> stream, bool opened_by_us) {
  impl_->Attach(std::move(stream), opened_by_us);
}
bool InCseEnd::up() const { return impl_->up(); }
std::string InCseEnd::server_name() const { return impl_->server_name(); }
void InCseEnd::Perform(const std::string& endpoint, const lwm2m::v1::Operation& operation, absl::Time deadline,
                       absl::Time session_deadline, const std::string& trace_id, ResultCallback callback) {
  impl_->Perform(endpoint, operation, deadline, session_deadline, trace_id, std::move(callback));
}
void InCseEnd::AddInterest(const v1::Interest& interest) { impl_->AddInterest(interest); }
void InCseEnd::RemoveInterest(const std::string& endpoint, const lwm2m::v1::Path& path) {
  impl_->RemoveInterest(endpoint, path);
}
std::vector<v1::Interest> InCseEnd::interests() const { return impl_->interests(); }
absl::Duration InCseEnd::Tick() { return impl_->Tick(); }
v1::Session InCseEnd::Describe() const { return impl_->Describe(); }
void InCseEnd::Shutdown(absl::string_view reason) { impl_->Shutdown(reason); }

}  // namespace isthmus::session
