#include "services/synchronizer/server/cse_service.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/log/log.h"

namespace isthmus::synchronizer {
namespace {

// Tells a caller that it may send even a write again (documented with CseService.Handle).
constexpr char kNotPerformedTrailer[] = "isthmus-not-performed";

// As long as a trace id may be; what is longer was not meant as one.
constexpr size_t kLongestTraceId = 128;

// "Read /3/0 -> 2.05 Content, 14 resources (1.2 ms); ...": for those who read the log.
std::string StepsText(const onem2m::v1::HandleResponse& response) {
  std::string text;
  for (const onem2m::v1::TraceStep& step : response.steps()) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", step.operation(), " -> ", step.outcome(), " (",
                    static_cast<double>(step.duration_us()) / 1000.0, " ms)");
  }
  return text;
}

std::string TraceIdOf(const grpc::CallbackServerContext& context, const onem2m::v1::HandleRequest& request,
                      IdSource* ids) {
  if (!request.trace_id().empty()) return request.trace_id().substr(0, kLongestTraceId);
  auto found = context.client_metadata().find("x-request-id");
  if (found != context.client_metadata().end() && !found->second.empty()) {
    return std::string(found->second.data(), found->second.size()).substr(0, kLongestTraceId);
  }
  return ids->NextId();
}

}  // namespace

struct CseService::Call {
  std::atomic<bool> finished{false};
  onem2m::v1::HandleRequest request;
  onem2m::v1::HandleResponse* response;
  grpc::ServerUnaryReactor* reactor;
  absl::Duration started;
};

CseService::CseService(Handler handler, const Clock* clock, IdSource* ids)
    : handler_(std::move(handler)), clock_(clock), ids_(ids) {}

grpc::ServerUnaryReactor* CseService::Handle(grpc::CallbackServerContext* context,
                                             const onem2m::v1::HandleRequest* request,
                                             onem2m::v1::HandleResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!serving_) {
      context->AddTrailingMetadata(kNotPerformedTrailer, "1");
      reactor->Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the synchronizer is starting or draining"));
      return reactor;
    }
    ++in_flight_;
  }
  auto call = std::make_shared<Call>();
  call->request = *request;
  call->request.set_trace_id(TraceIdOf(*context, *request, ids_));
  call->response = response;
  call->reactor = reactor;
  call->started = clock_->Monotonic();
  handler_(call->request, [this, call](onem2m::v1::HandleResponse answer) {
    if (!call->finished.exchange(true)) Finish(*call, std::move(answer));
  });
  return reactor;
}

void CseService::Finish(Call& call, onem2m::v1::HandleResponse response) {
  const onem2m::v1::RequestPrimitive& primitive = call.request.primitive();
  log::Info("request", {{"trace", call.request.trace_id()},
                        {"originator", primitive.from()},
                        {"op", static_cast<int>(primitive.operation())},
                        {"to", primitive.to()},
                        {"rqi", primitive.request_identifier()},
                        {"rsc", response.primitive().response_status_code()},
                        {"duration_us", absl::ToInt64Microseconds(clock_->Monotonic() - call.started)},
                        {"steps", StepsText(response)}});
  *call.response = std::move(response);
  call.reactor->Finish(grpc::Status::OK);
  std::lock_guard<std::mutex> lock(mutex_);
  if (--in_flight_ == 0) none_.notify_all();
}

void CseService::SetServing(bool serving) {
  std::lock_guard<std::mutex> lock(mutex_);
  serving_ = serving;
}

size_t CseService::Drain(absl::Duration left) {
  std::unique_lock<std::mutex> lock(mutex_);
  serving_ = false;
  none_.wait_for(lock, absl::ToChronoNanoseconds(left), [this] { return in_flight_ == 0; });
  return in_flight_;
}

size_t CseService::in_flight() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return in_flight_;
}

}  // namespace isthmus::synchronizer
