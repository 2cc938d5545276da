// What the tests of this library share: a stream whose other half the test plays by hand, and short ways to write
// frames and events.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_TESTING_H_
#define ISTHMUS_SERVICES_LIB_SESSION_TESTING_H_

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/session/session.h"

namespace isthmus::session {

inline constexpr absl::Duration kBound = absl::Seconds(10);

inline v1::EventPosition Position(const std::string& epoch, uint64_t sequence) {
  v1::EventPosition position;
  position.set_epoch(epoch);
  position.set_sequence(sequence);
  return position;
}

inline v1::Interest MakeInterest(const std::string& endpoint, const std::string& path) {
  v1::Interest interest;
  interest.set_endpoint(endpoint);
  *interest.mutable_path() = lwm2m::ParsePath(path).value();
  return interest;
}

inline v1::Event Registered(const std::string& endpoint) {
  v1::Event event;
  event.set_endpoint(endpoint);
  event.mutable_registered()->mutable_registration()->set_endpoint(endpoint);
  return event;
}

inline v1::Event Notified(const std::string& endpoint, const std::string& path) {
  v1::Event event;
  event.set_endpoint(endpoint);
  *event.mutable_notification()->mutable_path() = lwm2m::ParsePath(path).value();
  return event;
}

inline lwm2m::v1::Operation ReadOf(const std::string& path) {
  lwm2m::v1::Operation operation;
  *operation.mutable_read()->mutable_path() = lwm2m::ParsePath(path).value();
  return operation;
}

inline lwm2m::v1::Operation WriteOf(const std::string& path) {
  lwm2m::v1::Operation operation;
  *operation.mutable_write()->mutable_path() = lwm2m::ParsePath(path).value();
  return operation;
}

inline v1::Frame HelloFrame(v1::Role role, const std::string& peer, uint32_t version = 1) {
  v1::Frame frame;
  frame.mutable_hello()->set_protocol_version(version);
  frame.mutable_hello()->set_role(role);
  frame.mutable_hello()->set_peer(peer);
  return frame;
}

// The test's half of a stream: keeps what comes. Thread-safe.
class Half {
 public:
  explicit Half(std::shared_ptr<FrameStream> stream) : stream_(std::move(stream)) {
    stream_->Start(
        [state = state_](v1::Frame frame) {
          std::lock_guard<std::mutex> lock(state->mutex);
          state->frames.push_back(std::move(frame));
          state->changed.notify_all();
        },
        [state = state_](absl::Status status) {
          std::lock_guard<std::mutex> lock(state->mutex);
          state->closed = std::move(status);
          state->changed.notify_all();
        });
  }
  void Write(v1::Frame frame) { stream_->Write(std::move(frame)); }
  void Close(absl::Status status = absl::UnavailableError("broken")) { stream_->Close(std::move(status)); }

  // The next frame; an empty one when none comes in time.
  v1::Frame Next(absl::Duration bound = kBound) {
    std::unique_lock<std::mutex> lock(state_->mutex);
    state_->changed.wait_for(lock, absl::ToChronoNanoseconds(bound), [this] { return !state_->frames.empty(); });
    if (state_->frames.empty()) return v1::Frame();
    v1::Frame frame = std::move(state_->frames.front());
    state_->frames.pop_front();
    return frame;
  }
  // What has come until now.
  std::vector<v1::Frame> All() {
    std::lock_guard<std::mutex> lock(state_->mutex);
    std::vector<v1::Frame> all(state_->frames.begin(), state_->frames.end());
    state_->frames.clear();
    return all;
  }
  std::optional<absl::Status> closed() const {
    std::lock_guard<std::mutex> lock(state_->mutex);
    return state_->closed;
  }
  bool AwaitClose() {
    std::unique_lock<std::mutex> lock(state_->mutex);
    return state_->changed.wait_for(lock, absl::ToChronoNanoseconds(kBound),
                                    [this] { return state_->closed.has_value(); });
  }

 private:
  // Shared with the callbacks, which may outlive the half.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<v1::Frame> frames;
    std::optional<absl::Status> closed;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  const std::shared_ptr<FrameStream> stream_;
};

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_TESTING_H_
