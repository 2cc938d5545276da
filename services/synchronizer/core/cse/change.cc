#include "services/synchronizer/core/cse/change.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/command/execution.h"
#include "services/synchronizer/core/representation/representation.h"
#include "services/synchronizer/core/subscription/notification_content.h"
#include "services/synchronizer/core/subscription/notification_target.h"

namespace isthmus::synchronizer {
namespace {

std::set<std::string> Differences(const onem2m::v1::Object& before, const onem2m::v1::Object& after) {
  std::set<std::string> names;
  for (const onem2m::v1::Attribute& attribute : after.members()) {
    const onem2m::v1::Value* old = onem2m::Find(before, attribute.name());
    if (old == nullptr || !onem2m::Equal(*old, attribute.value())) names.insert(attribute.name());
  }
  for (const onem2m::v1::Attribute& attribute : before.members()) {
    if (onem2m::Find(after, attribute.name()) == nullptr) names.insert(attribute.name());
  }
  return names;
}

void CollectBelow(const Entry* entry, std::set<const Entry*>* entries) {
  ResourceTree::Visit(entry, [entries](const Entry* below) { entries->insert(below); });
}

}  // namespace

StoredResource& Change::Edit(Entry* entry) {
  Pending& pending = edits_[entry];
  if (!pending.edited) {
    pending.edited = true;
    pending.record = entry->record;
  }
  return pending.record;
}

void Change::FollowExecutions() {
  std::vector<Entry*> changed;
  for (const auto& [entry, pending] : edits_) {
    if (entry->record.type == kManagementObject && doomed_.count(entry) == 0) changed.push_back(entry);
  }
  const auto followed = [this](Entry* execution) {
    return doomed_.count(execution) == 0 && Edit(execution).execution.phase == Execution::Phase::kFollowed;
  };
  for (Entry* performer : changed) {
    for (Entry* execution : context_->tree.ExecutionsBy(performer->record.resource_id)) {
      if (!followed(execution)) continue;
      const ManagementCommand command = CommandOf(*execution);
      // What it said all the time is of an earlier run.
      const onem2m::v1::Value* before = onem2m::Find(performer->record.attributes, command.status);
      const onem2m::v1::Value* after = onem2m::Find(Edit(performer).attributes, command.status);
      if (before != nullptr && after != nullptr && onem2m::Equal(*before, *after)) continue;
      const auto result = RunResult(command, Edit(performer).attributes);
      if (result.has_value()) EndRun(*result, context_->clock->Now(), &Edit(execution));
    }
  }
  for (const Entry* gone : doomed_) {
    if (gone->record.type != kManagementObject) continue;
    for (Entry* execution : context_->tree.ExecutionsBy(gone->record.resource_id)) {
      if (followed(execution)) End(kFinished, kInternalError, &Edit(execution));
    }
  }
}

// Keeps the edits that change something, with `mentioned` grown to all modified attributes.
void Change::SettleEdits() {
  const std::string now = onem2m::FormatTimestamp(context_->clock->Now());
  for (auto place = edits_.begin(); place != edits_.end();) {
    auto& [entry, pending] = *place;
    if (doomed_.count(entry) > 0) {
      place = edits_.erase(place);
      continue;
    }
    Edit(entry);
    StoredResource& record = pending.record;
    ApplyDisplayRules(context_->TableOf(record), &record.attributes);
    std::set<std::string> changed = Differences(entry->record.attributes, record.attributes);
    changed.merge(pending.mentioned);
    const bool internal = record.provisioned != entry->record.provisioned || record.targets != entry->record.targets ||
                          !(record.execution == entry->record.execution);
    if (changed.empty() && !internal) {
      place = edits_.erase(place);
      continue;
    }
    if (!changed.empty()) {
      onem2m::Set(record.attributes, "lt", onem2m::Text(now));
      changed.insert("lt");
    }
    pending.mentioned = std::move(changed);
    ++place;
  }
}

bool Change::CountsDown(Entry* subscription) {
  const onem2m::v1::Value* counter = onem2m::Find(subscription->record.attributes, "exc");
  if (counter == nullptr || doomed_.count(subscription) > 0) return false;
  const auto edit = edits_.find(subscription);
  StoredResource& record =
      counters_.emplace(subscription, edit == edits_.end() ? subscription->record : edit->second.record).first->second;
  onem2m::v1::Value* left = onem2m::FindMutable(record.attributes, "exc");
  if (left == nullptr) return false;
  left->set_integer(left->integer() - 1);
  return left->integer() <= 0;
}

void Change::Event(Entry* subscription, EventType event, const StoredResource& subject,
                   const std::set<std::string>& changed) {
  if (exhausted_.count(subscription) > 0) return;
  const SubscriptionRules& rules = subscription->Compiled<SubscriptionRules>(ParseSubscriptionRules);
  if (!rules.Wants(event, changed, subject.type)) return;
  const std::string& id = subscription->record.resource_id;
  deliveries_.push_back({subscription->record.targets, id,
                         EventContent(context_->ReferenceOf(id), event, rules.content, subject, changed)});
  if (CountsDown(subscription)) {
    exhausted_.insert(subscription);
    Deleted(subscription);
  }
}

void Change::Deleted(Entry* subscription) {
  const std::string subscriber = onem2m::FindText(subscription->record.attributes, "su");
  if (subscriber.empty()) return;
  std::string target;
  if (ResolveTarget(subscriber, subscription->record.creator, context_->tree, context_->space, &target)) return;
  const std::string& id = subscription->record.resource_id;
  deliveries_.push_back({{target}, id, DeletionContent(context_->ReferenceOf(id))});
}

void Change::CollectEvents() {
  for (const auto& [entry, pending] : edits_) {
    if (pending.mentioned.empty()) continue;
    for (Entry* subscription : entry->subscriptions) {
      Event(subscription, kUpdated, pending.record, pending.mentioned);
    }
  }
  for (const StoredResource& record : inserts_) {
    const Entry* parent = context_->tree.FindById(record.parent_id);
    if (parent == nullptr) continue;
    for (Entry* subscription : parent->subscriptions) Event(subscription, kChildCreated, record, {});
  }
  for (Entry* removed : removals_) {
    ResourceTree::Visit(removed, [this](const Entry* entry) {
      for (Entry* subscription : entry->subscriptions) {
        Event(subscription, kDeleted, entry->record, {});
        Deleted(subscription);
      }
    });
    if (removed->record.type == kSubscription) Deleted(removed);
    if (removed->parent == nullptr) continue;
    for (Entry* subscription : removed->parent->subscriptions) {
      if (subscription != removed) Event(subscription, kChildDeleted, removed->record, {});
    }
  }
}

absl::Status Change::Write() {
  StoreTransaction transaction;
  for (const Entry* entry : doomed_) transaction.removals.push_back(entry->record.resource_id);
  for (const Entry* entry : exhausted_) transaction.removals.push_back(entry->record.resource_id);
  for (const auto& [entry, pending] : edits_) {
    if (counters_.count(entry) == 0 && exhausted_.count(entry) == 0) transaction.puts.push_back(&pending.record);
  }
  for (const auto& [entry, record] : counters_) {
    if (exhausted_.count(entry) == 0) transaction.puts.push_back(&record);
  }
  for (const StoredResource& record : inserts_) transaction.puts.push_back(&record);
  if (transaction.puts.empty() && transaction.removals.empty()) return absl::OkStatus();
  return context_->store->Commit(transaction);
}

void Change::Apply() {
  const auto note_parent = [this](const Entry* parent) {
    if (parent != nullptr && IsOnDevice(parent->record)) resubscribed_.insert(parent->record.resource_id);
  };
  const auto note_performer = [this](const StoredResource& record) {
    if (!record.execution.performer.empty()) resubscribed_.insert(record.execution.performer);
  };
  for (auto& [entry, pending] : edits_) {
    if (counters_.count(entry) > 0) continue;
    if (!(entry->record.execution == pending.record.execution)) {
      note_performer(entry->record);
      note_performer(pending.record);
    }
    context_->tree.Replace(entry, std::move(pending.record));
  }
  for (auto& [entry, record] : counters_) context_->tree.Replace(entry, std::move(record));
  for (StoredResource& record : inserts_) {
    const bool subscription = record.type == kSubscription;
    note_performer(record);
    const Entry* entry = context_->tree.Insert(std::move(record));
    if (subscription && entry != nullptr) note_parent(entry->parent);
  }
  for (Entry* entry : exhausted_) {
    note_parent(entry->parent);
    context_->tree.Remove(entry);
  }
  for (Entry* entry : removals_) {
    if (entry->record.type == kSubscription) note_parent(entry->parent);
    ResourceTree::Visit(entry, [&](const Entry* below) {
      note_performer(below->record);
      if (!IsOnDevice(below->record) || SubscribersOf(*context_, *below) == 0) return;
      context_->effects.Post([management = context_->management, id = below->record.resource_id,
                              node_id = NodeIdOf(*below), resource = ResourceOf(*below)] {
        if (management != nullptr) management->SubscribersChanged(id, node_id, resource, 0);
      });
    });
    context_->tree.Remove(entry);
  }
}

void Change::PostDeliveries() {
  if (context_->notifications == nullptr) return;
  for (Delivery& delivery : deliveries_) {
    // Two addresses of one AE in `nu` are one target.
    std::set<std::string> targets;
    for (const std::string& target : delivery.targets) targets.insert(ReachableTarget(target, context_->tree));
    targets.erase("");
    for (const std::string& target : targets) {
      OutgoingNotification notification{target, delivery.subscription_id,
                                        MakeNotification(*context_, target, delivery.content),
                                        SerializationOf(target, context_->tree)};
      context_->effects.Post([port = context_->notifications, notification = std::move(notification)]() mutable {
        port->Send(std::move(notification), nullptr);
      });
    }
  }
}

void Change::PostSubscribers() {
  for (const std::string& resource_id : resubscribed_) {
    const Entry* entry = context_->tree.FindById(resource_id);
    if (entry == nullptr || context_->management == nullptr) continue;
    context_->effects.Post([management = context_->management, resource_id, node_id = NodeIdOf(*entry),
                            resource = ResourceOf(*entry), count = SubscribersOf(*context_, *entry)] {
      management->SubscribersChanged(resource_id, node_id, resource, count);
    });
  }
}

absl::Status Change::Commit() {
  if (edits_.empty() && inserts_.empty() && removals_.empty()) return absl::OkStatus();
  for (const Entry* entry : removals_) CollectBelow(entry, &doomed_);
  FollowExecutions();
  SettleEdits();
  const onem2m::v1::Value now = onem2m::Text(onem2m::FormatTimestamp(context_->clock->Now()));
  for (StoredResource& record : inserts_) onem2m::Set(record.attributes, "lt", now);
  CollectEvents();
  if (absl::Status status = Write(); !status.ok()) {
    return absl::Status(status.code(), absl::StrCat("the store failed: ", status.message()));
  }
  Apply();
  PostDeliveries();
  PostSubscribers();
  return absl::OkStatus();
}

}  // namespace isthmus::synchronizer
