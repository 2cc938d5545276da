#include "services/connector/core/printable.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::connector {

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
