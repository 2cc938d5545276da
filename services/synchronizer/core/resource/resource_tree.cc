#include "services/synchronizer/core/resource/resource_tree.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

constexpr uint32_t kNodeType = 14;
constexpr uint32_t kSubscriptionType = 23;

// What the device side made stays as long as the device side wants it.
absl::Time ExpiryOf(const StoredResource& record) {
  if (record.provisioned || record.parent_id.empty()) return absl::InfiniteFuture();
  const onem2m::v1::Value* time = onem2m::Find(record.attributes, "et");
  if (time == nullptr) return absl::InfiniteFuture();
  return onem2m::ParseTimestamp(time->text()).value_or(absl::InfiniteFuture());
}

}  // namespace

Entry* ResourceTree::Insert(StoredResource record) {
  Entry* parent = nullptr;
  std::string path = record.name;
  if (!record.parent_id.empty()) {
    parent = FindById(record.parent_id);
    if (parent == nullptr) return nullptr;
    path = absl::StrCat(parent->path, "/", record.name);
  } else if (root_ != nullptr) {
    return nullptr;
  }
  if (by_path_.contains(path)) return nullptr;
  const std::string resource_id = record.resource_id;
  const auto [place, added] = by_id_.emplace(resource_id, nullptr);
  if (!added) return nullptr;
  place->second = std::make_unique<Entry>();
  Entry* entry = place->second.get();
  entry->record = std::move(record);
  entry->parent = parent;
  entry->path = std::move(path);
  entry->order = ++last_order_;
  entry->expires = ExpiryOf(entry->record);
  by_path_.emplace(entry->path, entry);
  if (parent == nullptr) {
    root_ = entry;
  } else {
    parent->children.emplace(entry->order, entry);
    if (entry->record.type == kSubscriptionType) parent->subscriptions.push_back(entry);
  }
  Index(entry);
  return entry;
}

void ResourceTree::Replace(Entry* entry, StoredResource record) {
  Unindex(entry);
  entry->record = std::move(record);
  entry->expires = ExpiryOf(entry->record);
  entry->compiled.reset();
  Index(entry);
}

void ResourceTree::Remove(Entry* entry) {
  if (Entry* parent = entry->parent) {
    parent->children.erase(entry->order);
    auto& subscriptions = parent->subscriptions;
    subscriptions.erase(std::remove(subscriptions.begin(), subscriptions.end(), entry), subscriptions.end());
  } else {
    root_ = nullptr;
  }
  std::vector<Entry*> doomed = {entry};
  for (size_t i = 0; i < doomed.size(); ++i) {
    for (const auto& [order, child] : doomed[i]->children) doomed.push_back(child);
  }
  for (Entry* gone : doomed) {
    Unindex(gone);
    by_path_.erase(gone->path);
    const std::string resource_id = gone->record.resource_id;
    by_id_.erase(resource_id);
  }
}

Entry* ResourceTree::FindById(absl::string_view resource_id) const {
  const auto found = by_id_.find(resource_id);
  return found == by_id_.end() ? nullptr : found->second.get();
}

Entry* ResourceTree::FindByPath(absl::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

Entry* ResourceTree::Find(absl::string_view local, bool structured) const {
  if (structured) return FindByPath(local);
  const size_t slash = local.find('/');
  Entry* first = FindById(local.substr(0, slash));
  if (first == nullptr || slash == absl::string_view::npos) return first;
  return FindByPath(absl::StrCat(first->path, local.substr(slash)));
}

Entry* ResourceTree::FindNode(absl::string_view node_id) const {
  const auto found = nodes_.find(std::string(node_id));
  return found == nodes_.end() ? nullptr : found->second.begin()->second;
}

std::vector<Entry*> ResourceTree::ExecutionsBy(absl::string_view performer) const {
  const auto found = by_performer_.find(performer);
  if (found == by_performer_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<Entry*> ResourceTree::DueExecutions(absl::Time now, size_t limit) const {
  std::vector<Entry*> due;
  for (auto place = due_.begin(); place != due_.end() && place->first.first <= now && due.size() < limit; ++place) {
    due.push_back(place->second);
  }
  return due;
}

void ResourceTree::Index(Entry* entry) {
  const StoredResource& record = entry->record;
  if (record.type == kNodeType) nodes_[onem2m::FindText(record.attributes, "ni")].emplace(entry->order, entry);
  if (record.execution.phase == Execution::Phase::kNone) return;
  executions_.insert(entry);
  if (record.execution.next < absl::InfiniteFuture())
    due_.emplace(std::pair(record.execution.next, entry->order), entry);
  if (!record.execution.performer.empty()) by_performer_[record.execution.performer].insert(entry);
}

void ResourceTree::Unindex(Entry* entry) {
  const StoredResource& record = entry->record;
  if (record.type == kNodeType) {
    const auto found = nodes_.find(onem2m::FindText(record.attributes, "ni"));
    found->second.erase(entry->order);
    if (found->second.empty()) nodes_.erase(found);
  }
  if (record.execution.phase == Execution::Phase::kNone) return;
  executions_.erase(entry);
  due_.erase({record.execution.next, entry->order});
  const auto found = by_performer_.find(record.execution.performer);
  if (found == by_performer_.end()) return;
  found->second.erase(entry);
  if (found->second.empty()) by_performer_.erase(found);
}

void ResourceTree::Visit(const Entry* entry, const std::function<void(const Entry*)>& visit) {
  visit(entry);
  for (const auto& [order, child] : entry->children) Visit(child, visit);
}

const Entry* ResourceTree::Expired(const Entry* entry, absl::Time now) {
  const Entry* highest = nullptr;
  for (; entry != nullptr; entry = entry->parent) {
    if (entry->expires <= now) highest = entry;
  }
  return highest;
}

}  // namespace isthmus::synchronizer
