#include "services/connector/core/device_line.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "services/lib/log/log.h"

namespace isthmus::connector {

DeviceLines::DeviceLines(DeviceLineOptions options, const Clock* clock, CoapClient* coap)
    : options_(options), clock_(clock), coap_(coap) {}

DeviceLines::~DeviceLines() {
  // The endpoint may outlive us and must not call back into what is gone.
  std::vector<coap::RequestId> ids;
  for (auto& [endpoint, line] : lines_) {
    for (const auto& [serial, under_way] : line.under_way) ids.push_back(under_way.id);
    line.under_way.clear();
  }
  for (const coap::RequestId id : ids) coap_->Cancel(id);
}

DeviceLines::Line* DeviceLines::Find(const std::string& endpoint) {
  const auto it = lines_.find(endpoint);
  return it == lines_.end() ? nullptr : &it->second;
}

void DeviceLines::Push(Line& line, Job job) {
  std::deque<Job>& queue = job.background ? line.background : line.urgent;
  if (job.front) {
    queue.push_front(std::move(job));
  } else {
    queue.push_back(std::move(job));
  }
}

void DeviceLines::Add(const std::string& endpoint, Job job) {
  Line* line = Find(endpoint);
  Result refused;
  if (line == nullptr || line->device == nullptr) {
    refused.note = "the device is not registered";
    job.done(std::move(refused));
    return;
  }
  if (job.deadline <= clock_->Monotonic()) {
    refused.kind = Result::Kind::kExpiredUnsent;
    refused.note = "the deadline had passed already";
    job.done(std::move(refused));
    return;
  }
  if (line->urgent.size() + line->background.size() >= options_.longest_queue) {
    refused.kind = Result::Kind::kQueueFull;
    refused.note = "too many requests wait for this device";
    job.done(std::move(refused));
    return;
  }
  Push(*line, std::move(job));
  Start(endpoint);
}

void DeviceLines::SetDevice(Line& line, const DevicePtr& device) {
  line.device = device;
  line.displaced = false;
  line.awake_until =
      device->registration.queue_mode() ? clock_->Monotonic() + options_.awake_window : absl::InfiniteDuration();
}

void DeviceLines::OnRegistered(const DevicePtr& device) {
  const std::string endpoint = device->endpoint();
  Line& line = lines_[endpoint];
  SetDevice(line, device);
  line.registered_at = clock_->Monotonic();
  line.not_before = line.registered_at + options_.settle;
  line.answered = false;
  line.early_resets = 0;
  Abandon(endpoint, device->address(), /*anew=*/true);
  Start(endpoint);
}

void DeviceLines::OnRestored(const DevicePtr& device) {
  Line& line = lines_[device->endpoint()];
  line.device = device;
  line.registered_at = clock_->Monotonic();
  line.answered = true;  // it knew us before
  if (device->registration.queue_mode()) line.awake_until = -absl::InfiniteDuration();
}

void DeviceLines::OnUpdated(const DevicePtr& device) {
  const std::string endpoint = device->endpoint();
  SetDevice(lines_[endpoint], device);
  Abandon(endpoint, device->address(), /*anew=*/false);
  Start(endpoint);
}

void DeviceLines::OnDisplaced(const std::string& endpoint) {
  Line* line = Find(endpoint);
  if (line == nullptr || line->device == nullptr) return;
  line->displaced = true;
  // An answer that still comes from the old address is not this device's.
  Abandon(endpoint, "", /*anew=*/false);
  Reindex(endpoint);
}

void DeviceLines::OnHeard(const std::string& endpoint) {
  Line* line = Find(endpoint);
  if (line == nullptr || line->device == nullptr) return;
  if (line->device->registration.queue_mode()) {
    line->awake_until = clock_->Monotonic() + options_.awake_window;
  }
  Start(endpoint);
}

void DeviceLines::OnGone(const std::string& endpoint) {
  Line* line = Find(endpoint);
  if (line == nullptr || line->device == nullptr) return;
  line->device = nullptr;
  std::deque<Job> dropped;
  dropped.swap(line->urgent);
  for (Job& job : line->background) dropped.push_back(std::move(job));
  line->background.clear();
  // What was sent may still be answered (a device that de-registers because it was told to reboot).
  Reindex(endpoint);
  for (Job& job : dropped) {
    Result result;
    result.note = "the device left while the request waited";
    job.done(std::move(result));
  }
  line = Find(endpoint);
  if (line != nullptr && line->device == nullptr && line->under_way.empty()) lines_.erase(endpoint);
}

void DeviceLines::Abandon(const std::string& endpoint, const coap::Peer& address, bool anew) {
  Line* line = Find(endpoint);
  const absl::Duration now = clock_->Monotonic();
  const auto repeatable = [&](const Job& job) {
    return job.repeatable && job.deadline > now && job.sent < options_.attempts;
  };
  std::vector<UnderWay> abandoned;
  for (auto it = line->under_way.begin(); it != line->under_way.end();) {
    if (it->second.peer == address && !(anew && repeatable(it->second.job))) {
      ++it;
      continue;
    }
    if (line->occupant == it->first) line->occupant = 0;
    abandoned.push_back(std::move(it->second));
    it = line->under_way.erase(it);
  }
  std::vector<UnderWay> ended;
  // From the last to the first, so that those put back at the front keep their order.
  for (auto it = abandoned.rbegin(); it != abandoned.rend(); ++it) {
    if (repeatable(it->job)) {
      const coap::RequestId id = it->id;
      it->job.front = true;
      Push(*line, std::move(it->job));
      coap_->Cancel(id);
      line = Find(endpoint);
    } else {
      ended.push_back(std::move(*it));
    }
  }
  for (auto it = ended.rbegin(); it != ended.rend(); ++it) {
    coap_->Cancel(it->id);
    Result result;
    result.kind = Result::Kind::kExchange;
    result.exchange.outcome = coap::Exchange::Outcome::kTimeout;
    result.peer = it->peer;
    result.note = "the address of the device changed while the request was under way";
    it->job.done(std::move(result));
  }
}

void DeviceLines::ExpireQueued(const std::string& endpoint) {
  Line* line = Find(endpoint);
  if (line == nullptr) return;
  const absl::Duration now = clock_->Monotonic();
  std::vector<Job> expired;
  for (std::deque<Job>* queue : {&line->urgent, &line->background}) {
    for (auto it = queue->begin(); it != queue->end();) {
      if (it->deadline > now) {
        ++it;
        continue;
      }
      expired.push_back(std::move(*it));
      it = queue->erase(it);
    }
  }
  for (Job& job : expired) {
    Result result;
    if (job.sent == 0) {
      result.kind = Result::Kind::kExpiredUnsent;
      result.note = "the request was still waiting for the device when its time ran out";
    } else {
      // It was on the wire before and was to be repeated.
      result.kind = Result::Kind::kExchange;
      result.exchange.outcome = coap::Exchange::Outcome::kTimeout;
      result.note = "no answer, and no time to ask again";
    }
    job.done(std::move(result));
  }
}

void DeviceLines::Start(const std::string& endpoint) {
  ExpireQueued(endpoint);
  while (true) {
    Line* line = Find(endpoint);
    if (line == nullptr) return;
    const absl::Duration now = clock_->Monotonic();
    const bool can_hear =
        line->device != nullptr && !line->displaced && now >= line->not_before && now < line->awake_until;
    std::deque<Job>& queue = line->urgent.empty() ? line->background : line->urgent;
    if (line->occupant != 0 || !can_hear || queue.empty()) break;
    Job job = std::move(queue.front());
    queue.pop_front();
    SendNow(endpoint, std::move(job));
  }
  Reindex(endpoint);
}

void DeviceLines::SendNow(const std::string& endpoint, Job job) {
  Line& line = lines_[endpoint];
  const DevicePtr device = line.device;
  coap::OutgoingRequest request = job.build(*device);
  request.timeout = std::min({options_.response_timeout, job.deadline - clock_->Monotonic(), job.patience});
  job.front = false;
  ++job.sent;
  const uint64_t serial = next_serial_++;
  line.occupant = serial;
  line.under_way[serial] = UnderWay{std::move(job), 0, device->address()};
  const coap::RequestId id = coap_->Send(
      device->address(), std::move(request),
      [this, endpoint, serial](coap::Exchange exchange) { OnExchange(endpoint, serial, std::move(exchange)); },
      [this, endpoint, serial] { OnLineFree(endpoint, serial); });
  Line* after = Find(endpoint);
  if (after == nullptr) return;
  const auto it = after->under_way.find(serial);
  if (it != after->under_way.end()) it->second.id = id;
}

void DeviceLines::OnLineFree(const std::string& endpoint, uint64_t serial) {
  Line* line = Find(endpoint);
  if (line == nullptr || line->occupant != serial) return;
  line->occupant = 0;
  // The next request goes out from Tick, or from OnExchange when the answer itself freed the line: its continuation
  // comes first.
  Reindex(endpoint);
}

void DeviceLines::OnExchange(const std::string& endpoint, uint64_t serial, coap::Exchange exchange) {
  Line* line = Find(endpoint);
  if (line == nullptr) return;
  const auto it = line->under_way.find(serial);
  if (it == line->under_way.end()) return;  // given up by us
  UnderWay under_way = std::move(it->second);
  line->under_way.erase(it);
  Job& job = under_way.job;
  const absl::Duration now = clock_->Monotonic();
  const bool queue_mode = line->device != nullptr && line->device->registration.queue_mode();
  bool again = false;
  switch (exchange.outcome) {
    case coap::Exchange::Outcome::kAnswered:
    case coap::Exchange::Outcome::kTransferFailed:
      line->answered = true;
      if (queue_mode) line->awake_until = now + options_.awake_window;
      break;
    case coap::Exchange::Outcome::kReset:
      // A reset request was not performed, so any of them may be sent again.
      again = line->device != nullptr && !line->answered && line->early_resets < options_.early_resets &&
              now < line->registered_at + options_.early_window;
      if (again) {
        line->not_before = now + options_.early_delay * (1 << line->early_resets);
        ++line->early_resets;
      }
      break;
    case coap::Exchange::Outcome::kTimeout:
      if (queue_mode && job.patience == absl::InfiniteDuration()) {
        line->awake_until = now;  // asleep after all
        again = job.repeatable && job.deadline > now && job.sent < options_.attempts;
      }
      break;
    case coap::Exchange::Outcome::kCancelled:
      break;
  }
  if (again) {
    log::Debug("request will be repeated", {{"endpoint", endpoint}, {"sent", job.sent}});
    job.front = true;
    Push(*line, std::move(job));
    if (line->occupant == serial) line->occupant = 0;
    Start(endpoint);
    return;
  }
  Result result;
  result.kind = Result::Kind::kExchange;
  result.exchange = std::move(exchange);
  result.peer = under_way.peer;
  // The continuation of this answer (job.front) comes before the next request: the line is freed after the call.
  job.done(std::move(result));
  line = Find(endpoint);
  if (line == nullptr) return;
  if (line->occupant == serial) line->occupant = 0;
  if (line->device == nullptr && line->under_way.empty()) {
    due_.erase({line->due, endpoint});
    lines_.erase(endpoint);
    return;
  }
  Start(endpoint);
}

absl::Duration DeviceLines::DueOf(const Line& line) const {
  absl::Duration due = absl::InfiniteDuration();
  for (const std::deque<Job>* queue : {&line.urgent, &line.background}) {
    for (const Job& job : *queue) due = std::min(due, job.deadline);
  }
  const bool waiting = !line.urgent.empty() || !line.background.empty();
  if (waiting && line.device != nullptr && !line.displaced && line.occupant == 0 &&
      std::max(line.not_before, clock_->Monotonic()) < line.awake_until) {
    due = std::min(due, line.not_before);
  }
  return due;
}

void DeviceLines::Reindex(const std::string& endpoint) {
  Line* line = Find(endpoint);
  if (line == nullptr) return;
  const absl::Duration due = DueOf(*line);
  if (due == line->due) return;
  due_.erase({line->due, endpoint});
  line->due = due;
  if (due != absl::InfiniteDuration()) due_.emplace(due, endpoint);
}

absl::Duration DeviceLines::Tick() {
  const absl::Duration now = clock_->Monotonic();
  // Each line once: what it starts may make it due again.
  std::vector<std::string> endpoints;
  for (const auto& [due, endpoint] : due_) {
    if (due > now) break;
    endpoints.push_back(endpoint);
  }
  for (const std::string& endpoint : endpoints) Start(endpoint);
  if (due_.empty()) return absl::InfiniteDuration();
  return std::max(due_.begin()->first - clock_->Monotonic(), absl::ZeroDuration());
}

DeviceLines::Statistics DeviceLines::statistics() const {
  Statistics statistics;
  for (const auto& [endpoint, line] : lines_) {
    if (line.device != nullptr) ++statistics.devices;
    statistics.waiting += line.urgent.size() + line.background.size();
    statistics.under_way += line.under_way.size();
  }
  return statistics;
}

}  // namespace isthmus::connector
