// Values of a device -> attributes of one resource: what a Read answered, or what a notification brought.
//
//   const Reading reading = ReadAttributes(target, resource.attributes(), MakePath(3, 0), nodes);
//   reading.attributes   // {btl: 80}
//   reading.missing      // bts: covered by the path, not among the nodes
//   reading.problems     // values that do not convert, each with its attribute
//
// Pure functions: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_READING_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_READING_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/translation/core/target.h"

namespace isthmus::translation {

using Nodes = google::protobuf::RepeatedPtrField<lwm2m::v1::Node>;

struct Reading {
  struct Problem {
    std::string attribute;
    std::string text;  // "btl (batteryLevel) from /3/0/9 Battery Level: 80.5 is no integer"
  };
  // As messages hold them, so that they become an answer without being copied.
  google::protobuf::RepeatedPtrField<onem2m::v1::Attribute> attributes;
  std::vector<std::string> missing;
  std::vector<Problem> problems;
};

// Attributes that can be read and whose resource is at or below `path`. `kept` are the attributes as the IN-CSE has
// them (a status is a step from what it was). Of several values for one path the one measured last counts.
Reading ReadAttributes(const Target& target, const onem2m::v1::Object& kept, const lwm2m::v1::Path& path,
                       const Nodes& nodes);

// The value that a Write to `path` gave an attribute, as the oneM2M side sees it; NOT_FOUND when it is not among the
// nodes. `kept` is what it was before, or null: a mgmtLink is written resource by resource.
absl::StatusOr<onem2m::v1::Value> WrittenValue(const Target& target, const AttributeMapping& attribute,
                                               const onem2m::v1::Value* kept, const lwm2m::v1::Path& path,
                                               const Nodes& nodes);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_READING_H_
