// Objects of a device, as registered -> the <mgmtObj> resources that it gets (TS-0005 6.2, 6.3.1).
//
//   </3>;ver=1.2,</3/0>,</5/0>  ->  firmware, memory, battery, deviceInfo, reboot; obis urn:oma:lwm2m:oma:3:1.2
//
// Pure function: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_DEVICE_DESCRIBER_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_DEVICE_DESCRIBER_H_

#include "absl/status/statusor.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// Attributes that oneM2M demands have their fallbacks, so that each resource is valid before it is read.
// INVALID_ARGUMENT names the field that makes no sense.
absl::StatusOr<v1::DescribeDeviceResponse> DescribeDevice(const MappingTable& table,
                                                          const v1::DescribeDeviceRequest& request);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_DEVICE_DESCRIBER_H_
