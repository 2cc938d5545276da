// The observations that we hold at peers (RFC 7641 section 3): which notification is newest, and its whole body.
//
// Not thread-safe. Owned by an endpoint.
#ifndef ISTHMUS_SERVICES_LIB_COAP_OBSERVATIONS_H_
#define ISTHMUS_SERVICES_LIB_COAP_OBSERVATIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/lib/coap/block_fetch.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"
#include "services/lib/coap/message_layer.h"

namespace isthmus::coap {

class Observations {
 public:
  // Both must outlive it.
  Observations(MessageLayer* layer, BlockFetches* fetches) : layer_(layer), fetches_(fetches) {}

  void SetHandler(NotificationHandler handler) { handler_ = std::move(handler); }

  // The response to an observing request came, with this Observe value. `take_first`: until FirstIsWhole, a newer
  // notification goes there instead of to the handler, for it takes the place of the response that is being fetched.
  void Add(const PeerRef& peer, const std::string& token, OutgoingRequest what, uint32_t sequence,
           std::function<void(Message)> take_first);
  void FirstIsWhole(const PeerState& peer, const std::string& token);
  void Expect(const PeerRef& peer, const std::string& token, std::optional<OutgoingRequest> what);
  void Forget(const PeerState& peer, const std::string& token);
  // False when it is not wanted: the peer is to be told with Reset.
  bool OnNotification(const PeerRef& peer, Message& message);
  size_t size() const { return observations_.size(); }

 private:
  struct Observation {
    PeerRef peer;
    std::string token;
    std::optional<OutgoingRequest> what;  // for the rest of a body; unknown for some that were made before a restart
    std::optional<uint32_t> sequence;
    absl::Duration newest_at;
    std::function<void(Message)> take_first;
    FetchId fetch = 0;
    TimerId fetch_again = 0;
    int fetches_failed = 0;
    uint64_t round = 0;  // counts notifications, so that what belongs to an older one can tell
  };
  bool IsNewer(const Observation& observation, uint32_t sequence) const;
  void DropFetch(Observation& observation);
  void OnFetched(const TokenKey& key, uint64_t round, uint32_t sequence, FetchResult result, Message message);
  bool Deliver(const TokenKey& key, Message message);

  MessageLayer* const layer_;
  BlockFetches* const fetches_;
  NotificationHandler handler_;
  absl::flat_hash_map<TokenKey, Observation> observations_;
  uint64_t last_round_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_OBSERVATIONS_H_
