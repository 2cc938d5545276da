#include "services/mqtt_binding/core/reconnect_policy.h"

#include <algorithm>

namespace isthmus::mqtt_binding {

void ReconnectPolicy::OnConnected(absl::Duration now) {
  connected_at_ = now;
  connected_ = true;
  failures_ = 0;
}

absl::Duration ReconnectPolicy::OnLost(absl::Duration now) {
  connected_ = false;
  short_lived_ = now - connected_at_ < options_.stable ? short_lived_ + 1 : 0;
  return Wait(short_lived_, options_.longest_contested);
}

absl::Duration ReconnectPolicy::OnFailed() {
  // The broker itself was away: the loss before was not a rival's doing.
  short_lived_ = 0;
  return Wait(failures_++, options_.longest_absent);
}

bool ReconnectPolicy::Contested(absl::Duration now) const {
  return short_lived_ >= 2 && !(connected_ && now - connected_at_ >= options_.stable);
}

absl::Duration ReconnectPolicy::Wait(int doublings, absl::Duration longest) const {
  const absl::Duration planned = std::min(options_.shortest * (1 << std::min(doublings, 20)), longest);
  return planned * (1 + 0.2 * random_());
}

}  // namespace isthmus::mqtt_binding
