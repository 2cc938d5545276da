#include "services/lib/lwm2m/codec/opaque.h"

#include "absl/status/status.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/single_value.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {

absl::StatusOr<std::vector<v1::Node>> DecodeOpaque(absl::string_view payload, const v1::Path& path, absl::Time) {
  return DecodeSingleValue(kOpaque, "opaque", payload, path);
}

absl::StatusOr<std::string> EncodeOpaque(const std::vector<const v1::Node*>& nodes, const v1::Path& path) {
  ASSIGN_OR_RETURN(const v1::Value* value, SingleValue("opaque", nodes, path));
  if (value->kind_case() != v1::Value::kOpaque) {
    return absl::InvalidArgumentError("opaque: the value is not of type Opaque");
  }
  return value->opaque();
}

}  // namespace isthmus::lwm2m::codec
