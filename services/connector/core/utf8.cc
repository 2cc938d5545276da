#include "services/connector/core/utf8.h"

#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace isthmus::connector {

bool IsUtf8(absl::string_view octets) {
  size_t i = 0;
  while (i < octets.size()) {
    const auto lead = static_cast<unsigned char>(octets[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    size_t following = 0;
    uint32_t code_point = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
      following = 1;
      code_point = lead & 0x1Fu;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      following = 2;
      code_point = lead & 0x0Fu;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      following = 3;
      code_point = lead & 0x07u;
    } else {
      return false;
    }
    if (octets.size() - i <= following) return false;
    for (size_t k = 1; k <= following; ++k) {
      const auto next = static_cast<unsigned char>(octets[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      code_point = code_point << 6 | (next & 0x3Fu);
    }
    const bool overlong = (following == 2 && code_point < 0x800) || (following == 3 && code_point < 0x10000);
    if (overlong || (code_point >= 0xD800 && code_point <= 0xDFFF) || code_point > 0x10FFFF) return false;
    i += following + 1;
  }
  return true;
}

std::string Printable(absl::string_view octets, size_t limit) {
  if (!IsUtf8(octets)) {
    const bool cut = octets.size() > limit / 2;
    return absl::StrCat("0x", absl::BytesToHexString(octets.substr(0, limit / 2)), cut ? "..." : "");
  }
  if (octets.size() <= limit) return std::string(octets);
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(octets[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(octets.substr(0, end), "...");
}

}  // namespace isthmus::connector
