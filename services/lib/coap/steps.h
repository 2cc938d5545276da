// One request message and its one response (RFC 7252 section 5), told apart by peer and token. An exchange takes one
// step, or one for each block.
//
//   steps.Start(peer, token, MessageOf(request), /*confirmable=*/true,
//               [](StepEvent event, Message* response) { ... });
//
// Not thread-safe. Callbacks may start and drop steps.
#ifndef ISTHMUS_SERVICES_LIB_COAP_STEPS_H_
#define ISTHMUS_SERVICES_LIB_COAP_STEPS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"
#include "services/lib/coap/message_layer.h"

namespace isthmus::coap {

enum class StepEvent {
  kAcknowledged,  // empty: the response comes later; the step goes on
  kResponse,      // ends the step, as do the others
  kReset,
  kGaveUp,
};
using StepCallback = std::function<void(StepEvent, Message* response)>;

// The request as a message, without its payload and block options.
Message MessageOf(const OutgoingRequest& request);

class Steps {
 public:
  // `layer` must outlive it.
  explicit Steps(MessageLayer* layer) : layer_(layer) {}

  // A token that names nothing at this peer yet.
  std::string NewToken(const PeerState& peer);
  // False when nothing could be sent. A step that is under way with this token is dropped.
  bool Start(const PeerRef& peer, const std::string& token, Message message, bool confirmable, StepCallback callback);
  // Ends it without a call.
  void Drop(const PeerState& peer, const std::string& token);
  bool Has(const PeerState& peer, const std::string& token) const;
  // A response of its own (not piggybacked) came. False when no step waits for it.
  bool OnResponse(const PeerState& peer, Message& message);

 private:
  struct Step {
    PeerRef peer;
    uint16_t message_id = 0;
    bool confirmable = true;
    bool cancels = false;  // an observation
    TimerId timer = 0;     // wait for a separate response
    uint64_t serial = 0;
    StepCallback callback;
  };
  void OnEnded(const TokenKey& key, uint64_t serial, MessageLayer::Ending ending, Message* piggybacked);
  void End(const TokenKey& key, StepEvent event, Message* response);

  MessageLayer* const layer_;
  absl::flat_hash_map<TokenKey, std::shared_ptr<Step>> steps_;
  uint64_t last_serial_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_STEPS_H_
