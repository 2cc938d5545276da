#include "services/synchronizer/core/device/event_positions.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/lib/log/log.h"

namespace isthmus::synchronizer {
namespace {

// A busy session never has nothing open; it is stored every so many events then.
constexpr size_t kFlushEvery = 256;

bool Same(const session::v1::EventPosition& a, const session::v1::EventPosition& b) {
  return a.epoch() == b.epoch() && a.sequence() == b.sequence();
}

}  // namespace

EventPositions::EventPositions(ResourcePort* resources, std::string key)
    : resources_(resources), key_(std::move(key)) {}

void EventPositions::OnApplied(std::function<void(const session::v1::EventPosition&)> listener) {
  listener_ = std::move(listener);
}

session::v1::EventPosition EventPositions::Load() {
  session::v1::EventPosition position;
  const std::string text = resources_->GetState(key_);
  const size_t blank = text.find(' ');
  uint64_t sequence = 0;
  if (blank != std::string::npos && absl::SimpleAtoi(text.substr(0, blank), &sequence)) {
    position.set_sequence(sequence);
    position.set_epoch(text.substr(blank + 1));
  } else if (!text.empty()) {
    log::Error("stored event position is unreadable; the next session starts with a snapshot", {{"key", key_}});
  }
  std::lock_guard<std::mutex> lock(mutex_);
  reached_ = stored_ = position;
  return position;
}

session::v1::EventPosition EventPositions::applied() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return stored_;
}

EventPositions::Ticket EventPositions::Begin(const session::v1::EventPosition& position, size_t parts) {
  Ticket ticket = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    open_.push_back({position, parts});
    ticket = first_ + open_.size() - 1;
  }
  if (parts == 0) Advance();
  return ticket;
}

void EventPositions::End(Ticket ticket) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (ticket < first_ || ticket >= first_ + open_.size()) return;
    Open& one = open_[ticket - first_];
    if (one.parts > 0) --one.parts;
    if (one.parts > 0) return;
  }
  Advance();
}

void EventPositions::Advance() {
  bool flush = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    while (!open_.empty() && open_.front().parts == 0) {
      reached_ = open_.front().position;
      open_.pop_front();
      ++first_;
      ++unflushed_;
    }
    flush = unflushed_ > 0 && (open_.empty() || unflushed_ >= kFlushEvery);
  }
  if (flush) Flush();
}

void EventPositions::Flush() {
  std::lock_guard<std::mutex> flush_lock(flush_mutex_);
  session::v1::EventPosition position;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    unflushed_ = 0;
    if (Same(reached_, stored_)) return;
    position = reached_;
  }
  const absl::Status kept = resources_->KeepState(key_, absl::StrCat(position.sequence(), " ", position.epoch()));
  if (!kept.ok()) {
    log::Error("event position cannot be stored; nothing is acknowledged", {{"error", kept.ToString()}});
    return;
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stored_ = position;
  }
  if (listener_) listener_(position);
}

size_t EventPositions::open() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return open_.size();
}

}  // namespace isthmus::synchronizer
