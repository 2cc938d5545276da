// What a Register or Update request says (LwM2M Core 6.2.1, 6.2.2), read with the tolerance that devices need and no
// more: what cannot be understood is refused with a text that a person at the device can act on.
//
//   ASSIGN... = ParseRegistrationParameters(message, /*registered_root_path=*/"");
//   if (const auto* refusal = std::get_if<Refusal>(&parsed)) respond(refusal->code, refusal->text);
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRATION_PARAMETERS_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRATION_PARAMETERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "services/lib/coap/message.h"
#include "services/lib/lwm2m/codec/codec.h"

namespace isthmus::connector {

// Why a request of a device is not served.
struct Refusal {
  coap::Code code = coap::kBadRequest;
  std::string text;
};

// Absent = the request did not name it.
struct RegistrationParameters {
  std::optional<std::string> endpoint;       // ep
  std::optional<uint64_t> lifetime_seconds;  // lt, capped
  std::optional<std::string> version;        // lwm2m
  std::optional<std::string> binding;        // b, as written
  bool queue_mode = false;                   // Q
  std::optional<lwm2m::codec::Links> links;  // payload
};

// Larger lifetimes count as this one (136 years): no arithmetic on them can overflow.
inline constexpr uint64_t kLongestLifetimeSeconds = 4294967295;
inline constexpr uint64_t kDefaultLifetimeSeconds = 86400;

// `registered_root_path`: the alternate root that an Update without a root link still means; "" = none.
std::variant<RegistrationParameters, Refusal> ParseRegistrationParameters(const coap::Message& message,
                                                                          absl::string_view registered_root_path);

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_REGISTRATION_PARAMETERS_H_
