// INVALID_ARGUMENT that says which field of a request makes no sense: for people in the message, for programs in a
// payload that ToGrpc (grpc_status.h) sends along as google.rpc.BadRequest.
//
//   return status::InvalidField("plan.steps[1].operation", FieldReason::kMissing, "missing");
//   // "plan.steps[1].operation: missing"
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_STATUS_INVALID_FIELD_H_
#define ISTHMUS_SERVICES_LIB_STATUS_INVALID_FIELD_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace isthmus::status {

// Type URL of the payload: a serialized isthmus.status.v1.BadRequest, which is google.rpc.BadRequest on the wire.
inline constexpr char kBadRequestType[] = "type.googleapis.com/google.rpc.BadRequest";

enum class FieldReason {
  kMissing,     // MISSING: must be there
  kUnexpected,  // UNEXPECTED: of the right form, and nothing that this call can do
  kMalformed,   // MALFORMED: not of the form that the field has
  kOutOfRange,  // OUT_OF_RANGE
};

// `field` is the path of the field in the request; `text` says what was expected.
absl::Status InvalidField(absl::string_view field, FieldReason reason, absl::string_view text);

// The same about a request that is the field `field` of another: "primitive: missing" -> "request.primitive: missing".
// A status without such a payload comes back as it is.
absl::Status BelowField(absl::string_view field, const absl::Status& status);

}  // namespace isthmus::status

#endif  // ISTHMUS_SERVICES_LIB_STATUS_INVALID_FIELD_H_
