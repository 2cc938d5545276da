#include "services/mqtt_binding/adapters/paho/no_delay.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace isthmus::mqtt_binding {
namespace {

uint16_t PeerPort(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return 0;
}

}  // namespace

int SetNoDelayTowards(uint16_t peer_port) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
  if (directory == nullptr) return 0;
  int sockets = 0;
  while (const dirent* entry = readdir(directory.get())) {
    int descriptor = -1;
    if (!absl::SimpleAtoi(absl::string_view(entry->d_name), &descriptor)) continue;  // "." and ".."
    if (PeerPort(descriptor) != peer_port) continue;
    const int on = 1;
    if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0) ++sockets;
  }
  return sockets;
}

}  // namespace isthmus::mqtt_binding
