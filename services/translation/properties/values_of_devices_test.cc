// Each attribute that can be read: whatever value of its resource's type a device tells, in whatever payload format,
// the attribute is one that the IN-CSE's table takes, or it is refused or left out with a reason. Nothing that a device
// says puts into a resource what an application may not rely on.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rapidcheck.h"
#include "services/lib/lwm2m/codec/node_generators.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/translation/core/notification_translator.h"
#include "services/translation/properties/subjects.h"

namespace isthmus::translation {
namespace {

using onem2m::v1::Value;

// Half of the numbers and texts are such as devices have: small, near the range, words of the table.
lwm2m::v1::Value AnyValueOf(const Subject& subject, const ResourceDefinition& resource) {
  lwm2m::v1::Value value = lwm2m::codec::AnyValue(resource.type);
  if (*rc::gen::arbitrary<bool>()) return value;
  if (value.has_integer()) {
    const Interval range = resource.range.value_or(Interval{0, 100});
    value.set_integer(*rc::gen::weightedOneOf<int64_t>(
        {{2, rc::gen::inRange<int64_t>(0, 12)},
         {1, rc::gen::elementOf(std::vector<int64_t>{range.first, range.last, range.first - 1, range.last - 1})}}));
  }
  if (resource.type == lwm2m::ResourceType::kUnsignedInteger && value.integer() < 0) value.set_integer(0);
  if (value.has_text() && subject.attribute->conversion.decimal)
    value.set_text(absl::StrCat(*rc::gen::inRange(0, 300)));
  if (value.has_text() && !subject.attribute->conversion.words.empty()) {
    value.set_text(*rc::gen::element<std::string>("0", "1", "0 1", "1 0", "1 1", "", " ", "0 x"));
  }
  return value;
}

std::vector<lwm2m::v1::Node> AnyDevice(const Subject& subject) {
  std::vector<lwm2m::v1::Node> nodes;
  auto ids = subject.attribute->ReadIds();
  std::sort(ids.begin(), ids.end());
  for (const uint32_t id : ids) {
    if (ids.size() > 1 && *rc::gen::weightedElement<bool>({{1, true}, {4, false}})) continue;
    const ResourceDefinition& resource = subject.Definition(id);
    const int count = resource.multiple ? *rc::gen::inRange(1, 4) : 1;
    for (int i = 0; i < count; ++i) {
      lwm2m::v1::Node& node = nodes.emplace_back();
      *node.mutable_path() = resource.multiple ? lwm2m::MakePath(subject.object_id, 0, id, static_cast<uint32_t>(i))
                                               : lwm2m::MakePath(subject.object_id, 0, id);
      *node.mutable_value() = AnyValueOf(subject, resource);
    }
  }
  return nodes;
}

bool IsOfType(AttributeType type, const Value& value) {
  switch (type) {
    case AttributeType::kBoolean:
      return value.kind_case() == Value::kBoolean;
    case AttributeType::kInteger:
      return value.kind_case() == Value::kInteger;
    case AttributeType::kUnsigned:
      return value.kind_case() == Value::kInteger && value.integer() >= 0;
    case AttributeType::kFloat:
      return value.kind_case() == Value::kNumber;
    case AttributeType::kTimestamp:
      return value.kind_case() == Value::kText && onem2m::ParseTimestamp(value.text()).ok();
    case AttributeType::kBase64: {
      std::string octets;
      return value.kind_case() == Value::kText && absl::Base64Unescape(value.text(), &octets);
    }
    default:
      return value.kind_case() == Value::kText;
  }
}

// Why the IN-CSE's table would not take the value; empty when it does.
std::string Objection(const Subject& subject, const Value& value) {
  if (subject.rule != nullptr) {
    Value copy = value;
    synchronizer::AttributeRule rule = *subject.rule;
    // A policy of which the device has not linked all parts is shown with those that it has: nothing at all would hide
    // more than the members that oneM2M misses.
    if (subject.attribute->is_links()) rule.minimum_members = 0;
    const synchronizer::Checked refusal = synchronizer::CheckValue(rule, subject.attribute->short_name, &copy);
    return refusal.has_value() ? refusal->reason : "";
  }
  const bool list = value.kind_case() == Value::kList;
  bool fits = list == subject.attribute->list;
  if (list) {
    for (const Value& member : value.list().values()) fits = fits && IsOfType(subject.attribute->type, member);
  } else {
    fits = fits && IsOfType(subject.attribute->type, value);
  }
  return fits ? "" : absl::StrCat("not a ", TypeName(subject.attribute->type));
}

void CheckFits(const Subject& subject, const Value& value, const std::string& what) {
  const std::string objection = Objection(subject, value);
  if (!objection.empty()) RC_FAIL(absl::StrCat(what, ": ", onem2m::Describe(value), ": ", objection));
}

// Returns whether the value has a counterpart.
bool CheckDevice(const Subject& subject) {
  const std::string& name = subject.attribute->short_name;
  const std::vector<lwm2m::v1::Node> device = AnyDevice(subject);
  const uint32_t format = *rc::gen::elementOf(std::vector<uint32_t>(std::begin(kFormats), std::end(kFormats)));
  for (const lwm2m::v1::Node& node : device) RC_LOG(absl::StrCat(subject.name(), " ", node.ShortDebugString()));

  // The attribute alone: its value, or the reason why there is none.
  const v1::Plan alone = PlanOf(Retrieve(), subject, {name}).plan();
  RC_ASSERT(alone.steps_size() == 1);
  const v1::TranslateResponseResponse answer = AnswerOf(Retrieve(), subject, alone, device, format);
  const Value* value = ValueOf(answer, name);
  const bool told = answer.response_status_code() == 2000 && !device.empty();
  if (value != nullptr) {
    CheckFits(subject, *value, "RETRIEVE of the attribute");
  } else if (answer.response_status_code() == 2000) {
    RC_ASSERT(device.empty() && IsAbsent(answer, name));
  } else {
    RC_ASSERT(answer.response_status_code() == 6025u);
    RC_ASSERT(absl::StartsWith(answer.reason(), name));
  }

  // The whole resource: one attribute that does not convert takes no other with it, and one that oneM2M demands is
  // there.
  const v1::TranslateResponseResponse whole =
      AnswerOf(Retrieve(), subject, PlanOf(Retrieve(), subject).plan(), device, format);
  RC_ASSERT(whole.response_status_code() == 2000u);
  const Value* of_whole = ValueOf(whole, name);
  const bool demanded = subject.rule != nullptr && subject.rule->create == synchronizer::Presence::kMandatory;
  RC_ASSERT((of_whole != nullptr) != IsAbsent(whole, name));
  RC_ASSERT(of_whole != nullptr || !demanded);
  // [] is what stands for a list that oneM2M demands and the device does not tell: there is no member to make up.
  const bool made_up = !told && subject.attribute->list && subject.attribute->fallback.has_value();
  if (made_up) RC_ASSERT(of_whole->list().values().empty());
  if (of_whole != nullptr && !made_up) CheckFits(subject, *of_whole, "RETRIEVE");
  RC_ASSERT(of_whole != nullptr || !told);
  if (told) RC_ASSERT(onem2m::Equal(*of_whole, *value));

  // The same as a notification.
  v1::TranslateNotificationRequest notification;
  v1::NotifiedResource* resource = notification.add_resources();
  resource->set_id("it");
  *resource->mutable_resource() = subject.resource;
  *notification.mutable_observed_path() = subject.instance();
  for (lwm2m::v1::Node& node : Transferred(device, subject.instance(), format)) {
    *notification.add_nodes() = std::move(node);
  }
  const v1::TranslateNotificationResponse changes = TranslateNotification(BuiltIn(), notification).value();
  bool changed = false;
  for (const v1::ResourceChange& change : changes.changes()) {
    for (const onem2m::v1::Attribute& attribute : change.attributes()) {
      if (attribute.name() != name) continue;
      changed = true;
      CheckFits(subject, attribute.value(), "notification");
      RC_ASSERT(told && onem2m::Equal(attribute.value(), *value));
    }
  }
  RC_ASSERT(changed == told);
  RC_ASSERT(told || device.empty() || changes.problems_size() > 0);
  return told;
}

TEST(ValuesOfDevices, EachAttributeThatCanBeRead) {
  const std::vector<Subject> subjects = Subjects("Read");
  EXPECT_GT(subjects.size(), 200u);
  for (const Subject& subject : subjects) {
    int told = 0;
    EXPECT_TRUE(rc::check(subject.name(), [&subject, &told] { told += CheckDevice(subject) ? 1 : 0; }))
        << subject.name();
    EXPECT_GT(told, 0) << subject.name() << ": no value has a counterpart, which proves nothing";
  }
}

}  // namespace
}  // namespace isthmus::translation
