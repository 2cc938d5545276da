#include "services/translation/core/parser.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/core/definition_rules.h"
#include "services/translation/core/object_parser.h"
#include "services/translation/core/yaml_fields.h"
#include "services/translation/core/yaml_reader.h"

namespace isthmus::translation {
namespace {

constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
// Far above any table of people's; the checks of a mapping compare its attributes with each other.
constexpr size_t kMostAttributes = 1000;
constexpr size_t kMostNames = 100;
constexpr int64_t kNone = std::numeric_limits<int64_t>::min();

// One number or interval, or a list of them.
std::optional<IntervalSet> ReadIntervals(const YamlValue& value) {
  if (!value.present()) return std::nullopt;
  IntervalSet set;
  const std::vector<YamlValue> items = value.is_list() ? value.Items() : std::vector<YamlValue>{value};
  for (const YamlValue& item : items) {
    if (const std::optional<Interval> interval = ReadInterval(item)) set.push_back(*interval);
  }
  return set;
}

std::vector<int64_t> ReadIntegers(const YamlValue& value) {
  std::vector<int64_t> numbers;
  for (const YamlValue& item : value.Items()) numbers.push_back(item.Integer(kNone, kAny));
  return numbers;
}

// ---- conversions ---------------------------------------------------------------------------------------------------

StatusRule ReadStatusRule(const YamlValue& value) {
  value.AllowOnly({"state", "result", "kept", "kept_action", "status", "action"});
  StatusRule rule;
  rule.state = ReadIntervals(value.At("state"));
  rule.result = ReadIntervals(value.At("result"));
  const YamlValue kept = value.At("kept");
  if (kept.Scalar() == "none") {
    rule.kept_none = true;
  } else {
    rule.kept = ReadIntervals(kept);
  }
  if (value.At("kept_action").present()) rule.kept_action = value.At("kept_action").Text();
  const YamlValue status = value.Require("status");
  if (status.Scalar() != "keep") rule.status = status.Integer(kUninitialized, kInProcess);
  if (value.At("action").present()) rule.action = value.At("action").Text();
  return rule;
}

StatusConversion ReadStatusConversion(const YamlValue& value) {
  value.AllowOnly({"state", "result", "rules"});
  StatusConversion status;
  status.state_id = static_cast<uint32_t>(value.Require("state").Integer(0, kMaxId));
  if (value.At("result").present()) {
    status.result_id = static_cast<uint32_t>(value.At("result").Integer(0, kMaxId));
  }
  for (const YamlValue& item : value.Require("rules").Items()) status.rules.push_back(ReadStatusRule(item));
  return status;
}

Conversion ReadConversion(const YamlValue& value) {
  Conversion conversion;
  if (!value.present()) return conversion;
  value.AllowOnly({"offset", "scale", "map", "bits", "decimal", "words", "status"});
  if (value.Members().size() != 1) value.Fail("exactly one of offset, scale, map, bits, decimal, words, status");
  if (value.At("offset").present()) conversion.offset = value.At("offset").Integer(-1000000, 1000000);
  if (value.At("scale").present()) conversion.scale = value.At("scale").Integer(1, 1000000000);
  for (const auto& [from, to] : value.At("map").Members()) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(from, &number)) to.Fail("a number on the left side");
    const bool boolean = to.Scalar() == "true" || to.Scalar() == "false";
    conversion.map.emplace_back(number, boolean ? int64_t{to.Boolean()} : to.Integer(kNone, kAny));
  }
  for (const YamlValue& item : value.At("bits").Items()) {
    item.AllowOnly({"mask", "equals", "gives"});
    conversion.bits.push_back({item.Require("mask").Integer(0, kAny), item.Require("equals").Integer(0, kAny),
                               item.Require("gives").Integer(kNone, kAny)});
  }
  conversion.decimal = value.At("decimal").Boolean();
  for (const auto& [word, meaning] : value.At("words").Members()) {
    conversion.words.emplace_back(word, meaning.Boolean());
  }
  if (value.At("status").present()) conversion.status = ReadStatusConversion(value.At("status"));
  return conversion;
}

// A fallback as the attribute's type wants it.
onem2m::v1::Value ReadFallback(const YamlValue& value, AttributeType type, bool list) {
  if (list) {
    if (!value.is_list() || !value.Items().empty()) value.Fail("[] (a list falls back to no members)");
    return onem2m::List({});
  }
  switch (type) {
    case AttributeType::kBoolean:
      return onem2m::Boolean(value.Boolean());
    case AttributeType::kInteger:
      return onem2m::Integer(value.Integer(kNone, kAny));
    case AttributeType::kUnsigned:
      return onem2m::Integer(value.Integer(0, kAny));
    case AttributeType::kFloat: {
      double number = 0;
      if (!absl::SimpleAtod(value.Text(), &number)) value.Fail("a number");
      return onem2m::Number(number);
    }
    default:
      return onem2m::Text(value.Text());
  }
}

// ---- mappings ------------------------------------------------------------------------------------------------------

std::vector<std::string> ReadTexts(const YamlValue& value) {
  std::vector<std::string> texts;
  for (const YamlValue& item : value.Items()) {
    if (texts.size() == kMostNames) {
      item.Fail(absl::StrCat("at most ", kMostNames, " names"));
      break;
    }
    texts.push_back(item.Text());
  }
  return texts;
}

// Keys that say something of actions only.
void ReadActionKeys(const YamlValue& value, AttributeMapping* attribute) {
  for (const char* key : {"reads", "reboots", "precondition", "refreshes"}) {
    if (!attribute->is_action() && value.At(key).present()) value.At(key).Fail("only with access: execute");
  }
  attribute->reads = value.At("reads").Boolean();
  attribute->reboots = value.At("reboots").Boolean();
  attribute->refreshes = ReadTexts(value.At("refreshes"));
  if (const YamlValue precondition = value.At("precondition"); precondition.present()) {
    precondition.AllowOnly({"resource", "values", "failure_values", "description"});
    attribute->precondition =
        ActionPrecondition{static_cast<uint32_t>(precondition.Require("resource").Integer(0, kMaxId)),
                           ReadIntegers(precondition.Require("values")),
                           ReadIntegers(precondition.At("failure_values")), precondition.Require("description").Text()};
  }
}

std::vector<LinkSource> ReadSources(const YamlValue& value) {
  std::vector<LinkSource> sources;
  for (const YamlValue& item : value.Items()) {
    item.AllowOnly({"resource", "name", "mgmtDefinition"});
    LinkSource source{static_cast<uint32_t>(item.Require("resource").Integer(0, kMaxId)), item.Require("name").Text(),
                      static_cast<uint32_t>(item.Require("mgmtDefinition").Integer(1, 100000))};
    for (const LinkSource& other : sources) {
      if (other.mgmt_definition == source.mgmt_definition) item.Fail("one resource for each mgmtDefinition");
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

AttributeMapping ReadAttribute(const YamlValue& value, const std::string& clause) {
  value.AllowOnly({"short", "long", "access", "resource", "sources", "type", "list", "length", "range", "fallback",
                   "observe", "conversion", "reads", "reboots", "precondition", "sets", "refreshes", "clause"});
  AttributeMapping attribute;
  attribute.short_name = value.Require("short").Text();
  attribute.long_name = value.Require("long").Text();
  attribute.access = Choose<Access>(value.Require("access"), {{"local", Access::kLocal},
                                                              {"read", Access::kRead},
                                                              {"read-write", Access::kReadWrite},
                                                              {"write", Access::kWrite},
                                                              {"execute", Access::kExecute}});
  attribute.type = Choose<AttributeType>(value.Require("type"), {{"string", AttributeType::kString},
                                                                 {"uri", AttributeType::kUri},
                                                                 {"boolean", AttributeType::kBoolean},
                                                                 {"integer", AttributeType::kInteger},
                                                                 {"unsigned", AttributeType::kUnsigned},
                                                                 {"float", AttributeType::kFloat},
                                                                 {"timestamp", AttributeType::kTimestamp},
                                                                 {"base64", AttributeType::kBase64},
                                                                 {"link", AttributeType::kLink},
                                                                 {"reference", AttributeType::kReference},
                                                                 {"links", AttributeType::kMgmtLinks},
                                                                 {"status", AttributeType::kStatus}});
  attribute.conversion = ReadConversion(value.At("conversion"));
  if (attribute.is_status() != attribute.conversion.status.has_value()) {
    value.At("type").Fail("status exactly where conversion is status");
  }
  if (attribute.is_status() && attribute.access != Access::kRead) value.At("access").Fail("read for a status");
  if (attribute.is_action() && attribute.type != AttributeType::kBoolean)
    value.At("type").Fail("boolean for an action");

  attribute.sources = ReadSources(value.At("sources"));
  if (attribute.sources.empty() != (!attribute.is_links() || attribute.access == Access::kLocal)) {
    value.At("type").Fail("links exactly where there are sources");
  }
  const bool has_resource = attribute.access != Access::kLocal && !attribute.is_status() && !attribute.is_links();
  if (has_resource) {
    attribute.resource_id = static_cast<uint32_t>(value.Require("resource").Integer(0, kMaxId));
  } else if (value.At("resource").present()) {
    value.At("resource").Fail("no resource for a local attribute, a status or links");
  }
  attribute.list = value.At("list").Boolean() || attribute.is_links();
  if (const YamlValue length = value.At("length"); length.present()) {
    attribute.length = static_cast<size_t>(length.Integer(1, 1000));
    if (!attribute.list) length.Fail("only of a list");
  }
  attribute.range = ReadInterval(value.At("range"));
  if (value.At("fallback").present() && (attribute.is_status() || attribute.is_action())) {
    value.At("fallback").Fail("no fallback for an action or a status");
  } else if (value.At("fallback").present()) {
    attribute.fallback = ReadFallback(value.At("fallback"), attribute.type, attribute.list);
  }
  attribute.observe = value.At("observe").Boolean();
  if (attribute.observe && !attribute.readable()) value.At("observe").Fail("only what can be read");
  ReadActionKeys(value, &attribute);
  if (const YamlValue sets = value.At("sets"); sets.present()) {
    sets.AllowOnly({"attribute", "status"});
    attribute.sets =
        StatusEffect{sets.Require("attribute").Text(), sets.Require("status").Integer(kUninitialized, kInProcess)};
  }
  attribute.clause = value.At("clause").present() ? value.At("clause").Text() : clause;
  return attribute;
}

void ReadDelete(const YamlValue& value, ResourceMapping* mapping) {
  if (!value.present() || value.Scalar() == "nothing") return;
  if (value.Scalar() == "instance") {
    mapping->delete_effect = DeleteEffect::kInstance;
  } else if (value.is_map()) {
    value.AllowOnly({"write", "value"});
    mapping->delete_effect = DeleteEffect::kWrite;
    mapping->delete_attribute = value.Require("write").Text();
    mapping->delete_value = value.Require("value").Text();
  } else {
    value.Fail("nothing, instance, or {write: attribute, value: text}");
  }
}

bool IsResourceName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
  });
}

ParsedMapping ReadMapping(const YamlValue& root) {
  root.AllowOnly(
      {"mapping", "mgmtDefinition", "root", "object", "clause", "delete", "exclusive", "partial", "attributes"});
  ParsedMapping parsed;
  parsed.where = root.At("mapping").Where();
  ResourceMapping& mapping = parsed.mapping;
  mapping.name = root.Require("mapping").Text();
  if (!IsResourceName(mapping.name)) root.At("mapping").Fail("a resource name of letters, digits, '_', '-', '.'");
  mapping.mgmt_definition = static_cast<uint32_t>(root.Require("mgmtDefinition").Integer(0, 100000));
  mapping.root = root.Require("root").Text();
  if (!absl::StrContains(mapping.root, ':')) root.At("root").Fail("a root with its prefix, as m2m:bat");
  mapping.object_urn = ReadObjectUrn(root.Require("object"), &mapping.object_id);
  mapping.clause = root.Require("clause").Text();
  mapping.partial = root.At("partial").Boolean();
  ReadDelete(root.At("delete"), &mapping);
  for (const YamlValue& pair : root.At("exclusive").Items()) {
    if (mapping.exclusive.size() == kMostNames) {
      pair.Fail(absl::StrCat("at most ", kMostNames, " pairs"));
      break;
    }
    const std::vector<std::string> names = ReadTexts(pair);
    if (names.size() == 2) {
      mapping.exclusive.emplace_back(names[0], names[1]);
    } else {
      pair.Fail("a list of two short names");
    }
  }
  for (const YamlValue& item : root.Require("attributes").Items()) {
    if (mapping.attributes.size() == kMostAttributes) {
      item.Fail(absl::StrCat("at most ", kMostAttributes, " attributes"));
      break;
    }
    AttributeMapping attribute = ReadAttribute(item, mapping.clause);
    if (!parsed.attribute_where.emplace(attribute.short_name, item.Where()).second) {
      item.At("short").Fail("a name that no attribute above has");
    }
    mapping.attributes.push_back(std::move(attribute));
  }
  return parsed;
}

}  // namespace

absl::StatusOr<ParsedSource> ParseYaml(const std::string& file, const std::string& text) {
  YamlDocument document(file, text);
  const YamlValue root = document.root();
  RETURN_IF_ERROR(document.status());
  if (IsObjectFile(root)) {
    std::vector<ParsedObject> parsed = ReadObjects(root);
    RETURN_IF_ERROR(document.status());
    return ParsedSource(std::move(parsed));
  }
  if (root.At("mapping").present()) {
    ParsedMapping parsed = ReadMapping(root);
    RETURN_IF_ERROR(document.status());
    return ParsedSource(std::move(parsed));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      file, ":1: expected an object definition (key 'object' with 'resources'), several (key 'objects') or a mapping",
      " (key 'mapping')"));
}

}  // namespace isthmus::translation
