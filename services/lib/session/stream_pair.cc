// Two FrameStreams back to back.
#include <deque>
#include <mutex>
#include <optional>

#include "services/lib/session/session.h"

namespace isthmus::session {
namespace {

// What both halves share. One thread at a time delivers, for both halves, whatever is queued; others only queue. So a
// callback that writes never finds itself inside another callback.
class Pipe {
 public:
  void Write(int to, v1::Frame frame) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (closed_) return;
    items_.push_back({to, std::move(frame), std::nullopt});
    Deliver(lock);
  }

  void Close(int by, absl::Status reason) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (closed_) return;
    closed_ = true;
    // The other half hears what was written before; this half hears nothing more.
    for (auto it = items_.begin(); it != items_.end();) it = it->to == by ? items_.erase(it) : std::next(it);
    items_.push_back({by, v1::Frame(), reason});
    items_.push_back({1 - by, v1::Frame(), std::move(reason)});
    Deliver(lock);
  }

  void Start(int half, std::function<void(v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (halves_[half].dropped) return;
    halves_[half].started = true;
    halves_[half].on_frame = std::make_shared<std::function<void(v1::Frame)>>(std::move(on_frame));
    halves_[half].on_close = std::move(on_close);
    Deliver(lock);
  }

  // Nobody holds this half any more.
  void Drop(int half) {
    Close(half, absl::CancelledError("stream dropped"));
    std::unique_lock<std::mutex> lock(mutex_);
    halves_[half].dropped = true;
    auto on_frame = std::move(halves_[half].on_frame);
    auto on_close = std::move(halves_[half].on_close);
    halves_[half].on_close = nullptr;
    lock.unlock();  // what the callbacks hold goes without the lock
  }

 private:
  struct Item {
    int to;
    v1::Frame frame;
    std::optional<absl::Status> close;
  };
  struct Half {
    bool started = false;
    bool dropped = false;
    std::shared_ptr<std::function<void(v1::Frame)>> on_frame;
    std::function<void(absl::Status)> on_close;
  };

  void Deliver(std::unique_lock<std::mutex>& lock) {
    if (delivering_) return;
    delivering_ = true;
    while (true) {
      auto next = items_.begin();
      while (next != items_.end() && !halves_[next->to].started && !halves_[next->to].dropped) ++next;
      if (next == items_.end()) break;
      Item item = std::move(*next);
      items_.erase(next);
      Half& half = halves_[item.to];
      if (item.close.has_value()) {
        auto on_frame = std::move(half.on_frame);
        auto on_close = std::move(half.on_close);
        half.on_close = nullptr;
        lock.unlock();
        if (on_close) on_close(*std::move(item.close));
        on_frame.reset();
        on_close = nullptr;
        lock.lock();
      } else if (half.on_frame != nullptr) {
        auto on_frame = half.on_frame;
        lock.unlock();
        (*on_frame)(std::move(item.frame));
        on_frame.reset();
        lock.lock();
      }
    }
    delivering_ = false;
  }

  std::mutex mutex_;
  std::deque<Item> items_;
  Half halves_[2];
  bool closed_ = false;
  bool delivering_ = false;
};

class PipeEnd final : public FrameStream {
 public:
  PipeEnd(std::shared_ptr<Pipe> pipe, int half) : pipe_(std::move(pipe)), half_(half) {}
  ~PipeEnd() override { pipe_->Drop(half_); }
  void Write(v1::Frame frame) override {
    const std::shared_ptr<Pipe> pipe = pipe_;  // a callback may drop this stream
    pipe->Write(1 - half_, std::move(frame));
  }
  void Close(absl::Status reason) override {
    const std::shared_ptr<Pipe> pipe = pipe_;
    pipe->Close(half_, std::move(reason));
  }
  void Start(std::function<void(v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) override {
    const std::shared_ptr<Pipe> pipe = pipe_;
    pipe->Start(half_, std::move(on_frame), std::move(on_close));
  }

 private:
  const std::shared_ptr<Pipe> pipe_;
  const int half_;
};

}  // namespace

std::pair<std::shared_ptr<FrameStream>, std::shared_ptr<FrameStream>> MakeStreamPair() {
  auto pipe = std::make_shared<Pipe>();
  return {std::make_shared<PipeEnd>(pipe, 0), std::make_shared<PipeEnd>(pipe, 1)};
}

}  // namespace isthmus::session
