// OMA LwM2M TLV (Content-Format 11542, LwM2M Core 7.4.4). Internal to the codec; see codec.h.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_TLV_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_TLV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

// Takes a level more than `path` asks for (a resource wrapped in its instance) and a level less where it is clear what
// is meant (an object without its instance level is instance 0, a resource's bare instances). Values are raw.
absl::StatusOr<std::vector<v1::Node>> DecodeTlv(absl::string_view payload, const v1::Path& path, absl::Time now);

// `nodes` are sorted by path and checked.
absl::StatusOr<std::string> EncodeTlv(const std::vector<const v1::Node*>& nodes, const v1::Path& path);

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_TLV_H_
