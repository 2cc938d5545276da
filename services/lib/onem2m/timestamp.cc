#include "services/lib/onem2m/timestamp.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::onem2m {
namespace {

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string FormatTimestamp(absl::Time time) { return absl::FormatTime("%E4Y%m%dT%H%M%S", time, absl::UTCTimeZone()); }

absl::StatusOr<absl::Time> ParseTimestamp(absl::string_view text) {
  const auto refuse = [text] {
    return absl::InvalidArgumentError(
        absl::StrCat("not a timestamp: '", text, "'; expected YYYYMMDDThhmmss with an optional fraction, in UTC"));
  };
  const absl::string_view main = text.substr(0, 15);
  absl::string_view fraction = text.substr(main.size());
  if (main.size() != 15 || main[8] != 'T' || !AllDigits(main.substr(0, 8)) || !AllDigits(main.substr(9))) {
    return refuse();
  }
  const auto number = [main](size_t from, size_t length) {
    int value = 0;
    (void)absl::SimpleAtoi(main.substr(from, length), &value);
    return value;
  };
  const absl::CivilSecond civil(number(0, 4), number(4, 2), number(6, 2), number(9, 2), number(11, 2), number(13, 2));
  // Civil time carries over (31 February -> March): what comes back unequal did not exist.
  if (civil.month() != number(4, 2) || civil.day() != number(6, 2) || civil.hour() != number(9, 2) ||
      civil.minute() != number(11, 2) || civil.second() != number(13, 2)) {
    return refuse();
  }
  absl::Time time = absl::FromCivil(civil, absl::UTCTimeZone());
  if (!fraction.empty()) {
    if (fraction.front() != ',' || fraction.size() < 2 || fraction.size() > 10 || !AllDigits(fraction.substr(1))) {
      return refuse();
    }
    int64_t nanoseconds = 0;
    (void)absl::SimpleAtoi(fraction.substr(1), &nanoseconds);
    for (size_t digits = fraction.size() - 1; digits < 9; ++digits) nanoseconds *= 10;
    time += absl::Nanoseconds(nanoseconds);
  }
  return time;
}

absl::StatusOr<absl::Time> ParseAbsRelTimestamp(absl::string_view text, absl::Time now) {
  absl::string_view digits = text;
  if (!digits.empty() && (digits.front() == '+' || digits.front() == '-')) digits.remove_prefix(1);
  int64_t milliseconds = 0;
  if (AllDigits(digits) && digits.size() <= 15 && absl::SimpleAtoi(text, &milliseconds)) {
    return now + absl::Milliseconds(milliseconds);
  }
  return ParseTimestamp(text);
}

}  // namespace isthmus::onem2m
