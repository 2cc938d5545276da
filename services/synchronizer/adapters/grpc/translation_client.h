// TranslationPort over gRPC. Calls wait for a connection until their deadline: translation is pure, so a restart of it
// costs some milliseconds and no error.
//
//   TranslationClient translation(service::MakeChannel(target, "isthmus.translation.v1.TranslationService"));
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_TRANSLATION_CLIENT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_TRANSLATION_CLIENT_H_

#include <memory>

#include "grpcpp/impl/codegen/channel_interface.h"
#include "isthmus/translation/v1/translation.grpc.pb.h"
#include "services/synchronizer/adapters/grpc/async_call.h"
#include "services/synchronizer/core/device/translation_port.h"

namespace isthmus::synchronizer {

// Thread-safe.
class TranslationClient final : public TranslationPort {
 public:
  explicit TranslationClient(const std::shared_ptr<grpc::ChannelInterface>& channel);

  void TranslateRequest(const translation::v1::TranslateRequestRequest& request, const CallContext& context,
                        Callback<translation::v1::TranslateRequestResponse> callback) override;
  void TranslateResponse(const translation::v1::TranslateResponseRequest& request, const CallContext& context,
                         Callback<translation::v1::TranslateResponseResponse> callback) override;
  void TranslateNotification(const translation::v1::TranslateNotificationRequest& request, const CallContext& context,
                             Callback<translation::v1::TranslateNotificationResponse> callback) override;
  void DescribeDevice(const translation::v1::DescribeDeviceRequest& request, const CallContext& context,
                      Callback<translation::v1::DescribeDeviceResponse> callback) override;

  // Ends the calls under way with CANCELLED, and every later one too; returns when their callbacks have. Before what
  // the callbacks use goes away.
  void End() { calls_.End(); }

 private:
  const std::unique_ptr<translation::v1::TranslationService::Stub> stub_;
  CallsUnderWay calls_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_GRPC_TRANSLATION_CLIENT_H_
