// Reads a resource of a device over plain CoAP, with a fixed number in flight: the floor of what a live read costs.
//
//   coap_load HOST:PORT PATH WINDOW COUNT
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/udp/udp_transport.h"
#include "tools/bench_load/latencies.h"

namespace isthmus::bench {
namespace {

int Main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: coap_load HOST:PORT PATH WINDOW COUNT\n");
    return 2;
  }
  const coap::Peer peer = argv[1];
  const std::vector<std::string> path = absl::StrSplit(argv[2], '/', absl::SkipEmpty());
  const int window = std::atoi(argv[3]);
  const size_t count = std::strtoul(argv[4], nullptr, 10);
  const SystemClock clock;
  auto loop = coap::UdpLoop::Open({.host = "127.0.0.1"}, &clock);
  if (!loop.ok()) {
    std::fprintf(stderr, "coap_load: %s\n", std::string(loop.status().message()).c_str());
    return 1;
  }
  // All but the end of the run happens on the loop's thread.
  Latencies latencies;
  latencies.Reserve(count);
  size_t sent = 0;
  long errors = 0;
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  std::function<void()> next = [&] {
    if (sent == count) return;
    ++sent;
    const Instant begin = Now();
    coap::OutgoingRequest request;
    request.path = path;
    (*loop)->endpoint().Send(peer, std::move(request), [&, begin](coap::Exchange exchange) {
      latencies.Add(Seconds(begin, Now()));
      if (exchange.outcome != coap::Exchange::Outcome::kAnswered || exchange.message.code != coap::kContent) ++errors;
      if (latencies.count() == count) {
        std::lock_guard<std::mutex> lock(mutex);
        done = true;
        finished.notify_one();
      } else {
        next();
      }
    });
  };
  (*loop)->Start();
  const Instant start = Now();
  (*loop)->Post([&] {
    for (int i = 0; i < window; ++i) next();
  });
  std::unique_lock<std::mutex> lock(mutex);
  finished.wait(lock, [&] { return done; });
  const Instant end = Now();
  (*loop)->Stop();
  latencies.Print(Seconds(start, end), window, errors);
  return errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace isthmus::bench

int main(int argc, char** argv) { return isthmus::bench::Main(argc, argv); }
