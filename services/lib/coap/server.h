// The requests that come to us: put together from blocks, handed to the request handler, answered piggybacked or
// separately, large answers in blocks; and the notifications that we send to those who observe.
//
// Not thread-safe. Owned by an endpoint.
#ifndef ISTHMUS_SERVICES_LIB_COAP_SERVER_H_
#define ISTHMUS_SERVICES_LIB_COAP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "services/lib/coap/block_collect.h"
#include "services/lib/coap/block_option.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"
#include "services/lib/coap/message_layer.h"
#include "services/lib/coap/representations.h"

namespace isthmus::coap {

class Server {
 public:
  // `layer` must outlive it. Responders may outlive both; they do nothing then.
  explicit Server(MessageLayer* layer);

  using Handler = std::function<void(IncomingRequest, Responder)>;
  void SetHandler(Handler handler) { handler_ = std::move(handler); }
  void OnRequest(const Arrival& arrival, Message message);
  void Notify(const PeerRef& peer, const std::string& token, OutgoingResponse response, uint32_t sequence,
              bool confirmable, ExchangeCallback callback);
  void Expire();
  size_t transfers() const { return collect_.size() + representations_.size(); }

 private:
  struct Incoming {
    Arrival arrival;
    std::string token;
    std::string key;
    std::optional<Block> block1;  // of the last block
    Block block2;                 // wanted; by default the first one, as large as ours are
    bool block2_asked = false;
    bool observes = false;
    bool handler_returned = false;
    bool answered = false;
  };
  struct Observer {
    std::string key;
    uint8_t size_exponent = 6;
  };

  // False when the request has been answered: a block, or something that cannot be.
  bool TakeBlock1(Incoming& incoming, Message& message);
  void Respond(Incoming& incoming, OutgoingResponse response);
  void Reply(Incoming& incoming, Message message);
  void ReplyCode(Incoming& incoming, Code code);

  MessageLayer* const layer_;
  Handler handler_;
  BlockCollect collect_;
  Representations representations_;
  absl::flat_hash_map<TokenKey, Observer> observers_;
  std::shared_ptr<Server*> self_;  // responders see when we are gone
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_SERVER_H_
