// NotificationService over gRPC: a thin shell around the notifier.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_SERVER_NOTIFICATION_SERVER_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_SERVER_NOTIFICATION_SERVER_H_

#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "isthmus/onem2m/v1/cse.grpc.pb.h"
#include "services/mqtt_binding/core/notifier.h"

namespace isthmus::mqtt_binding {

// Set when a call ends with DEADLINE_EXCEEDED and the broker has its notification. gRPC itself ends a call so when no
// word came back, and then nobody knows.
inline constexpr char kAtBrokerTrailer[] = "isthmus-at-broker";

// Borrows the notifier. A call ends by its own deadline, and after `longest` at the latest.
class NotificationServer final : public onem2m::v1::NotificationService::CallbackService {
 public:
  NotificationServer(Notifier* notifier, absl::Duration longest) : notifier_(notifier), longest_(longest) {}

  grpc::ServerUnaryReactor* Notify(grpc::CallbackServerContext* context, const onem2m::v1::NotifyRequest* request,
                                   onem2m::v1::NotifyResponse* response) override;

 private:
  Notifier* const notifier_;
  const absl::Duration longest_;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_SERVER_NOTIFICATION_SERVER_H_
