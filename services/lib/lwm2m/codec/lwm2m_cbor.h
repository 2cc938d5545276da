// LwM2M CBOR (Content-Format 11544, LwM2M Core 1.2 7.4.7): maps in maps, their keys the levels of the path. Internal to
// the codec; see codec.h.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LWM2M_CBOR_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LWM2M_CBOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

// Values are typed. Keys are levels, or lists of levels.
absl::StatusOr<std::vector<v1::Node>> DecodeLwm2mCbor(absl::string_view payload, const v1::Path& path, absl::Time now);

// `nodes` are sorted by path and checked.
absl::StatusOr<std::string> EncodeLwm2mCbor(const std::vector<const v1::Node*>& nodes, const v1::Path& path);

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_LWM2M_CBOR_H_
