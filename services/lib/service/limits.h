// Numbers that a server and its clients must agree on.
#ifndef ISTHMUS_SERVICES_LIB_SERVICE_LIMITS_H_
#define ISTHMUS_SERVICES_LIB_SERVICE_LIMITS_H_

namespace isthmus::service {

inline constexpr int kMaxMessageSize = 8 * 1024 * 1024;

// A server takes pings that come faster than this for an attack and ends the connection ("too_many_pings"). It has to
// be below what any client may be configured to do: gRPC itself sends no two pings within a second.
inline constexpr int kMinPingIntervalMs = 500;

}  // namespace isthmus::service

#endif  // ISTHMUS_SERVICES_LIB_SERVICE_LIMITS_H_
