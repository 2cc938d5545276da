#include "services/connector/core/registration_parameters.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/connector/core/printable.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::connector {
namespace {

constexpr size_t kLongestEndpointName = 255;
// Some ten thousand objects and instances.
constexpr size_t kMostLinkOctets = 128 << 10;

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
}

std::variant<uint64_t, Refusal> ParseLifetime(absl::string_view text) {
  if (!AllDigits(text)) {
    return Refusal{coap::kBadRequest, absl::StrCat("lt is a whole number of seconds, not '", Printable(text, 40), "'")};
  }
  uint64_t seconds = 0;
  if (!absl::SimpleAtoi(text, &seconds)) seconds = kLongestLifetimeSeconds;  // only too many digits can fail here
  if (seconds == 0) return Refusal{coap::kBadRequest, "lt=0 would be over before it began"};
  return std::min(seconds, kLongestLifetimeSeconds);
}

std::optional<Refusal> CheckVersion(absl::string_view text) {
  if (text == "1.0" || text == "1.1" || text == "1.2") return std::nullopt;
  const size_t dot = text.find('.');
  const bool version_like =
      AllDigits(text.substr(0, dot)) && (dot == absl::string_view::npos || AllDigits(text.substr(dot + 1)));
  return Refusal{version_like ? coap::kPreconditionFailed : coap::kBadRequest,
                 absl::StrCat("lwm2m is 1.0, 1.1 or 1.2 here, not '", Printable(text, 40), "'")};
}

}  // namespace

std::variant<RegistrationParameters, Refusal> ParseRegistrationParameters(const coap::Message& message,
                                                                          absl::string_view registered_root_path) {
  RegistrationParameters parameters;
  std::set<std::string> seen;
  for (const std::string& query : message.TextOptions(coap::kUriQuery)) {
    const size_t equals = query.find('=');
    const std::string name = query.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : query.substr(equals + 1);
    const bool known = name == "ep" || name == "lt" || name == "lwm2m" || name == "b" || name == "Q";
    if (!known) continue;  // sms, pid and whatever a vendor adds do not change how we reach the device
    if (!seen.insert(name).second)
      return Refusal{coap::kBadRequest, absl::StrCat("parameter ", name, " is given twice")};
    if (name == "ep") {
      if (value.empty()) return Refusal{coap::kBadRequest, "ep is empty"};
      if (value.size() > kLongestEndpointName) return Refusal{coap::kBadRequest, "ep is longer than 255 octets"};
      if (!IsUtf8(value)) return Refusal{coap::kBadRequest, "ep is not UTF-8"};
      parameters.endpoint = value;
    } else if (name == "lt") {
      auto lifetime = ParseLifetime(value);
      if (auto* refusal = std::get_if<Refusal>(&lifetime)) return std::move(*refusal);
      parameters.lifetime_seconds = std::get<uint64_t>(lifetime);
    } else if (name == "lwm2m") {
      if (auto refusal = CheckVersion(value)) return std::move(*refusal);
      parameters.version = value;
    } else if (name == "b") {
      const bool letters =
          std::all_of(value.begin(), value.end(), [](char c) { return absl::ascii_isalpha(c); }) && value.size() <= 16;
      if (!letters) {
        return Refusal{coap::kBadRequest,
                       absl::StrCat("b is letters such as U or UQ, not '", Printable(value, 40), "'")};
      }
      if (!value.empty()) parameters.binding = value;
    } else {
      parameters.queue_mode = true;
    }
  }

  if (message.payload.size() > kMostLinkOctets) {
    return Refusal{coap::kTooLarge, absl::StrCat("the list of objects is longer than ", kMostLinkOctets, " octets")};
  }
  if (!message.payload.empty()) {
    std::string payload = message.payload;
    if (!registered_root_path.empty() && !absl::StrContains(payload, "oma.lwm2m")) {
      payload = absl::StrCat("<", registered_root_path, ">;rt=\"oma.lwm2m\",", payload);
    }
    auto links = lwm2m::codec::ParseRegistrationLinks(payload);
    if (!links.ok()) {
      return Refusal{coap::kBadRequest, Printable(absl::StrCat("object links: ", links.status().message()))};
    }
    parameters.links = *std::move(links);
  }
  return parameters;
}

}  // namespace isthmus::connector
