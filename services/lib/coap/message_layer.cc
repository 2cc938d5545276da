#include "services/lib/coap/message_layer.h"

#include <algorithm>

namespace isthmus::coap {
namespace {

constexpr size_t kMaxRememberedOctets = 64 << 20;
constexpr size_t kExpireAtOnce = 2000;
constexpr size_t kTokenSize = 8;
// Requests, notifications and separate responses that wait for a word of their peers, at most.
constexpr size_t kMaxInFlight = 200000;

}  // namespace

MessageLayer::MessageLayer(const EndpointOptions& options, const Clock* clock, Random* random, Transport* transport)
    : options_(options),
      clock_(clock),
      random_(random),
      transport_(transport),
      peers_(options.max_remembered_exchanges, options.exchange_lifetime, random),
      duplicates_(options.max_remembered_exchanges, kMaxRememberedOctets, options.exchange_lifetime) {}

std::string MessageLayer::NewToken() {
  // The counter keeps tokens apart even when the random source does not.
  const uint64_t value = random_->Next() + ++tokens_made_;
  std::string token(kTokenSize, '\0');
  for (size_t i = 0; i < kTokenSize; ++i) token[i] = static_cast<char>(value >> (8 * i));
  return token;
}

std::optional<uint16_t> MessageLayer::AllocateMessageId(PeerState& peer) {
  if (in_flight_.size() >= kMaxInFlight) return std::nullopt;
  for (int tries = 0; tries <= 0xFFFF; ++tries) {
    const uint16_t id = peer.next_message_id++;
    if (!in_flight_.contains(KeyOf(peer, id))) return id;
  }
  return std::nullopt;
}

void MessageLayer::Transmit(const Peer& peer, const std::string& datagram) {
  ++statistics_.sent;
  transport_->Send(peer, datagram);
}

std::optional<uint16_t> MessageLayer::SendConfirmable(const PeerRef& peer, Message message, Ended ended) {
  const std::optional<uint16_t> id = AllocateMessageId(*peer);
  if (!id.has_value()) return std::nullopt;
  message.type = Type::kConfirmable;
  message.message_id = *id;
  const double share = (random_->Next() >> 11) * 0x1.0p-53;
  const uint64_t key = KeyOf(*peer, *id);
  const std::string datagram = Encode(message);
  InFlight flight;
  flight.peer = peer;
  flight.token = std::move(message.token);
  flight.datagram = datagram;
  flight.timeout = options_.ack_timeout * (1 + share * (options_.ack_random_factor - 1));
  flight.ended = std::move(ended);
  flight.timer = timers_.At(Now() + flight.timeout, [this, key] { Repeat(key); });
  in_flight_.emplace(key, std::move(flight));
  Transmit(peer->name, datagram);
  return id;
}

std::optional<uint16_t> MessageLayer::SendNonConfirmable(const PeerRef& peer, Message message, absl::Duration listen,
                                                         Ended ended) {
  const std::optional<uint16_t> id = AllocateMessageId(*peer);
  if (!id.has_value()) return std::nullopt;
  message.type = Type::kNonConfirmable;
  message.message_id = *id;
  if (ended) {
    const uint64_t key = KeyOf(*peer, *id);
    InFlight flight;
    flight.peer = peer;
    flight.ended = std::move(ended);
    flight.timer = timers_.At(Now() + listen, [this, key] { in_flight_.erase(key); });
    in_flight_.emplace(key, std::move(flight));
  }
  Transmit(peer->name, Encode(message));
  return id;
}

void MessageLayer::Repeat(uint64_t key) {
  const auto it = in_flight_.find(key);
  if (it == in_flight_.end()) return;
  InFlight& flight = it->second;
  if (flight.repeated >= options_.max_retransmit) {
    const Ended ended = Take(key);
    if (ended) ended(Ending::kGaveUp, nullptr);
    return;
  }
  ++flight.repeated;
  flight.timeout *= 2;
  flight.timer = timers_.At(Now() + flight.timeout, [this, key] { Repeat(key); });
  ++statistics_.retransmitted;
  const PeerRef peer = flight.peer;
  peer->last_active = Now();
  const std::string datagram = flight.datagram;
  Transmit(peer->name, datagram);
}

MessageLayer::Ended MessageLayer::Take(uint64_t key) {
  const auto it = in_flight_.find(key);
  if (it == in_flight_.end()) return nullptr;
  timers_.Cancel(it->second.timer);
  Ended ended = std::move(it->second.ended);
  in_flight_.erase(it);
  return ended;
}

void MessageLayer::Stop(const PeerRef& peer, uint16_t message_id) { Take(KeyOf(*peer, message_id)); }

void MessageLayer::OnAcknowledgement(const Peer& name, Message& message) {
  const PeerRef peer = peers_.Find(name);
  if (peer == nullptr) return;
  const uint64_t key = KeyOf(*peer, message.message_id);
  const auto it = in_flight_.find(key);
  // Only confirmable messages can be acknowledged.
  if (it == in_flight_.end() || it->second.datagram.empty()) return;
  const bool empty = message.code == kEmpty;
  // A piggybacked response has to match in both (RFC 7252 5.3.2); what does not is no answer to anything.
  if (!empty && (IsRequest(message.code) || message.token != it->second.token)) return;
  const Ended ended = Take(key);
  if (ended) ended(Ending::kAcknowledged, empty ? nullptr : &message);
}

void MessageLayer::OnReset(const Peer& name, uint16_t message_id) {
  const PeerRef peer = peers_.Find(name);
  if (peer == nullptr) return;
  const Ended ended = Take(KeyOf(*peer, message_id));
  if (ended) ended(Ending::kReset, nullptr);
}

bool MessageLayer::IsDuplicate(const Arrival& arrival) {
  const uint64_t key = KeyOf(*arrival.peer, arrival.message_id);
  const std::string* reply = duplicates_.Find(key, arrival.fingerprint, Now());
  if (reply == nullptr) {
    duplicates_.Remember(key, arrival.fingerprint, Now());
    return false;
  }
  ++statistics_.duplicates;
  // Duplicates of non-confirmable messages are ignored (RFC 7252 4.5).
  if (arrival.type == Type::kConfirmable && !reply->empty()) Transmit(arrival.peer->name, std::string(*reply));
  return true;
}

void MessageLayer::Reply(const Arrival& arrival, Message message) {
  message.message_id = arrival.message_id;
  const std::string datagram = Encode(message);
  duplicates_.SetReply(KeyOf(*arrival.peer, arrival.message_id), arrival.fingerprint, datagram);
  if (message.type == Type::kReset) ++statistics_.resets_sent;
  Transmit(arrival.peer->name, datagram);
}

void MessageLayer::ReplyEmpty(const Arrival& arrival, Type type) {
  Message message;
  message.type = type;
  Reply(arrival, std::move(message));
}

void MessageLayer::SendReset(const Peer& peer, uint16_t message_id) {
  Message message;
  message.type = Type::kReset;
  message.message_id = message_id;
  ++statistics_.resets_sent;
  Transmit(peer, Encode(message));
}

bool MessageLayer::Expire() {
  const size_t before = duplicates_.size();
  duplicates_.Expire(Now(), kExpireAtOnce);
  peers_.Expire(Now(), kExpireAtOnce);
  return before - duplicates_.size() == kExpireAtOnce;
}

}  // namespace isthmus::coap
