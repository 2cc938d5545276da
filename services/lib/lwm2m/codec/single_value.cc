#include "services/lib/lwm2m/codec/single_value.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::lwm2m::codec {

absl::StatusOr<std::vector<v1::Node>> DecodeSingleValue(uint32_t content_format, absl::string_view format_name,
                                                        absl::string_view payload, const v1::Path& path) {
  if (!path.has_resource_id()) {
    return absl::InvalidArgumentError(
        absl::StrCat(format_name, ": it carries a single value, but ", PathToString(path), " is no resource"));
  }
  std::vector<v1::Node> nodes(1);
  *nodes[0].mutable_path() = path;
  v1::RawValue* raw = nodes[0].mutable_value()->mutable_raw();
  raw->set_octets(payload.data(), payload.size());
  raw->set_content_format(content_format);
  return nodes;
}

absl::StatusOr<const v1::Value*> SingleValue(absl::string_view format_name, const std::vector<const v1::Node*>& nodes,
                                             const v1::Path& path) {
  if (nodes.size() != 1 || !Equal(nodes[0]->path(), path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(format_name, ": it carries exactly one value, at ", PathToString(path), " itself"));
  }
  return &nodes[0]->value();
}

}  // namespace isthmus::lwm2m::codec
