#include "services/lib/coap/exchanges.h"

#include <algorithm>
#include <utility>

#include "services/lib/coap/block_option.h"

namespace isthmus::coap {
namespace {

// How often a body is sent from its first block again because the peer lost track of it or wants smaller blocks.
constexpr int kMaxRestarts = 3;

}  // namespace

RequestId Exchanges::Send(const Peer& name, OutgoingRequest request, ExchangeCallback callback,
                          std::function<void()> on_line_free) {
  const RequestId id = ++last_id_;
  const PeerRef peer = layer_->PeerOf(name);
  const std::string token = request.token.empty() ? steps_->NewToken(*peer) : request.token;
  const TokenKey key(peer->number, token);
  // A token names one exchange at a time; whoever uses it again has lost interest in the first.
  if (const auto it = by_token_.find(key); it != by_token_.end()) Cancel(it->second);

  auto exchange = std::make_unique<UnderWay>();
  exchange->peer = peer;
  exchange->token = token;
  exchange->callback = std::move(callback);
  exchange->on_line_free = std::move(on_line_free);
  exchange->started = layer_->Now();
  exchange->size_exponent = SizeExponentFor(layer_->options().block_size);
  const absl::Duration timeout = std::max(request.timeout, absl::ZeroDuration());
  exchange->deadline =
      layer_->timers().At(layer_->Now() + timeout, [this, id] { Finish(id, Exchange::Outcome::kTimeout, Message()); });
  exchange->request = std::move(request);
  under_way_.emplace(id, std::move(exchange));
  by_token_[key] = id;
  if (timeout > absl::ZeroDuration()) SendPart(id);
  return id;
}

void Exchanges::Cancel(RequestId id) { Finish(id, Exchange::Outcome::kCancelled, Message()); }

void Exchanges::SendPart(RequestId id) {
  UnderWay& exchange = *under_way_.at(id);
  exchange.acknowledged = false;
  const OutgoingRequest& request = exchange.request;
  Message message = MessageOf(request);
  Block block;
  block.size_exponent = exchange.size_exponent;
  exchange.in_blocks = exchange.in_blocks || request.payload.size() > block.size();
  bool sendable = true;
  if (exchange.in_blocks) {
    block.number = static_cast<uint32_t>(exchange.sent / block.size());
    exchange.sending = std::min(block.size(), request.payload.size() - exchange.sent);
    block.more = exchange.sent + exchange.sending < request.payload.size();
    sendable = exchange.sent / block.size() <= kMaxBlockNumber;
    message.payload = request.payload.substr(exchange.sent, exchange.sending);
    SetBlock(message, kBlock1, block);
    if (exchange.sent == 0) message.AddUintOption(kSize1, request.payload.size());
  } else {
    message.payload = request.payload;
  }
  // Say early that we want small blocks (RFC 7959 2.4); the largest need no saying.
  const bool reads = request.method == kGet || request.method == kFetch;
  if (reads && !block.more && SizeExponentFor(layer_->options().block_size) < 6) {
    Block wanted;
    wanted.size_exponent = SizeExponentFor(layer_->options().block_size);
    SetBlock(message, kBlock2, wanted);
  }
  const bool sent =
      sendable && steps_->Start(exchange.peer, exchange.token, std::move(message), request.confirmable,
                                [this, id](StepEvent event, Message* response) { OnStep(id, event, response); });
  if (sent) return;
  // Not from within Send: its caller does not know the id yet.
  layer_->timers().At(layer_->Now(), [this, id] { Finish(id, Exchange::Outcome::kTransferFailed, Message()); });
}

void Exchanges::OnStep(RequestId id, StepEvent event, Message* response) {
  const auto it = under_way_.find(id);
  if (it == under_way_.end()) return;
  switch (event) {
    case StepEvent::kAcknowledged:
      it->second->acknowledged = true;
      return FreeLine(id);
    case StepEvent::kReset:
      return Finish(id, Exchange::Outcome::kReset, Message());
    case StepEvent::kGaveUp: {
      // One unlucky block of many is no reason to lose them all. Not the last one: doing it again may do it twice.
      UnderWay& exchange = *it->second;
      const bool more = exchange.in_blocks && exchange.sent + exchange.sending < exchange.request.payload.size();
      if (!more || ++exchange.restarts > kMaxRestarts) return Finish(id, Exchange::Outcome::kTimeout, Message());
      return SendPart(id);
    }
    case StepEvent::kResponse:
      break;
  }
  switch (ContinueUpload(id, *it->second, *response)) {
    case Upload::kGoesOn:
      return;
    case Upload::kFailed:
      return Finish(id, Exchange::Outcome::kTransferFailed, Message());
    case Upload::kDone:
      return TakeResponse(id, std::move(*response));
  }
}

Exchanges::Upload Exchanges::ContinueUpload(RequestId id, UnderWay& exchange, const Message& response) {
  Block block;
  const bool about_block = ReadBlock(response, kBlock1, &block) == BlockOptionState::kPresent;
  const size_t payload = exchange.request.payload.size();
  const auto restart = [&] {
    if (++exchange.restarts > kMaxRestarts) return Upload::kFailed;
    exchange.sent = 0;
    SendPart(id);
    return Upload::kGoesOn;
  };
  if (response.code == kTooLarge) {
    // It takes the body in smaller blocks (RFC 7959 2.9.3), if it names a smaller size than the one it has just seen.
    if (!about_block || block.size_exponent >= exchange.size_exponent || block.size() >= payload) return Upload::kDone;
    exchange.size_exponent = block.size_exponent;
    return restart();
  }
  const bool last = !exchange.in_blocks || exchange.sent + exchange.sending >= payload;
  // It has forgotten the blocks before this one (a restart, say). When that goes on, it is the answer.
  if (response.code == kIncomplete && exchange.in_blocks && exchange.sent > 0) {
    return exchange.restarts < kMaxRestarts ? restart() : Upload::kDone;
  }
  if (!IsSuccess(response.code)) return Upload::kDone;
  // Asking for more when there is nothing more is no answer to the whole.
  if (last) return response.code == kContinue ? Upload::kFailed : Upload::kDone;
  // Neither is a success that does not say which block it means: the peer would have taken a part for the whole.
  if (!about_block && response.code != kContinue) return Upload::kFailed;
  const size_t number = exchange.sent >> (exchange.size_exponent + 4);
  if (about_block && block.number != number) return restart();
  exchange.sent += exchange.sending;
  if (about_block) exchange.size_exponent = std::min(exchange.size_exponent, block.size_exponent);
  SendPart(id);
  return Upload::kGoesOn;
}

void Exchanges::TakeResponse(RequestId id, Message response) {
  const auto it = under_way_.find(id);
  if (it == under_way_.end()) return;
  UnderWay& exchange = *it->second;
  fetches_->Drop(exchange.fetch);
  exchange.fetch = 0;
  const bool success = IsSuccess(response.code);
  const bool part = success && BlockFetches::IsPart(response);
  const std::optional<uint64_t> observe = response.UintOption(kObserve);
  if (success && exchange.request.observe == 0 && observe.has_value() && !exchange.observing) {
    exchange.observing = true;
    OutgoingRequest what = exchange.request;
    std::function<void(Message)> take_first;
    if (part) take_first = [this, id](Message newer) { TakeResponse(id, std::move(newer)); };
    observations_->Add(exchange.peer, exchange.token, std::move(what), static_cast<uint32_t>(*observe),
                       std::move(take_first));
  }
  if (success && exchange.request.observe == 1) observations_->Forget(*exchange.peer, exchange.token);
  response.RemoveOption(kBlock1);
  if (!part) {
    response.RemoveOption(kBlock2);
    return Finish(id, Exchange::Outcome::kAnswered, std::move(response));
  }
  const FetchId fetch = fetches_->Start(
      exchange.peer, exchange.request, std::move(response), [this, id, observe](FetchResult result, Message whole) {
        if (result == FetchResult::kFailed) return Finish(id, Exchange::Outcome::kTransferFailed, Message());
        if (result == FetchResult::kWhole && observe.has_value() && !whole.UintOption(kObserve).has_value()) {
          whole.AddUintOption(kObserve, *observe);
        }
        Finish(id, Exchange::Outcome::kAnswered, std::move(whole));
      });
  if (const auto again = under_way_.find(id); again != under_way_.end()) again->second->fetch = fetch;
}

void Exchanges::FreeLine(RequestId id) {
  const auto it = under_way_.find(id);
  if (it == under_way_.end()) return;
  const std::function<void()> on_line_free = std::exchange(it->second->on_line_free, nullptr);
  if (on_line_free) on_line_free();
}

void Exchanges::Finish(RequestId id, Exchange::Outcome outcome, Message message) {
  const auto it = under_way_.find(id);
  if (it == under_way_.end()) return;
  const std::unique_ptr<UnderWay> exchange = std::move(it->second);
  under_way_.erase(it);
  by_token_.erase(TokenKey(exchange->peer->number, exchange->token));
  layer_->timers().Cancel(exchange->deadline);
  steps_->Drop(*exchange->peer, exchange->token);
  fetches_->Drop(exchange->fetch);
  // Whoever hears of no observation must not have one; the next notification is reset.
  const bool keeps = outcome == Exchange::Outcome::kAnswered && IsSuccess(message.code);
  if (exchange->observing && keeps) observations_->FirstIsWhole(*exchange->peer, exchange->token);
  if (exchange->observing && !keeps) observations_->Forget(*exchange->peer, exchange->token);
  Exchange result;
  result.outcome = outcome;
  message.token = exchange->token;
  result.message = std::move(message);
  result.token = exchange->token;
  result.elapsed = layer_->Now() - exchange->started;
  result.acknowledged = exchange->acknowledged || outcome == Exchange::Outcome::kAnswered;
  if (exchange->on_line_free) exchange->on_line_free();
  if (exchange->callback) exchange->callback(std::move(result));
}

}  // namespace isthmus::coap
