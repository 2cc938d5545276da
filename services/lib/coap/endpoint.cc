#include "services/lib/coap/endpoint.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/hash/hash.h"
#include "services/lib/coap/block_fetch.h"
#include "services/lib/coap/critical_options.h"
#include "services/lib/coap/exchanges.h"
#include "services/lib/coap/message_layer.h"
#include "services/lib/coap/observations.h"
#include "services/lib/coap/server.h"
#include "services/lib/coap/steps.h"

namespace isthmus::coap {
namespace {

class SystemRandomSource final : public Random {
 public:
  uint64_t Next() override { return generator_(); }

 private:
  // Tokens must be hard to guess for whoever cannot see them (RFC 7252 5.3.1); the state is too large to be guessed,
  // and our outputs go to our peers only.
  static std::mt19937_64 Seeded() {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }
  std::mt19937_64 generator_ = Seeded();
};

// A message that is no CoAP message may still name itself well enough to be rejected (RFC 7252 4.2).
bool IsRejectable(absl::string_view datagram) {
  if (datagram.size() < 4) return false;
  const uint8_t first = static_cast<uint8_t>(datagram[0]);
  return first >> 6 == 1 && static_cast<Type>(first >> 4 & 3) == Type::kConfirmable;
}

}  // namespace

std::unique_ptr<Random> SystemRandom() { return std::make_unique<SystemRandomSource>(); }

class Endpoint::Impl {
 public:
  Impl(const EndpointOptions& options, const Clock* clock, Random* random, Transport* transport)
      : layer(options, clock, random, transport),
        steps(&layer),
        fetches(&layer, &steps),
        observations(&layer, &fetches),
        exchanges(&layer, &steps, &fetches, &observations),
        server(&layer) {}

  void Receive(const Peer& peer, absl::string_view datagram);
  void KeepTidy();

  MessageLayer layer;
  Steps steps;
  BlockFetches fetches;
  Observations observations;
  Exchanges exchanges;
  Server server;

 private:
  void Tidy();
  bool tidying_ = false;
};

void Endpoint::Impl::Receive(const Peer& peer, absl::string_view datagram) {
  Statistics& statistics = layer.statistics();
  ++statistics.received;
  absl::StatusOr<Message> decoded = Decode(datagram);
  if (!decoded.ok()) {
    ++statistics.malformed;
    if (IsRejectable(datagram)) {
      layer.SendReset(peer, static_cast<uint8_t>(datagram[2]) << 8 | static_cast<uint8_t>(datagram[3]));
    }
    return;
  }
  Message& message = *decoded;
  if (message.type == Type::kAcknowledgement) {
    // One that must not be taken is as good as lost.
    if (RefusalOfCriticalOptions(message) == kEmpty) layer.OnAcknowledgement(peer, message);
    return;
  }
  if (message.type == Type::kReset) {
    // Only Empty can be a Reset.
    if (message.code == kEmpty) layer.OnReset(peer, message.message_id);
    return;
  }
  if (message.code == kEmpty) {
    // An empty confirmable message is a ping (RFC 7252 4.3); an empty non-confirmable one is nothing.
    if (message.type == Type::kConfirmable) layer.SendReset(peer, message.message_id);
    return;
  }
  KeepTidy();
  Arrival arrival;
  arrival.peer = layer.PeerOf(peer);
  arrival.type = message.type;
  arrival.message_id = message.message_id;
  arrival.fingerprint = absl::Hash<absl::string_view>()(datagram);
  if (layer.IsDuplicate(arrival)) return;
  if (IsRequest(message.code)) return server.OnRequest(arrival, std::move(message));
  // A response that must not be taken is rejected, and its exchange goes on waiting (RFC 7252 5.4.1).
  if (RefusalOfCriticalOptions(message) != kEmpty) return layer.ReplyEmpty(arrival, Type::kReset);
  const bool wanted = steps.OnResponse(*arrival.peer, message) || observations.OnNotification(arrival.peer, message);
  if (!wanted) return layer.ReplyEmpty(arrival, Type::kReset);
  if (message.type == Type::kConfirmable) layer.ReplyEmpty(arrival, Type::kAcknowledgement);
}

// One timer forgets what is too old, as long as there is anything.
void Endpoint::Impl::KeepTidy() {
  if (tidying_) return;
  tidying_ = true;
  const absl::Duration period =
      std::clamp(layer.options().exchange_lifetime / 8, absl::Milliseconds(10), absl::Seconds(30));
  layer.timers().At(layer.Now() + period, [this] { Tidy(); });
}

void Endpoint::Impl::Tidy() {
  tidying_ = false;
  server.Expire();
  if (layer.Expire()) {
    tidying_ = true;
    layer.timers().At(layer.Now() + absl::Milliseconds(1), [this] { Tidy(); });
    return;
  }
  if (!layer.RemembersNothing() || server.transfers() > 0) KeepTidy();
}

Endpoint::Endpoint(EndpointOptions options, const Clock* clock, Random* random, Transport* transport)
    : impl_(std::make_unique<Impl>(options, clock, random, transport)) {}

Endpoint::~Endpoint() = default;

void Endpoint::SetRequestHandler(std::function<void(IncomingRequest, Responder)> handler) {
  impl_->server.SetHandler(std::move(handler));
}

RequestId Endpoint::Send(const Peer& peer, OutgoingRequest request, ExchangeCallback callback,
                         std::function<void()> on_line_free) {
  impl_->KeepTidy();
  return impl_->exchanges.Send(peer, std::move(request), std::move(callback), std::move(on_line_free));
}

void Endpoint::Cancel(RequestId id) { impl_->exchanges.Cancel(id); }

void Endpoint::SetNotificationHandler(NotificationHandler handler) {
  impl_->observations.SetHandler(std::move(handler));
}

void Endpoint::Expect(const Peer& peer, const std::string& token, std::optional<OutgoingRequest> request) {
  impl_->KeepTidy();
  impl_->observations.Expect(impl_->layer.PeerOf(peer), token, std::move(request));
}

void Endpoint::Forget(const Peer& peer, const std::string& token) {
  if (const PeerRef known = impl_->layer.peers().Find(peer); known != nullptr) {
    impl_->observations.Forget(*known, token);
  }
}

void Endpoint::Notify(const Peer& peer, const std::string& token, OutgoingResponse response, uint32_t observe_sequence,
                      bool confirmable, ExchangeCallback callback) {
  impl_->KeepTidy();
  impl_->server.Notify(impl_->layer.PeerOf(peer), token, std::move(response), observe_sequence, confirmable,
                       std::move(callback));
}

void Endpoint::Receive(const Peer& peer, absl::string_view datagram) { impl_->Receive(peer, datagram); }

absl::Duration Endpoint::Tick() {
  const absl::Duration now = impl_->layer.Now();
  impl_->layer.timers().RunDue(now);
  const absl::Duration next = impl_->layer.timers().Next();
  return next == absl::InfiniteDuration() ? next : std::max(next - now, absl::ZeroDuration());
}

Endpoint::Statistics Endpoint::statistics() const {
  Statistics statistics = impl_->layer.statistics();
  statistics.exchanges = impl_->exchanges.size();
  statistics.observations = impl_->observations.size();
  statistics.remembered = impl_->layer.remembered();
  statistics.transfers = impl_->fetches.size() + impl_->server.transfers();
  return statistics;
}

}  // namespace isthmus::coap
