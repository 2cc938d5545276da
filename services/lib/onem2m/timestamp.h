// m2m:timestamp (TS-0004 6.3.3: ISO 8601 basic format, always UTC) and m2m:absRelTimestamp, and
// xs:duration.
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_TIMESTAMP_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_TIMESTAMP_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace isthmus::onem2m {

// `20231128T120000`, in whole seconds, rounded down.
std::string FormatTimestamp(absl::Time time);

// `20231128T120000` or with a fraction after ',' (1 to 9 digits). Anything else, a trailing `Z` and dates that do not
// exist included, is INVALID_ARGUMENT.
absl::StatusOr<absl::Time> ParseTimestamp(absl::string_view text);

// A timestamp as above, or a number of milliseconds from `now` ("5000"; a sign is allowed).
absl::StatusOr<absl::Time> ParseAbsRelTimestamp(absl::string_view text, absl::Time now);

// xs:duration of days, hours, minutes and seconds: `PT30S`, `P1DT2H`, `PT0.5S`. Years and months, which have no fixed
// length, negative ones and everything else are INVALID_ARGUMENT.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_TIMESTAMP_H_
