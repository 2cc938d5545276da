#include "services/connector/adapters/udp_server.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/connector/core/coap_client.h"

namespace isthmus::connector {
namespace {

// Time-outs of the core are at most this late; everything that a datagram causes happens at once.
constexpr absl::Duration kTick = absl::Milliseconds(20);

}  // namespace

class UdpServer::TickingClient final : public CoapClient {
 public:
  TickingClient(coap::Endpoint* endpoint, std::function<void()> tick_soon)
      : endpoint_(endpoint), tick_soon_(std::move(tick_soon)) {}
  coap::RequestId Send(const coap::Peer& peer, coap::OutgoingRequest request, coap::ExchangeCallback callback,
                       std::function<void()> on_line_free) override {
    return endpoint_->Send(
        peer, std::move(request),
        [this, callback = std::move(callback)](coap::Exchange exchange) {
          callback(std::move(exchange));
          tick_soon_();
        },
        [this, on_line_free = std::move(on_line_free)] {
          on_line_free();
          tick_soon_();
        });
  }
  void Cancel(coap::RequestId id) override { endpoint_->Cancel(id); }
  void Expect(const coap::Peer& peer, const std::string& token, coap::OutgoingRequest request) override {
    endpoint_->Expect(peer, token, std::move(request));
  }
  void Forget(const coap::Peer& peer, const std::string& token) override { endpoint_->Forget(peer, token); }

 private:
  coap::Endpoint* const endpoint_;
  const std::function<void()> tick_soon_;
};

absl::StatusOr<std::unique_ptr<UdpServer>> UdpServer::Open(coap::UdpLoopOptions options,
                                                           LwM2mServerOptions server_options, const Clock* clock,
                                                           RegistrationStore* store, LwM2mServer::Publish publish) {
  auto loop = coap::UdpLoop::Open(std::move(options), clock);
  if (!loop.ok()) return absl::UnavailableError(absl::StrCat("coap.listen: ", loop.status().message()));
  return std::unique_ptr<UdpServer>(new UdpServer(*std::move(loop), server_options, clock, store, std::move(publish)));
}

UdpServer::UdpServer(std::unique_ptr<coap::UdpLoop> loop, LwM2mServerOptions options, const Clock* clock,
                     RegistrationStore* store, LwM2mServer::Publish publish)
    : loop_(std::move(loop)),
      random_(coap::SystemRandom()),
      client_(std::make_unique<TickingClient>(&loop_->endpoint(), [this] { TickSoon(); })),
      core_(options, LwM2mServer::Parts{clock, random_.get(), client_.get(), store}, std::move(publish)) {
  loop_->endpoint().SetRequestHandler([this](coap::IncomingRequest request, const coap::Responder& respond) {
    core_.OnRequest(std::move(request), respond);
    TickSoon();
  });
  loop_->endpoint().SetNotificationHandler([this](const coap::Notified& notified) {
    const bool wanted = core_.OnNotification(notified);
    TickSoon();
    return wanted;
  });
}

UdpServer::~UdpServer() { Stop(); }

void UdpServer::TickSoon() {
  if (tick_posted_) return;
  tick_posted_ = true;
  loop_->Post([this] {
    tick_posted_ = false;
    core_.Tick();
  });
}

void UdpServer::Start(const std::vector<session::v1::Interest>& interests) {
  core_.Start(interests);  // the loop's thread does not run yet
  loop_->Start();
  ticker_ = std::make_unique<session::Ticker>([this] {
    loop_->Post([this] { TickSoon(); });
    return kTick;
  });
}

void UdpServer::Perform(const session::v1::Request& request, LwM2mServer::Done done) {
  bool draining = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    draining = draining_;
    if (!draining) ++under_way_;
  }
  if (draining) {
    lwm2m::v1::OperationResult result;
    result.set_outcome(lwm2m::v1::OUTCOME_EXPIRED_UNSENT);
    result.set_diagnostic("the LwM2M Server is ending");
    done(std::move(result));
    return;
  }
  loop_->Post([this, request, done = std::move(done)] {
    core_.Perform(request, [this, done](lwm2m::v1::OperationResult result) {
      done(std::move(result));
      std::lock_guard<std::mutex> lock(mutex_);
      if (--under_way_ == 0) idle_.notify_all();
    });
    TickSoon();
  });
}

void UdpServer::ChangeInterests(session::v1::InterestChange change) {
  loop_->Post([this, change = std::move(change)] {
    core_.ChangeInterests(change);
    TickSoon();
  });
}

void UdpServer::Drain(absl::Duration left, const std::function<bool()>& somebody_waits) {
  const auto until =
      std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(std::max(left, absl::ZeroDuration()));
  std::unique_lock<std::mutex> lock(mutex_);
  draining_ = true;
  const auto idle = [this] { return under_way_ == 0; };
  while (!idle() && std::chrono::steady_clock::now() < until) {
    lock.unlock();
    const bool awaited = somebody_waits();
    lock.lock();
    if (!awaited) return;
    // Nobody tells us that an asker has gone.
    idle_.wait_until(lock, std::min(until, std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(kTick)), idle);
  }
}

void UdpServer::Stop() {
  ticker_.reset();
  loop_->Stop();
}

}  // namespace isthmus::connector
