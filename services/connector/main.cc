// The connector: a LwM2M 1.1 server on CoAP over UDP, and the LwM2M Server's end of the sessions with the IN-CSE.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/connector/connector.h"
#include "services/lib/clock/clock.h"
#include "services/lib/config/config.h"
#include "services/lib/log/log.h"
#include "services/lib/service/service.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::connector {
namespace {

config::Schema MakeSchema() {
  config::Schema schema("connector", "LwM2M server for devices, and its end of the sessions with the IN-CSE.");
  service::AddCommonKeys(schema, "127.0.0.1:7004");
  schema.Text("name", "connector", "Name of this LwM2M Server, by which the IN-CSE knows it.")
      .Text("coap.listen", "0.0.0.0:5683", "Address and UDP port for devices; port 0 is any free one.")
      .Duration("coap.ack_timeout", absl::Seconds(2), absl::Milliseconds(100), absl::Minutes(1),
                "Wait for an acknowledgement before the first retransmission (ACK_TIMEOUT).")
      .Integer("coap.max_retransmit", 4, 0, 10, "Retransmissions before a device counts as silent (MAX_RETRANSMIT).")
      .Duration("coap.composite_wait", absl::Seconds(5), absl::Milliseconds(100), absl::Minutes(1),
                "Wait for the answer to a Read-Composite of a device that may have none, before single reads.")
      .Text("store.path", "", "SQLite file for registrations, observations and events; empty = memory only.")
      .Integer("store.capacity", 100000, 1, 100000000,
               "Unacknowledged events kept for each IN-CSE; beyond, the oldest go and it gets a snapshot.")
      .TextList("session.open", {}, "IN-CSEs (host:port) to open a session with; all others open one with us.")
      .Duration("registration.grace", absl::Seconds(5), absl::ZeroDuration(), absl::Hours(1),
                "How much later than its lifetime a registration ends.")
      .Integer("registration.most_devices", 200000, 1, 100000000,
               "Registrations at a time; a new device beyond is refused with 5.03.")
      .Integer("registration.most_links", 5000000, 1, 1000000000,
               "Objects and instances of all registrations together; more are refused with 5.03.")
      .Duration("registration.settle", absl::Milliseconds(50), absl::ZeroDuration(), absl::Minutes(1),
                "Between the answer to a Register and the first request to the device.")
      .Duration("registration.longest_lifetime", absl::Seconds(kLongestLifetimeSeconds), absl::Seconds(1),
                absl::Seconds(kLongestLifetimeSeconds), "A longer lifetime counts as this one.")
      .Duration("registration.awake", absl::Seconds(93), absl::Seconds(1), absl::Hours(1),
                "How long a device in queue mode listens after it was last heard (MAX_TRANSMIT_WAIT).");
  return schema;
}

// "host:port", "[::1]:port".
absl::Status ParseListen(const std::string& text, coap::UdpLoopOptions& options) {
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("coap.listen: expected host:port, for example 0.0.0.0:5683, not '", text, "'"));
  }
  options.host = text.substr(0, colon);
  if (options.host.size() >= 2 && options.host.front() == '[' && options.host.back() == ']') {
    options.host = options.host.substr(1, options.host.size() - 2);
  }
  options.port = static_cast<uint16_t>(port);
  return absl::OkStatus();
}

absl::Status Run(service::Runtime& runtime) {
  const config::Config& config = runtime.config();
  ConnectorOptions options;
  options.name = config.GetText("name");
  options.store_path = config.GetText("store.path");
  options.store_capacity = static_cast<size_t>(config.GetInteger("store.capacity"));
  options.session_open = config.GetTextList("session.open");
  options.keepalive = service::KeepaliveOf(config);
  RETURN_IF_ERROR(ParseListen(config.GetText("coap.listen"), options.coap));
  options.coap.endpoint.ack_timeout = config.GetDuration("coap.ack_timeout");
  options.coap.endpoint.max_retransmit = static_cast<int>(config.GetInteger("coap.max_retransmit"));
  options.server.composites.patience = config.GetDuration("coap.composite_wait");
  options.server.registry.grace = config.GetDuration("registration.grace");
  options.server.registry.longest_lifetime_seconds =
      static_cast<uint64_t>(absl::ToInt64Seconds(config.GetDuration("registration.longest_lifetime")));
  options.server.registry.most_devices = static_cast<size_t>(config.GetInteger("registration.most_devices"));
  options.server.registry.most_links = static_cast<size_t>(config.GetInteger("registration.most_links"));
  options.server.lines.settle = config.GetDuration("registration.settle");
  options.server.lines.awake_window = config.GetDuration("registration.awake");

  const SystemClock clock;
  ASSIGN_OR_RETURN(const std::unique_ptr<Connector> connector, Connector::Open(options, &clock));
  for (grpc::Service* service : connector->services()) runtime.AddGrpcService(service);
  runtime.OnDrain([&connector](absl::Duration left) { connector->Drain(left); });
  connector->Start();
  log::Info("devices welcome", {{"coap", absl::StrCat(options.coap.host, ":", connector->coap_port())},
                                {"name", options.name},
                                {"store", options.store_path.empty() ? "memory" : options.store_path}});
  return runtime.Serve();
}

}  // namespace
}  // namespace isthmus::connector

int main(int argc, char** argv) {
  return isthmus::service::Main(argc, argv, isthmus::connector::MakeSchema(), isthmus::connector::Run);
}
