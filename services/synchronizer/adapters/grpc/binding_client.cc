#include "services/synchronizer/adapters/grpc/binding_client.h"

#include <utility>

#include "absl/time/clock.h"

namespace isthmus::synchronizer {

using onem2m::v1::NotifyRequest;
using onem2m::v1::NotifyResponse;

BindingClient::BindingClient(const std::shared_ptr<grpc::ChannelInterface>& channel)
    : stub_(onem2m::v1::NotificationService::NewStub(channel)) {}

void BindingClient::Notify(const NotifyRequest& request, absl::Duration timeout,
                           std::function<void(absl::StatusOr<NotifyResponse>)> callback) {
  // The request identifier follows a notification through the logs.
  StartCall<NotifyRequest, NotifyResponse>(
      &calls_, request, absl::Now() + timeout, request.primitive().request_identifier(), /*wait_for_ready=*/false,
      [this](grpc::ClientContext* call, const NotifyRequest* input, NotifyResponse* output, auto done) {
        stub_->async()->Notify(call, input, output, std::move(done));
      },
      std::move(callback));
}

}  // namespace isthmus::synchronizer
