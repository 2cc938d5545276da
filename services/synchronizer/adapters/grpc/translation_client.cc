#include "services/synchronizer/adapters/grpc/translation_client.h"

#include <utility>

namespace isthmus::synchronizer {

using translation::v1::DescribeDeviceRequest;
using translation::v1::DescribeDeviceResponse;
using translation::v1::TranslateNotificationRequest;
using translation::v1::TranslateNotificationResponse;
using translation::v1::TranslateRequestRequest;
using translation::v1::TranslateRequestResponse;
using translation::v1::TranslateResponseRequest;
using translation::v1::TranslateResponseResponse;

TranslationClient::TranslationClient(const std::shared_ptr<grpc::ChannelInterface>& channel)
    : stub_(translation::v1::TranslationService::NewStub(channel)) {}

void TranslationClient::TranslateRequest(const TranslateRequestRequest& request, const CallContext& context,
                                         Callback<TranslateRequestResponse> callback) {
  StartCall<TranslateRequestRequest, TranslateRequestResponse>(
      &calls_, request, context.deadline, context.trace_id, /*wait_for_ready=*/true,
      [this](grpc::ClientContext* call, const TranslateRequestRequest* input, TranslateRequestResponse* output,
             auto done) { stub_->async()->TranslateRequest(call, input, output, std::move(done)); },
      std::move(callback));
}

void TranslationClient::TranslateResponse(const TranslateResponseRequest& request, const CallContext& context,
                                          Callback<TranslateResponseResponse> callback) {
  StartCall<TranslateResponseRequest, TranslateResponseResponse>(
      &calls_, request, context.deadline, context.trace_id, /*wait_for_ready=*/true,
      [this](grpc::ClientContext* call, const TranslateResponseRequest* input, TranslateResponseResponse* output,
             auto done) { stub_->async()->TranslateResponse(call, input, output, std::move(done)); },
      std::move(callback));
}

void TranslationClient::TranslateNotification(const TranslateNotificationRequest& request, const CallContext& context,
                                              Callback<TranslateNotificationResponse> callback) {
  StartCall<TranslateNotificationRequest, TranslateNotificationResponse>(
      &calls_, request, context.deadline, context.trace_id, /*wait_for_ready=*/true,
      [this](grpc::ClientContext* call, const TranslateNotificationRequest* input,
             TranslateNotificationResponse* output,
             auto done) { stub_->async()->TranslateNotification(call, input, output, std::move(done)); },
      std::move(callback));
}

void TranslationClient::DescribeDevice(const DescribeDeviceRequest& request, const CallContext& context,
                                       Callback<DescribeDeviceResponse> callback) {
  StartCall<DescribeDeviceRequest, DescribeDeviceResponse>(
      &calls_, request, context.deadline, context.trace_id, /*wait_for_ready=*/true,
      [this](grpc::ClientContext* call, const DescribeDeviceRequest* input, DescribeDeviceResponse* output, auto done) {
        stub_->async()->DescribeDevice(call, input, output, std::move(done));
      },
      std::move(callback));
}

}  // namespace isthmus::synchronizer
