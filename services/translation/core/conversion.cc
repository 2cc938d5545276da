#include "services/translation/core/conversion.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::translation {
namespace {

using onem2m::v1::Value;

// Object and instance of the object link that leads nowhere (Core table C.1).
constexpr uint32_t kNullLink = 65535;

constexpr uint32_t kTextFormat = 0;  // CoAP Content-Format text/plain

// ---- from the device -----------------------------------------------------------------------------------------------

absl::StatusOr<int64_t> ConvertNumber(const Conversion& conversion, int64_t number) {
  int64_t converted = number;
  if (conversion.offset.has_value() && __builtin_add_overflow(number, *conversion.offset, &converted)) {
    return absl::InvalidArgumentError(absl::StrCat(number, " is too large"));
  }
  if (conversion.scale.has_value() && __builtin_mul_overflow(number, *conversion.scale, &converted)) {
    return absl::InvalidArgumentError(absl::StrCat(number, " is too large to count in units of ", *conversion.scale));
  }
  if (!conversion.map.empty()) {
    for (const auto& [from, to] : conversion.map) {
      if (from == number) return to;
    }
    return absl::InvalidArgumentError(absl::StrCat(number, " has no counterpart in oneM2M"));
  }
  if (!conversion.bits.empty()) {
    for (const BitRule& rule : conversion.bits) {
      if ((number & rule.mask) == rule.equals) return rule.gives;
    }
    return absl::InvalidArgumentError(absl::StrCat(number, " has no counterpart in oneM2M"));
  }
  return converted;
}

absl::StatusOr<Value> NumberToOneM2m(const AttributeMapping& attribute, int64_t number) {
  ASSIGN_OR_RETURN(const int64_t converted, ConvertNumber(attribute.conversion, number));
  if (attribute.type == AttributeType::kUnsigned && converted < 0) {
    return absl::InvalidArgumentError(absl::StrCat(converted, " is negative"));
  }
  if (attribute.range.has_value() && !attribute.range->Contains(converted)) {
    return absl::InvalidArgumentError(
        absl::StrCat(converted, " is outside ", attribute.range->ToString(), ", the values of the attribute"));
  }
  return onem2m::Integer(converted);
}

// "0 1" -> [false, true].
absl::StatusOr<Value> WordsToOneM2m(const Conversion& conversion, absl::string_view text) {
  std::vector<Value> members;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const auto known = std::find_if(conversion.words.begin(), conversion.words.end(),
                                    [word](const auto& entry) { return absl::string_view(entry.first) == word; });
    if (known == conversion.words.end()) {
      return absl::InvalidArgumentError(absl::StrCat("'", word, "' has no counterpart in oneM2M"));
    }
    members.push_back(onem2m::Boolean(known->second));
  }
  return onem2m::List(std::move(members));
}

// A value whose type nobody has told is what its payload format says. Octets that could be a number as well as text
// stay octets: a guess would be wrong some day.
absl::StatusOr<Value> AnyToOneM2m(const lwm2m::v1::Value& value) {
  using Kind = lwm2m::v1::Value;
  using lwm2m::ResourceType;
  AttributeMapping attribute;
  ResourceDefinition resource;
  const auto as = [&](AttributeType type, ResourceType resource_type) {
    attribute.type = type;
    resource.type = resource_type;
    return ToOneM2m(attribute, resource, value);
  };
  switch (value.kind_case()) {
    case Kind::kText:
      return as(AttributeType::kString, ResourceType::kString);
    case Kind::kCoreLink:
      return as(AttributeType::kString, ResourceType::kCoreLink);
    case Kind::kInteger:
    case Kind::kUnsignedInteger:
      return as(AttributeType::kInteger, ResourceType::kInteger);
    case Kind::kFloating:
      return as(AttributeType::kFloat, ResourceType::kFloat);
    case Kind::kBoolean:
      return as(AttributeType::kBoolean, ResourceType::kBoolean);
    case Kind::kTime:
      return as(AttributeType::kTimestamp, ResourceType::kTime);
    case Kind::kObjectLink:
      return as(AttributeType::kLink, ResourceType::kObjectLink);
    case Kind::kOpaque:
      return as(AttributeType::kBase64, ResourceType::kOpaque);
    case Kind::kRaw:
      if (value.raw().content_format() == kTextFormat) return as(AttributeType::kString, ResourceType::kString);
      return onem2m::Text(absl::Base64Escape(value.raw().octets()));
    case Kind::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("no value");
}

// ---- to the device -------------------------------------------------------------------------------------------------

absl::Status WrongType(const AttributeMapping& attribute, absl::string_view expected, const Value& value) {
  return absl::InvalidArgumentError(absl::StrCat(attribute.short_name, " (", attribute.long_name, "): expected ",
                                                 expected, ", got ", onem2m::Describe(value, 80)));
}

std::optional<int64_t> WholeNumber(const Value& value) {
  if (value.kind_case() == Value::kInteger) return value.integer();
  // 5.0 is what some writers of JSON make of 5.
  if (value.kind_case() == Value::kNumber && std::trunc(value.number()) == value.number() &&
      std::fabs(value.number()) < 9.0e15) {
    return static_cast<int64_t>(value.number());
  }
  return std::nullopt;
}

absl::StatusOr<int64_t> RevertNumber(const AttributeMapping& attribute, int64_t number) {
  const Conversion& conversion = attribute.conversion;
  const auto refuse = [&](absl::string_view why) {
    return absl::OutOfRangeError(
        absl::StrCat(attribute.short_name, " (", attribute.long_name, "): ", number, " ", why));
  };
  if (conversion.offset.has_value()) {
    int64_t reverted = 0;
    if (__builtin_sub_overflow(number, *conversion.offset, &reverted)) return refuse("is too small");
    return reverted;
  }
  if (conversion.scale.has_value()) {
    if (number % *conversion.scale != 0) return refuse(absl::StrCat("is no multiple of ", *conversion.scale));
    return number / *conversion.scale;
  }
  if (!conversion.map.empty()) {
    for (const auto& [from, to] : conversion.map) {
      if (to == number) return from;
    }
    return refuse("has no counterpart on the device");
  }
  return number;
}

absl::Status CheckRange(const AttributeMapping& attribute, const ResourceDefinition& resource, int64_t measure,
                        absl::string_view what) {
  if (!resource.range.has_value() || resource.range->Contains(measure)) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat(attribute.short_name, " (", attribute.long_name, "): ", what, measure,
                                            " is outside ", resource.range->ToString(), " of resource ",
                                            resource.name));
}

}  // namespace

absl::StatusOr<Value> ToOneM2m(const AttributeMapping& attribute, const ResourceDefinition& resource,
                               const lwm2m::v1::Value& value) {
  if (attribute.type == AttributeType::kAny) return AnyToOneM2m(value);
  ASSIGN_OR_RETURN(const lwm2m::v1::Value typed, lwm2m::TypeValue(value, resource.type));
  using Kind = lwm2m::v1::Value;
  const auto unexpected = [&] {
    return absl::InvalidArgumentError(absl::StrCat("a ", TypeName(attribute.type), " was expected"));
  };
  if (!attribute.conversion.words.empty()) return WordsToOneM2m(attribute.conversion, typed.text());
  switch (attribute.type) {
    case AttributeType::kString:
    case AttributeType::kUri:
    case AttributeType::kBase64:
      if (typed.kind_case() == Kind::kText) return onem2m::Text(typed.text());
      if (typed.kind_case() == Kind::kCoreLink) return onem2m::Text(typed.core_link());
      if (typed.kind_case() == Kind::kOpaque) return onem2m::Text(absl::Base64Escape(typed.opaque()));
      return unexpected();
    case AttributeType::kBoolean:
      if (!attribute.conversion.map.empty() && typed.kind_case() == Kind::kInteger) {
        ASSIGN_OR_RETURN(const int64_t mapped, ConvertNumber(attribute.conversion, typed.integer()));
        return onem2m::Boolean(mapped != 0);
      }
      if (typed.kind_case() != Kind::kBoolean) return unexpected();
      return onem2m::Boolean(typed.boolean());
    case AttributeType::kInteger:
    case AttributeType::kUnsigned:
      if (attribute.conversion.decimal) {
        int64_t number = 0;
        if (!absl::SimpleAtoi(typed.text(), &number)) {
          return absl::InvalidArgumentError(absl::StrCat("'", typed.text(), "' is no whole number"));
        }
        return NumberToOneM2m(attribute, number);
      }
      if (typed.kind_case() == Kind::kUnsignedInteger) {
        return absl::InvalidArgumentError(absl::StrCat(typed.unsigned_integer(), " is above 2^63 - 1"));
      }
      if (typed.kind_case() != Kind::kInteger) return unexpected();
      return NumberToOneM2m(attribute, typed.integer());
    case AttributeType::kFloat:
      if (typed.kind_case() != Kind::kFloating) return unexpected();
      return onem2m::Number(typed.floating());
    case AttributeType::kTimestamp:
      if (typed.kind_case() != Kind::kTime) return unexpected();
      // Four digits hold the year: TypeValue lets no other pass.
      return onem2m::Text(onem2m::FormatTimestamp(absl::FromUnixSeconds(typed.time())));
    case AttributeType::kLink:
      if (typed.kind_case() != Kind::kObjectLink) return unexpected();
      return onem2m::Text(absl::StrCat(typed.object_link().object_id(), ":", typed.object_link().object_instance_id()));
    case AttributeType::kReference:
    case AttributeType::kMgmtLinks:
      if (typed.kind_case() != Kind::kObjectLink) return unexpected();
      if (typed.object_link().object_id() == kNullLink) return onem2m::Text("");
      return onem2m::Text(lwm2m::PathToString(
          lwm2m::MakePath(typed.object_link().object_id(), typed.object_link().object_instance_id())));
    case AttributeType::kStatus:
      // A state: a number, or a boolean that counts as one.
      if (typed.kind_case() == Kind::kBoolean) return onem2m::Integer(typed.boolean() ? 1 : 0);
      if (typed.kind_case() != Kind::kInteger) return unexpected();
      return onem2m::Integer(typed.integer());
    case AttributeType::kAny:
      break;
  }
  return unexpected();
}

absl::StatusOr<lwm2m::v1::Value> ToLwm2m(const AttributeMapping& attribute, const ResourceDefinition& resource,
                                         const Value& value) {
  lwm2m::v1::Value converted;
  const auto wrong = [&](absl::string_view expected) { return WrongType(attribute, expected, value); };
  switch (attribute.type) {
    case AttributeType::kString:
    case AttributeType::kUri: {
      if (value.kind_case() != Value::kText) return wrong(TypeName(attribute.type));
      RETURN_IF_ERROR(
          CheckRange(attribute, resource, static_cast<int64_t>(value.text().size()), "a length of octets of "));
      if (resource.type == lwm2m::ResourceType::kCoreLink) {
        converted.set_core_link(value.text());
      } else {
        converted.set_text(value.text());
      }
      return converted;
    }
    case AttributeType::kBoolean:
      if (value.kind_case() != Value::kBoolean) return wrong("true or false");
      if (!attribute.conversion.map.empty()) {
        ASSIGN_OR_RETURN(const int64_t reverted, RevertNumber(attribute, value.boolean() ? 1 : 0));
        converted.set_integer(reverted);
        return converted;
      }
      converted.set_boolean(value.boolean());
      return converted;
    case AttributeType::kInteger:
    case AttributeType::kUnsigned: {
      const std::optional<int64_t> number = WholeNumber(value);
      if (!number.has_value() || (attribute.type == AttributeType::kUnsigned && *number < 0)) {
        return wrong(TypeName(attribute.type));
      }
      if (attribute.range.has_value() && !attribute.range->Contains(*number)) {
        return wrong(absl::StrCat("a number in ", attribute.range->ToString()));
      }
      if (attribute.conversion.decimal) {
        converted.set_text(absl::StrCat(*number));
        return converted;
      }
      ASSIGN_OR_RETURN(const int64_t reverted, RevertNumber(attribute, *number));
      RETURN_IF_ERROR(CheckRange(attribute, resource, reverted, ""));
      converted.set_integer(reverted);
      return converted;
    }
    case AttributeType::kFloat:
      if (value.kind_case() == Value::kInteger) {
        converted.set_floating(static_cast<double>(value.integer()));
      } else if (value.kind_case() == Value::kNumber && std::isfinite(value.number())) {
        converted.set_floating(value.number());
      } else {
        return wrong("a number");
      }
      return converted;
    case AttributeType::kTimestamp: {
      if (value.kind_case() != Value::kText) return wrong("a timestamp as text");
      const absl::StatusOr<absl::Time> time = onem2m::ParseTimestamp(value.text());
      if (!time.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat(attribute.short_name, " (", attribute.long_name, "): ", time.status().message()));
      }
      converted.set_time(absl::ToUnixSeconds(*time));
      return converted;
    }
    case AttributeType::kBase64: {
      std::string octets;
      if (value.kind_case() != Value::kText || !absl::Base64Unescape(value.text(), &octets))
        return wrong("base64 text");
      converted.set_opaque(octets);
      return converted;
    }
    case AttributeType::kLink: {
      const std::vector<absl::string_view> parts =
          absl::StrSplit(value.kind_case() == Value::kText ? absl::string_view(value.text()) : "", ':');
      uint32_t object = 0;
      uint32_t instance = 0;
      if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &object) || !absl::SimpleAtoi(parts[1], &instance) ||
          object > 65535 || instance > 65535) {
        return wrong(TypeName(attribute.type));
      }
      converted.mutable_object_link()->set_object_id(object);
      converted.mutable_object_link()->set_object_instance_id(instance);
      return converted;
    }
    case AttributeType::kReference:
    case AttributeType::kMgmtLinks: {
      if (value.kind_case() != Value::kText) return wrong(TypeName(AttributeType::kReference));
      uint32_t object = kNullLink;
      uint32_t instance = kNullLink;
      if (!value.text().empty()) {
        const absl::StatusOr<lwm2m::v1::Path> path = lwm2m::ParsePath(value.text());
        if (!path.ok() || !path->has_object_instance_id() || path->has_resource_id()) {
          return wrong(TypeName(AttributeType::kReference));
        }
        object = path->object_id();
        instance = path->object_instance_id();
      }
      converted.mutable_object_link()->set_object_id(object);
      converted.mutable_object_link()->set_object_instance_id(instance);
      return converted;
    }
    case AttributeType::kStatus:
      return wrong("no value: a status cannot be written");
    case AttributeType::kAny:
      switch (value.kind_case()) {
        case Value::kText:
          converted.set_text(value.text());
          return converted;
        case Value::kBoolean:
          converted.set_boolean(value.boolean());
          return converted;
        case Value::kInteger:
          converted.set_integer(value.integer());
          return converted;
        case Value::kNumber:
          if (!std::isfinite(value.number())) break;
          converted.set_floating(value.number());
          return converted;
        default:
          break;
      }
      return wrong(TypeName(attribute.type));
  }
  return wrong(TypeName(attribute.type));
}

absl::StatusOr<std::vector<lwm2m::v1::Value>> ListToLwm2m(const AttributeMapping& attribute,
                                                          const ResourceDefinition& resource, const Value& list) {
  const auto wrong = [&](absl::string_view expected) { return WrongType(attribute, expected, list); };
  if (list.kind_case() != Value::kList) return wrong("a list");
  const size_t size = static_cast<size_t>(list.list().values_size());
  if (attribute.length.has_value() && size != *attribute.length) {
    return wrong(absl::StrCat("a list of ", *attribute.length));
  }
  // LwM2M has no instance to say it with.
  if (size == 0) return wrong("a list with a member");
  std::vector<lwm2m::v1::Value> values;
  if (attribute.conversion.words.empty()) {
    for (const Value& member : list.list().values()) {
      ASSIGN_OR_RETURN(values.emplace_back(), ToLwm2m(attribute, resource, member));
    }
    return values;
  }
  for (const Value& member : list.list().values()) {
    if (member.kind_case() != Value::kBoolean) return wrong("a list of true and false");
  }
  // One text with each word once, in the order of the table.
  std::vector<absl::string_view> words;
  for (const auto& [word, meaning] : attribute.conversion.words) {
    for (const Value& member : list.list().values()) {
      if (member.boolean() != meaning) continue;
      words.push_back(word);
      break;
    }
  }
  values.emplace_back().set_text(absl::StrJoin(words, " "));
  return values;
}

std::string DescribeConversion(const AttributeMapping& attribute) {
  const Conversion& conversion = attribute.conversion;
  if (attribute.access == Access::kLocal) return "stays with the IN-CSE";
  if (attribute.is_action()) {
    return absl::StrCat("true -> Execute; always reads ", attribute.reads ? "true" : "false",
                        attribute.precondition.has_value()
                            ? absl::StrCat("; first: ", attribute.precondition->description)
                            : std::string());
  }
  if (conversion.offset.has_value()) {
    return absl::StrCat("oneM2M = LwM2M ", *conversion.offset < 0 ? "- " : "+ ", std::llabs(*conversion.offset));
  }
  if (conversion.scale.has_value()) return absl::StrCat("oneM2M = LwM2M * ", *conversion.scale);
  if (conversion.decimal) return "text of digits -> number";
  if (!conversion.words.empty()) {
    return absl::StrCat("words of a text -> list: ",
                        absl::StrJoin(conversion.words, ", ", [](std::string* out, const auto& entry) {
                          absl::StrAppend(out, "'", entry.first, "' -> ", entry.second ? "true" : "false");
                        }));
  }
  if (!conversion.map.empty() && attribute.type == AttributeType::kBoolean) {
    return absl::StrCat("LwM2M -> oneM2M: ",
                        absl::StrJoin(conversion.map, ", ", [](std::string* out, const auto& entry) {
                          absl::StrAppend(out, entry.first, " -> ", entry.second != 0 ? "true" : "false");
                        }));
  }
  if (!conversion.map.empty()) {
    return absl::StrCat("LwM2M -> oneM2M: ", absl::StrJoin(conversion.map, ", ", absl::PairFormatter(" -> ")));
  }
  if (!conversion.bits.empty()) {
    return absl::StrCat("first that holds of ",
                        absl::StrJoin(conversion.bits, ", ", [](std::string* out, const BitRule& rule) {
                          absl::StrAppend(out, "value & ", rule.mask, " == ", rule.equals, " -> ", rule.gives);
                        }));
  }
  if (conversion.status.has_value()) {
    const StatusConversion& status = *conversion.status;
    return absl::StrCat(
        "m2m:actionStatus from state (resource ", status.state_id, ")",
        status.result_id.has_value() ? absl::StrCat(" and result (resource ", *status.result_id, ")") : std::string(),
        ", ", status.rules.size(), " rules");
  }
  switch (attribute.type) {
    case AttributeType::kTimestamp:
      return "seconds since 1970 -> basic ISO 8601, UTC";
    case AttributeType::kBase64:
      return "octets -> base64";
    case AttributeType::kLink:
      return "object link -> object:instance";
    case AttributeType::kReference:
      return "object link -> element of objectPaths of the <mgmtObj>";
    case AttributeType::kMgmtLinks:
      return absl::StrCat("object links -> m2m:mgmtLinkRef: ",
                          absl::StrJoin(attribute.sources, ", ", [](std::string* out, const LinkSource& source) {
                            absl::StrAppend(out, "resource ", source.resource_id, " -> ", source.name, " (",
                                            source.mgmt_definition, ")");
                          }));
    case AttributeType::kAny:
      return "as the payload tells it; octets without a type -> base64";
    default:
      return "same value";
  }
}

}  // namespace isthmus::translation
