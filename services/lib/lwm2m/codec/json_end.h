// What both JSON formats ask of the end of a payload. Internal to the codec.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_JSON_END_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_JSON_END_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace isthmus::lwm2m::codec {

// Only white space may stand behind the value that ends at `at`. RapidJSON takes a zero octet for the end of the text,
// and would not see what follows it.
inline absl::Status CheckNothingFollows(absl::string_view payload, size_t at, absl::string_view format_name) {
  at = payload.find_first_not_of(" \t\r\n", at);
  if (at == absl::string_view::npos) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(format_name, ", octet ", at, ": something follows the value"));
}

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_JSON_END_H_
