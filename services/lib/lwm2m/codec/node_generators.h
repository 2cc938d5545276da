// Random definitions and nodes for properties (rapidcheck): every LwM2M type with the values at the edges of its range,
// single and multiple resources, several object instances.
//
//   rc::check([] {
//     const Definition definition = AnyDefinition();
//     const std::vector<v1::Node> nodes = AnyNodes(definition);
//     ...
//   });
//
// To be called within a property only: what is picked shrinks to the least that fails.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_NODE_GENERATORS_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_NODE_GENERATORS_H_

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "rapidcheck.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/lwm2m/value_text.h"

namespace isthmus::lwm2m::codec {

inline constexpr ResourceType kTypesOfValues[] = {
    ResourceType::kString, ResourceType::kInteger,    ResourceType::kUnsignedInteger,
    ResourceType::kFloat,  ResourceType::kBoolean,    ResourceType::kOpaque,
    ResourceType::kTime,   ResourceType::kObjectLink, ResourceType::kCoreLink};

struct DefinedResource {
  ResourceType type = ResourceType::kString;
  bool multiple = false;
};
struct Definition {
  uint32_t object_id = 0;
  std::map<uint32_t, DefinedResource> resources;  // by Resource ID
};

// Numbers of 16 bits: those with one octet, those with two, and the edges.
inline rc::Gen<uint32_t> Ids(uint32_t most = 65535) {
  return rc::gen::weightedOneOf<uint32_t>({{3, rc::gen::inRange<uint32_t>(0, 16)},
                                           {2, rc::gen::element<uint32_t>(0, 1, 255, 256, most - 1, most)},
                                           {1, rc::gen::inRange<uint32_t>(0, most + 1)}});
}

inline rc::Gen<int64_t> Integers() {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();
  return rc::gen::weightedOneOf<int64_t>(
      {{2, rc::gen::element<int64_t>(0, 1, -1, 23, 24, 127, 128, 255, 256, -24, -25, -128, -129, 32767, 32768, -32768,
                                     -32769, 65535, 65536, 2147483647, 2147483648, -2147483648, -2147483649, 4294967295,
                                     4294967296, 9007199254740993, -9007199254740993, kLeast, kLeast + 1, kMost,
                                     kMost - 1)},
       {1, rc::gen::inRange<int64_t>(-1000, 1000)},
       {2, rc::gen::arbitrary<int64_t>()}});
}

inline rc::Gen<double> Floats() {
  using Limits = std::numeric_limits<double>;
  return rc::gen::map(
      rc::gen::weightedOneOf<double>(
          {{2, rc::gen::element<double>(0.0, 1.0, -1.0, 0.5, -0.5, 0.1, 21.5, 80.0, 1e22, -1e22, 1e300, 1e-300,
                                        16777217.0, 9007199254740993.0, 9223372036854775808.0, 18446744073709551616.0,
                                        -9223372036854775808.0, 1.2345678901234567e19, Limits::max(), -Limits::max(),
                                        Limits::min(), Limits::denorm_min(), Limits::epsilon(),
                                        static_cast<double>(std::numeric_limits<float>::max()),
                                        static_cast<double>(std::numeric_limits<float>::denorm_min()))},
           {1, rc::gen::map(rc::gen::inRange(-100000, 100000), [](int number) { return number / 100.0; })},
           {2, rc::gen::arbitrary<double>()},
           {2, rc::gen::map(rc::gen::arbitrary<uint64_t>(),
                            [](uint64_t bits) {
                              return std::ldexp(static_cast<double>(bits), -static_cast<int>(bits % 1100));
                            })}}),
      // The sign of a zero is lost where a number is written as an integer; nobody measures with it.
      [](double number) { return std::isfinite(number) && number != 0 ? number : 0.0; });
}

// Times of resources: the years 1 to 9999.
inline rc::Gen<int64_t> Times() {
  return rc::gen::weightedOneOf<int64_t>({{1, rc::gen::element<int64_t>(0, 1, -1, 1701172800, 2147483647, 2147483648,
                                                                        4294967296, kEarliestTime, kLatestTime)},
                                          {1, rc::gen::inRange<int64_t>(kEarliestTime, kLatestTime + 1)}});
}

inline rc::Gen<std::string> Octets() {
  const auto any = rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  return rc::gen::weightedOneOf<std::string>(
      {{3, any},
       {1, rc::gen::element<std::string>("", std::string(1, '\0'), "\xFF\xFE", std::string(7, '\x80'),
                                         std::string(8, 'A'), std::string(255, 'B'), std::string(256, 'C'))},
       // Shrinking 64 kB takes for ever, so that only the length is picked.
       {1, rc::gen::map(rc::gen::inRange<size_t>(0, 70000), [](size_t size) { return std::string(size, '\x9C'); })}});
}

inline rc::Gen<std::string> Texts() {
  return rc::gen::weightedOneOf<std::string>(
      {{3, rc::gen::container<std::string>(rc::gen::inRange<char>(' ', 127))},
       {3, rc::gen::element<std::string>("", " ", "0", "-1", "1e3", "true", "3:0", "null", "QUJD", "\"\\\n\t\r",
                                         std::string("a\0b", 3), "\x01\x1F\x7F", "\xC3\xA4", "\xE2\x82\xAC",
                                         "\xF0\x9F\x98\x80", "\xEF\xBB\xBFmarked", "\xEF\xBF\xBF",
                                         std::string(300, 'x'))}});
}

inline rc::Gen<std::string> CoreLinks() {
  return rc::gen::element<std::string>("", "</3/0>", "</3/0>;ver=1.1,</6>", "</a>;rt=\"x,y;z\";if=\"\\\"\"",
                                       "</%C3%A4>");
}

inline v1::Value AnyValue(ResourceType type) {
  v1::Value value;
  switch (type) {
    case ResourceType::kString:
      value.set_text(*Texts());
      break;
    case ResourceType::kInteger:
      value.set_integer(*Integers());
      break;
    case ResourceType::kUnsignedInteger: {
      const auto number = static_cast<uint64_t>(*Integers());
      // As v1::Value says: what fits `integer` is there.
      if (number >> 63 == 0) {
        value.set_integer(static_cast<int64_t>(number));
      } else {
        value.set_unsigned_integer(number);
      }
      break;
    }
    case ResourceType::kFloat:
      value.set_floating(*Floats());
      break;
    case ResourceType::kBoolean:
      value.set_boolean(*rc::gen::arbitrary<bool>());
      break;
    case ResourceType::kOpaque:
      value.set_opaque(*Octets());
      break;
    case ResourceType::kTime:
      value.set_time(*Times());
      break;
    case ResourceType::kObjectLink:
      value.mutable_object_link()->set_object_id(*Ids());
      value.mutable_object_link()->set_object_instance_id(*Ids());
      break;
    case ResourceType::kCoreLink:
      value.set_core_link(*CoreLinks());
      break;
    case ResourceType::kNone:
      break;
  }
  return value;
}

inline Definition AnyDefinition() {
  Definition definition;
  definition.object_id = *Ids();
  for (const uint32_t id : *rc::gen::nonEmpty(rc::gen::container<std::set<uint32_t>>(Ids()))) {
    DefinedResource& resource = definition.resources[id];
    resource.type =
        *rc::gen::elementOf(std::vector<ResourceType>(std::begin(kTypesOfValues), std::end(kTypesOfValues)));
    resource.multiple = *rc::gen::weightedElement<bool>({{3, false}, {1, true}});
  }
  return definition;
}

// Values of some resources of some instances, in the order of their paths. May be empty.
inline std::vector<v1::Node> AnyNodes(const Definition& definition) {
  std::vector<v1::Node> nodes;
  const auto add = [&nodes](v1::Path path, ResourceType type) {
    v1::Node& node = nodes.emplace_back();
    *node.mutable_path() = std::move(path);
    *node.mutable_value() = AnyValue(type);
  };
  constexpr uint32_t kLastInstance = 65534;
  const auto some = [](int most, uint32_t last) {
    return rc::gen::mapcat(rc::gen::inRange(0, most + 1), [last](int count) {
      return rc::gen::map(rc::gen::container<std::vector<uint32_t>>(static_cast<size_t>(count), Ids(last)),
                          [](const std::vector<uint32_t>& ids) { return std::set<uint32_t>(ids.begin(), ids.end()); });
    });
  };
  for (const uint32_t instance : *some(3, kLastInstance)) {
    for (const auto& [id, resource] : definition.resources) {
      if (!*rc::gen::weightedElement<bool>({{3, true}, {1, false}})) continue;
      if (!resource.multiple) {
        add(MakePath(definition.object_id, instance, id), resource.type);
        continue;
      }
      for (const uint32_t resource_instance : *some(3, 65535)) {
        add(MakePath(definition.object_id, instance, id, resource_instance), resource.type);
      }
    }
  }
  return nodes;
}

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_NODE_GENERATORS_H_
