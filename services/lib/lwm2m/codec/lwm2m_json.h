// LwM2M JSON (Content-Format 11543, LwM2M 1.0 6.4.4), which SenML JSON took the place of. Internal to the codec; see
// codec.h.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LWM2M_JSON_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LWM2M_JSON_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

// Values are typed; what has type Opaque comes as base64 in a `text`, for the format does not tell the two apart.
absl::StatusOr<std::vector<v1::Node>> DecodeLwm2mJson(absl::string_view payload, const v1::Path& path, absl::Time now);

// `nodes` are sorted by path and checked. Times are kept; what is read of their fraction is as good as a
// double (a quarter of a microsecond today).
absl::StatusOr<std::string> EncodeLwm2mJson(const std::vector<const v1::Node*>& nodes, const v1::Path& path);

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LWM2M_JSON_H_
