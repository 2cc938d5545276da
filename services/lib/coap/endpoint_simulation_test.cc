// Two endpoints over a network that loses, doubles and reorders, all of it repeatable from a seed. One checker: each
// request is called back once, each handler ran at most once for a request, what arrived is what was sent.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/endpoint_testing.h"

namespace isthmus::coap {
namespace {

struct Weather {
  uint64_t seed = 1;
  unsigned loss = 10, doubling = 10;                      // per cent
  absl::Duration delay_spread = absl::Milliseconds(500);  // reorders
};

class Network {
 public:
  explicit Network(Weather weather) : weather_(weather), random_(weather.seed) {}

  class Port final : public Transport {
   public:
    Port(Network* network, Peer name) : network_(network), name_(std::move(name)) {}
    void Send(const Peer& peer, const std::string& datagram) override { network_->Carry(name_, peer, datagram); }

   private:
    Network* const network_;
    const Peer name_;
  };

  Endpoint* Attach(const Peer& name, EndpointOptions options = {}) {
    ports_.push_back(std::make_unique<Port>(this, name));
    auto& slot = endpoints_[name];
    slot = std::make_unique<Endpoint>(options, &clock, &random_, ports_.back().get());
    return slot.get();
  }

  // Until nothing is under way but memories, or `time` has passed.
  void Run(absl::Duration time) {
    const absl::Duration end = clock.Monotonic() + time;
    while (clock.Monotonic() < end) {
      absl::Duration next = end;
      for (auto& [name, endpoint] : endpoints_) next = std::min(next, clock.Monotonic() + endpoint->Tick());
      if (!under_way_.empty()) next = std::min(next, under_way_.begin()->first.first);
      clock.Advance(std::max(next - clock.Monotonic(), absl::Nanoseconds(1)));
      while (!under_way_.empty() && under_way_.begin()->first.first <= clock.Monotonic()) {
        const Datagram datagram = std::move(under_way_.begin()->second);
        under_way_.erase(under_way_.begin());
        const auto to = endpoints_.find(datagram.to);
        if (to != endpoints_.end()) to->second->Receive(datagram.from, datagram.octets);
      }
    }
  }

  FakeClock clock;
  uint64_t carried = 0, lost = 0;

 private:
  struct Datagram {
    Peer from, to;
    std::string octets;
  };
  void Carry(const Peer& from, const Peer& to, const std::string& octets) {
    ++carried;
    for (int copies = random_.Chance(weather_.doubling) ? 2 : 1; copies > 0; --copies) {
      if (random_.Chance(weather_.loss)) {
        ++lost;
        continue;
      }
      const absl::Duration delay = absl::Milliseconds(5) + weather_.delay_spread * (random_.Next() % 1000) / 1000;
      under_way_.emplace(std::make_pair(clock.Monotonic() + delay, ++serial_), Datagram{from, to, octets});
    }
  }

  const Weather weather_;
  SeededRandom random_;
  uint64_t serial_ = 0;
  std::map<std::pair<absl::Duration, uint64_t>, Datagram> under_way_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::map<Peer, std::unique_ptr<Endpoint>> endpoints_;
};

class SimulationTest : public testing::TestWithParam<uint64_t> {};

TEST_P(SimulationTest, EachRequestIsCalledBackOnceAndDoneAtMostOnce) {
  Network network(Weather{GetParam()});
  Endpoint* client = network.Attach("client:1");
  Endpoint* server = network.Attach("server:1");
  SeededRandom random(GetParam() + 1000);
  std::map<std::string, int> done;
  std::vector<Responder> kept;
  server->SetRequestHandler([&](IncomingRequest request, const Responder& respond) {
    ++done[request.message.payload];
    OutgoingResponse response;
    response.code = kChanged;
    response.payload = request.message.payload;
    // Some at once, some in a later turn, some never.
    const uint64_t way = random.Next() % 10;
    if (way < 6) respond(response);
    if (way >= 6 && way < 9) kept.push_back([respond, response](OutgoingResponse) { respond(response); });
  });
  std::map<int, int> heard;
  std::map<int, Exchange::Outcome> outcomes;
  std::map<int, int> lines;
  constexpr int kRequests = 200;
  for (int i = 0; i < kRequests; ++i) {
    OutgoingRequest request;
    request.method = kPost;
    request.path = {"x"};
    request.payload = absl::StrCat("request ", i);
    request.confirmable = i % 5 != 0;
    const std::string payload = request.payload;
    client->Send(
        "server:1", std::move(request),
        [&, i, payload](const Exchange& exchange) {
          ++heard[i];
          outcomes[i] = exchange.outcome;
          if (exchange.outcome == Exchange::Outcome::kAnswered) {
            EXPECT_EQ(exchange.message.payload, payload);
          }
        },
        [&, i] { ++lines[i]; });
    network.Run(absl::Milliseconds(200));
    if (i % 7 == 0) {
      for (const Responder& respond : std::exchange(kept, {})) respond({});
    }
  }
  for (const Responder& respond : std::exchange(kept, {})) respond({});
  network.Run(absl::Seconds(100));
  int answered = 0;
  for (int i = 0; i < kRequests; ++i) {
    EXPECT_EQ(heard[i], 1) << i;
    EXPECT_EQ(lines[i], 1) << i;
    const int times = done[absl::StrCat("request ", i)];
    EXPECT_LE(times, 1) << i;
    if (outcomes[i] == Exchange::Outcome::kAnswered) {
      ++answered;
      EXPECT_EQ(times, 1) << i;
    }
  }
  EXPECT_GT(answered, kRequests * 6 / 10);
  EXPECT_GT(network.lost, 0u);
  EXPECT_EQ(client->statistics().exchanges, 0u);
  kept.clear();
  network.Run(absl::Minutes(10));
  EXPECT_EQ(client->Tick(), absl::InfiniteDuration()) << "everything is forgotten";
  EXPECT_EQ(server->Tick(), absl::InfiniteDuration());
}

TEST_P(SimulationTest, BodiesOf64KSurviveBothWays) {
  Network network(Weather{GetParam()});
  Endpoint* client = network.Attach("client:1");
  Endpoint* server = network.Attach("server:1");
  const std::string up = Body(65536, 'a'), down = Body(65536, 'k');
  int ran = 0;
  server->SetRequestHandler([&](IncomingRequest request, const Responder& respond) {
    ++ran;
    EXPECT_EQ(request.message.payload, up);
    OutgoingResponse response;
    response.code = kChanged;
    response.payload = down;
    respond(std::move(response));
  });
  std::vector<Exchange> heard;
  OutgoingRequest request;
  request.method = kPost;
  request.path = {"5", "0", "0"};
  request.payload = up;
  request.timeout = absl::Hours(1);
  client->Send("server:1", std::move(request), [&](Exchange exchange) { heard.push_back(std::move(exchange)); });
  network.Run(absl::Hours(1));
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].outcome, Exchange::Outcome::kAnswered) << heard[0].elapsed;
  EXPECT_TRUE(heard[0].message.payload == down);
  EXPECT_EQ(ran, 1);
  EXPECT_GT(network.lost, 5u);
  EXPECT_EQ(server->statistics().transfers, 0u);
}

TEST_P(SimulationTest, AnObserverEndsWithTheNewestValueAndNeverSeesAPart) {
  Network network(Weather{GetParam()});
  Endpoint* client = network.Attach("client:1");
  Endpoint* server = network.Attach("server:1");
  // Version n is 1500 octets, or a few, all of them the same.
  const auto value = [](int version) { return std::string(version % 3 == 0 ? 20 : 1500, static_cast<char>(version)); };
  int version = 1;
  std::string token;
  server->SetRequestHandler([&](IncomingRequest request, const Responder& respond) {
    OutgoingResponse response;
    if (request.message.UintOption(kObserve) == 0u) {
      token = request.message.token;
      Message observe;
      observe.AddUintOption(kObserve, version);
      response.options = observe.options;
    }
    response.payload = value(version);
    respond(std::move(response));
  });
  std::vector<std::string> seen;
  client->SetNotificationHandler([&](const Notified& notified) {
    seen.push_back(notified.message.payload);
    return true;
  });
  OutgoingRequest request;
  request.path = {"20"};
  request.observe = 0;
  int heard = 0;
  client->Send("server:1", std::move(request), [&](const Exchange& exchange) {
    ++heard;
    EXPECT_EQ(exchange.outcome, Exchange::Outcome::kAnswered);
    seen.push_back(exchange.message.payload);
  });
  network.Run(absl::Seconds(60));
  ASSERT_EQ(heard, 1);
  int told = 0;
  for (version = 2; version <= 40; ++version) {
    OutgoingResponse response;
    response.payload = value(version);
    server->Notify("client:1", token, std::move(response), version, /*confirmable=*/true,
                   [&](const Exchange& exchange) {
                     ++told;
                     EXPECT_EQ(exchange.outcome, Exchange::Outcome::kAnswered);
                   });
    network.Run(absl::Milliseconds(100 * (version % 13)));
  }
  version = 40;
  network.Run(absl::Minutes(10));
  EXPECT_EQ(told, 39);
  int last = 0;
  for (const std::string& payload : seen) {
    ASSERT_FALSE(payload.empty());
    const int seen_version = static_cast<unsigned char>(payload[0]);
    EXPECT_EQ(payload, value(seen_version)) << "a part, or a mixture";
    EXPECT_GE(seen_version, last) << "older than what was seen before";
    last = seen_version;
  }
  EXPECT_EQ(last, 40);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulationTest, testing::Range<uint64_t>(1, 21));

TEST(ManyPeersTest, FiveHundredDevicesAtOnce) {
  Network network(Weather{3, 5, 5});
  Endpoint* server = network.Attach("server:1");
  constexpr int kDevices = 500;
  std::map<Peer, int> registered;
  int observed = 0;
  server->SetRequestHandler([&](IncomingRequest request, const Responder& respond) {
    ++registered[request.peer];
    OutgoingResponse response;
    response.code = kCreated;
    respond(std::move(response));
    server->Send(request.peer, Get({"3", "0", "9"}), [&](const Exchange& exchange) {
      if (exchange.outcome == Exchange::Outcome::kAnswered) ++observed;
    });
  });
  int created = 0;
  for (int i = 0; i < kDevices; ++i) {
    Endpoint* device = network.Attach(absl::StrCat("device:", i + 1));
    device->SetRequestHandler([](IncomingRequest, const Responder& respond) {
      OutgoingResponse response;
      response.payload = "80";
      respond(std::move(response));
    });
    OutgoingRequest request;
    request.method = kPost;
    request.path = {"rd"};
    request.payload = Body(1500);
    device->Send("server:1", std::move(request), [&](const Exchange& exchange) {
      if (exchange.outcome == Exchange::Outcome::kAnswered && exchange.message.code == kCreated) ++created;
    });
  }
  network.Run(absl::Seconds(0.7));
  for (int second = 0; second < 100 && (created < kDevices || observed < kDevices); ++second) {
    network.Run(absl::Seconds(1));
  }
  EXPECT_EQ(created, kDevices);
  EXPECT_EQ(observed, kDevices);
  for (const auto& [peer, times] : registered) EXPECT_EQ(times, 1) << peer;
}

}  // namespace
}  // namespace isthmus::coap
