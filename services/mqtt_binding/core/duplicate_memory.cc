#include "services/mqtt_binding/core/duplicate_memory.h"

#include <algorithm>
#include <utility>

namespace isthmus::mqtt_binding {

DuplicateMemory::Arrival DuplicateMemory::Arrive(const std::string& key, const std::string& answer_topic,
                                                 absl::Duration now) {
  std::lock_guard<std::mutex> lock(mutex_);
  Forget(now);
  const auto [it, is_new] = entries_.try_emplace(key);
  Entry& entry = it->second;
  if (entry.answer != nullptr) return {Verdict::kFinished, entry.answer};
  // The same request may come by two spellings of its topic: each gets the answer, but only one of each.
  if (std::find(entry.topics.begin(), entry.topics.end(), answer_topic) == entry.topics.end()) {
    entry.topics.push_back(answer_topic);
  }
  return {is_new ? Verdict::kNew : Verdict::kRunning, nullptr};
}

std::vector<std::string> DuplicateMemory::Finish(const std::string& key, std::shared_ptr<const std::string> answer,
                                                 absl::Duration now) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end() || it->second.answer != nullptr) return {};
  octets_ += key.size() + answer->size();
  it->second.answer = std::move(answer);
  std::vector<std::string> topics = std::move(it->second.topics);
  finished_.emplace_back(now, key);
  Forget(now);
  return topics;
}

size_t DuplicateMemory::kept() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return finished_.size();
}

void DuplicateMemory::Forget(absl::Duration now) {
  while (!finished_.empty() && (finished_.front().first + limits_.window <= now || finished_.size() > limits_.entries ||
                                octets_ > limits_.octets)) {
    const auto it = entries_.find(finished_.front().second);
    octets_ -= it->first.size() + it->second.answer->size();
    entries_.erase(it);
    finished_.pop_front();
  }
}

}  // namespace isthmus::mqtt_binding
