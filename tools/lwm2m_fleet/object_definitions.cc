#include "tools/lwm2m_fleet/object_definitions.h"

#include <algorithm>
#include <tuple>

namespace isthmus::fleet {
namespace {

using Type = lwm2m::ResourceType;

ResourceDefinition Read(uint16_t object, uint16_t resource, Type type) {
  return {object, resource, type, true, false, false};
}
ResourceDefinition ReadWrite(uint16_t object, uint16_t resource, Type type) {
  return {object, resource, type, true, true, false};
}
ResourceDefinition Write(uint16_t object, uint16_t resource, Type type) {
  return {object, resource, type, false, true, false};
}
ResourceDefinition Multiple(uint16_t object, uint16_t resource, Type type) {
  return {object, resource, type, true, false, true};
}
ResourceDefinition Execute(uint16_t object, uint16_t resource) {
  return {object, resource, Type::kNone, false, false, false};
}

}  // namespace

const std::vector<ObjectDefinition>& Objects() {
  static const auto* const objects =
      new std::vector<ObjectDefinition>{{1, "1.1"}, {3, "1.1"}, {4, "1.2"}, {5, "1.1"}, {3303, "1.1"}};
  return *objects;
}

const std::vector<ResourceDefinition>& Resources() {
  static const auto* const resources = new std::vector<ResourceDefinition>{
      // LwM2M Server
      Read(1, 0, Type::kInteger), ReadWrite(1, 1, Type::kInteger), ReadWrite(1, 2, Type::kInteger),
      ReadWrite(1, 3, Type::kInteger), ReadWrite(1, 6, Type::kBoolean), ReadWrite(1, 7, Type::kString), Execute(1, 8),
      // Device
      Read(3, 0, Type::kString), Read(3, 1, Type::kString), Read(3, 2, Type::kString), Read(3, 3, Type::kString),
      Execute(3, 4), Execute(3, 5), Multiple(3, 6, Type::kInteger), Multiple(3, 7, Type::kInteger),
      Multiple(3, 8, Type::kInteger), Read(3, 9, Type::kInteger), Read(3, 10, Type::kInteger),
      Multiple(3, 11, Type::kInteger), Execute(3, 12), ReadWrite(3, 13, Type::kTime), ReadWrite(3, 14, Type::kString),
      ReadWrite(3, 15, Type::kString), Read(3, 16, Type::kString), Read(3, 17, Type::kString),
      Read(3, 18, Type::kString), Read(3, 19, Type::kString), Read(3, 20, Type::kInteger), Read(3, 21, Type::kInteger),
      // Connectivity Monitoring
      Read(4, 0, Type::kInteger), Multiple(4, 1, Type::kInteger), Read(4, 2, Type::kInteger),
      Read(4, 3, Type::kInteger), Multiple(4, 4, Type::kString), Multiple(4, 5, Type::kString),
      Multiple(4, 7, Type::kString), Read(4, 8, Type::kInteger),
      // Firmware Update
      Write(5, 0, Type::kOpaque), ReadWrite(5, 1, Type::kString), Execute(5, 2), Read(5, 3, Type::kInteger),
      Read(5, 5, Type::kInteger), Read(5, 6, Type::kString), Read(5, 7, Type::kString), Multiple(5, 8, Type::kInteger),
      Read(5, 9, Type::kInteger), Execute(5, 10),
      // Temperature
      Read(3303, 5601, Type::kFloat), Read(3303, 5602, Type::kFloat), Read(3303, 5603, Type::kFloat),
      Read(3303, 5604, Type::kFloat), Execute(3303, 5605), Read(3303, 5700, Type::kFloat),
      Read(3303, 5701, Type::kString), ReadWrite(3303, 5750, Type::kString)};
  return *resources;
}

const ResourceDefinition* FindResource(uint32_t object, uint32_t resource) {
  const std::vector<ResourceDefinition>& all = Resources();
  const auto at = std::lower_bound(all.begin(), all.end(), std::make_tuple(object, resource),
                                   [](const ResourceDefinition& a, const std::tuple<uint32_t, uint32_t>& b) {
                                     return std::make_tuple<uint32_t, uint32_t>(a.object, a.resource) < b;
                                   });
  return at != all.end() && at->object == object && at->resource == resource ? &*at : nullptr;
}

const ObjectDefinition* FindObject(uint32_t object) {
  for (const ObjectDefinition& definition : Objects()) {
    if (definition.object == object) return &definition;
  }
  return nullptr;
}

}  // namespace isthmus::fleet
