// RETURN_IF_ERROR and ASSIGN_OR_RETURN for absl::Status and absl::StatusOr.
//
//   absl::StatusOr<int> Twice(absl::string_view text) {
//     ASSIGN_OR_RETURN(const int value, Parse(text));
//     RETURN_IF_ERROR(CheckRange(value));
//     return 2 * value;
//   }
#ifndef ISTHMUS_SERVICES_LIB_STATUS_STATUS_MACROS_H_
#define ISTHMUS_SERVICES_LIB_STATUS_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define ISTHMUS_STATUS_CONCAT_INNER(a, b) a##b
#define ISTHMUS_STATUS_CONCAT(a, b) ISTHMUS_STATUS_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                    \
  do {                                                 \
    ::absl::Status isthmus_status_ = (expression);     \
    if (!isthmus_status_.ok()) return isthmus_status_; \
  } while (false)

#define ASSIGN_OR_RETURN(declaration, expression) \
  ISTHMUS_ASSIGN_OR_RETURN_INNER(ISTHMUS_STATUS_CONCAT(isthmus_statusor_, __LINE__), declaration, expression)

#define ISTHMUS_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                           \
  if (!result.ok()) return std::move(result).status();                  \
  declaration = std::move(result).value()

#endif  // ISTHMUS_SERVICES_LIB_STATUS_STATUS_MACROS_H_
