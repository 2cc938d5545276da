// What a <subscription> wants to hear (eventNotificationCriteria, notificationContentType; TS-0001 9.6.8), and whether
// a request for one makes sense (TS-0004 7.4.8.2).
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_SUBSCRIPTION_RULES_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_SUBSCRIPTION_RULES_H_

#include <cstdint>
#include <set>
#include <string>

#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/refusal.h"
#include "services/synchronizer/core/resource/resource_store.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {

// notificationEventType.
enum EventType : uint32_t { kUpdated = 1, kDeleted = 2, kChildCreated = 3, kChildDeleted = 4 };

struct SubscriptionRules {
  std::set<uint32_t> events;         // net
  uint32_t content = 1;              // nct: 1 all attributes, 2 modified ones, 3 resource ID
  std::set<std::string> attributes;  // atr; empty = any
  std::set<uint32_t> child_types;    // chty; empty = any

  // `changed` counts for kUpdated, `child_type` for kChildCreated and kChildDeleted.
  bool Wants(EventType event, const std::set<std::string>& changed, uint32_t child_type) const;
};

// Of a <subscription> that was checked.
SubscriptionRules ParseSubscriptionRules(const StoredResource& subscription);

// Criteria and content of a subscription to a resource of the type of `parent`, beyond what its table says.
Checked CheckSubscription(const ResourceTable& parent, const onem2m::v1::Object& attributes);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_SUBSCRIPTION_RULES_H_
