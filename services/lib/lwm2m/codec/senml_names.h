// SenML records that name paths and carry no values: what a Read-Composite asks for. Internal to the codec.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_NAMES_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

std::string EncodeSenMlJsonNames(const std::vector<v1::Path>& paths, absl::string_view root_path);
std::string EncodeSenMlCborNames(const std::vector<v1::Path>& paths, absl::string_view root_path);

// INVALID_ARGUMENT when the payload is no list of records, or a name is no path.
absl::StatusOr<std::vector<v1::Path>> DecodeSenMlJsonNames(absl::string_view payload, absl::string_view root_path);
absl::StatusOr<std::vector<v1::Path>> DecodeSenMlCborNames(absl::string_view payload, absl::string_view root_path);

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_NAMES_H_
