#include "services/synchronizer/core/cse/primitive_check.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::RequestPrimitive;

Refusal Bad(std::string reason) { return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST, std::move(reason)}; }
Refusal NotBuilt(std::string reason) {
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_NOT_IMPLEMENTED, std::move(reason)};
}

Checked CheckRelease(const RequestPrimitive& primitive, const CseOptions& options) {
  const std::string& release = primitive.release_version_indicator();
  if (release.empty() && options.accept_absent_release) return std::nullopt;
  if (std::find(options.releases.begin(), options.releases.end(), release) != options.releases.end())
    return std::nullopt;
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_RELEASE_VERSION_NOT_SUPPORTED,
                 absl::StrCat("rvi: expected one of ", absl::StrJoin(options.releases, ", "), ", got ",
                              release.empty() ? "none, which is release 1" : release)};
}

Checked CheckResponseType(const RequestPrimitive& primitive) {
  switch (primitive.response_type().value()) {
    case 0:
    case 3:
      return std::nullopt;
    case 1:
      return Refusal{5206, "rt: nonBlockingRequestSynch (1) is not supported here; use blockingRequest (3)"};
    case 2:
    case 4:
    case 5:
      return NotBuilt(
          absl::StrCat("rt: ", primitive.response_type().value(), " is not supported here; use blockingRequest (3)"));
    default:
      return Bad(absl::StrCat("rt: expected 1 to 5, got ", primitive.response_type().value()));
  }
}

Checked CheckFilter(const RequestPrimitive& primitive) {
  if (!primitive.has_filter_criteria()) return std::nullopt;
  if (primitive.operation() == onem2m::v1::OPERATION_TYPE_CREATE)
    return Bad("fc: expected not to be present in a CREATE");
  const uint32_t usage = primitive.filter_criteria().filter_usage();
  if (usage == 3) return NotBuilt("fc.fu: 3 (IPE on-demand discovery) is not supported here");
  if (usage > 3) return Bad(absl::StrCat("fc.fu: expected 1 or 2, got ", usage));
  if (usage == 1 && primitive.operation() != onem2m::v1::OPERATION_TYPE_RETRIEVE) {
    return Bad("fc.fu: 1 (discovery) goes with RETRIEVE only");
  }
  return std::nullopt;
}

Checked CheckResultContent(const RequestPrimitive& primitive) {
  if (!primitive.has_result_content()) return std::nullopt;
  const uint32_t content = primitive.result_content();
  std::set<uint32_t> allowed;
  const char* operation = "";
  switch (primitive.operation()) {
    case onem2m::v1::OPERATION_TYPE_CREATE:
      operation = "CREATE";
      allowed = {kNothing, kAttributes, kHierarchicalAddress, kAddressAndAttributes, kModifiedAttributes};
      break;
    case onem2m::v1::OPERATION_TYPE_RETRIEVE:
      if (IsDiscovery(primitive)) {
        operation = "discovery";
        allowed = {kChildReferences, kDiscoveryReferences};
      } else {
        operation = "RETRIEVE";
        if (content == 10) return NotBuilt("rcn: 10 (semantic content) is not supported here");
        allowed = {kAttributes, kAttributesAndChildren, kAttributesAndChildReferences, kChildReferences, kChildren};
      }
      break;
    case onem2m::v1::OPERATION_TYPE_UPDATE:
      operation = "UPDATE";
      allowed = {kNothing, kAttributes, kModifiedAttributes};
      break;
    case onem2m::v1::OPERATION_TYPE_DELETE:
      operation = "DELETE";
      allowed = {kNothing,         kAttributes, kAttributesAndChildren, kAttributesAndChildReferences,
                 kChildReferences, kChildren};
      break;
    default:
      operation = "NOTIFY";
      break;
  }
  if (allowed.count(content) > 0) return std::nullopt;
  return Bad(absl::StrCat("rcn: ", operation, " goes with ", allowed.empty() ? "none" : absl::StrJoin(allowed, ", "),
                          "; got ", content));
}

Checked CheckContent(const RequestPrimitive& primitive) {
  switch (primitive.operation()) {
    case onem2m::v1::OPERATION_TYPE_DELETE:
      if (primitive.has_primitive_content()) return Bad("pc: expected not to be present in a DELETE");
      return std::nullopt;
    case onem2m::v1::OPERATION_TYPE_RETRIEVE: {
      if (!primitive.has_primitive_content()) return std::nullopt;
      const onem2m::v1::Attribute& content = primitive.primitive_content();
      const auto& list = content.value().list().values();
      const bool texts = std::all_of(list.begin(), list.end(), [](const onem2m::v1::Value& value) {
        return value.kind_case() == onem2m::v1::Value::kText;
      });
      if (content.name() != "m2m:atrl" || list.empty() || !texts) {
        return Bad("pc: in a RETRIEVE expected nothing, or m2m:atrl with a list of attributes' short names");
      }
      if (ResultContentOf(primitive) != kAttributes || IsDiscovery(primitive)) {
        return Bad("pc: a partial RETRIEVE goes with rcn 1 only");
      }
      return std::nullopt;
    }
    case onem2m::v1::OPERATION_TYPE_UPDATE:
    case onem2m::v1::OPERATION_TYPE_CREATE:
      if (!primitive.has_primitive_content()) return Bad("pc: expected the representation of a resource, got nothing");
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool IsDiscovery(const RequestPrimitive& primitive) { return primitive.filter_criteria().filter_usage() == 1; }

uint32_t ResultContentOf(const RequestPrimitive& primitive) {
  if (primitive.has_result_content()) return primitive.result_content();
  if (primitive.operation() == onem2m::v1::OPERATION_TYPE_DELETE) return kNothing;
  return IsDiscovery(primitive) ? kDiscoveryReferences : kAttributes;
}

Checked CheckPrimitive(const onem2m::v1::HandleRequest& request, const CseOptions& options) {
  const RequestPrimitive& primitive = request.primitive();
  if (!onem2m::v1::OperationType_IsValid(primitive.operation()) ||
      primitive.operation() == onem2m::v1::OPERATION_TYPE_UNSPECIFIED) {
    return Bad(absl::StrCat("op: expected 1 to 5, got ", static_cast<int>(primitive.operation())));
  }
  const bool create = primitive.operation() == onem2m::v1::OPERATION_TYPE_CREATE;
  if (primitive.request_identifier().empty()) return Bad("rqi: expected a Request Identifier, got nothing");
  if (primitive.to().empty()) return Bad("to: expected an address, got nothing");
  RETURN_IF_REFUSED(CheckRelease(primitive, options));
  if (create && !IsStandardResourceType(primitive.resource_type())) {
    return Bad(absl::StrCat("ty: expected a resource type, got ",
                            primitive.resource_type() == 0 ? "nothing" : absl::StrCat(primitive.resource_type())));
  }
  if (!create && primitive.resource_type() != 0) {
    return Bad(absl::StrCat("ty: expected in a CREATE only, got ", primitive.resource_type()));
  }
  if (primitive.from().empty() && !(create && primitive.resource_type() == kAe)) {
    return Bad("fr: expected an AE-ID or CSE-ID, got nothing");
  }
  if (request.registration() && !(create && primitive.resource_type() == kAe)) {
    return Bad("a registration request is the CREATE of an AE and nothing else");
  }
  RETURN_IF_REFUSED(CheckFilter(primitive));
  RETURN_IF_REFUSED(CheckResultContent(primitive));
  RETURN_IF_REFUSED(CheckResponseType(primitive));
  if (primitive.desired_identifier_result_type() > 2) {
    return Bad(absl::StrCat("drt: expected 1 (structured) or 2 (unstructured), got ",
                            primitive.desired_identifier_result_type()));
  }
  return CheckContent(primitive);
}

Checked CheckExpiration(const RequestPrimitive& primitive, absl::Time now) {
  if (!primitive.has_request_expiration()) return std::nullopt;
  const absl::Time expiration = absl::FromUnixSeconds(primitive.request_expiration().seconds()) +
                                absl::Nanoseconds(primitive.request_expiration().nanos());
  if (expiration > now) return std::nullopt;
  return Refusal{
      onem2m::v1::RESPONSE_STATUS_CODE_REQUEST_TIMEOUT,
      absl::StrCat("rqet: the request expired ", absl::FormatDuration(now - expiration), " before it was handled")};
}

}  // namespace isthmus::synchronizer
