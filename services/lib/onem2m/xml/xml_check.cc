#include "services/lib/onem2m/xml/xml_check.h"

#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::onem2m {
namespace {

bool IsAllowed(uint32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code < 0xD800 || (code > 0xDFFF && code < 0xFFFE) || (code > 0xFFFF && code <= 0x10FFFF);
}

// Octets of the reference at the start of `octets`, which is an '&'; 0 = it is none that is taken.
size_t ReferenceLength(absl::string_view octets) {
  for (const absl::string_view known : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"}) {
    if (absl::StartsWith(octets, known)) return known.size();
  }
  const size_t end = octets.substr(0, 16).find(';');
  if (end == absl::string_view::npos || !absl::StartsWith(octets, "&#")) return 0;
  absl::string_view digits = octets.substr(2, end - 2);
  uint32_t code = 0;
  const bool hexadecimal = absl::ConsumePrefix(&digits, "x");
  for (const char c : digits) {
    if (!(hexadecimal ? absl::ascii_isxdigit(c) : absl::ascii_isdigit(c))) return 0;
  }
  const bool read = hexadecimal ? absl::SimpleHexAtoi(digits, &code) : absl::SimpleAtoi(digits, &code);
  return read && IsAllowed(code) ? end + 1 : 0;
}

std::string At(size_t octet, absl::string_view what) { return absl::StrCat("XML, octet ", octet, ": ", what); }

}  // namespace

size_t XmlCharacterLength(absl::string_view octets) {
  const size_t length = Utf8Length(octets);
  if (length == 1) return IsAllowed(static_cast<uint8_t>(octets[0])) ? 1 : 0;
  // U+FFFE and U+FFFF
  if (length == 3 && (octets.substr(0, 3) == "\xEF\xBF\xBE" || octets.substr(0, 3) == "\xEF\xBF\xBF")) return 0;
  return length;
}

std::string CheckXml(absl::string_view document) {
  for (size_t at = 0; at < document.size();) {
    const size_t length = XmlCharacterLength(document.substr(at));
    if (length == 0) return At(at, "a character that XML does not have, or no UTF-8");
    at += length;
  }
  char quote = '\0';
  bool in_tag = false;
  for (size_t at = 0; at < document.size();) {
    const absl::string_view rest = document.substr(at);
    if (!in_tag && rest[0] == '<') {
      absl::string_view end;
      for (const auto& [begin_of, end_of] :
           {std::pair<absl::string_view, absl::string_view>{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}}) {
        if (absl::StartsWith(rest, begin_of)) end = end_of;
      }
      if (!end.empty()) {
        const size_t found = rest.find(end, 2);
        if (found == absl::string_view::npos) return At(at, "cut short");
        at += found + end.size();
        continue;
      }
      if (absl::StartsWith(rest, "<!")) return At(at, "a document type declaration is not taken");
      in_tag = true;
    } else if (rest[0] == '&') {
      const size_t length = ReferenceLength(rest);
      if (length == 0) return At(at, "expected a reference to a character, or &amp; &lt; &gt; &quot; &apos;");
      at += length;
      continue;
    } else if (in_tag && rest[0] == '<') {
      return At(at, "a '<' in a tag");
    } else if (in_tag && quote != '\0') {
      if (rest[0] == quote) quote = '\0';
    } else if (in_tag && (rest[0] == '"' || rest[0] == '\'')) {
      quote = rest[0];
    } else if (in_tag && rest[0] == '>') {
      in_tag = false;
    }
    ++at;
  }
  return "";
}

}  // namespace isthmus::onem2m
