// The attribute tables of the resource types that this CSE hosts (data/README.md), as plain immutable data.
//
//   const ResourceTables& tables = ResourceTables::BuiltIn();
//   const ResourceTable* battery = tables.ByRoot("m2m:bat");
//   const AttributeRule* level = battery->Find("btl");   // level->type == AttributeType::kUnsigned, 0..100
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_RESOURCE_TABLES_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_RESOURCE_TABLES_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"

namespace isthmus::synchronizer {

// m2m:resourceType (TS-0004 6.3.4.2.1) of what is hosted here.
enum ResourceType : uint32_t {
  kAccessControlPolicy = 1,
  kAe = 2,
  kCseBase = 5,
  kExecInstance = 8,
  kManagementCommand = 12,
  kManagementObject = 13,
  kNode = 14,
  kSubscription = 23,
};

// True for the numbers that TS-0004 gives a meaning, hosted here or not.
bool IsStandardResourceType(uint32_t type);
// True for the numbers that TS-0004 and TS-0022 give a meaning as mgmtDefinition.
bool IsStandardManagementDefinition(int64_t definition);

enum class Presence { kMandatory, kOptional, kNotPresent };
enum class AttributeType { kText, kBoolean, kUnsigned, kInteger, kNumber, kTimestamp, kComplex, kAny };

struct AttributeRule {
  std::string short_name, long_name;
  Presence create = Presence::kOptional;
  Presence update = Presence::kOptional;
  AttributeType type = AttributeType::kAny;
  bool list = false;
  int minimum_members = 0;
  int64_t low = std::numeric_limits<int64_t>::min();
  int64_t high = std::numeric_limits<int64_t>::max();
  std::vector<std::string> choices;
  // Members of a complex type; owned by the tables.
  std::shared_ptr<const std::vector<AttributeRule>> members;
  bool single = false;
  bool nullable = false;
  bool unsupported = false;
  // Its texts, or the `val` of its members, name other <mgmtObj> of the node.
  bool link = false;
  // One of those that every resource or every <mgmtObj> has: never of the device.
  bool common = false;
  std::optional<onem2m::v1::Value> initial;
  std::optional<onem2m::v1::Value> reads;

  // What the value has to be, in words: "an unsigned integer of 0..100".
  std::string Expected() const;
};

struct ResourceTable {
  uint32_t type = 0;
  uint32_t management_definition = 0;
  std::string name, root, clause;
  // Self-defined <mgmtObj> (mgmtDefinition 0): any attribute beside the common ones.
  bool open = false;
  std::vector<uint32_t> children;
  std::vector<std::pair<std::string, std::string>> exclusive;
  std::vector<AttributeRule> attributes;

  const AttributeRule* Find(absl::string_view short_name) const;
  bool AllowsChild(uint32_t child_type) const;
  // The resource always has it.
  bool IsSingle(absl::string_view short_name) const;
  // Universal or common to every <mgmtObj>.
  bool IsCommon(absl::string_view short_name) const;

  // Made by the loader, for Find.
  absl::flat_hash_map<std::string, size_t> index;
};

// Immutable, thread-safe.
class ResourceTables {
 public:
  // The embedded ones; aborts when they cannot be read, which a test of ours rules out.
  static const ResourceTables& BuiltIn();

  // Not for <mgmtObj>.
  const ResourceTable* ByType(uint32_t type) const;
  const ResourceTable* ByRoot(absl::string_view root) const;
  // Of a resource that is there: by its root, else the table of self-defined <mgmtObj>.
  const ResourceTable& Of(uint32_t type, absl::string_view root) const;
  const ResourceTable& self_defined() const { return self_defined_; }
  // Hosted here.
  bool Implements(uint32_t type) const { return type == kManagementObject || ByType(type) != nullptr; }
  std::vector<uint32_t> types() const;
  // Any table has an attribute of this name.
  bool KnowsAttribute(absl::string_view short_name) const { return names_.contains(short_name); }

 private:
  friend class TableLoader;
  std::vector<std::unique_ptr<ResourceTable>> tables_;
  ResourceTable self_defined_;
  absl::flat_hash_map<std::string, const ResourceTable*> by_root_;
  absl::flat_hash_map<uint32_t, const ResourceTable*> by_type_;
  absl::flat_hash_set<std::string> names_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_TABLES_RESOURCE_TABLES_H_
