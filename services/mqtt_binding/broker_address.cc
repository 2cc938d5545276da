#include "services/mqtt_binding/broker_address.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace isthmus::mqtt_binding {

absl::StatusOr<BrokerAddress> ParseBrokerAddress(absl::string_view key, absl::string_view text) {
  const auto refuse = [&] {
    return absl::InvalidArgumentError(absl::StrCat(key, ": expected host:port without a scheme, got '", text, "'"));
  };
  BrokerAddress address;
  absl::string_view host = text;
  const size_t colon = text.rfind(':');
  if (colon != absl::string_view::npos && !absl::EndsWith(text, "]")) {
    host = text.substr(0, colon);
    int port = 0;
    if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 1 || port > 65535) return refuse();
    address.port = static_cast<uint16_t>(port);
  }
  const bool bracketed = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  if (host.empty() || absl::StrContains(host, "/") || (absl::StrContains(host, ":") && !bracketed)) return refuse();
  address.host = std::string(host);
  return address;
}

}  // namespace isthmus::mqtt_binding
