#include "services/lib/coap/server.h"

#include <algorithm>

#include "services/lib/coap/critical_options.h"

namespace isthmus::coap {
namespace {

constexpr size_t kMaxTransferOctets = 64 << 20;

// What keeps the blocks of one request together and tells them from those of others: peer, method and the options, but
// for those about blocks and observing (RFC 7959 2.4 and 2.5).
std::string KeyOf(const PeerState& peer, const Message& message) {
  std::string key;
  const auto put = [&](uint64_t value, int octets) {
    for (int i = 0; i < octets; ++i) key.push_back(static_cast<char>(value >> (8 * i)));
  };
  put(peer.number, 8);
  put(message.code, 2);
  for (const Option& option : message.options) {
    switch (option.number) {
      case kBlock1:
      case kBlock2:
      case kSize1:
      case kSize2:
      case kObserve:
        continue;
      default:
        break;
    }
    put(option.number, 2);
    put(option.value.size(), 4);
    key += option.value;
  }
  return key;
}

}  // namespace

Server::Server(MessageLayer* layer)
    : layer_(layer),
      collect_(layer->options().max_body_size, kMaxTransferOctets, layer->options().exchange_lifetime),
      representations_(kMaxTransferOctets, layer->options().exchange_lifetime),
      self_(std::make_shared<Server*>(this)) {}

void Server::OnRequest(const Arrival& arrival, Message message) {
  auto incoming = std::make_shared<Incoming>();
  incoming->arrival = arrival;
  incoming->token = message.token;
  if (const Code refusal = RefusalOfCriticalOptions(message); refusal != kEmpty) {
    if (arrival.type == Type::kNonConfirmable) return layer_->ReplyEmpty(arrival, Type::kReset);
    return ReplyCode(*incoming, refusal);
  }
  incoming->key = KeyOf(*arrival.peer, message);

  const uint8_t ours = SizeExponentFor(layer_->options().block_size);
  incoming->block2.size_exponent = ours;
  switch (ReadBlock(message, kBlock2, &incoming->block2)) {
    case BlockOptionState::kInvalid:
      return ReplyCode(*incoming, kBadOption);
    case BlockOptionState::kAbsent:
      break;
    case BlockOptionState::kPresent: {
      incoming->block2_asked = true;
      // The block that begins where the asked one would, in our size.
      Block& block = incoming->block2;
      if (block.size_exponent > ours) {
        block.number <<= block.size_exponent - ours;
        block.size_exponent = ours;
      }
      break;
    }
  }
  if (!TakeBlock1(*incoming, message)) return;

  const bool later_block = incoming->block2_asked && incoming->block2.number > 0;
  if (later_block) {
    if (const auto kept = representations_.Find(incoming->key, layer_->Now()); kept != nullptr) {
      bool last = false;
      Message block = CutBlock(*kept, incoming->block2, &last);
      if (last) representations_.Drop(incoming->key);
      return Reply(*incoming, std::move(block));
    }
    // Reading again gives the body again; doing again would do it twice.
    if (message.code != kGet && message.code != kFetch) return ReplyCode(*incoming, kIncomplete);
    message.RemoveOption(kObserve);
  }

  const std::optional<uint64_t> observe = message.UintOption(kObserve);
  const TokenKey observer(arrival.peer->number, incoming->token);
  incoming->observes = observe == 0u;
  if (observe == 1u) observers_.erase(observer);
  if (!handler_) return ReplyCode(*incoming, kNotFound);

  IncomingRequest request{arrival.peer->name, std::move(message)};
  request.message.RemoveOption(kBlock1);
  request.message.RemoveOption(kBlock2);
  request.message.RemoveOption(kSize1);
  const Handler handler = handler_;
  handler(std::move(request), [weak = std::weak_ptr<Server*>(self_), incoming](OutgoingResponse response) {
    const std::shared_ptr<Server*> server = weak.lock();
    if (server == nullptr || incoming->answered) return;
    (*server)->Respond(*incoming, std::move(response));
  });
  incoming->handler_returned = true;
  if (!incoming->answered && arrival.type == Type::kConfirmable) layer_->ReplyEmpty(arrival, Type::kAcknowledgement);
}

bool Server::TakeBlock1(Incoming& incoming, Message& message) {
  Block block;
  const BlockOptionState state = ReadBlock(message, kBlock1, &block);
  if (state == BlockOptionState::kInvalid) {
    ReplyCode(incoming, kBadOption);
    return false;
  }
  const size_t limit = layer_->options().max_body_size;
  Collected collected = Collected::kWhole;
  if (state == BlockOptionState::kPresent) {
    collected =
        collect_.Add(incoming.key, block, &message.payload, message.UintOption(kSize1).value_or(0), layer_->Now());
    block.size_exponent = std::min(block.size_exponent, SizeExponentFor(layer_->options().block_size));
    incoming.block1 = block;
  } else if (message.payload.size() > limit) {
    collected = Collected::kTooLarge;
  }
  Message reply;
  switch (collected) {
    case Collected::kWhole:
      return true;
    case Collected::kMore:
      reply.code = kContinue;
      break;
    case Collected::kHole:
      reply.code = kIncomplete;
      break;
    case Collected::kTooLarge:
      reply.code = kTooLarge;
      reply.AddUintOption(kSize1, limit);
      break;
  }
  Reply(incoming, std::move(reply));
  return false;
}

void Server::Respond(Incoming& incoming, OutgoingResponse response) {
  const bool success = IsSuccess(response.code);
  const bool observed = incoming.observes && success &&
                        std::any_of(response.options.begin(), response.options.end(),
                                    [](const Option& option) { return option.number == kObserve; });
  if (observed && observers_.size() < layer_->options().max_remembered_exchanges) {
    Observer& observer = observers_[TokenKey(incoming.arrival.peer->number, incoming.token)];
    observer.key = incoming.key;
    observer.size_exponent = incoming.block2.size_exponent;
  }
  const bool whole = incoming.block2.number == 0 && response.payload.size() <= incoming.block2.size();
  Message message;
  if (whole && (!incoming.block2_asked || !success)) {
    message.code = response.code;
    message.options = std::move(response.options);
    message.payload = std::move(response.payload);
  } else {
    bool last = false;
    message = CutBlock(response, incoming.block2, &last);
    if (!last) representations_.Keep(incoming.key, std::move(response), layer_->Now());
  }
  Reply(incoming, std::move(message));
}

void Server::Reply(Incoming& incoming, Message message) {
  incoming.answered = true;
  message.token = incoming.token;
  if (incoming.block1.has_value()) {
    Block block = *incoming.block1;
    // In 2.31 `more` says that nothing has been done yet (RFC 7959 2.3).
    block.more = message.code == kContinue;
    SetBlock(message, kBlock1, block);
  }
  const Arrival& arrival = incoming.arrival;
  if (arrival.type == Type::kNonConfirmable) {
    layer_->SendNonConfirmable(arrival.peer, std::move(message), absl::ZeroDuration(), nullptr);
    return;
  }
  if (incoming.handler_returned) {
    layer_->SendConfirmable(arrival.peer, std::move(message), nullptr);
    return;
  }
  message.type = Type::kAcknowledgement;
  layer_->Reply(arrival, std::move(message));
}

void Server::ReplyCode(Incoming& incoming, Code code) {
  Message message;
  message.code = code;
  Reply(incoming, std::move(message));
}

void Server::Notify(const PeerRef& peer, const std::string& token, OutgoingResponse response, uint32_t sequence,
                    bool confirmable, ExchangeCallback callback) {
  const TokenKey key(peer->number, token);
  const auto observer = observers_.find(key);
  Block first;
  first.size_exponent = SizeExponentFor(layer_->options().block_size);
  if (observer != observers_.end()) first.size_exponent = std::min(first.size_exponent, observer->second.size_exponent);

  response.options.erase(std::remove_if(response.options.begin(), response.options.end(),
                                        [](const Option& option) { return option.number == kObserve; }),
                         response.options.end());
  Message message;
  if (response.payload.size() > first.size()) {
    bool last = false;
    message = CutBlock(response, first, &last);
    // Without the observing request nobody knows what the rest will be asked for with; the handler will answer it.
    if (observer != observers_.end()) {
      representations_.Keep(observer->second.key, std::move(response), layer_->Now());
    }
  } else {
    message.code = response.code;
    message.options = std::move(response.options);
    message.payload = std::move(response.payload);
  }
  message.token = token;
  // An error ends the observation and has no place in the order of its values (RFC 7641 4.2).
  if (IsSuccess(message.code)) {
    message.AddUintOption(kObserve, sequence & 0xFFFFFF);
  } else {
    observers_.erase(key);
  }

  const absl::Duration started = layer_->Now();
  const auto tell = [callback, token](Exchange::Outcome outcome, absl::Duration elapsed) {
    if (!callback) return;
    Exchange exchange;
    exchange.outcome = outcome;
    exchange.token = token;
    exchange.elapsed = elapsed;
    callback(std::move(exchange));
  };
  const auto on_ended = [this, key, started, tell](MessageLayer::Ending ending, Message*) {
    const absl::Duration elapsed = layer_->Now() - started;
    if (ending == MessageLayer::Ending::kAcknowledged) return tell(Exchange::Outcome::kAnswered, elapsed);
    // Both end the observation (RFC 7641 4.5).
    observers_.erase(key);
    tell(ending == MessageLayer::Ending::kReset ? Exchange::Outcome::kReset : Exchange::Outcome::kTimeout, elapsed);
  };
  if (confirmable) {
    if (!layer_->SendConfirmable(peer, std::move(message), on_ended).has_value()) {
      tell(Exchange::Outcome::kTimeout, absl::ZeroDuration());
    }
    return;
  }
  layer_->SendNonConfirmable(peer, std::move(message), layer_->options().exchange_lifetime, on_ended);
  tell(Exchange::Outcome::kAnswered, absl::ZeroDuration());
}

void Server::Expire() {
  collect_.Expire(layer_->Now());
  representations_.Expire(layer_->Now());
}

}  // namespace isthmus::coap
