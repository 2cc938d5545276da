#include "services/translation/core/object_parser.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/translation/core/definition_rules.h"
#include "services/translation/core/mapping_table.h"
#include "services/translation/core/yaml_fields.h"

namespace isthmus::translation {
namespace {

// Of all objects of a file together: a few lines could name a group a million times.
constexpr size_t kMostResources = 100000;

ResourceDefinition ReadResource(const YamlValue& value) {
  value.AllowOnly({"id", "name", "operations", "multiple", "mandatory", "type", "range", "unit"});
  ResourceDefinition resource;
  resource.id = static_cast<uint32_t>(value.Require("id").Integer(0, kMaxId));
  resource.name = value.Require("name").Text();
  const YamlValue operations = value.Require("operations");
  const std::string letters = operations.Text();
  if (letters != "none") {
    const std::optional<OperationSet> set = ParseOperations(letters);
    if (letters.empty() || !set.has_value()) {
      operations.Fail("any of R, W, E, or none");
    } else {
      resource.readable = set->read;
      resource.writable = set->write;
      resource.executable = set->execute;
    }
  }
  resource.multiple = value.At("multiple").Boolean();
  resource.mandatory = value.At("mandatory").Boolean();
  using lwm2m::ResourceType;
  resource.type = Choose<ResourceType>(value.Require("type"), {{"string", ResourceType::kString},
                                                               {"integer", ResourceType::kInteger},
                                                               {"unsigned", ResourceType::kUnsignedInteger},
                                                               {"float", ResourceType::kFloat},
                                                               {"boolean", ResourceType::kBoolean},
                                                               {"opaque", ResourceType::kOpaque},
                                                               {"time", ResourceType::kTime},
                                                               {"objlnk", ResourceType::kObjectLink},
                                                               {"corelnk", ResourceType::kCoreLink},
                                                               {"none", ResourceType::kNone}});
  resource.range = ReadInterval(value.At("range"));
  resource.unit = value.At("unit").Text();
  return resource;
}

// What one object and each of many have in common.
ObjectDefinition ReadHead(const YamlValue& value, bool multiple) {
  ObjectDefinition object;
  object.id = static_cast<uint32_t>(value.Require("object").Integer(0, kMaxId));
  object.name = value.Require("name").Text();
  object.version = "1.0";
  if (const YamlValue version = value.At("version"); version.present()) {
    const std::optional<std::string> canonical = CanonicalVersion(version.Text());
    if (canonical.has_value()) {
      object.version = *canonical;
    } else {
      version.Fail("a version as \"1.0\"");
    }
  }
  object.urn = RegistryUrn(object.id);
  if (const YamlValue urn = value.At("urn"); urn.present()) {
    uint32_t urn_id = 0;
    object.urn = ReadObjectUrn(urn, &urn_id);
    if (urn_id != object.id) urn.Fail(absl::StrCat("the URN of object ", object.id));
  }
  object.multiple = value.At("multiple").present() ? value.At("multiple").Boolean() : multiple;
  return object;
}

ParsedObject ReadObject(const YamlValue& root) {
  root.AllowOnly({"object", "name", "version", "urn", "multiple", "mandatory", "resources"});
  ParsedObject parsed;
  parsed.where = root.At("object").Where();
  parsed.object = ReadHead(root, false);
  parsed.object.mandatory = root.At("mandatory").Boolean();
  std::set<uint32_t> ids;
  for (const YamlValue& item : root.Require("resources").Items()) {
    parsed.object.resources.push_back(ReadResource(item));
    if (!ids.insert(parsed.object.resources.back().id).second) item.At("id").Fail("an id that no resource above has");
  }
  SortResources(&parsed.object);
  return parsed;
}

// ---- many that share their resources -------------------------------------------------------------------------------

class Shared {
 public:
  explicit Shared(const YamlValue& root) {
    for (const YamlValue& item : root.Require("resources").Items()) {
      item.AllowOnly({"id", "name", "operations", "multiple", "type", "range", "unit"});
      ResourceDefinition resource = ReadResource(item);
      const uint32_t id = resource.id;
      if (!resources_.emplace(id, std::move(resource)).second) item.At("id").Fail("an id that no resource above has");
    }
    for (const auto& [name, ids] : root.At("groups").Members()) {
      uint32_t number = 0;
      if (name.empty() || absl::SimpleAtoi(name, &number)) ids.Fail("a group whose name is no number");
      std::vector<uint32_t>& group = groups_[name];
      for (const YamlValue& id : ids.Items()) {
        if (const std::optional<uint32_t> one = Id(id)) group.push_back(*one);
      }
    }
  }

  // Adds what a list of ids and groups names.
  void AddTo(const YamlValue& list, bool mandatory, ObjectDefinition* object, std::set<uint32_t>* seen) {
    for (const YamlValue& item : list.Items()) {
      const auto group = groups_.find(item.Scalar());
      if (group != groups_.end()) {
        for (const uint32_t id : group->second) Add(item, id, mandatory, object, seen);
      } else if (const std::optional<uint32_t> id = Id(item)) {
        Add(item, *id, mandatory, object, seen);
      }
      if (used_ > kMostResources) return;
    }
  }

 private:
  std::optional<uint32_t> Id(const YamlValue& value) const {
    uint32_t id = 0;
    if (absl::SimpleAtoi(value.Scalar(), &id) && resources_.count(id) > 0) return id;
    value.Fail("the id of a resource in this file, or a group of them");
    return std::nullopt;
  }

  void Add(const YamlValue& item, uint32_t id, bool mandatory, ObjectDefinition* object, std::set<uint32_t>* seen) {
    if (++used_ > kMostResources) {
      return item.Fail(absl::StrCat("at most ", kMostResources, " resources in the objects of a file"));
    }
    if (!seen->insert(id).second) return item.Fail(absl::StrCat("resource ", id, " once"));
    object->resources.push_back(resources_.at(id));
    object->resources.back().mandatory = mandatory;
  }

  std::map<uint32_t, ResourceDefinition> resources_;
  std::map<std::string, std::vector<uint32_t>> groups_;
  size_t used_ = 0;
};

std::vector<ParsedObject> ReadMany(const YamlValue& root) {
  root.AllowOnly({"resources", "groups", "multiple", "objects"});
  const bool multiple = root.At("multiple").Boolean();
  Shared shared(root);
  std::vector<ParsedObject> objects;
  std::set<std::pair<uint32_t, std::string>> seen;
  for (const YamlValue& item : root.At("objects").Items()) {
    item.AllowOnly({"object", "name", "version", "urn", "multiple", "required", "optional"});
    ParsedObject parsed;
    parsed.where = item.Where();
    parsed.object = ReadHead(item, multiple);
    if (!seen.emplace(parsed.object.id, parsed.object.version).second) {
      item.At("object").Fail("an object and version that is not above");
    }
    std::set<uint32_t> ids;
    shared.AddTo(item.At("required"), true, &parsed.object, &ids);
    shared.AddTo(item.At("optional"), false, &parsed.object, &ids);
    SortResources(&parsed.object);
    objects.push_back(std::move(parsed));
  }
  if (objects.empty()) root.At("objects").Fail("at least one object");
  return objects;
}

}  // namespace

bool IsObjectFile(const YamlValue& root) {
  return root.At("objects").present() || (root.At("object").present() && root.At("resources").present());
}

std::vector<ParsedObject> ReadObjects(const YamlValue& root) {
  if (root.At("objects").present()) return ReadMany(root);
  return {ReadObject(root)};
}

}  // namespace isthmus::translation
