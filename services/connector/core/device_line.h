// One line per device: requests to it go out one at a time, in order, when it can hear them.
//
//   DeviceLines lines(DeviceLineOptions(), &clock, &coap);
//   lines.OnRegistered(device);                       // after the 2.01 of its Register has gone out
//   lines.Add("urn:x", {.build = ..., .deadline = clock.Monotonic() + absl::Seconds(5), .done = ...});
//   const absl::Duration next = lines.Tick();         // what is due; again after `next`, and after each Receive and
//                                                     // Tick of the endpoint
//
// Rules:
// - The line is free again as soon as the device has acknowledged the request (RFC 7252 4.7), not only when it has
//   answered: a device that acknowledges and then is silent holds up nobody.
// - The first request waits for the 2.01 of the registration and a moment more. A device that resets it all the same
//   did not know yet that it is registered: the request goes out again later, a bounded number of times.
// - A device in queue mode hears us for `awake_window` after it was last heard; else its requests wait.
// - A request whose time runs out before it is sent ends as expired, without a packet.
// - When the device's address changes, what is under way to the old one is given up; what may be repeated is. So is
// what
//   was sent before the device registered anew: a device that restarted has forgotten what it was asked.
// - A device whose address now belongs to another device is not asked anything until it says where it is.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_DEVICE_LINE_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_DEVICE_LINE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/time/time.h"
#include "services/connector/core/coap_client.h"
#include "services/connector/core/device.h"
#include "services/lib/clock/clock.h"

namespace isthmus::connector {

struct DeviceLineOptions {
  // Between the 2.01 of a Register and the first request.
  absl::Duration settle = absl::Milliseconds(50);
  // A Reset counts as "does not know yet that it is registered" only this long after the registration, only until the
  // device has answered anything, and only so many times.
  absl::Duration early_window = absl::Seconds(30);
  int early_resets = 6;
  absl::Duration early_delay = absl::Milliseconds(250);  // doubled each time
  // How long a device in queue mode listens after it was last heard (MAX_TRANSMIT_WAIT).
  absl::Duration awake_window = absl::Seconds(93);
  // Longest wait for one answer.
  absl::Duration response_timeout = absl::Seconds(93);
  // More waiting requests than this per device are refused.
  size_t longest_queue = 1000;
  // How often a request that may be repeated is sent in all.
  int attempts = 4;
};

class DeviceLines {
 public:
  struct Result {
    enum class Kind {
      kExchange,       // it was sent; `exchange` says how that ended
      kExpiredUnsent,  // the deadline came first
      kNotRegistered,  // no such device, or it left while the request waited
      kQueueFull,
    };
    Kind kind = Kind::kNotRegistered;
    coap::Exchange exchange;
    coap::Peer peer;   // where it was sent
    std::string note;  // for people; may be empty
  };

  struct Job {
    // Makes the request at the moment of sending: address, root path and formats are those of that moment.
    std::function<coap::OutgoingRequest(const Device&)> build;
    absl::Duration deadline = absl::InfiniteDuration();  // monotonic
    bool repeatable = false;                             // sending it twice does no harm (reads, observations)
    bool background = false;                             // not asked for by anybody who waits: goes behind all that is
    bool front = false;                                  // continues what was just answered: goes before all that waits
    // An answer is waited for no longer than this. Silence for so long says nothing about the device being awake.
    absl::Duration patience = absl::InfiniteDuration();
    std::function<void(Result)> done;
    int sent = 0;  // how often it has gone out
  };

  // `clock` and `coap` must outlive the lines.
  DeviceLines(DeviceLineOptions options, const Clock* clock, CoapClient* coap);
  ~DeviceLines();

  // `done` is called exactly once, maybe before Add returns. It may call back into the lines.
  void Add(const std::string& endpoint, Job job);

  // The device registered (again).
  void OnRegistered(const DevicePtr& device);
  // It was registered before we restarted; it may be asleep.
  void OnRestored(const DevicePtr& device);
  // It updated its registration.
  void OnUpdated(const DevicePtr& device);
  // Its address belongs to another device now.
  void OnDisplaced(const std::string& endpoint);
  // Something else came from it: it is awake.
  void OnHeard(const std::string& endpoint);
  // It is no longer registered.
  void OnGone(const std::string& endpoint);

  // Infinite = nothing is due.
  absl::Duration Tick();

  struct Statistics {
    size_t devices = 0, waiting = 0, under_way = 0;
  };
  Statistics statistics() const;

 private:
  struct UnderWay {
    Job job;
    coap::RequestId id = 0;
    coap::Peer peer;
  };
  struct Line {
    DevicePtr device;  // null = not registered
    std::deque<Job> urgent, background;
    uint64_t occupant = 0;  // serial of the request that occupies the line; 0 = free
    std::map<uint64_t, UnderWay> under_way;
    absl::Duration registered_at;
    absl::Duration not_before = -absl::InfiniteDuration();
    absl::Duration awake_until = absl::InfiniteDuration();
    bool displaced = false;
    bool answered = false;  // anything since it registered
    int early_resets = 0;
    absl::Duration due = absl::InfiniteDuration();  // as in due_
  };

  void SetDevice(Line& line, const DevicePtr& device);
  void Push(Line& line, Job job);
  // Gives up what is under way to another address than `address`; with `anew` also what may be repeated to the same.
  void Abandon(const std::string& endpoint, const coap::Peer& address, bool anew);
  void Start(const std::string& endpoint);
  void ExpireQueued(const std::string& endpoint);
  void SendNow(const std::string& endpoint, Job job);
  void OnExchange(const std::string& endpoint, uint64_t serial, coap::Exchange exchange);
  void OnLineFree(const std::string& endpoint, uint64_t serial);
  absl::Duration DueOf(const Line& line) const;
  void Reindex(const std::string& endpoint);
  Line* Find(const std::string& endpoint);

  const DeviceLineOptions options_;
  const Clock* const clock_;
  CoapClient* const coap_;
  std::unordered_map<std::string, Line> lines_;
  std::set<std::pair<absl::Duration, std::string>> due_;
  uint64_t next_serial_ = 1;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_DEVICE_LINE_H_
