// Topics of the oneM2M MQTT binding (TS-0010 6.4.2 to 6.4.5, 6.5.4, 6.6).
//
//   TopicScheme scheme("/id-in", /*prefix=*/"");
//   std::optional<Topic> topic = scheme.Parse("/oneM2M/req/Cme/id-in/json");
//   scheme.Format(scheme.AnswerTo(*topic));   // "/oneM2M/resp/Cme/id-in/json"
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_CORE_TOPIC_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_CORE_TOPIC_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace isthmus::mqtt_binding {

enum class TopicKind { kRequest, kResponse, kRegistrationRequest, kRegistrationResponse };

struct Topic {
  TopicKind kind = TopicKind::kRequest;
  // Segments as they stand in the topic: an answer repeats them literally, however their sender spelt them.
  std::string originator;
  std::string receiver;
  // Empty when the topic has no such level (release 1), which reads as "json".
  std::string type;

  absl::string_view serialization() const { return type.empty() ? absl::string_view("json") : type; }
};

// An ID as a topic segment (6.4.2): a leading '/' goes, any other becomes ':'. `/id-in` -> `id-in`,
// `/id-in/Cme` -> `id-in:Cme`, `//sp.example/x` -> `:sp.example:x`.
std::string ToSegment(absl::string_view id);

// Immutable, thread-safe.
class TopicScheme {
 public:
  // `cse_id` is SP-relative ("/id-in"). `prefix` is the path of the pointOfAccess, "" for none; it stands in front of
  // every topic as it is.
  TopicScheme(absl::string_view cse_id, absl::string_view prefix);

  // Nothing when it is no topic of the binding: another prefix, depth or kind, or an empty segment.
  std::optional<Topic> Parse(absl::string_view topic) const;
  std::string Format(const Topic& topic) const;
  // resp for req and reg_resp for reg_req.
  static Topic AnswerTo(const Topic& topic);

  // What a CSE subscribes to: requests and registrations for it, and answers to its own requests.
  std::vector<std::string> Filters() const;

  const std::string& cse_segment() const { return cse_segment_; }
  const std::string& prefix() const { return prefix_; }

 private:
  std::string cse_segment_;
  std::string prefix_;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_CORE_TOPIC_H_
