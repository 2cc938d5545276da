// A LwM2M 1.1 server: what devices say (Register, Update, De-register, Send, Notify) becomes events, and what a session
// asks becomes operations on devices.
//
//   LwM2mServer server(options, {&clock, random.get(), &coap_client, &store}, publish);
//   server.Start(sessions.interests());
//   endpoint.SetRequestHandler([&](auto request, auto respond) { server.OnRequest(std::move(request), respond); });
//   endpoint.SetNotificationHandler([&](const auto& notified) { return server.OnNotification(notified); });
//   ... after each Receive and Tick of the endpoint:
//   const absl::Duration next = server.Tick();
//
// Everything runs on the one thread that owns the endpoint, except registry(), which is thread-safe.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_LWM2M_SERVER_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_LWM2M_SERVER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/session/v1/session.pb.h"
#include "services/connector/core/coap_client.h"
#include "services/connector/core/composites.h"
#include "services/connector/core/device_line.h"
#include "services/connector/core/observer.h"
#include "services/connector/core/operations.h"
#include "services/connector/core/registration_store.h"
#include "services/connector/core/registry.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"

namespace isthmus::connector {

struct LwM2mServerOptions {
  RegistryOptions registry;
  DeviceLineOptions lines;
  ObserverOptions observer;
  CompositeOptions composites;
  // A result is ready this much before the requester's deadline, so that it is still in time when it arrives.
  absl::Duration answer_margin = absl::Milliseconds(50);
};

class LwM2mServer {
 public:
  struct Parts {
    const Clock* clock = nullptr;
    coap::Random* random = nullptr;
    CoapClient* coap = nullptr;
    RegistrationStore* store = nullptr;
  };
  using Publish = std::function<void(session::v1::Event)>;
  using Done = std::function<void(lwm2m::v1::OperationResult)>;

  // All parts must outlive the server. `publish` hears each event in order, on the server's thread.
  LwM2mServer(LwM2mServerOptions options, Parts parts, Publish publish);

  // Takes over what the store kept. Once, before anything else.
  void Start(const std::vector<session::v1::Interest>& interests);

  void OnRequest(coap::IncomingRequest request, const coap::Responder& respond);
  bool OnNotification(const coap::Notified& notified);

  // Performs the operation; calls back exactly once, by the deadline.
  void Perform(const session::v1::Request& request, Done done);
  void ChangeInterests(const session::v1::InterestChange& change);

  // Infinite = nothing is due.
  absl::Duration Tick();

  const Registry& registry() const { return registry_; }
  const Observer& observer() const { return observer_; }
  const DeviceLines& lines() const { return lines_; }

 private:
  void Register(const coap::IncomingRequest& request, const coap::Responder& respond);
  void Update(const std::string& location, const coap::IncomingRequest& request, const coap::Responder& respond);
  void Deregister(const std::string& location, const coap::Responder& respond);
  void TakeSend(const coap::IncomingRequest& request, const coap::Responder& respond);
  void Displace(const std::vector<std::string>& endpoints);
  void Leave(const DevicePtr& device, session::v1::DeregistrationReason reason);
  void ExpireDevices();
  session::v1::Event EventOf(const std::string& endpoint) const;

  const LwM2mServerOptions options_;
  const Parts parts_;
  const Publish publish_;
  Registry registry_;
  DeviceLines lines_;
  Operations operations_;
  Composites composites_;
  Observer observer_;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_LWM2M_SERVER_H_
