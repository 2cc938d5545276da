// One value from one side to the other: by the types of the attribute and of the resource, and by the conversion that
// the mapping entry names.
//
//   ToOneM2m(battery_status, definition, {integer: 1})      == 2          (offset)
//   ToOneM2m(system_time, definition, {raw: 65 65 D6 40})   == "20231128T120000"
//   ToLwm2m(system_time, definition, "20231128T120000")     == {time: 1701172800}
//
// Pure functions: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_CONVERSION_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_CONVERSION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// A value of the device; a list, when one value says several members. INVALID_ARGUMENT when it is not of the resource's
// type or has no counterpart; the message says what came and what was expected, without the attribute's name.
absl::StatusOr<onem2m::v1::Value> ToOneM2m(const AttributeMapping& attribute, const ResourceDefinition& resource,
                                           const lwm2m::v1::Value& value);

// A value for the device (a member, of a list attribute). INVALID_ARGUMENT when it is not of the attribute's type,
// OUT_OF_RANGE when the resource does not take it; the message names the attribute.
absl::StatusOr<lwm2m::v1::Value> ToLwm2m(const AttributeMapping& attribute, const ResourceDefinition& resource,
                                         const onem2m::v1::Value& value);

// All members of a list attribute: the values of the resource's instances in their order. As above, and
// INVALID_ARGUMENT when there are too few or too many.
absl::StatusOr<std::vector<lwm2m::v1::Value>> ListToLwm2m(const AttributeMapping& attribute,
                                                          const ResourceDefinition& resource,
                                                          const onem2m::v1::Value& list);

// The conversion in words, for example "oneM2M = LwM2M + 1".
std::string DescribeConversion(const AttributeMapping& attribute);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_CONVERSION_H_
