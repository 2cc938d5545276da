#include "services/lib/coap/udp/udp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace isthmus::coap {
namespace {

// CoAP messages are smaller (RFC 7252 4.6: 1152), but a peer may send what UDP takes.
constexpr size_t kMaxDatagram = 65536;
constexpr size_t kBatch = UdpSocket::kBatch;

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(errno)));
}

struct Buffers {
  Buffers() : octets(new char[kBatch * kMaxDatagram]) {
    for (size_t i = 0; i < kBatch; ++i) {
      vectors[i].iov_base = octets.get() + i * kMaxDatagram;
      vectors[i].iov_len = kMaxDatagram;
      headers[i] = {};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = &addresses[i].storage;
    }
  }
  std::unique_ptr<char[]> octets;  // not touched before it is used
  std::array<SocketAddress, kBatch> addresses;
  std::array<iovec, kBatch> vectors;
  std::array<mmsghdr, kBatch> headers;
};

}  // namespace

absl::StatusOr<std::unique_ptr<UdpSocket>> UdpSocket::Open(const std::string& host, uint16_t port,
                                                           size_t receive_buffer) {
  absl::StatusOr<SocketAddress> local = ParseAddress(host, port);
  if (!local.ok()) return local.status();
  const bool ipv6 = local->storage.ss_family == AF_INET6;
  // Sending may block for the moment that the kernel needs to empty a full buffer; receiving never does.
  const int descriptor = socket(local->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return SystemError("cannot make a UDP socket");
  std::unique_ptr<UdpSocket> owner(new UdpSocket(descriptor, ipv6));
  if (ipv6) {
    const int off = 0;
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  const int buffer = static_cast<int>(std::min<size_t>(receive_buffer, 1 << 30));
  // The privileged way goes beyond the system's limit; without the privilege the plain one does what it can.
  if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0) {
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
  }
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
  if (bind(descriptor, local->get(), local->size) != 0) return SystemError(absl::StrCat("UDP ", FormatPeer(*local)));
  SocketAddress bound;
  bound.size = sizeof(bound.storage);
  if (getsockname(descriptor, bound.get(), &bound.size) != 0) return SystemError("name of a UDP socket");
  owner->local_port_ = ntohs(ipv6 ? reinterpret_cast<const sockaddr_in6&>(bound.storage).sin6_port
                                  : reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port);
  return owner;
}

UdpSocket::UdpSocket(int descriptor, bool ipv6) : descriptor_(descriptor), addresses_(ipv6) {}

UdpSocket::~UdpSocket() { close(descriptor_); }

void UdpSocket::Send(const Peer& peer, const std::string& datagram) {
  const SocketAddress* to = addresses_.AddressOf(peer);
  if (to == nullptr) return;
  if (queued_ == queue_.size()) queue_.emplace_back();
  queue_[queued_].to = *to;
  queue_[queued_].datagram = datagram;
  if (++queued_ == kBatch) Flush();
}

void UdpSocket::Flush() {
  if (queued_ == 0) return;
  const size_t count = std::exchange(queued_, 0);
  if (count == 1) {
    Queued& queued = queue_[0];
    sendto(descriptor_, queued.datagram.data(), queued.datagram.size(), 0, queued.to.get(), queued.to.size);
    return;
  }
  std::array<iovec, kBatch> vectors;
  std::array<mmsghdr, kBatch> headers = {};
  for (size_t i = 0; i < count; ++i) {
    vectors[i].iov_base = &queue_[i].datagram[0];
    vectors[i].iov_len = queue_[i].datagram.size();
    headers[i].msg_hdr.msg_name = &queue_[i].to.storage;
    headers[i].msg_hdr.msg_namelen = queue_[i].to.size;
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  size_t done = 0;
  while (done < count) {
    const int sent = sendmmsg(descriptor_, headers.data() + done, count - done, 0);
    if (sent > 0) {
      done += sent;
    } else if (errno != EINTR) {
      ++done;  // this one cannot be sent (or an ICMP error of an earlier one was told); the others may
    }
  }
}

size_t UdpSocket::ReceiveBatch(const std::function<void(const Peer&, absl::string_view)>& take) {
  // One for all sockets of a thread: a program may have thousands of them.
  thread_local Buffers buffers;
  for (mmsghdr& header : buffers.headers) header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  const int count = recvmmsg(descriptor_, buffers.headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return 0;  // nothing there, or an ICMP error: the time-outs of the endpoint see to that
  for (int i = 0; i < count; ++i) {
    buffers.addresses[i].size = buffers.headers[i].msg_hdr.msg_namelen;
    // A copy: taking a datagram may send, and that may forget names.
    const Peer peer = addresses_.NameOf(buffers.addresses[i]);
    take(peer, absl::string_view(static_cast<const char*>(buffers.vectors[i].iov_base), buffers.headers[i].msg_len));
  }
  return count;
}

}  // namespace isthmus::coap
