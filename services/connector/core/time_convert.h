// absl::Time <-> google.protobuf.Timestamp.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_TIME_CONVERT_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_TIME_CONVERT_H_

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace isthmus::connector {

inline google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

inline absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_TIME_CONVERT_H_
