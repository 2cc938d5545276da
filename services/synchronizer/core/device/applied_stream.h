// Session streams on which "acknowledged" means applied. session::InCseEnd acknowledges an event when it has handed it
// over; here an event is applied later (device_sync.h), and the LwM2M Server must keep it until then.
//
//   AppliedStreams streams;
//   streams.Acknowledge(device_side.Start());                    // what was applied before the start
//   device_side.OnApplied([&](const auto& position) { streams.Acknowledge(position); });
//   session.Attach(streams.Wrap(opened), /*opened_by_us=*/true);
//
// Acknowledgements of the end are swallowed, ours take their place; Hello and Welcome resume from the applied position,
// so that the server keeps what was handed over on an earlier stream and is not applied. It sends that again; an end
// that has seen it drops it, a restarted process applies it.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_APPLIED_STREAM_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_APPLIED_STREAM_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "isthmus/session/v1/session.pb.h"
#include "services/lib/session/session.h"

namespace isthmus::synchronizer {

// Thread-safe.
class AppliedStream final : public session::FrameStream {
 public:
  using OnClosed = std::function<void(const absl::Status&)>;

  AppliedStream(std::shared_ptr<session::FrameStream> stream, session::v1::EventPosition applied, OnClosed on_closed)
      : stream_(std::move(stream)), ending_(std::make_shared<Ending>()), applied_(std::move(applied)) {
    ending_->on_closed = std::move(on_closed);
  }
  // A stream that is let go of has ended, whether it says so or not.
  ~AppliedStream() override { ending_->Tell(absl::CancelledError("the stream was let go of")); }

  void Write(session::v1::Frame frame) override {
    switch (frame.kind_case()) {
      case session::v1::Frame::kAcknowledgement:
        return;
      case session::v1::Frame::kHello:
        Resume(frame.mutable_hello());
        break;
      case session::v1::Frame::kWelcome:
        Resume(frame.mutable_welcome());
        break;
      default:
        break;
    }
    stream_->Write(std::move(frame));
  }
  void Close(absl::Status reason) override { stream_->Close(std::move(reason)); }
  void Start(std::function<void(session::v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) override {
    stream_->Start(std::move(on_frame), [ending = ending_, on_close = std::move(on_close)](absl::Status status) {
      ending->Tell(status);
      on_close(std::move(status));
    });
  }

  // Events up to here have been applied and will not be asked for again.
  void Acknowledge(const session::v1::EventPosition& position) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      applied_ = position;
      if (!greeted_) return;  // our first frame will say so
    }
    session::v1::Frame frame;
    *frame.mutable_acknowledgement()->mutable_position() = position;
    stream_->Write(std::move(frame));
  }

 private:
  struct Ending {
    void Tell(const absl::Status& status) {
      if (!told.exchange(true) && on_closed) on_closed(status);
    }
    OnClosed on_closed;
    std::atomic<bool> told{false};
  };

  template <typename Greeting>
  void Resume(Greeting* greeting) {
    std::lock_guard<std::mutex> lock(mutex_);
    greeted_ = true;
    if (applied_.epoch().empty()) {
      greeting->clear_resume_from();
    } else {
      *greeting->mutable_resume_from() = applied_;
    }
  }

  const std::shared_ptr<session::FrameStream> stream_;
  const std::shared_ptr<Ending> ending_;  // outlives the stream with its callback
  std::mutex mutex_;
  session::v1::EventPosition applied_;
  bool greeted_ = false;
};

// All streams with one LwM2M Server. While one takes the place of another there are two, and both hear of what is
// applied. Thread-safe.
class AppliedStreams {
 public:
  // `on_closed` (may be null) hears once how the stream ended, before the end that it is attached to does.
  std::shared_ptr<AppliedStream> Wrap(std::shared_ptr<session::FrameStream> stream,
                                      AppliedStream::OnClosed on_closed = nullptr) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto wrapped = std::make_shared<AppliedStream>(std::move(stream), applied_, std::move(on_closed));
    streams_.push_back(wrapped);
    return wrapped;
  }

  void Acknowledge(const session::v1::EventPosition& position) {
    std::vector<std::shared_ptr<AppliedStream>> live;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      applied_ = position;
      std::vector<std::weak_ptr<AppliedStream>> kept;
      for (const std::weak_ptr<AppliedStream>& weak : streams_) {
        if (auto stream = weak.lock(); stream != nullptr) {
          live.push_back(std::move(stream));
          kept.push_back(weak);
        }
      }
      streams_ = std::move(kept);
    }
    for (const auto& stream : live) stream->Acknowledge(position);
  }

 private:
  std::mutex mutex_;
  session::v1::EventPosition applied_;
  std::vector<std::weak_ptr<AppliedStream>> streams_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_APPLIED_STREAM_H_
