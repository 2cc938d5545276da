#include "services/lib/session/connection.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace isthmus::session {

absl::Status CheckGreeting(uint32_t protocol_version, v1::Role role, v1::Role expected_role, const std::string& peer) {
  if (protocol_version != kProtocolVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("protocol_version: expected ", kProtocolVersion, ", not ", protocol_version));
  }
  if (role != expected_role) {
    return absl::FailedPreconditionError(
        absl::StrCat("role: expected ", v1::Role_Name(expected_role), ", not ",
                     v1::Role_IsValid(role) ? v1::Role_Name(role) : absl::StrCat(static_cast<int>(role))));
  }
  if (peer.empty()) return absl::FailedPreconditionError("peer: expected the stable name of the sender, not nothing");
  return absl::OkStatus();
}

std::string KindName(const v1::Frame& frame) {
  const auto* field = v1::Frame::descriptor()->FindFieldByNumber(frame.kind_case());
  return field == nullptr ? "nothing" : field->name();
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  // Range of google.protobuf.Timestamp.
  static const absl::Time first = absl::FromUnixSeconds(-62135596800), last = absl::FromUnixSeconds(253402300799);
  time = std::clamp(time, first, last);
  const int64_t seconds = absl::ToUnixSeconds(time);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace isthmus::session
