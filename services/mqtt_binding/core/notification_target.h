// Where a notification goes: the target of NotificationService.Notify as a topic.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_NOTIFICATION_TARGET_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_NOTIFICATION_TARGET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/mqtt_binding/core/topic.h"

namespace isthmus::mqtt_binding {

struct NotificationTarget {
  std::string topic;
  std::string serialization = "json";
  // Receiver segment of an ID target, whose answer comes on the mirrored topic; empty for a URL, which gives no answer.
  std::string receiver;
};

// `target` is
//   an AE-ID stem        `Cmon` (or `/id-in/Cmon`)        -> /oneM2M/req/id-in/Cmon/json, or as `serialization` says
//   an SP-relative ID    `/id-mn`, `/id-mn/Cx`            -> /oneM2M/req/id-in/id-mn/json
//   a URL                `mqtt://host[:1883]/noti/x?ct=json` on our own broker, named by one of `brokers` ("host:port")
//                                                         -> noti/x
// Everything else, and what would come back to this CSE, is INVALID_ARGUMENT: a CSE that notifies itself starts a
// storm.
absl::StatusOr<NotificationTarget> ResolveTarget(absl::string_view target, const TopicScheme& scheme,
                                                 const std::vector<std::string>& brokers,
                                                 absl::string_view serialization = "json");

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_NOTIFICATION_TARGET_H_
