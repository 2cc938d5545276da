#include "services/translation/server/translation_service.h"

#include <utility>

#include "services/lib/status/grpc_status.h"
#include "services/translation/core/device_describer.h"
#include "services/translation/core/explainer.h"
#include "services/translation/core/mapping_list.h"
#include "services/translation/core/notification_translator.h"
#include "services/translation/core/request_translator.h"
#include "services/translation/core/response_translator.h"

namespace isthmus::translation {
namespace {

template <typename Request, typename Response>
grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const CurrentTable& table,
                                 absl::StatusOr<Response> (*translate)(const MappingTable&, const Request&),
                                 const Request& request, Response* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Response> result = translate(*table.Get(), request);
  if (result.ok()) *response = *std::move(result);
  reactor->Finish(status::ToGrpc(result.status()));
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* TranslationServiceImpl::TranslateRequest(grpc::CallbackServerContext* context,
                                                                   const v1::TranslateRequestRequest* request,
                                                                   v1::TranslateRequestResponse* response) {
  return Answer(context, *table_, &translation::TranslateRequest, *request, response);
}

grpc::ServerUnaryReactor* TranslationServiceImpl::TranslateResponse(grpc::CallbackServerContext* context,
                                                                    const v1::TranslateResponseRequest* request,
                                                                    v1::TranslateResponseResponse* response) {
  return Answer(context, *table_, &translation::TranslateResponse, *request, response);
}

grpc::ServerUnaryReactor* TranslationServiceImpl::TranslateNotification(grpc::CallbackServerContext* context,
                                                                        const v1::TranslateNotificationRequest* request,
                                                                        v1::TranslateNotificationResponse* response) {
  return Answer(context, *table_, &translation::TranslateNotification, *request, response);
}

grpc::ServerUnaryReactor* TranslationServiceImpl::DescribeDevice(grpc::CallbackServerContext* context,
                                                                 const v1::DescribeDeviceRequest* request,
                                                                 v1::DescribeDeviceResponse* response) {
  return Answer(context, *table_, &translation::DescribeDevice, *request, response);
}

grpc::ServerUnaryReactor* TranslationServiceImpl::ListMappings(grpc::CallbackServerContext* context,
                                                               const v1::ListMappingsRequest* request,
                                                               v1::ListMappingsResponse* response) {
  return Answer(context, *table_, &translation::ListMappings, *request, response);
}

grpc::ServerUnaryReactor* TranslationServiceImpl::Explain(grpc::CallbackServerContext* context,
                                                          const v1::ExplainRequest* request,
                                                          v1::ExplainResponse* response) {
  return Answer(context, *table_, &translation::Explain, *request, response);
}

}  // namespace isthmus::translation
