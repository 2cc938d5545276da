#include "services/lib/status/invalid_field.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "isthmus/status/v1/status.pb.h"

namespace isthmus::status {
namespace {

const char* NameOf(FieldReason reason) {
  switch (reason) {
    case FieldReason::kMissing:
      return "MISSING";
    case FieldReason::kUnexpected:
      return "UNEXPECTED";
    case FieldReason::kMalformed:
      return "MALFORMED";
    case FieldReason::kOutOfRange:
      return "OUT_OF_RANGE";
  }
  return "";
}

}  // namespace

absl::Status InvalidField(absl::string_view field, FieldReason reason, absl::string_view text) {
  v1::BadRequest details;
  v1::FieldViolation* violation = details.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(text));
  violation->set_reason(NameOf(reason));
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(field, ": ", text));
  status.SetPayload(kBadRequestType, absl::Cord(details.SerializeAsString()));
  return status;
}

absl::Status BelowField(absl::string_view field, const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kBadRequestType);
  v1::BadRequest details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) return status;
  for (v1::FieldViolation& violation : *details.mutable_field_violations()) {
    violation.set_field(absl::StrCat(field, ".", violation.field()));
  }
  absl::Status below(status.code(), absl::StrCat(field, ".", status.message()));
  below.SetPayload(kBadRequestType, absl::Cord(details.SerializeAsString()));
  return below;
}

}  // namespace isthmus::status
