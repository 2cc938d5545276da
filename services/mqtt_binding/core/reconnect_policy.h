// When to connect to the broker again, and whether somebody else uses our client id.
//
// Two processes with one client id push each other off the broker for ever (MQTT 3.1.1 [MQTT-3.1.4-2]): each connection
// succeeds at once and is lost soon after. That is told from a broker that comes and goes by the attempts that fail in
// between. The loser waits longer each time, so that one of the two can work.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_RECONNECT_POLICY_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_RECONNECT_POLICY_H_

#include <functional>

#include "absl/time/time.h"

namespace isthmus::mqtt_binding {

// Not thread-safe: belongs to the one thread that connects. Times are monotonic.
class ReconnectPolicy {
 public:
  struct Options {
    absl::Duration shortest = absl::Seconds(1);
    // An absent broker is looked for this often: it is to be found within 10 s of its return.
    absl::Duration longest_absent = absl::Seconds(5);
    absl::Duration longest_contested = absl::Seconds(30);
    // A connection that lasts this long was not taken over. Longer than the longest wait of a rival.
    absl::Duration stable = absl::Seconds(45);
  };

  // `random` gives numbers from 0 to 1.
  ReconnectPolicy(Options options, std::function<double()> random) : options_(options), random_(std::move(random)) {}

  void OnConnected(absl::Duration now);
  // Both return how long to wait, at least `shortest`; the wait is up to a fifth longer than planned, at random.
  absl::Duration OnLost(absl::Duration now);
  absl::Duration OnFailed();

  // Twice in a row a connection was lost soon after it was made, and the present one is not stable yet.
  bool Contested(absl::Duration now) const;

 private:
  absl::Duration Wait(int doublings, absl::Duration longest) const;

  const Options options_;
  const std::function<double()> random_;
  absl::Duration connected_at_ = -absl::InfiniteDuration();
  bool connected_ = false;
  int failures_ = 0;
  int short_lived_ = 0;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_RECONNECT_POLICY_H_
