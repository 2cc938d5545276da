#include "services/lib/coap/udp/udp_transport.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint_testing.h"

namespace isthmus::coap {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

class UdpLoopTest : public testing::Test {
 protected:
  std::unique_ptr<UdpLoop> Open(const std::string& host, EndpointOptions endpoint = {}) {
    UdpLoopOptions options;
    options.host = host;
    options.endpoint = endpoint;
    auto loop = UdpLoop::Open(options, &clock_);
    EXPECT_TRUE(loop.ok()) << loop.status();
    return loop.ok() ? *std::move(loop) : nullptr;
  }
  std::unique_ptr<UdpLoop> OpenServer(const std::string& host) {
    auto loop = Open(host);
    if (loop == nullptr) return loop;
    loop->endpoint().SetRequestHandler([](IncomingRequest request, const Responder& respond) {
      OutgoingResponse response;
      response.payload = request.message.payload.empty() ? request.peer : request.message.payload;
      respond(std::move(response));
    });
    loop->Start();
    return loop;
  }
  Exchange Ask(UdpLoop& loop, const Peer& peer, OutgoingRequest request) {
    auto heard = std::make_shared<std::promise<Exchange>>();
    loop.Post([&loop, peer, request, heard] {
      EXPECT_TRUE(loop.IsLoopThread());
      loop.endpoint().Send(peer, request, [heard](Exchange exchange) { heard->set_value(std::move(exchange)); });
    });
    auto future = heard->get_future();
    if (future.wait_for(kPatience) != std::future_status::ready) {
      ADD_FAILURE() << "no callback";
      return {};
    }
    return future.get();
  }
  SystemClock clock_;
};

TEST_F(UdpLoopTest, RequestAndResponse) {
  auto server = OpenServer("127.0.0.1");
  auto client = Open("127.0.0.1");
  client->Start();
  EXPECT_NE(server->local_port(), 0);
  EXPECT_FALSE(client->IsLoopThread());
  const Peer peer = absl::StrCat("127.0.0.1:", server->local_port());
  const Exchange exchange = Ask(*client, peer, Get({"who"}));
  EXPECT_EQ(exchange.outcome, Exchange::Outcome::kAnswered);
  EXPECT_EQ(exchange.message.payload, absl::StrCat("127.0.0.1:", client->local_port()));
}

TEST_F(UdpLoopTest, LargeBodies) {
  auto server = OpenServer("127.0.0.1");
  auto client = Open("127.0.0.1");
  client->Start();
  OutgoingRequest request = Get({"x"});
  request.method = kPost;
  request.payload = Body(200000);
  const Exchange exchange = Ask(*client, absl::StrCat("127.0.0.1:", server->local_port()), request);
  EXPECT_EQ(exchange.message.payload, request.payload);
}

TEST_F(UdpLoopTest, Ipv6AndIpv4OnOneSocket) {
  UdpLoopOptions options;
  options.host = "::";
  auto opened = UdpLoop::Open(options, &clock_);
  if (!opened.ok()) GTEST_SKIP() << "no IPv6 here: " << opened.status();
  auto server = OpenServer("::");
  auto client4 = Open("127.0.0.1");
  client4->Start();
  Exchange exchange = Ask(*client4, absl::StrCat("127.0.0.1:", server->local_port()), Get({"who"}));
  EXPECT_EQ(exchange.message.payload, absl::StrCat("127.0.0.1:", client4->local_port())) << "not ::ffff:127.0.0.1";
  UdpLoopOptions loopback6;
  loopback6.host = "::1";
  auto client6 = UdpLoop::Open(loopback6, &clock_);
  if (!client6.ok()) GTEST_SKIP() << "no IPv6 loopback";
  (*client6)->Start();
  exchange = Ask(**client6, absl::StrCat("[::1]:", server->local_port()), Get({"who"}));
  EXPECT_EQ(exchange.message.payload, absl::StrCat("[::1]:", (*client6)->local_port()));
  // A socket of both families reaches IPv4 peers, too.
  (*opened)->Start();
  exchange = Ask(**opened, absl::StrCat("127.0.0.1:", server->local_port()), Get({"who"}));
  EXPECT_EQ(exchange.message.payload, absl::StrCat("127.0.0.1:", (*opened)->local_port()));
}

TEST_F(UdpLoopTest, ManyFromManyThreads) {
  auto server = OpenServer("127.0.0.1");
  auto client = Open("127.0.0.1");
  client->Start();
  const Peer peer = absl::StrCat("127.0.0.1:", server->local_port());
  constexpr int kThreads = 4, kEach = 500;
  std::promise<void> all;
  int answered = 0;  // on the loop's thread only
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        client->Post([&] {
          client->endpoint().Send(peer, Get({"x"}), [&](const Exchange& exchange) {
            EXPECT_EQ(exchange.outcome, Exchange::Outcome::kAnswered);
            if (++answered == kThreads * kEach) all.set_value();
          });
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(all.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST_F(UdpLoopTest, APortWhereNobodyListens) {
  // An ICMP error comes back; the loop lives on, and the request ends by its own time-out.
  uint16_t nobody = 0;
  { nobody = Open("127.0.0.1")->local_port(); }
  auto server = OpenServer("127.0.0.1");
  EndpointOptions options;
  options.ack_timeout = absl::Milliseconds(5);
  options.max_retransmit = 2;
  auto client = Open("127.0.0.1", options);
  client->Start();
  EXPECT_EQ(Ask(*client, absl::StrCat("127.0.0.1:", nobody), Get({"x"})).outcome, Exchange::Outcome::kTimeout);
  EXPECT_EQ(Ask(*client, "no address", Get({"x"})).outcome, Exchange::Outcome::kTimeout);
  EXPECT_EQ(Ask(*client, absl::StrCat("127.0.0.1:", server->local_port()), Get({"x"})).outcome,
            Exchange::Outcome::kAnswered);
}

TEST_F(UdpLoopTest, GarbageDoesNoHarm) {
  auto server = OpenServer("127.0.0.1");
  const int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_GE(descriptor, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(server->local_port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SeededRandom random(5);
  for (int i = 0; i < 2000; ++i) {
    std::string datagram(random.Next() % 40, '\0');
    for (char& octet : datagram) octet = static_cast<char>(random.Next());
    if (datagram.size() > 1 && random.Chance(70)) datagram[0] = static_cast<char>(0x40 | (datagram[0] & 0x3f));
    sendto(descriptor, datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  }
  close(descriptor);
  auto client = Open("127.0.0.1");
  client->Start();
  EXPECT_EQ(Ask(*client, absl::StrCat("127.0.0.1:", server->local_port()), Get({"x"})).outcome,
            Exchange::Outcome::kAnswered);
}

TEST_F(UdpLoopTest, StopRunsWhatWasPostedAndDropsTheRest) {
  auto loop = Open("127.0.0.1");
  loop->Start();
  int ran = 0;
  for (int i = 0; i < 100; ++i) loop->Post([&] { ++ran; });
  loop->Stop();
  EXPECT_EQ(ran, 100);
  loop->Post([&] { ++ran; });
  loop->Stop();
  EXPECT_EQ(ran, 100);
}

TEST_F(UdpLoopTest, NeverStarted) { Open("127.0.0.1"); }

TEST_F(UdpLoopTest, WhatCannotBeBound) {
  auto loop = Open("127.0.0.1");
  UdpLoopOptions options;
  options.host = "127.0.0.1";
  options.port = loop->local_port();
  EXPECT_FALSE(UdpLoop::Open(options, &clock_).ok());
  options.host = "not an address";
  EXPECT_EQ(UdpLoop::Open(options, &clock_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PeerAddressTest, ThereAndBack) {
  for (const char* peer : {"192.0.2.1:5683", "[2001:db8::1]:5684", "[::1]:1", "[fe80::1%7]:5683"}) {
    const auto address = ParsePeer(peer);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(FormatPeer(*address), peer);
  }
  EXPECT_EQ(FormatPeer(MappedToIpv6(*ParsePeer("192.0.2.1:5683"))), "192.0.2.1:5683");
  EXPECT_EQ(FormatPeer(MappedToIpv6(*ParsePeer("[::1]:5683"))), "[::1]:5683");
}

TEST(PeerAddressTest, WhatIsNoAddress) {
  for (const char* peer : {"", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:x",
                           "2001:db8::1:5683", "[2001:db8::1]", "device.example:5683", "[fe80::1%nowhere9]:5683"}) {
    EXPECT_FALSE(ParsePeer(peer).ok()) << peer;
  }
}

TEST(PeerAddressTest, ResolvesNames) {
  EXPECT_EQ(*ResolvePeer("127.0.0.1", 5683), "127.0.0.1:5683");
  EXPECT_EQ(*ResolvePeer("::1", 5683), "[::1]:5683");
  EXPECT_FALSE(ResolvePeer("no such host", 5683).ok());
}

TEST(PeerAddressTest, TheMemoryIsBounded) {
  PeerAddresses addresses(/*ipv6=*/false, /*max_size=*/10);
  for (int port = 1; port < 1000; ++port) {
    const Peer peer = absl::StrCat("192.0.2.1:", port);
    const SocketAddress* address = addresses.AddressOf(peer);
    ASSERT_NE(address, nullptr);
    EXPECT_EQ(addresses.NameOf(*address), peer);
  }
  EXPECT_LE(addresses.size(), 20u);
  EXPECT_EQ(addresses.AddressOf("[::1]:5683"), nullptr) << "an IPv4 socket cannot reach it";
}

}  // namespace
}  // namespace isthmus::coap
