#include "services/connector/connector.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/connector/core/device.h"
#include "services/lib/service/service.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::connector {
namespace {

// What is under way at the end of the process gets this share of the time that is left; the sessions need some, too.
constexpr int kShareForRequests = 2;

}  // namespace

absl::StatusOr<std::unique_ptr<Connector>> Connector::Open(ConnectorOptions options, const Clock* clock) {
  std::unique_ptr<Connector> connector(new Connector(std::move(options), clock));
  RETURN_IF_ERROR(connector->Initialize());
  return connector;
}

Connector::Connector(ConnectorOptions options, const Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      random_(coap::SystemRandom()),
      session_server_(
          [this](std::shared_ptr<session::FrameStream> stream) {
            sessions_->Attach(std::move(stream), /*opened_by_us=*/false);
          },
          [this] { return sessions_->Describe(); }) {}

absl::Status Connector::Initialize() {
  if (options_.store_path.empty()) {
    memory_registrations_ = std::make_unique<InMemoryRegistrationStore>();
    memory_outbox_ =
        session::MakeMemoryOutbox(absl::StrCat(absl::Hex(random_->Next(), absl::kZeroPad16)), options_.store_capacity);
    registrations_ = memory_registrations_.get();
    outbox_ = memory_outbox_.get();
  } else {
    ASSIGN_OR_RETURN(sqlite_, SqliteStore::Open(options_.store_path, options_.store_capacity, random_.get()));
    registrations_ = sqlite_.get();
    outbox_ = sqlite_.get();
  }
  ASSIGN_OR_RETURN(server_,
                   UdpServer::Open(options_.coap, options_.server, clock_, registrations_,
                                   [this](session::v1::Event event) { sessions_->Publish(std::move(event)); }));
  sessions_ = std::make_unique<session::ServerEnd>(options_.name, outbox_, clock_, MakeCallbacks());
  views_ = std::make_unique<ConnectorService>(&server_->registry(), registrations_);
  return absl::OkStatus();
}

session::ServerEnd::Callbacks Connector::MakeCallbacks() {
  session::ServerEnd::Callbacks callbacks;
  callbacks.on_request = [this](const session::v1::Request& request,
                                std::function<void(lwm2m::v1::OperationResult)> done) {
    server_->Perform(request, std::move(done));
  };
  callbacks.on_interest_change = [this](const session::v1::InterestChange& change) {
    server_->ChangeInterests(change);
  };
  callbacks.list_registrations = [this] {
    std::vector<lwm2m::v1::Registration> registrations;
    const Registry& registry = server_->registry();
    for (const DevicePtr& device : registry.List("", registry.size())) registrations.push_back(device->registration);
    return registrations;
  };
  callbacks.executor = worker_.executor();
  return callbacks;
}

void Connector::Start() {
  server_->Start(sessions_->interests());
  ticker_ = std::make_unique<session::Ticker>([this] {
    sessions_->Tick();
    return absl::Seconds(1);
  });
  for (const std::string& target : options_.session_open) {
    const auto channel = service::MakeChannel(target, "", absl::Seconds(1), options_.keepalive);
    openers_.push_back(std::make_unique<session::SessionOpener>(
        target, [channel] { return session::OpenStream(channel); },
        [this](std::shared_ptr<session::FrameStream> stream) {
          sessions_->Attach(std::move(stream), /*opened_by_us=*/true);
        }));
  }
}

void Connector::Drain(absl::Duration left) {
  const absl::Duration until = clock_->Monotonic() + left;
  server_->Drain(left / kShareForRequests, [this] { return sessions_->requests_awaited() > 0; });
  sessions_->Shutdown("the LwM2M Server is ending");
  openers_.clear();
  session_server_.EndAll(std::max(until - clock_->Monotonic(), absl::ZeroDuration()));
}

Connector::~Connector() {
  openers_.clear();
  if (sessions_ != nullptr) sessions_->Shutdown("the LwM2M Server is ending");
  session_server_.EndAll(absl::ZeroDuration());
  ticker_.reset();
  if (server_ != nullptr) server_->Stop();
  sessions_.reset();
}

}  // namespace isthmus::connector
