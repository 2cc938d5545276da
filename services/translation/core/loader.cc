#include "services/translation/core/loader.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/core/ddf.h"
#include "services/translation/core/generic_mapping.h"
#include "services/translation/core/parsed_source.h"
#include "services/translation/core/parser.h"

namespace isthmus::translation {
namespace {

// Part of the version: raised when the same data begins to mean something else.
constexpr absl::string_view kRules = "rules-2";

// FNV-1a: a name for the data, not a protection.
class Fingerprint {
 public:
  void Add(absl::string_view text) {
    for (const char c : text) {
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
    hash_ = (hash_ ^ 0x1ffu) * 0x100000001b3u;  // no octet: parts do not run into each other
  }
  std::string ToString() const { return absl::StrFormat("%016x", hash_); }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

bool IsXml(const Source& source) { return absl::EndsWithIgnoreCase(source.name, ".xml"); }

absl::StatusOr<ParsedSource> Parse(const Source& source) {
  if (IsXml(source)) return ParseDdf(source.name, source.text);
  return ParseYaml(source.name, source.text);
}

// What a value of a LwM2M type may become.
bool Fits(const AttributeMapping& attribute, lwm2m::ResourceType type) {
  using lwm2m::ResourceType;
  const bool whole = type == ResourceType::kInteger || type == ResourceType::kUnsignedInteger;
  if (attribute.conversion.decimal || !attribute.conversion.words.empty()) return type == ResourceType::kString;
  switch (attribute.type) {
    case AttributeType::kString:
    case AttributeType::kUri:
      return type == ResourceType::kString || type == ResourceType::kCoreLink;
    case AttributeType::kBoolean:
      if (!attribute.conversion.map.empty()) return whole;
      return type == (attribute.is_action() ? ResourceType::kNone : ResourceType::kBoolean);
    case AttributeType::kInteger:
    case AttributeType::kUnsigned:
      return whole;
    case AttributeType::kFloat:
      return whole || type == ResourceType::kFloat;
    case AttributeType::kTimestamp:
      return type == ResourceType::kTime;
    case AttributeType::kBase64:
      return type == ResourceType::kOpaque;
    case AttributeType::kLink:
    case AttributeType::kReference:
    case AttributeType::kMgmtLinks:
      return type == ResourceType::kObjectLink;
    case AttributeType::kStatus:
      return whole || type == ResourceType::kBoolean;
    case AttributeType::kAny:
      break;  // of no mapping file
  }
  return false;
}

// Whose definition of an object and version counts: the higher one. A file that a vendor published stays as it is, and
// what is wrong in it is put right beside it.
enum class Rank { kBuiltIn, kMountedXml, kMountedYaml };

struct PlacedObject {
  ObjectDefinition object;
  std::string where;
  Rank rank = Rank::kBuiltIn;
};

using ObjectKey = std::pair<uint32_t, std::string>;  // id, version

struct State {
  std::map<ObjectKey, PlacedObject> objects;
  std::vector<ParsedMapping> mappings;

  std::vector<const ObjectDefinition*> Versions(uint32_t id) const {
    std::vector<const ObjectDefinition*> versions;
    for (auto it = objects.lower_bound({id, ""}); it != objects.end() && it->first.first == id; ++it) {
      versions.push_back(&it->second.object);
    }
    return versions;
  }
};

absl::Status CheckAttribute(const State& state, const ParsedMapping& parsed, const AttributeMapping& attribute) {
  const auto where = parsed.attribute_where.find(attribute.short_name);
  const auto refuse = [&](absl::string_view key, absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(where == parsed.attribute_where.end() ? parsed.where : where->second,
                                                   ": key '", key, "': attribute ", attribute.short_name, ": ", why));
  };
  const std::vector<const ObjectDefinition*> versions = state.Versions(parsed.mapping.object_id);
  // Versions of an object may lack what others have; where the resource exists it must allow the access.
  const auto check_resource = [&](absl::string_view key, uint32_t id, const auto& allows, bool typed) -> absl::Status {
    bool found = false;
    for (const ObjectDefinition* object : versions) {
      const ResourceDefinition* resource = object->Find(id);
      if (resource == nullptr) continue;
      found = true;
      const std::string name = absl::StrCat("/", object->id, "/n/", id, " ", resource->name);
      if (!allows(*resource)) return refuse(key, absl::StrCat(name, " does not allow this access"));
      if (typed && !Fits(attribute, resource->type)) {
        return refuse("type", absl::StrCat(TypeName(attribute.type), " does not go with the type of ", name));
      }
      // Links come from single and multiple resources alike.
      if (typed && attribute.list != resource->multiple && !attribute.is_links()) {
        return refuse("list", "expected true for a multiple resource and false else");
      }
    }
    if (found) return absl::OkStatus();
    return refuse(key, absl::StrCat("expected a resource of object ", parsed.mapping.object_id, ", got ", id));
  };
  const auto readable = [](const ResourceDefinition& resource) { return resource.readable; };
  const auto writable = [](const ResourceDefinition& resource) { return resource.writable; };
  const auto executable = [](const ResourceDefinition& resource) { return resource.executable; };
  for (const uint32_t id : attribute.ReadIds()) {
    const char* const key = attribute.is_status() ? "conversion" : attribute.is_links() ? "sources" : "resource";
    RETURN_IF_ERROR(check_resource(key, id, readable, true));
    if (attribute.is_links() && attribute.writable()) RETURN_IF_ERROR(check_resource(key, id, writable, true));
  }
  if (attribute.writable()) {
    if (!attribute.is_links()) RETURN_IF_ERROR(check_resource("resource", attribute.resource_id, writable, true));
    if (!attribute.conversion.bits.empty()) return refuse("conversion", "bits convert one way only");
  }
  if (attribute.is_action()) RETURN_IF_ERROR(check_resource("resource", attribute.resource_id, executable, true));
  const Conversion& conversion = attribute.conversion;
  const bool whole = attribute.type == AttributeType::kInteger || attribute.type == AttributeType::kUnsigned;
  if ((conversion.offset || conversion.scale || !conversion.bits.empty() || conversion.decimal) && !whole) {
    return refuse("conversion", "offset, scale, bits and decimal are for whole numbers");
  }
  if (!conversion.map.empty() && !whole && (attribute.type != AttributeType::kBoolean || attribute.is_action())) {
    return refuse("conversion", "map is for whole numbers and booleans");
  }
  if (!conversion.words.empty() && (attribute.type != AttributeType::kBoolean || !attribute.list)) {
    return refuse("conversion", "words are for lists of booleans");
  }
  if (attribute.precondition.has_value()) {
    RETURN_IF_ERROR(check_resource("precondition", attribute.precondition->resource_id, readable, false));
  }
  if (attribute.sets.has_value()) {
    const AttributeMapping* status = parsed.mapping.Find(attribute.sets->attribute);
    if (status == nullptr || !status->is_status()) {
      return refuse("sets", absl::StrCat("expected a status attribute, got '", attribute.sets->attribute, "'"));
    }
  }
  for (const std::string& name : attribute.refreshes) {
    const AttributeMapping* other = parsed.mapping.Find(name);
    if (other == nullptr || !other->readable()) {
      return refuse("refreshes", absl::StrCat("expected an attribute that can be read, got '", name, "'"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckMapping(const State& state, const ParsedMapping& parsed) {
  const ResourceMapping& mapping = parsed.mapping;
  if (mapping.root == kGenericRoot) {
    return absl::InvalidArgumentError(absl::StrCat(parsed.where, ": key 'root': ", kGenericRoot,
                                                   " is of objects without a mapping, expected another one"));
  }
  const std::vector<const ObjectDefinition*> versions = state.Versions(mapping.object_id);
  if (versions.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(parsed.where, ": key 'object': no definition of object ", mapping.object_id, " is loaded"));
  }
  for (const auto& [first, second] : mapping.exclusive) {
    for (const std::string& name : {first, second}) {
      const AttributeMapping* action = mapping.Find(name);
      if (action == nullptr || !action->is_action()) {
        return absl::InvalidArgumentError(
            absl::StrCat(parsed.where, ": key 'exclusive': expected an action, got '", name, "'"));
      }
    }
  }
  if (mapping.delete_effect == DeleteEffect::kWrite) {
    const AttributeMapping* target = mapping.Find(mapping.delete_attribute);
    if (target == nullptr || !target->writable() ||
        (target->type != AttributeType::kString && target->type != AttributeType::kUri)) {
      return absl::InvalidArgumentError(
          absl::StrCat(parsed.where, ": key 'delete': expected a writable text, got '", mapping.delete_attribute, "'"));
    }
  }
  if (mapping.delete_effect == DeleteEffect::kInstance &&
      std::none_of(versions.begin(), versions.end(), [](const auto* object) { return object->multiple; })) {
    return absl::InvalidArgumentError(
        absl::StrCat(parsed.where, ": key 'delete': expected nothing for a single object, got 'instance'"));
  }
  for (const AttributeMapping& attribute : mapping.attributes) {
    RETURN_IF_ERROR(CheckAttribute(state, parsed, attribute));
  }
  return absl::OkStatus();
}

bool SameResource(const ResourceDefinition& a, const ResourceDefinition& b) {
  const auto members = [](const ResourceDefinition& resource) {
    const Interval range = resource.range.value_or(Interval{});
    return std::tuple(resource.id, resource.name, resource.readable, resource.writable, resource.executable,
                      resource.multiple, resource.mandatory, resource.type, range.first, range.last, resource.unit);
  };
  return members(a) == members(b);
}

bool Same(const ObjectDefinition& a, const ObjectDefinition& b) {
  return a.name == b.name && a.urn == b.urn && a.multiple == b.multiple && a.mandatory == b.mandatory &&
         std::equal(a.resources.begin(), a.resources.end(), b.resources.begin(), b.resources.end(), SameResource);
}

// Puts one into its place, unless a file of the same rank says something else.
absl::Status PlaceObject(const ParsedObject& parsed, Rank rank, State* state) {
  PlacedObject& placed = state->objects[{parsed.object.id, parsed.object.version}];
  if (!placed.where.empty() && placed.rank == rank && !Same(placed.object, parsed.object)) {
    return absl::InvalidArgumentError(absl::StrCat(parsed.where, ": ", placed.where, " defines object ",
                                                   parsed.object.id, " version ", parsed.object.version,
                                                   " already, and otherwise; expected one definition"));
  }
  placed = {parsed.object, parsed.where, rank};
  return absl::OkStatus();
}

// The mappings of this object still fit.
absl::Status CheckMappingsOf(const State& state, const ParsedObject& parsed) {
  for (const ParsedMapping& mapping : state.mappings) {
    if (mapping.mapping.object_id != parsed.object.id) continue;
    // The message of the check names the mapping's file; this one is the cause.
    const absl::Status status = CheckMapping(state, mapping);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(parsed.where, ": the definition does not fit a mapping: ", status.message()));
    }
  }
  return absl::OkStatus();
}

// All of them or none. The cost is that of these objects, however many are there already.
absl::Status AddObjects(const std::vector<ParsedObject>& parsed, Rank rank, State* state) {
  std::map<ObjectKey, std::optional<PlacedObject>> before;
  absl::Status status;
  for (size_t i = 0; i < parsed.size() && status.ok(); ++i) {
    const ObjectKey key(parsed[i].object.id, parsed[i].object.version);
    const auto existing = state->objects.find(key);
    before.emplace(key, existing == state->objects.end() ? std::nullopt : std::optional(existing->second));
    status = PlaceObject(parsed[i], rank, state);
  }
  std::set<uint32_t> checked;
  for (size_t i = 0; i < parsed.size() && status.ok(); ++i) {
    if (checked.insert(parsed[i].object.id).second) status = CheckMappingsOf(*state, parsed[i]);
  }
  if (status.ok()) return status;
  for (auto& [key, placed] : before) {
    if (placed.has_value()) {
      state->objects[key] = *std::move(placed);
    } else {
      state->objects.erase(key);
    }
  }
  return status;
}

// Adds to the mapping of this root, or a new one.
absl::Status AddMapping(const ParsedMapping& parsed, State* state) {
  for (const ParsedMapping& other : state->mappings) {
    if (other.mapping.root != parsed.mapping.root && other.mapping.name == parsed.mapping.name) {
      return absl::InvalidArgumentError(absl::StrCat(
          parsed.where, ": key 'mapping': expected a name that no other mapping has, got '", parsed.mapping.name, "'"));
    }
  }
  for (ParsedMapping& existing : state->mappings) {
    if (existing.mapping.root != parsed.mapping.root) continue;
    if (existing.mapping.mgmt_definition != parsed.mapping.mgmt_definition ||
        existing.mapping.object_urn != parsed.mapping.object_urn) {
      return absl::InvalidArgumentError(absl::StrCat(
          parsed.where, ": key 'root': ", parsed.mapping.root, " has mgmtDefinition ", existing.mapping.mgmt_definition,
          " and object ", existing.mapping.object_urn, " already; expected the same here"));
    }
    const ParsedMapping untouched = existing;
    std::vector<AttributeMapping> attributes = std::move(existing.mapping.attributes);
    std::vector<std::pair<std::string, std::string>> exclusive = std::move(existing.mapping.exclusive);
    for (const AttributeMapping& added : parsed.mapping.attributes) {
      const auto same = std::find_if(attributes.begin(), attributes.end(), [&](const AttributeMapping& attribute) {
        return attribute.short_name == added.short_name;
      });
      if (same != attributes.end()) {
        *same = added;
      } else {
        attributes.push_back(added);
      }
    }
    exclusive.insert(exclusive.end(), parsed.mapping.exclusive.begin(), parsed.mapping.exclusive.end());
    for (const auto& [name, where] : parsed.attribute_where) existing.attribute_where[name] = where;
    const ResourceMapping before = std::move(existing.mapping);
    existing.mapping = parsed.mapping;
    if (existing.mapping.delete_effect == DeleteEffect::kNothing) {
      existing.mapping.delete_effect = before.delete_effect;
      existing.mapping.delete_attribute = before.delete_attribute;
      existing.mapping.delete_value = before.delete_value;
    }
    existing.mapping.attributes = std::move(attributes);
    existing.mapping.exclusive = std::move(exclusive);
    existing.where = parsed.where;
    const absl::Status status = CheckMapping(*state, existing);
    if (!status.ok()) existing = untouched;
    return status;
  }
  RETURN_IF_ERROR(CheckMapping(*state, parsed));
  state->mappings.push_back(parsed);
  return absl::OkStatus();
}

}  // namespace

LoadResult Load(const std::vector<Source>& built_in, const std::vector<Source>& mounted) {
  LoadResult result;
  State state;
  Fingerprint fingerprint;
  fingerprint.Add(kRules);

  for (const std::vector<Source>* sources : {&built_in, &mounted}) {
    std::vector<std::pair<const Source*, ParsedSource>> parsed_sources;
    for (const Source& source : *sources) {
      absl::StatusOr<ParsedSource> parsed = Parse(source);
      if (parsed.ok()) {
        parsed_sources.emplace_back(&source, *std::move(parsed));
      } else {
        result.problems.emplace_back(parsed.status().message());
      }
    }
    // Definitions before mappings, of XML before those of YAML, which replace them.
    std::stable_sort(parsed_sources.begin(), parsed_sources.end(), [](const auto& a, const auto& b) {
      const auto place = [](const auto& entry) {
        return std::holds_alternative<ParsedMapping>(entry.second) ? 2 : IsXml(*entry.first) ? 0 : 1;
      };
      return place(a) < place(b);
    });
    for (const auto& [source, parsed] : parsed_sources) {
      const Rank rank = sources == &built_in ? Rank::kBuiltIn : IsXml(*source) ? Rank::kMountedXml : Rank::kMountedYaml;
      const auto* objects = std::get_if<std::vector<ParsedObject>>(&parsed);
      const absl::Status status =
          objects != nullptr ? AddObjects(*objects, rank, &state) : AddMapping(std::get<ParsedMapping>(parsed), &state);
      if (status.ok()) {
        fingerprint.Add(source->text);
      } else {
        result.problems.emplace_back(status.message());
      }
    }
  }

  std::vector<ObjectDefinition> objects;
  for (auto& [key, placed] : state.objects) objects.push_back(std::move(placed.object));
  std::vector<ResourceMapping> mappings;
  for (ParsedMapping& parsed : state.mappings) mappings.push_back(std::move(parsed.mapping));
  std::vector<ResourceMapping> generic;
  for (const ObjectDefinition& object : objects) generic.push_back(MakeGenericMapping(object));
  result.table = std::make_shared<const MappingTable>(fingerprint.ToString(), std::move(objects), std::move(mappings),
                                                      std::move(generic));
  return result;
}

}  // namespace isthmus::translation
