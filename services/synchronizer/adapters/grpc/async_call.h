// One unary call of a client with the callback API, and the count of those under way, so that a client can wait for
// them before it goes.
//
//   CallsUnderWay calls;
//   StartCall<Request, Response>(&calls, request, deadline, trace_id, wait_for_ready,
//       [this](grpc::ClientContext* context, const Request* request, Response* response, auto done) {
//         stub_->async()->Method(context, request, response, std::move(done));
//       },
//       callback);                           // and what a failure means in the light of its metadata, if anything
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_ASYNC_CALL_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_ASYNC_CALL_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "services/lib/status/grpc_status.h"

namespace isthmus::synchronizer {

// Thread-safe.
class CallsUnderWay {
 public:
  ~CallsUnderWay() { End(); }

  // Cancels what is under way and waits until its callbacks have returned. Later calls are not started.
  void End() {
    std::unique_lock<std::mutex> lock(mutex_);
    ended_ = true;
    for (grpc::ClientContext* context : contexts_) context->TryCancel();
    none_.wait(lock, [this] { return contexts_.empty(); });
  }
  // False when it has ended.
  bool Add(grpc::ClientContext* context) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return false;
    contexts_.insert(context);
    return true;
  }
  bool ended() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return ended_;
  }
  void Remove(grpc::ClientContext* context) {
    std::lock_guard<std::mutex> lock(mutex_);
    contexts_.erase(context);
    if (contexts_.empty()) none_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable none_;
  bool ended_ = false;
  std::unordered_set<grpc::ClientContext*> contexts_;
};

template <typename Request, typename Response, typename Start>
void StartCall(CallsUnderWay* calls, const Request& request, absl::Time deadline, const std::string& trace_id,
               bool wait_for_ready, Start start, std::function<void(absl::StatusOr<Response>)> callback,
               std::function<absl::Status(const grpc::ClientContext&, absl::Status)> read_failure = nullptr) {
  struct Call {
    grpc::ClientContext context;
    Request request;
    Response response;
    std::function<void(absl::StatusOr<Response>)> callback;
    std::function<absl::Status(const grpc::ClientContext&, absl::Status)> read_failure;
  };
  auto call = std::make_shared<Call>();
  call->request = request;
  call->callback = std::move(callback);
  call->read_failure = std::move(read_failure);
  call->context.set_deadline(absl::ToChronoTime(deadline));
  call->context.set_wait_for_ready(wait_for_ready);
  if (!trace_id.empty()) call->context.AddMetadata("x-request-id", trace_id);
  if (!calls->Add(&call->context)) return call->callback(absl::CancelledError("the client has ended"));
  start(&call->context, &call->request, &call->response, [calls, call](const grpc::Status& status) {
    if (status.ok()) {
      call->callback(std::move(call->response));
    } else {
      absl::Status failure = status::FromGrpc(status);
      if (call->read_failure != nullptr) failure = call->read_failure(call->context, std::move(failure));
      call->callback(std::move(failure));
    }
    call->callback = nullptr;  // what it holds may be gone once this call is no longer counted
    calls->Remove(&call->context);
  });
}

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_ASYNC_CALL_H_
