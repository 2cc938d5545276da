#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "grpc/grpc.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "services/lib/service/limits.h"
#include "services/lib/service/service.h"

namespace isthmus::service {

std::string ServiceConfig(const std::string& retry_service) {
  std::string methods;
  if (!retry_service.empty()) {
    // CANCELLED is what a server says to a call that reaches it while it is being shut down.
    methods = absl::StrCat(
        R"(,"methodConfig":[{"name":[{"service":")",
        absl::StrReplaceAll(retry_service, {{"\\", "\\\\"}, {"\"", "\\\""}}),
        R"("}],"waitForReady":true,"retryPolicy":{"maxAttempts":4,"initialBackoff":"0.1s",)",
        R"("maxBackoff":"1s","backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE","CANCELLED"]}}])");
  }
  return absl::StrCat(R"({"loadBalancingConfig":[{"round_robin":{}}])", methods, "}");
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target, const std::string& retry_service,
                                           absl::Duration max_backoff, Keepalive keepalive) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageSize);
  arguments.SetMaxSendMessageSize(kMaxMessageSize);
  // A connection that died without a word is noticed within time + time-out, with or without calls on it.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(absl::ToInt64Milliseconds(keepalive.time)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(absl::ToInt64Milliseconds(keepalive.timeout)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // gRPC's own maximum of two minutes is a long time for a neighbour that is back. The minimum is not a pause: it is
  // how long one attempt to connect may take, and bounds how long an address that swallows packets is tried.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(std::max(max_backoff, absl::Milliseconds(100)))));
  // New replicas are seen when an old connection ends and the name is asked for again. Soon: when all addresses of a
  // name have changed, every call waits for this.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 500);
  arguments.SetServiceConfigJSON(ServiceConfig(retry_service));
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);  // ours is the one that counts, not one from DNS
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace isthmus::service
