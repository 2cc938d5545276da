// A CoAP endpoint over datagrams: client and server at once, as LwM2M needs it on both sides.
//
// It does what RFC 7252 (reliability, duplicates, separate responses), RFC 7641 (observation) and RFC 7959 (blocks)
// say; it does not know LwM2M. It is a state machine without threads, sockets and clock of its own:
//
//   coap::Endpoint endpoint(options, &clock, &random, &transport);   // transport.Send(peer, datagram)
//   endpoint.SetRequestHandler([](coap::IncomingRequest request, coap::Responder respond) { respond({.code = 205}); });
//   endpoint.Receive(peer, datagram);                                // for each datagram that came
//   const absl::Duration next = endpoint.Tick();                     // time-outs; call again after `next` at the
//   latest
//
// Not thread-safe: one thread owns an endpoint, and every callback runs on that thread, inside Receive, Tick or the
// call that caused it. A callback may call back into the endpoint.
#ifndef ISTHMUS_SERVICES_LIB_COAP_ENDPOINT_H_
#define ISTHMUS_SERVICES_LIB_COAP_ENDPOINT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/message.h"

namespace isthmus::coap {

// Where a datagram comes from or goes to. Text `host:port`, for example "127.0.0.1:5683" or "[::1]:5683".
using Peer = std::string;

class Transport {
 public:
  virtual ~Transport() = default;
  // May lose it, like UDP.
  virtual void Send(const Peer& peer, const std::string& datagram) = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
};
// Seeded from the system.
std::unique_ptr<Random> SystemRandom();

struct EndpointOptions {
  absl::Duration ack_timeout = absl::Seconds(2);
  double ack_random_factor = 1.5;
  int max_retransmit = 4;
  // How long duplicates of a request are recognised and answered from memory (EXCHANGE_LIFETIME).
  absl::Duration exchange_lifetime = absl::Seconds(247);
  // Wait for a separate response after an empty acknowledgement, when the request names no shorter time-out.
  absl::Duration response_timeout = absl::Seconds(93);
  size_t block_size = 1024;                  // what is offered; a peer may ask for less
  size_t max_body_size = 1024 * 1024;        // a longer body is refused with 4.13 (Block1) or fails (Block2)
  size_t max_remembered_exchanges = 200000;  // memory bound of duplicate detection; oldest go first
};

// A whole request: its blocks have been put together.
struct IncomingRequest {
  Peer peer;
  Message message;  // payload is the whole body; no Block1 in it
};

struct OutgoingResponse {
  Code code = kContent;
  std::vector<Option> options;  // Location-Path, Content-Format ...; blocks are the endpoint's work
  std::string payload;
};
// Call it exactly once, now or later. When it is called after the handler has returned, the endpoint has acknowledged
// the request and sends the response separately.
using Responder = std::function<void(OutgoingResponse)>;

struct OutgoingRequest {
  Code method = kGet;
  std::vector<std::string> path;
  std::vector<std::string> query;
  std::optional<uint32_t> accept;
  std::optional<uint32_t> content_format;
  std::optional<uint32_t> observe;  // 0 to observe, 1 to cancel
  std::string payload;              // sent in blocks when larger than one
  bool confirmable = true;
  // Nothing is sent after this; the callback hears kTimeout. From the call on.
  absl::Duration timeout = absl::Seconds(93);
  // Token to use again (cancelling an observation); empty = a new one.
  std::string token;
};

struct Exchange {
  enum class Outcome {
    kAnswered,
    kTimeout,         // no answer in time, or retransmissions exhausted
    kReset,           // the peer rejected the message
    kCancelled,       // by Cancel()
    kTransferFailed,  // a block-wise body could not be put together; `message.payload` is empty
  };
  Outcome outcome = Outcome::kTimeout;
  Message message;         // the response with its whole body; valid with kAnswered
  std::string token;       // of the request; names the observation, if it became one
  absl::Duration elapsed;  // from the first transmission
  // The peer has the request: it answered, or it acknowledged it (the last block of it) and was silent since.
  bool acknowledged = false;
};
using ExchangeCallback = std::function<void(Exchange)>;
using RequestId = uint64_t;

// A notification of an observation that is known, whole (its blocks have been fetched with another token). An error
// (4.xx, 5.xx) ends the observation. kIncomplete (4.08) without a payload comes from the endpoint itself: a value did
// change, but its blocks could not be fetched, also not after a while; read it later.
struct Notified {
  Peer peer;
  std::string token;
  Message message;
};
// False = not wanted: a confirmable notification is answered with Reset, a non-confirmable one too.
using NotificationHandler = std::function<bool(const Notified&)>;

class Endpoint {
 public:
  // `clock`, `random` and `transport` must outlive the endpoint.
  Endpoint(EndpointOptions options, const Clock* clock, Random* random, Transport* transport);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  void SetRequestHandler(std::function<void(IncomingRequest, Responder)> handler);

  // Sends a request and calls back exactly once. Several may be under way to one peer: whoever wants one at a time
  // (NSTART 1) waits for `on_line_free`, which is called once when the request no longer occupies the line: at its
  // response, its empty acknowledgement, or its failure (RFC 7252 4.7).
  RequestId Send(const Peer& peer, OutgoingRequest request, ExchangeCallback callback,
                 std::function<void()> on_line_free = nullptr);
  // The callback hears kCancelled; a late response is acknowledged (or reset) and dropped.
  void Cancel(RequestId id);

  // Observation: a Send with observe=0 whose response carries Observe makes the endpoint expect notifications with that
  // token from that peer, until Forget. Older notifications than the newest are dropped (RFC 7641 3.4).
  void SetNotificationHandler(NotificationHandler handler);
  // An observation that was made before a restart. `request` is what made it: without it a notification that is larger
  // than a block is reset, because nobody could ask for the rest.
  void Expect(const Peer& peer, const std::string& token, std::optional<OutgoingRequest> request = std::nullopt);
  void Forget(const Peer& peer, const std::string& token);
  // Server side of an observation: sends a notification with the token of the observing request. `callback` hears how
  // it went (kAnswered = acknowledged, at once for non-confirmable; kReset = the observer does not want it any more;
  // kTimeout = nobody is there any more). A non-confirmable one that is reset later on is called again, with kReset.
  void Notify(const Peer& peer, const std::string& token, OutgoingResponse response, uint32_t observe_sequence,
              bool confirmable, ExchangeCallback callback);

  // A datagram came. What is no CoAP message is dropped (or reset, where RFC 7252 says so).
  void Receive(const Peer& peer, absl::string_view datagram);

  // Does what is due. Returns how long until something is due again (absl::InfiniteDuration() = nothing is).
  absl::Duration Tick();

  // Counters, for tests and metrics.
  struct Statistics {
    uint64_t received = 0, sent = 0, retransmitted = 0, duplicates = 0, malformed = 0, resets_sent = 0;
    size_t exchanges = 0, observations = 0, remembered = 0, transfers = 0;
  };
  Statistics statistics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_ENDPOINT_H_
