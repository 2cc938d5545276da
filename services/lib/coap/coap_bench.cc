// Requests per second and their times between two endpoints over the loopback, each on a UdpLoop of its own.
//
//   coap_bench [seconds for each run, default 2]
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/message.h"
#include "services/lib/coap/udp/udp_transport.h"

namespace isthmus::coap {
namespace {

struct Run {
  std::vector<int64_t> nanoseconds;
  uint64_t failed = 0;
  absl::Duration took;
};

// Keeps `in_flight` requests under way for a while.
Run Measure(UdpLoop& client, const Clock& clock, const Peer& server, int in_flight, absl::Duration time) {
  Run run;
  std::mutex mutex;
  std::condition_variable all_done;
  int under_way = in_flight;
  const absl::Duration start = clock.Monotonic();
  std::function<void()> send = [&] {
    OutgoingRequest request;
    request.path = {"3", "0", "9"};
    client.endpoint().Send(server, std::move(request), [&](Exchange exchange) {
      if (exchange.outcome == Exchange::Outcome::kAnswered) {
        run.nanoseconds.push_back(absl::ToInt64Nanoseconds(exchange.elapsed));
      } else {
        ++run.failed;
      }
      if (clock.Monotonic() - start < time) return send();
      std::lock_guard<std::mutex> lock(mutex);
      if (--under_way == 0) all_done.notify_one();
    });
  };
  client.Post([&] {
    for (int i = 0; i < in_flight; ++i) send();
  });
  std::unique_lock<std::mutex> lock(mutex);
  all_done.wait(lock, [&] { return under_way == 0; });
  run.took = clock.Monotonic() - start;
  return run;
}

// What an endpoint takes without a network: requests of many peers in turn, each of them new.
void MeasureAlone(const Clock& clock, int peers, absl::Duration time) {
  class Nowhere final : public Transport {
   public:
    void Send(const Peer&, const std::string&) override { ++sent; }
    uint64_t sent = 0;
  };
  Nowhere nowhere;
  const std::unique_ptr<Random> random = SystemRandom();
  Endpoint endpoint(EndpointOptions(), &clock, random.get(), &nowhere);
  endpoint.SetRequestHandler([](IncomingRequest, const Responder& respond) { respond(OutgoingResponse()); });
  std::vector<Peer> names;
  for (int i = 0; i < peers; ++i) names.push_back(absl::StrCat("10.1.", i / 250, ".", i % 250, ":5683"));
  Message message;
  message.code = kPost;
  message.token = "12345678";
  message.AddOption(kUriPath, "rd");
  message.AddOption(kUriPath, "a1");
  std::string datagram = Encode(message);
  const absl::Duration start = clock.Monotonic();
  uint64_t count = 0;
  while (clock.Monotonic() - start < time) {
    for (const Peer& name : names) {
      datagram[2] = static_cast<char>(count / peers >> 8);
      datagram[3] = static_cast<char>(count / peers);
      endpoint.Receive(name, datagram);
      ++count;
    }
    endpoint.Tick();
  }
  std::printf("%10d %12.0f\n", peers, count / absl::ToDoubleSeconds(clock.Monotonic() - start));
}

int Main(double seconds) {
  const SystemClock clock;
  UdpLoopOptions options;
  options.host = "127.0.0.1";
  auto server = UdpLoop::Open(options, &clock);
  auto client = UdpLoop::Open(options, &clock);
  if (!server.ok() || !client.ok()) {
    std::fprintf(stderr, "%s %s\n", server.status().ToString().c_str(), client.status().ToString().c_str());
    return 1;
  }
  (*server)->endpoint().SetRequestHandler([](IncomingRequest, const Responder& respond) {
    OutgoingResponse response;
    response.payload = "80";
    respond(std::move(response));
  });
  (*server)->Start();
  (*client)->Start();
  const Peer peer = absl::StrCat("127.0.0.1:", (*server)->local_port());
  std::printf("%10s %12s %10s %10s %10s %8s\n", "in flight", "requests/s", "p50 us", "p99 us", "max us", "failed");
  for (const int in_flight : {1, 8, 64}) {
    Run run = Measure(**client, clock, peer, in_flight, absl::Seconds(seconds));
    std::sort(run.nanoseconds.begin(), run.nanoseconds.end());
    const size_t count = run.nanoseconds.size();
    if (count == 0) {
      std::printf("%10d no answer, %lu failed\n", in_flight, static_cast<unsigned long>(run.failed));
      continue;
    }
    std::printf("%10d %12.0f %10.1f %10.1f %10.1f %8lu\n", in_flight, count / absl::ToDoubleSeconds(run.took),
                run.nanoseconds[count / 2] / 1e3, run.nanoseconds[count * 99 / 100] / 1e3,
                run.nanoseconds[count - 1] / 1e3, static_cast<unsigned long>(run.failed));
  }
  std::printf("\n%10s %12s   without a network\n", "peers", "requests/s");
  for (const int peers : {1, 1000, 20000, 60000}) MeasureAlone(clock, peers, absl::Seconds(seconds));
  return 0;
}

}  // namespace
}  // namespace isthmus::coap

int main(int argc, char** argv) { return isthmus::coap::Main(argc > 1 ? std::atof(argv[1]) : 2); }
