#include "services/lib/coap/steps.h"

#include <utility>

namespace isthmus::coap {

Message MessageOf(const OutgoingRequest& request) {
  Message message;
  message.code = request.method;
  message.options.reserve(request.path.size() + request.query.size() + 5);
  // In the order of their numbers, which spares sorting.
  if (request.observe.has_value()) message.AddUintOption(kObserve, *request.observe);
  for (const std::string& segment : request.path) message.AddOption(kUriPath, segment);
  if (request.content_format.has_value()) message.AddUintOption(kContentFormat, *request.content_format);
  for (const std::string& argument : request.query) message.AddOption(kUriQuery, argument);
  if (request.accept.has_value()) message.AddUintOption(kAccept, *request.accept);
  return message;
}

std::string Steps::NewToken(const PeerState& peer) {
  for (;;) {
    std::string token = layer_->NewToken();
    if (!Has(peer, token)) return token;
  }
}

bool Steps::Start(const PeerRef& peer, const std::string& token, Message message, bool confirmable,
                  StepCallback callback) {
  Drop(*peer, token);
  const TokenKey key(peer->number, token);
  const uint64_t serial = ++last_serial_;
  auto step = std::make_shared<Step>();
  step->peer = peer;
  step->confirmable = confirmable;
  step->cancels = message.UintOption(kObserve).value_or(0) == 1;
  step->serial = serial;
  step->callback = std::move(callback);
  steps_[key] = step;  // before sending: a transport may be so quick as to answer inside
  message.token = token;
  MessageLayer::Ended ended = [this, key, serial](MessageLayer::Ending ending, Message* piggybacked) {
    OnEnded(key, serial, ending, piggybacked);
  };
  const std::optional<uint16_t> id =
      confirmable
          ? layer_->SendConfirmable(peer, std::move(message), std::move(ended))
          : layer_->SendNonConfirmable(peer, std::move(message), layer_->options().exchange_lifetime, std::move(ended));
  if (!id.has_value()) {
    steps_.erase(key);
    return false;
  }
  step->message_id = *id;
  return true;
}

void Steps::Drop(const PeerState& peer, const std::string& token) {
  const auto it = steps_.find(TokenKey(peer.number, token));
  if (it == steps_.end()) return;
  layer_->Stop(it->second->peer, it->second->message_id);
  layer_->timers().Cancel(it->second->timer);
  steps_.erase(it);
}

bool Steps::Has(const PeerState& peer, const std::string& token) const {
  return steps_.contains(TokenKey(peer.number, token));
}

bool Steps::OnResponse(const PeerState& peer, Message& message) {
  const TokenKey key(peer.number, message.token);
  const auto it = steps_.find(key);
  if (it == steps_.end()) return false;
  // What answers a cancellation carries no Observe; this is a notification that was under way.
  if (it->second->cancels && message.UintOption(kObserve).has_value()) return false;
  // It may have overtaken its acknowledgement, or stand for a lost one.
  layer_->Stop(it->second->peer, it->second->message_id);
  End(key, StepEvent::kResponse, &message);
  return true;
}

void Steps::OnEnded(const TokenKey& key, uint64_t serial, MessageLayer::Ending ending, Message* piggybacked) {
  const auto it = steps_.find(key);
  if (it == steps_.end() || it->second->serial != serial) return;
  switch (ending) {
    case MessageLayer::Ending::kReset:
      return End(key, StepEvent::kReset, nullptr);
    case MessageLayer::Ending::kGaveUp:
      return End(key, StepEvent::kGaveUp, nullptr);
    case MessageLayer::Ending::kAcknowledged:
      break;
  }
  if (piggybacked != nullptr) return End(key, StepEvent::kResponse, piggybacked);
  const std::shared_ptr<Step> step = it->second;
  step->timer = layer_->timers().At(layer_->Now() + layer_->options().response_timeout,
                                    [this, key] { End(key, StepEvent::kGaveUp, nullptr); });
  step->callback(StepEvent::kAcknowledged, nullptr);
}

void Steps::End(const TokenKey& key, StepEvent event, Message* response) {
  const auto it = steps_.find(key);
  if (it == steps_.end()) return;
  const std::shared_ptr<Step> step = std::move(it->second);
  steps_.erase(it);
  layer_->timers().Cancel(step->timer);
  step->callback(event, response);
}

}  // namespace isthmus::coap
