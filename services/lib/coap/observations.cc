#include "services/lib/coap/observations.h"

#include <utility>

namespace isthmus::coap {
namespace {

// RFC 7641 3.4.
constexpr uint32_t kSequenceHalf = 1u << 23;
constexpr uint32_t kSequenceMask = (1u << 24) - 1;
constexpr absl::Duration kSequenceValidity = absl::Seconds(128);

// A notification whose body could not be had is asked for again after these; then its handler is told.
constexpr absl::Duration kFetchAgainAfter[] = {absl::Seconds(5), absl::Seconds(30)};
constexpr int kMaxFetchAgain = 2;

}  // namespace

void Observations::Add(const PeerRef& peer, const std::string& token, OutgoingRequest what, uint32_t sequence,
                       std::function<void(Message)> take_first) {
  Observation& observation = observations_[TokenKey(peer->number, token)];
  DropFetch(observation);
  observation.peer = peer;
  observation.token = token;
  observation.what = std::move(what);
  observation.sequence = sequence & kSequenceMask;
  observation.newest_at = layer_->Now();
  observation.take_first = std::move(take_first);
  observation.fetches_failed = 0;
  observation.round = ++last_round_;
}

void Observations::FirstIsWhole(const PeerState& peer, const std::string& token) {
  const auto it = observations_.find(TokenKey(peer.number, token));
  if (it != observations_.end()) it->second.take_first = nullptr;
}

void Observations::Expect(const PeerRef& peer, const std::string& token, std::optional<OutgoingRequest> what) {
  const auto [it, added] = observations_.try_emplace(TokenKey(peer->number, token));
  it->second.what = std::move(what);
  if (!added) return;
  it->second.peer = peer;
  it->second.token = token;
}

void Observations::Forget(const PeerState& peer, const std::string& token) {
  const auto it = observations_.find(TokenKey(peer.number, token));
  if (it == observations_.end()) return;
  DropFetch(it->second);
  observations_.erase(it);
}

void Observations::DropFetch(Observation& observation) {
  fetches_->Drop(observation.fetch);
  observation.fetch = 0;
  layer_->timers().Cancel(observation.fetch_again);
  observation.fetch_again = 0;
}

bool Observations::IsNewer(const Observation& observation, uint32_t sequence) const {
  if (!observation.sequence.has_value()) return true;
  const uint32_t last = *observation.sequence;
  return (last < sequence && sequence - last < kSequenceHalf) || (last > sequence && last - sequence > kSequenceHalf) ||
         layer_->Now() > observation.newest_at + kSequenceValidity;
}

bool Observations::OnNotification(const PeerRef& peer, Message& message) {
  const TokenKey key(peer->number, message.token);
  const auto it = observations_.find(key);
  if (it == observations_.end()) return false;
  Observation& observation = it->second;
  // An error ends the observation and has no place in an order; neither has a value without Observe, which a peer
  // sends as its last one.
  const std::optional<uint64_t> observe = message.UintOption(kObserve);
  const uint32_t sequence = static_cast<uint32_t>(observe.value_or(0)) & kSequenceMask;
  if (IsSuccess(message.code) && observe.has_value()) {
    if (!IsNewer(observation, sequence)) return true;
    observation.sequence = sequence;
    observation.newest_at = layer_->Now();
  }
  DropFetch(observation);
  observation.fetches_failed = 0;
  const uint64_t round = observation.round = ++last_round_;
  if (observation.take_first) {
    const std::function<void(Message)> take_first = observation.take_first;
    take_first(std::move(message));
    return true;
  }
  if (!IsSuccess(message.code) || !BlockFetches::IsPart(message)) return Deliver(key, std::move(message));
  // Without the request nobody can ask for the rest; the peer is told that this leads nowhere.
  if (!observation.what.has_value()) {
    Message incomplete;
    incomplete.code = kIncomplete;
    incomplete.token = message.token;
    Deliver(key, std::move(incomplete));
    return false;
  }
  const FetchId id = fetches_->Start(peer, *observation.what, std::move(message),
                                     [this, key, round, sequence](FetchResult result, Message whole) {
                                       OnFetched(key, round, sequence, result, std::move(whole));
                                     });
  const auto again = observations_.find(key);
  if (again != observations_.end() && again->second.round == round && again->second.fetch_again == 0) {
    again->second.fetch = id;
  }
  return true;
}

void Observations::OnFetched(const TokenKey& key, uint64_t round, uint32_t sequence, FetchResult result,
                             Message message) {
  const auto it = observations_.find(key);
  if (it == observations_.end() || it->second.round != round) return;
  Observation& observation = it->second;
  observation.fetch = 0;
  if (result == FetchResult::kWhole) {
    message.token = observation.token;
    if (!message.UintOption(kObserve).has_value()) message.AddUintOption(kObserve, sequence);
    Deliver(key, std::move(message));
    return;
  }
  if (observation.fetches_failed < kMaxFetchAgain) {
    const absl::Duration wait = kFetchAgainAfter[observation.fetches_failed++];
    observation.fetch_again = layer_->timers().At(layer_->Now() + wait, [this, key, round, sequence] {
      const auto again = observations_.find(key);
      if (again == observations_.end() || again->second.round != round) return;
      again->second.fetch_again = 0;
      const FetchId id = fetches_->StartAnew(again->second.peer, *again->second.what,
                                             [this, key, round, sequence](FetchResult fetched, Message whole) {
                                               OnFetched(key, round, sequence, fetched, std::move(whole));
                                             });
      const auto still = observations_.find(key);
      if (still != observations_.end() && still->second.round == round && still->second.fetch_again == 0) {
        still->second.fetch = id;
      }
    });
    return;
  }
  Message incomplete;
  incomplete.code = kIncomplete;
  incomplete.token = observation.token;
  // Not an error of the peer's: the observation goes on unless the handler says no.
  const PeerRef peer = observation.peer;
  const Notified notified{peer->name, observation.token, std::move(incomplete)};
  const NotificationHandler handler = handler_;
  if (!handler || !handler(notified)) Forget(*peer, notified.token);
}

bool Observations::Deliver(const TokenKey& key, Message message) {
  const auto it = observations_.find(key);
  if (it == observations_.end()) return false;
  const PeerRef peer = it->second.peer;
  const bool last = !IsSuccess(message.code);
  if (last) Forget(*peer, key.second);
  const Notified notified{peer->name, key.second, std::move(message)};
  const NotificationHandler handler = handler_;
  const bool wanted = handler && handler(notified);
  if (!wanted) Forget(*peer, key.second);
  // An observation that its peer has ended needs no Reset.
  return wanted || last;
}

}  // namespace isthmus::coap
