// Numbers that a server and its clients must agree on.
#ifndef ISTHMUS_SERVICES_LIB_SERVICE_LIMITS_H_
#define ISTHMUS_SERVICES_LIB_SERVICE_LIMITS_H_

namespace isthmus::service {

inline constexpr int kMaxMessageSize = 8 * 1024 * 1024;

inline constexpr int kKeepaliveTimeMs = 10'000;
inline constexpr int kKeepaliveTimeoutMs = 10'000;
// A server takes pings that come faster than this for an attack and ends the connection ("too_many_pings"). It has to
// be well below what clients do.
inline constexpr int kMinPingIntervalMs = 1'000;
static_assert(kMinPingIntervalMs * 5 <= kKeepaliveTimeMs);

}  // namespace isthmus::service

#endif  // ISTHMUS_SERVICES_LIB_SERVICE_LIMITS_H_
