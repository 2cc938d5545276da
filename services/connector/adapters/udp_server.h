// The LwM2M server on a UDP port: the core on the thread of a coap::UdpLoop, reachable from any thread.
//
//   ASSIGN_OR_RETURN(auto server, UdpServer::Open(loop_options, server_options, &clock, &store, publish));
//   server->Start(sessions.interests());
//   server->Perform(request, done);              // from any thread
//   server->Stop();
#ifndef ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_UDP_SERVER_H_
#define ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_UDP_SERVER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/session/v1/session.pb.h"
#include "services/connector/core/lwm2m_server.h"
#include "services/connector/core/registration_store.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/udp/udp_transport.h"
#include "services/lib/session/worker.h"

namespace isthmus::connector {

// Thread-safe.
class UdpServer {
 public:
  // Binds. `clock` and `store` must outlive the server. `publish` is called on the loop's thread.
  //   UNAVAILABLE  the port cannot be had.
  static absl::StatusOr<std::unique_ptr<UdpServer>> Open(coap::UdpLoopOptions loop, LwM2mServerOptions options,
                                                         const Clock* clock, RegistrationStore* store,
                                                         LwM2mServer::Publish publish);
  ~UdpServer();
  UdpServer(const UdpServer&) = delete;
  UdpServer& operator=(const UdpServer&) = delete;

  // Takes over what the store kept, and begins to receive.
  void Start(const std::vector<session::v1::Interest>& interests);
  // Calls back exactly once, by the deadline, on the loop's thread (or at once, after Drain).
  void Perform(const session::v1::Request& request, LwM2mServer::Done done);
  void ChangeInterests(session::v1::InterestChange change);

  // Performs nothing new; returns when what is under way has ended, or nobody waits for it any more, after `left` at
  // the latest. Devices are still served. `somebody_waits` is asked every now and then, on the caller's thread.
  void Drain(absl::Duration left, const std::function<bool()>& somebody_waits);
  void Stop();

  const Registry& registry() const { return core_.registry(); }
  uint16_t port() const { return loop_->local_port(); }

 private:
  // Whatever comes back from the endpoint may make something due.
  class TickingClient;

  UdpServer(std::unique_ptr<coap::UdpLoop> loop, LwM2mServerOptions options, const Clock* clock,
            RegistrationStore* store, LwM2mServer::Publish publish);
  void TickSoon();

  const std::unique_ptr<coap::UdpLoop> loop_;
  const std::unique_ptr<coap::Random> random_;
  const std::unique_ptr<TickingClient> client_;
  LwM2mServer core_;          // on the loop's thread
  bool tick_posted_ = false;  // on the loop's thread
  std::unique_ptr<session::Ticker> ticker_;

  std::mutex mutex_;
  std::condition_variable idle_;
  size_t under_way_ = 0;  // guarded by mutex_, as is the following
  bool draining_ = false;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_UDP_SERVER_H_
