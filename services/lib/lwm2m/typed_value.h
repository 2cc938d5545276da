// Gives a value the type that its object definition says.
//
//   ASSIGN_OR_RETURN(const v1::Value level, lwm2m::TypeValue(node.value(), ResourceType::kInteger));
//
// TLV and text carry octets without a type, and what SenML and JSON call a number may be any of Integer, Unsigned
// Integer, Float, Time and Boolean. Every range is checked here once, so that a value that came through can be shown:
// finite, valid UTF-8, a time between the years 1 and 9999. Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_TYPED_VALUE_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_TYPED_VALUE_H_

#include <string>

#include "absl/status/statusor.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m {

// Types of LwM2M Core annex C. kNone is the "none" of executable resources.
enum class ResourceType {
  kString,
  kInteger,
  kUnsignedInteger,
  kFloat,
  kBoolean,
  kOpaque,
  kTime,
  kObjectLink,
  kCoreLink,
  kNone,
};

// "String", "Unsigned Integer", ...
std::string ResourceTypeName(ResourceType type);

// The value as `type`; INVALID_ARGUMENT says what came and what was expected. Accepted besides the type itself:
//   Integer, Unsigned Integer  integral numbers of any shape (80.0, "1e2"); TLV of 1, 2, 4 or 8 octets, for Unsigned
//                              Integer without a sign, which takes a leading zero octet as well
//   Float                      integers; TLV of 4 or 8 octets
//   Boolean                    0 and 1
//   Time                       seconds as an integral number; RFC 3339 text where the format says that it is text
//   Opaque                     base64 in text
//   Objlnk                     "3:0" in text; TLV of 4 octets
// An Unsigned Integer comes back as `integer` when it fits there, as v1::Value wants it.
absl::StatusOr<v1::Value> TypeValue(const v1::Value& raw_or_typed, ResourceType type);

}  // namespace isthmus::lwm2m

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_TYPED_VALUE_H_
