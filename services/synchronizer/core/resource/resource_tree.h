// The resources in memory: found by resource ID or by structured address in one hash look-up.
//
//   ResourceTree tree;
//   Entry* node = tree.Insert(record);
//   tree.Find("cse-in/n/bat", /*structured=*/true);
//   tree.Find("r12/bat", /*structured=*/false);       // mixed: resource ID, then names
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_TREE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_TREE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/synchronizer/core/resource/resource_store.h"

namespace isthmus::synchronizer {

// A resource in its place. Owned by the tree, at the same address as long as it is in it.
struct Entry {
  StoredResource record;
  Entry* parent = nullptr;
  std::string path;                     // structured, CSE-relative: "cse-in/n/bat"
  uint64_t order = 0;                   // of creation
  std::map<uint64_t, Entry*> children;  // by order
  std::vector<Entry*> subscriptions;    // those of the children
  absl::Time expires = absl::InfiniteFuture();

  // What somebody made of the record to have it at hand (rules of a policy, of a subscription); gone when the record
  // changes. Each resource type has one such form.
  template <typename T>
  const T& Compiled(T (*make)(const StoredResource&)) const {
    if (compiled == nullptr) compiled = std::make_shared<const T>(make(record));
    return *static_cast<const T*>(compiled.get());
  }
  mutable std::shared_ptr<const void> compiled;
};

// Not thread-safe: the owner holds a lock.
class ResourceTree {
 public:
  // The parent, if any is named, is there. Null when it is not, or when the resource ID or the address is taken.
  Entry* Insert(StoredResource record);
  // Puts another record of the same resource in its place.
  void Replace(Entry* entry, StoredResource record);
  // With everything below it.
  void Remove(Entry* entry);

  Entry* Find(absl::string_view local, bool structured) const;
  Entry* FindById(absl::string_view resource_id) const;
  Entry* FindByPath(absl::string_view path) const;
  // A <node>, by its nodeID. Of several the first.
  Entry* FindNode(absl::string_view node_id) const;
  // The <execInstance> resources that have not ended, and those of them that a <mgmtObj> carries out.
  const std::set<Entry*>& executions() const { return executions_; }
  // Those of them that have something to do at `now`, the most overdue first.
  std::vector<Entry*> DueExecutions(absl::Time now, size_t limit) const;
  std::vector<Entry*> ExecutionsBy(absl::string_view performer) const;
  Entry* root() const { return root_; }
  size_t size() const { return by_id_.size(); }

  // Parents before children, children in the order of their creation.
  static void Visit(const Entry* entry, const std::function<void(const Entry*)>& visit);
  // True when it, or something above it, has passed its expirationTime.
  static const Entry* Expired(const Entry* entry, absl::Time now);

 private:
  void Index(Entry* entry);
  void Unindex(Entry* entry);

  absl::flat_hash_map<std::string, std::unique_ptr<Entry>> by_id_;
  absl::flat_hash_map<absl::string_view, Entry*> by_path_;  // keys are the paths of the entries
  std::map<std::string, std::map<uint64_t, Entry*>, std::less<>> nodes_;
  std::set<Entry*> executions_;
  std::map<std::pair<absl::Time, uint64_t>, Entry*> due_;  // by time and order of creation
  absl::flat_hash_map<std::string, std::set<Entry*>> by_performer_;
  Entry* root_ = nullptr;
  uint64_t last_order_ = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_TREE_H_
