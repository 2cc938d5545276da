// LwM2M devices to test a server with: one, or thousands. `--help` tells the options, console.h the commands on stdin.
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/udp/peer_address.h"
#include "services/lib/config/config.h"
#include "services/lib/status/status_macros.h"
#include "tools/lwm2m_fleet/console.h"
#include "tools/lwm2m_fleet/fleet.h"

namespace isthmus::fleet {
namespace {

config::Schema MakeSchema() {
  constexpr absl::Duration kNone = absl::ZeroDuration();
  config::Schema schema("lwm2m_fleet", "Simulated LwM2M devices (objects 1, 3, 4, 5 and 3303), one or thousands.");
  schema.Text("server", "127.0.0.1:5683", "LwM2M Server, host:port.")
      .Integer("count", 1, 1, 1000000, "Number of devices.")
      .Text("name", "", "Endpoint Client Name of the only device; empty = by name_pattern.")
      .Text("name_pattern", "fleet-%05d", "Endpoint Client Names; %d is the number of the device.")
      .Integer("first", 0, 0, 1000000000, "Number of the first device.")
      .Text("bind", "", "Local address; empty = any.")
      .Integer("lifetime", 300, 1, 4294967295, "Registration lifetime in seconds.")
      .Integer("update_percent", 90, 1, 100, "Share of the lifetime after which an Update is sent.")
      .Integer("register_rate", 1000, 1, 1000000, "Devices that start in a second.")
      .Integer("battery.initial", 80, 0, 100, "Battery Level at the start.")
      .Duration("change.every", kNone, kNone, absl::Hours(24), "How often temperature and battery change; 0 = never.")
      .Duration("delay", kNone, kNone, absl::Minutes(10), "Wait before each answer.")
      .Text("loss", "0", "Share of datagrams that get lost, each way, from 0 to 1.")
      .Boolean("silent", false, "Once registered, answer and notify nothing; updates go on.")
      .Text("composites", "answer", "Composite operations: answer, refuse (4.05) or silence.")
      .Boolean("queue_mode", false, "Register in queue mode and sleep when `awake` has passed.")
      .Duration("awake", absl::Seconds(93), absl::Milliseconds(1), absl::Hours(24), "Awake time in queue mode.")
      .Boolean("confirmable", true, "Send notifications as confirmable messages.")
      .Duration("firmware.download", absl::Seconds(2), kNone, absl::Hours(24), "Time from Package URI to Downloaded.")
      .Duration("firmware.install", absl::Seconds(2), kNone, absl::Hours(24), "Time from Update to the restart.")
      .Duration("restart", absl::Seconds(1), kNone, absl::Hours(24), "How long a restart takes.")
      .Duration("report_every", absl::Seconds(1), kNone, absl::Hours(24), "How often counters are printed; 0 = never.");
  return schema;
}

// `--queue-mode` means `--queue_mode`.
std::vector<std::string> WithUnderscores(const config::Schema& schema, int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  for (std::string& argument : arguments) {
    if (argument.rfind("--", 0) != 0) continue;
    const size_t equals = std::min(argument.find('='), argument.size());
    const std::string name = absl::StrReplaceAll(argument.substr(2, equals - 2), {{"-", "_"}});
    if (schema.Find(name) != nullptr) argument = absl::StrCat("--", name, argument.substr(equals));
  }
  return arguments;
}

absl::StatusOr<coap::Peer> ParseServer(const std::string& text) {
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("server '", text, "': expected host:port"));
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return coap::ResolvePeer(host, static_cast<uint16_t>(port));
}

absl::StatusOr<FleetOptions> ReadOptions(const config::Config& config) {
  FleetOptions options;
  ClientOptions& client = options.client;
  ASSIGN_OR_RETURN(client.server, ParseServer(config.GetText("server")));
  if (!absl::SimpleAtod(config.GetText("loss"), &client.loss) || !(client.loss >= 0 && client.loss <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("loss '", config.GetText("loss"), "': expected 0 to 1"));
  }
  options.count = static_cast<size_t>(config.GetInteger("count"));
  options.name = config.GetText("name");
  if (!options.name.empty() && options.count != 1) {
    return absl::InvalidArgumentError("name: expected only with a count of 1");
  }
  options.name_pattern = config.GetText("name_pattern");
  options.first = config.GetInteger("first");
  options.register_rate = config.GetInteger("register_rate");
  options.bind = config.GetText("bind");
  if (options.bind.empty()) options.bind = client.server.front() == '[' ? "::" : "0.0.0.0";
  client.device.lifetime_seconds = config.GetInteger("lifetime");
  client.device.battery_level = config.GetInteger("battery.initial");
  client.device.download_time = config.GetDuration("firmware.download");
  client.device.install_time = config.GetDuration("firmware.install");
  client.update_share = static_cast<double>(config.GetInteger("update_percent")) / 100;
  if (config.GetDuration("change.every") > absl::ZeroDuration()) {
    client.change_every = config.GetDuration("change.every");
  }
  client.answer_after = config.GetDuration("delay");
  client.silent = config.GetBoolean("silent");
  const absl::StatusOr<Composites> composites = ParseComposites(config.GetText("composites"));
  if (!composites.ok()) return absl::InvalidArgumentError(absl::StrCat("composites: ", composites.status().message()));
  client.composites = *composites;
  client.queue_mode = config.GetBoolean("queue_mode");
  client.awake = config.GetDuration("awake");
  client.confirmable_notifications = config.GetBoolean("confirmable");
  client.restart_time = config.GetDuration("restart");
  return options;
}

void Print(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "lwm2m_fleet: %s\n", std::string(status.message()).c_str());
  return 1;
}

// A descriptor that becomes readable with SIGTERM and SIGINT.
int TerminationDescriptor() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

int Run(const config::Config& config) {
  absl::StatusOr<FleetOptions> options = ReadOptions(config);
  if (!options.ok()) return Fail(options.status());
  const SystemClock clock;
  absl::StatusOr<std::unique_ptr<Fleet>> opened = Fleet::Open(*std::move(options), &clock);
  if (!opened.ok()) return Fail(opened.status());
  Fleet& fleet = **opened;

  bool stopping = false;
  fleet.Watch(TerminationDescriptor(), [&stopping] { stopping = true; });
  Console console(&fleet, Print);
  const auto read_commands = [&fleet, &console] {
    std::array<char, 4096> octets;
    const ssize_t count = read(STDIN_FILENO, octets.data(), octets.size());
    if (count > 0) console.Receive(absl::string_view(octets.data(), static_cast<size_t>(count)));
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) fleet.Unwatch(STDIN_FILENO);
    return count > 0;
  };
  // A regular file cannot be waited for, but it is all there.
  if (!fleet.Watch(STDIN_FILENO, read_commands)) {
    while (read_commands()) {
    }
  }

  const absl::Duration report_every = config.GetDuration("report_every");
  const bool reports = report_every > absl::ZeroDuration();
  absl::Duration report_at = reports ? clock.Monotonic() + report_every : absl::InfiniteDuration();
  bool ready = false;
  while (!stopping && !console.quit()) {
    fleet.Step(std::clamp(report_at - clock.Monotonic(), absl::ZeroDuration(), absl::Seconds(1)));
    if (!ready && fleet.registered() == fleet.size()) {
      ready = true;
      Print(absl::StrCat("ready: ", fleet.size(), " devices registered"));
    }
    if (clock.Monotonic() >= report_at) {
      report_at += report_every;
      Print(fleet.Report());
    }
  }

  constexpr absl::Duration kLongestFarewell = absl::Seconds(5);
  const absl::Duration deadline = clock.Monotonic() + kLongestFarewell;
  fleet.DeregisterAll();
  while (!fleet.AllOff() && clock.Monotonic() < deadline) fleet.Step(absl::Milliseconds(50));
  Print(fleet.Report());
  return 0;
}

int Main(int argc, char** argv, char** environment) {
  const config::Schema schema = MakeSchema();
  const std::vector<std::string> arguments = WithUnderscores(schema, argc, argv);
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  const absl::StatusOr<config::Config> config =
      config::Load(schema, static_cast<int>(pointers.size()), pointers.data(), environment);
  if (!config.ok()) return Fail(config.status());
  switch (config->action()) {
    case config::Config::Action::kHelp:
      Print(config::Help(schema));
      return 0;
    case config::Config::Action::kPrintConfig:
      Print(config->Print());
      return 0;
    case config::Config::Action::kCheckConfig: {
      const absl::StatusOr<FleetOptions> options = ReadOptions(*config);
      return options.ok() ? 0 : Fail(options.status());
    }
    case config::Config::Action::kRun:
      return Run(*config);
  }
  return 1;
}

}  // namespace
}  // namespace isthmus::fleet

int main(int argc, char** argv, char** environment) { return isthmus::fleet::Main(argc, argv, environment); }
