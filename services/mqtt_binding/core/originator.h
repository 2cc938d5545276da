// Is the originator of a request (`fr`) who its topic says it is? With an open broker this is the only guard against
// impersonation (TS-0010 7.3: receivers trust the originator segment, the broker guards who may publish there).
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_ORIGINATOR_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_ORIGINATOR_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace isthmus::mqtt_binding {

struct OriginatorVerdict {
  uint32_t response_status_code = 0;  // 0 = all right
  std::string reason;
};

// `segment` is the originator level of a `req` topic, `cse_segment` our own CSE-ID as a segment. Accepted are
//   an AE of ours           `Cme` or `id-in:Cme` with fr `Cme` or `/id-in/Cme`
//   a CSE                   `id-mn` with fr `/id-mn`
//   what a CSE forwards     `id-mn` with fr `/id-mn/Cx`, or `/id-other/Cx` that came to it from further away
// 4106 for a mismatch, 4107 for who pretends to be this CSE, 4000 for a `fr` that is no ID at all.
OriginatorVerdict CheckOriginator(absl::string_view segment, absl::string_view from, absl::string_view cse_segment);

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_ORIGINATOR_H_
