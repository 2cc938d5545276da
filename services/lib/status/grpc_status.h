// absl::Status <-> grpc::Status. The canonical codes are the same numbers on both sides.
#ifndef ISTHMUS_SERVICES_LIB_STATUS_GRPC_STATUS_H_
#define ISTHMUS_SERVICES_LIB_STATUS_GRPC_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace isthmus::status {

// Payloads (invalid_field.h) become the details of an isthmus.status.v1.Status.
grpc::Status ToGrpc(const absl::Status& status);

// Details are left behind.
inline absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace isthmus::status

#endif  // ISTHMUS_SERVICES_LIB_STATUS_GRPC_STATUS_H_
