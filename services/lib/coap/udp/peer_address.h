// Text and binary form of a peer's address, with a memory: a datagram must not cost a formatting of its address.
//
//   PeerAddresses addresses;
//   const Peer& peer = addresses.NameOf(sockaddr);        // "192.0.2.1:5683", "[2001:db8::1]:5683"
//   const SocketAddress* to = addresses.AddressOf(peer);  // nullptr when the text is no numeric address
//
// An IPv4 address has one name on sockets of either family. Bounded. Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_COAP_UDP_PEER_ADDRESS_H_
#define ISTHMUS_SERVICES_LIB_COAP_UDP_PEER_ADDRESS_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/lib/coap/endpoint.h"

namespace isthmus::coap {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::string FormatPeer(const SocketAddress& address);
// `host` is an IPv4 or IPv6 address (with a zone, "fe80::1%eth0", too), no name.
absl::StatusOr<SocketAddress> ParseAddress(absl::string_view host, uint16_t port);
absl::StatusOr<SocketAddress> ParsePeer(absl::string_view peer);
// Asks the resolver, too, and may block: for peers that people name.
absl::StatusOr<Peer> ResolvePeer(const std::string& host, uint16_t port);
// The same address as one of an IPv6 socket: IPv4 becomes ::ffff:a.b.c.d.
SocketAddress MappedToIpv6(const SocketAddress& address);

class PeerAddresses {
 public:
  // `ipv6`: addresses are handed out in the form that an IPv6 socket wants.
  explicit PeerAddresses(bool ipv6, size_t max_size = 100000) : ipv6_(ipv6), max_size_(max_size) {}

  // Both are valid until the next call.
  const Peer& NameOf(const SocketAddress& address);
  const SocketAddress* AddressOf(const Peer& peer);
  size_t size() const { return names_.size() + addresses_.size(); }

 private:
  // Address, port, scope.
  using Key = std::array<uint8_t, 22>;
  static Key KeyOf(const SocketAddress& address);

  const bool ipv6_;
  const size_t max_size_;
  absl::flat_hash_map<Key, Peer> names_;
  absl::flat_hash_map<Peer, SocketAddress> addresses_;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_UDP_PEER_ADDRESS_H_
