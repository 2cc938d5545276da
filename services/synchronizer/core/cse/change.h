// A change of several resources that happens as a whole: in the store first, then in the tree, then to those who
// subscribed.
//
//   Change change(&context);
//   onem2m::Set(change.Edit(battery).attributes, "btl", onem2m::Integer(5));
//   RETURN_IF_ERROR(change.Commit());
//   // unlock, then: context.effects.Run();
//
// Nothing is written and nobody hears anything when nothing differs. Not thread-safe: used under the lock of the tree.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CHANGE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CHANGE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/synchronizer/core/cse/cse_context.h"
#include "services/synchronizer/core/subscription/subscription_rules.h"

namespace isthmus::synchronizer {

class Change {
 public:
  explicit Change(CseContext* context) : context_(context) {}

  // What the resource will be. The same object for every call on the same resource.
  StoredResource& Edit(Entry* entry);
  bool Edits(Entry* entry) const { return edits_.count(entry) > 0; }
  // An attribute counts as modified although its value may stay: an UPDATE named it.
  void Mention(Entry* entry, const std::string& attribute) { edits_[entry].mentioned.insert(attribute); }
  // lastModifiedTime is set here.
  void Insert(StoredResource record) { inserts_.push_back(std::move(record)); }
  // With everything below it. Once for each.
  void Remove(Entry* entry) { removals_.push_back(entry); }

  // Writes; on failure nothing has changed. At most once.
  absl::Status Commit();

 private:
  struct Pending {
    bool edited = false;
    StoredResource record;
    std::set<std::string> mentioned;
  };
  struct Delivery {
    std::vector<std::string> targets;
    std::string subscription_id;
    onem2m::v1::Attribute content;
  };

  // Executions of <mgmtCmd> go on with the status of the <mgmtObj> that carries them out.
  void FollowExecutions();
  void SettleEdits();
  void CollectEvents();
  void Event(Entry* subscription, EventType event, const StoredResource& subject, const std::set<std::string>& changed);
  void Deleted(Entry* subscription);
  // Counts the notification; true when it was the last one, and the subscription goes.
  bool CountsDown(Entry* subscription);
  absl::Status Write();
  void Apply();
  void PostDeliveries();
  void PostSubscribers();

  CseContext* const context_;
  std::map<Entry*, Pending> edits_;
  std::vector<StoredResource> inserts_;
  std::vector<Entry*> removals_;

  std::set<const Entry*> doomed_;
  std::map<Entry*, StoredResource> counters_;  // subscriptions whose expirationCounter went down
  std::set<Entry*> exhausted_;
  std::vector<Delivery> deliveries_;
  std::set<std::string> resubscribed_;  // <mgmtObj> whose number of subscriptions changes
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CHANGE_H_
