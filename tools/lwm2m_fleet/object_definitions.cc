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
ResourceDefinition WritableMultiple(uint16_t object, uint16_t resource, Type type) {
  return {object, resource, type, true, true, true};
}
ResourceDefinition Execute(uint16_t object, uint16_t resource) {
  return {object, resource, Type::kNone, false, false, false};
}

}  // namespace

const std::vector<ObjectDefinition>& Objects() {
  static const auto* const objects = new std::vector<ObjectDefinition>{
      {1, "1.1"},          {3, "1.1"},          {4, "1.2"},          {5, "1.1"},          {9, "1.0", true},
      {15, "2.0", true},   {20, "2.1", true},   {2048, "1.0", true}, {2049, "1.0", true}, {2050, "1.0", true},
      {2051, "1.0", true}, {2052, "1.0", true}, {2053, "1.0", true}, {2054, "1.0", true}, {2055, "1.0", true},
      {2056, "1.0", true}, {2057, "1.0", true}, {3303, "1.1"}};
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
      // Software Management
      Read(9, 0, Type::kString), Read(9, 1, Type::kString), Write(9, 3, Type::kString), Execute(9, 4), Execute(9, 6),
      Read(9, 7, Type::kInteger), Read(9, 9, Type::kInteger), Execute(9, 10), Execute(9, 11),
      Read(9, 12, Type::kBoolean),
      // DevCapMgmt
      Read(15, 0, Type::kString), Read(15, 1, Type::kInteger), Read(15, 2, Type::kString), Read(15, 3, Type::kBoolean),
      Read(15, 4, Type::kBoolean), Execute(15, 5), Execute(15, 6), ReadWrite(15, 7, Type::kBoolean),
      // Event Log
      ReadWrite(20, 4010, Type::kInteger), Execute(20, 4011), Execute(20, 4012), Read(20, 4013, Type::kInteger),
      Read(20, 4014, Type::kOpaque), ReadWrite(20, 4015, Type::kInteger),
      // CMDH: the policy and which is active
      ReadWrite(2048, 0, Type::kString), ReadWrite(2048, 1, Type::kObjectLink),
      WritableMultiple(2048, 2, Type::kObjectLink), WritableMultiple(2048, 3, Type::kObjectLink),
      WritableMultiple(2048, 4, Type::kObjectLink), ReadWrite(2049, 0, Type::kObjectLink),
      // its defaults
      WritableMultiple(2050, 0, Type::kObjectLink), WritableMultiple(2050, 1, Type::kObjectLink),
      ReadWrite(2051, 0, Type::kInteger), ReadWrite(2051, 1, Type::kString), WritableMultiple(2051, 2, Type::kString),
      ReadWrite(2051, 3, Type::kString), ReadWrite(2051, 4, Type::kBoolean), ReadWrite(2051, 5, Type::kString),
      WritableMultiple(2052, 0, Type::kInteger), ReadWrite(2052, 1, Type::kInteger), ReadWrite(2052, 2, Type::kInteger),
      ReadWrite(2052, 3, Type::kInteger), ReadWrite(2052, 4, Type::kInteger), ReadWrite(2052, 5, Type::kInteger),
      // its limits
      ReadWrite(2053, 0, Type::kInteger), WritableMultiple(2053, 1, Type::kString), ReadWrite(2053, 2, Type::kString),
      ReadWrite(2053, 3, Type::kBoolean), ReadWrite(2053, 4, Type::kString), WritableMultiple(2053, 5, Type::kInteger),
      WritableMultiple(2053, 6, Type::kInteger), WritableMultiple(2053, 7, Type::kInteger),
      WritableMultiple(2053, 8, Type::kInteger), WritableMultiple(2053, 9, Type::kInteger),
      WritableMultiple(2053, 10, Type::kString),
      // its network access rules, buffer, and back-off parameters
      WritableMultiple(2054, 0, Type::kInteger), WritableMultiple(2054, 1, Type::kObjectLink),
      WritableMultiple(2055, 0, Type::kString), ReadWrite(2055, 1, Type::kInteger), ReadWrite(2055, 2, Type::kInteger),
      ReadWrite(2055, 3, Type::kObjectLink), ReadWrite(2055, 4, Type::kString),
      WritableMultiple(2055, 5, Type::kString), WritableMultiple(2056, 0, Type::kInteger),
      ReadWrite(2056, 1, Type::kInteger), ReadWrite(2056, 2, Type::kInteger), ReadWrite(2057, 0, Type::kInteger),
      ReadWrite(2057, 1, Type::kInteger), ReadWrite(2057, 2, Type::kInteger), ReadWrite(2057, 3, Type::kInteger),
      WritableMultiple(2057, 4, Type::kInteger),
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
