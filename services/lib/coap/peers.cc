#include "services/lib/coap/peers.h"

#include <algorithm>
#include <utility>

namespace isthmus::coap {

PeerRef Peers::Get(const Peer& name, absl::Duration now) {
  PeerRef& slot = peers_[name];
  if (slot != nullptr) {
    slot->last_active = now;
    return slot;
  }
  slot = std::make_shared<PeerState>();
  slot->name = name;
  slot->number = ++last_number_;
  slot->next_message_id = static_cast<uint16_t>(random_->Next());
  slot->last_active = now;
  PeerRef peer = slot;  // Expire may move the slot
  queue_.push_back(peer);
  Expire(now, 2);
  return peer;
}

PeerRef Peers::Find(const Peer& name) const {
  const auto it = peers_.find(name);
  return it == peers_.end() ? nullptr : it->second;
}

void Peers::Expire(absl::Duration now, size_t limit) {
  for (size_t left = std::min(limit, queue_.size()); left > 0; --left) {
    PeerRef peer = std::move(queue_.front());
    queue_.pop_front();
    constexpr int kHeldByUs = 2;  // the map and `peer`
    const bool crowded = peers_.size() > max_idle_;
    if (peer.use_count() == kHeldByUs && (crowded || peer->last_active + lifetime_ <= now)) {
      peers_.erase(peer->name);
    } else {
      queue_.push_back(std::move(peer));
    }
  }
}

}  // namespace isthmus::coap
