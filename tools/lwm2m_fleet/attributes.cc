#include "tools/lwm2m_fleet/attributes.h"

#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/lwm2m/value_text.h"

namespace isthmus::fleet {
namespace {

std::optional<double> ParseDouble(absl::string_view text) {
  const absl::StatusOr<v1::Value> number = lwm2m::ParseNumber(text);
  if (!number.ok()) return std::nullopt;
  return lwm2m::TypeValue(*number, lwm2m::ResourceType::kFloat)->floating();
}

std::optional<uint64_t> ParseSeconds(absl::string_view text) {
  constexpr int64_t kMost = int64_t{1} << 32;
  const absl::StatusOr<v1::Value> number = lwm2m::ParseNumber(text);
  if (!number.ok() || !number->has_integer() || number->integer() < 0 || number->integer() > kMost) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(number->integer());
}

// False when the query is not one of an attribute.
bool Apply(absl::string_view query, v1::NotificationAttributes* attributes) {
  const size_t equals = query.find('=');
  const absl::string_view name = query.substr(0, equals);
  const bool unset = equals == absl::string_view::npos;
  const absl::string_view value = unset ? absl::string_view() : query.substr(equals + 1);
  if (name == "pmin" || name == "pmax") {
    const std::optional<uint64_t> seconds = ParseSeconds(value);
    if (!unset && !seconds.has_value()) return false;
    if (name == "pmin") {
      unset ? attributes->clear_minimum_period() : attributes->set_minimum_period(*seconds);
    } else {
      unset ? attributes->clear_maximum_period() : attributes->set_maximum_period(*seconds);
    }
    return true;
  }
  const std::optional<double> number = ParseDouble(value);
  if (!unset && !number.has_value()) return false;
  if (name == "gt") {
    unset ? attributes->clear_greater_than() : attributes->set_greater_than(*number);
  } else if (name == "lt") {
    unset ? attributes->clear_less_than() : attributes->set_less_than(*number);
  } else if (name == "st") {
    if (!unset && *number < 0) return false;
    unset ? attributes->clear_step() : attributes->set_step(*number);
  } else {
    return false;
  }
  return true;
}

bool Crosses(double limit, double last, double current) { return (last > limit) != (current > limit); }

}  // namespace

coap::Code AttributeTable::Write(const v1::Path& path, const std::vector<std::string>& queries) {
  v1::NotificationAttributes attributes = Own(path);
  for (const std::string& query : queries) {
    if (!Apply(query, &attributes)) return coap::kBadRequest;
  }
  if (attributes.has_greater_than() && attributes.has_less_than() &&
      !(attributes.less_than() + 2 * attributes.step() < attributes.greater_than())) {
    return coap::kBadRequest;
  }
  by_path_[lwm2m::Levels(path)] = std::move(attributes);
  return coap::kChanged;
}

v1::NotificationAttributes AttributeTable::Own(const v1::Path& path) const {
  const auto at = by_path_.find(lwm2m::Levels(path));
  return at != by_path_.end() ? at->second : v1::NotificationAttributes();
}

v1::NotificationAttributes AttributeTable::Effective(const v1::Path& path) const {
  v1::NotificationAttributes effective;
  std::vector<uint32_t> levels;
  for (const uint32_t level : lwm2m::Levels(path)) {
    levels.push_back(level);
    const auto at = by_path_.find(levels);
    if (at != by_path_.end()) effective.MergeFrom(at->second);  // the deeper one counts
  }
  if (effective.maximum_period() < effective.minimum_period()) effective.clear_maximum_period();
  return effective;
}

std::string AttributesToText(const v1::NotificationAttributes& attributes) {
  std::string text;
  if (attributes.has_minimum_period()) absl::StrAppend(&text, ";pmin=", attributes.minimum_period());
  if (attributes.has_maximum_period()) absl::StrAppend(&text, ";pmax=", attributes.maximum_period());
  if (attributes.has_greater_than()) absl::StrAppend(&text, ";gt=", lwm2m::FormatFloat(attributes.greater_than()));
  if (attributes.has_less_than()) absl::StrAppend(&text, ";lt=", lwm2m::FormatFloat(attributes.less_than()));
  if (attributes.has_step()) absl::StrAppend(&text, ";st=", lwm2m::FormatFloat(attributes.step()));
  return text;
}

bool IsWorthTelling(const v1::NotificationAttributes& attributes, std::optional<double> last,
                    std::optional<double> current) {
  const bool conditions = attributes.has_greater_than() || attributes.has_less_than() || attributes.has_step();
  if (!conditions || !last.has_value() || !current.has_value()) return true;
  if (attributes.has_greater_than() && Crosses(attributes.greater_than(), *last, *current)) return true;
  if (attributes.has_less_than() && Crosses(attributes.less_than(), *last, *current)) return true;
  return attributes.has_step() && std::abs(*current - *last) >= attributes.step();
}

}  // namespace isthmus::fleet
