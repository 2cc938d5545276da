#include "services/lib/lwm2m/codec/text.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/single_value.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {

absl::StatusOr<std::vector<v1::Node>> DecodeText(absl::string_view payload, const v1::Path& path, absl::Time) {
  return DecodeSingleValue(kText, "text", payload, path);
}

absl::StatusOr<std::string> EncodeText(const std::vector<const v1::Node*>& nodes, const v1::Path& path) {
  ASSIGN_OR_RETURN(const v1::Value* value, SingleValue("text", nodes, path));
  switch (value->kind_case()) {
    case v1::Value::kText:
      return value->text();
    case v1::Value::kCoreLink:
      return value->core_link();
    case v1::Value::kInteger:
      return absl::StrCat(value->integer());
    case v1::Value::kUnsignedInteger:
      return absl::StrCat(value->unsigned_integer());
    case v1::Value::kTime:
      return absl::StrCat(value->time());
    case v1::Value::kFloating:
      return FormatFloat(value->floating());
    case v1::Value::kBoolean:
      return std::string(value->boolean() ? "1" : "0");
    case v1::Value::kOpaque:
      return absl::Base64Escape(value->opaque());
    case v1::Value::kObjectLink:
      return FormatObjectLink(value->object_link());
    case v1::Value::kRaw:
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("text: the value has no type");
}

}  // namespace isthmus::lwm2m::codec
