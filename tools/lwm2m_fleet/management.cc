#include "tools/lwm2m_fleet/management.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"

namespace isthmus::fleet {
namespace {

namespace codec = lwm2m::codec;

coap::OutgoingResponse Only(coap::Code code) {
  coap::OutgoingResponse response;
  response.code = code;
  return response;
}
coap::OutgoingResponse Only(coap::Code code, absl::string_view why) {
  coap::OutgoingResponse response = Only(code);
  response.payload = std::string(why);
  return response;
}

// What a client answers with when it is free to choose.
uint32_t DefaultFormat(const v1::Path& path, const std::vector<v1::Node>& nodes) {
  if (nodes.size() != 1 || !lwm2m::Equal(nodes[0].path(), path)) return codec::kTlv;
  return nodes[0].value().kind_case() == v1::Value::kOpaque ? codec::kOpaque : codec::kText;
}

}  // namespace

coap::Option UintOption(uint16_t number, uint64_t value) {
  coap::Message message;
  message.AddUintOption(number, value);
  return std::move(message.options[0]);
}

absl::StatusOr<v1::Path> Management::PathOf(const coap::Message& request) {
  return lwm2m::ParsePath(absl::StrCat("/", absl::StrJoin(request.TextOptions(coap::kUriPath), "/")));
}

coap::OutgoingResponse Management::Answer(const coap::Message& request) {
  const absl::StatusOr<v1::Path> path = PathOf(request);
  if (!path.ok()) return Only(coap::kNotFound);
  switch (request.code) {
    case coap::kGet: {
      const std::optional<uint64_t> accept = request.UintOption(coap::kAccept);
      if (accept == codec::kLinkFormat) return Discover(*path);
      return Read(*path, accept);
    }
    case coap::kPut:
      if (request.TextOptions(coap::kUriQuery).empty()) return Write(*path, request);
      if (!request.payload.empty() || !path->has_object_id()) return Only(coap::kBadRequest);
      if (!model_->Has(*path)) return Only(coap::kNotFound);
      return Only(attributes_.Write(*path, request.TextOptions(coap::kUriQuery)));
    case coap::kPost:
      return Post(*path, request);
    case coap::kFetch:
    case coap::kIPatch:
      if (path->has_object_id()) return Only(coap::kMethodNotAllowed);
      return request.code == coap::kFetch ? ReadComposite(request) : WriteComposite(request);
    default:
      return Only(coap::kMethodNotAllowed);
  }
}

coap::OutgoingResponse Management::Read(const v1::Path& path, std::optional<uint64_t> accept) const {
  std::vector<v1::Node> nodes;
  const coap::Code code = model_->Read(path, clock_->Now(), &nodes);
  if (code != coap::kContent) return Only(code);
  const uint32_t format =
      accept.has_value() ? static_cast<uint32_t>(std::min<uint64_t>(*accept, 65536)) : DefaultFormat(path, nodes);
  absl::StatusOr<std::string> payload = codec::Encode(format, nodes, path);
  if (!payload.ok()) return Only(coap::kNotAcceptable);
  coap::OutgoingResponse response = Only(coap::kContent);
  response.options.push_back(UintOption(coap::kContentFormat, format));
  response.payload = *std::move(payload);
  return response;
}

std::optional<double> Management::NumberAt(const v1::Path& path) const {
  std::vector<v1::Node> nodes;
  if (!path.has_resource_id() || model_->Read(path, clock_->Now(), &nodes) != coap::kContent || nodes.size() != 1 ||
      !lwm2m::Equal(nodes[0].path(), path)) {
    return std::nullopt;
  }
  const absl::StatusOr<v1::Value> number = lwm2m::TypeValue(nodes[0].value(), lwm2m::ResourceType::kFloat);
  return number.ok() ? std::make_optional(number->floating()) : std::nullopt;
}

coap::OutgoingResponse Management::Discover(const v1::Path& path) const {
  if (!path.has_object_id() || path.has_resource_instance_id()) return Only(coap::kBadRequest);
  if (!model_->Has(path)) return Only(coap::kNotFound);
  std::vector<std::string> links;
  const auto add = [this, &links](const v1::Path& at, absl::string_view extra) {
    links.push_back(absl::StrCat("<", lwm2m::PathToString(at), ">", extra, AttributesToText(attributes_.Own(at))));
  };
  const uint32_t object = path.object_id();
  if (!path.has_object_instance_id()) {
    add(lwm2m::MakePath(object), absl::StrCat(";ver=", FindObject(object)->version));
  }
  if (!path.has_resource_id()) add(lwm2m::MakePath(object, 0), "");
  for (const ResourceDefinition& definition : Resources()) {
    const v1::Path at = lwm2m::MakePath(definition.object, 0, definition.resource);
    if (definition.object != object || (path.has_resource_id() && definition.resource != path.resource_id())) continue;
    add(at, definition.multiple ? absl::StrCat(";dim=", model_->DimensionOf(object, definition.resource)) : "");
  }
  coap::OutgoingResponse response = Only(coap::kContent);
  response.options.push_back(UintOption(coap::kContentFormat, codec::kLinkFormat));
  response.payload = absl::StrJoin(links, ",");
  return response;
}

coap::OutgoingResponse Management::Write(const v1::Path& path, const coap::Message& request) {
  if (!path.has_object_instance_id()) return Only(coap::kMethodNotAllowed);
  // Without a Content-Format it is text, where text can be.
  const uint64_t format = request.UintOption(coap::kContentFormat).value_or(codec::kText);
  if (format > 65535 || !codec::CanDecode(static_cast<uint32_t>(format))) return Only(coap::kUnsupportedContentFormat);
  absl::StatusOr<std::vector<v1::Node>> nodes =
      codec::Decode(static_cast<uint32_t>(format), request.payload, path, clock_->Now());
  if (!nodes.ok()) return Only(coap::kBadRequest, nodes.status().message());
  const bool plain = format == codec::kText || format == codec::kOpaque;
  if (nodes->empty() && plain && path.has_resource_id()) {
    v1::Node& node = nodes->emplace_back();  // a write of the empty value
    *node.mutable_path() = path;
    node.mutable_value()->mutable_raw()->set_content_format(static_cast<uint32_t>(format));
  }
  return Only(model_->Write(path, *nodes, request.code == coap::kPut, clock_->Now(), clock_->Monotonic()));
}

coap::OutgoingResponse Management::Post(const v1::Path& path, const coap::Message& request) {
  if (path.has_resource_id() && !path.has_resource_instance_id()) {
    const ResourceDefinition* definition = FindResource(path.object_id(), path.resource_id());
    if (definition == nullptr || !definition->multiple) return Only(model_->Execute(path, clock_->Monotonic()));
  }
  return Write(path, request);
}

coap::OutgoingResponse Management::ReadComposite(const coap::Message& request) const {
  const uint64_t format = request.UintOption(coap::kContentFormat).value_or(codec::kText);
  if (format != codec::kSenMlJson && format != codec::kSenMlCbor) return Only(coap::kUnsupportedContentFormat);
  const uint64_t accept = request.UintOption(coap::kAccept).value_or(format);
  if (accept != codec::kSenMlJson && accept != codec::kSenMlCbor) return Only(coap::kNotAcceptable);
  const absl::StatusOr<std::vector<v1::Path>> paths =
      codec::DecodePaths(static_cast<uint32_t>(format), request.payload);
  if (!paths.ok()) return Only(coap::kBadRequest, paths.status().message());
  std::map<std::string, v1::Node> found;  // each once, whatever lies in what
  coap::Code refusal = paths->empty() ? coap::kBadRequest : coap::kContent;
  bool any = false;
  for (const v1::Path& path : *paths) {
    std::vector<v1::Node> nodes;
    const coap::Code code = model_->Read(path, clock_->Now(), &nodes);
    any = any || code == coap::kContent;
    if (code != coap::kContent && refusal == coap::kContent) refusal = code;
    for (v1::Node& node : nodes) found[lwm2m::PathToString(node.path())] = std::move(node);
  }
  if (!any) return Only(refusal);
  std::vector<v1::Node> nodes;
  for (auto& [path, node] : found) nodes.push_back(std::move(node));
  absl::StatusOr<std::string> payload = codec::Encode(static_cast<uint32_t>(accept), nodes, v1::Path());
  if (!payload.ok()) return Only(coap::kInternalServerError, payload.status().message());
  coap::OutgoingResponse response = Only(coap::kContent);
  response.options.push_back(UintOption(coap::kContentFormat, accept));
  response.payload = *std::move(payload);
  return response;
}

coap::OutgoingResponse Management::WriteComposite(const coap::Message& request) {
  const uint64_t format = request.UintOption(coap::kContentFormat).value_or(codec::kText);
  if (format != codec::kSenMlJson && format != codec::kSenMlCbor) return Only(coap::kUnsupportedContentFormat);
  absl::StatusOr<std::vector<v1::Node>> nodes =
      codec::Decode(static_cast<uint32_t>(format), request.payload, v1::Path(), clock_->Now());
  if (!nodes.ok()) return Only(coap::kBadRequest, nodes.status().message());
  if (nodes->empty()) return Only(coap::kBadRequest, "nothing to write");
  return Only(model_->WriteAnywhere(*nodes, clock_->Now(), clock_->Monotonic()));
}

}  // namespace isthmus::fleet
