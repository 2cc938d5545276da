// The synchronizer service: wires the IN-CSE's resources, the device side, the session with the connector and the gRPC
// shell.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "services/lib/clock/clock.h"
#include "services/lib/config/config.h"
#include "services/lib/log/log.h"
#include "services/lib/service/neighbour_watch.h"
#include "services/lib/service/service.h"
#include "services/lib/session/grpc_stream.h"
#include "services/lib/session/session_opener.h"
#include "services/lib/session/worker.h"
#include "services/lib/status/status_macros.h"
#include "services/synchronizer/adapters/grpc/binding_client.h"
#include "services/synchronizer/adapters/grpc/translation_client.h"
#include "services/synchronizer/adapters/sqlite/sqlite_resource_store.h"
#include "services/synchronizer/core/cse.h"
#include "services/synchronizer/core/device/applied_stream.h"
#include "services/synchronizer/core/device/device_side.h"
#include "services/synchronizer/core/device/in_cse_session.h"
#include "services/synchronizer/core/device/notification_delivery.h"
#include "services/synchronizer/core/id_source.h"
#include "services/synchronizer/core/resource/in_memory_resource_store.h"
#include "services/synchronizer/server/cse_service.h"

namespace isthmus::synchronizer {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(20);
constexpr absl::Duration kSweep = absl::Seconds(10);

config::Schema MakeSchema() {
  config::Schema schema("synchronizer",
                        "Management resources of the IN-CSE, in step with the devices (TS-0005 6.5.3).");
  service::AddCommonKeys(schema, "127.0.0.1:7001");
  const DeviceSideOptions device;
  const NotificationDeliveryOptions notification;
  const CseOptions cse;
  schema.Text("cse.id", cse.cse_id, "CSE-ID, with its leading slash.")
      .Text("cse.name", cse.cse_name, "Resource name of the CSEBase.")
      .Text("cse.sp_id", cse.sp_id, "M2M-SP-ID, with its two leading slashes.")
      .Text("cse.admin", cse.admin_originator, "Originator that may do everything.")
      .TextList("cse.device_originators", cse.device_originators,
                "Originators that may use the resources of devices; put into cse-in/devicesAcp at the first start.")
      .Text("store.path", "", "SQLite file of the resources; empty = in memory, lost with the process.")
      .Text("translation.target", "127.0.0.1:7002", "Where translation is.")
      .Duration("translation.timeout", device.translation_timeout, absl::Milliseconds(100), absl::Minutes(1),
                "How long a translation may take.")
      .Text("binding.target", "127.0.0.1:7003", "Where mqtt_binding is.")
      .Text("connector.target", "127.0.0.1:7004",
            "Where to open the session with the LwM2M Server; empty = it opens the session.")
      .Duration("device.timeout", device.device_timeout, absl::Milliseconds(100), absl::Hours(24),
                "How long a device may take for an answer, unless the request expires before.")
      .Duration("device.max_age", device.max_age, absl::ZeroDuration(), absl::Hours(24),
                "A RETRIEVE is answered from what is kept when the device told it within this time; 0 = always read.")
      .Duration("device.unfinished_max_age", device.unfinished_max_age, absl::Seconds(1), absl::Hours(24 * 365),
                "How long a request may wait for a condition on its device, for example a download.")
      .Integer("device.parallel_reads", static_cast<int64_t>(device.parallel_reads), 1, 10000,
               "How many devices that have registered are read at once.")
      .Duration("session.timeout", device.session_timeout, absl::ZeroDuration(), absl::Minutes(10),
                "How long a request waits for a session before it is answered 6020 or 6021.")
      .Duration("notification.timeout", notification.timeout, absl::Milliseconds(100), absl::Minutes(10),
                "How long the target of a notification may take for its answer.")
      .Duration("notification.max_age", notification.max_age, absl::Seconds(1), absl::Hours(24 * 30),
                "How long a notification is kept that cannot be delivered.")
      .Integer("notification.queue", static_cast<int64_t>(notification.queue_length), 1, 1000000,
               "How many notifications may wait for one target; beyond, the oldest are dropped.")
      .Integer("notification.total", static_cast<int64_t>(notification.total_length), 1, 10000000,
               "How many notifications may wait for all targets; beyond, the longest queue loses its oldest.");
  return schema;
}

CseOptions ReadCseOptions(const config::Config& config) {
  CseOptions options;
  options.cse_id = config.GetText("cse.id");
  options.cse_name = config.GetText("cse.name");
  options.sp_id = config.GetText("cse.sp_id");
  options.admin_originator = config.GetText("cse.admin");
  options.device_originators = config.GetTextList("cse.device_originators");
  return options;
}

DeviceSideOptions ReadDeviceSideOptions(const config::Config& config) {
  DeviceSideOptions options;
  options.device_timeout = config.GetDuration("device.timeout");
  options.session_timeout = config.GetDuration("session.timeout");
  options.max_age = config.GetDuration("device.max_age");
  options.unfinished_max_age = config.GetDuration("device.unfinished_max_age");
  options.translation_timeout = config.GetDuration("translation.timeout");
  options.parallel_reads = static_cast<size_t>(config.GetInteger("device.parallel_reads"));
  return options;
}

NotificationDeliveryOptions ReadNotificationOptions(const config::Config& config) {
  NotificationDeliveryOptions options;
  options.timeout = config.GetDuration("notification.timeout");
  options.max_age = config.GetDuration("notification.max_age");
  options.queue_length = static_cast<size_t>(config.GetInteger("notification.queue"));
  options.total_length = static_cast<size_t>(config.GetInteger("notification.total"));
  return options;
}

absl::StatusOr<std::unique_ptr<ResourceStore>> OpenStore(const std::string& path) {
  if (path.empty()) {
    log::Warning("store.path is empty: resources are lost with the process");
    return std::make_unique<InMemoryResourceStore>();
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ResourceStore> store, SqliteResourceStore::Open(path));
  return store;
}

absl::Status Run(service::Runtime& runtime) {
  const config::Config& config = runtime.config();
  const SystemClock clock;
  RandomIdSource ids;
  ASSIGN_OR_RETURN(const std::unique_ptr<ResourceStore> store, OpenStore(config.GetText("store.path")));

  // What is called by others is made before them and goes after them; the end of this function says how.
  const service::Keepalive keepalive = service::KeepaliveOf(config);
  service::NeighbourWatch watch(&clock);
  const auto channel_to = [&](const std::string& name, const std::string& retry_service) {
    const std::string& target = config.GetText(name + ".target");
    const std::shared_ptr<grpc::Channel> channel =
        service::MakeChannel(target, retry_service, absl::Seconds(2), keepalive);
    watch.Add(name, target, [channel] { return service::IsReady(*channel); });
    return channel;
  };
  TranslationClient translation(channel_to("translation", "isthmus.translation.v1.TranslationService"));
  BindingClient binding(channel_to("binding", ""));
  Cse cse(ReadCseOptions(config), store.get(), &clock, &ids);
  NotificationDelivery notifications(ReadNotificationOptions(config), &binding, &clock);
  InCseSession session(config.GetText("cse.id"), &clock);
  auto worker = std::make_unique<session::Worker>();
  DeviceSide device_side(ReadDeviceSideOptions(config), &translation, &session, &cse, &clock, worker->executor());
  AppliedStreams streams;

  RETURN_IF_ERROR(cse.Start(device_side.management(), &notifications));
  const session::v1::EventPosition position = device_side.Start();
  streams.Acknowledge(position);
  device_side.OnApplied([&](const session::v1::EventPosition& applied) { streams.Acknowledge(applied); });

  session::InCseEnd::Callbacks callbacks;
  callbacks.on_event = [&](const session::v1::Event& event) { device_side.OnEvent(event); };
  callbacks.on_snapshot = [&](const session::v1::Snapshot& snapshot) { device_side.OnSnapshot(snapshot); };
  callbacks.executor = worker->executor();
  session.Begin(position, std::move(callbacks));

  session::SessionServer session_server(
      [&](std::shared_ptr<session::FrameStream> stream) {
        session.Attach(streams.Wrap(std::move(stream)), /*opened_by_us=*/false);
      },
      [&] { return session.Describe(); });
  CseService cse_service([&](const onem2m::v1::HandleRequest& request,
                             std::function<void(onem2m::v1::HandleResponse)> done) { cse.Handle(request, done); },
                         &clock, &ids);
  runtime.AddGrpcService(&cse_service);
  runtime.AddGrpcService(&session_server);

  absl::Duration swept = clock.Monotonic();
  std::optional<session::Ticker> ticker;
  ticker.emplace([&] {
    const absl::Duration next = session.Tick();
    device_side.Tick();
    notifications.Tick();
    cse.RunCommands();
    watch.Tick();
    if (clock.Monotonic() - swept >= kSweep) {
      swept = clock.Monotonic();
      cse.Sweep();
    }
    return std::min(next, kTick);
  });

  std::optional<session::SessionOpener> opener;
  if (const std::string& target = config.GetText("connector.target"); !target.empty()) {
    const std::shared_ptr<grpc::Channel> channel = service::MakeChannel(target, "", absl::Seconds(1), keepalive);
    opener.emplace(
        target,
        [&session, channel] {
          session.Connecting();
          return session::OpenStream(channel);
        },
        [&](std::shared_ptr<session::FrameStream> stream) {
          session.Attach(
              streams.Wrap(std::move(stream),
                           [&session](const absl::Status& status) { session.Failed(std::string(status.message())); }),
              /*opened_by_us=*/true);
        },
        // The LwM2M Server may have opened one.
        [&session] { return session.state() != SessionPort::State::kUp; });
  }

  // Requests in flight still need the session; it ends after them.
  runtime.OnDrain([&](absl::Duration left) {
    const size_t unfinished = cse_service.Drain(left);
    if (unfinished > 0) log::Warning("requests did not end in time", {{"count", unfinished}});
  });
  runtime.OnDrain([&](absl::Duration left) {
    session.Shutdown("the synchronizer is draining");
    opener.reset();
    session_server.EndAll(left);
  });
  cse_service.SetServing(true);
  const absl::Status served = runtime.Serve();

  // No new work from outside; then the calls to neighbours end, and with them their callbacks; then what was posted.
  opener.reset();
  ticker.reset();
  session.Shutdown("the synchronizer ends");
  translation.End();
  binding.End();
  worker.reset();
  return served;
}

}  // namespace
}  // namespace isthmus::synchronizer

int main(int argc, char** argv) {
  return isthmus::service::Main(argc, argv, isthmus::synchronizer::MakeSchema(), isthmus::synchronizer::Run);
}
