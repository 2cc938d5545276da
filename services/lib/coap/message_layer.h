// The messaging layer (RFC 7252 section 4): confirmable messages are repeated until somebody says something about them,
// non-confirmable ones go out once, replies are remembered for duplicates. It knows nothing of requests and responses.
//
//   layer.SendConfirmable(peer, std::move(message), [](MessageLayer::Ending ending, Message* piggybacked) { ... });
//
// Not thread-safe. Shared by the parts of one endpoint, which owns it.
#ifndef ISTHMUS_SERVICES_LIB_COAP_MESSAGE_LAYER_H_
#define ISTHMUS_SERVICES_LIB_COAP_MESSAGE_LAYER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/duplicates.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"
#include "services/lib/coap/peers.h"
#include "services/lib/coap/timer_queue.h"

namespace isthmus::coap {

// What a peer and one of its tokens name.
using TokenKey = std::pair<uint64_t, std::string>;

// A confirmable or non-confirmable message that came, as far as a reply needs to know it.
struct Arrival {
  PeerRef peer;
  Type type = Type::kConfirmable;
  uint16_t message_id = 0;
  uint64_t fingerprint = 0;
};

class MessageLayer {
 public:
  enum class Ending {
    kAcknowledged,  // `piggybacked` is what came with it; nullptr when it was empty
    kReset,
    kGaveUp,  // nobody answered
  };
  using Ended = std::function<void(Ending, Message* piggybacked)>;

  MessageLayer(const EndpointOptions& options, const Clock* clock, Random* random, Transport* transport);

  const EndpointOptions& options() const { return options_; }
  absl::Duration Now() const { return clock_->Monotonic(); }
  Random& random() { return *random_; }
  TimerQueue& timers() { return timers_; }
  Peers& peers() { return peers_; }
  Endpoint::Statistics& statistics() { return statistics_; }
  PeerRef PeerOf(const Peer& name) { return peers_.Get(name, Now()); }
  std::string NewToken();

  // Sends it with a message id of its own, and again until `ended` is called. nullopt: too much is in flight (to
  // all peers, or each message id of this one); nothing was sent and `ended` will not be called.
  std::optional<uint16_t> SendConfirmable(const PeerRef& peer, Message message, Ended ended);
  // Sends it once. `ended` (may be empty) hears kReset when that comes within `listen`.
  std::optional<uint16_t> SendNonConfirmable(const PeerRef& peer, Message message, absl::Duration listen, Ended ended);
  // No more repetitions and no call of `ended`.
  void Stop(const PeerRef& peer, uint16_t message_id);

  // An Acknowledgement or Reset came.
  void OnAcknowledgement(const Peer& peer, Message& message);
  void OnReset(const Peer& peer, uint16_t message_id);

  // True when this message was heard before; it has been replied to as the first time. Else it is remembered.
  bool IsDuplicate(const Arrival& arrival);
  // Sends a reply (Acknowledgement or Reset, empty or piggybacked) and remembers it for duplicates.
  void Reply(const Arrival& arrival, Message message);
  void ReplyEmpty(const Arrival& arrival, Type type);
  // Rejects a message that is not remembered.
  void SendReset(const Peer& peer, uint16_t message_id);

  // Forgets what is too old. True when there may be more to forget at once.
  bool Expire();
  bool RemembersNothing() const { return duplicates_.size() == 0 && peers_.size() == 0; }
  size_t remembered() const { return duplicates_.size(); }

 private:
  struct InFlight {
    PeerRef peer;
    std::string token;
    std::string datagram;  // empty when it is not repeated
    absl::Duration timeout;
    int repeated = 0;
    TimerId timer = 0;
    Ended ended;
  };
  static uint64_t KeyOf(const PeerState& peer, uint16_t message_id) { return peer.number << 16 | message_id; }
  std::optional<uint16_t> AllocateMessageId(PeerState& peer);
  void Transmit(const Peer& peer, const std::string& datagram);
  void Repeat(uint64_t key);
  // Takes it out of what is in flight.
  Ended Take(uint64_t key);

  const EndpointOptions options_;
  const Clock* const clock_;
  Random* const random_;
  Transport* const transport_;
  TimerQueue timers_;
  Peers peers_;
  Duplicates duplicates_;
  absl::flat_hash_map<uint64_t, InFlight> in_flight_;
  Endpoint::Statistics statistics_;
  uint64_t tokens_made_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_MESSAGE_LAYER_H_
