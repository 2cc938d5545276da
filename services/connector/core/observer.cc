#include "services/connector/core/observer.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "services/lib/log/log.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::NotificationAttributes;
using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;
using lwm2m::v1::Path;

bool SameAttributes(const NotificationAttributes& a, const NotificationAttributes& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}
bool NoAttributes(const NotificationAttributes& attributes) { return SameAttributes(attributes, {}); }

bool Answered(const OperationResult& result, bool success) {
  return result.outcome() == lwm2m::v1::OUTCOME_ANSWERED &&
         coap::IsSuccess(static_cast<coap::Code>(result.coap_code())) == success;
}

Operation ObserveOf(const Path& path, bool self_describing = false) {
  Operation operation;
  *operation.mutable_observe()->mutable_path() = path;
  operation.mutable_observe()->set_self_describing(self_describing);
  return operation;
}

// It reached the device, or may have.
bool WasSent(const OperationResult& result) {
  switch (result.outcome()) {
    case lwm2m::v1::OUTCOME_ANSWERED:
    case lwm2m::v1::OUTCOME_TIMEOUT:
    case lwm2m::v1::OUTCOME_RESET:
    case lwm2m::v1::OUTCOME_UNDECODABLE:
      return true;
    default:
      return false;
  }
}

Operation AttributesOf(const Path& path, const NotificationAttributes& attributes) {
  Operation operation;
  *operation.mutable_write_attributes()->mutable_path() = path;
  *operation.mutable_write_attributes()->mutable_attributes() = attributes;
  return operation;
}

}  // namespace

Observer::Observer(ObserverOptions options, Parts parts, Callbacks callbacks)
    : options_(options), parts_(parts), callbacks_(std::move(callbacks)) {}

std::string Observer::NewToken() {
  while (true) {
    const uint64_t bits = parts_.random->Next();
    std::string token(sizeof(bits), '\0');
    std::memcpy(token.data(), &bits, sizeof(bits));
    if (tokens_.count(token) == 0) return token;
  }
}

Observer::Watch* Observer::Find(const std::string& endpoint, const std::string& key) {
  const auto it = watches_.find(endpoint);
  if (it == watches_.end()) return nullptr;
  const auto watch = it->second.find(key);
  return watch == it->second.end() ? nullptr : &watch->second;
}

// ---- what changes from outside --------------------------------------------------------------------------------------

void Observer::Restore() {
  for (const StoredObservation& stored : parts_.store->LoadObservations()) {
    const DevicePtr device = parts_.registry->FindByEndpoint(stored.endpoint);
    const DevicePtr owner = parts_.registry->FindByAddress(stored.peer);
    if (device == nullptr || device != owner || !stored.path.has_object_id()) {
      parts_.store->RemoveObservation(stored.endpoint, stored.path);
      continue;
    }
    const std::string key = lwm2m::PathToString(stored.path);
    Watch& watch = watches_[stored.endpoint][key];
    watch.path = stored.path;
    watch.attributes = watch.written = stored.attributes;
    watch.observed = watch.refresh = true;
    watch.token = stored.token;
    watch.peer = stored.peer;
    const double spread = static_cast<double>(parts_.random->Next() % 1000) / 1000.0;
    watch.retry_at = parts_.clock->Monotonic() + options_.refresh_spread * spread;
    ScheduleRetry(stored.endpoint, watch.retry_at);
    tokens_[stored.token] = {stored.endpoint, key};
    auto request = ToRequest(ObserveOf(stored.path), stored.accept);
    if (!request.ok()) continue;
    PrependRoot(device->registration.root_path(), *request);
    request->token = stored.token;
    parts_.coap->Expect(stored.peer, stored.token, *std::move(request));
  }
}

// True when there is something to do for it.
bool Observer::Want(const session::v1::Interest& interest) {
  if (interest.endpoint().empty() || !interest.path().has_object_id()) return false;
  Watch& watch = watches_[interest.endpoint()][lwm2m::PathToString(interest.path())];
  // With a definition any format will do, also the one that is observed in; without one, types are worth asking anew.
  const bool types_wanted = interest.self_describing() && !watch.self_describing;
  watch.self_describing = interest.self_describing();
  if (watch.wanted && !types_wanted && SameAttributes(watch.attributes, interest.attributes())) return false;
  if (types_wanted && watch.observed) watch.refresh = true;
  watch.path = interest.path();
  watch.wanted = true;
  watch.attributes = interest.attributes();
  watch.attributes_refused = watch.failed = watch.reported = false;
  if (!watch.refresh) watch.retry_at = -absl::InfiniteDuration();
  return true;
}

void Observer::SetInterests(const std::vector<session::v1::Interest>& interests) {
  std::set<std::pair<std::string, std::string>> wanted;
  for (const session::v1::Interest& interest : interests) {
    wanted.emplace(interest.endpoint(), lwm2m::PathToString(interest.path()));
  }
  session::v1::InterestChange change;
  for (const auto& [endpoint, watches] : watches_) {
    for (const auto& [key, watch] : watches) {
      if (wanted.count({endpoint, key}) != 0) continue;
      session::v1::Interest* gone = change.add_remove();
      gone->set_endpoint(endpoint);
      *gone->mutable_path() = watch.path;
    }
  }
  *change.mutable_add() = {interests.begin(), interests.end()};
  ChangeInterests(change);
}

void Observer::ChangeInterests(const session::v1::InterestChange& change) {
  for (const session::v1::Interest& interest : change.remove()) {
    const std::string key = lwm2m::PathToString(interest.path());
    Watch* watch = Find(interest.endpoint(), key);
    if (watch == nullptr) continue;
    watch->wanted = false;
    Advance(interest.endpoint(), key);
  }
  for (const session::v1::Interest& interest : change.add()) {
    if (Want(interest)) Advance(interest.endpoint(), lwm2m::PathToString(interest.path()));
  }
}

void Observer::Drop(const std::string& endpoint, Watch& watch) {
  ++watch.generation;
  if (!watch.observed) return;
  parts_.coap->Forget(watch.peer, watch.token);
  tokens_.erase(watch.token);
  parts_.store->RemoveObservation(endpoint, watch.path);
  watch.observed = watch.refresh = false;
  watch.token.clear();
}

void Observer::DropAll(const std::string& endpoint) {
  const auto it = watches_.find(endpoint);
  if (it == watches_.end()) return;
  for (auto& [key, watch] : it->second) Drop(endpoint, watch);
}

void Observer::OnRegistered(const std::string& endpoint) {
  const auto it = watches_.find(endpoint);
  if (it == watches_.end()) return;
  for (auto& [key, watch] : it->second) {
    Drop(endpoint, watch);
    watch.written.Clear();
    watch.failed = watch.reported = watch.attributes_refused = false;
    watch.failures = 0;
    watch.retry_at = -absl::InfiniteDuration();
  }
  AdvanceAll(endpoint);
}

void Observer::OnUpdated(const std::string& endpoint, bool address_changed, bool links_changed) {
  const auto it = watches_.find(endpoint);
  if (it == watches_.end()) return;
  for (auto& [key, watch] : it->second) {
    if (address_changed) Drop(endpoint, watch);
    if (links_changed) watch.failed = false;
    watch.retry_at = -absl::InfiniteDuration();  // it is awake: now is the time
  }
  AdvanceAll(endpoint);
}

void Observer::OnDisplaced(const std::string& endpoint) { DropAll(endpoint); }

void Observer::OnGone(const std::string& endpoint) {
  DropAll(endpoint);
  UnscheduleRetry(endpoint);
  const auto it = watches_.find(endpoint);
  if (it == watches_.end()) return;
  for (auto watch = it->second.begin(); watch != it->second.end();) {
    watch->second.written.Clear();
    watch = watch->second.wanted || watch->second.busy ? std::next(watch) : it->second.erase(watch);
  }
  if (it->second.empty()) watches_.erase(it);
}

void Observer::Nudge(const std::string& endpoint, const Path& path) {
  const std::string key = lwm2m::PathToString(path);
  Watch* watch = Find(endpoint, key);
  if (watch == nullptr || !watch->wanted) return;
  watch->failed = false;
  watch->retry_at = -absl::InfiniteDuration();
  Advance(endpoint, key);
}

bool Observer::IsWanted(const std::string& endpoint, const Path& path) const {
  const auto it = watches_.find(endpoint);
  if (it == watches_.end()) return false;
  const auto watch = it->second.find(lwm2m::PathToString(path));
  return watch != it->second.end() && watch->second.wanted;
}

std::vector<Path> Observer::WantedPaths(const std::string& endpoint) const {
  std::vector<Path> paths;
  const auto it = watches_.find(endpoint);
  if (it == watches_.end()) return paths;
  for (const auto& [key, watch] : it->second) {
    if (watch.wanted) paths.push_back(watch.path);
  }
  return paths;
}

// ---- one step after the other ---------------------------------------------------------------------------------------

void Observer::AdvanceAll(const std::string& endpoint) {
  std::vector<std::string> keys;
  const auto it = watches_.find(endpoint);
  if (it == watches_.end()) return;
  for (const auto& [key, watch] : it->second) keys.push_back(key);
  for (const std::string& key : keys) Advance(endpoint, key);
}

void Observer::Advance(const std::string& endpoint, const std::string& key) {
  Watch* watch = Find(endpoint, key);
  if (watch == nullptr || watch->busy) return;
  const bool registered = parts_.registry->FindByEndpoint(endpoint) != nullptr;
  if (!watch->wanted) {
    if (registered && watch->observed) {
      Operation cancel;
      *cancel.mutable_cancel_observation()->mutable_path() = watch->path;
      Step(endpoint, key, cancel, watch->token, {}, &Observer::AfterCancel);
    } else if (registered && !NoAttributes(watch->written)) {
      Step(endpoint, key, AttributesOf(watch->path, {}), "", watch->written, &Observer::AfterAttributes);
    } else {
      Drop(endpoint, *watch);
      Watches& watches = watches_[endpoint];
      watches.erase(key);
      if (watches.empty()) watches_.erase(endpoint);
    }
    return;
  }
  if (!registered || watch->failed || watch->retry_at > parts_.clock->Monotonic()) return;
  if (!watch->attributes_refused && !SameAttributes(watch->attributes, watch->written)) {
    Step(endpoint, key, AttributesOf(watch->path, watch->attributes), "", watch->written, &Observer::AfterAttributes);
  } else if (!watch->observed || watch->refresh) {
    Step(endpoint, key, ObserveOf(watch->path, watch->self_describing), watch->token, {}, &Observer::AfterObserve);
  }
}

void Observer::Step(const std::string& endpoint, const std::string& key, const Operation& operation,
                    const std::string& token, const NotificationAttributes& before,
                    void (Observer::*then)(const std::string&, Watch&, Operations::Performed)) {
  Watch* watch = Find(endpoint, key);
  watch->busy = true;
  watch->sending = operation.write_attributes().attributes();
  Operations::Options options;
  options.background = true;
  options.attributes_before = before;
  // Called for each transmission: only then does the step belong to what the device is told from now on.
  options.token = [this, endpoint, key, token] {
    Watch* sending = Find(endpoint, key);
    if (sending != nullptr) sending->sent_generation = sending->generation;
    return token.empty() ? NewToken() : token;
  };
  parts_.operations->Perform(parts_.registry->FindByEndpoint(endpoint), operation, std::move(options),
                             [this, endpoint, key, then](Operations::Performed performed) {
                               Watch* done = Find(endpoint, key);
                               if (done == nullptr) return;
                               done->busy = false;
                               (this->*then)(endpoint, *done, std::move(performed));
                               Advance(endpoint, key);
                             });
}

void Observer::RetryLater(const std::string& endpoint, Watch& watch) {
  const absl::Duration wait =
      std::min(options_.first_retry * static_cast<double>(1 << std::min(watch.failures, 16)), options_.longest_retry);
  ++watch.failures;
  watch.retry_at = parts_.clock->Monotonic() + wait;
  ScheduleRetry(endpoint, watch.retry_at);
}

void Observer::ScheduleRetry(const std::string& endpoint, absl::Duration at) {
  const auto [earlier, is_new] = retry_of_.emplace(endpoint, at);
  if (!is_new) {
    if (earlier->second <= at) return;
    retries_.erase({earlier->second, endpoint});
    earlier->second = at;
  }
  retries_.emplace(at, endpoint);
}

void Observer::UnscheduleRetry(const std::string& endpoint) {
  const auto it = retry_of_.find(endpoint);
  if (it == retry_of_.end()) return;
  retries_.erase({it->second, endpoint});
  retry_of_.erase(it);
}

void Observer::Fail(const std::string& endpoint, Watch& watch, const OperationResult& result) {
  const bool for_good = result.coap_code() < 500;
  log::Warning("observation failed", {{"endpoint", endpoint},
                                      {"path", lwm2m::PathToString(watch.path)},
                                      {"code", result.coap_code()},
                                      {"diagnostic", result.diagnostic()}});
  if (for_good) {
    watch.failed = true;
  } else {
    RetryLater(endpoint, watch);
  }
  if (watch.reported || !watch.wanted) return;
  watch.reported = true;
  callbacks_.on_failed(endpoint, watch.path, result);
}

void Observer::AfterObserve(const std::string& endpoint, Watch& watch, Operations::Performed performed) {
  const OperationResult& result = performed.result;
  if (WasSent(result) && watch.sent_generation != watch.generation) {
    // The device has registered anew, moved or left since: whatever it agreed to then is not worth anything now.
    if (performed.observing) parts_.coap->Forget(performed.peer, performed.token);
    return;
  }
  if (performed.observing) {
    if (watch.observed && watch.token != performed.token) Drop(endpoint, watch);
    watch.observed = true;
    watch.refresh = false;
    watch.failures = 0;
    watch.token = performed.token;
    watch.peer = performed.peer;
    watch.sent_generation = watch.generation;
    tokens_[watch.token] = {endpoint, lwm2m::PathToString(watch.path)};
    parts_.store->PutObservation({endpoint, watch.path, watch.token, watch.peer, performed.format, watch.written});
    if (Answered(result, true)) {
      if (watch.wanted) {
        callbacks_.on_value(endpoint, watch.path, {result.nodes().begin(), result.nodes().end()}, true);
      }
    } else {
      log::Warning("first value of an observation cannot be decoded",
                   {{"endpoint", endpoint}, {"path", lwm2m::PathToString(watch.path)}, {"error", result.diagnostic()}});
    }
    return;
  }
  switch (result.outcome()) {
    case lwm2m::v1::OUTCOME_ANSWERED: {
      Drop(endpoint, watch);
      OperationResult reported = result;
      if (Answered(result, true)) {
        if (watch.wanted) {
          callbacks_.on_value(endpoint, watch.path, {result.nodes().begin(), result.nodes().end()}, true);
        }
        reported.clear_nodes();
        reported.set_diagnostic("the device answered without observing");
      }
      return Fail(endpoint, watch, reported);
    }
    case lwm2m::v1::OUTCOME_UNSUPPORTED:
      return Fail(endpoint, watch, result);
    case lwm2m::v1::OUTCOME_UNDECODABLE:
      // Blocks that got lost may come next time; an answer that is no observation and no value will not change.
      if (result.coap_code() != 0) {
        Drop(endpoint, watch);
        return Fail(endpoint, watch, result);
      }
      [[fallthrough]];
    default:
      return RetryLater(endpoint, watch);
  }
}

void Observer::AfterAttributes(const std::string& endpoint, Watch& watch, Operations::Performed performed) {
  const OperationResult& result = performed.result;
  if (WasSent(result) && watch.sent_generation != watch.generation) return;
  if (Answered(result, true)) {
    watch.written = watch.sending;
    watch.failures = 0;
    return;
  }
  if (!watch.wanted) {
    watch.written.Clear();  // tried, at least
    return;
  }
  if (Answered(result, false) || result.outcome() == lwm2m::v1::OUTCOME_UNSUPPORTED) {
    // Values too often or too seldom are better than none.
    watch.attributes_refused = true;
    log::Warning("notification attributes refused", {{"endpoint", endpoint},
                                                     {"path", lwm2m::PathToString(watch.path)},
                                                     {"code", result.coap_code()},
                                                     {"diagnostic", result.diagnostic()}});
    return;
  }
  RetryLater(endpoint, watch);
}

void Observer::AfterCancel(const std::string& endpoint, Watch& watch, Operations::Performed performed) {
  // Answered or not: the next notification, if there is one, is reset.
  Drop(endpoint, watch);
}

// ---- values ---------------------------------------------------------------------------------------------------------

bool Observer::OnNotification(const coap::Notified& notified) {
  const auto token = tokens_.find(notified.token);
  if (token == tokens_.end()) return false;
  const auto [endpoint, key] = token->second;
  Watch* watch = Find(endpoint, key);
  if (watch == nullptr || !watch->wanted || !watch->observed || watch->peer != notified.peer) return false;
  const DevicePtr owner = parts_.registry->FindByAddress(notified.peer);
  if (owner == nullptr || owner->endpoint() != endpoint) return false;
  const coap::Message& message = notified.message;
  if (message.code == coap::kIncomplete && message.payload.empty()) {
    // There is a new value, but its blocks could not be had: observing anew brings it.
    Drop(endpoint, *watch);
    RetryLater(endpoint, *watch);
    return false;
  }
  if (!coap::IsSuccess(message.code)) {
    OperationResult result;
    result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
    result.set_coap_code(static_cast<uint32_t>(message.code));
    result.set_diagnostic("the device ended the observation");
    Drop(endpoint, *watch);
    Fail(endpoint, *watch, result);
    return true;
  }
  const auto nodes = DecodeContent(message, watch->path, owner->registration.root_path(), parts_.clock->Now());
  if (!nodes.ok()) {
    log::Warning("notification cannot be decoded",
                 {{"endpoint", endpoint}, {"path", key}, {"error", nodes.status().message()}});
    return true;
  }
  callbacks_.on_value(endpoint, watch->path, *nodes, false);
  return true;
}

absl::Duration Observer::Tick() {
  const absl::Duration now = parts_.clock->Monotonic();
  std::vector<std::string> due;
  while (!retries_.empty() && retries_.begin()->first <= now) {
    due.push_back(retries_.begin()->second);
    UnscheduleRetry(due.back());
  }
  for (const std::string& endpoint : due) {
    AdvanceAll(endpoint);
    const auto it = watches_.find(endpoint);
    if (it == watches_.end()) continue;
    for (const auto& [key, watch] : it->second) {
      if (watch.retry_at > now) ScheduleRetry(endpoint, watch.retry_at);
    }
  }
  if (retries_.empty()) return absl::InfiniteDuration();
  return std::max(retries_.begin()->first - parts_.clock->Monotonic(), absl::ZeroDuration());
}

Observer::Statistics Observer::statistics() const {
  Statistics statistics;
  statistics.retries = retries_.size();
  for (const auto& [endpoint, watches] : watches_) {
    for (const auto& [key, watch] : watches) {
      statistics.wanted += watch.wanted ? 1 : 0;
      statistics.observed += watch.observed ? 1 : 0;
      statistics.failed += watch.failed ? 1 : 0;
    }
  }
  return statistics;
}

}  // namespace isthmus::connector
