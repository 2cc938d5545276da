#include "services/synchronizer/core/subscription/subscription_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Value;

Refusal Bad(const std::string& reason) { return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST, reason}; }
Refusal NotBuilt(const std::string& reason) {
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_NOT_IMPLEMENTED, reason};
}

SubscriptionRules Parse(const onem2m::v1::Object& attributes) {
  SubscriptionRules rules;
  if (const Value* content = onem2m::Find(attributes, "nct")) rules.content = static_cast<uint32_t>(content->integer());
  if (const Value* criteria = onem2m::Find(attributes, "enc")) {
    if (const Value* events = onem2m::Find(criteria->object(), "net")) {
      for (const Value& event : events->list().values()) rules.events.insert(static_cast<uint32_t>(event.integer()));
    }
    if (const Value* names = onem2m::Find(criteria->object(), "atr")) {
      for (const Value& name : names->list().values()) rules.attributes.insert(name.text());
    }
    if (const Value* types = onem2m::Find(criteria->object(), "chty")) {
      for (const Value& type : types->list().values()) rules.child_types.insert(static_cast<uint32_t>(type.integer()));
    }
  }
  if (rules.events.empty()) rules.events.insert(kUpdated);
  return rules;
}

}  // namespace

bool SubscriptionRules::Wants(EventType event, const std::set<std::string>& changed, uint32_t child_type) const {
  if (events.count(event) == 0) return false;
  if (event == kUpdated && !attributes.empty()) {
    return std::any_of(attributes.begin(), attributes.end(),
                       [&](const std::string& name) { return changed.count(name) > 0; });
  }
  if ((event == kChildCreated || event == kChildDeleted) && !child_types.empty()) {
    return child_types.count(child_type) > 0;
  }
  return true;
}

SubscriptionRules ParseSubscriptionRules(const StoredResource& subscription) { return Parse(subscription.attributes); }

Checked CheckSubscription(const ResourceTable& parent, const onem2m::v1::Object& attributes) {
  const SubscriptionRules rules = Parse(attributes);
  for (const uint32_t event : rules.events) {
    if (event == 7) return NotBuilt("enc.net: 7 (blockingUpdate) is not supported here");
    if (event > kChildDeleted) return NotBuilt(absl::StrCat("enc.net: event type ", event, " is not supported here"));
    const bool fits = rules.content == 1 || rules.content == 3 || (rules.content == 2 && event == kUpdated);
    if (!fits) {
      return Bad(absl::StrCat("nct (notificationContentType): event type ", event,
                              event == kUpdated ? " goes with 1, 2 or 3, got " : " goes with 1 or 3, got ",
                              rules.content));
    }
  }
  const bool of_children = rules.events.count(kChildCreated) > 0 || rules.events.count(kChildDeleted) > 0;
  if (!rules.attributes.empty() && rules.events.count(kUpdated) == 0) {
    return Bad("enc.atr: expected only with event type 1 in enc.net");
  }
  for (const std::string& name : rules.attributes) {
    if (!parent.open && parent.Find(name) == nullptr) {
      return Bad(absl::StrCat("enc.atr: ", parent.root, " has no attribute ", name));
    }
  }
  if (!rules.child_types.empty() && !of_children)
    return Bad("enc.chty: expected only with event type 3 or 4 in enc.net");
  for (const uint32_t type : rules.child_types) {
    if (!parent.AllowsChild(type)) {
      return Bad(absl::StrCat("enc.chty: ", parent.name, " has no children of type ", type));
    }
  }
  return std::nullopt;
}

}  // namespace isthmus::synchronizer
