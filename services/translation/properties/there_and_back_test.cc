// Each attribute that can be written, there and back: a value of the type and range that the IN-CSE's table tells is
// written to a device, which tells it again, in each payload format; the attribute has the value that it was given.
// What is not so is said below, each with its reason.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rapidcheck.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/node_generators.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/translation/properties/subjects.h"

namespace isthmus::translation {
namespace {

using onem2m::v1::Value;

// ---- values of oneM2M ----------------------------------------------------------------------------------------------

// Of `low` to `high`; half of them are in or about the range of the resource as well, if it has one.
Value AnyInteger(const Subject& subject, int64_t low, int64_t high) {
  int64_t picked = *lwm2m::codec::Integers();
  const std::optional<Interval>& range = subject.Definition(subject.attribute->resource_id).range;
  if (*rc::gen::arbitrary<bool>()) {
    picked = *rc::gen::elementOf(std::vector<int64_t>{low, high, picked % 100});
  } else if (range.has_value()) {
    picked = *rc::gen::elementOf(std::vector<int64_t>{range->first, range->last, range->first + 1, range->last - 1});
  }
  return onem2m::Integer(std::clamp(picked, low, high));
}

// Some have the length that the resource wants, if it wants one.
Value AnyText(const Subject& subject) {
  const std::optional<Interval>& lengths = subject.Definition(subject.attribute->resource_id).range;
  if (!lengths.has_value() || *rc::gen::arbitrary<bool>()) return onem2m::Text(*lwm2m::codec::Texts());
  const int64_t length = *rc::gen::elementOf(std::vector<int64_t>{lengths->first, lengths->last, lengths->first - 1});
  return onem2m::Text(std::string(static_cast<size_t>(std::clamp<int64_t>(length, 0, 1000)), 'x'));
}

Value AnyTimestamp() {
  std::string text = onem2m::FormatTimestamp(absl::FromUnixSeconds(*lwm2m::codec::Times()));
  absl::StrAppend(&text, *rc::gen::element<std::string>("", "", ",5", ",999999999"));
  return onem2m::Text(text);
}

// A member, of a list attribute.
Value AnyMember(const Subject& subject) {
  const AttributeMapping& attribute = *subject.attribute;
  if (attribute.type == AttributeType::kReference) {
    if (*rc::gen::weightedElement<bool>({{1, true}, {4, false}})) return onem2m::Text("");
    return onem2m::Text(lwm2m::PathToString(lwm2m::MakePath(*lwm2m::codec::Ids(65534), *lwm2m::codec::Ids(65534))));
  }
  if (subject.rule != nullptr) {
    const synchronizer::AttributeRule& rule = *subject.rule;
    switch (rule.type) {
      case synchronizer::AttributeType::kText:
        return AnyText(subject);
      case synchronizer::AttributeType::kBoolean:
        return onem2m::Boolean(*rc::gen::arbitrary<bool>());
      case synchronizer::AttributeType::kUnsigned:
        return AnyInteger(subject, std::max<int64_t>(rule.low, 0), rule.high);
      case synchronizer::AttributeType::kInteger:
        return AnyInteger(subject, rule.low, rule.high);
      case synchronizer::AttributeType::kNumber:
        return onem2m::Number(*lwm2m::codec::Floats());
      case synchronizer::AttributeType::kTimestamp:
        return AnyTimestamp();
      case synchronizer::AttributeType::kAny:
        return *rc::gen::weightedElement<bool>({{3, true}, {1, false}}) ? onem2m::Text(*lwm2m::codec::Texts())
                                                                        : onem2m::Integer(7);
      case synchronizer::AttributeType::kComplex:
        break;  // of links, made elsewhere
    }
  }
  switch (attribute.type) {
    case AttributeType::kBoolean:
      return onem2m::Boolean(*rc::gen::arbitrary<bool>());
    case AttributeType::kInteger:
      return AnyInteger(subject, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
    case AttributeType::kUnsigned:
      return AnyInteger(subject, 0, std::numeric_limits<int64_t>::max());
    case AttributeType::kFloat:
      return *rc::gen::arbitrary<bool>() ? onem2m::Number(*lwm2m::codec::Floats()) : onem2m::Integer(21);
    case AttributeType::kTimestamp:
      return AnyTimestamp();
    case AttributeType::kBase64:
      return onem2m::Text(absl::Base64Escape(*lwm2m::codec::Octets()));
    case AttributeType::kLink:
      return onem2m::Text(absl::StrCat(*lwm2m::codec::Ids(), ":", *lwm2m::codec::Ids()));
    default:
      return AnyText(subject);
  }
}

// m2m:mgmtLinkRef of each source: one of a single resource, one to three of a multiple one.
Value AnyLinks(const Subject& subject) {
  std::vector<Value> links;
  for (const LinkSource& source : subject.attribute->sources) {
    const bool multiple = subject.Definition(source.resource_id).multiple;
    const uint32_t linked = BuiltIn().FindMapping(source.mgmt_definition)->object_id;
    for (int count = multiple ? *rc::gen::inRange(1, 4) : 1; count > 0; --count) {
      links.push_back(onem2m::Complex(MakeObject(
          {{"nm", onem2m::Text(source.name)},
           {"typ", onem2m::Integer(source.mgmt_definition)},
           {"val", onem2m::Text(lwm2m::PathToString(lwm2m::MakePath(linked, *lwm2m::codec::Ids(65534))))}})));
    }
  }
  return onem2m::List(std::move(links));
}

Value AnyValueOf(const Subject& subject) {
  if (subject.attribute->is_links()) return AnyLinks(subject);
  if (!subject.attribute->list) return AnyMember(subject);
  std::vector<Value> members;
  for (int count = *rc::gen::inRange(0, 4); count > 0; --count) members.push_back(AnyMember(subject));
  return onem2m::List(std::move(members));
}

// ---- what does not come back as it was given -----------------------------------------------------------------------

std::vector<Value> MembersOf(const Value& value) {
  if (value.kind_case() != Value::kList) return {value};
  return {value.list().values().begin(), value.list().values().end()};
}

// LwM2M counts whole seconds.
Value WithoutFraction(const Value& value) {
  return onem2m::Text(absl::string_view(value.text()).substr(0, value.text().find(',')));
}

// The device keeps a set of words in one text: each once, in the order of the table.
Value AsSet(const AttributeMapping& attribute, const Value& list) {
  std::vector<Value> members;
  for (const auto& [word, meaning] : attribute.conversion.words) {
    for (const Value& member : list.list().values()) {
      if (member.boolean() != meaning) continue;
      members.push_back(member);
      break;
    }
  }
  return onem2m::List(std::move(members));
}

Value ComesBackAs(const Subject& subject, const Value& value) {
  const AttributeMapping& attribute = *subject.attribute;
  if (!attribute.conversion.words.empty()) return AsSet(attribute, value);
  if (attribute.type != AttributeType::kTimestamp) return value;
  if (!attribute.list) return WithoutFraction(value);
  std::vector<Value> members;
  for (const Value& member : value.list().values()) members.push_back(WithoutFraction(member));
  return onem2m::List(std::move(members));
}

// The response status code that a value is refused with because the device cannot take it; none when it can.
std::optional<uint32_t> RefusedWith(const Subject& subject, const Value& value) {
  const AttributeMapping& attribute = *subject.attribute;
  if (attribute.is_links()) return std::nullopt;
  const std::vector<Value> members = MembersOf(value);
  if (attribute.list && members.empty()) return 4000;  // LwM2M has no instance to say it with
  // The table of the IN-CSE knows only how many there are at least.
  if (attribute.length.has_value() && members.size() != *attribute.length) return 4000;
  const ResourceDefinition& resource = subject.Definition(attribute.resource_id);
  for (const Value& member : members) {
    // requestContext and their like are of any type in oneM2M, and text on the device.
    const bool any = subject.rule != nullptr && subject.rule->type == synchronizer::AttributeType::kAny;
    if (any && member.kind_case() != Value::kText) return 4000;
  }
  for (const Value& member : members) {
    // The resource's own range is narrower than that of the attribute. It is told beforehand, not by a 4.00 of the
    // device.
    if (!resource.range.has_value()) continue;
    const bool text = member.kind_case() == Value::kText &&
                      (attribute.type == AttributeType::kString || attribute.type == AttributeType::kUri);
    if (text && !resource.range->Contains(static_cast<int64_t>(member.text().size()))) return 4102;
    if (member.kind_case() == Value::kInteger && attribute.type != AttributeType::kFloat &&
        !resource.range->Contains(member.integer())) {
      return 4102;
    }
  }
  return std::nullopt;
}

// ---- there and back ------------------------------------------------------------------------------------------------

// What the plan writes, as the device has it then: values of the types of its resources.
std::vector<lwm2m::v1::Node> WrittenBy(const v1::Plan& plan, const Subject& subject) {
  std::vector<lwm2m::v1::Node> nodes;
  for (const v1::PlanStep& step : plan.steps()) {
    for (const lwm2m::v1::Node& node : step.operation().write().nodes()) {
      const auto typed = lwm2m::TypeValue(node.value(), subject.Definition(node.path().resource_id()).type);
      if (!typed.ok()) RC_FAIL(std::string(typed.status().message()));
      RC_ASSERT(typed->kind_case() == node.value().kind_case());
      nodes.push_back(node);
    }
  }
  return nodes;
}

void CheckValue(const Subject& subject, const v1::TranslateResponseResponse& answer, const Value& expected,
                const std::string& what) {
  const Value* is = ValueOf(answer, subject.attribute->short_name);
  if (is != nullptr && onem2m::Equal(*is, expected)) return;
  RC_FAIL(absl::StrCat(what, ": expected ", onem2m::Describe(expected), ", got ",
                       is == nullptr ? "nothing" : onem2m::Describe(*is), " (", answer.response_status_code(), " ",
                       answer.reason(), ")"));
}

uint32_t AnyFormat() { return *rc::gen::elementOf(std::vector<uint32_t>(std::begin(kFormats), std::end(kFormats))); }

// Returns whether the value went there at all.
bool CheckThereAndBack(const Subject& subject) {
  const std::string& name = subject.attribute->short_name;
  const Value value = AnyValueOf(subject);
  RC_LOG(absl::StrCat(subject.name(), " ", onem2m::Describe(value)));
  const onem2m::v1::RequestPrimitive update = Update(subject.resource.root(), {{name, value}});
  const v1::TranslateRequestResponse there = PlanOf(update, subject);
  const std::optional<uint32_t> refused = RefusedWith(subject, value);
  if (refused.value_or(0) != there.refusal_status_code()) {
    RC_FAIL(absl::StrCat("expected ", refused.value_or(0), ", got ", there.refusal_status_code(), " ",
                         there.refusal_reason()));
  }
  if (refused.has_value()) {
    RC_ASSERT(absl::StrContains(there.refusal_reason(), name));
    return false;
  }
  const std::vector<lwm2m::v1::Node> device = WrittenBy(there.plan(), subject);
  RC_ASSERT(!device.empty());
  const Value expected = ComesBackAs(subject, value);
  const uint32_t format = AnyFormat();
  CheckValue(subject, AnswerOf(update, subject, there.plan(), device, format), expected, "answer to the UPDATE");
  // A value that the device does not show is the IN-CSE's to remember: the answer to the UPDATE said it.
  if (!subject.attribute->readable()) return true;
  for (const std::vector<std::string>& wanted : {std::vector<std::string>{name}, std::vector<std::string>{}}) {
    const v1::Plan back = PlanOf(Retrieve(), subject, wanted).plan();
    RC_ASSERT(back.steps_size() > 0);
    CheckValue(subject, AnswerOf(Retrieve(), subject, back, device, format), expected,
               wanted.empty() ? "RETRIEVE" : "RETRIEVE of the attribute");
  }
  return true;
}

TEST(ThereAndBack, EachAttributeThatCanBeWritten) {
  const std::vector<Subject> subjects = Subjects("Write");
  EXPECT_GT(subjects.size(), 100u);
  for (const Subject& subject : subjects) {
    int went = 0;
    const bool holds = rc::check(subject.name(), [&subject, &went] { went += CheckThereAndBack(subject) ? 1 : 0; });
    EXPECT_TRUE(holds) << subject.name();
    EXPECT_GT(went, 0) << subject.name() << ": each value was refused, which proves nothing";
  }
}

// ---- several attributes at once ------------------------------------------------------------------------------------

// The subjects that are attributes of the same resource.
std::vector<std::vector<Subject>> ByResource(const std::vector<Subject>& subjects) {
  std::map<std::string, std::vector<Subject>> by_resource;
  for (const Subject& subject : subjects) {
    by_resource[absl::StrCat(subject.resource.root(), " ", subject.resource.object_ids(0))].push_back(subject);
  }
  std::vector<std::vector<Subject>> groups;
  for (auto& [name, group] : by_resource) groups.push_back(std::move(group));
  return groups;
}

// Values for some of them, none that the device refuses.
std::vector<std::pair<const Subject*, Value>> AnyContent(const std::vector<Subject>& group) {
  std::vector<std::pair<const Subject*, Value>> content;
  for (const Subject& subject : group) {
    if (*rc::gen::weightedElement<bool>({{1, true}, {2, false}})) continue;
    const Value value = AnyValueOf(subject);
    if (!RefusedWith(subject, value).has_value()) content.emplace_back(&subject, value);
  }
  return content;
}

onem2m::v1::RequestPrimitive UpdateWith(const std::vector<std::pair<const Subject*, Value>>& content) {
  Members members;
  for (const auto& [subject, value] : content) members.emplace_back(subject->attribute->short_name, value);
  return Update(content.front().first->resource.root(), members);
}

TEST(ThereAndBack, SeveralAttributesInOneUpdate) {
  for (const std::vector<Subject>& group : ByResource(Subjects("Write"))) {
    const Subject& any = group.front();
    EXPECT_TRUE(rc::check(any.name(), [&group, &any] {
      const auto content = AnyContent(group);
      if (content.empty()) return;
      const onem2m::v1::RequestPrimitive update = UpdateWith(content);
      RC_LOG(update.ShortDebugString());
      const v1::TranslateRequestResponse there = PlanOf(update, any);
      RC_ASSERT(there.refusal_status_code() == 0u);
      const std::vector<lwm2m::v1::Node> device = WrittenBy(there.plan(), any);
      const v1::TranslateResponseResponse answer = AnswerOf(update, any, there.plan(), device, AnyFormat());
      const v1::TranslateResponseResponse whole =
          AnswerOf(Retrieve(), any, PlanOf(Retrieve(), any).plan(), device, AnyFormat());
      for (const auto& [subject, value] : content) {
        CheckValue(*subject, answer, ComesBackAs(*subject, value), "answer to the UPDATE");
        if (subject->attribute->readable()) {
          CheckValue(*subject, whole, ComesBackAs(*subject, value), "RETRIEVE");
        }
      }
    })) << any.name();
  }
}

// What a CREATE gives the new instance is there when it is read.
TEST(ThereAndBack, AttributesOfACreate) {
  for (const std::vector<Subject>& group : ByResource(Subjects("Write"))) {
    const Subject& any = group.front();
    EXPECT_TRUE(rc::check(any.name(), [&group, &any] {
      const auto content = AnyContent(group);
      if (content.empty()) return;
      onem2m::v1::RequestPrimitive create = UpdateWith(content);
      create.set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
      RC_LOG(create.ShortDebugString());
      const v1::Plan plan = PlanOf(create, any).plan();
      RC_ASSERT(plan.steps_size() == 1);
      const auto& written = plan.steps(0).operation().create().nodes();
      const std::vector<lwm2m::v1::Node> device(written.begin(), written.end());
      v1::TranslateResponseRequest request;
      *request.mutable_primitive() = create;
      *request.mutable_resource() = any.resource;
      *request.mutable_plan() = plan;
      *request.add_results() = Answered(201);
      const v1::TranslateResponseResponse created = TranslateResponse(BuiltIn(), request).value();
      RC_ASSERT(created.response_status_code() == 2001u);
      const v1::TranslateResponseResponse whole =
          AnswerOf(Retrieve(), any, PlanOf(Retrieve(), any).plan(), device, AnyFormat());
      for (const auto& [subject, value] : content) {
        CheckValue(*subject, created, ComesBackAs(*subject, value), "answer to the CREATE");
        if (subject->attribute->readable()) {
          CheckValue(*subject, whole, ComesBackAs(*subject, value), "RETRIEVE");
        }
      }
    })) << any.name();
  }
}

// Actions have no value that could come back: they read what they always read, whatever was asked for.
TEST(ThereAndBack, ActionsReadWhatTheyAlwaysRead) {
  const std::vector<Subject> subjects = Subjects("Execute");
  EXPECT_GT(subjects.size(), 10u);
  for (const Subject& subject : subjects) {
    for (const bool asked : {false, true}) {
      SCOPED_TRACE(absl::StrCat(subject.name(), asked ? " true" : " false"));
      const onem2m::v1::RequestPrimitive update =
          Update(subject.resource.root(), {{subject.attribute->short_name, onem2m::Boolean(asked)}});
      const v1::TranslateRequestResponse plan = PlanOf(update, subject);
      ASSERT_EQ(plan.refusal_status_code(), 0u) << plan.refusal_reason();
      const auto executes = std::count_if(plan.plan().steps().begin(), plan.plan().steps().end(),
                                          [](const v1::PlanStep& step) { return step.operation().has_execute(); });
      EXPECT_EQ(executes, asked ? 1 : 0);
      const v1::TranslateResponseResponse answer = AnswerOf(update, subject, plan.plan(), {}, lwm2m::codec::kTlv);
      const Value* value = ValueOf(answer, subject.attribute->short_name);
      ASSERT_NE(value, nullptr);
      EXPECT_EQ(value->boolean(), subject.attribute->reads);
      if (subject.rule != nullptr && subject.rule->reads.has_value()) {
        EXPECT_TRUE(onem2m::Equal(*value, *subject.rule->reads));
      }
    }
  }
}

}  // namespace
}  // namespace isthmus::translation
