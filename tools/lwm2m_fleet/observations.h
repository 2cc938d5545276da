// Which paths are observed and when each is due for a notification: pmin, pmax, gt, lt, st.
//
//   observations.Add(observation, now);
//   observations.OnChange(path);
//   Observation* due = observations.NextDue(now, management);   // nullptr: nothing is due
//
// Not thread-safe.
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_OBSERVATIONS_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_OBSERVATIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/lib/coap/endpoint.h"
#include "tools/lwm2m_fleet/management.h"

namespace isthmus::fleet {

struct Observation {
  coap::Peer peer;
  std::string token;
  v1::Path path;
  std::optional<uint64_t> accept;
  uint32_t sequence = 0;
  absl::Duration last_sent;
  std::optional<double> last_number;
  bool changed = false;    // since the last notification
  bool under_way = false;  // a notification is not acknowledged yet: the next one waits
};

class Observations {
 public:
  // Replaces one with the same peer and token.
  void Add(Observation observation);
  void Remove(const coap::Peer& peer, const std::string& token);
  void Clear() { all_.clear(); }
  Observation* Find(const coap::Peer& peer, const std::string& token);
  size_t size() const { return all_.size(); }

  void OnChange(const v1::Path& path);
  // One that has to be told now. It stays due until its `last_sent` and `changed` are brought up to date.
  Observation* NextDue(absl::Duration now, const Management& management);
  // When the next one may become due without a change; InfiniteDuration when never.
  absl::Duration NextTime(const Management& management) const;

 private:
  std::vector<Observation> all_;
};

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_OBSERVATIONS_H_
