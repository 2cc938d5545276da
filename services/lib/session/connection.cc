#include "services/lib/session/connection.h"

#include "absl/strings/str_cat.h"
#include "services/lib/clock/proto_time.h"

namespace isthmus::session {
namespace {

// What a Hello or Welcome must say.
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

}  // namespace

absl::Status TakeGreeting(const v1::Frame& frame, v1::Role expected_role, absl::Duration now, Connection& connection) {
  if (frame.has_bye()) return absl::UnavailableError(absl::StrCat("refused: ", frame.bye().reason()));
  if (connection.opened_by_us && frame.has_welcome()) {
    const v1::Welcome& welcome = frame.welcome();
    connection.peer = welcome.peer();
    connection.session_id = welcome.session_id();
    return CheckGreeting(welcome.protocol_version(), welcome.role(), expected_role, welcome.peer());
  }
  if (!connection.opened_by_us && frame.has_hello()) {
    const v1::Hello& hello = frame.hello();
    connection.peer = hello.peer();
    connection.purpose = hello.purpose();
    if (hello.has_idle_timeout() && ToDuration(hello.idle_timeout()) > absl::ZeroDuration()) {
      connection.idle_timeout = ToDuration(hello.idle_timeout());
      connection.last_frame = now;
    }
    return CheckGreeting(hello.protocol_version(), hello.role(), expected_role, hello.peer());
  }
  return absl::FailedPreconditionError(
      absl::StrCat("first frame: expected ", connection.opened_by_us ? "Welcome" : "Hello", ", not ", KindName(frame)));
}

std::string KindName(const v1::Frame& frame) {
  const auto* field = v1::Frame::descriptor()->FindFieldByNumber(frame.kind_case());
  return field == nullptr ? "nothing" : field->name();
}

}  // namespace isthmus::session
