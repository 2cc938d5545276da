#include "services/lib/lwm2m/codec/codec.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/codec/lwm2m_cbor.h"
#include "services/lib/lwm2m/codec/lwm2m_json.h"
#include "services/lib/lwm2m/codec/opaque.h"
#include "services/lib/lwm2m/codec/plain_cbor.h"
#include "services/lib/lwm2m/codec/senml_cbor.h"
#include "services/lib/lwm2m/codec/senml_json.h"
#include "services/lib/lwm2m/codec/senml_names.h"
#include "services/lib/lwm2m/codec/text.h"
#include "services/lib/lwm2m/codec/tlv.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::lwm2m::codec {
namespace {

using Decoder = absl::StatusOr<std::vector<v1::Node>> (*)(absl::string_view payload, const v1::Path& path,
                                                          absl::Time now, absl::string_view root_path);
using Encoder = absl::StatusOr<std::string> (*)(const std::vector<const v1::Node*>& nodes, const v1::Path& path,
                                                absl::string_view root_path);

// Formats whose values have no names of their own know nothing of a root.
template <absl::StatusOr<std::vector<v1::Node>> (*kDecode)(absl::string_view, const v1::Path&, absl::Time)>
absl::StatusOr<std::vector<v1::Node>> Rootless(absl::string_view payload, const v1::Path& path, absl::Time now,
                                               absl::string_view) {
  return kDecode(payload, path, now);
}
template <absl::StatusOr<std::string> (*kEncode)(const std::vector<const v1::Node*>&, const v1::Path&)>
absl::StatusOr<std::string> Rootless(const std::vector<const v1::Node*>& nodes, const v1::Path& path,
                                     absl::string_view) {
  return kEncode(nodes, path);
}

struct Format {
  uint32_t content_format;
  const char* name;
  Decoder decode;      // null = not one of ours
  Encoder encode;      // null = not one of ours
  bool carries_times;  // of when a value was measured
};

constexpr Format kFormats[] = {
    {kText, "text", Rootless<DecodeText>, Rootless<EncodeText>, false},
    {kLinkFormat, "link format", nullptr, nullptr, false},
    {kOpaque, "opaque", Rootless<DecodeOpaque>, Rootless<EncodeOpaque>, false},
    {kCbor, "CBOR", Rootless<DecodePlainCbor>, Rootless<EncodePlainCbor>, false},
    {kSenMlJson, "SenML JSON", DecodeSenMlJson, EncodeSenMlJson, true},
    {kSenMlCbor, "SenML CBOR", DecodeSenMlCbor, EncodeSenMlCbor, true},
    {kTlv, "TLV", Rootless<DecodeTlv>, Rootless<EncodeTlv>, false},
    {kLwm2mJson, "LwM2M JSON", Rootless<DecodeLwm2mJson>, Rootless<EncodeLwm2mJson>, true},
    {kLwm2mCbor, "LwM2M CBOR", Rootless<DecodeLwm2mCbor>, Rootless<EncodeLwm2mCbor>, false},
};

const Format* Find(uint32_t content_format) {
  for (const Format& format : kFormats) {
    if (format.content_format == content_format) return &format;
  }
  return nullptr;
}

absl::Status Unknown(uint32_t content_format) {
  return absl::UnimplementedError(absl::StrCat("Content-Format ", FormatName(content_format), " is not supported"));
}

// Why an encoder cannot carry `value`; empty when it can.
absl::string_view Flaw(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kText:
      return IsUtf8(value.text()) ? "" : "is not valid UTF-8";
    case v1::Value::kCoreLink:
      return IsUtf8(value.core_link()) ? "" : "is not valid UTF-8";
    case v1::Value::kFloating:
      return std::isfinite(value.floating()) ? "" : "is not a finite number";
    case v1::Value::kObjectLink:
      return value.object_link().object_id() <= 65535 && value.object_link().object_instance_id() <= 65535
                 ? ""
                 : "is an object link with a number above 65535";
    case v1::Value::kRaw:
      return "is raw: expected a typed value";
    case v1::Value::KIND_NOT_SET:
      return "is missing";
    default:
      return "";
  }
}

bool LevelsInRange(const v1::Path& path) {
  const std::vector<uint32_t> levels = Levels(path);
  return std::all_of(levels.begin(), levels.end(), [](uint32_t level) { return level <= 65535; });
}

absl::StatusOr<std::vector<const v1::Node*>> CheckAndSort(const Format& format, const std::vector<v1::Node>& nodes,
                                                          const v1::Path& path) {
  const auto refuse = [&format](const v1::Node& node, absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(format.name, ": ", PathToString(node.path()), " ", why));
  };
  std::vector<const v1::Node*> sorted;
  sorted.reserve(nodes.size());
  for (const v1::Node& node : nodes) {
    if (!Contains(path, node.path())) return refuse(node, absl::StrCat("does not lie in ", PathToString(path)));
    if (!node.path().has_resource_id()) return refuse(node, "is neither a resource nor a resource instance");
    if (!LevelsInRange(node.path())) return refuse(node, "has a level above 65535");
    if (const absl::string_view flaw = Flaw(node.value()); !flaw.empty()) return refuse(node, flaw);
    if (node.has_time() && !format.carries_times) return refuse(node, "has a time, which the format cannot carry");
    sorted.push_back(&node);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const v1::Node* a, const v1::Node* b) { return Less(a->path(), b->path()); });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (Equal(sorted[i - 1]->path(), sorted[i]->path())) return refuse(*sorted[i], "occurs twice");
    if (Contains(sorted[i - 1]->path(), sorted[i]->path())) {
      return refuse(*sorted[i], "lies in a resource that has a value of its own");
    }
  }
  return sorted;
}

}  // namespace

std::string FormatName(uint32_t content_format) {
  const Format* format = Find(content_format);
  return format != nullptr ? std::string(format->name) : absl::StrCat(content_format);
}

bool CanDecode(uint32_t content_format) {
  const Format* format = Find(content_format);
  return format != nullptr && format->decode != nullptr;
}

bool CanEncode(uint32_t content_format) {
  const Format* format = Find(content_format);
  return format != nullptr && format->encode != nullptr;
}

absl::StatusOr<std::vector<v1::Node>> Decode(uint32_t content_format, absl::string_view payload, const v1::Path& path,
                                             absl::Time now, absl::string_view root_path) {
  const Format* format = Find(content_format);
  if (format == nullptr || format->decode == nullptr) return Unknown(content_format);
  if (payload.empty()) return std::vector<v1::Node>();  // an empty object, instance or multiple resource
  ASSIGN_OR_RETURN(std::vector<v1::Node> nodes, format->decode(payload, path, now, root_path));
  for (const v1::Node& node : nodes) {
    if (Contains(path, node.path())) continue;
    return absl::InvalidArgumentError(absl::StrCat(format->name, ": a value of ", PathToString(node.path()),
                                                   " does not belong to ", PathToString(path)));
  }
  return nodes;
}

absl::StatusOr<std::string> Encode(uint32_t content_format, const std::vector<v1::Node>& nodes, const v1::Path& path,
                                   absl::string_view root_path) {
  const Format* format = Find(content_format);
  if (format == nullptr || format->encode == nullptr) return Unknown(content_format);
  ASSIGN_OR_RETURN(const std::vector<const v1::Node*> sorted, CheckAndSort(*format, nodes, path));
  return format->encode(sorted, path, root_path);
}

absl::StatusOr<std::string> EncodePaths(uint32_t content_format, const std::vector<v1::Path>& paths,
                                        absl::string_view root_path) {
  if (content_format == kSenMlJson) return EncodeSenMlJsonNames(paths, root_path);
  if (content_format == kSenMlCbor) return EncodeSenMlCborNames(paths, root_path);
  return Unknown(content_format);
}

absl::StatusOr<std::vector<v1::Path>> DecodePaths(uint32_t content_format, absl::string_view payload,
                                                  absl::string_view root_path) {
  if (content_format == kSenMlJson) return DecodeSenMlJsonNames(payload, root_path);
  if (content_format == kSenMlCbor) return DecodeSenMlCborNames(payload, root_path);
  return Unknown(content_format);
}

}  // namespace isthmus::lwm2m::codec
