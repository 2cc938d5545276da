#include "services/synchronizer/core/subscription/notification_target.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {
namespace {

constexpr absl::string_view kRegistered = "ae:";
// The first is what is meant when nothing is said.
constexpr std::array<absl::string_view, 3> kSerializations = {"json", "cbor", "xml"};

Refusal Bad(absl::string_view uri, absl::string_view why) {
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
                 absl::StrCat("notification target '", uri.substr(0, 300), "': ", why)};
}

Checked ResolveUrl(absl::string_view uri, std::string* target) {
  absl::string_view rest = uri;
  if (!absl::ConsumePrefix(&rest, "mqtt://") && !absl::ConsumePrefix(&rest, "mqtts://")) {
    return Bad(uri, "expected an ID, or mqtt://host[:port]/topic");
  }
  const size_t slash = rest.find('/');
  const absl::string_view topic = slash == absl::string_view::npos ? "" : rest.substr(slash + 1);
  const absl::string_view bare_topic = topic.substr(0, topic.find('?'));
  if (slash == 0 || bare_topic.empty()) return Bad(uri, "expected mqtt://host[:port]/topic");
  if (absl::StrContains(bare_topic, "#") || absl::StrContains(bare_topic, "+")) {
    return Bad(uri, "a topic to publish to has no wildcards");
  }
  // The query (`ct=json`) speaks to us and not to the broker (TS-0004 7.4.8).
  const absl::string_view query = topic.substr(bare_topic.size());
  *target = std::string(uri.substr(0, uri.size() - query.size()));
  for (absl::string_view parameter : absl::StrSplit(absl::StripPrefix(query, "?"), '&')) {
    if (!absl::ConsumePrefix(&parameter, "ct=")) continue;
    if (std::find(kSerializations.begin(), kSerializations.end(), parameter) == kSerializations.end()) {
      return Bad(uri, "expected ct=json, ct=cbor or ct=xml");
    }
    if (parameter != kSerializations.front()) absl::StrAppend(target, "?ct=", parameter);
    break;
  }
  return std::nullopt;
}

}  // namespace

Checked ResolveTarget(absl::string_view uri, absl::string_view originator, const ResourceTree& tree,
                      const AddressSpace& space, std::string* target) {
  if (uri.empty()) return Bad(uri, "expected an ID or a URL");
  if (absl::StrContains(uri, "://")) return ResolveUrl(uri, target);
  // An ID without a CSE is of the originator's CSE.
  if (originator.size() > 1 && originator.front() == '/' && IsAeIdStem(uri)) {
    const size_t slash = originator.find('/', 1);
    *target = absl::StrCat(originator.substr(0, slash), "/", uri);
    return std::nullopt;
  }
  const std::string normalized = space.NormalizeOriginator(uri);
  if (normalized == space.cse_id()) return Bad(uri, "this CSE does not notify itself");
  Address address;
  if (const Checked checked = space.Parse(normalized, &address)) {
    const bool another_cse = checked->code == onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND && normalized.size() > 1 &&
                             normalized[0] == '/' && normalized[1] != '/';
    if (!another_cse) return Bad(uri, checked->reason);
    *target = normalized;
    return std::nullopt;
  }
  if (!address.attribute.empty()) return Bad(uri, "an attribute is no notification target");
  const Entry* entry = tree.Find(address.local, address.structured);
  if (entry == nullptr) {
    // Perhaps somebody listens there without being registered: the verification finds out.
    if (address.structured || !IsAeIdStem(address.local)) return Bad(uri, "no AE of this name is registered");
    *target = address.local;
    return std::nullopt;
  }
  if (entry->record.type == kCseBase) return Bad(uri, "this CSE does not notify itself");
  if (entry->record.type != kAe) return Bad(uri, "expected an AE or a CSE, this is another resource");
  *target = absl::StrCat(kRegistered, entry->record.resource_id);
  return std::nullopt;
}

std::string ReachableTarget(absl::string_view target, const ResourceTree& tree) {
  if (!absl::ConsumePrefix(&target, kRegistered)) return std::string(target);
  const Entry* entry = tree.FindById(target);
  return entry != nullptr && entry->record.type == kAe ? std::string(target) : std::string();
}

std::string SerializationOf(absl::string_view target, const ResourceTree& tree) {
  const Entry* entry = tree.FindById(target);
  if (entry == nullptr || entry->record.type != kAe) return "";
  const onem2m::v1::Value* listed = onem2m::Find(entry->record.attributes, "csz");
  if (listed == nullptr) return "";
  // "cbor" (TS-0004 6.3.3), and what is seen: "application/cbor", "application/vnd.onem2m-res+cbor".
  const auto lists = [listed](absl::string_view serialization) {
    const auto& types = listed->list().values();
    return std::any_of(types.begin(), types.end(), [serialization](const onem2m::v1::Value& type) {
      return type.text() == serialization || absl::EndsWith(type.text(), absl::StrCat("/", serialization)) ||
             absl::EndsWith(type.text(), absl::StrCat("+", serialization));
    });
  };
  const auto* taken = std::find_if(kSerializations.begin(), kSerializations.end(), lists);
  return taken == kSerializations.end() ? "" : std::string(*taken);
}

bool IsUrl(absl::string_view target) { return absl::StrContains(target, "://"); }

}  // namespace isthmus::synchronizer
