#include "services/translation/core/action_status.h"

#include <string>
#include <utility>

#include "services/lib/onem2m/value.h"

namespace isthmus::translation {
namespace {

// A condition on something the device did not tell does not hold.
bool Holds(const std::optional<IntervalSet>& condition, const std::optional<int64_t>& number) {
  return !condition.has_value() || (number.has_value() && Contains(*condition, *number));
}

bool Matches(const StatusRule& rule, const StatusInput& input) {
  if (!Holds(rule.state, input.state) || !Holds(rule.result, input.result)) return false;
  if (rule.kept_none && input.kept != nullptr) return false;
  if (rule.kept.has_value() && (input.kept == nullptr || !Contains(*rule.kept, StatusOf(input.kept)))) return false;
  return !rule.kept_action.has_value() || ActionOf(input.kept) == *rule.kept_action;
}

}  // namespace

onem2m::v1::Value EvaluateStatus(const StatusConversion& conversion, const StatusInput& input) {
  for (const StatusRule& rule : conversion.rules) {
    if (!Matches(rule, input)) continue;
    return MakeStatus(rule.action.value_or(ActionOf(input.kept)), rule.status.value_or(StatusOf(input.kept)));
  }
  return MakeStatus(ActionOf(input.kept), StatusOf(input.kept));
}

onem2m::v1::Value MakeStatus(absl::string_view action, int64_t status) {
  onem2m::v1::Object object;
  onem2m::Set(object, "acn", onem2m::Text(action));
  onem2m::Set(object, "sus", onem2m::Integer(status));
  return onem2m::Complex(std::move(object));
}

int64_t StatusOf(const onem2m::v1::Value* attribute) {
  if (attribute == nullptr || attribute->kind_case() != onem2m::v1::Value::kObject) return kUninitialized;
  const onem2m::v1::Value* status = onem2m::Find(attribute->object(), "sus");
  return status != nullptr && status->kind_case() == onem2m::v1::Value::kInteger ? status->integer() : kUninitialized;
}

std::string ActionOf(const onem2m::v1::Value* attribute) {
  if (attribute == nullptr || attribute->kind_case() != onem2m::v1::Value::kObject) return "";
  return onem2m::FindText(attribute->object(), "acn");
}

}  // namespace isthmus::translation
