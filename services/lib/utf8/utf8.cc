#include "services/lib/utf8/utf8.h"

#include <cstdint>
#include <string>

namespace isthmus {

size_t Utf8Length(absl::string_view octets) {
  if (octets.empty()) return 0;
  const uint8_t lead = static_cast<uint8_t>(octets[0]);
  size_t length = 0;
  uint8_t low = 0x80, high = 0xBF;  // of the second octet
  if (lead < 0x80) {
    return 1;
  } else if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // not the long form of a shorter one
    if (lead == 0xED) high = 0x9F;  // no surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;  // up to U+10FFFF
  } else {
    return 0;
  }
  if (octets.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    const uint8_t octet = static_cast<uint8_t>(octets[i]);
    if (octet < low || octet > high) return 0;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

bool IsUtf8(absl::string_view octets) {
  while (!octets.empty()) {
    const size_t length = Utf8Length(octets);
    if (length == 0) return false;
    octets.remove_prefix(length);
  }
  return true;
}

std::string ToUtf8(absl::string_view octets) {
  if (IsUtf8(octets)) return std::string(octets);
  std::string text;
  while (!octets.empty()) {
    const size_t length = Utf8Length(octets);
    text.append(length == 0 ? "\xEF\xBF\xBD" : std::string(octets.substr(0, length)));
    octets.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

}  // namespace isthmus
