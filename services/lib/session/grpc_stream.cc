#include "services/lib/session/grpc_stream.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "grpcpp/alarm.h"
#include "services/lib/status/grpc_status.h"

namespace isthmus::session {
namespace {

// A stream that we closed and that does not come to its end is cut off after this long.
constexpr absl::Duration kEndPatience = absl::Seconds(2);
// A peer that reads nothing must not cost all memory.
constexpr size_t kMaxQueue = 100000;

// What the two sides of a call have in common. One read and at most one write are in flight; frames that are written
// meanwhile wait in the queue. gRPC holds a raw pointer until OnDone, `self_` stands for it.
//
// gRPC's Start... functions only hand work over and never call back on this thread, so they are called with the lock
// held: that is what keeps a write from being started after the end of the stream.
template <typename Reactor>
class Call : public Reactor, public std::enable_shared_from_this<Call<Reactor>> {
 public:
  void Write(v1::Frame frame) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closing_ || over_) return;
    if (queue_.size() >= kMaxQueue) return CloseWithLock(absl::ResourceExhaustedError("the peer does not read"));
    queue_.push_back(std::move(frame));
    if (!writing_) WriteNext();
  }

  void Close(absl::Status reason) {
    std::lock_guard<std::mutex> lock(mutex_);
    CloseWithLock(std::move(reason));
  }

  void Start(std::function<void(v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (done_) {
      const absl::Status status = status_;
      lock.unlock();
      on_close(status);
      return;
    }
    on_frame_ = std::move(on_frame);
    on_close_ = std::move(on_close);
    if (closing_) return;
    if (over_) return ReadsEnded();  // a write has failed before
    reading_ = true;
    this->StartRead(&incoming_);
  }

  void CutOff() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!done_) CancelCall();
  }

 protected:
  // With the lock, once, after the last write: the client says that it writes no more, the server finishes.
  virtual void EndCall() = 0;
  // With the lock, before OnDone.
  virtual void CancelCall() = 0;
  // With the lock, when the call is over and before `on_close`.
  virtual void LetGo() {}
  // With the lock, once: no read is or will be in flight.
  virtual void EndOfReads() {}

  void ReadDone(bool ok) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (ok && !closing_) {
      lock.unlock();
      on_frame_(std::move(incoming_));
      lock.lock();
    }
    if (ok && !ended_call_) {
      incoming_.Clear();
      this->StartRead(&incoming_);
      return;
    }
    if (ok && KeepReadingAtTheEnd()) {
      incoming_.Clear();
      this->StartRead(&incoming_);
      return;
    }
    reading_ = false;
    over_ = true;
    End();
    ReadsEnded();
  }

  // The client has to read on until the server has finished.
  virtual bool KeepReadingAtTheEnd() const = 0;

  void WriteDone(bool ok) {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.pop_front();
    writing_ = false;
    if (!ok) {
      over_ = true;
      queue_.clear();
    }
    if (!queue_.empty()) {
      WriteNext();
    } else if (closing_ || over_) {
      End();
    }
  }

  // `status` is how the call ended, unless we closed it. Nothing of this object may be used after it.
  void Done(absl::Status status) {
    std::function<void(v1::Frame)> on_frame;
    std::function<void(absl::Status)> on_close;
    std::shared_ptr<Call> self;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      done_ = true;
      alarm_.Cancel();
      LetGo();
      if (!closing_) status_ = std::move(status);
      status = status_;
      on_frame = std::move(on_frame_);
      on_close = std::move(on_close_);
      self = std::move(self_);
    }
    if (on_close) on_close(std::move(status));
  }

  std::mutex mutex_;
  std::shared_ptr<Call> self_;
  bool done_ = false;

 private:
  void WriteNext() {
    writing_ = true;
    this->StartWrite(&queue_.front());
  }

  void CloseWithLock(absl::Status reason) {
    if (closing_ || done_) return;
    closing_ = true;
    status_ = std::move(reason);
    alarm_.Set(absl::ToChronoTime(absl::Now() + kEndPatience), [weak = this->weak_from_this()](bool expired) {
      if (!expired) return;
      if (const std::shared_ptr<Call> self = weak.lock(); self != nullptr) self->CutOff();
    });
    End();
    if (!reading_) ReadsEnded();  // it was never started
  }

  // What is started after this needs something else in flight: the call may come to its end here.
  void ReadsEnded() {
    if (std::exchange(reads_ended_, true)) return;
    EndOfReads();
  }

  void End() {
    if (ended_call_ || writing_) return;
    ended_call_ = true;
    EndCall();
  }

  bool reading_ = false;
  bool reads_ended_ = false;
  bool writing_ = false;
  bool over_ = false;        // nothing more comes, or can be written
  bool closing_ = false;     // we closed it
  bool ended_call_ = false;  // EndCall was called
  v1::Frame incoming_;
  std::deque<v1::Frame> queue_;  // the first one is being written
  absl::Status status_;
  grpc::Alarm alarm_;
  std::function<void(v1::Frame)> on_frame_;
  std::function<void(absl::Status)> on_close_;

 protected:
  const absl::Status& close_status() const { return status_; }
};

// What the owner holds: letting go of it ends the call.
template <typename AnyCall>
class Handle final : public FrameStream {
 public:
  explicit Handle(std::shared_ptr<AnyCall> call) : call_(std::move(call)) {}
  ~Handle() override { call_->Close(absl::CancelledError("stream dropped")); }
  void Write(v1::Frame frame) override { call_->Write(std::move(frame)); }
  void Close(absl::Status reason) override { call_->Close(std::move(reason)); }
  void Start(std::function<void(v1::Frame)> on_frame, std::function<void(absl::Status)> on_close) override {
    call_->Start(std::move(on_frame), std::move(on_close));
  }

 private:
  const std::shared_ptr<AnyCall> call_;
};

class ClientCall final : public Call<grpc::ClientBidiReactor<v1::Frame, v1::Frame>> {
 public:
  explicit ClientCall(std::shared_ptr<grpc::ChannelInterface> channel)
      : channel_(std::move(channel)),
        stub_(v1::SessionService::NewStub(channel_)),
        context_(std::make_unique<grpc::ClientContext>()) {}

  void Open() {
    self_ = shared_from_this();
    stub_->async()->Open(context_.get(), this);
    AddHold();  // until reads have ended: writes come from any thread
    StartCall();
  }

  void OnReadDone(bool ok) override { ReadDone(ok); }
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnDone(const grpc::Status& status) override { Done(status::FromGrpc(status)); }

 private:
  void EndCall() override { StartWritesDone(); }
  void CancelCall() override { context_->TryCancel(); }
  void EndOfReads() override { RemoveHold(); }
  // The last channel of a process waits for gRPC's threads to end, and this is one of them: it would wait for itself
  // and then go on with a queue that is gone. So the channel goes on a thread of its own.
  void LetGo() override {
    context_.reset();
    stub_.reset();
    std::thread([channel = std::move(channel_)]() mutable { channel.reset(); }).detach();
  }
  bool KeepReadingAtTheEnd() const override { return true; }

  std::shared_ptr<grpc::ChannelInterface> channel_;
  std::unique_ptr<v1::SessionService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
};

}  // namespace

// The calls that are open, shared with them.
class SessionServer::Streams {
 public:
  class ServerCall;

  // False while draining.
  bool Add(std::shared_ptr<ServerCall> call) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (draining_) return false;
    calls_.insert(std::move(call));
    return true;
  }
  void Remove(const std::shared_ptr<ServerCall>& call) {
    std::lock_guard<std::mutex> lock(mutex_);
    calls_.erase(call);
    ended_.notify_all();
  }
  std::vector<std::shared_ptr<ServerCall>> Drain() {
    std::lock_guard<std::mutex> lock(mutex_);
    draining_ = true;
    return {calls_.begin(), calls_.end()};
  }
  // False when the time was not enough.
  bool AwaitEmpty(absl::Duration limit) {
    std::unique_lock<std::mutex> lock(mutex_);
    return ended_.wait_for(lock, absl::ToChronoNanoseconds(std::min(limit, absl::Hours(1))),
                           [this] { return calls_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<std::shared_ptr<ServerCall>> calls_;
  bool draining_ = false;
};

class SessionServer::Streams::ServerCall final : public Call<grpc::ServerBidiReactor<v1::Frame, v1::Frame>> {
 public:
  ServerCall(grpc::CallbackServerContext* context, std::shared_ptr<Streams> streams)
      : context_(context), streams_(std::move(streams)) {}

  void Keep() { self_ = shared_from_this(); }

  void OnReadDone(bool ok) override { ReadDone(ok); }
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnCancel() override {
    std::lock_guard<std::mutex> lock(mutex_);
    cancelled_ = true;
  }
  void OnDone() override {
    const auto self = std::static_pointer_cast<ServerCall>(shared_from_this());
    bool cancelled = false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      cancelled = cancelled_;
    }
    Done(cancelled ? absl::UnavailableError("the stream was lost") : absl::OkStatus());
    streams_->Remove(self);
  }

 private:
  void EndCall() override { Finish(status::ToGrpc(close_status())); }
  void CancelCall() override { context_->TryCancel(); }
  bool KeepReadingAtTheEnd() const override { return false; }

  grpc::CallbackServerContext* const context_;
  const std::shared_ptr<Streams> streams_;
  bool cancelled_ = false;
};

std::shared_ptr<FrameStream> OpenStream(std::shared_ptr<grpc::ChannelInterface> channel) {
  auto call = std::make_shared<ClientCall>(std::move(channel));
  call->Open();
  return std::make_shared<Handle<ClientCall>>(std::move(call));
}

SessionServer::SessionServer(std::function<void(std::shared_ptr<FrameStream>)> accept,
                             std::function<std::vector<v1::Session>()> list)
    : accept_(std::move(accept)), list_(std::move(list)), streams_(std::make_shared<Streams>()) {}

SessionServer::~SessionServer() = default;

grpc::ServerBidiReactor<v1::Frame, v1::Frame>* SessionServer::Open(grpc::CallbackServerContext* context) {
  auto call = std::make_shared<Streams::ServerCall>(context, streams_);
  call->Keep();
  auto stream = std::make_shared<Handle<Streams::ServerCall>>(call);
  Streams::ServerCall* const reactor = call.get();
  if (streams_->Add(std::move(call))) {
    accept_(std::move(stream));
  } else {
    stream->Close(absl::UnavailableError("draining: open again later"));
  }
  return reactor;
}

grpc::ServerUnaryReactor* SessionServer::ListSessions(grpc::CallbackServerContext* context,
                                                      const v1::ListSessionsRequest*,
                                                      v1::ListSessionsResponse* response) {
  for (v1::Session& session : list_()) *response->add_sessions() = std::move(session);
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

void SessionServer::EndAll(absl::Duration left) {
  const std::vector<std::shared_ptr<Streams::ServerCall>> calls = streams_->Drain();
  for (const auto& call : calls) call->Close(absl::UnavailableError("draining: open again later"));
  if (streams_->AwaitEmpty(left)) return;
  for (const auto& call : calls) call->CutOff();
  streams_->AwaitEmpty(absl::Seconds(1));
}

}  // namespace isthmus::session
