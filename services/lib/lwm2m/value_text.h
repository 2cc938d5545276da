// Text forms of LwM2M values (LwM2M Core table C.2): numbers, base64, object links; shared by the codecs and by typing.
//
//   ASSIGN_OR_RETURN(const v1::Value value, lwm2m::ParseNumber("1.7011728e9"));  // integer 1701172800
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_VALUE_TEXT_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_VALUE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::lwm2m {

// At most 40 octets of what a peer sent, in quotes and safe to put into a message for people.
std::string Excerpt(absl::string_view octets);

// A decimal number: sign, digits, fraction, exponent ("+80", ".5", "-0.5", "1e2"; not "", ".", "0.-5", "80 ", "0x10",
// "inf"). `integer` when it is integral and fits, `unsigned_integer` when it only fits there, `floating` else.
// INVALID_ARGUMENT for other text and for what no double can hold.
absl::StatusOr<v1::Value> ParseNumber(absl::string_view text);

// `number` as an integer when it is one that int64 can hold.
std::optional<int64_t> AsInteger(double number);

// The shortest text that ParseNumber turns into the same number. `number` is finite.
std::string FormatFloat(double number);

// Both alphabets of RFC 4648, with or without padding; nullopt for anything else, white space included.
std::optional<std::string> DecodeBase64(absl::string_view text);

// Seconds since 1970 that a Time may have: the years 1 to 9999, which oneM2M timestamps and google.protobuf.Timestamp
// can say. Milliseconds in place of seconds fall far outside.
inline constexpr int64_t kEarliestTime = -62135596800, kLatestTime = 253402300799;

// A date and time of RFC 3339, for example "2023-11-28T21:00:00+09:00", as seconds since 1970; a fraction is cut off.
// INVALID_ARGUMENT for other text and for years beyond 1 to 9999.
absl::StatusOr<int64_t> ParseDateAndTime(absl::string_view text);

// "3:0".
absl::StatusOr<v1::ObjectLinkValue> ParseObjectLink(absl::string_view text);
std::string FormatObjectLink(const v1::ObjectLinkValue& link);

}  // namespace isthmus::lwm2m

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_VALUE_TEXT_H_
