// TranslationService over gRPC: each call is one pure function of core/ on the current table.
#ifndef ISTHMUS_SERVICES_TRANSLATION_SERVER_TRANSLATION_SERVICE_H_
#define ISTHMUS_SERVICES_TRANSLATION_SERVER_TRANSLATION_SERVICE_H_

#include "isthmus/translation/v1/translation.grpc.pb.h"
#include "services/translation/core/current_table.h"

namespace isthmus::translation {

// Thread-safe. `table` must outlive it.
class TranslationServiceImpl final : public v1::TranslationService::CallbackService {
 public:
  explicit TranslationServiceImpl(const CurrentTable* table) : table_(table) {}

  grpc::ServerUnaryReactor* TranslateRequest(grpc::CallbackServerContext* context,
                                             const v1::TranslateRequestRequest* request,
                                             v1::TranslateRequestResponse* response) override;
  grpc::ServerUnaryReactor* TranslateResponse(grpc::CallbackServerContext* context,
                                              const v1::TranslateResponseRequest* request,
                                              v1::TranslateResponseResponse* response) override;
  grpc::ServerUnaryReactor* TranslateNotification(grpc::CallbackServerContext* context,
                                                  const v1::TranslateNotificationRequest* request,
                                                  v1::TranslateNotificationResponse* response) override;
  grpc::ServerUnaryReactor* DescribeDevice(grpc::CallbackServerContext* context,
                                           const v1::DescribeDeviceRequest* request,
                                           v1::DescribeDeviceResponse* response) override;
  grpc::ServerUnaryReactor* ListMappings(grpc::CallbackServerContext* context, const v1::ListMappingsRequest* request,
                                         v1::ListMappingsResponse* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context, const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;

 private:
  const CurrentTable* const table_;
};

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_SERVER_TRANSLATION_SERVICE_H_
