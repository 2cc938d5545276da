// The mapping tables and object definitions as loaded: plain immutable data, made by loader.h.
//
//   std::shared_ptr<const MappingTable> table = ...;
//   const ResourceMapping* battery = table->FindMapping("m2m:bat");
//   const AttributeMapping* level = battery->Find("btl");          // level->resource_id == 9
//   const ObjectDefinition* device = table->FindObject(3, "1.1");  // the nearest version
//
// What each field means stands in data/README.md. A table never changes once it is made: any number of threads may read
// it, and it is passed around as a shared_ptr to const.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_MAPPING_TABLE_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_MAPPING_TABLE_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/lwm2m/typed_value.h"

namespace isthmus::translation {

// Numbers from `first` to `last`, both included.
struct Interval {
  int64_t first = std::numeric_limits<int64_t>::min();
  int64_t last = std::numeric_limits<int64_t>::max();

  bool Contains(int64_t number) const { return first <= number && number <= last; }
  // "0..100", "2..", "7".
  std::string ToString() const;
};

using IntervalSet = std::vector<Interval>;
bool Contains(const IntervalSet& set, int64_t number);

// ---- LwM2M objects -------------------------------------------------------------------------------------------------

struct ResourceDefinition {
  uint32_t id = 0;
  std::string name;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool multiple = false;
  bool mandatory = false;
  lwm2m::ResourceType type = lwm2m::ResourceType::kString;
  std::optional<Interval> range;  // of a number; of a string: of its length in octets
  std::string unit;
};

struct ObjectDefinition {
  uint32_t id = 0;
  std::string name;
  std::string version;  // "1.0"
  std::string urn;      // without version
  bool multiple = false;
  bool mandatory = false;
  std::vector<ResourceDefinition> resources;  // in the order of their ids, which Find relies on

  const ResourceDefinition* Find(uint32_t resource_id) const;
};

// ---- mappings ------------------------------------------------------------------------------------------------------

// Type of an attribute on the oneM2M side.
enum class AttributeType {
  kString,
  kUri,
  kBoolean,
  kInteger,
  kUnsigned,
  kFloat,
  kTimestamp,
  kBase64,
  kLink,       // "2050:0"
  kReference,  // another <mgmtObj> of the node, by the element of its objectPaths: "/2050/0"
  kMgmtLinks,  // list of m2m:mgmtLinkRef, from several resources
  kStatus,
  kAny,  // of a resource that no definition tells: what its value is
};
// "string", "m2m:timestamp" ...: as messages and listings call it.
absl::string_view TypeName(AttributeType type);

enum class Access { kLocal, kRead, kReadWrite, kWrite, kExecute };

// m2m:status.
enum Status : int64_t { kUninitialized = 0, kSuccessful = 1, kFailure = 2, kInProcess = 3 };

struct BitRule {
  int64_t mask = 0;
  int64_t equals = 0;
  int64_t gives = 0;
};

// One rule of an action status; see data/README.md.
struct StatusRule {
  std::optional<IntervalSet> state;
  std::optional<IntervalSet> result;
  std::optional<IntervalSet> kept;  // of the kept status; the attribute must be there unless kept_none
  bool kept_none = false;           // matches when the resource has no such attribute
  std::optional<std::string> kept_action;
  std::optional<int64_t> status;      // absent = keep
  std::optional<std::string> action;  // absent = keep
};

struct StatusConversion {
  uint32_t state_id = 0;
  std::optional<uint32_t> result_id;
  std::vector<StatusRule> rules;
};

// At most one member is set (or none: the types say it).
struct Conversion {
  std::optional<int64_t> offset;
  std::optional<int64_t> scale;
  std::vector<std::pair<int64_t, int64_t>> map;  // LwM2M, oneM2M
  std::vector<BitRule> bits;
  bool decimal = false;                             // a number that LwM2M writes as text
  std::vector<std::pair<std::string, bool>> words;  // texts of words, each word a boolean of the list
  std::optional<StatusConversion> status;
};

// A resource whose object links are members of a mgmtLink, and the <mgmtObj> that they name.
struct LinkSource {
  uint32_t resource_id = 0;
  std::string name;              // `nm`
  uint32_t mgmt_definition = 0;  // `typ`
};

struct ActionPrecondition {
  uint32_t resource_id = 0;
  std::vector<int64_t> values;
  std::vector<int64_t> failure_values;
  std::string description;
};

// The status attribute that an action (or a value that starts one) moves, and where to.
struct StatusEffect {
  std::string attribute;
  int64_t status = 0;
};

struct AttributeMapping {
  std::string short_name;
  std::string long_name;
  Access access = Access::kLocal;
  uint32_t resource_id = 0;  // not of kLocal, not of kStatus, not of kMgmtLinks
  AttributeType type = AttributeType::kString;
  bool list = false;
  std::optional<size_t> length;     // of a list that has always so many members
  std::vector<LinkSource> sources;  // of kMgmtLinks
  std::optional<Interval> range;
  std::optional<onem2m::v1::Value> fallback;
  bool observe = false;
  Conversion conversion;
  // Of actions.
  bool reads = false;
  bool reboots = false;
  std::optional<ActionPrecondition> precondition;
  std::optional<StatusEffect> sets;
  std::vector<std::string> refreshes;
  std::string clause;  // of the mapping when the entry has none of its own

  bool is_action() const { return access == Access::kExecute; }
  bool is_status() const { return type == AttributeType::kStatus; }
  bool is_links() const { return type == AttributeType::kMgmtLinks; }
  bool readable() const { return access == Access::kRead || access == Access::kReadWrite; }
  bool writable() const { return access == Access::kWrite || access == Access::kReadWrite; }
  // Resources that are read for it: one, State and Result of a status, or the sources of links.
  absl::InlinedVector<uint32_t, 2> ReadIds() const;
  // The first of the resources that it is mapped to.
  uint32_t FirstId() const;
};

// What a DELETE of the <mgmtObj> does on the device.
enum class DeleteEffect { kNothing, kInstance, kWrite };

struct ResourceMapping {
  std::string name;  // resource name of what a device gets
  uint32_t mgmt_definition = 0;
  std::string root;
  std::string object_urn;  // without version
  uint32_t object_id = 0;
  std::string clause;
  DeleteEffect delete_effect = DeleteEffect::kNothing;
  std::string delete_attribute;  // kWrite
  std::string delete_value;
  std::vector<std::pair<std::string, std::string>> exclusive;
  bool partial = false;  // the object is a self-defined <mgmtObj> as well
  std::vector<AttributeMapping> attributes;

  const AttributeMapping* Find(absl::string_view short_name) const;
};

// ---- all of it -----------------------------------------------------------------------------------------------------

class MappingTable {
 public:
  MappingTable() = default;
  // `mappings` have distinct roots, `objects` distinct (id, version); the loader sees to it. `generic` has an entry for
  // each of `objects`, in their order, or none.
  MappingTable(std::string version, std::vector<ObjectDefinition> objects, std::vector<ResourceMapping> mappings,
               std::vector<ResourceMapping> generic = {});

  // Equal for equal data, different for different data.
  const std::string& version() const { return version_; }
  // In the order of their mgmtDefinition numbers.
  const std::vector<ResourceMapping>& mappings() const { return mappings_; }
  // What each object is where no mapping has to do with it (generic_mapping.h), in the order of objects().
  const std::vector<ResourceMapping>& generic_mappings() const { return generic_; }
  // Of the version that FindObject finds; null when the object is unknown.
  const ResourceMapping* FindGenericMapping(uint32_t object_id, absl::string_view version) const;
  // Is there a mapping on this object that is not partial?
  bool IsMapped(uint32_t object_id) const;
  // In the order of their ids and versions.
  const std::vector<ObjectDefinition>& objects() const { return objects_; }
  const ResourceMapping* FindMapping(absl::string_view root) const;
  const ResourceMapping* FindMapping(uint32_t mgmt_definition) const;
  // The definition of this version or of the nearest one, of two equally near the newer; "" is 1.0. Null when the
  // object is unknown.
  const ObjectDefinition* FindObject(uint32_t id, absl::string_view version) const;
  // A resource in the nearest version that has it.
  const ResourceDefinition* FindResource(uint32_t object_id, absl::string_view version, uint32_t resource_id) const;

 private:
  std::string version_;
  std::vector<ObjectDefinition> objects_;
  std::vector<ResourceMapping> mappings_;
  std::vector<ResourceMapping> generic_;
};

// "urn:oma:lwm2m:oma:3:1.2" -> "urn:oma:lwm2m:oma:3" and "1.2"; the version is "" when there is none.
struct ObjectUrn {
  std::string base;
  std::string version;
};
ObjectUrn SplitUrn(absl::string_view urn);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_MAPPING_TABLE_H_
