#include "services/lib/onem2m/timestamp.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
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

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  const auto refuse = [text] {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a duration such as PT30S or P1DT2H, got '", text.substr(0, 100), "'"));
  };
  struct Unit {
    char letter;
    bool of_day;
    absl::Duration length;
  };
  static constexpr char kOrder[] = "DHMS";
  const Unit units[] = {{'D', false, absl::Hours(24)},
                        {'H', true, absl::Hours(1)},
                        {'M', true, absl::Minutes(1)},
                        {'S', true, absl::Seconds(1)}};
  if (!absl::ConsumePrefix(&text, "P")) return refuse();
  absl::Duration sum;
  bool of_day = false;
  bool anything = false;
  size_t next = 0;
  while (!text.empty()) {
    if (!of_day && absl::ConsumePrefix(&text, "T")) {
      of_day = true;
      if (text.empty()) return refuse();
      continue;
    }
    const size_t end = text.find_first_not_of("0123456789.");
    if (end == absl::string_view::npos || end == 0) return refuse();
    const absl::string_view digits = text.substr(0, end);
    const char letter = text[end];
    const size_t place = absl::string_view(kOrder).find(letter);
    if (place == absl::string_view::npos || place < next || units[place].of_day != of_day) return refuse();
    // Only seconds have a fraction, with digits on both sides of its point.
    const size_t point = digits.find('.');
    double count = 0;
    if (point != absl::string_view::npos &&
        (letter != 'S' || point == 0 || point + 1 == digits.size() || digits.find('.', point + 1) != digits.npos)) {
      return refuse();
    }
    if (digits.size() > 12 || !absl::SimpleAtod(digits, &count)) return refuse();
    sum += units[place].length * count;
    next = place + 1;
    anything = true;
    text.remove_prefix(end + 1);
  }
  if (!anything) return refuse();
  return sum;
}

}  // namespace isthmus::onem2m
