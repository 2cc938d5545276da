// The requests that we send, each with its one callback: block-wise both ways, deadline, cancelling.
//
// Not thread-safe. Owned by an endpoint.
#ifndef ISTHMUS_SERVICES_LIB_COAP_EXCHANGES_H_
#define ISTHMUS_SERVICES_LIB_COAP_EXCHANGES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/lib/coap/block_fetch.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"
#include "services/lib/coap/message_layer.h"
#include "services/lib/coap/observations.h"
#include "services/lib/coap/steps.h"

namespace isthmus::coap {

class Exchanges {
 public:
  // All must outlive it.
  Exchanges(MessageLayer* layer, Steps* steps, BlockFetches* fetches, Observations* observations)
      : layer_(layer), steps_(steps), fetches_(fetches), observations_(observations) {}

  RequestId Send(const Peer& peer, OutgoingRequest request, ExchangeCallback callback,
                 std::function<void()> on_line_free);
  void Cancel(RequestId id);
  size_t size() const { return under_way_.size(); }

 private:
  struct UnderWay {
    PeerRef peer;
    OutgoingRequest request;
    std::string token;
    ExchangeCallback callback;
    std::function<void()> on_line_free;
    absl::Duration started;
    TimerId deadline = 0;
    // Sending in blocks.
    uint8_t size_exponent = 6;
    bool in_blocks = false;
    size_t sent = 0;     // octets that the peer has
    size_t sending = 0;  // octets of the block under way
    int restarts = 0;
    // Receiving in blocks.
    FetchId fetch = 0;
    bool observing = false;
    bool acknowledged = false;  // what was sent last
  };
  void SendPart(RequestId id);
  void OnStep(RequestId id, StepEvent event, Message* response);
  enum class Upload { kGoesOn, kDone, kFailed };
  // kGoesOn: the response was about one block and the next one is under way. kDone: it is about the whole request.
  Upload ContinueUpload(RequestId id, UnderWay& exchange, const Message& response);
  // The peer has the whole request and this is its response, or the first block of that.
  void TakeResponse(RequestId id, Message response);
  void Finish(RequestId id, Exchange::Outcome outcome, Message message);
  void FreeLine(RequestId id);

  MessageLayer* const layer_;
  Steps* const steps_;
  BlockFetches* const fetches_;
  Observations* const observations_;
  absl::flat_hash_map<RequestId, std::unique_ptr<UnderWay>> under_way_;
  absl::flat_hash_map<TokenKey, RequestId> by_token_;
  RequestId last_id_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_EXCHANGES_H_
