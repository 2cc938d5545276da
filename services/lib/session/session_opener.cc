#include "services/lib/session/session_opener.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "services/lib/clock/clock.h"
#include "services/lib/log/log.h"

namespace isthmus::session {

// Shared with the stream that is open, which tells what happens to it.
class SessionOpener::State : public std::enable_shared_from_this<SessionOpener::State> {
 public:
  State(std::string target, std::function<std::shared_ptr<FrameStream>()> open,
        std::function<void(std::shared_ptr<FrameStream>)> attach, std::function<bool()> wanted, OpenerOptions options)
      : target_(std::move(target)),
        open_(std::move(open)),
        attach_(std::move(attach)),
        wanted_(std::move(wanted)),
        options_(options),
        random_(std::random_device()()) {}

  void Run() {
    absl::Duration backoff = options_.shortest;
    std::unique_lock<std::mutex> lock(mutex_);
    while (!ending_) {
      lock.unlock();
      const bool wanted = wanted_ == nullptr || wanted_();
      if (wanted) {
        const absl::Duration lived = KeepOne();
        if (lived >= options_.steady_after) backoff = options_.shortest;
      }
      lock.lock();
      absl::Duration pause = options_.longest;
      if (wanted) {
        pause = backoff * std::uniform_real_distribution<double>(0.5, 1.0)(random_);
        backoff = std::min(backoff * 2, options_.longest);
      }
      changed_.wait_for(lock, absl::ToChronoNanoseconds(pause), [this] { return ending_; });
    }
  }

  void End() {
    std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }

  // After Run. What they hold (a channel, as a rule) goes on the caller's thread, and not on the one of the stream,
  // whose callbacks may hold this object for a moment longer.
  void LetGo() {
    open_ = nullptr;
    attach_ = nullptr;
    wanted_ = nullptr;
  }

 private:
  // Sees the frames of a stream on their way.
  class Watched final : public FrameStream {
   public:
    Watched(std::shared_ptr<State> state, std::shared_ptr<FrameStream> stream)
        : state_(std::move(state)), stream_(std::move(stream)) {}
    ~Watched() override {
      stream_->Close(absl::CancelledError("stream dropped"));
      if (!started_) state_->Went(absl::CancelledError("nobody wanted the stream"));
    }
    void Write(v1::Frame frame) override { stream_->Write(std::move(frame)); }
    void Close(absl::Status reason) override { stream_->Close(std::move(reason)); }
    void Start(std::function<void(v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) override {
      started_ = true;
      stream_->Start(
          [state = state_, on_frame = std::move(on_frame), first = true](v1::Frame frame) mutable {
            if (std::exchange(first, false)) state->Came(!frame.has_bye());
            on_frame(std::move(frame));
          },
          [state = state_, on_close = std::move(on_close)](absl::Status status) {
            on_close(status);
            state->Went(status);
          });
    }

   private:
    const std::shared_ptr<State> state_;
    const std::shared_ptr<FrameStream> stream_;
    bool started_ = false;
  };

  // Opens a stream and stays until it has ended. Returns how long it was up.
  absl::Duration KeepOne() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      open_now_ = true;
      up_ = false;
      closed_status_ = absl::OkStatus();
    }
    const std::shared_ptr<FrameStream> stream = open_();
    attach_(std::make_shared<Watched>(shared_from_this(), stream));
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, absl::ToChronoNanoseconds(options_.first_frame_timeout),
                      [this] { return ending_ || !open_now_ || up_; });
    if (!ending_ && open_now_ && !up_) {
      lock.unlock();
      stream->Close(absl::DeadlineExceededError("no answer to Hello"));
      lock.lock();
    }
    if (up_ && reported_lost_ && !ending_) {
      reported_lost_ = false;
      log::Info("session target is back", {{"target", target_}});
    }
    const absl::Duration start = clock_.Monotonic();
    changed_.wait(lock, [this] { return ending_ || !open_now_; });
    if (open_now_) {
      lock.unlock();
      stream->Close(absl::CancelledError("ending"));
      lock.lock();
      changed_.wait(lock, [this] { return !open_now_; });
    } else if (!reported_lost_ && !ending_) {
      reported_lost_ = true;
      log::Warning("no session with target; trying again until there is one",
                   {{"target", target_}, {"status", closed_status_.ToString()}});
    }
    return up_ ? clock_.Monotonic() - start : absl::ZeroDuration();
  }

  void Came(bool welcome) {
    std::lock_guard<std::mutex> lock(mutex_);
    up_ = welcome;
    changed_.notify_all();
  }
  void Went(const absl::Status& status) {
    std::lock_guard<std::mutex> lock(mutex_);
    open_now_ = false;
    closed_status_ = status;
    changed_.notify_all();
  }

  const std::string target_;
  std::function<std::shared_ptr<FrameStream>()> open_;
  std::function<void(std::shared_ptr<FrameStream>)> attach_;
  std::function<bool()> wanted_;
  const OpenerOptions options_;
  const SystemClock clock_{};
  std::minstd_rand random_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  bool open_now_ = false;
  bool up_ = false;             // the other side has said something, and not Bye
  bool reported_lost_ = false;  // and not yet that it is back
  absl::Status closed_status_;
};

SessionOpener::SessionOpener(std::string target, std::function<std::shared_ptr<FrameStream>()> open,
                             std::function<void(std::shared_ptr<FrameStream>)> attach, std::function<bool()> wanted,
                             OpenerOptions options)
    : state_(
          std::make_shared<State>(std::move(target), std::move(open), std::move(attach), std::move(wanted), options)),
      thread_([state = state_] { state->Run(); }) {}

SessionOpener::~SessionOpener() {
  state_->End();
  thread_.join();
  state_->LetGo();
}

}  // namespace isthmus::session
