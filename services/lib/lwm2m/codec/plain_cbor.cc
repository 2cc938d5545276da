#include "services/lib/lwm2m/codec/plain_cbor.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/cbor/cbor.h"
#include "services/lib/lwm2m/codec/cbor_value.h"
#include "services/lib/lwm2m/codec/single_value.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {

absl::StatusOr<std::vector<v1::Node>> DecodePlainCbor(absl::string_view payload, const v1::Path& path, absl::Time) {
  if (!path.has_resource_id()) {
    return absl::InvalidArgumentError(
        absl::StrCat("CBOR: it carries a single value, but ", PathToString(path), " is no resource"));
  }
  ASSIGN_OR_RETURN(const cbor::Item item, cbor::Decode(payload));
  absl::StatusOr<v1::Value> value = FromCbor(item);
  if (!value.ok()) return absl::InvalidArgumentError(absl::StrCat("CBOR: ", value.status().message()));
  std::vector<v1::Node> nodes(1);
  *nodes[0].mutable_path() = path;
  *nodes[0].mutable_value() = *std::move(value);
  return nodes;
}

absl::StatusOr<std::string> EncodePlainCbor(const std::vector<const v1::Node*>& nodes, const v1::Path& path) {
  ASSIGN_OR_RETURN(const v1::Value* value, SingleValue("CBOR", nodes, path));
  return cbor::Encode(ToTaggedCbor(*value));
}

}  // namespace isthmus::lwm2m::codec
