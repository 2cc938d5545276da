// The translation service as the device side sees it: four pure questions, each answered by a callback.
//
//   translation->TranslateRequest(request, {deadline, trace_id},
//                                 [](absl::StatusOr<translation::v1::TranslateRequestResponse> plan) { ... });
//
// The gRPC implementation is adapters/grpc/translation_client.h, the fake fake_translation.h.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_TRANSLATION_PORT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_TRANSLATION_PORT_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/translation/v1/translation.pb.h"

namespace isthmus::synchronizer {

// What every call to a neighbour carries.
struct CallContext {
  absl::Time deadline = absl::InfiniteFuture();
  std::string trace_id;
};

// Thread-safe. Every call is answered exactly once, by its deadline, on any thread and maybe before the call returns.
// UNAVAILABLE and DEADLINE_EXCEEDED may be asked again; INVALID_ARGUMENT names the field that is wrong.
class TranslationPort {
 public:
  template <typename Response>
  using Callback = std::function<void(absl::StatusOr<Response>)>;

  virtual ~TranslationPort() = default;
  virtual void TranslateRequest(const translation::v1::TranslateRequestRequest& request, const CallContext& context,
                                Callback<translation::v1::TranslateRequestResponse> callback) = 0;
  virtual void TranslateResponse(const translation::v1::TranslateResponseRequest& request, const CallContext& context,
                                 Callback<translation::v1::TranslateResponseResponse> callback) = 0;
  virtual void TranslateNotification(const translation::v1::TranslateNotificationRequest& request,
                                     const CallContext& context,
                                     Callback<translation::v1::TranslateNotificationResponse> callback) = 0;
  virtual void DescribeDevice(const translation::v1::DescribeDeviceRequest& request, const CallContext& context,
                              Callback<translation::v1::DescribeDeviceResponse> callback) = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_TRANSLATION_PORT_H_
