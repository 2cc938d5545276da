// Both ends of a session (TS-0005 6.5.1, proto isthmus.session.v1) without gRPC: what each side does with frames.
//
// A FrameStream is one open stream. Whoever made it (the opener or the answerer) hands it to the end that plays this
// process's role: InCseEnd in the synchronizer, ServerEnd in the connector. Both ends survive streams: when one breaks,
// the next is handed in, and the conversation goes on where it stopped.
//
//   session::InCseEnd end("/id-in", stored_position, &clock, callbacks);
//   end.Attach(stream, /*opened_by_us=*/true);
//   end.Perform("ep1", read_battery, deadline, session_deadline, trace_id, [](lwm2m::v1::OperationResult result) {});
//   end.Tick();  // regularly
//
// Both ends are thread-safe and never call out with a lock held. Callbacks run on the thread of the stream, of the
// caller, or in the executor; those about events and interests one at a time and in order. End the streams (Shutdown,
// then SessionServer::EndAll or ~SessionOpener) before what the callbacks refer to goes away.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_SESSION_H_
#define ISTHMUS_SERVICES_LIB_SESSION_SESSION_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/session/v1/session.pb.h"
#include "services/lib/clock/clock.h"

namespace isthmus::session {

// One open stream. Thread-safe. Frames are delivered in order; after `on_close` nothing more comes.
class FrameStream {
 public:
  virtual ~FrameStream() = default;
  // Queued; never blocks. Dropped when the stream is closed.
  virtual void Write(v1::Frame frame) = 0;
  // Ends the stream; `on_close` follows.
  virtual void Close(absl::Status reason) = 0;
  // Starts delivery. Called once, before anything is delivered; the callbacks run on the stream's own thread, one at a
  // time. They are destroyed after `on_close`.
  virtual void Start(std::function<void(v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) = 0;
};

// Two streams joined back to back, for tests and for a process that holds both ends. What one end writes is delivered
// on the writer's thread, in order, never recursively.
std::pair<std::shared_ptr<FrameStream>, std::shared_ptr<FrameStream>> MakeStreamPair();

// ---------------------------------------------------------------------------------------------------------------------
// The IN-CSE's end of the sessions with one LwM2M Server.
class InCseEnd {
 public:
  using ResultCallback = std::function<void(lwm2m::v1::OperationResult)>;

  struct Callbacks {
    // An event that has not been applied before, in order. It is acknowledged after the call has returned.
    std::function<void(const v1::Event&)> on_event;
    // All devices of the server; what is not in it is gone.
    std::function<void(const v1::Snapshot&)> on_snapshot;
    // Position to keep in the store, so that a restarted IN-CSE resumes there. Called after on_event / on_snapshot.
    std::function<void(const v1::EventPosition&)> on_position;
    // Session came up (true) or was lost (false).
    std::function<void(bool up)> on_state;
    // Where the callbacks above run, in order; null = on the stream's thread. Give one (Worker in worker.h) when
    // they write to a disk: a stream's thread must not wait.
    std::function<void(std::function<void()>)> executor;
  };

  // `peer` is our CSE-ID; `resume_from` the stored position (empty epoch = none).
  InCseEnd(std::string peer, v1::EventPosition resume_from, const Clock* clock, Callbacks callbacks);
  ~InCseEnd();

  // Takes a stream. `opened_by_us`: we send the Hello, else we await it. An earlier stream is replaced as soon as the
  // new one has said Hello and Welcome. What an earlier stream left unanswered: reads (Read, Discover, ReadComposite)
  // are sent again on the next stream, all else ends as OUTCOME_TIMEOUT, since the device may have performed it.
  void Attach(std::shared_ptr<FrameStream> stream, bool opened_by_us);

  bool up() const;
  // Name that the server gave itself; empty before the first Welcome.
  std::string server_name() const;

  // Performs an operation; calls back exactly once, at `deadline` at the latest (OUTCOME_TIMEOUT). When no session is
  // up: waits for one until `session_deadline`, then OUTCOME_UNSPECIFIED with diagnostic "no session"; if `deadline`
  // comes first, or has passed already, OUTCOME_EXPIRED_UNSENT.
  void Perform(const std::string& endpoint, const lwm2m::v1::Operation& operation, absl::Time deadline,
               absl::Time session_deadline, const std::string& trace_id, ResultCallback callback);

  // Interests of this IN-CSE; sent now and again after each (re)connection.
  void AddInterest(const v1::Interest& interest);
  void RemoveInterest(const std::string& endpoint, const lwm2m::v1::Path& path);
  std::vector<v1::Interest> interests() const;

  // Time-outs; call at least every 50 ms, or after the returned time.
  absl::Duration Tick();

  v1::Session Describe() const;
  // Says Bye and ends the stream; streams that come later are refused. Requests without an answer end.
  void Shutdown(absl::string_view reason);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Where a server keeps the events of its peers until they are acknowledged. Thread-safe.
class Outbox {
 public:
  virtual ~Outbox() = default;
  // Epoch of this outbox; a fresh store has a fresh one.
  virtual std::string epoch() const = 0;
  // Appends for one peer and returns the sequence number. Durable when it returns.
  virtual uint64_t Append(const std::string& peer, const v1::Event& event) = 0;
  // Events of a peer after `after`, in order, at most `limit`. Position is set.
  virtual std::vector<v1::Event> Read(const std::string& peer, uint64_t after, size_t limit) const = 0;
  // Drops all up to `sequence`.
  virtual void Acknowledge(const std::string& peer, uint64_t sequence) = 0;
  virtual uint64_t last_sequence(const std::string& peer) const = 0;
  // First sequence that is still there, or last + 1.
  virtual uint64_t first_sequence(const std::string& peer) const = 0;
  // Interests of a peer, kept with it.
  virtual void StoreInterests(const std::string& peer, const v1::Interests& interests) = 0;
  virtual v1::Interests LoadInterests(const std::string& peer) const = 0;
  // The same as loading, changing and storing, which is what it does unless a store knows a cheaper way.
  virtual void ChangeInterests(const std::string& peer, const v1::InterestChange& change);
  // Peers with stored interests (even if none) or events.
  virtual std::vector<std::string> peers() const = 0;
};
// Holds at most `capacity` unacknowledged events per peer: beyond, the oldest go and a Gap is announced.
std::unique_ptr<Outbox> MakeMemoryOutbox(std::string epoch, size_t capacity = 100000);

// The LwM2M Server's end of all its sessions.
class ServerEnd {
 public:
  struct Callbacks {
    // Performs a request; calls back exactly once by the deadline.
    std::function<void(const v1::Request&, std::function<void(lwm2m::v1::OperationResult)>)> on_request;
    // The union of all peers' interests has changed. Interests of several peers in one path become one with attributes
    // that satisfy all. Changes that come fast are told together.
    std::function<void(const std::vector<v1::Interest>&)> on_interests;
    // The same as a difference, in place of on_interests when it is set: cheaper with many devices.
    std::function<void(const v1::InterestChange&)> on_interest_change;
    // For a Snapshot: all registrations now.
    std::function<std::vector<lwm2m::v1::Registration>()> list_registrations;
    // Where what reads and writes the outbox runs (resuming, acknowledgements, interests), in order for each session;
    // null = on the stream's thread. on_request is called on the stream's thread in any case.
    std::function<void(std::function<void()>)> executor;
  };
  ServerEnd(std::string name, Outbox* outbox, const Clock* clock, Callbacks callbacks);
  ~ServerEnd();

  void Attach(std::shared_ptr<FrameStream> stream, bool opened_by_us);

  // Appends to the outbox of each peer that wants it (registration events: all peers; notifications: those with an
  // interest in endpoint and path) and sends it to those that are connected. Registration events before any peer was
  // ever seen are not kept: the first session starts with a Snapshot. A change of registration must be visible in
  // list_registrations before it is published.
  void Publish(v1::Event event);

  // Union of interests, as known now (stored ones included).
  std::vector<v1::Interest> interests() const;
  std::vector<v1::Session> Describe() const;
  // Requests without an answer, of sessions that are up: somebody still waits for these.
  size_t requests_awaited() const;
  // Ends streams that never say Hello and sessions that are idle for longer than their opener wants; once a second is
  // enough.
  void Tick();
  // Sends Bye on every stream and closes them; streams that come later are refused.
  void Shutdown(absl::string_view reason);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_SESSION_H_
