// Whether octets from a device may become a text of ours: protobuf, JSON and MQTT all demand well-formed UTF-8.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_UTF8_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_UTF8_H_

#include <string>

#include "absl/strings/string_view.h"

namespace isthmus::connector {

// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(absl::string_view octets);

// For people: the text itself, at most `limit` octets, or the octets in hexadecimal when it is no UTF-8.
std::string Printable(absl::string_view octets, size_t limit = 200);

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_UTF8_H_
