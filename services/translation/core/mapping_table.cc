#include "services/translation/core/mapping_table.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace isthmus::translation {
namespace {

// "1.2" -> {1, 2}; what is no version counts as 1.0. Every look-up comes through here: nothing is allocated.
std::pair<int, int> ParseVersion(absl::string_view text) {
  const size_t point = text.find('.');
  int major = 1;
  int minor = 0;
  if (point == absl::string_view::npos || !absl::SimpleAtoi(text.substr(0, point), &major) ||
      !absl::SimpleAtoi(text.substr(point + 1), &minor)) {
    return {1, 0};
  }
  return {major, minor};
}

// A change of the major version is further than any change of the minor one.
long Distance(absl::string_view a, absl::string_view b) {
  const auto [a_major, a_minor] = ParseVersion(a);
  const auto [b_major, b_minor] = ParseVersion(b);
  return std::labs(static_cast<long>(a_major) - b_major) * 100000 + std::labs(static_cast<long>(a_minor) - b_minor);
}

std::vector<ObjectDefinition>::const_iterator FirstVersion(const std::vector<ObjectDefinition>& sorted, uint32_t id) {
  return std::lower_bound(sorted.begin(), sorted.end(), id,
                          [](const ObjectDefinition& object, uint32_t wanted) { return object.id < wanted; });
}

}  // namespace

std::string Interval::ToString() const {
  if (first == last) return absl::StrCat(first);
  std::string text;
  if (first != std::numeric_limits<int64_t>::min()) absl::StrAppend(&text, first);
  absl::StrAppend(&text, "..");
  if (last != std::numeric_limits<int64_t>::max()) absl::StrAppend(&text, last);
  return text;
}

bool Contains(const IntervalSet& set, int64_t number) {
  return std::any_of(set.begin(), set.end(), [number](const Interval& interval) { return interval.Contains(number); });
}

const ResourceDefinition* ObjectDefinition::Find(uint32_t resource_id) const {
  const auto found = std::lower_bound(resources.begin(), resources.end(), resource_id,
                                      [](const ResourceDefinition& resource, uint32_t id) { return resource.id < id; });
  return found != resources.end() && found->id == resource_id ? &*found : nullptr;
}

absl::string_view TypeName(AttributeType type) {
  switch (type) {
    case AttributeType::kString:
      return "string";
    case AttributeType::kUri:
      return "URI";
    case AttributeType::kBoolean:
      return "boolean";
    case AttributeType::kInteger:
      return "integer";
    case AttributeType::kUnsigned:
      return "non-negative integer";
    case AttributeType::kFloat:
      return "number";
    case AttributeType::kTimestamp:
      return "m2m:timestamp";
    case AttributeType::kBase64:
      return "base64 text";
    case AttributeType::kLink:
      return "object link 'object:instance'";
    case AttributeType::kReference:
      return "element of objectPaths '/object/instance'";
    case AttributeType::kMgmtLinks:
      return "list of m2m:mgmtLinkRef";
    case AttributeType::kStatus:
      return "m2m:actionStatus";
    case AttributeType::kAny:
      return "text, number or boolean";
  }
  return "value";
}

absl::InlinedVector<uint32_t, 2> AttributeMapping::ReadIds() const {
  if (!readable()) return {};
  if (is_links()) {
    absl::InlinedVector<uint32_t, 2> ids;
    for (const LinkSource& source : sources) ids.push_back(source.resource_id);
    return ids;
  }
  if (!conversion.status.has_value()) return {resource_id};
  absl::InlinedVector<uint32_t, 2> ids = {conversion.status->state_id};
  if (conversion.status->result_id.has_value()) ids.push_back(*conversion.status->result_id);
  return ids;
}

uint32_t AttributeMapping::FirstId() const {
  if (is_status()) return conversion.status->state_id;
  return is_links() ? sources.front().resource_id : resource_id;
}

const AttributeMapping* ResourceMapping::Find(absl::string_view short_name) const {
  for (const AttributeMapping& attribute : attributes) {
    if (absl::string_view(attribute.short_name) == short_name) return &attribute;
  }
  return nullptr;
}

MappingTable::MappingTable(std::string version, std::vector<ObjectDefinition> objects,
                           std::vector<ResourceMapping> mappings, std::vector<ResourceMapping> generic)
    : version_(std::move(version)),
      objects_(std::move(objects)),
      mappings_(std::move(mappings)),
      generic_(std::move(generic)) {
  std::stable_sort(mappings_.begin(), mappings_.end(), [](const ResourceMapping& a, const ResourceMapping& b) {
    return a.mgmt_definition < b.mgmt_definition;
  });
  // Together: what is generic of an object stands where the object does.
  std::vector<std::pair<ObjectDefinition, ResourceMapping>> together;
  generic_.resize(objects_.size());
  for (size_t i = 0; i < objects_.size(); ++i) together.emplace_back(std::move(objects_[i]), std::move(generic_[i]));
  std::stable_sort(together.begin(), together.end(), [](const auto& a, const auto& b) {
    return a.first.id != b.first.id ? a.first.id < b.first.id
                                    : ParseVersion(a.first.version) < ParseVersion(b.first.version);
  });
  for (size_t i = 0; i < together.size(); ++i) {
    objects_[i] = std::move(together[i].first);
    generic_[i] = std::move(together[i].second);
  }
}

const ResourceMapping* MappingTable::FindMapping(absl::string_view root) const {
  for (const ResourceMapping& mapping : mappings_) {
    if (absl::string_view(mapping.root) == root) return &mapping;
  }
  return nullptr;
}

const ResourceMapping* MappingTable::FindMapping(uint32_t mgmt_definition) const {
  for (const ResourceMapping& mapping : mappings_) {
    if (mapping.mgmt_definition == mgmt_definition) return &mapping;
  }
  return nullptr;
}

const ResourceMapping* MappingTable::FindGenericMapping(uint32_t object_id, absl::string_view version) const {
  const ObjectDefinition* object = FindObject(object_id, version);
  const size_t index = object == nullptr ? generic_.size() : static_cast<size_t>(object - objects_.data());
  return index < generic_.size() ? &generic_[index] : nullptr;
}

bool MappingTable::IsMapped(uint32_t object_id) const {
  return std::any_of(mappings_.begin(), mappings_.end(), [object_id](const ResourceMapping& mapping) {
    return mapping.object_id == object_id && !mapping.partial;
  });
}

const ObjectDefinition* MappingTable::FindObject(uint32_t id, absl::string_view version) const {
  const ObjectDefinition* nearest = nullptr;
  for (auto object = FirstVersion(objects_, id); object != objects_.end() && object->id == id; ++object) {
    if (nearest == nullptr || Distance(object->version, version) <= Distance(nearest->version, version)) {
      nearest = &*object;
    }
  }
  return nearest;
}

const ResourceDefinition* MappingTable::FindResource(uint32_t object_id, absl::string_view version,
                                                     uint32_t resource_id) const {
  const ObjectDefinition* nearest = nullptr;
  for (auto object = FirstVersion(objects_, object_id); object != objects_.end() && object->id == object_id; ++object) {
    if (object->Find(resource_id) == nullptr) continue;
    if (nearest == nullptr || Distance(object->version, version) <= Distance(nearest->version, version)) {
      nearest = &*object;
    }
  }
  return nearest == nullptr ? nullptr : nearest->Find(resource_id);
}

ObjectUrn SplitUrn(absl::string_view urn) {
  const std::vector<absl::string_view> parts = absl::StrSplit(urn, ':');
  if (parts.size() != 6) return {std::string(urn), ""};
  const absl::string_view version = parts.back();
  return {std::string(urn.substr(0, urn.size() - version.size() - 1)), std::string(version)};
}

}  // namespace isthmus::translation
