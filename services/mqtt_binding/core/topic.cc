#include "services/mqtt_binding/core/topic.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace isthmus::mqtt_binding {
namespace {

struct KindName {
  TopicKind kind;
  absl::string_view name;
};
constexpr std::array<KindName, 4> kKinds = {{{TopicKind::kRequest, "req"},
                                             {TopicKind::kResponse, "resp"},
                                             {TopicKind::kRegistrationRequest, "reg_req"},
                                             {TopicKind::kRegistrationResponse, "reg_resp"}}};

absl::string_view NameOf(TopicKind kind) {
  return std::find_if(kKinds.begin(), kKinds.end(), [kind](const KindName& k) { return k.kind == kind; })->name;
}

}  // namespace

std::string ToSegment(absl::string_view id) {
  if (!id.empty() && id.front() == '/') id.remove_prefix(1);
  std::string segment(id);
  std::replace(segment.begin(), segment.end(), '/', ':');
  return segment;
}

TopicScheme::TopicScheme(absl::string_view cse_id, absl::string_view prefix)
    : cse_segment_(ToSegment(cse_id)), prefix_(prefix) {}

std::optional<Topic> TopicScheme::Parse(absl::string_view topic) const {
  if (topic.substr(0, prefix_.size()) != prefix_) return std::nullopt;
  topic.remove_prefix(prefix_.size());
  const std::vector<absl::string_view> levels = absl::StrSplit(topic, '/');
  // "" / oneM2M / kind / originator / receiver [ / type ]
  if (levels.size() < 5 || levels.size() > 6 || !levels[0].empty() || levels[1] != "oneM2M") return std::nullopt;
  const auto* kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const KindName& k) { return k.name == levels[2]; });
  if (kind == kKinds.end()) return std::nullopt;
  if (std::any_of(levels.begin() + 3, levels.end(), [](absl::string_view level) { return level.empty(); })) {
    return std::nullopt;
  }
  Topic parsed;
  parsed.kind = kind->kind;
  parsed.originator = std::string(levels[3]);
  parsed.receiver = std::string(levels[4]);
  if (levels.size() == 6) parsed.type = std::string(levels[5]);
  return parsed;
}

std::string TopicScheme::Format(const Topic& topic) const {
  return absl::StrCat(prefix_, "/oneM2M/", NameOf(topic.kind), "/", topic.originator, "/", topic.receiver,
                      topic.type.empty() ? "" : "/", topic.type);
}

Topic TopicScheme::AnswerTo(const Topic& topic) {
  Topic answer = topic;
  answer.kind = topic.kind == TopicKind::kRegistrationRequest ? TopicKind::kRegistrationResponse : TopicKind::kResponse;
  return answer;
}

std::vector<std::string> TopicScheme::Filters() const {
  return {absl::StrCat(prefix_, "/oneM2M/req/+/", cse_segment_, "/#"),
          absl::StrCat(prefix_, "/oneM2M/resp/", cse_segment_, "/#"),
          absl::StrCat(prefix_, "/oneM2M/reg_req/+/", cse_segment_, "/#")};
}

}  // namespace isthmus::mqtt_binding
