// Many clients, each on a UDP port of its own, in one thread.
//
//   ASSIGN_OR_RETURN(auto fleet, Fleet::Open(options, &clock));
//   while (...) fleet->Step(absl::Seconds(1));
//   fleet->DeregisterAll();
//   while (!fleet->AllOff() && ...) fleet->Step(absl::Milliseconds(100));
//
// Not thread-safe.
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_FLEET_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_FLEET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/udp/udp_socket.h"
#include "tools/lwm2m_fleet/client.h"

namespace isthmus::fleet {

struct FleetOptions {
  size_t count = 1;
  int64_t first = 0;                        // number of the first device
  std::string name;                         // of the only device; empty: by the pattern
  std::string name_pattern = "fleet-%05d";  // with the device's number
  std::string bind = "0.0.0.0";             // local address
  int64_t register_rate = 1000;             // devices that start in a second
  ClientOptions client;                     // of each; the names are set here
};

class Fleet {
 public:
  // Opens the sockets. INVALID_ARGUMENT for a pattern without exactly one %d. `clock` must outlive the fleet and run by
  // itself.
  static absl::StatusOr<std::unique_ptr<Fleet>> Open(FleetOptions options, const Clock* clock);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // Waits for datagrams, descriptors and what is due, at most so long, and does it.
  void Step(absl::Duration at_most);
  // `on_readable` is called in Step while `descriptor` can be read. False when it is of a kind that cannot be waited
  // for.
  bool Watch(int descriptor, std::function<void()> on_readable);
  void Unwatch(int descriptor);

  size_t size() const { return devices_.size(); }
  size_t registered() const { return registered_; }
  // By the number in its name; null when there is none. After something was done to it, Touch.
  Client* Find(int64_t number);
  void Touch(int64_t number);
  void DeregisterAll();
  bool AllOff() const;

  const Counters& counters() const { return counters_; }
  // One line of JSON.
  std::string Report() const;

 private:
  struct Device {
    std::unique_ptr<coap::UdpSocket> socket;
    std::unique_ptr<Client> client;
    absl::Duration due = absl::InfiniteDuration();
    bool registered = false;
  };
  using Due = std::pair<absl::Duration, size_t>;

  Fleet(FleetOptions options, const Clock* clock, int epoll);
  absl::Status AddDevice(std::string name, size_t index);
  void Receive(size_t index);
  void TickDevice(size_t index);

  const FleetOptions options_;
  const Clock* const clock_;
  const int epoll_;
  const std::unique_ptr<coap::Random> random_;
  Counters counters_;
  std::vector<Device> devices_;
  std::priority_queue<Due, std::vector<Due>, std::greater<Due>> due_;  // outdated entries are skipped
  std::vector<std::pair<int, std::function<void()>>> watched_;
  size_t registered_ = 0;
};

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_FLEET_H_
