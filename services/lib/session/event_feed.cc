#include "services/lib/session/event_feed.h"

#include <algorithm>
#include <utility>

#include "services/lib/log/log.h"

namespace isthmus::session {
namespace {

// Events that are sent and not acknowledged.
constexpr uint64_t kWindow = 256;
constexpr uint64_t kReadAtOnce = 64;
// A snapshot goes out in parts of about this many octets, so that no frame comes near the limit of a message.
constexpr size_t kSnapshotPart = 1 << 20;

}  // namespace

EventFeed::EventFeed(std::string peer, Outbox* outbox,
                     std::function<std::vector<lwm2m::v1::Registration>()> list_registrations,
                     std::shared_ptr<OrderedWriter> writer, v1::EventPosition resume_from, Executor executor)
    : peer_(std::move(peer)),
      outbox_(outbox),
      epoch_(outbox->epoch()),
      list_registrations_(std::move(list_registrations)),
      writer_(std::move(writer)),
      resume_from_(std::move(resume_from)),
      executor_(std::move(executor)) {}

void EventFeed::Go() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return;
    if (going_) {
      again_ = true;
      return;
    }
    going_ = true;
  }
  executor_([self = shared_from_this()] { self->GoOn(); });
}

void EventFeed::Offer(const v1::Event& event, uint64_t sequence) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (stopped_ || (resumed_ && sequence <= sent_)) return;
    if (!resumed_ || going_ || sent_ + 1 != sequence || Room() == 0) {
      lock.unlock();
      return Go();
    }
    // The usual case: it is the next one, and needs not be read back.
    v1::Frame frame;
    *frame.mutable_event() = event;
    frame.mutable_event()->mutable_position()->set_epoch(epoch_);
    frame.mutable_event()->mutable_position()->set_sequence(sequence);
    sent_ = sequence;
    writer_->Put(std::move(frame));
  }
  writer_->Flush();
}

void EventFeed::Acknowledged(const v1::EventPosition& position) {
  if (position.epoch() != epoch_) return;  // of a memory that is lost
  executor_([self = shared_from_this(), sequence = position.sequence()] {
    if (sequence > self->outbox_->last_sequence(self->peer_)) return;  // of what was never there
    self->outbox_->Acknowledge(self->peer_, sequence);
    {
      std::lock_guard<std::mutex> lock(self->mutex_);
      self->acknowledged_ = std::max(self->acknowledged_, sequence);
      // It may have applied more than this feed sent: what an earlier one had sent.
      self->sent_ = std::max(self->sent_, sequence);
    }
    self->Go();
  });
}

void EventFeed::Stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  stopped_ = true;
}

uint64_t EventFeed::Room() const {
  const uint64_t in_flight = sent_ - acknowledged_;
  return in_flight >= kWindow ? 0 : kWindow - in_flight;
}

void EventFeed::GoOn() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopped_) {
    again_ = false;
    if (!resumed_) {
      lock.unlock();
      Resume();
      lock.lock();
      resumed_ = true;
      continue;
    }
    const uint64_t from = sent_;
    if (const size_t limit = std::min(Room(), kReadAtOnce); limit > 0) {
      lock.unlock();
      std::vector<v1::Event> events = outbox_->Read(peer_, from, limit);
      if (!events.empty() && events[0].position().sequence() != from + 1) {
        SendSnapshot(events[0].position().sequence() - 1, "the outbox overflowed");
        lock.lock();
        continue;
      }
      lock.lock();
      if (sent_ != from) continue;  // an acknowledgement went ahead
      if (!events.empty() && !stopped_) {
        sent_ = events.back().position().sequence();
        for (v1::Event& event : events) {
          v1::Frame frame;
          *frame.mutable_event() = std::move(event);
          writer_->Put(std::move(frame));
        }
        lock.unlock();
        writer_->Flush();
        lock.lock();
        continue;
      }
    }
    if (!again_) break;
  }
  going_ = false;
}

void EventFeed::Resume() {
  const uint64_t first = outbox_->first_sequence(peer_);
  const uint64_t last = outbox_->last_sequence(peer_);
  const uint64_t applied = resume_from_.sequence();
  if (resume_from_.epoch().empty()) return SendSnapshot(last, "");
  if (resume_from_.epoch() != epoch_) return SendSnapshot(first - 1, "the server has lost its memory");
  if (applied + 1 < first) return SendSnapshot(first - 1, "events are no longer there");
  if (applied > last) return SendSnapshot(last, "the server does not know the last event");
  outbox_->Acknowledge(peer_, applied);
  std::lock_guard<std::mutex> lock(mutex_);
  sent_ = std::max(sent_, applied);
  acknowledged_ = std::max(acknowledged_, applied);
}

// All registrations, standing for the events up to `sequence`; after a Gap unless `gap` is empty.
void EventFeed::SendSnapshot(uint64_t sequence, absl::string_view gap) {
  std::vector<lwm2m::v1::Registration> registrations;
  if (list_registrations_ != nullptr) registrations = list_registrations_();
  std::vector<v1::Frame> frames;
  if (!gap.empty()) {
    log::Warning("events were lost", {{"peer", peer_}, {"reason", gap}, {"next", sequence + 1}});
    v1::Gap& frame = *frames.emplace_back().mutable_gap();
    frame.mutable_next()->set_epoch(epoch_);
    frame.mutable_next()->set_sequence(sequence + 1);
    frame.set_reason(std::string(gap));
  }
  const auto new_part = [&] {
    v1::EventPosition& position = *frames.emplace_back().mutable_snapshot()->mutable_position();
    position.set_epoch(epoch_);
    position.set_sequence(sequence);
  };
  new_part();
  size_t size = 0;
  for (lwm2m::v1::Registration& registration : registrations) {
    if (size > kSnapshotPart) {
      frames.back().mutable_snapshot()->set_more(true);
      new_part();
      size = 0;
    }
    size += registration.ByteSizeLong();
    *frames.back().mutable_snapshot()->add_registrations() = std::move(registration);
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return;
    for (v1::Frame& frame : frames) writer_->Put(std::move(frame));
    sent_ = sequence;
    acknowledged_ = sequence;
  }
  writer_->Flush();
}

}  // namespace isthmus::session
