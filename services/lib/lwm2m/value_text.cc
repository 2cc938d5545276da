#include "services/lib/lwm2m/value_text.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/charconv.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace isthmus::lwm2m {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Skips digits from `at` on; false when there is none.
bool SkipDigits(absl::string_view text, size_t* at) {
  const size_t start = *at;
  while (*at < text.size() && IsDigit(text[*at])) ++*at;
  return *at > start;
}

struct NumberShape {
  bool valid = false;
  bool whole = true;  // neither fraction nor exponent
};

NumberShape ShapeOf(absl::string_view text) {
  NumberShape shape;
  size_t at = 0;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  bool digits = SkipDigits(text, &at);
  if (at < text.size() && text[at] == '.') {
    shape.whole = false;
    ++at;
    if (SkipDigits(text, &at)) digits = true;
  }
  if (!digits) return shape;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    shape.whole = false;
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!SkipDigits(text, &at)) return shape;
  }
  shape.valid = at == text.size();
  return shape;
}

// 0..63, or -1 when `c` belongs to neither alphabet.
int Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (IsDigit(c)) return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

bool ParseId(absl::string_view text, uint32_t* id) {
  if (text.empty() || text.size() > 5) return false;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
  }
  return absl::SimpleAtoi(text, id) && *id <= 65535;
}

}  // namespace

std::string Excerpt(absl::string_view octets) {
  constexpr size_t kMost = 40;
  const bool cut = octets.size() > kMost;
  return absl::StrCat("'", absl::CHexEscape(octets.substr(0, kMost)), cut ? "...'" : "'");
}

absl::StatusOr<v1::Value> ParseNumber(absl::string_view text) {
  const NumberShape shape = ShapeOf(text);
  if (!shape.valid) return absl::InvalidArgumentError(absl::StrCat(Excerpt(text), " is not a decimal number"));
  v1::Value value;
  absl::string_view number = text;
  if (number.front() == '+') number.remove_prefix(1);  // from_chars does not know it
  if (shape.whole) {
    int64_t integer = 0;
    uint64_t unsigned_integer = 0;
    if (absl::SimpleAtoi(number, &integer)) {
      value.set_integer(integer);
      return value;
    }
    if (absl::SimpleAtoi(number, &unsigned_integer)) {
      value.set_unsigned_integer(unsigned_integer);
      return value;
    }
  }
  double floating = 0;
  const absl::from_chars_result result = absl::from_chars(number.data(), number.data() + number.size(), floating);
  // Too small becomes zero or the smallest one, which is as near as can be; too large has no neighbour.
  const bool too_large = result.ec == std::errc::result_out_of_range && std::abs(floating) > 1;
  if (too_large || !std::isfinite(floating)) {
    return absl::InvalidArgumentError(absl::StrCat(Excerpt(text), " is too large for a number"));
  }
  if (const std::optional<int64_t> integer = AsInteger(floating)) {
    value.set_integer(*integer);
  } else {
    value.set_floating(floating);
  }
  return value;
}

std::optional<int64_t> AsInteger(double number) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(number >= -kLimit && number < kLimit) || std::trunc(number) != number) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::string FormatFloat(double number) {
  char text[64];
  const std::to_chars_result result = std::to_chars(text, text + sizeof(text), number);
  return std::string(text, result.ptr);
}

std::optional<std::string> DecodeBase64(absl::string_view text) {
  for (int padding = 0; padding < 2 && !text.empty() && text.back() == '=' && text.size() > 1; ++padding) {
    text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::string octets;
  octets.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int digit = Base64Digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      octets.push_back(static_cast<char>(bits >> held & 0xFF));
    }
  }
  return octets;
}

absl::StatusOr<int64_t> ParseDateAndTime(absl::string_view text) {
  // absl::ParseTime would also take "infinite-future", years of any length and blanks around it all.
  const auto refused = [&text]() {
    return absl::InvalidArgumentError(absl::StrCat(Excerpt(text), " is not a date and time of RFC 3339"));
  };
  constexpr size_t kYearDigits = 4;
  if (text.size() <= kYearDigits || text[kYearDigits] != '-') return refused();
  for (size_t i = 0; i < kYearDigits; ++i) {
    if (!IsDigit(text[i])) return refused();
  }
  absl::Time time;
  std::string error;
  const bool ends = text.back() == 'Z' || text.back() == 'z' || IsDigit(text.back());
  if (!ends || !absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return refused();
  const int64_t seconds = absl::ToUnixSeconds(time);
  if (seconds < kEarliestTime || seconds > kLatestTime) return refused();
  return seconds;
}

absl::StatusOr<v1::ObjectLinkValue> ParseObjectLink(absl::string_view text) {
  const size_t colon = text.find(':');
  uint32_t object = 0, instance = 0;
  if (colon == absl::string_view::npos || !ParseId(text.substr(0, colon), &object) ||
      !ParseId(text.substr(colon + 1), &instance)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Excerpt(text), " is not an object link: expected 'object:instance', each 0 to 65535"));
  }
  v1::ObjectLinkValue link;
  link.set_object_id(object);
  link.set_object_instance_id(instance);
  return link;
}

std::string FormatObjectLink(const v1::ObjectLinkValue& link) {
  return absl::StrCat(link.object_id(), ":", link.object_instance_id());
}

}  // namespace isthmus::lwm2m
