#include "services/mqtt_binding/adapters/grpc/grpc_cse.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "grpcpp/alarm.h"
#include "grpcpp/client_context.h"
#include "services/lib/status/grpc_status.h"

namespace isthmus::mqtt_binding {

using onem2m::v1::HandleRequest;
using onem2m::v1::HandleResponse;

struct GrpcCse::Call {
  HandleRequest request;
  HandleResponse response;
  absl::Time deadline;
  absl::Time patient_until;
  absl::Duration pause;
  Done done;
  std::unique_ptr<grpc::ClientContext> context;  // of the attempt under way; under the mutex
  std::unique_ptr<grpc::Alarm> alarm;            // of the pause under way; under the mutex
};

GrpcCse::GrpcCse(std::shared_ptr<grpc::Channel> channel, Options options)
    : options_(options), channel_(std::move(channel)), stub_(onem2m::v1::CseService::NewStub(channel_)) {}

void GrpcCse::Handle(HandleRequest request, absl::Time deadline, Done done) {
  auto call = std::make_unique<Call>();
  call->request = std::move(request);
  call->deadline = deadline;
  call->patient_until = std::min(deadline, absl::Now() + options_.patience);
  call->pause = options_.pause;
  call->done = std::move(done);
  Call* const started = call.release();  // Finish takes it back
  {
    std::lock_guard<std::mutex> lock(mutex_);
    calls_.insert(started);
  }
  Attempt(started);
}

void GrpcCse::Shutdown() {
  std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
  for (Call* call : calls_) {
    if (call->context != nullptr) call->context->TryCancel();
    if (call->alarm != nullptr) call->alarm->Cancel();
  }
}

bool GrpcCse::stopped() {
  std::lock_guard<std::mutex> lock(mutex_);
  return stopped_;
}

void GrpcCse::Attempt(Call* call) {
  if (stopped()) return Finish(call, absl::UnavailableError("the service is being stopped"));
  // Looked at first, so that a request that only waited for a connection was certainly not performed.
  if (channel_->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY) return Send(call);
  Later(call, absl::UnavailableError("there is no connection to it"));
}

void GrpcCse::Send(Call* call) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(absl::ToChronoTime(call->deadline));
  context->AddMetadata("x-request-id", call->request.trace_id());
  grpc::ClientContext* const started = context.get();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    call->context = std::move(context);
    if (stopped_) started->TryCancel();
  }
  stub_->async()->Handle(started, &call->request, &call->response,
                         [this, call](grpc::Status status) { OnStatus(call, status); });
}

void GrpcCse::OnStatus(Call* call, const grpc::Status& status) {
  if (status.ok()) return Finish(call, std::move(call->response));
  absl::Status failure = status::FromGrpc(status);
  // A server that is being shut down says CANCELLED to what reaches it, and to what it did not finish.
  if (absl::IsCancelled(failure) && !stopped()) failure = absl::UnavailableError("the synchronizer cancelled it");
  if (!absl::IsUnavailable(failure)) return Finish(call, std::move(failure));
  const auto& trailers = call->context->GetServerTrailingMetadata();
  const bool not_performed = trailers.find(kNotPerformedTrailer) != trailers.end() ||
                             // Between the look at the channel and the call the connection went away.
                             absl::StartsWith(failure.message(), "failed to connect to all addresses") ||
                             absl::StartsWith(failure.message(), "connections to all backends failing");
  const bool reads = call->request.primitive().operation() == onem2m::v1::OPERATION_TYPE_RETRIEVE;
  if (!not_performed && !reads) return Finish(call, absl::AbortedError(failure.message()));
  Later(call, failure);
}

void GrpcCse::Later(Call* call, const absl::Status& last) {
  const absl::Time now = absl::Now();
  if (now >= call->patient_until) return Finish(call, last);
  const absl::Time wake = std::min(now + call->pause, call->patient_until);
  call->pause = std::min(call->pause * 2, options_.pause * 32);
  auto alarm = std::make_unique<grpc::Alarm>();
  grpc::Alarm* const started = alarm.get();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    call->context.reset();
    call->alarm = std::move(alarm);
    // Set under the lock, so that Shutdown cancels it when it is set and not before.
    started->Set(absl::ToChronoTime(stopped_ ? now : wake), [this, call](bool) { Attempt(call); });
  }
}

void GrpcCse::Finish(Call* call, absl::StatusOr<HandleResponse> outcome) {
  const std::unique_ptr<Call> owned(call);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    calls_.erase(call);
  }
  owned->done(std::move(outcome));
}

}  // namespace isthmus::mqtt_binding
