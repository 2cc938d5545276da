// The connector as one object: LwM2M server, its sessions and its views, wired. main.cc gives it a configuration and a
// process; tests give it free ports.
//
//   ASSIGN_OR_RETURN(auto connector, Connector::Open(options, &clock));
//   connector->Start();
//   for (grpc::Service* service : connector->services()) builder.RegisterService(service);
//   connector->Drain(absl::Seconds(5));          // no new work; sessions end
#ifndef ISTHMUS_SERVICES_CONNECTOR_CONNECTOR_H_
#define ISTHMUS_SERVICES_CONNECTOR_CONNECTOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/impl/service_type.h"
#include "services/connector/adapters/sqlite_store.h"
#include "services/connector/adapters/udp_server.h"
#include "services/connector/core/lwm2m_server.h"
#include "services/connector/core/registration_store.h"
#include "services/connector/server/connector_service.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/udp/udp_transport.h"
#include "services/lib/service/service.h"
#include "services/lib/session/grpc_stream.h"
#include "services/lib/session/session.h"
#include "services/lib/session/session_opener.h"
#include "services/lib/session/worker.h"

namespace isthmus::connector {

struct ConnectorOptions {
  std::string name = "connector";         // LwM2M Server name that IN-CSEs know it by
  std::string store_path;                 // "" = memory: a restart forgets everything
  size_t store_capacity = 100000;         // unacknowledged events per IN-CSE
  std::vector<std::string> session_open;  // IN-CSEs that we open a session with; the others open one with us
  service::Keepalive keepalive;           // of the connections to these
  coap::UdpLoopOptions coap;
  LwM2mServerOptions server;
};

// Thread-safe.
class Connector {
 public:
  // Opens store and port. `clock` must outlive the connector. Errors as of SqliteStore::Open and UdpServer::Open.
  static absl::StatusOr<std::unique_ptr<Connector>> Open(ConnectorOptions options, const Clock* clock);
  ~Connector();

  // Begins to serve devices and to open sessions.
  void Start();
  // To be registered with a gRPC server that ends before the connector does.
  std::vector<grpc::Service*> services() { return {&session_server_, views_.get()}; }
  // Ends what is under way and every session, within `left`.
  void Drain(absl::Duration left);

  uint16_t coap_port() const { return server_->port(); }

 private:
  Connector(ConnectorOptions options, const Clock* clock);
  absl::Status Initialize();
  session::ServerEnd::Callbacks MakeCallbacks();

  const ConnectorOptions options_;
  const Clock* const clock_;
  const std::unique_ptr<coap::Random> random_;
  // The store is either one that keeps both, or two in memory.
  std::unique_ptr<SqliteStore> sqlite_;
  std::unique_ptr<InMemoryRegistrationStore> memory_registrations_;
  std::unique_ptr<session::Outbox> memory_outbox_;
  RegistrationStore* registrations_ = nullptr;
  session::Outbox* outbox_ = nullptr;

  session::Worker worker_;
  std::unique_ptr<session::ServerEnd> sessions_;
  std::unique_ptr<UdpServer> server_;
  std::unique_ptr<session::Ticker> ticker_;
  std::vector<std::unique_ptr<session::SessionOpener>> openers_;
  session::SessionServer session_server_;
  std::unique_ptr<ConnectorService> views_;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CONNECTOR_H_
