// mqtt_binding: the oneM2M MQTT binding (TS-0010) of the IN-CSE. Requests of applications go to the synchronizer and
// their answers back; notifications of the synchronizer go to their targets.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "services/lib/clock/clock.h"
#include "services/lib/config/config.h"
#include "services/lib/log/log.h"
#include "services/lib/onem2m/cbor/cbor_codec.h"
#include "services/lib/onem2m/codec.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/onem2m/xml/xml_codec.h"
#include "services/lib/service/neighbour_watch.h"
#include "services/lib/service/service.h"
#include "services/lib/session/worker.h"
#include "services/lib/status/status_macros.h"
#include "services/mqtt_binding/adapters/grpc/grpc_cse.h"
#include "services/mqtt_binding/adapters/paho/paho_client.h"
#include "services/mqtt_binding/broker_address.h"
#include "services/mqtt_binding/core/binding.h"
#include "services/mqtt_binding/core/notifier.h"
#include "services/mqtt_binding/core/topic.h"
#include "services/mqtt_binding/server/notification_server.h"

namespace isthmus::mqtt_binding {
namespace {

config::Schema MakeSchema() {
  config::Schema schema("mqtt_binding", "oneM2M MQTT binding (TS-0010) of the IN-CSE.");
  service::AddCommonKeys(schema, "127.0.0.1:7003");
  schema.Text("mqtt.broker", "127.0.0.1:1883", "Host and port of the broker.")
      .TextList("mqtt.aliases", {},
                "Other host:port under which mqtt:// URLs in subscriptions may name the same broker.")
      .Text("mqtt.client_id", "", "MQTT client identifier, unique at the broker. Empty = C:: and the CSE-ID.")
      .Text("mqtt.username", "", "User name for the broker. Empty = none.")
      .Secret("mqtt.password", "", "Password for the broker.")
      .Duration("mqtt.keep_alive", absl::Seconds(10), absl::Seconds(1), absl::Hours(1),
                "A broker from which nothing came for this long is asked; without an answer in as long it is lost.")
      .Text("mqtt.topic_prefix", "", "Path of the pointOfAccess, in front of every topic. Empty = none.")
      .Text("cse.id", "/id-in", "SP-relative CSE-ID.")
      .Text("synchronizer.target", "127.0.0.1:7001", "gRPC target of the synchronizer.")
      .Duration("synchronizer.patience", absl::Seconds(10), absl::ZeroDuration(), absl::Hours(1),
                "How long a request waits for a synchronizer that cannot be reached before it is answered 5103.")
      .Duration("request.timeout", absl::Seconds(60), absl::Seconds(1), absl::Hours(1),
                "How long a request without rqet may take.")
      .Integer("request.limit", 10'000, 1, 1'000'000, "Requests under way at once; more are answered 5103.")
      .Duration("duplicates.window", absl::Minutes(5), absl::Seconds(1), absl::Hours(24),
                "How long an answer is kept for a request that is delivered again.")
      .Integer("payload.limit", 256 << 10, 1 << 10, 64 << 20,
               "Longest request in octets; longer ones are answered 4000.");
  return schema;
}

absl::Status CheckCseId(const std::string& cse_id) {
  if (cse_id.size() < 2 || cse_id[0] != '/' || cse_id.find_first_of("/+#: ", 1) != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("cse.id: expected an SP-relative CSE-ID such as /id-in, got '", cse_id, "'"));
  }
  return absl::OkStatus();
}

absl::Status CheckPrefix(const std::string& prefix) {
  if (prefix.find_first_of("+#") != std::string::npos || absl::EndsWith(prefix, "/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("mqtt.topic_prefix: expected a topic without '+', '#' and a '/' at its end, got '", prefix, "'"));
  }
  return absl::OkStatus();
}

onem2m::CodecRegistry Codecs() {
  std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> codecs;
  codecs.push_back(std::make_unique<onem2m::JsonCodec>());
  codecs.push_back(std::make_unique<onem2m::CborCodec>());
  codecs.push_back(std::make_unique<onem2m::XmlCodec>());
  return onem2m::CodecRegistry(std::move(codecs));
}

absl::Status Run(service::Runtime& runtime) {
  const config::Config& config = runtime.config();
  const std::string& cse_id = config.GetText("cse.id");
  RETURN_IF_ERROR(CheckCseId(cse_id));
  RETURN_IF_ERROR(CheckPrefix(config.GetText("mqtt.topic_prefix")));
  ASSIGN_OR_RETURN(const BrokerAddress broker, ParseBrokerAddress("mqtt.broker", config.GetText("mqtt.broker")));
  std::vector<std::string> broker_names = {absl::StrCat(broker.host, ":", broker.port)};
  for (const std::string& alias : config.GetTextList("mqtt.aliases")) {
    ASSIGN_OR_RETURN(const BrokerAddress address, ParseBrokerAddress("mqtt.aliases", alias));
    broker_names.push_back(absl::StrCat(address.host, ":", address.port));
  }
  const absl::Duration request_timeout = config.GetDuration("request.timeout");

  const SystemClock clock;
  const onem2m::CodecRegistry codecs = Codecs();
  const TopicScheme scheme(cse_id, config.GetText("mqtt.topic_prefix"));

  PahoClient::Options mqtt_options;
  mqtt_options.host = broker.host;
  mqtt_options.port = broker.port;
  mqtt_options.client_id = config.GetText("mqtt.client_id");
  if (mqtt_options.client_id.empty()) mqtt_options.client_id = absl::StrCat("C::", scheme.cse_segment());
  mqtt_options.username = config.GetText("mqtt.username");
  mqtt_options.password = config.GetText("mqtt.password");
  mqtt_options.keep_alive = config.GetDuration("mqtt.keep_alive");
  mqtt_options.filters = scheme.Filters();
  PahoClient mqtt(mqtt_options, &clock);

  GrpcCse::Options cse_options;
  cse_options.patience = config.GetDuration("synchronizer.patience");
  // No retries of the channel: it would repeat writes that may have been performed.
  const std::shared_ptr<grpc::Channel> channel =
      service::MakeChannel(config.GetText("synchronizer.target"), "", absl::Seconds(2), service::KeepaliveOf(config));
  GrpcCse cse(channel, cse_options);
  service::NeighbourWatch watch(&clock);
  watch.Add("synchronizer", config.GetText("synchronizer.target"), [channel] { return service::IsReady(*channel); });

  Notifier notifier(&scheme, &codecs, &mqtt, &clock, broker_names);
  BindingOptions options;
  options.cse_id = cse_id;
  options.request_timeout = request_timeout;
  options.payload_limit = static_cast<size_t>(config.GetInteger("payload.limit"));
  options.in_flight_limit = static_cast<size_t>(config.GetInteger("request.limit"));
  options.duplicates.window = config.GetDuration("duplicates.window");
  if (options.duplicates.window < request_timeout) {
    return absl::InvalidArgumentError("duplicates.window: expected at least request.timeout");
  }
  Binding binding(options, &scheme, &codecs, &clock, &cse, &mqtt, &notifier);
  NotificationServer server(&notifier, request_timeout);
  const session::Ticker ticker([&notifier, &watch] {
    notifier.Tick();
    watch.Tick();
    return absl::Milliseconds(20);
  });

  runtime.AddGrpcService(&server);
  runtime.SetServing(false);  // until the broker is there; the process stays when it is not
  mqtt.Start({[&binding](const IncomingMessage& message) { binding.OnMessage(message); },
              [&runtime](PahoClient::Link link) { runtime.SetServing(link == PahoClient::Link::kOnline); }});
  runtime.OnDrain([&](absl::Duration left) {
    // The subscriptions stay: what comes from now on waits at the broker for our successor.
    const absl::Time end = absl::Now() + left;
    const auto remaining = [end] { return std::max(end - absl::Now(), absl::ZeroDuration()); };
    const absl::Duration reserve = std::min(left / 5, absl::Seconds(1));
    while (notifier.pending() > 0 && remaining() > reserve) absl::SleepFor(absl::Milliseconds(5));
    notifier.Shutdown();
    // Requests that arrive meanwhile are served as ever: the broker takes them for delivered.
    if (!binding.WaitUntilIdle(std::max(remaining() - reserve, absl::ZeroDuration()))) {
      log::Warning("requests cut off", {{"count", binding.in_flight()}});
      cse.Shutdown();  // ends them, and each is answered
    }
    mqtt.Stop(remaining(), [&binding] { return binding.in_flight() == 0; });
  });
  const absl::Status status = runtime.Serve();
  // Nothing may call back into what is about to be destroyed, whichever way Serve ended.
  cse.Shutdown();
  notifier.Shutdown();
  mqtt.Stop(absl::ZeroDuration());
  binding.WaitUntilIdle(absl::Seconds(5));
  const BindingCounters counters = binding.counters();
  log::Info("counted", {{"requests", counters.requests},
                        {"refused", counters.refused},
                        {"duplicates", counters.duplicates},
                        {"retained", counters.retained},
                        {"stray", counters.stray}});
  return status;
}

}  // namespace
}  // namespace isthmus::mqtt_binding

int main(int argc, char** argv) {
  return isthmus::service::Main(argc, argv, isthmus::mqtt_binding::MakeSchema(), isthmus::mqtt_binding::Run);
}
