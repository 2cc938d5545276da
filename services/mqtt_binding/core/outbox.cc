#include "services/mqtt_binding/core/outbox.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace isthmus::mqtt_binding {

void Outbox::Add(OutgoingMessage message) {
  absl::Status refusal;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const size_t octets = message.topic.size() + message.payload.size();
    if (closed_) {
      refusal = absl::CancelledError("the connection to the broker is being closed");
    } else if (waiting_ >= limits_.messages || octets_ + octets > limits_.octets) {
      refusal = absl::ResourceExhaustedError("too many messages wait for the broker");
    } else {
      Entry entry;
      entry.ticket = {next_sequence_++, std::make_shared<const std::string>(std::move(message.topic)),
                      std::make_shared<const std::string>(std::move(message.payload))};
      entry.expires = message.expires;
      entry.done = std::move(message.done);
      entries_.push_back(std::move(entry));
      octets_ += octets;
      ++waiting_;
      return;
    }
  }
  if (message.done) message.done(refusal);
}

std::optional<Outbox::Ticket> Outbox::Next(absl::Time now) {
  std::vector<Done> expired;
  std::optional<Ticket> ticket;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    while (next_ < entries_.size() && in_window_ < limits_.window) {
      Entry& entry = entries_[next_++];
      if (entry.gone) continue;
      if (entry.expires <= now) {
        expired.push_back(Remove(entry));
        continue;
      }
      entry.sent = true;
      ++in_window_;
      ticket = entry.ticket;
      break;
    }
    Trim();
  }
  for (const Done& done : expired) {
    if (done) done(absl::DeadlineExceededError("the broker was not there in time"));
  }
  return ticket;
}

void Outbox::Acknowledge(uint64_t sequence) {
  Done done;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Entry* entry = Find(sequence);
    if (entry == nullptr || !entry->sent) return;
    done = Remove(*entry);
    Trim();
  }
  if (done) done(absl::OkStatus());
}

void Outbox::Drop(uint64_t sequence, const absl::Status& reason) {
  Done done;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Entry* entry = Find(sequence);
    if (entry == nullptr) return;
    done = Remove(*entry);
    Trim();
  }
  if (done) done(reason);
}

void Outbox::Rewind() {
  std::lock_guard<std::mutex> lock(mutex_);
  next_ = 0;
  in_window_ = 0;
  for (Entry& entry : entries_) entry.sent = false;
}

void Outbox::Close() {
  std::deque<Entry> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    dropped.swap(entries_);
    next_ = waiting_ = octets_ = in_window_ = 0;
  }
  for (const Entry& entry : dropped) {
    if (!entry.gone && entry.done) entry.done(absl::CancelledError("the connection to the broker is being closed"));
  }
}

bool Outbox::empty() const { return size() == 0; }

size_t Outbox::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return waiting_;
}

Outbox::Done Outbox::Remove(Entry& entry) {
  if (entry.sent) --in_window_;
  entry.gone = true;
  entry.sent = false;
  --waiting_;
  octets_ -= entry.ticket.topic->size() + entry.ticket.payload->size();
  entry.ticket.topic.reset();
  entry.ticket.payload.reset();
  return std::move(entry.done);
}

Outbox::Entry* Outbox::Find(uint64_t sequence) {
  if (entries_.empty() || sequence < entries_.front().ticket.sequence || sequence >= next_sequence_) return nullptr;
  Entry& entry = entries_[sequence - entries_.front().ticket.sequence];
  return entry.gone ? nullptr : &entry;
}

void Outbox::Trim() {
  while (!entries_.empty() && entries_.front().gone) {
    entries_.pop_front();
    if (next_ > 0) --next_;
  }
}

}  // namespace isthmus::mqtt_binding
