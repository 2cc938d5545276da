// What a device sent, for logs and for texts of ours.
//
//   log::Warning("refused", {{"because", Printable(response.payload)}});
//
// A free function without state: thread-safe.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_PRINTABLE_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_PRINTABLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace isthmus::connector {

// The text itself, at most `limit` octets and no character cut, or the octets in hexadecimal when it is no UTF-8.
std::string Printable(absl::string_view octets, size_t limit = 200);

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_PRINTABLE_H_
