// Whether octets from outside may become a text of ours: protobuf, JSON and MQTT all demand well-formed UTF-8.
//
//   if (!IsUtf8(name)) return absl::InvalidArgumentError("the name is not valid UTF-8");
//
// Well-formed as of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. A NUL is a character.
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_UTF8_UTF8_H_
#define ISTHMUS_SERVICES_LIB_UTF8_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace isthmus {

bool IsUtf8(absl::string_view octets);

// Length of the character at the start of `octets`: 1 to 4, or 0 when there is none.
size_t Utf8Length(absl::string_view octets);

// The same with U+FFFD in place of each octet that belongs to no character.
std::string ToUtf8(absl::string_view octets);

}  // namespace isthmus

#endif  // ISTHMUS_SERVICES_LIB_UTF8_UTF8_H_
