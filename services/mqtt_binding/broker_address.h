// "host:port" of the configuration, taken apart.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_BROKER_ADDRESS_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_BROKER_ADDRESS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace isthmus::mqtt_binding {

struct BrokerAddress {
  std::string host;  // IPv6 addresses in brackets
  uint16_t port = 1883;
};

// "broker", "broker:1883", "[::1]:1883"; `key` is named in the message when it is something else.
absl::StatusOr<BrokerAddress> ParseBrokerAddress(absl::string_view key, absl::string_view text);

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_BROKER_ADDRESS_H_
