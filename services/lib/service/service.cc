#include "services/lib/service/service.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "services/lib/clock/clock.h"
#include "services/lib/log/log.h"
#include "services/lib/service/limits.h"

extern char** environ;

namespace isthmus::service {
namespace {

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

absl::Duration Monotonic() { return SystemClock().Monotonic(); }

// After drain callbacks had their time and a little more, the process ends without them: a bug in one must not make an
// orchestrator wait.
constexpr absl::Duration kPatience = absl::Seconds(2);

class Watchdog {
 public:
  explicit Watchdog(absl::Duration limit) {
    thread_ = std::thread([this, limit] {
      pollfd entry = {done_, POLLIN, 0};
      if (poll(&entry, 1, static_cast<int>(absl::ToInt64Milliseconds(limit))) == 0) {
        log::Error("draining does not end; giving up", {{"after", absl::FormatDuration(limit)}});
        _exit(1);
      }
    });
  }
  ~Watchdog() {
    eventfd_write(done_, 1);
    thread_.join();
    close(done_);
  }

 private:
  const int done_ = eventfd(0, EFD_CLOEXEC);
  std::thread thread_;
};

}  // namespace

struct Runtime::State {
  int stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::atomic<int> port{0};

  std::mutex mutex;
  std::vector<grpc::Service*> services;
  std::vector<std::function<void(absl::Duration)>> drains;
  bool serving = true;    // what SetServing said last
  bool draining = false;  // nothing makes it serve again
  absl::Status failure;   // what Fail said first
  std::unique_ptr<grpc::Server> server;

  // With the mutex.
  void ShowServing() {
    if (server == nullptr) return;
    server->GetHealthCheckService()->SetServingStatus(serving && !draining);
  }
};

Runtime::Runtime(const config::Config& config) : config_(config), state_(std::make_unique<State>()) { BlockSignals(); }

Runtime::~Runtime() { close(state_->stop_event); }

void Runtime::AddGrpcService(grpc::Service* service) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->services.push_back(service);
}

void Runtime::OnDrain(std::function<void(absl::Duration left)> drain) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->drains.push_back(std::move(drain));
}

void Runtime::SetServing(bool serving) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->serving = serving;
  state_->ShowServing();
}

void Runtime::Stop() { eventfd_write(state_->stop_event, 1); }

void Runtime::Fail(absl::Status reason) {
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    if (state_->failure.ok()) state_->failure = std::move(reason);
  }
  Stop();
}

int Runtime::grpc_port() const { return state_->port.load(); }

absl::Status Runtime::Serve() {
  const std::string& listen = config_.GetText("grpc.listen");
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageSize);
  builder.SetMaxSendMessageSize(kMaxMessageSize);
  // Without this a second process would share the port and get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  const Keepalive keepalive = KeepaliveOf(config_);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(absl::ToInt64Milliseconds(keepalive.time)));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(keepalive.timeout)));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  // Clients that balance over replicas look for new ones when a connection ends. Streams that are open on it go on.
  const absl::Duration age = config_.GetDuration("grpc.max_connection_age");
  if (age > absl::ZeroDuration()) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, static_cast<int>(absl::ToInt64Milliseconds(age)));
  }
  int port = 0;
  builder.AddListeningPort(listen, grpc::InsecureServerCredentials(), &port);
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    for (grpc::Service* service : state_->services) builder.RegisterService(service);
  }
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    if (server != nullptr) server->Shutdown();
    return absl::UnavailableError(
        absl::StrCat("grpc.listen: cannot listen on \"", listen, "\": expected host:port of a free port"));
  }
  state_->port.store(port);
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->server = std::move(server);
    state_->ShowServing();
  }
  log::Info("serving", {{"listen", listen}, {"port", port}});

  const sigset_t signals = EndSignals();
  const int signal_event = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  pollfd events[] = {{signal_event, POLLIN, 0}, {state_->stop_event, POLLIN, 0}};
  while (poll(events, 2, -1) < 0 && errno == EINTR) {
  }
  std::string why = "stopped";
  signalfd_siginfo information;
  if (read(signal_event, &information, sizeof(information)) == sizeof(information)) {
    why = information.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT";
  }
  close(signal_event);

  const absl::Duration grace = config_.GetDuration("shutdown.grace");
  const absl::Duration deadline = Monotonic() + grace;
  const auto left = [&] { return std::max(deadline - Monotonic(), absl::ZeroDuration()); };
  log::Info("draining", {{"why", why}, {"grace", absl::FormatDuration(grace)}});
  Watchdog watchdog(grace + kPatience);
  std::vector<std::function<void(absl::Duration)>> drains;
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->draining = true;
    state_->ShowServing();
    drains = state_->drains;
  }
  for (const auto& drain : drains) drain(left());
  state_->server->Shutdown(absl::ToChronoTime(absl::Now() + left()));
  state_->server->Wait();
  absl::Status failure;
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    server = std::move(state_->server);
    failure = state_->failure;
  }
  server.reset();
  log::Info("ended", {{"took_ms", absl::ToInt64Milliseconds(grace - left())}});
  return failure;
}

void BlockSignals() {
  const sigset_t signals = EndSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Keepalive KeepaliveOf(const config::Config& config) {
  return {config.GetDuration("grpc.keepalive_time"), config.GetDuration("grpc.keepalive_timeout")};
}

void AddCommonKeys(config::Schema& schema, const std::string& listen) {
  schema.Text("grpc.listen", listen, "Address and port of this service's gRPC server.")
      .Duration("grpc.max_connection_age", absl::Seconds(20), absl::ZeroDuration(), absl::Hours(24),
                "Clients look for new replicas of this service after this long; 0s = when a connection is lost.")
      .Duration("grpc.keepalive_time", Keepalive().time, absl::Seconds(1), absl::Hours(1),
                "A neighbour from which nothing came for this long is asked whether it is there.")
      .Duration("grpc.keepalive_timeout", Keepalive().timeout, absl::Milliseconds(100), absl::Minutes(10),
                "A connection on which it does not answer within this time is given up, and a new one is made.")
      .Text("log.level", "info", "What is logged.", {"debug", "info", "warning", "error"})
      .Text("log.format", "json", "Form of a log line.", {"json", "text"})
      .Duration("shutdown.grace", absl::Seconds(10), absl::ZeroDuration(), absl::Minutes(10),
                "How long work in flight may take after SIGTERM.");
}

int Main(int argc, char** argv, const config::Schema& schema, const std::function<absl::Status(Runtime&)>& body) {
  // Debian builds Abseil with its search for lock cycles switched on: a global lock and a graph walk at each of gRPC's
  // mutexes (measured: 6 % of a service's time). It is a tool for developers, and the sanitizer builds have better
  // ones.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  BlockSignals();
  const absl::StatusOr<config::Config> config = config::Load(schema, argc, argv, environ);
  if (!config.ok()) {
    std::fprintf(stderr, "%s: configuration:\n%s\n", schema.service().c_str(),
                 std::string(config.status().message()).c_str());
    return 2;
  }
  switch (config->action()) {
    case config::Config::Action::kHelp:
      std::fputs(config::Help(schema).c_str(), stdout);
      return 0;
    case config::Config::Action::kPrintConfig:
      std::fputs(config->Print().c_str(), stdout);
      return 0;
    case config::Config::Action::kCheckConfig:
      std::puts("configuration ok");
      return 0;
    case config::Config::Action::kRun:
      break;
  }
  const std::string& level = config->GetText("log.level");
  log::Configure(schema.service(),
                 level == "debug"     ? log::Level::kDebug
                 : level == "info"    ? log::Level::kInfo
                 : level == "warning" ? log::Level::kWarning
                                      : log::Level::kError,
                 config->GetText("log.format") == "json" ? log::Format::kJson : log::Format::kText);
  Runtime runtime(*config);
  const absl::Status status = body(runtime);
  if (!status.ok()) {
    log::Error("failed", {{"status", status.ToString()}});
    return 1;
  }
  return 0;
}

}  // namespace isthmus::service
