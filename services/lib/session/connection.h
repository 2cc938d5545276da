// What both ends keep of one stream, and the rules of Hello and Welcome that are the same on both. Internal to this
// library.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_CONNECTION_H_
#define ISTHMUS_SERVICES_LIB_SESSION_CONNECTION_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/session/session.h"

namespace isthmus::session {

inline constexpr uint32_t kProtocolVersion = 1;
// A stream that has not said Hello (or Welcome) by then is closed.
inline constexpr absl::Duration kHandshakeTimeout = absl::Seconds(10);

// Frames of one stream in the order in which they were put. Put is cheap and calls nothing: it is for use under the
// owner's lock, which is what gives the order. Flush writes, and must be called without any lock. Thread-safe.
class OrderedWriter {
 public:
  explicit OrderedWriter(std::shared_ptr<FrameStream> stream) : stream_(std::move(stream)) {}

  void Put(v1::Frame frame) {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back({std::move(frame), std::nullopt});
  }
  void PutClose(absl::Status reason) {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back({v1::Frame(), std::move(reason)});
  }
  void Flush() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (flushing_) return;  // whoever flushes takes these too
    flushing_ = true;
    while (!queue_.empty()) {
      Item item = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (item.close.has_value()) {
        stream_->Close(*std::move(item.close));
      } else {
        stream_->Write(std::move(item.frame));
      }
      lock.lock();
    }
    flushing_ = false;
  }

 private:
  struct Item {
    v1::Frame frame;
    std::optional<absl::Status> close;
  };
  const std::shared_ptr<FrameStream> stream_;
  std::mutex mutex_;
  std::deque<Item> queue_;
  bool flushing_ = false;
};

// Lets callbacks in until it is closed, and closing waits for those inside. Thread-safe.
//
//   if (Gate::Pass pass(gate_); pass.ok()) ...
class Gate {
 public:
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(gate), ok_(gate.Enter()) {}
    ~Pass() {
      if (ok_) gate_.Leave();
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    bool ok() const { return ok_; }

   private:
    Gate& gate_;
    const bool ok_;
  };

  // Not from inside.
  void Close() {
    if ((state_.fetch_or(kClosed) & ~kClosed) == 0) return;
    std::unique_lock<std::mutex> lock(mutex_);
    empty_.wait(lock, [this] { return (state_.load() & ~kClosed) == 0; });
  }

 private:
  static constexpr uint64_t kClosed = uint64_t{1} << 63;

  bool Enter() {
    if ((state_.fetch_add(1) & kClosed) == 0) return true;
    Leave();
    return false;
  }
  void Leave() {
    if (state_.fetch_sub(1) != kClosed + 1) return;
    std::lock_guard<std::mutex> lock(mutex_);
    empty_.notify_all();
  }

  std::atomic<uint64_t> state_{0};  // how many are inside, and whether it is closed
  std::mutex mutex_;
  std::condition_variable empty_;
};

// Members are guarded by the mutex of the end that owns it, except `stream` and `writer`.
struct Connection {
  enum class Phase { kHandshake, kUp, kClosed };

  Connection(std::shared_ptr<FrameStream> its_stream, bool opened, absl::Duration now)
      : stream(std::move(its_stream)),
        writer(std::make_shared<OrderedWriter>(stream)),
        opened_by_us(opened),
        last_frame(now) {}

  const std::shared_ptr<FrameStream> stream;
  const std::shared_ptr<OrderedWriter> writer;
  const bool opened_by_us;
  Phase phase = Phase::kHandshake;
  std::string peer;
  std::string session_id;
  std::string purpose;
  absl::Time since;
  absl::Duration last_frame;  // monotonic; of the making of the stream before there was one
  absl::Duration idle_timeout = absl::InfiniteDuration();

  // With the owner's mutex; the owner flushes. Nothing that comes later from this stream counts.
  void End(absl::string_view why, absl::Status status) {
    if (phase == Phase::kClosed) return;
    phase = Phase::kClosed;
    v1::Frame bye;
    bye.mutable_bye()->set_reason(std::string(why));
    writer->Put(std::move(bye));
    writer->PutClose(std::move(status));
  }
};

// The first frame of a stream, which is to be a Welcome where we opened it and else a Hello: what it says of the sender
// goes into `connection`. Not OK = to be refused. A Hello names no session: the owner does.
absl::Status TakeGreeting(const v1::Frame& frame, v1::Role expected_role, absl::Duration now, Connection& connection);

// "welcome", "event" ...; "nothing" for a frame of a kind that this version does not know.
std::string KindName(const v1::Frame& frame);

// Starts the stream of `connection`: what comes reaches `end`, while it lives and its gate is open.
template <typename End, typename Conn>
void Listen(const std::weak_ptr<End>& end, const std::shared_ptr<Conn>& connection, Gate End::*gate,
            void (End::*on_frame)(const std::shared_ptr<Conn>&, v1::Frame),
            void (End::*on_close)(const std::shared_ptr<Conn>&, const absl::Status&)) {
  const std::weak_ptr<Conn> weak_connection = connection;
  connection->stream->Start(
      [end, weak_connection, gate, on_frame](v1::Frame frame) {
        const std::shared_ptr<End> self = end.lock();
        const std::shared_ptr<Conn> conn = weak_connection.lock();
        if (self == nullptr || conn == nullptr) return;
        if (const Gate::Pass pass((*self).*gate); pass.ok()) ((*self).*on_frame)(conn, std::move(frame));
      },
      [end, weak_connection, gate, on_close](absl::Status status) {
        const std::shared_ptr<End> self = end.lock();
        const std::shared_ptr<Conn> conn = weak_connection.lock();
        if (self == nullptr || conn == nullptr) return;
        if (const Gate::Pass pass((*self).*gate); pass.ok()) ((*self).*on_close)(conn, status);
      });
  connection->writer->Flush();
}

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_CONNECTION_H_
