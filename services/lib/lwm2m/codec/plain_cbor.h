// CBOR (Content-Format 60, LwM2M Core 7.4.3): one value. Internal to the codec; see codec.h.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_PLAIN_CBOR_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_PLAIN_CBOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

// The value is typed.
absl::StatusOr<std::vector<v1::Node>> DecodePlainCbor(absl::string_view payload, const v1::Path& path, absl::Time now);

// `nodes` are sorted by path and checked.
absl::StatusOr<std::string> EncodePlainCbor(const std::vector<const v1::Node*>& nodes, const v1::Path& path);

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_PLAIN_CBOR_H_
