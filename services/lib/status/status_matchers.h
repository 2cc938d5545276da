// gMock matchers for absl::Status and absl::StatusOr: IsOk(), StatusIs(code), StatusIs(code, message matcher).
#ifndef ISTHMUS_SERVICES_LIB_STATUS_STATUS_MATCHERS_H_
#define ISTHMUS_SERVICES_LIB_STATUS_STATUS_MATCHERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

namespace isthmus::status {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << std::string(StatusOf(arg).ToString());
  return StatusOf(arg).ok();
}

MATCHER_P(StatusIs, code, "") {
  *result_listener << std::string(StatusOf(arg).ToString());
  return StatusOf(arg).code() == code;
}

MATCHER_P2(StatusIs, code, message, "") {
  *result_listener << std::string(StatusOf(arg).ToString());
  return StatusOf(arg).code() == code &&
         ::testing::ExplainMatchResult(message, std::string(StatusOf(arg).message()), result_listener);
}

}  // namespace isthmus::status

#endif  // ISTHMUS_SERVICES_LIB_STATUS_STATUS_MATCHERS_H_
