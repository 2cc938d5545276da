#include "services/synchronizer/core/tables/table_loader.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/value.h"
#include "yaml-cpp/yaml.h"

namespace isthmus::synchronizer {
namespace {

using ComplexTypes = std::map<std::string, std::shared_ptr<const std::vector<AttributeRule>>>;

// Thrown within this file only; Load turns it into a status.
class BadTable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::string Text(const YAML::Node& node, const char* key, const std::string& fallback = "") {
  const YAML::Node value = node[key];
  return value ? value.as<std::string>() : fallback;
}

void AllowOnly(const YAML::Node& node, const std::set<std::string>& keys) {
  for (const auto& member : node) {
    const std::string key = member.first.as<std::string>();
    if (keys.count(key) == 0) throw BadTable(absl::StrCat("unknown key '", key, "'"));
  }
}

Presence ReadPresence(const std::string& text) {
  if (text == "M") return Presence::kMandatory;
  if (text == "O") return Presence::kOptional;
  if (text == "NP") return Presence::kNotPresent;
  throw BadTable(absl::StrCat("expected M, O or NP, got '", text, "'"));
}

int64_t ReadBound(const std::string& text, int64_t fallback) {
  if (text.empty()) return fallback;
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) throw BadTable(absl::StrCat("range: expected a number, got '", text, "'"));
  return value;
}

onem2m::v1::Value ReadValue(const YAML::Node& node) {
  if (node.IsMap()) {
    onem2m::v1::Object object;
    for (const auto& member : node) onem2m::Set(object, member.first.as<std::string>(), ReadValue(member.second));
    return onem2m::Complex(std::move(object));
  }
  // A quoted scalar is a text whatever it looks like.
  const std::string text = node.as<std::string>();
  int64_t number = 0;
  if (node.Tag() == "!" || text.empty()) return onem2m::Text(text);
  if (text == "true" || text == "false") return onem2m::Boolean(text == "true");
  if (absl::SimpleAtoi(text, &number)) return onem2m::Integer(number);
  return onem2m::Text(text);
}

void ReadType(const std::string& type, const ComplexTypes& complex_types, AttributeRule* rule) {
  static const std::map<std::string, AttributeType>* const types =
      new std::map<std::string, AttributeType>{{"string", AttributeType::kText},
                                               {"uri", AttributeType::kText},
                                               {"id", AttributeType::kText},
                                               {"boolean", AttributeType::kBoolean},
                                               {"unsigned", AttributeType::kUnsigned},
                                               {"integer", AttributeType::kInteger},
                                               {"number", AttributeType::kNumber},
                                               {"timestamp", AttributeType::kTimestamp},
                                               {"any", AttributeType::kAny}};
  if (const auto found = types->find(type); found != types->end()) {
    rule->type = found->second;
    return;
  }
  const auto complex = complex_types.find(type);
  if (complex == complex_types.end()) throw BadTable(absl::StrCat("type: unknown type '", type, "'"));
  rule->type = AttributeType::kComplex;
  rule->members = complex->second;
}

AttributeRule ReadAttribute(const YAML::Node& node, const ComplexTypes& complex_types) {
  AttributeRule rule;
  rule.short_name = Text(node, "short");
  if (rule.short_name.empty()) throw BadTable("an attribute has no 'short'");
  try {
    AllowOnly(node, {"short", "long", "create", "update", "type", "list", "min", "range", "choices", "single",
                     "nullable", "initial", "reads", "unsupported", "link"});
    rule.long_name = Text(node, "long");
    rule.create = ReadPresence(Text(node, "create"));
    rule.update = ReadPresence(Text(node, "update", "O"));
    ReadType(Text(node, "type"), complex_types, &rule);
    rule.list = node["list"] && node["list"].as<bool>();
    rule.minimum_members = node["min"] ? node["min"].as<int>() : 0;
    if (const std::string range = Text(node, "range"); !range.empty()) {
      const size_t dots = range.find("..");
      if (dots == std::string::npos) throw BadTable(absl::StrCat("range: expected low..high, got '", range, "'"));
      rule.low = ReadBound(range.substr(0, dots), rule.low);
      rule.high = ReadBound(range.substr(dots + 2), rule.high);
    }
    if (node["choices"]) rule.choices = node["choices"].as<std::vector<std::string>>();
    rule.single = rule.create == Presence::kMandatory || (node["single"] && node["single"].as<bool>());
    rule.nullable = node["nullable"] && node["nullable"].as<bool>();
    rule.link = node["link"] && node["link"].as<bool>();
    rule.unsupported = node["unsupported"] && node["unsupported"].as<bool>();
    if (node["initial"]) rule.initial = ReadValue(node["initial"]);
    if (node["reads"]) rule.reads = ReadValue(node["reads"]);
  } catch (const std::exception& problem) {
    throw BadTable(absl::StrCat("attribute ", rule.short_name, ": ", problem.what()));
  }
  return rule;
}

std::vector<AttributeRule> ReadAttributes(const YAML::Node& list, const ComplexTypes& complex_types) {
  std::vector<AttributeRule> rules;
  for (const YAML::Node& node : list) rules.push_back(ReadAttribute(node, complex_types));
  return rules;
}

void ReadComplexTypes(const YAML::Node& file, ComplexTypes* types) {
  for (const YAML::Node& node : file["complexTypes"]) {
    const std::string name = Text(node, "name");
    if (name.empty()) throw BadTable("a complex type has no 'name'");
    // Later types may use earlier ones.
    (*types)[name] = std::make_shared<const std::vector<AttributeRule>>(ReadAttributes(node["members"], *types));
  }
}

void AppendCommon(std::vector<AttributeRule> rules, const std::set<std::string>& without, ResourceTable* table) {
  for (AttributeRule& rule : rules) {
    if (without.count(rule.short_name) > 0) continue;
    rule.common = true;
    table->attributes.push_back(std::move(rule));
  }
}

void BuildIndex(ResourceTable* table) {
  for (size_t i = 0; i < table->attributes.size(); ++i) {
    if (!table->index.emplace(table->attributes[i].short_name, i).second) {
      throw BadTable(absl::StrCat("attribute ", table->attributes[i].short_name, " stands twice in ", table->root));
    }
  }
}

std::unique_ptr<ResourceTable> ReadTable(const YAML::Node& file, const ComplexTypes& complex_types,
                                         const std::vector<AttributeRule>& universal, const YAML::Node& management) {
  AllowOnly(file,
            {"type", "name", "root", "mgmtDefinition", "clause", "children", "without", "exclusive", "attributes"});
  auto table = std::make_unique<ResourceTable>();
  table->name = Text(file, "name");
  table->root = Text(file, "root");
  table->clause = Text(file, "clause");
  if (table->root.empty()) throw BadTable("expected 'root'");
  std::set<std::string> without;
  if (file["without"]) {
    for (const YAML::Node& name : file["without"]) without.insert(name.as<std::string>());
  }
  if (file["exclusive"]) {
    for (const YAML::Node& pair : file["exclusive"]) {
      table->exclusive.emplace_back(pair[0].as<std::string>(), pair[1].as<std::string>());
    }
  }
  AppendCommon(universal, without, table.get());
  if (file["mgmtDefinition"]) {
    table->type = kManagementObject;
    table->management_definition = file["mgmtDefinition"].as<uint32_t>();
    table->children = management["children"].as<std::vector<uint32_t>>();
    AppendCommon(ReadAttributes(management["attributes"], complex_types), without, table.get());
  } else {
    table->type = file["type"].as<uint32_t>();
    if (file["children"]) table->children = file["children"].as<std::vector<uint32_t>>();
  }
  for (AttributeRule& rule : ReadAttributes(file["attributes"], complex_types)) {
    table->attributes.push_back(std::move(rule));
  }
  BuildIndex(table.get());
  for (const auto& [one, other] : table->exclusive) {
    if (table->Find(one) == nullptr || table->Find(other) == nullptr) {
      throw BadTable(absl::StrCat("exclusive: unknown attribute in ", one, ", ", other));
    }
  }
  return table;
}

}  // namespace

absl::StatusOr<ResourceTables> TableLoader::Load(const std::vector<TableFile>& files) {
  ResourceTables tables;
  std::string current;
  try {
    std::map<std::string, YAML::Node> nodes;
    for (const TableFile& file : files) {
      current = file.name;
      nodes[file.name] = YAML::Load(file.text);
    }
    ComplexTypes complex_types;
    for (const auto& [name, node] : nodes) {
      current = name;
      if (node["complexTypes"]) ReadComplexTypes(node, &complex_types);
    }
    current = "common.yaml";
    if (nodes.count("common.yaml") == 0 || nodes.count("management_common.yaml") == 0) {
      throw BadTable("common.yaml and management_common.yaml are needed");
    }
    const std::vector<AttributeRule> universal = ReadAttributes(nodes["common.yaml"]["attributes"], complex_types);
    const YAML::Node management = nodes["management_common.yaml"];
    for (const auto& [name, node] : nodes) {
      current = name;
      if (name == "common.yaml" || name == "management_common.yaml" || node["complexTypes"]) continue;
      std::unique_ptr<ResourceTable> table = ReadTable(node, complex_types, universal, management);
      if (!tables.by_root_.emplace(table->root, table.get()).second) {
        throw BadTable(absl::StrCat("root ", table->root, " stands in another file too"));
      }
      if (table->type != kManagementObject) tables.by_type_[table->type] = table.get();
      tables.tables_.push_back(std::move(table));
    }
    current = "management_common.yaml";
    ResourceTable& self_defined = tables.self_defined_;
    self_defined.type = kManagementObject;
    self_defined.name = "mgmtObj";
    self_defined.clause = "TS-0004 7.4.15";
    self_defined.open = true;
    self_defined.children = management["children"].as<std::vector<uint32_t>>();
    AppendCommon(universal, {}, &self_defined);
    AppendCommon(ReadAttributes(management["attributes"], complex_types), {}, &self_defined);
    BuildIndex(&self_defined);
    for (const auto& table : tables.tables_) {
      for (const AttributeRule& rule : table->attributes) tables.names_.insert(rule.short_name);
    }
  } catch (const std::exception& problem) {
    return absl::InvalidArgumentError(absl::StrCat(current, ": ", problem.what()));
  }
  return tables;
}

}  // namespace isthmus::synchronizer
