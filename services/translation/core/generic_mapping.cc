#include "services/translation/core/generic_mapping.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/typed_value.h"

namespace isthmus::translation {
namespace {

constexpr char kClause[] = "TS-0005 6.3.1, TS-0001 9.6.15";

// "Min Measured Value" -> "minMeasuredValue", "LwM2M Server" -> "lwm2mServer"; empty when nothing is left.
std::string LowerCamelCase(absl::string_view name) {
  std::string result;
  bool first_word = true;
  bool word_begins = true;
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      if (!result.empty()) first_word = false;
      word_begins = true;
      continue;
    }
    if (first_word) {
      result.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    } else {
      result.push_back(word_begins ? absl::ascii_toupper(static_cast<unsigned char>(c)) : c);
    }
    word_begins = false;
  }
  // A name begins with no digit where it is to be an XML element.
  if (!result.empty() && absl::ascii_isdigit(static_cast<unsigned char>(result.front()))) result.insert(0, "_");
  return result;
}

AttributeType TypeOf(lwm2m::ResourceType type) {
  switch (type) {
    case lwm2m::ResourceType::kString:
    case lwm2m::ResourceType::kCoreLink:
      return AttributeType::kString;
    case lwm2m::ResourceType::kInteger:
      return AttributeType::kInteger;
    case lwm2m::ResourceType::kUnsignedInteger:
      return AttributeType::kUnsigned;
    case lwm2m::ResourceType::kFloat:
      return AttributeType::kFloat;
    case lwm2m::ResourceType::kBoolean:
    case lwm2m::ResourceType::kNone:
      return AttributeType::kBoolean;
    case lwm2m::ResourceType::kOpaque:
      return AttributeType::kBase64;
    case lwm2m::ResourceType::kTime:
      return AttributeType::kTimestamp;
    case lwm2m::ResourceType::kObjectLink:
      return AttributeType::kLink;
  }
  return AttributeType::kAny;
}

// LwM2M Core 1.1 lets a resource be executable or a value, never both.
Access AccessOf(const ResourceDefinition& resource) {
  if (resource.executable) return Access::kExecute;
  if (resource.readable && resource.writable) return Access::kReadWrite;
  if (resource.readable) return Access::kRead;
  if (resource.writable) return Access::kWrite;
  return Access::kLocal;
}

// Instances of Server and Access Control objects are made and ended by bootstrap alone (LwM2M Core 8.1).
DeleteEffect DeleteOf(uint32_t object_id, bool multiple) {
  return multiple && object_id != 1 && object_id != 2 ? DeleteEffect::kInstance : DeleteEffect::kNothing;
}

}  // namespace

ResourceMapping MakeGenericMapping(const ObjectDefinition& object) {
  ResourceMapping mapping;
  mapping.name = LowerCamelCase(object.name);
  if (mapping.name.empty()) mapping.name = absl::StrCat("object", object.id);
  mapping.root = kGenericRoot;
  mapping.object_urn = object.urn;
  mapping.object_id = object.id;
  mapping.clause = kClause;
  mapping.delete_effect = DeleteOf(object.id, object.multiple);
  std::set<std::string> names;
  for (const ResourceDefinition& resource : object.resources) {
    const Access access = AccessOf(resource);
    if (access == Access::kLocal) continue;  // the Bootstrap-Server alone has to do with it
    AttributeMapping attribute;
    attribute.short_name = LowerCamelCase(resource.name);
    if (attribute.short_name.empty() || IsCommonAttribute(attribute.short_name) ||
        names.count(attribute.short_name) > 0) {
      absl::StrAppend(&attribute.short_name, attribute.short_name.empty() ? "resource" : "", resource.id);
    }
    names.insert(attribute.short_name);
    attribute.long_name = resource.name;
    attribute.access = access;
    attribute.resource_id = resource.id;
    attribute.type = TypeOf(resource.type);
    attribute.list = resource.multiple && !attribute.is_action();
    attribute.observe = attribute.readable();
    attribute.clause = kClause;
    mapping.attributes.push_back(std::move(attribute));
  }
  return mapping;
}

const ResourceMapping& UnknownObjectMapping() {
  static const ResourceMapping* const kUnknown = [] {
    auto* mapping = new ResourceMapping();
    mapping->name = "object";
    mapping->root = kGenericRoot;
    mapping->clause = kClause;
    mapping->delete_effect = DeleteEffect::kInstance;  // whether it can be deleted the device knows
    return mapping;
  }();
  return *kUnknown;
}

AttributeMapping MakeUntypedAttribute(uint32_t resource_id, bool list) {
  AttributeMapping attribute;
  attribute.short_name = absl::StrCat(resource_id);
  attribute.long_name = absl::StrCat("resource ", resource_id);
  attribute.access = Access::kReadWrite;
  attribute.resource_id = resource_id;
  attribute.type = AttributeType::kAny;
  attribute.list = list;
  attribute.clause = kClause;
  return attribute;
}

const ResourceDefinition& UntypedResource() {
  static const ResourceDefinition* const kUntyped = [] {
    auto* resource = new ResourceDefinition();
    resource->readable = resource->writable = true;
    resource->type = lwm2m::ResourceType::kNone;
    return resource;
  }();
  return *kUntyped;
}

std::optional<uint32_t> ResourceIdOf(absl::string_view name) {
  uint32_t id = 0;
  if (!absl::SimpleAtoi(name, &id) || id > 65535 || absl::StrCat(id) != name) return std::nullopt;
  return id;
}

bool IsHidden(uint32_t object_id) { return object_id == 0 || object_id == 21; }

bool IsCommonAttribute(absl::string_view short_name) {
  static constexpr absl::string_view kNames[] = {"rn",   "ty",   "ri",   "pi",   "ct",   "lt",  "et",
                                                 "lbl",  "acpi", "at",   "aa",   "daci", "ast", "cr",
                                                 "cstn", "mgd",  "obis", "obps", "dc",   "mgs", "cmlk"};
  return std::find(std::begin(kNames), std::end(kNames), short_name) != std::end(kNames);
}

}  // namespace isthmus::translation
