// The peers of an endpoint: a number for each, so that look-ups need no text, and its message ids.
//
//   PeerRef peer = peers.Get("192.0.2.1:5683", now);
//   const uint16_t id = peer->next_message_id++;
//
// A peer that nobody holds any more is forgotten `lifetime` after its last activity: as long as its message ids must
// not be used again. Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_COAP_PEERS_H_
#define ISTHMUS_SERVICES_LIB_COAP_PEERS_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "services/lib/coap/endpoint.h"

namespace isthmus::coap {

struct PeerState {
  Peer name;
  uint64_t number = 0;  // never used again
  // Counting through all ids makes the time until one comes again as long as can be.
  uint16_t next_message_id = 0;
  absl::Duration last_active;
};
using PeerRef = std::shared_ptr<PeerState>;

class Peers {
 public:
  Peers(size_t max_idle, absl::Duration lifetime, Random* random)
      : max_idle_(max_idle), lifetime_(lifetime), random_(random) {}

  // The peer, made when it is new; counts as activity.
  PeerRef Get(const Peer& name, absl::Duration now);
  // nullptr when unknown.
  PeerRef Find(const Peer& name) const;
  // Forgets idle ones, looking at most at `limit`.
  void Expire(absl::Duration now, size_t limit);
  size_t size() const { return peers_.size(); }

 private:
  const size_t max_idle_;
  const absl::Duration lifetime_;
  Random* const random_;
  absl::flat_hash_map<Peer, PeerRef> peers_;
  std::deque<PeerRef> queue_;  // each once; those that were looked at longest ago in front
  uint64_t last_number_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_PEERS_H_
