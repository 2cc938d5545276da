// A UDP socket as the transport of an endpoint. Datagrams that are sent wait until Flush, so that those of one turn go
// out in one system call.
//
//   ASSIGN_OR_RETURN(auto socket, UdpSocket::Open("::", 5683));
//   while (...) { socket->ReceiveBatch([&](const Peer& peer, absl::string_view datagram) { ... }); socket->Flush(); }
//
// Not thread-safe. UdpLoop (udp_transport.h) gives it a thread; a program with thousands of sockets polls their
// descriptors itself.
#ifndef ISTHMUS_SERVICES_LIB_COAP_UDP_UDP_SOCKET_H_
#define ISTHMUS_SERVICES_LIB_COAP_UDP_UDP_SOCKET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/udp/peer_address.h"

namespace isthmus::coap {

class UdpSocket final : public Transport {
 public:
  // How many datagrams one system call takes at most.
  static constexpr size_t kBatch = 64;

  // `host` is the local address: "0.0.0.0", "::" (IPv4, too), "127.0.0.1" ...; port 0 = any free one.
  // `receive_buffer` is asked of the kernel, which may give less.
  static absl::StatusOr<std::unique_ptr<UdpSocket>> Open(const std::string& host, uint16_t port,
                                                         size_t receive_buffer = 8 << 20);
  ~UdpSocket() override;
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  int descriptor() const { return descriptor_; }
  uint16_t local_port() const { return local_port_; }

  // Queues it; a full batch goes out at once. What cannot be sent (no such address, no route) is lost, as on any UDP.
  void Send(const Peer& peer, const std::string& datagram) override;
  void Flush();
  // Takes what is there, at most one batch, without waiting. Returns how many it took. `take` must not receive itself.
  size_t ReceiveBatch(const std::function<void(const Peer&, absl::string_view)>& take);

 private:
  struct Queued {
    SocketAddress to;
    std::string datagram;
  };
  UdpSocket(int descriptor, bool ipv6);

  const int descriptor_;
  uint16_t local_port_ = 0;
  PeerAddresses addresses_;
  std::vector<Queued> queue_;  // the first `queued_` are in use; the others keep their memory
  size_t queued_ = 0;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_UDP_UDP_SOCKET_H_
