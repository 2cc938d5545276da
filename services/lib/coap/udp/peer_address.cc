#include "services/lib/coap/udp/peer_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace isthmus::coap {
namespace {

const sockaddr_in& V4(const SocketAddress& address) { return reinterpret_cast<const sockaddr_in&>(address.storage); }
const sockaddr_in6& V6(const SocketAddress& address) { return reinterpret_cast<const sockaddr_in6&>(address.storage); }
bool IsIpv6(const SocketAddress& address) { return address.storage.ss_family == AF_INET6; }

SocketAddress MakeV4(const void* octets, uint16_t port_in_network_order) {
  SocketAddress address;
  auto& in = reinterpret_cast<sockaddr_in&>(address.storage);
  in.sin_family = AF_INET;
  in.sin_port = port_in_network_order;
  std::memcpy(&in.sin_addr, octets, 4);
  address.size = sizeof(sockaddr_in);
  return address;
}

}  // namespace

std::string FormatPeer(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (!IsIpv6(address)) {
    inet_ntop(AF_INET, &V4(address).sin_addr, text, sizeof(text));
    return absl::StrCat(text, ":", ntohs(V4(address).sin_port));
  }
  const sockaddr_in6& in6 = V6(address);
  if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) return FormatPeer(MakeV4(in6.sin6_addr.s6_addr + 12, in6.sin6_port));
  inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
  const std::string zone = in6.sin6_scope_id == 0 ? "" : absl::StrCat("%", in6.sin6_scope_id);
  return absl::StrCat("[", text, zone, "]:", ntohs(in6.sin6_port));
}

absl::StatusOr<SocketAddress> ParseAddress(absl::string_view host, uint16_t port) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::string whole(host);
  in_addr v4;
  if (inet_pton(AF_INET, whole.c_str(), &v4) == 1) return MakeV4(&v4, htons(port));
  const size_t percent = host.find('%');
  SocketAddress address;
  auto& in6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(), &in6.sin6_addr) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("'", host, "' is neither an IPv4 nor an IPv6 address"));
  }
  if (percent != absl::string_view::npos) {
    const std::string zone(host.substr(percent + 1));
    if (!absl::SimpleAtoi(zone, &in6.sin6_scope_id)) in6.sin6_scope_id = if_nametoindex(zone.c_str());
    if (in6.sin6_scope_id == 0) return absl::InvalidArgumentError(absl::StrCat("'", zone, "' is no zone of this host"));
  }
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  address.size = sizeof(sockaddr_in6);
  return address;
}

absl::StatusOr<SocketAddress> ParsePeer(absl::string_view peer) {
  const size_t colon = peer.rfind(':');
  uint32_t port = 0;
  const bool good =
      colon != absl::string_view::npos && absl::SimpleAtoi(peer.substr(colon + 1), &port) && port > 0 && port <= 0xFFFF;
  if (!good) return absl::InvalidArgumentError(absl::StrCat("peer '", peer, "' is not host:port"));
  const absl::string_view host = peer.substr(0, colon);
  if (host.find(':') != absl::string_view::npos && host.front() != '[') {
    return absl::InvalidArgumentError(absl::StrCat("peer '", peer, "' needs brackets around its IPv6 address"));
  }
  return ParseAddress(host, static_cast<uint16_t>(port));
}

absl::StatusOr<Peer> ResolvePeer(const std::string& host, uint16_t port) {
  if (const auto numeric = ParseAddress(host, port); numeric.ok()) return FormatPeer(*numeric);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return absl::NotFoundError(absl::StrCat("host '", host, "': ", gai_strerror(error)));
  }
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  if (IsIpv6(address)) {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  }
  return FormatPeer(address);
}

SocketAddress MappedToIpv6(const SocketAddress& address) {
  if (IsIpv6(address)) return address;
  SocketAddress mapped;
  auto& in6 = reinterpret_cast<sockaddr_in6&>(mapped.storage);
  in6.sin6_family = AF_INET6;
  in6.sin6_port = V4(address).sin_port;
  in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xFF;
  std::memcpy(in6.sin6_addr.s6_addr + 12, &V4(address).sin_addr, 4);
  mapped.size = sizeof(sockaddr_in6);
  return mapped;
}

PeerAddresses::Key PeerAddresses::KeyOf(const SocketAddress& address) {
  Key key = {};
  if (IsIpv6(address)) {
    const sockaddr_in6& in6 = V6(address);
    std::memcpy(key.data(), &in6.sin6_addr, 16);
    std::memcpy(key.data() + 16, &in6.sin6_port, 2);
    std::memcpy(key.data() + 18, &in6.sin6_scope_id, 4);
  } else {
    std::memcpy(key.data(), &V4(address).sin_addr, 4);
    std::memcpy(key.data() + 16, &V4(address).sin_port, 2);
  }
  return key;
}

const Peer& PeerAddresses::NameOf(const SocketAddress& address) {
  const Key key = KeyOf(address);
  const auto it = names_.find(key);
  if (it != names_.end()) return it->second;
  if (names_.size() >= max_size_) names_.clear();
  return names_.emplace(key, FormatPeer(address)).first->second;
}

const SocketAddress* PeerAddresses::AddressOf(const Peer& peer) {
  const auto it = addresses_.find(peer);
  if (it != addresses_.end()) return &it->second;
  absl::StatusOr<SocketAddress> address = ParsePeer(peer);
  if (!address.ok()) return nullptr;
  // An IPv4 socket reaches no IPv6 address.
  if (!ipv6_ && IsIpv6(*address)) return nullptr;
  if (addresses_.size() >= max_size_) addresses_.clear();
  return &addresses_.emplace(peer, ipv6_ ? MappedToIpv6(*address) : *address).first->second;
}

}  // namespace isthmus::coap
