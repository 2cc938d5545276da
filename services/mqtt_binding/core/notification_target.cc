#include "services/mqtt_binding/core/notification_target.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace isthmus::mqtt_binding {
namespace {

absl::Status Refuse(absl::string_view target, absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat("notification target '", target.substr(0, 200), "': ", reason));
}

// Characters that no topic name may have (MQTT 3.1.1 4.7.1, 1.5.3).
bool HasForbiddenCharacter(absl::string_view topic) {
  return std::any_of(topic.begin(), topic.end(),
                     [](char c) { return c == '+' || c == '#' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool IsLoopback(absl::string_view host) {
  return host == "localhost" || absl::StartsWith(host, "127.") || host == "[::1]";
}

bool SameBroker(absl::string_view host, absl::string_view port, const std::string& broker) {
  const std::pair<std::string, std::string> own = [&broker] {
    const size_t colon = broker.rfind(':');
    return std::make_pair(broker.substr(0, colon), colon == std::string::npos ? "1883" : broker.substr(colon + 1));
  }();
  if (port != own.second) return false;
  return absl::EqualsIgnoreCase(host, own.first) || (IsLoopback(host) && IsLoopback(own.first));
}

absl::StatusOr<NotificationTarget> ResolveUrl(absl::string_view target, const TopicScheme& scheme,
                                              const std::vector<std::string>& brokers) {
  absl::string_view rest = target.substr(absl::string_view("mqtt://").size());
  NotificationTarget resolved;
  if (const size_t query = rest.find('?'); query != absl::string_view::npos) {
    for (const absl::string_view parameter : absl::StrSplit(rest.substr(query + 1), '&')) {
      if (absl::StartsWith(parameter, "ct=")) resolved.serialization = std::string(parameter.substr(3));
    }
    rest = rest.substr(0, query);
  }
  const size_t slash = rest.find('/');
  if (slash == absl::string_view::npos || slash + 1 == rest.size()) {
    return Refuse(target, "expected a path, which is the topic (TS-0010 6.6)");
  }
  absl::string_view authority = rest.substr(0, slash);
  if (const size_t at = authority.rfind('@'); at != absl::string_view::npos) authority.remove_prefix(at + 1);
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != absl::string_view::npos && !absl::EndsWith(authority, "]");
  const absl::string_view host = has_port ? authority.substr(0, colon) : authority;
  const absl::string_view port = has_port ? authority.substr(colon + 1) : "1883";
  if (std::none_of(brokers.begin(), brokers.end(),
                   [&](const std::string& broker) { return SameBroker(host, port, broker); })) {
    return Refuse(target,
                  absl::StrCat("expected this CSE's own broker (", brokers.empty() ? "" : brokers.front(), ")"));
  }
  resolved.topic = std::string(rest.substr(slash + 1));
  if (HasForbiddenCharacter(resolved.topic)) return Refuse(target, "the path has a character that no topic may have");
  if (absl::StartsWith(resolved.topic, "$")) return Refuse(target, "topics that start with '$' belong to the broker");
  if (const auto topic = scheme.Parse(resolved.topic)) {
    const bool ours = topic->kind == TopicKind::kResponse || topic->kind == TopicKind::kRegistrationResponse
                          ? topic->originator == scheme.cse_segment()
                          : topic->receiver == scheme.cse_segment();
    if (ours) return Refuse(target, "the notification would come back to this CSE");
  }
  return resolved;
}

}  // namespace

absl::StatusOr<NotificationTarget> ResolveTarget(absl::string_view target, const TopicScheme& scheme,
                                                 const std::vector<std::string>& brokers,
                                                 absl::string_view serialization) {
  if (target.empty()) return Refuse(target, "expected an AE-ID stem, an SP-relative ID or an mqtt:// URL");
  if (absl::StartsWith(target, "mqtt://")) return ResolveUrl(target, scheme, brokers);
  if (absl::StrContains(target, "://")) return Refuse(target, "only mqtt:// URLs are reached over MQTT");
  if (HasForbiddenCharacter(target)) return Refuse(target, "it has a character that no topic may have");

  std::string receiver;
  if (absl::StartsWith(target, "/")) {
    const absl::string_view id = target.substr(1);
    const size_t slash = id.find('/');
    const absl::string_view cse = id.substr(0, slash);
    const absl::string_view stem = slash == absl::string_view::npos ? "" : id.substr(slash + 1);
    if (cse.empty() || absl::StrContains(stem, "/") || (slash != absl::string_view::npos && stem.empty())) {
      return Refuse(target, "expected an SP-relative ID, /<CSE-ID> or /<CSE-ID>/<AE-ID stem>");
    }
    // An AE that is registered elsewhere is reached through its CSE.
    receiver = std::string(cse == scheme.cse_segment() && !stem.empty() ? stem : cse);
  } else if (absl::StrContains(target, "/")) {
    return Refuse(target, "expected an AE-ID stem, got the address of a resource");
  } else {
    receiver = std::string(target);
  }
  if (receiver == scheme.cse_segment()) return Refuse(target, "the notification would come back to this CSE");
  Topic topic;
  topic.kind = TopicKind::kRequest;
  topic.originator = scheme.cse_segment();
  topic.receiver = receiver;
  topic.type = std::string(serialization);
  return NotificationTarget{scheme.Format(topic), topic.type, receiver};
}

}  // namespace isthmus::mqtt_binding
