#include "services/synchronizer/core/representation/representation.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Value;

constexpr uint32_t kBadRequest = onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST;
constexpr uint32_t kNotImplemented = onem2m::v1::RESPONSE_STATUS_CODE_NOT_IMPLEMENTED;

std::string Kind(const Value& value) {
  switch (value.kind_case()) {
    case Value::kBoolean:
      return absl::StrCat("the boolean ", onem2m::Describe(value));
    case Value::kInteger:
    case Value::kNumber:
      return absl::StrCat("the number ", onem2m::Describe(value));
    case Value::kText:
      return absl::StrCat("the text ", onem2m::Describe(value, 100));
    case Value::kList:
      return absl::StrCat("the list ", onem2m::Describe(value, 100));
    case Value::kObject:
      return absl::StrCat("the object ", onem2m::Describe(value, 100));
    default:
      return "null";
  }
}

// "btl (batteryLevel)"
std::string NameOf(const AttributeRule& rule, absl::string_view path) {
  return rule.long_name.empty() ? std::string(path) : absl::StrCat(path, " (", rule.long_name, ")");
}

Refusal Mismatch(const AttributeRule& rule, absl::string_view path, const Value& value) {
  return Refusal{kBadRequest,
                 absl::StrCat("attribute ", NameOf(rule, path), ": expected ", rule.Expected(), ", got ", Kind(value))};
}

Checked CheckMembers(const AttributeRule& rule, absl::string_view path, Value* value);

// 80.0 is the integer 80.
void MakeInteger(Value* value) {
  if (value->kind_case() != Value::kNumber) return;
  const double number = value->number();
  if (number == std::floor(number) && std::abs(number) < 9e15) value->set_integer(static_cast<int64_t>(number));
}

Checked CheckSingleValue(const AttributeRule& rule, absl::string_view path, Value* value) {
  switch (rule.type) {
    case AttributeType::kText:
      if (value->kind_case() != Value::kText) return Mismatch(rule, path, *value);
      if (!rule.choices.empty() &&
          std::find(rule.choices.begin(), rule.choices.end(), value->text()) == rule.choices.end()) {
        return Mismatch(rule, path, *value);
      }
      return std::nullopt;
    case AttributeType::kBoolean:
      if (value->kind_case() != Value::kBoolean) return Mismatch(rule, path, *value);
      return std::nullopt;
    case AttributeType::kUnsigned:
    case AttributeType::kInteger: {
      MakeInteger(value);
      if (value->kind_case() != Value::kInteger) return Mismatch(rule, path, *value);
      const int64_t number = value->integer();
      if ((rule.type == AttributeType::kUnsigned && number < 0) || number < rule.low || number > rule.high) {
        return Mismatch(rule, path, *value);
      }
      return std::nullopt;
    }
    case AttributeType::kNumber:
      if (value->kind_case() != Value::kInteger && value->kind_case() != Value::kNumber) {
        return Mismatch(rule, path, *value);
      }
      return std::nullopt;
    case AttributeType::kTimestamp:
      if (value->kind_case() != Value::kText || !onem2m::ParseTimestamp(value->text()).ok()) {
        return Mismatch(rule, path, *value);
      }
      return std::nullopt;
    case AttributeType::kComplex:
      if (value->kind_case() != Value::kObject) return Mismatch(rule, path, *value);
      return CheckMembers(rule, path, value);
    case AttributeType::kAny:
      if (value->kind_case() == Value::KIND_NOT_SET || value->kind_case() == Value::kNull) {
        return Mismatch(rule, path, *value);
      }
      return std::nullopt;
  }
  return std::nullopt;
}

Checked CheckMembers(const AttributeRule& rule, absl::string_view path, Value* value) {
  std::set<std::string> seen;
  for (onem2m::v1::Attribute& member : *value->mutable_object()->mutable_members()) {
    const std::string member_path = absl::StrCat(path, ".", member.name());
    const auto found = std::find_if(rule.members->begin(), rule.members->end(),
                                    [&](const AttributeRule& r) { return r.short_name == member.name(); });
    if (found == rule.members->end()) {
      return Refusal{kBadRequest, absl::StrCat("attribute ", NameOf(rule, path), ": unknown member '", member.name(),
                                               "'; expected ", rule.Expected())};
    }
    if (!seen.insert(member.name()).second) {
      return Refusal{kBadRequest, absl::StrCat("attribute ", member_path, " stands twice")};
    }
    RETURN_IF_REFUSED(CheckValue(*found, member_path, member.mutable_value()));
  }
  for (const AttributeRule& member : *rule.members) {
    if (member.create == Presence::kMandatory && seen.count(member.short_name) == 0) {
      return Refusal{kBadRequest, absl::StrCat("attribute ", NameOf(member, absl::StrCat(path, ".", member.short_name)),
                                               " is missing; expected ", member.Expected())};
    }
  }
  return std::nullopt;
}

// The one object with attributes that the content has to be.
Checked ContentObject(const onem2m::v1::RequestPrimitive& request, const onem2m::v1::Object** object) {
  if (!request.has_primitive_content() || request.primitive_content().name().empty()) {
    return Refusal{kBadRequest, "pc: expected the representation of a resource, got nothing"};
  }
  const onem2m::v1::Attribute& content = request.primitive_content();
  if (content.value().kind_case() != Value::kObject) {
    return Refusal{kBadRequest, absl::StrCat("pc: expected ", content.name(), " to be an object of attributes, got ",
                                             Kind(content.value()))};
  }
  std::set<absl::string_view> names;
  for (const onem2m::v1::Attribute& attribute : content.value().object().members()) {
    if (!names.insert(attribute.name()).second) {
      return Refusal{kBadRequest, absl::StrCat("attribute ", attribute.name(), " stands twice in ", content.name())};
    }
  }
  *object = &content.value().object();
  return std::nullopt;
}

Checked CheckExclusive(const ResourceTable& table, const onem2m::v1::Object& attributes) {
  const auto asked = [&](const std::string& name) {
    const Value* value = onem2m::Find(attributes, name);
    return value != nullptr && value->kind_case() == Value::kBoolean && value->boolean();
  };
  for (const auto& [one, other] : table.exclusive) {
    if (asked(one) && asked(other)) {
      return Refusal{kBadRequest, absl::StrCat("attributes ", one, " and ", other, " of ", table.root,
                                               ": expected one of them true at the most, got both")};
    }
  }
  return std::nullopt;
}

Refusal UnknownAttribute(const ResourceTable& table, absl::string_view root, const std::string& name) {
  return Refusal{kBadRequest,
                 absl::StrCat("attribute ", name, ": ", root, " (", table.name, ") has no attribute of this name")};
}

Refusal Unsupported(const AttributeRule& rule, absl::string_view path) {
  return Refusal{kNotImplemented, absl::StrCat("attribute ", NameOf(rule, path), " is not supported here")};
}

Refusal NotPresent(const AttributeRule& rule, absl::string_view operation) {
  return Refusal{kBadRequest, absl::StrCat("attribute ", NameOf(rule, rule.short_name),
                                           ": expected not to be present in ", operation, " request")};
}

}  // namespace

Checked CheckValue(const AttributeRule& rule, absl::string_view path, Value* value) {
  if (rule.unsupported) return Unsupported(rule, path);
  if (!rule.list) return CheckSingleValue(rule, path, value);
  if (value->kind_case() != Value::kList || value->list().values_size() < rule.minimum_members) {
    return Mismatch(rule, path, *value);
  }
  for (Value& member : *value->mutable_list()->mutable_values())
    RETURN_IF_REFUSED(CheckSingleValue(rule, path, &member));
  return std::nullopt;
}

Checked TableOfContent(const ResourceTables& tables, uint32_t type, const onem2m::v1::RequestPrimitive& request,
                       const ResourceTable** table) {
  const onem2m::v1::Object* object = nullptr;
  RETURN_IF_REFUSED(ContentObject(request, &object));
  const std::string& root = request.primitive_content().name();
  if (type != kManagementObject) {
    *table = tables.ByType(type);
    if (root != (*table)->root) {
      return Refusal{kBadRequest, absl::StrCat("pc: ty ", type, " has the root ", (*table)->root, ", got ", root)};
    }
    return std::nullopt;
  }
  const ResourceTable* by_root = tables.ByRoot(root);
  if (by_root != nullptr && by_root->type != kManagementObject) {
    return Refusal{kBadRequest, absl::StrCat("pc: ", root, " is no <mgmtObj>; ty ", by_root->type, " is")};
  }
  const AttributeRule& rule = *tables.self_defined().Find("mgd");
  const Value* given = onem2m::Find(*object, "mgd");
  if (given == nullptr) {
    return Refusal{kBadRequest, absl::StrCat("attribute mgd (mgmtDefinition) is missing; expected ", rule.Expected())};
  }
  Value definition = *given;
  RETURN_IF_REFUSED(CheckValue(rule, "mgd", &definition));
  const int64_t number = definition.integer();
  if (by_root != nullptr) {
    if (number != by_root->management_definition) {
      return Refusal{kBadRequest, absl::StrCat("attribute mgd (mgmtDefinition): ", root, " has ",
                                               by_root->management_definition, ", got ", number)};
    }
    *table = by_root;
    return std::nullopt;
  }
  if (number == 0) {
    const size_t colon = root.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == root.size()) {
      return Refusal{kBadRequest, absl::StrCat("pc: expected a root with a prefix, got ", root)};
    }
    if (onem2m::Find(*object, "mgs") == nullptr) {
      return Refusal{kBadRequest, "attribute mgs (mgmtSchema) is missing; mgmtDefinition 0 (self-defined) needs it"};
    }
    *table = &tables.self_defined();
    return std::nullopt;
  }
  if (!IsStandardManagementDefinition(number)) {
    return Refusal{kBadRequest,
                   absl::StrCat("attribute mgd (mgmtDefinition): no specialization has the number ", number)};
  }
  if (number <= 1010) return Refusal{kBadRequest, absl::StrCat("pc: mgd ", number, " has another root than ", root)};
  return Refusal{kNotImplemented, absl::StrCat("mgmtDefinition ", number, " (", root, ") is not supported here")};
}

Checked CheckCreate(const ResourceTable& table, const onem2m::v1::RequestPrimitive& request,
                    onem2m::v1::Object* attributes) {
  const onem2m::v1::Object* object = nullptr;
  RETURN_IF_REFUSED(ContentObject(request, &object));
  const std::string& root = request.primitive_content().name();
  *attributes = *object;
  for (onem2m::v1::Attribute& attribute : *attributes->mutable_members()) {
    const AttributeRule* rule = table.Find(attribute.name());
    if (rule == nullptr) {
      if (!table.open) return UnknownAttribute(table, root, attribute.name());
      continue;
    }
    if (rule->unsupported) return Unsupported(*rule, rule->short_name);
    if (attribute.value().kind_case() == Value::kNull) {
      if (rule->nullable) continue;
      return Refusal{kBadRequest, absl::StrCat("attribute ", NameOf(*rule, rule->short_name), ": expected ",
                                               rule->Expected(), ", got null")};
    }
    if (rule->create == Presence::kNotPresent) return NotPresent(*rule, "a CREATE");
    RETURN_IF_REFUSED(CheckValue(*rule, rule->short_name, attribute.mutable_value()));
  }
  for (const AttributeRule& rule : table.attributes) {
    if (rule.create == Presence::kMandatory && onem2m::Find(*attributes, rule.short_name) == nullptr) {
      return Refusal{kBadRequest, absl::StrCat("attribute ", NameOf(rule, rule.short_name), " of ", root,
                                               " is missing; expected ", rule.Expected())};
    }
  }
  if (!table.open && onem2m::Find(*attributes, "mgs") != nullptr) {
    return Refusal{kBadRequest, "attribute mgs (mgmtSchema): expected only with mgmtDefinition 0 (self-defined)"};
  }
  RETURN_IF_REFUSED(CheckExclusive(table, *attributes));
  for (const AttributeRule& rule : table.attributes) {
    if (rule.initial.has_value() && onem2m::Find(*attributes, rule.short_name) == nullptr) {
      onem2m::Set(*attributes, rule.short_name, *rule.initial);
    }
  }
  ApplyDisplayRules(table, attributes);
  return std::nullopt;
}

Checked CheckUpdate(const ResourceTable& table, absl::string_view root, const onem2m::v1::RequestPrimitive& request,
                    Unknown unknown, onem2m::v1::Object* attributes) {
  const onem2m::v1::Object* object = nullptr;
  RETURN_IF_REFUSED(ContentObject(request, &object));
  if (request.primitive_content().name() != root) {
    return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_CONTENTS_UNACCEPTABLE,
                   absl::StrCat("pc: the target is a ", root, ", got ", request.primitive_content().name())};
  }
  *attributes = *object;
  for (onem2m::v1::Attribute& attribute : *attributes->mutable_members()) {
    const AttributeRule* rule = table.Find(attribute.name());
    if (rule == nullptr) {
      if (!table.open && unknown == Unknown::kRefuse) return UnknownAttribute(table, root, attribute.name());
      continue;
    }
    if (rule->unsupported) return Unsupported(*rule, rule->short_name);
    if (rule->update == Presence::kNotPresent) return NotPresent(*rule, "an UPDATE");
    if (attribute.value().kind_case() == Value::kNull) {
      if (!rule->single) continue;
      return Refusal{kBadRequest, absl::StrCat("attribute ", NameOf(*rule, rule->short_name), " of ", root,
                                               " cannot be deleted: the resource always has it")};
    }
    RETURN_IF_REFUSED(CheckValue(*rule, rule->short_name, attribute.mutable_value()));
  }
  return CheckExclusive(table, *attributes);
}

void Assign(const onem2m::v1::Attribute& given, onem2m::v1::Object* attributes) {
  if (given.value().kind_case() == Value::kNull) {
    onem2m::Remove(*attributes, given.name());
  } else {
    onem2m::Set(*attributes, given.name(), given.value());
  }
}

void ApplyDisplayRules(const ResourceTable& table, onem2m::v1::Object* attributes) {
  for (const AttributeRule& rule : table.attributes) {
    if (!rule.reads.has_value()) continue;
    if (Value* value = onem2m::FindMutable(*attributes, rule.short_name)) *value = *rule.reads;
  }
}

}  // namespace isthmus::synchronizer
