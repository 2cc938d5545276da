#include "services/mqtt_binding/server/notification_server.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "services/lib/status/grpc_status.h"

namespace isthmus::mqtt_binding {

grpc::ServerUnaryReactor* NotificationServer::Notify(grpc::CallbackServerContext* context,
                                                     const onem2m::v1::NotifyRequest* request,
                                                     onem2m::v1::NotifyResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  // A little less than the caller waits: how the wait ended is to reach it before its own deadline does.
  const absl::Duration left = absl::FromChrono(context->deadline()) - absl::Now();
  const absl::Duration way_back = std::min(left / 10, absl::Milliseconds(250));
  // The default reactor and the messages live until Finish, also when the caller has gone.
  notifier_->Notify(*request, std::min(left - way_back, longest_),
                    [context, reactor, response](absl::StatusOr<onem2m::v1::NotifyResponse> outcome) {
                      if (outcome.ok()) {
                        *response = *std::move(outcome);
                        reactor->Finish(grpc::Status::OK);
                      } else {
                        if (absl::IsDeadlineExceeded(outcome.status())) {
                          context->AddTrailingMetadata(kAtBrokerTrailer, "1");
                        }
                        reactor->Finish(status::ToGrpc(outcome.status()));
                      }
                    });
  return reactor;
}

}  // namespace isthmus::mqtt_binding
