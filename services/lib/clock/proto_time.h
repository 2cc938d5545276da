// absl::Time <-> google.protobuf.Timestamp, and the same for durations.
//
//   *event.mutable_time() = ToTimestamp(clock.Now());
//   const absl::Duration left = ToTime(request.deadline()) - clock.Now();
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_CLOCK_PROTO_TIME_H_
#define ISTHMUS_SERVICES_LIB_CLOCK_PROTO_TIME_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace isthmus {

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);

// To the nanosecond below. What a Timestamp cannot hold (years 1 to 9999, so no infinity) becomes its nearest end.
google::protobuf::Timestamp ToTimestamp(absl::Time time);

absl::Duration ToDuration(const google::protobuf::Duration& duration);

}  // namespace isthmus

#endif  // ISTHMUS_SERVICES_LIB_CLOCK_PROTO_TIME_H_
