// The outer shell that every service shares: configuration, logs, the gRPC server with health and reflection, a clean
// end on SIGTERM and SIGINT.
//
//   int main(int argc, char** argv) {
//     return isthmus::service::Main(argc, argv, Schema(), [](isthmus::service::Runtime& runtime) -> absl::Status {
//       auto core = ...; auto rpc = ...;
//       runtime.AddGrpcService(rpc.get());
//       runtime.OnDrain([&] { ... });            // no new work; end streams; returns when work in flight is done
//       return runtime.Serve();                  // until a signal
//     });
//   }
//
// Keys that every service has: grpc.listen, grpc.max_connection_age, grpc.keepalive_time, grpc.keepalive_timeout,
// log.level (debug|info|warning|error), log.format (json|text), shutdown.grace (how long work in flight may take after
// SIGTERM).
#ifndef ISTHMUS_SERVICES_LIB_SERVICE_SERVICE_H_
#define ISTHMUS_SERVICES_LIB_SERVICE_SERVICE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/impl/service_type.h"
#include "services/lib/config/config.h"

namespace isthmus::service {

class Runtime {
 public:
  explicit Runtime(const config::Config& config);
  ~Runtime();

  const config::Config& config() const { return config_; }

  // Before Serve; must live until Serve has returned.
  void AddGrpcService(grpc::Service* service);
  // Called in the order of registration when a signal came, each with the time that is left; it ends streams and waits
  // for work in flight. After the last one the server is shut down.
  void OnDrain(std::function<void(absl::Duration left)> drain);
  // Health of this process as the gRPC health service says it (readiness); true from Serve on until draining.
  void SetServing(bool serving);
  // Binds, logs "serving" with the address, and blocks until SIGTERM, SIGINT or Stop(). UNAVAILABLE if the port is
  // taken.
  absl::Status Serve();
  // As a signal would. Thread-safe, like SetServing.
  void Stop();
  // The same, because of something that this process cannot work on without: Serve returns `reason`.
  void Fail(absl::Status reason);
  // The port of grpc.listen, which may say 0 for any; 0 until Serve has bound it.
  int grpc_port() const;

 private:
  const config::Config& config_;
  struct State;
  std::unique_ptr<State> state_;
};

// Adds the keys that every service has; `listen` is the default of grpc.listen.
void AddCommonKeys(config::Schema& schema, const std::string& listen);

// Makes SIGTERM and SIGINT wait for Serve in this thread and those that it starts from now on; SIGPIPE is ignored. Main
// does it first of all.
void BlockSignals();

// Loads the configuration (and does what --help and the like ask for), configures the logs, runs `body`. Returns the
// exit status: 0 after a clean end, 1 after a failure, 2 for a configuration error.
int Main(int argc, char** argv, const config::Schema& schema, const std::function<absl::Status(Runtime&)>& body);

// How a connection that has died without a word is found out: after `time` without anything from the other side it is
// asked, and after `timeout` without an answer it is given up, calls or none. Boxes on the way forget a connection that
// is idle for a minute or more; what asks each few seconds stays known to them.
struct Keepalive {
  absl::Duration time = absl::Seconds(10);
  absl::Duration timeout = absl::Seconds(10);
};
// What grpc.keepalive_time and grpc.keepalive_timeout say.
Keepalive KeepaliveOf(const config::Config& config);

// A channel to a neighbour: round_robin over its addresses (`dns:///host:port` for all of them), reconnect within
// `max_backoff`. Calls of `retry_service` (full name, for example "isthmus.translation.v1.TranslationService"; "" =
// none) must be safe to repeat: they wait for a connection as long as their deadline lets them, and are repeated after
// UNAVAILABLE, and after CANCELLED by the server. The last channel of a process must not go on one of gRPC's own
// threads, which it waits for: hold it until the callbacks of its calls have returned.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target, const std::string& retry_service = "",
                                           absl::Duration max_backoff = absl::Seconds(2), Keepalive keepalive = {});
// The gRPC service config of such a channel, in JSON.
std::string ServiceConfig(const std::string& retry_service);

}  // namespace isthmus::service

#endif  // ISTHMUS_SERVICES_LIB_SERVICE_SERVICE_H_
