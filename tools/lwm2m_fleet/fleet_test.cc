// A fleet and its console on real sockets, against a small server in the same thread.
#include "tools/lwm2m_fleet/fleet.h"

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/coap/udp/udp_socket.h"
#include "services/lib/status/status_matchers.h"
#include "tools/lwm2m_fleet/console.h"

namespace isthmus::fleet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class FleetTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<coap::UdpSocket>> socket = coap::UdpSocket::Open("127.0.0.1", 0);
    ASSERT_THAT(socket, status::IsOk());
    socket_ = *std::move(socket);
    server_ = std::make_unique<coap::Endpoint>(coap::EndpointOptions(), &clock_, random_.get(), socket_.get());
    server_->SetRequestHandler([this](coap::IncomingRequest request, coap::Responder respond) {
      coap::OutgoingResponse response;
      const std::vector<std::string> query = request.message.TextOptions(coap::kUriQuery);
      if (request.message.code == coap::kDelete) {
        ++deregistered_;
        response.code = coap::kDeleted;
      } else if (!query.empty() && query[0].rfind("ep=", 0) == 0) {
        peers_[query[0].substr(3)] = request.peer;
        response.code = coap::kCreated;
        response.options = {{coap::kLocationPath, "rd"}, {coap::kLocationPath, query[0].substr(3)}};
      } else {
        response.code = coap::kChanged;
      }
      respond(std::move(response));
    });
  }

  FleetOptions Options(size_t count) {
    FleetOptions options;
    options.count = count;
    options.bind = "127.0.0.1";
    options.client.server = absl::StrCat("127.0.0.1:", socket_->local_port());
    return options;
  }
  void Open(FleetOptions options) {
    absl::StatusOr<std::unique_ptr<Fleet>> fleet = Fleet::Open(std::move(options), &clock_);
    ASSERT_THAT(fleet, status::IsOk());
    fleet_ = *std::move(fleet);
  }
  // Runs both until `condition` holds, at most 20 s.
  bool Until(const std::function<bool()>& condition) {
    const absl::Duration deadline = clock_.Monotonic() + absl::Seconds(20);
    while (!condition()) {
      if (clock_.Monotonic() > deadline) return false;
      fleet_->Step(absl::Milliseconds(5));
      while (socket_->ReceiveBatch([this](const coap::Peer& peer, absl::string_view datagram) {
        server_->Receive(peer, datagram);
      }) > 0) {
      }
      server_->Tick();
      socket_->Flush();
    }
    return true;
  }

  SystemClock clock_;
  std::unique_ptr<coap::Random> random_ = coap::SystemRandom();
  std::unique_ptr<coap::UdpSocket> socket_;
  std::unique_ptr<coap::Endpoint> server_;
  std::unique_ptr<Fleet> fleet_;
  std::map<std::string, coap::Peer> peers_;
  size_t deregistered_ = 0;
};

TEST_F(FleetTest, RegistersFromAPortEachAndLeaves) {
  Open(Options(300));
  ASSERT_TRUE(Until([this] { return fleet_->registered() == 300; }));
  std::map<coap::Peer, int> ports;
  for (const auto& [name, peer] : peers_) ++ports[peer];
  EXPECT_EQ(ports.size(), 300u);
  EXPECT_EQ(peers_.count("fleet-00000"), 1u);
  EXPECT_EQ(peers_.count("fleet-00299"), 1u);
  EXPECT_THAT(fleet_->Report(), HasSubstr(R"("devices":300,"registered":300)"));
  fleet_->DeregisterAll();
  ASSERT_TRUE(Until([this] { return fleet_->AllOff(); }));
  EXPECT_EQ(deregistered_, 300u);
  EXPECT_EQ(fleet_->registered(), 0u);
}

TEST_F(FleetTest, NamesAreAsTheyShouldBe) {
  FleetOptions options = Options(1);
  options.name = "only";
  Open(options);
  ASSERT_TRUE(Until([this] { return peers_.count("only") == 1; }));
  options = Options(2);
  options.name_pattern = "dev%d";
  options.first = 7;
  Open(options);
  ASSERT_TRUE(Until([this] { return peers_.count("dev7") == 1 && peers_.count("dev8") == 1; }));
  EXPECT_NE(fleet_->Find(8), nullptr);
  EXPECT_EQ(fleet_->Find(9), nullptr);
  EXPECT_EQ(fleet_->Find(6), nullptr);
  for (const char* pattern : {"dev", "dev%s", "%d%d", "dev%"}) {
    options.name_pattern = pattern;
    EXPECT_THAT(Fleet::Open(options, &clock_), status::StatusIs(absl::StatusCode::kInvalidArgument)) << pattern;
  }
}

TEST_F(FleetTest, AnAddressThatIsNotOursIsAnError) {
  FleetOptions options = Options(1);
  options.bind = "203.0.113.77";
  EXPECT_FALSE(Fleet::Open(options, &clock_).ok());
}

TEST_F(FleetTest, TheConsoleReachesDevices) {
  Open(Options(2));
  ASSERT_TRUE(Until([this] { return fleet_->registered() == 2; }));
  std::vector<std::string> lines;
  Console console(fleet_.get(), [&lines](const std::string& line) { lines.push_back(line); });
  std::string value;
  const auto read = [&] {
    coap::OutgoingRequest request;
    request.path = {"3", "0", "9"};
    value.clear();
    server_->Send(peers_["fleet-00001"], request,
                  [&value](coap::Exchange exchange) { value = exchange.message.payload; });
  };
  console.Receive("set 1 /3/0/");
  EXPECT_TRUE(lines.empty());
  console.Receive("9 42\r\n\nstats\n");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "ok: set 1 /3/0/9 42");
  EXPECT_THAT(lines[1], StartsWith(R"({"devices":2)"));
  read();
  EXPECT_TRUE(Until([&value] { return value == "42"; }));

  lines.clear();
  console.Receive("deregister 0\nreboot 1\n");
  EXPECT_TRUE(Until([this] { return deregistered_ == 1 && fleet_->registered() == 1; }));
  console.Receive("silence 1 on\ncomposites 1 refuse\nset 0 /3/0/1 two words\n");
  for (const std::string& line : lines) EXPECT_THAT(line, StartsWith("ok: "));

  lines.clear();
  console.Receive(
      "set 5 /3/0/9 1\nset x /3/0/9 1\nset 0 3/0/9 1\nset 0 /3/0/9 x\nset 0\nreboot\nsilence 0 maybe\ncomposites 0 "
      "x\nhello\nquit "
      "now\n");
  EXPECT_EQ(lines.size(), 10u);
  for (const std::string& line : lines) EXPECT_THAT(line, StartsWith("error: "));
  EXPECT_FALSE(console.quit());
  console.Receive("quit\n");
  EXPECT_TRUE(console.quit());
}

TEST_F(FleetTest, DescriptorsAreWatched) {
  Open(Options(1));
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  int calls = 0;
  ASSERT_TRUE(fleet_->Watch(ends[0], [&] {
    char octet;
    if (read(ends[0], &octet, 1) == 1 && ++calls == 2) fleet_->Unwatch(ends[0]);
  }));
  ASSERT_EQ(write(ends[1], "abc", 3), 3);
  EXPECT_TRUE(Until([&calls] { return calls == 2; }));
  fleet_->Step(absl::ZeroDuration());
  EXPECT_EQ(calls, 2);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace isthmus::fleet
