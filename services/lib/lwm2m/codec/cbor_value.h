// Values as CBOR items, for all formats that are CBOR. Internal to the codec.
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_CBOR_VALUE_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_CBOR_VALUE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/lib/cbor/cbor.h"

namespace isthmus::lwm2m::codec {

// A number is `integer` when it is integral, however it was written, a decimal fraction (RFC 8949 3.4.4) too; a tagged
// time (RFC 8949 3.4.1, 3.4.2) is `time`.
//   INVALID_ARGUMENT  null, a list, a map, an unknown tag, or a number that is none (NaN, infinity).
absl::StatusOr<v1::Value> FromCbor(const cbor::Item& item);

// Time is a plain number of seconds. `value` has been checked: neither raw nor missing.
cbor::Item ToCbor(const v1::Value& value);
// The same, but for Time, which has tag 1, as CBOR and LwM2M CBOR want it.
cbor::Item ToTaggedCbor(const v1::Value& value);

// Seconds of a number, tagged as a time or not; how many are a time that somebody means is the caller's business.
absl::StatusOr<absl::Duration> SecondsFromCbor(const cbor::Item& item);

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_CBOR_VALUE_H_
