#include "services/synchronizer/core/device/notification_delivery.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/log/log.h"

namespace isthmus::synchronizer {

NotificationDelivery::NotificationDelivery(NotificationDeliveryOptions options, BindingPort* binding,
                                           const Clock* clock)
    : options_(options), binding_(binding), clock_(clock) {}

void NotificationDelivery::Send(OutgoingNotification notification, Done done) {
  const std::string name = notification.target;
  ItemPtr overflowed;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Target& target = targets_[name];
    if (done) target.not_before = absl::ZeroDuration();
    overflowed = MakeRoomLocked(name, target);
    auto item = std::make_shared<Item>();
    item->notification = std::move(notification);
    item->done = std::move(done);
    item->accepted = clock_->Monotonic();
    target.queue.push_back(std::move(item));
    ++waiting_;
  }
  if (overflowed != nullptr && overflowed->done) {
    overflowed->done(absl::ResourceExhaustedError("too many notifications wait"));
  }
  Start(name);
}

NotificationDelivery::ItemPtr NotificationDelivery::MakeRoomLocked(const std::string& name, Target& target) {
  const std::string* full = &name;
  Target* from = &target;
  if (target.queue.size() < options_.queue_length) {
    if (waiting_ < options_.total_length) return nullptr;
    for (auto& [other, candidate] : targets_) {
      if (candidate.queue.size() <= from->queue.size()) continue;
      full = &other;
      from = &candidate;
    }
    if (from->queue.empty()) return nullptr;
  }
  ItemPtr oldest = std::move(from->queue.front());
  from->queue.pop_front();
  --waiting_;
  ++counts_.overflowed;
  if (!from->overflow_logged) {
    from->overflow_logged = true;
    log::Warning("too many notifications wait for a target; the oldest are dropped",
                 {{"target", *full}, {"limit", options_.queue_length}, {"waiting_for_all", waiting_}});
  }
  return oldest;
}

// Hands over what may go now. In a loop and not in a recursion: the binding may answer on the spot.
void NotificationDelivery::Start(const std::string& name) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!starting_.insert(name).second) return;  // the loop that runs sees what was added
  for (;;) {
    auto found = targets_.find(name);
    if (found == targets_.end()) break;
    Target& target = found->second;
    if (target.under_way != nullptr) break;
    if (target.queue.empty()) {
      // A target that did not answer is remembered, so that its next notification is not waited for as the first was.
      if (target.unanswered_in_a_row == 0) targets_.erase(found);
      break;
    }
    if (target.not_before > clock_->Monotonic()) break;
    target.under_way = std::move(target.queue.front());
    target.queue.pop_front();
    --waiting_;
    const ItemPtr item = target.under_way;
    const bool unanswering = target.unanswered_in_a_row > 0;
    target.awaited = item->done != nullptr || !unanswering || target.ask_at <= clock_->Monotonic();
    const bool awaited = target.awaited;
    lock.unlock();
    Attempt(name, item, awaited, unanswering);
    lock.lock();
  }
  starting_.erase(name);
}

void NotificationDelivery::Attempt(const std::string& name, const ItemPtr& item, bool awaited, bool probe) {
  // A probe is short: others wait behind it.
  absl::Duration timeout = awaited && probe ? std::min(options_.timeout, options_.probe) : options_.timeout;
  if (item->done) {
    const absl::Duration waited = clock_->Monotonic() - item->accepted;
    timeout = std::max(options_.timeout - waited, absl::Milliseconds(1));
  }
  onem2m::v1::NotifyRequest request;
  request.set_target(item->notification.target);
  request.set_serialization(item->notification.serialization);
  *request.mutable_primitive() = item->notification.primitive;
  request.set_without_answer(!awaited);
  binding_->Notify(request, timeout, [this, name, item](const absl::StatusOr<onem2m::v1::NotifyResponse>& response) {
    Ended(name, item, response);
  });
}

void NotificationDelivery::Ended(const std::string& name, const ItemPtr& item,
                                 const absl::StatusOr<onem2m::v1::NotifyResponse>& response) {
  Done done;
  absl::Status status = response.status();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Target& target = targets_[name];
    target.under_way = nullptr;
    const absl::Duration now = clock_->Monotonic();
    const absl::Duration limit = item->done ? options_.timeout : options_.max_age;
    // An answer to the same notification is awaited already: that of an earlier attempt whose outcome got lost.
    const bool again = absl::IsUnavailable(status) || absl::IsAlreadyExists(status);
    if (response.ok()) {
      ++(target.awaited ? counts_.delivered : counts_.handed_over);
      if (target.awaited) target.unanswered_in_a_row = 0;
      target.not_before = absl::ZeroDuration();
      done = std::move(item->done);
    } else if (again && now - item->accepted < limit) {
      target.queue.push_front(item);
      ++waiting_;
      target.not_before = now + options_.retry;
    } else {
      if (status.code() == absl::StatusCode::kDeadlineExceeded) {
        ++counts_.unanswered;
        const int doublings = std::min(target.unanswered_in_a_row++, 20);
        target.ask_at = now + std::min(options_.rest * (int64_t{1} << doublings), options_.longest_rest);
        if (doublings == 0) log::Warning("target does not answer notifications", {{"target", name}});
      } else if (again) {
        ++counts_.outdated;
      } else {
        ++counts_.refused;
        log::Warning(
            "notification cannot be delivered",
            {{"target", name}, {"subscription", item->notification.subscription_id}, {"error", status.ToString()}});
      }
      done = std::move(item->done);
    }
    if (target.queue.empty()) target.overflow_logged = false;
  }
  if (done) {
    if (response.ok()) {
      done(response->primitive());
    } else {
      done(std::move(status));
    }
  }
  Start(name);
}

void NotificationDelivery::DropOldLocked(const std::string& name, Target& target, absl::Duration now,
                                         std::vector<Ending>* endings) {
  size_t outdated = 0;
  for (auto it = target.queue.begin(); it != target.queue.end();) {
    const Item& item = **it;
    const absl::Duration limit = item.done ? options_.timeout : options_.max_age;
    if (now - item.accepted < limit) {
      // Those behind are younger, but may have a closer limit.
      ++it;
      continue;
    }
    ++outdated;
    if (item.done) {
      endings->push_back({*it, absl::DeadlineExceededError(absl::StrCat("no answer of ", name, " in time"))});
    }
    it = target.queue.erase(it);
    --waiting_;
  }
  if (outdated == 0) return;
  counts_.outdated += outdated;
  log::Warning("notifications became too old", {{"target", name}, {"count", outdated}});
}

void NotificationDelivery::Tick() {
  std::vector<std::string> names;
  std::vector<Ending> endings;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const absl::Duration now = clock_->Monotonic();
    for (auto it = targets_.begin(); it != targets_.end();) {
      Target& target = it->second;
      if (!target.queue.empty()) DropOldLocked(it->first, target, now, &endings);
      if (target.under_way == nullptr && target.queue.empty() &&
          now >= std::max(target.ask_at, target.not_before) + options_.longest_rest &&
          starting_.count(it->first) == 0) {
        it = targets_.erase(it);
        continue;
      }
      if (target.under_way == nullptr && !target.queue.empty() && target.not_before <= now) names.push_back(it->first);
      ++it;
    }
  }
  for (const Ending& ending : endings) ending.item->done(ending.status);
  for (const std::string& name : names) Start(name);
}

NotificationDelivery::Counts NotificationDelivery::counts() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return counts_;
}

size_t NotificationDelivery::pending() const {
  std::lock_guard<std::mutex> lock(mutex_);
  size_t pending = 0;
  for (const auto& [name, target] : targets_) pending += target.queue.size() + (target.under_way != nullptr ? 1 : 0);
  return pending;
}

}  // namespace isthmus::synchronizer
