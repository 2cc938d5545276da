#include "services/synchronizer/adapters/grpc/binding_client.h"

#include <utility>

#include "absl/time/clock.h"

namespace isthmus::synchronizer {

// Set by mqtt_binding when the broker has the notification (proto/isthmus/onem2m/v1/cse.proto).
constexpr char kAtBrokerTrailer[] = "isthmus-at-broker";

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
      std::move(callback),
      [this](const grpc::ClientContext& context, absl::Status failure) {
        // A server that is being shut down says so to what reaches it, and to what it did not finish.
        if (absl::IsCancelled(failure) && !calls_.ended()) return absl::UnavailableError("mqtt_binding is ending");
        if (!absl::IsDeadlineExceeded(failure) || context.GetServerTrailingMetadata().count(kAtBrokerTrailer) != 0) {
          return failure;
        }
        // Not the target is silent, but the line: it may never have got there.
        return absl::UnavailableError("no word of mqtt_binding in time; the notification may not have been sent");
      });
}

}  // namespace isthmus::synchronizer
