// SenML CBOR (Content-Format 112; RFC 8428 6, LwM2M Core 7.4.5). Internal to the codec; see codec.h.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_CBOR_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_CBOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m::codec {

// Values are typed; a String is `text`, whatever it is by its object definition.
// `root_path`: the alternate root of the device. Names may begin with it when they come, and do when they go.
absl::StatusOr<std::vector<v1::Node>> DecodeSenMlCbor(absl::string_view payload, const v1::Path& path, absl::Time now,
                                                      absl::string_view root_path);

// `nodes` are sorted by path and checked. Times are kept, their fraction as well as a double can (a quarter
// of a microsecond today).
absl::StatusOr<std::string> EncodeSenMlCbor(const std::vector<const v1::Node*>& nodes, const v1::Path& path,
                                            absl::string_view root_path);

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_SENML_CBOR_H_
