#include "tools/lwm2m_fleet/observations.h"

#include <algorithm>
#include <utility>

#include "services/lib/lwm2m/path.h"

namespace isthmus::fleet {

void Observations::Add(Observation observation) {
  Remove(observation.peer, observation.token);
  all_.push_back(std::move(observation));
}

void Observations::Remove(const coap::Peer& peer, const std::string& token) {
  all_.erase(std::remove_if(all_.begin(), all_.end(),
                            [&](const Observation& one) { return one.peer == peer && one.token == token; }),
             all_.end());
}

Observation* Observations::Find(const coap::Peer& peer, const std::string& token) {
  for (Observation& one : all_) {
    if (one.peer == peer && one.token == token) return &one;
  }
  return nullptr;
}

void Observations::OnChange(const v1::Path& path) {
  for (Observation& one : all_) {
    // A resource lies in an observed object or instance; an observed resource instance lies in a resource.
    if (lwm2m::Contains(one.path, path) || lwm2m::Contains(path, one.path)) one.changed = true;
  }
}

Observation* Observations::NextDue(absl::Duration now, const Management& management) {
  for (Observation& one : all_) {
    if (one.under_way) continue;
    const v1::NotificationAttributes attributes = management.attributes().Effective(one.path);
    const absl::Duration since = now - one.last_sent;
    if (attributes.maximum_period() > 0 && since >= absl::Seconds(attributes.maximum_period())) return &one;
    if (!one.changed || since < absl::Seconds(attributes.minimum_period())) continue;
    if (IsWorthTelling(attributes, one.last_number, management.NumberAt(one.path))) return &one;
    one.changed = false;
  }
  return nullptr;
}

absl::Duration Observations::NextTime(const Management& management) const {
  absl::Duration next = absl::InfiniteDuration();
  for (const Observation& one : all_) {
    if (one.under_way) continue;
    const v1::NotificationAttributes attributes = management.attributes().Effective(one.path);
    if (attributes.maximum_period() > 0) {
      next = std::min(next, one.last_sent + absl::Seconds(attributes.maximum_period()));
    }
    if (one.changed) next = std::min(next, one.last_sent + absl::Seconds(attributes.minimum_period()));
  }
  return next;
}

}  // namespace isthmus::fleet
