// What formats that carry one value have in common. Internal to the codec.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SINGLE_VALUE_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SINGLE_VALUE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

// `format_name` is for messages. One raw node at `path`, which has to be a resource or a resource instance.
absl::StatusOr<std::vector<v1::Node>> DecodeSingleValue(uint32_t content_format, absl::string_view format_name,
                                                        absl::string_view payload, const v1::Path& path);

// The only value of `nodes`, which lies exactly at `path`.
absl::StatusOr<const v1::Value*> SingleValue(absl::string_view format_name, const std::vector<const v1::Node*>& nodes,
                                             const v1::Path& path);

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SINGLE_VALUE_H_
