// The Outbox of a server without a store: what it keeps is gone with the process, and the fresh epoch says so.
#include <algorithm>
#include <deque>
#include <map>
#include <mutex>

#include "services/lib/session/interests.h"
#include "services/lib/session/session.h"

namespace isthmus::session {
namespace {

class MemoryOutbox final : public Outbox {
 public:
  MemoryOutbox(std::string epoch, size_t capacity)
      : epoch_(std::move(epoch)), capacity_(std::max<size_t>(capacity, 1)) {}

  std::string epoch() const override { return epoch_; }

  uint64_t Append(const std::string& peer, const v1::Event& event) override {
    std::lock_guard<std::mutex> lock(mutex_);
    Box& box = boxes_[peer];
    box.events.push_back(event);
    v1::EventPosition* position = box.events.back().mutable_position();
    position->set_epoch(epoch_);
    position->set_sequence(++box.last);
    if (box.events.size() > capacity_) box.events.pop_front();
    return box.last;
  }

  std::vector<v1::Event> Read(const std::string& peer, uint64_t after, size_t limit) const override {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<v1::Event> events;
    const auto found = boxes_.find(peer);
    if (found == boxes_.end()) return events;
    const Box& box = found->second;
    const uint64_t first = box.first();
    for (size_t i = after < first ? 0 : after - first + 1; i < box.events.size() && events.size() < limit; ++i) {
      events.push_back(box.events[i]);
    }
    return events;
  }

  void Acknowledge(const std::string& peer, uint64_t sequence) override {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = boxes_.find(peer);
    if (found == boxes_.end()) return;
    Box& box = found->second;
    while (!box.events.empty() && box.first() <= sequence) box.events.pop_front();
  }

  uint64_t last_sequence(const std::string& peer) const override {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = boxes_.find(peer);
    return found == boxes_.end() ? 0 : found->second.last;
  }

  uint64_t first_sequence(const std::string& peer) const override {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = boxes_.find(peer);
    return found == boxes_.end() ? 1 : found->second.first();
  }

  void StoreInterests(const std::string& peer, const v1::Interests& interests) override {
    std::lock_guard<std::mutex> lock(mutex_);
    std::map<std::string, v1::Interest>& kept = boxes_[peer].interests;
    kept.clear();
    for (const v1::Interest& interest : interests.interests()) {
      kept[InterestKey(interest.endpoint(), interest.path())] = interest;
    }
  }

  void ChangeInterests(const std::string& peer, const v1::InterestChange& change) override {
    std::lock_guard<std::mutex> lock(mutex_);
    std::map<std::string, v1::Interest>& kept = boxes_[peer].interests;
    for (const v1::Interest& interest : change.remove()) kept.erase(InterestKey(interest.endpoint(), interest.path()));
    for (const v1::Interest& interest : change.add()) {
      kept[InterestKey(interest.endpoint(), interest.path())] = interest;
    }
  }

  v1::Interests LoadInterests(const std::string& peer) const override {
    std::lock_guard<std::mutex> lock(mutex_);
    v1::Interests interests;
    const auto found = boxes_.find(peer);
    if (found == boxes_.end()) return interests;
    for (const auto& [key, interest] : found->second.interests) *interests.add_interests() = interest;
    return interests;
  }

  std::vector<std::string> peers() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, box] : boxes_) names.push_back(name);
    return names;
  }

 private:
  struct Box {
    std::deque<v1::Event> events;  // sequence last - size + 1 .. last
    uint64_t last = 0;
    std::map<std::string, v1::Interest> interests;
    uint64_t first() const { return last + 1 - events.size(); }
  };
  const std::string epoch_;
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::map<std::string, Box> boxes_;
};

}  // namespace

void Outbox::ChangeInterests(const std::string& peer, const v1::InterestChange& change) {
  v1::Interests interests = LoadInterests(peer);
  ApplyChange(change, interests);
  StoreInterests(peer, interests);
}

std::unique_ptr<Outbox> MakeMemoryOutbox(std::string epoch, size_t capacity) {
  return std::make_unique<MemoryOutbox>(std::move(epoch), capacity);
}

}  // namespace isthmus::session
