#include "services/lib/session/hello.h"

#include <deque>
#include <mutex>
#include <optional>

#include "absl/strings/str_cat.h"
#include "services/lib/log/log.h"
#include "services/lib/session/connection.h"

namespace isthmus::session {
namespace {

// What came of the stream and was not delivered yet.
class Held {
 public:
  explicit Held(std::shared_ptr<FrameStream> stream) : stream_(std::move(stream)) {}

  FrameStream& stream() { return *stream_; }

  void Put(v1::Frame frame) {
    std::unique_lock<std::mutex> lock(mutex_);
    frames_.push_back(std::move(frame));
    Deliver(lock);
  }
  void PutClose(absl::Status status) {
    std::unique_lock<std::mutex> lock(mutex_);
    close_ = std::move(status);
    Deliver(lock);
  }
  void Start(std::function<void(v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) {
    std::unique_lock<std::mutex> lock(mutex_);
    on_frame_ = std::move(on_frame);
    on_close_ = std::move(on_close);
    Deliver(lock);
  }

 private:
  void Deliver(std::unique_lock<std::mutex>& lock) {
    if (delivering_ || on_close_ == nullptr) return;
    delivering_ = true;
    while (!frames_.empty()) {
      v1::Frame frame = std::move(frames_.front());
      frames_.pop_front();
      lock.unlock();
      on_frame_(std::move(frame));  // set once, before the first delivery
      lock.lock();
    }
    delivering_ = false;
    if (!close_.has_value()) return;
    const absl::Status status = *std::move(close_);
    close_.reset();
    const auto on_frame = std::exchange(on_frame_, nullptr);
    const auto on_close = std::exchange(on_close_, nullptr);
    lock.unlock();
    on_close(status);
  }

  const std::shared_ptr<FrameStream> stream_;
  std::mutex mutex_;
  std::deque<v1::Frame> frames_;
  std::optional<absl::Status> close_;
  std::function<void(v1::Frame)> on_frame_;
  std::function<void(absl::Status)> on_close_;
  bool delivering_ = false;
};

class HeldStream final : public FrameStream {
 public:
  explicit HeldStream(std::shared_ptr<Held> held) : held_(std::move(held)) {}
  ~HeldStream() override { held_->stream().Close(absl::CancelledError("stream dropped")); }
  void Write(v1::Frame frame) override { held_->stream().Write(std::move(frame)); }
  void Close(absl::Status reason) override { held_->stream().Close(std::move(reason)); }
  void Start(std::function<void(v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) override {
    const std::shared_ptr<Held> held = held_;
    held->Start(std::move(on_frame), std::move(on_close));
  }

 private:
  const std::shared_ptr<Held> held_;
};

}  // namespace

void ReadHello(std::shared_ptr<FrameStream> stream,
               std::function<void(const v1::Hello& hello, std::shared_ptr<FrameStream> stream)> on_hello) {
  // The callbacks hold the stream, and the stream holds its callbacks until it has closed; HeldStream sees to it that
  // it does.
  auto held = std::make_shared<Held>(stream);
  auto first = std::make_shared<bool>(true);  // of the stream's thread alone
  stream->Start(
      [held, first, on_hello = std::move(on_hello)](v1::Frame frame) {
        if (!std::exchange(*first, false)) return held->Put(std::move(frame));
        if (!frame.has_hello()) {
          const std::string reason = absl::StrCat("first frame: expected Hello, not ", KindName(frame));
          log::Warning("session refused", {{"status", reason}});
          v1::Frame bye;
          bye.mutable_bye()->set_reason(reason);
          held->stream().Write(std::move(bye));
          held->stream().Close(absl::FailedPreconditionError(reason));
          return;
        }
        const v1::Hello hello = frame.hello();
        held->Put(std::move(frame));
        on_hello(hello, std::make_shared<HeldStream>(held));
      },
      [held](absl::Status status) { held->PutClose(std::move(status)); });
}

}  // namespace isthmus::session
