#include "services/connector/core/operation_codec.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/connector/core/composite_codec.h"
#include "services/connector/core/printable.h"
#include "services/connector/core/result_size.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::connector {
namespace {

namespace codec = lwm2m::codec;
using lwm2m::v1::Node;
using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;
using lwm2m::v1::Path;

bool IsRead(const Operation& operation) { return operation.has_read() || operation.has_observe(); }
bool CarriesNodes(const Operation& operation) { return operation.has_write() || operation.has_create(); }

bool Has(const std::vector<uint32_t>& formats, uint32_t format) {
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

std::vector<std::string> Segments(const Path& path) {
  std::vector<std::string> segments;
  for (const uint32_t level : lwm2m::Levels(path)) segments.push_back(absl::StrCat(level));
  return segments;
}

// The one value that a text or opaque payload could carry.
const Node* SingleNode(const Operation& operation) {
  if (!operation.has_write() || operation.write().nodes_size() != 1) return nullptr;
  const Node& node = operation.write().nodes(0);
  return node.path().has_resource_id() && lwm2m::Equal(node.path(), operation.write().path()) ? &node : nullptr;
}

std::string Decimal(double value) {
  char text[40];
  for (const int digits : {15, 17}) {
    std::snprintf(text, sizeof(text), "%.*g", digits, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  return text;
}

absl::StatusOr<coap::OutgoingRequest> WriteRequest(const lwm2m::v1::Write& write, uint32_t format,
                                                   absl::string_view root_path) {
  if (!write.path().has_object_instance_id()) {
    return absl::InvalidArgumentError("a write needs at least an object instance in its path");
  }
  if (write.nodes().empty()) return absl::InvalidArgumentError("a write needs at least one value");
  Path target = write.path();
  coap::OutgoingRequest request;
  request.method = write.partial() ? coap::kPost : coap::kPut;
  if (write.partial() && target.has_resource_id()) {
    // POST on a resource is Execute: a partial write goes to the instance, and of one value it is the same as PUT.
    const bool single = write.nodes_size() == 1 && lwm2m::Equal(write.nodes(0).path(), target);
    if (single) {
      request.method = coap::kPut;
    } else {
      target = lwm2m::MakePath(target.object_id(), target.object_instance_id());
    }
  }
  const std::vector<Node> nodes(write.nodes().begin(), write.nodes().end());
  ASSIGN_OR_RETURN(request.payload, codec::Encode(format, nodes, target, root_path));
  request.path = Segments(target);
  request.content_format = format;
  return request;
}

absl::StatusOr<coap::OutgoingRequest> CreateRequest(const lwm2m::v1::Create& create, uint32_t format,
                                                    absl::string_view root_path) {
  if (!create.path().has_object_id() || create.path().has_resource_id()) {
    return absl::InvalidArgumentError("a create needs an object, or the wanted instance, as its path");
  }
  const Path object = lwm2m::MakePath(create.path().object_id());
  const std::vector<Node> nodes(create.nodes().begin(), create.nodes().end());
  Path base = object;
  if (!create.path().has_object_instance_id()) {
    // Without a wanted instance the resources stand alone, and the device chooses the id.
    if (!nodes.empty()) {
      if (!nodes.front().path().has_object_instance_id()) {
        return absl::InvalidArgumentError("values of a create need an instance in their path");
      }
      base = lwm2m::MakePath(object.object_id(), nodes.front().path().object_instance_id());
    }
    if (format != codec::kTlv) return absl::InvalidArgumentError("only TLV can leave the instance to the device");
  }
  coap::OutgoingRequest request;
  request.method = coap::kPost;
  request.path = Segments(object);
  if (nodes.empty() && create.path().has_object_instance_id()) {
    // An instance TLV without content: codec::Encode has no nodes to learn the instance from.
    const uint32_t instance = create.path().object_instance_id();
    if (format != codec::kTlv) return absl::InvalidArgumentError("an empty instance is created with TLV");
    if (instance > 0xFF) {
      request.payload = {static_cast<char>(0x20), static_cast<char>(instance >> 8), static_cast<char>(instance & 0xFF)};
    } else {
      request.payload = {static_cast<char>(0x00), static_cast<char>(instance)};
    }
  } else if (!nodes.empty()) {
    ASSIGN_OR_RETURN(request.payload, codec::Encode(format, nodes, base, root_path));
  }
  request.content_format = format;
  return request;
}

// Location-Path of a Create without the alternate root: "31024/0" -> /31024/0.
std::optional<Path> CreatedPath(const coap::Message& response, absl::string_view root_path) {
  std::vector<std::string> segments = response.TextOptions(coap::kLocationPath);
  for (const auto part : absl::StrSplit(root_path, '/', absl::SkipEmpty())) {
    if (!segments.empty() && segments.front() == part) segments.erase(segments.begin());
  }
  std::string text;
  for (const std::string& segment : segments) absl::StrAppend(&text, "/", segment);
  const auto path = lwm2m::ParsePath(text);
  if (!path.ok() || !path->has_object_instance_id()) return std::nullopt;
  return *path;
}

// Whether the asker of a read has a use for a value (lwm2m.v1.Read.wanted_resources).
bool IsWanted(const Operation& operation, const Path& path) {
  const auto& wanted = operation.read().wanted_resources();
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), path.resource_id()) != wanted.end();
}

std::string Diagnostic(const coap::Message& response) {
  const auto format = response.UintOption(coap::kContentFormat);
  if (response.payload.empty() || (format && *format != codec::kText)) return "";
  return Printable(response.payload);
}

}  // namespace

std::vector<Format> FormatsToTry(const Operation& operation, const FormatMemory& memory,
                                 const std::vector<uint32_t>& offered) {
  std::vector<Format> formats;
  const auto add = [&formats](Format format) {
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
  };
  // What the device said it speaks comes before what we guess.
  const auto add_offered = [&](bool single_value) {
    for (const uint32_t format :
         {codec::kTlv, codec::kSenMlJson, codec::kSenMlCbor, codec::kLwm2mCbor, codec::kLwm2mJson}) {
      if (Has(offered, format)) add(format);
    }
    if (single_value && Has(offered, codec::kCbor)) add(codec::kCbor);
  };
  if (IsRead(operation)) {
    const bool single = PathOf(operation).has_resource_id();
    if (memory.read && (single || *memory.read != Format(codec::kCbor))) add(*memory.read);
    add(std::nullopt);
    add_offered(single);
    for (const uint32_t format : {codec::kTlv, codec::kSenMlJson, codec::kSenMlCbor, codec::kLwm2mJson}) add(format);
    return formats;
  }
  if (IsComposite(operation)) {
    if (memory.composite) add(*memory.composite);
    for (const uint32_t format : {codec::kSenMlCbor, codec::kSenMlJson}) {
      if (Has(offered, format)) add(format);
    }
    for (const uint32_t format : {codec::kSenMlCbor, codec::kSenMlJson}) add(format);
    return formats;
  }
  if (!CarriesNodes(operation)) return {std::nullopt};
  const Node* single = SingleNode(operation);
  const bool opaque = single != nullptr && single->value().has_opaque();
  const auto carries = [&](uint32_t format) {
    if (format == codec::kText) return single != nullptr && !opaque;
    if (format == codec::kOpaque) return opaque;
    if (format == codec::kCbor) return single != nullptr;
    return true;
  };
  if (memory.write && carries(*memory.write)) add(*memory.write);
  add_offered(single != nullptr);
  for (const uint32_t format : {codec::kTlv, codec::kText, codec::kOpaque, codec::kSenMlJson, codec::kSenMlCbor}) {
    if (carries(format)) add(format);
  }
  return formats;
}

const Path& PathOf(const Operation& operation) {
  switch (operation.kind_case()) {
    case Operation::kRead:
      return operation.read().path();
    case Operation::kWrite:
      return operation.write().path();
    case Operation::kExecute:
      return operation.execute().path();
    case Operation::kCreate:
      return operation.create().path();
    case Operation::kDelete:
      return operation.delete_().path();
    case Operation::kDiscover:
      return operation.discover().path();
    case Operation::kWriteAttributes:
      return operation.write_attributes().path();
    case Operation::kObserve:
      return operation.observe().path();
    case Operation::kCancelObservation:
      return operation.cancel_observation().path();
    case Operation::kReadComposite:
    case Operation::kWriteComposite:
    case Operation::KIND_NOT_SET:
      break;
  }
  return Path::default_instance();
}

absl::string_view KindOf(const Operation& operation) {
  switch (operation.kind_case()) {
    case Operation::kRead:
      return "read";
    case Operation::kWrite:
      return "write";
    case Operation::kExecute:
      return "execute";
    case Operation::kCreate:
      return "create";
    case Operation::kDelete:
      return "delete";
    case Operation::kDiscover:
      return "discover";
    case Operation::kWriteAttributes:
      return "write_attributes";
    case Operation::kReadComposite:
      return "read_composite";
    case Operation::kWriteComposite:
      return "write_composite";
    case Operation::kObserve:
      return "observe";
    case Operation::kCancelObservation:
      return "cancel_observation";
    case Operation::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

bool IsRepeatable(const Operation& operation) {
  return operation.has_read() || operation.has_discover() || operation.has_observe() ||
         operation.has_write_attributes() || operation.has_cancel_observation();
}

std::optional<OperationResult> RefuseLocally(const Operation& operation) {
  if (!operation.has_delete_()) return std::nullopt;
  const Path& path = operation.delete_().path();
  const uint32_t object = path.object_id();
  const bool account = path.has_object_id() && (object <= 2 || object == 21);
  if (!account) return std::nullopt;
  OperationResult result;
  result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
  result.set_coap_code(coap::kMethodNotAllowed);
  result.set_diagnostic(
      absl::StrCat("not sent: deleting ", lwm2m::PathToString(path), " would cut the device off from its servers"));
  return result;
}

absl::StatusOr<std::vector<std::string>> AttributeQuery(const lwm2m::v1::NotificationAttributes& wanted,
                                                        const lwm2m::v1::NotificationAttributes& before) {
  std::vector<std::string> query;
  absl::Status status;
  const auto add = [&](absl::string_view name, bool is_set, bool was_set, const std::string& value) {
    if (is_set) {
      query.push_back(absl::StrCat(name, "=", value));
    } else if (was_set) {
      query.emplace_back(name);
    }
  };
  const auto check = [&](absl::string_view name, double value) {
    if (!std::isfinite(value)) status = absl::InvalidArgumentError(absl::StrCat("attribute ", name, " is not finite"));
    return Decimal(value);
  };
  add("pmin", wanted.has_minimum_period(), before.has_minimum_period(), absl::StrCat(wanted.minimum_period()));
  add("pmax", wanted.has_maximum_period(), before.has_maximum_period(), absl::StrCat(wanted.maximum_period()));
  add("gt", wanted.has_greater_than(), before.has_greater_than(), check("gt", wanted.greater_than()));
  add("lt", wanted.has_less_than(), before.has_less_than(), check("lt", wanted.less_than()));
  add("st", wanted.has_step(), before.has_step(), check("st", wanted.step()));
  RETURN_IF_ERROR(status);
  return query;
}

absl::StatusOr<coap::OutgoingRequest> ToRequest(const Operation& operation, Format format, absl::string_view root_path,
                                                const lwm2m::v1::NotificationAttributes& attributes_before) {
  const Path& path = PathOf(operation);
  coap::OutgoingRequest request;
  request.path = Segments(path);
  switch (operation.kind_case()) {
    case Operation::kReadComposite:
    case Operation::kWriteComposite:
      return CompositeRequest(operation, format.value_or(codec::kSenMlCbor), root_path);
    case Operation::KIND_NOT_SET:
      return absl::UnimplementedError("the operation has no kind that this server knows");
    default:
      if (!path.has_object_id()) return absl::InvalidArgumentError("the path needs at least an object");
  }
  switch (operation.kind_case()) {
    case Operation::kRead:
    case Operation::kObserve:
    case Operation::kCancelObservation:
      request.method = coap::kGet;
      request.accept = format;
      if (operation.has_observe()) request.observe = 0;
      if (operation.has_cancel_observation()) request.observe = 1;
      return request;
    case Operation::kDiscover:
      if (path.has_resource_instance_id()) return absl::InvalidArgumentError("no discover below a resource");
      request.method = coap::kGet;
      request.accept = codec::kLinkFormat;
      return request;
    case Operation::kWrite:
      return WriteRequest(operation.write(), format.value_or(codec::kTlv), root_path);
    case Operation::kCreate:
      return CreateRequest(operation.create(), format.value_or(codec::kTlv), root_path);
    case Operation::kExecute:
      if (!path.has_resource_id() || path.has_resource_instance_id()) {
        return absl::InvalidArgumentError("an execute needs a resource as its path");
      }
      request.method = coap::kPost;
      request.payload = operation.execute().arguments();
      if (!request.payload.empty()) request.content_format = codec::kText;
      return request;
    case Operation::kDelete:
      if (!path.has_object_instance_id() || (path.has_resource_id() && !path.has_resource_instance_id())) {
        return absl::InvalidArgumentError("a delete needs an instance as its path");
      }
      request.method = coap::kDelete;
      return request;
    default: {  // Write-Attributes
      ASSIGN_OR_RETURN(request.query, AttributeQuery(operation.write_attributes().attributes(), attributes_before));
      if (request.query.empty()) return absl::InvalidArgumentError("write-attributes needs at least one attribute");
      request.method = coap::kPut;
      return request;
    }
  }
}

void PrependRoot(absl::string_view root_path, coap::OutgoingRequest& request) {
  std::vector<std::string> segments;
  for (const auto part : absl::StrSplit(root_path, '/', absl::SkipEmpty())) segments.emplace_back(part);
  request.path.insert(request.path.begin(), segments.begin(), segments.end());
}

absl::StatusOr<std::vector<Node>> DecodeContent(const coap::Message& message, const Path& path,
                                                absl::string_view root_path, absl::Time now) {
  const auto format = message.UintOption(coap::kContentFormat);
  if (message.payload.empty()) return std::vector<Node>();
  if (format && *format > 65535) return absl::InvalidArgumentError("Content-Format is above 65535");
  if (!format && !path.has_resource_id()) {
    return absl::InvalidArgumentError("the payload has no Content-Format, and its path is no single resource");
  }
  ASSIGN_OR_RETURN(std::vector<Node> nodes, codec::Decode(format ? static_cast<uint32_t>(*format) : codec::kText,
                                                          message.payload, path, now, root_path));
  RETURN_IF_ERROR(CheckFits(nodes));
  return nodes;
}

Interpretation Interpret(const Operation& operation, const coap::Message& response, Format tried,
                         const std::vector<uint32_t>& offered, absl::string_view root_path, absl::Time now) {
  Interpretation seen;
  OperationResult& result = seen.result;
  result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
  result.set_coap_code(static_cast<uint32_t>(response.code));
  if (!coap::IsSuccess(response.code)) {
    result.set_diagnostic(Diagnostic(response));
    if (IsRead(operation)) seen.try_other_format = response.code == coap::kNotAcceptable;
    if (CarriesNodes(operation) || IsComposite(operation)) {
      const bool format_unnamed = tried && !offered.empty() && !Has(offered, *tried);
      seen.try_other_format = response.code == coap::kUnsupportedContentFormat ||
                              (response.code == coap::kBadRequest && format_unnamed) ||
                              (operation.has_read_composite() && response.code == coap::kNotAcceptable);
    }
    return seen;
  }
  const auto undecodable = [&](absl::string_view why) {
    result.set_outcome(lwm2m::v1::OUTCOME_UNDECODABLE);
    result.set_diagnostic(Printable(why));
  };
  if ((IsRead(operation) || operation.has_read_composite()) && response.code == coap::kContent) {
    seen.observing = operation.has_observe() && response.UintOption(coap::kObserve).has_value();
    auto nodes = operation.has_read_composite() ? DecodeComposite(operation.read_composite(), response, root_path, now)
                                                : DecodeContent(response, PathOf(operation), root_path, now);
    if (nodes.ok()) {
      for (Node& node : *nodes) {
        if (IsWanted(operation, node.path())) *result.add_nodes() = std::move(node);
      }
    } else {
      undecodable(nodes.status().message());
      // A broken payload is broken; one of a foreign format may come in ours on request.
      seen.try_other_format = nodes.status().code() == absl::StatusCode::kUnimplemented;
    }
  } else if (operation.has_discover() && response.code == coap::kContent) {
    const auto format = response.UintOption(coap::kContentFormat);
    if (format && *format != codec::kLinkFormat) {
      undecodable(absl::StrCat("the answer to a discover has Content-Format ", *format));
      return seen;
    }
    auto links = codec::ParseDiscoverLinks(response.payload, root_path);
    if (links.ok()) {
      for (auto& link : links->links) *result.add_links() = std::move(link);
    } else {
      undecodable(links.status().message());
    }
  } else if (operation.has_create() && response.code == coap::kCreated) {
    if (const auto created = CreatedPath(response, root_path)) {
      *result.mutable_created_path() = *created;
    } else if (operation.create().path().has_object_instance_id()) {
      *result.mutable_created_path() = operation.create().path();
    }
  }
  return seen;
}

}  // namespace isthmus::connector
