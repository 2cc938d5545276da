// BindingPort over gRPC. A call does not wait for a connection: notification_delivery.h keeps what cannot be sent, in
// order.
//
//   BindingClient binding(service::MakeChannel(target));
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_BINDING_CLIENT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_BINDING_CLIENT_H_

#include <functional>
#include <memory>

#include "grpcpp/impl/codegen/channel_interface.h"
#include "isthmus/onem2m/v1/cse.grpc.pb.h"
#include "services/synchronizer/adapters/grpc/async_call.h"
#include "services/synchronizer/core/device/binding_port.h"

namespace isthmus::synchronizer {

// Thread-safe.
class BindingClient final : public BindingPort {
 public:
  explicit BindingClient(const std::shared_ptr<grpc::ChannelInterface>& channel);

  void Notify(const onem2m::v1::NotifyRequest& request, absl::Duration timeout,
              std::function<void(absl::StatusOr<onem2m::v1::NotifyResponse>)> callback) override;

  // Ends the calls under way with CANCELLED, and every later one too; returns when their callbacks have. Before what
  // the callbacks use goes away.
  void End() { calls_.End(); }

 private:
  const std::unique_ptr<onem2m::v1::NotificationService::Stub> stub_;
  CallsUnderWay calls_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_BINDING_CLIENT_H_
