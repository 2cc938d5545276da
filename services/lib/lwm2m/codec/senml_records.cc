#include "services/lib/lwm2m/codec/senml_records.h"

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

// The longest full name: "/65535/65535/65535/65535" and a slash at its end. A base name is joined to every record's
// name, so a long one has to be refused before.
constexpr size_t kLongestName = 25;

}  // namespace

absl::StatusOr<absl::Duration> ParseSenMlTime(absl::string_view number) {
  constexpr double kMostSeconds = 1e12;
  ASSIGN_OR_RETURN(const v1::Value parsed, ParseNumber(number));
  double about = 0;
  if (parsed.has_integer()) {
    about = static_cast<double>(parsed.integer());
  } else if (parsed.has_unsigned_integer()) {
    about = static_cast<double>(parsed.unsigned_integer());
  } else {
    about = parsed.floating();
  }
  if (std::abs(about) > kMostSeconds) {
    return absl::InvalidArgumentError(absl::StrCat("the time ", Excerpt(number), " is not in seconds"));
  }
  if (parsed.has_integer()) return absl::Seconds(parsed.integer());
  // A double has no nanoseconds left beside so many seconds: the fraction is read by itself.
  const size_t point = number.find('.');
  if (point == absl::string_view::npos || number.find_first_of("eE") != absl::string_view::npos) {
    return absl::Seconds(about);
  }
  std::string digits(number.substr(point + 1, 9));
  digits.resize(9, '0');
  int64_t nanoseconds = 0;
  if (!absl::SimpleAtoi(digits, &nanoseconds)) return absl::Seconds(about);
  const absl::Duration fraction = absl::Nanoseconds(nanoseconds);
  const absl::Duration whole = absl::Seconds(static_cast<int64_t>(std::trunc(about)));
  return number.front() == '-' ? whole - fraction : whole + fraction;
}

absl::Status CheckTimeIsAbsolute(const v1::Node& node, absl::string_view format_name) {
  if (!node.has_time() || absl::Seconds(node.time().seconds()) >= kFirstAbsoluteTime) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(format_name, ": the time of ", PathToString(node.path()), " is too early to be an absolute one"));
}

std::string FormatSenMlTime(const v1::Node& node) {
  std::string seconds = absl::StrCat(node.time().seconds());
  if (node.time().nanos() != 0) {
    absl::StrAppendFormat(&seconds, ".%09d", node.time().nanos());
    while (seconds.back() == '0') seconds.pop_back();
  }
  return seconds;
}

absl::StatusOr<std::string> JoinSenMlNames(absl::string_view base_name, absl::string_view name,
                                           absl::string_view root_path) {
  if (base_name.size() + name.size() > kLongestName + root_path.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name ", Excerpt(base_name), " + ", Excerpt(name), " is longer than any path of a resource"));
  }
  std::string joined = absl::StrCat(base_name, name);
  if (joined.size() > 1 && joined.back() == '/') joined.pop_back();
  return joined;
}

std::optional<v1::Path> PathOfSenMlName(absl::string_view name, absl::string_view root_path, bool of_value) {
  absl::string_view below = name;
  if (!root_path.empty() && absl::ConsumePrefix(&below, root_path) && (below.empty() || below.front() == '/')) {
    const absl::StatusOr<v1::Path> path = ParsePath(below.empty() ? "/" : below);
    if (path.ok() && (path->has_resource_id() || !of_value)) return *path;
  }
  const absl::StatusOr<v1::Path> path = ParsePath(name);
  return path.ok() && (path->has_resource_id() || !of_value) ? std::make_optional(*path) : std::nullopt;
}

absl::Status SenMlResolver::Add(SenMlRecord record) {
  const bool has_base = record.base_name.has_value() || record.base_time.has_value();
  if (record.base_name.has_value()) base_name_ = *std::move(record.base_name);
  if (record.base_time.has_value()) base_time_ = *record.base_time;
  if (!record.value.has_value()) {
    // A record may do nothing but set the base of those that follow.
    if (has_base && !record.name.has_value() && !record.time.has_value()) return absl::OkStatus();
    return absl::InvalidArgumentError("no value: expected one of v, vs, vb, vd, vlo");
  }

  ASSIGN_OR_RETURN(std::string name, JoinSenMlNames(base_name_, record.name.value_or(""), root_path_));
  const std::optional<v1::Path> path = PathOfSenMlName(name, root_path_, /*of_value=*/true);
  if (!path.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name ", Excerpt(name), " is not the path of a resource or resource instance"));
  }
  if (!root_path_.empty()) name = PathToString(*path);  // the same whether it came with the root or without

  const absl::Duration since = base_time_ + record.time.value_or(absl::ZeroDuration());
  const absl::Time time = since < kFirstAbsoluteTime ? now_ + since : absl::UnixEpoch() + since;
  if (time < absl::FromUnixSeconds(kEarliestTime) || time >= absl::FromUnixSeconds(kLatestTime + 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the time of ", name, " lies outside of the years 1 to 9999: expected seconds"));
  }

  const auto [at, is_new] = by_name_.try_emplace(std::move(name), nodes_.size());
  if (is_new) {
    nodes_.emplace_back();
    times_.push_back(absl::InfinitePast());
  }
  if (time < times_[at->second]) return absl::OkStatus();  // history
  times_[at->second] = time;
  v1::Node& node = nodes_[at->second];
  *node.mutable_path() = *path;
  *node.mutable_value() = *std::move(record.value);
  node.clear_time();
  if (since != absl::ZeroDuration()) {
    const int64_t seconds = absl::ToUnixSeconds(time);
    node.mutable_time()->set_seconds(seconds);
    node.mutable_time()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  }
  return absl::OkStatus();
}

}  // namespace isthmus::lwm2m::codec
