#include "services/synchronizer/core/tables/resource_tables.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/synchronizer/core/tables/embedded_tables.h"
#include "services/synchronizer/core/tables/table_loader.h"

namespace isthmus::synchronizer {

bool IsStandardResourceType(uint32_t type) {
  const uint32_t original = type > 10000 ? type - 10000 : type;
  if (original >= 1 && original <= 51) return true;
  return original == 58 || original == 60 || (original >= 62 && original <= 66);
}

bool IsStandardManagementDefinition(int64_t definition) {
  return definition == 0 || (definition >= 1001 && definition <= 1031);
}

std::string AttributeRule::Expected() const {
  std::string what;
  switch (type) {
    case AttributeType::kText:
      what = choices.empty() ? "a text" : absl::StrCat("one of ", absl::StrJoin(choices, ", "));
      break;
    case AttributeType::kBoolean:
      what = "true or false";
      break;
    case AttributeType::kUnsigned:
      what = "an unsigned integer";
      break;
    case AttributeType::kInteger:
      what = "an integer";
      break;
    case AttributeType::kNumber:
      what = "a number";
      break;
    case AttributeType::kTimestamp:
      what = "a timestamp YYYYMMDDThhmmss";
      break;
    case AttributeType::kComplex: {
      std::vector<std::string> names;
      for (const AttributeRule& member : *members) {
        if (!member.unsupported) names.push_back(member.short_name);
      }
      what = absl::StrCat("an object of ", absl::StrJoin(names, ", "));
      break;
    }
    case AttributeType::kAny:
      what = "a value";
      break;
  }
  const bool bounded_below = low != std::numeric_limits<int64_t>::min();
  const bool bounded_above = high != std::numeric_limits<int64_t>::max();
  if (bounded_below || bounded_above) {
    absl::StrAppend(&what, " of ", bounded_below ? absl::StrCat(low) : "", "..",
                    bounded_above ? absl::StrCat(high) : "");
  }
  if (!list) return what;
  if (minimum_members > 0) return absl::StrCat("a list with at least ", minimum_members, " member, each ", what);
  return absl::StrCat("a list, each member ", what);
}

const AttributeRule* ResourceTable::Find(absl::string_view short_name) const {
  const auto found = index.find(short_name);
  return found == index.end() ? nullptr : &attributes[found->second];
}

bool ResourceTable::AllowsChild(uint32_t child_type) const {
  return std::find(children.begin(), children.end(), child_type) != children.end();
}

bool ResourceTable::IsSingle(absl::string_view short_name) const {
  const AttributeRule* rule = Find(short_name);
  return rule != nullptr && rule->single;
}

bool ResourceTable::IsCommon(absl::string_view short_name) const {
  const AttributeRule* rule = Find(short_name);
  return rule != nullptr && rule->common;
}

const ResourceTables& ResourceTables::BuiltIn() {
  static const ResourceTables* const tables = [] {
    absl::StatusOr<ResourceTables> loaded = TableLoader::Load(EmbeddedTables());
    if (!loaded.ok()) {
      std::fprintf(stderr, "attribute tables: %s\n", std::string(loaded.status().message()).c_str());
      std::abort();
    }
    return new ResourceTables(*std::move(loaded));
  }();
  return *tables;
}

const ResourceTable* ResourceTables::ByType(uint32_t type) const {
  const auto found = by_type_.find(type);
  return found == by_type_.end() ? nullptr : found->second;
}

const ResourceTable* ResourceTables::ByRoot(absl::string_view root) const {
  const auto found = by_root_.find(root);
  return found == by_root_.end() ? nullptr : found->second;
}

const ResourceTable& ResourceTables::Of(uint32_t type, absl::string_view root) const {
  const ResourceTable* table = type == kManagementObject ? ByRoot(root) : ByType(type);
  return table != nullptr && table->type == type ? *table : self_defined_;
}

std::vector<uint32_t> ResourceTables::types() const {
  std::vector<uint32_t> types = {kManagementObject};
  for (const auto& [type, table] : by_type_) types.push_back(type);
  std::sort(types.begin(), types.end());
  return types;
}

}  // namespace isthmus::synchronizer
