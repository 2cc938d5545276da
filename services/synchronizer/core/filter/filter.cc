#include "services/synchronizer/core/filter/filter.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/access/access_control.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Value;

Refusal Bad(absl::string_view name, absl::string_view expected, const std::string& got) {
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
                 absl::StrCat("fc.", name, ": expected ", expected, ", got ", got)};
}

// What a scalar looks like as text; numbers in text form and in number form look the same.
std::string Scalar(const Value& value) {
  switch (value.kind_case()) {
    case Value::kText:
      return value.text();
    case Value::kInteger:
      return absl::StrCat(value.integer());
    case Value::kNumber:
      return absl::StrCat(value.number());
    case Value::kBoolean:
      return value.boolean() ? "true" : "false";
    default:
      return "";
  }
}

bool IsScalar(const Value& value) {
  return value.kind_case() == Value::kText || value.kind_case() == Value::kInteger ||
         value.kind_case() == Value::kNumber || value.kind_case() == Value::kBoolean;
}

// A condition's value, or the members of a list of them.
bool Scalars(const Value& value, std::vector<std::string>* texts) {
  if (value.kind_case() == Value::kList) {
    for (const Value& member : value.list().values()) {
      if (!IsScalar(member)) return false;
      texts->push_back(Scalar(member));
    }
    return !texts->empty();
  }
  if (!IsScalar(value)) return false;
  texts->push_back(Scalar(value));
  return true;
}

bool MatchesAny(const Value& value, const std::vector<std::string>& patterns) {
  if (value.kind_case() == Value::kList) {
    return std::any_of(value.list().values().begin(), value.list().values().end(),
                       [&](const Value& member) { return MatchesAny(member, patterns); });
  }
  if (!IsScalar(value)) return false;
  const std::string text = Scalar(value);
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return MatchesPattern(text, pattern); });
}

bool HasLabel(const Entry& entry, const std::vector<std::string>& patterns) {
  const Value* labels = onem2m::Find(entry.record.attributes, "lbl");
  return labels != nullptr && MatchesAny(*labels, patterns);
}

struct Bound {
  const char* attribute;
  bool above;
  bool inclusive;
};

const std::map<std::string, Bound>& TimeBounds() {
  // Times are kept in whole seconds: "since" takes the second itself, or a change in it would never be found.
  static const auto* const bounds = new std::map<std::string, Bound>{
      {"crb", {"ct", false, false}}, {"cra", {"ct", true, false}},  {"ms", {"lt", true, true}},
      {"us", {"lt", false, false}},  {"exb", {"et", false, false}}, {"exa", {"et", true, false}}};
  return *bounds;
}

const std::map<std::string, Bound>& NumberBounds() {
  static const auto* const bounds = new std::map<std::string, Bound>{{"sts", {"st", false, false}},
                                                                     {"stb", {"st", true, false}},
                                                                     {"sza", {"cs", true, true}},
                                                                     {"szb", {"cs", false, false}}};
  return *bounds;
}

bool IsNotBuilt(const std::string& name) {
  static const auto* const names =
      new std::set<std::string>{"smf", "cfs", "cfq", "lbq", "catr", "patr", "ops", "gmty", "geom", "gsf"};
  return names->count(name) > 0;
}

}  // namespace

Checked Filter::Parse(const onem2m::v1::FilterCriteria& criteria) {
  if (criteria.filter_operation() > 2) return Bad("fo", "1 (AND) or 2 (OR)", absl::StrCat(criteria.filter_operation()));
  any_ = criteria.filter_operation() == 2;
  if (criteria.resource_types_size() > 0) {
    Condition condition;
    condition.kind = Kind::kType;
    condition.types = {criteria.resource_types().begin(), criteria.resource_types().end()};
    conditions_.push_back(std::move(condition));
  }
  if (criteria.labels_size() > 0) {
    Condition condition;
    condition.kind = Kind::kLabel;
    condition.texts = {criteria.labels().begin(), criteria.labels().end()};
    conditions_.push_back(std::move(condition));
  }
  for (const onem2m::v1::Attribute& given : criteria.conditions()) RETURN_IF_REFUSED(ParseCondition(given));
  return std::nullopt;
}

Checked Filter::ParseCondition(const onem2m::v1::Attribute& given) {
  const std::string& name = given.name();
  if (name.empty()) return Bad("", "the name of a condition", "nothing");
  if (IsNotBuilt(name)) {
    return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_NOT_IMPLEMENTED,
                   absl::StrCat("fc.", name, " is not supported here")};
  }
  Condition condition;
  condition.name = name;
  std::vector<std::string> texts;
  if (!Scalars(given.value(), &texts)) return Bad(name, "a text or a number", onem2m::Describe(given.value(), 100));

  if (const auto time = TimeBounds().find(name); time != TimeBounds().end()) {
    const absl::StatusOr<absl::Time> parsed = onem2m::ParseTimestamp(texts.front());
    if (texts.size() != 1 || !parsed.ok()) {
      return Bad(name, "a timestamp YYYYMMDDThhmmss", onem2m::Describe(given.value(), 100));
    }
    condition.kind = Kind::kTime;
    condition.attribute = time->second.attribute;
    condition.above = time->second.above;
    condition.inclusive = time->second.inclusive;
    condition.time = *parsed;
  } else if (const auto number = NumberBounds().find(name); number != NumberBounds().end()) {
    if (texts.size() != 1 || !absl::SimpleAtoi(texts.front(), &condition.number) || condition.number < 0) {
      return Bad(name, "an unsigned integer", onem2m::Describe(given.value(), 100));
    }
    condition.kind = Kind::kNumber;
    condition.attribute = number->second.attribute;
    condition.above = number->second.above;
    condition.inclusive = number->second.inclusive;
  } else if (name == "pty" || name == "chty") {
    condition.kind = name == "pty" ? Kind::kParentType : Kind::kChildType;
    for (const std::string& text : texts) {
      uint32_t type = 0;
      if (!absl::SimpleAtoi(text, &type)) return Bad(name, "resource types", onem2m::Describe(given.value(), 100));
      condition.types.insert(type);
    }
  } else if (name == "palb" || name == "clbl") {
    condition.kind = name == "palb" ? Kind::kParentLabel : Kind::kChildLabel;
    condition.texts = std::move(texts);
  } else {
    condition.attribute = name == "cty" ? "cnf" : name;
    condition.texts = std::move(texts);
  }
  for (Condition& earlier : conditions_) {
    if (earlier.name != name || earlier.kind == Kind::kTime || earlier.kind == Kind::kNumber) continue;
    earlier.texts.insert(earlier.texts.end(), condition.texts.begin(), condition.texts.end());
    earlier.types.insert(condition.types.begin(), condition.types.end());
    return std::nullopt;
  }
  conditions_.push_back(std::move(condition));
  return std::nullopt;
}

bool Filter::Holds(const Condition& condition, const Entry& entry) const {
  const onem2m::v1::Object& attributes = entry.record.attributes;
  switch (condition.kind) {
    case Kind::kType:
      return condition.types.count(entry.record.type) > 0;
    case Kind::kLabel:
      return HasLabel(entry, condition.texts);
    case Kind::kTime: {
      const absl::StatusOr<absl::Time> time = onem2m::ParseTimestamp(onem2m::FindText(attributes, condition.attribute));
      if (!time.ok()) return false;
      if (*time == condition.time) return condition.inclusive;
      return (*time > condition.time) == condition.above;
    }
    case Kind::kNumber: {
      const Value* value = onem2m::Find(attributes, condition.attribute);
      if (value == nullptr || value->kind_case() != Value::kInteger) return false;
      if (value->integer() == condition.number) return condition.inclusive;
      return (value->integer() > condition.number) == condition.above;
    }
    case Kind::kAttribute: {
      const Value* value = onem2m::Find(attributes, condition.attribute);
      if (value == nullptr) return false;
      seen_.insert(condition.attribute);
      return MatchesAny(*value, condition.texts);
    }
    case Kind::kParentType:
      return entry.parent != nullptr && condition.types.count(entry.parent->record.type) > 0;
    case Kind::kParentLabel:
      return entry.parent != nullptr && HasLabel(*entry.parent, condition.texts);
    case Kind::kChildType:
      return std::any_of(entry.children.begin(), entry.children.end(),
                         [&](const auto& child) { return condition.types.count(child.second->record.type) > 0; });
    case Kind::kChildLabel:
      return std::any_of(entry.children.begin(), entry.children.end(),
                         [&](const auto& child) { return HasLabel(*child.second, condition.texts); });
  }
  return false;
}

bool Filter::Matches(const Entry& entry) const {
  if (conditions_.empty()) return true;
  for (const Condition& condition : conditions_) {
    if (Holds(condition, entry) == any_) return any_;
  }
  return !any_;
}

Checked Filter::CheckNames(const ResourceTables& tables) const {
  for (const Condition& condition : conditions_) {
    if (condition.kind != Kind::kAttribute || condition.name == "cty") continue;
    if (tables.KnowsAttribute(condition.attribute) || seen_.count(condition.attribute) > 0) continue;
    return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
                   absl::StrCat("fc.", condition.name, ": no condition and no attribute has this name")};
  }
  return std::nullopt;
}

}  // namespace isthmus::synchronizer
