#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/log/log.h"
#include "services/lib/session/connection.h"
#include "services/lib/session/event_feed.h"
#include "services/lib/session/interests.h"
#include "services/lib/session/session.h"

namespace isthmus::session {
namespace {

// Only these are for those alone who have an interest; nullptr = for all peers.
const lwm2m::v1::Path* PathOfInterest(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kNotification:
      return &event.notification().path();
    case v1::Event::kObservationFailed:
      return &event.observation_failed().path();
    default:
      return nullptr;
  }
}

}  // namespace

class ServerEnd::Impl : public std::enable_shared_from_this<ServerEnd::Impl> {
 public:
  Impl(std::string name, Outbox* outbox, const Clock* clock, Callbacks callbacks)
      : name_(std::move(name)),
        outbox_(outbox),
        clock_(clock),
        callbacks_(std::move(callbacks)),
        epoch_(outbox->epoch()) {
    for (const std::string& peer : outbox_->peers()) {
      peers_[peer].since = clock_->Now();
      book_.Load(peer, outbox_->LoadInterests(peer));
    }
  }

  // A connection with what the server's side needs besides.
  struct Session : Connection {
    using Connection::Connection;
    std::shared_ptr<EventFeed> feed;  // once it is up
    uint32_t requests = 0;
    v1::Interests parts;  // of a list of interests
  };
  using Conn = std::shared_ptr<Session>;

  void Attach(std::shared_ptr<FrameStream> stream, bool opened_by_us) {
    auto connection = std::make_shared<Session>(std::move(stream), opened_by_us, clock_->Monotonic());
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (shut_down_) {
        connection->End("ending", absl::UnavailableError("the LwM2M Server is ending"));
      } else {
        handshakes_.insert(connection);
        if (opened_by_us) {
          v1::Frame frame;
          v1::Hello& hello = *frame.mutable_hello();
          hello.set_protocol_version(kProtocolVersion);
          hello.set_role(v1::ROLE_LWM2M_SERVER);
          hello.set_peer(name_);
          hello.set_purpose("events and requests of devices");
          connection->purpose = hello.purpose();
          connection->writer->Put(std::move(frame));
        }
      }
    }
    Listen(weak_from_this(), connection, &Impl::gate_, &Impl::OnFrame, &Impl::OnClose);
  }

  void Publish(v1::Event event) {
    if (!event.has_time()) *event.mutable_time() = ToTimestamp(clock_->Now());
    std::vector<std::string> receivers;
    {
      const lwm2m::v1::Path* const path = PathOfInterest(event);
      std::lock_guard<std::mutex> lock(mutex_);
      for (const auto& [name, peer] : peers_) {
        if (path == nullptr || book_.Wants(name, event.endpoint(), *path)) receivers.push_back(name);
      }
    }
    for (const std::string& name : receivers) {
      const uint64_t sequence = outbox_->Append(name, event);
      std::shared_ptr<EventFeed> feed;
      {
        std::lock_guard<std::mutex> lock(mutex_);
        if (const Conn& conn = peers_[name].conn; conn != nullptr) feed = conn->feed;
      }
      if (feed != nullptr) feed->Offer(event, sequence);
    }
  }

  std::vector<v1::Interest> interests() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return book_.Union();
  }

  std::vector<v1::Session> Describe() const {
    std::vector<v1::Session> sessions;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (const auto& [name, peer] : peers_) {
        v1::Session session;
        session.set_session_id(peer.session_id);
        session.set_peer(name);
        session.set_initiator(peer.initiator);
        session.set_purpose(peer.purpose);
        session.set_state(peer.conn != nullptr ? v1::SESSION_STATE_ESTABLISHED : v1::SESSION_STATE_LOST);
        *session.mutable_since() = ToTimestamp(peer.since);
        session.set_interests(static_cast<uint32_t>(book_.size(name)));
        session.set_requests_in_flight(peer.conn == nullptr ? 0 : peer.conn->requests);
        sessions.push_back(std::move(session));
      }
      for (const Conn& conn : handshakes_) {
        v1::Session session;
        session.set_initiator(conn->opened_by_us ? v1::ROLE_LWM2M_SERVER : v1::ROLE_UNSPECIFIED);
        session.set_state(v1::SESSION_STATE_OPENING);
        sessions.push_back(std::move(session));
      }
    }
    for (v1::Session& session : sessions) {
      if (session.peer().empty()) continue;
      SetPosition(outbox_->first_sequence(session.peer()) - 1, *session.mutable_acknowledged());
    }
    return sessions;
  }

  size_t requests_awaited() const {
    std::lock_guard<std::mutex> lock(mutex_);
    size_t requests = 0;
    for (const auto& [name, peer] : peers_) {
      if (peer.conn != nullptr) requests += peer.conn->requests;
    }
    return requests;
  }

  void Tick() {
    const absl::Duration now = clock_->Monotonic();
    std::vector<Conn> ended;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (const Conn& conn : handshakes_) {
        if (conn->last_frame + kHandshakeTimeout <= now) ended.push_back(conn);
      }
      for (const Conn& conn : ended) {
        EndWithLock(conn, "no Hello or Welcome", absl::DeadlineExceededError("no Hello or Welcome"));
      }
      for (auto& [name, peer] : peers_) {
        const Conn conn = peer.conn;
        if (conn == nullptr || conn->last_frame + conn->idle_timeout > now) continue;
        ended.push_back(conn);
        EndWithLock(conn, "idle", absl::CancelledError("idle"));
      }
    }
    for (const Conn& conn : ended) conn->writer->Flush();
  }

  void Shutdown(absl::string_view reason) {
    std::vector<Conn> all;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      shut_down_ = true;
      all.assign(handshakes_.begin(), handshakes_.end());
      for (auto& [name, peer] : peers_) {
        if (peer.conn != nullptr) all.push_back(peer.conn);
      }
      for (const Conn& conn : all) EndWithLock(conn, reason, absl::UnavailableError(reason));
    }
    for (const Conn& conn : all) conn->writer->Flush();
  }

  // Waits for callbacks that are running, and lets no more of them happen.
  void CloseGate() { gate_.Close(); }

 private:
  struct Peer {
    Conn conn;  // established; null = none
    std::string session_id, purpose;
    v1::Role initiator = v1::ROLE_UNSPECIFIED;
    absl::Time since;
  };
  void SetPosition(uint64_t sequence, v1::EventPosition& position) const {
    position.set_epoch(epoch_);
    position.set_sequence(sequence);
  }

  void Execute(std::function<void()> task) {
    if (callbacks_.executor == nullptr) return task();
    callbacks_.executor([self = shared_from_this(), task = std::move(task)] {
      if (const Gate::Pass pass(self->gate_); pass.ok()) task();
    });
  }

  void OnFrame(const Conn& conn, v1::Frame frame) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (conn->phase == Connection::Phase::kClosed) return;
    if (conn->phase == Connection::Phase::kHandshake) return Greet(lock, conn, frame);
    if (conn->idle_timeout != absl::InfiniteDuration()) conn->last_frame = clock_->Monotonic();
    switch (frame.kind_case()) {
      case v1::Frame::kRequest:
        ++conn->requests;
        lock.unlock();
        return Serve(conn, *frame.mutable_request());
      case v1::Frame::kAcknowledgement: {
        const std::shared_ptr<EventFeed> feed = conn->feed;
        lock.unlock();
        return feed->Acknowledged(frame.acknowledgement().position());
      }
      case v1::Frame::kInterests:
        conn->parts.mutable_interests()->MergeFrom(frame.interests().interests());
        if (frame.interests().more()) return;
        book_.Replace(conn->peer, std::move(conn->parts));
        conn->parts = v1::Interests();
        lock.unlock();
        return WorkOnChanges();
      case v1::Frame::kInterestChange:
        book_.Change(conn->peer, std::move(*frame.mutable_interest_change()));
        lock.unlock();
        return WorkOnChanges();
      case v1::Frame::kBye:
        log::Info("IN-CSE ends the session", {{"peer", conn->peer}, {"reason", frame.bye().reason()}});
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
    const absl::Status status = TakeGreeting(frame, v1::ROLE_IN_CSE, clock_->Monotonic(), *conn);
    if (!status.ok()) {
      log::Warning("session refused", {{"peer", conn->peer}, {"status", status.ToString()}});
      return EndAndUnlock(lock, conn, status.message(), status);
    }
    if (!conn->opened_by_us) {
      conn->session_id = absl::StrCat(name_, "-", absl::ToUnixMillis(clock_->Now()), "-", ++sessions_);
    }
    Establish(lock, conn, conn->opened_by_us ? frame.welcome().resume_from() : frame.hello().resume_from());
  }

  void Establish(std::unique_lock<std::mutex>& lock, const Conn& conn, v1::EventPosition resume_from) {
    const auto [entry, fresh] = peers_.try_emplace(conn->peer);
    Peer& peer = entry->second;
    const Conn earlier = peer.conn;
    if (earlier != nullptr) EndWithLock(earlier, "replaced by a newer session", absl::AbortedError("replaced"));
    handshakes_.erase(conn);
    conn->phase = Connection::Phase::kUp;
    conn->feed =
        std::make_shared<EventFeed>(conn->peer, outbox_, callbacks_.list_registrations, conn->writer,
                                    std::move(resume_from), [weak = weak_from_this()](std::function<void()> task) {
                                      if (const std::shared_ptr<Impl> self = weak.lock(); self != nullptr)
                                        self->Execute(std::move(task));
                                    });
    peer.conn = conn;
    peer.session_id = conn->session_id;
    peer.purpose = conn->purpose;
    peer.initiator = conn->opened_by_us ? v1::ROLE_LWM2M_SERVER : v1::ROLE_IN_CSE;
    peer.since = clock_->Now();
    if (!conn->opened_by_us) {
      v1::Frame frame;
      v1::Welcome& welcome = *frame.mutable_welcome();
      welcome.set_protocol_version(kProtocolVersion);
      welcome.set_role(v1::ROLE_LWM2M_SERVER);
      welcome.set_peer(name_);
      welcome.set_session_id(conn->session_id);
      conn->writer->Put(std::move(frame));
    }
    if (fresh) {
      // From now on the outbox keeps events for this peer, and knows of it after a restart.
      book_.Change(conn->peer, v1::InterestChange());
    }
    const std::shared_ptr<EventFeed> feed = conn->feed;
    lock.unlock();
    log::Info("session established",
              {{"peer", conn->peer}, {"session", conn->session_id}, {"opened_by_us", conn->opened_by_us}});
    if (earlier != nullptr) earlier->writer->Flush();
    conn->writer->Flush();
    WorkOnChanges();
    feed->Go();
  }

  void OnClose(const Conn& conn, const absl::Status& status) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (conn->phase == Connection::Phase::kClosed) return;
    if (conn->phase == Connection::Phase::kUp) {
      log::Warning("session lost", {{"peer", conn->peer}, {"status", status.ToString()}});
    }
    EndAndUnlock(lock, conn, "closed", status);
  }

  void EndAndUnlock(std::unique_lock<std::mutex>& lock, const Conn& conn, absl::string_view why, absl::Status status) {
    EndWithLock(conn, why, std::move(status));
    lock.unlock();
    conn->writer->Flush();
  }

  void EndWithLock(const Conn& conn, absl::string_view why, absl::Status status) {
    if (conn->feed != nullptr) conn->feed->Stop();
    conn->End(why, std::move(status));
    handshakes_.erase(conn);
    const auto found = peers_.find(conn->peer);
    if (found == peers_.end() || found->second.conn != conn) return;
    found->second.conn = nullptr;
    found->second.since = clock_->Now();
  }

  void Serve(const Conn& conn, const v1::Request& request) {
    auto answered = std::make_shared<std::atomic<bool>>(false);
    auto respond = [weak_self = weak_from_this(), weak_conn = std::weak_ptr<Session>(conn), answered,
                    id = request.request_id()](lwm2m::v1::OperationResult result) {
      if (answered->exchange(true)) return;
      const std::shared_ptr<Impl> self = weak_self.lock();
      const Conn to = weak_conn.lock();
      if (self == nullptr || to == nullptr) return;
      v1::Frame frame;
      frame.mutable_response()->set_request_id(id);
      *frame.mutable_response()->mutable_result() = std::move(result);
      {
        std::lock_guard<std::mutex> lock(self->mutex_);
        --to->requests;
        if (to->phase == Connection::Phase::kClosed) return;
        to->writer->Put(std::move(frame));
      }
      to->writer->Flush();
    };
    const char* wrong = request.endpoint().empty() ? "endpoint: expected a name, not nothing"
                        : request.operation().kind_case() == lwm2m::v1::Operation::KIND_NOT_SET
                            ? "operation: expected one"
                        : !request.has_deadline()          ? "deadline: expected one"
                        : callbacks_.on_request == nullptr ? "this server performs no operations"
                                                           : nullptr;
    if (wrong != nullptr) {
      lwm2m::v1::OperationResult result;
      result.set_outcome(lwm2m::v1::OUTCOME_UNSUPPORTED);
      result.set_diagnostic(wrong);
      return respond(std::move(result));
    }
    callbacks_.on_request(request, std::move(respond));
  }

  // Brings changes to the outbox and to the owner, unless somebody does already.
  void WorkOnChanges() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (working_ || !book_.has_changes()) return;
      working_ = true;
    }
    Execute([self = shared_from_this()] { self->WorkOnAllChanges(); });
  }

  void WorkOnAllChanges() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (book_.has_changes()) {
      const std::vector<InterestBook::Entry> changes = book_.TakeChanges();
      lock.unlock();
      bool changed = false;
      for (const InterestBook::Entry& entry : changes) {
        if (entry.replaced.has_value()) {
          outbox_->StoreInterests(entry.peer, *entry.replaced);
        } else {
          outbox_->ChangeInterests(entry.peer, entry.change);
        }
        if (entry.of_union.add_size() + entry.of_union.remove_size() == 0) continue;
        changed = true;
        if (callbacks_.on_interest_change != nullptr) callbacks_.on_interest_change(entry.of_union);
      }
      if (changed && callbacks_.on_interest_change == nullptr && callbacks_.on_interests != nullptr) {
        callbacks_.on_interests(interests());
      }
      lock.lock();
    }
    working_ = false;
  }

  const std::string name_;
  Outbox* const outbox_;
  const Clock* const clock_;
  const Callbacks callbacks_;
  const std::string epoch_;

  mutable std::mutex mutex_;
  std::map<std::string, Peer> peers_;
  std::set<Conn> handshakes_;  // streams that have not greeted yet
  InterestBook book_;
  bool working_ = false;  // somebody works on the changes of the book
  bool shut_down_ = false;
  Gate gate_;  // of callbacks and of the outbox
  uint64_t sessions_ = 0;
};

ServerEnd::ServerEnd(std::string name, Outbox* outbox, const Clock* clock, Callbacks callbacks)
    : impl_(std::make_shared<Impl>(std::move(name), outbox, clock, std::move(callbacks))) {}

ServerEnd::~ServerEnd() {
  impl_->CloseGate();
  impl_->Shutdown("ending");
}

void ServerEnd::Attach(std::shared_ptr<FrameStream> stream, bool opened_by_us) {
  impl_->Attach(std::move(stream), opened_by_us);
}
void ServerEnd::Publish(v1::Event event) { impl_->Publish(std::move(event)); }
std::vector<v1::Interest> ServerEnd::interests() const { return impl_->interests(); }
std::vector<v1::Session> ServerEnd::Describe() const { return impl_->Describe(); }
size_t ServerEnd::requests_awaited() const { return impl_->requests_awaited(); }
void ServerEnd::Tick() { impl_->Tick(); }
void ServerEnd::Shutdown(absl::string_view reason) { impl_->Shutdown(reason); }

}  // namespace isthmus::session
