#include "tools/lwm2m_fleet/client.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::fleet {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kServer[] = "192.0.2.1:5683", kDevice[] = "192.0.2.2:40000";

class SplitMix final : public coap::Random {
 public:
  uint64_t Next() override {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

 private:
  uint64_t state_ = 42;
};

// Datagrams wait until Pump carries them over.
class Wire final : public coap::Transport {
 public:
  void Send(const coap::Peer&, const std::string& datagram) override { waiting.push_back(datagram); }
  std::deque<std::string> waiting;
};

// A server that gives out locations, and writes down what it hears.
class Server {
 public:
  Server(const Clock* clock, coap::Random* random) : endpoint_({}, clock, random, &wire) {
    endpoint_.SetRequestHandler([this](coap::IncomingRequest request, coap::Responder respond) {
      const std::vector<std::string> path = request.message.TextOptions(coap::kUriPath);
      const std::vector<std::string> query = request.message.TextOptions(coap::kUriQuery);
      coap::OutgoingResponse response;
      if (request.message.code == coap::kPost && path.size() == 1 && path[0] == "rd") {
        heard.push_back("register");
        register_query = query;
        register_payload = request.message.payload;
        response.code = refuse_registrations ? coap::kForbidden : coap::kCreated;
        location = absl::StrCat("loc", ++registrations_);
        response.options = {{coap::kLocationPath, "rd"}, {coap::kLocationPath, location}};
      } else if (path.size() != 2 || path[1] != location) {
        heard.push_back("unknown location");
        response.code = coap::kNotFound;
      } else if (request.message.code == coap::kPost) {
        heard.push_back("update");
        update_query = query;
        response.code = coap::kChanged;
      } else {
        heard.push_back("deregister");
        response.code = coap::kDeleted;
      }
      respond(std::move(response));
    });
    endpoint_.SetNotificationHandler([this](const coap::Notified& notified) {
      notifications.push_back(notified.message.payload);
      return !refuse_notifications;
    });
  }

  coap::Endpoint& endpoint() { return endpoint_; }

  Wire wire;
  std::vector<std::string> heard, register_query, update_query, notifications;
  std::string register_payload, location;
  bool refuse_registrations = false, refuse_notifications = false;

 private:
  coap::Endpoint endpoint_;
  int registrations_ = 0;
};

class ClientTest : public testing::Test {
 protected:
  void Make(ClientOptions options) {
    options.endpoint_name = "dev1";
    options.server = kServer;
    client_ = std::make_unique<Client>(std::move(options), &clock_, &random_, &wire_, &counters_);
  }
  void MakeRegistered(ClientOptions options = {}) {
    Make(std::move(options));
    client_->Start();
    Pump();
    ASSERT_TRUE(client_->registered());
    server_.heard.clear();
  }
  // Carries datagrams both ways until none is left.
  void Pump() {
    for (int round = 0; round < 1000; ++round) {
      client_->Tick();
      server_.endpoint().Tick();
      if (wire_.waiting.empty() && server_.wire.waiting.empty()) return;
      while (!wire_.waiting.empty()) {
        const std::string datagram = std::exchange(wire_.waiting.front(), {});
        wire_.waiting.pop_front();
        if (!cut_) server_.endpoint().Receive(kDevice, datagram);
      }
      while (!server_.wire.waiting.empty()) {
        const std::string datagram = std::exchange(server_.wire.waiting.front(), {});
        server_.wire.waiting.pop_front();
        if (!cut_) client_->Receive(kServer, datagram);
      }
    }
    ADD_FAILURE() << "the two never come to rest";
  }
  void Pass(absl::Duration time, absl::Duration step = absl::Milliseconds(500)) {
    for (; time > absl::ZeroDuration(); time -= step) {
      clock_.Advance(std::min(step, time));
      Pump();
    }
  }
  // The answer of the device; a message without a code when there was none in time.
  coap::Exchange Ask(coap::OutgoingRequest request, absl::Duration wait = absl::ZeroDuration()) {
    // The endpoint may call back long after this has returned.
    struct Heard {
      coap::Exchange exchange;
      bool done = false;
    };
    const auto heard = std::make_shared<Heard>();
    server_.endpoint().Send(kDevice, std::move(request), [heard](coap::Exchange exchange) {
      heard->exchange = std::move(exchange);
      heard->done = true;
    });
    Pump();
    if (wait > absl::ZeroDuration()) Pass(wait);
    answered_ = heard->done;
    coap::Exchange result = heard->exchange;
    if (!answered_) result.outcome = coap::Exchange::Outcome::kTimeout;
    return result;
  }
  static coap::OutgoingRequest Request(coap::Code method, absl::string_view path) {
    coap::OutgoingRequest request;
    request.method = method;
    for (absl::string_view segment : absl::StrSplit(path, '/', absl::SkipEmpty())) {
      request.path.emplace_back(segment);
    }
    return request;
  }
  std::string Read(absl::string_view path) { return Ask(Request(coap::kGet, path)).message.payload; }
  coap::Exchange Observe(absl::string_view path) {
    coap::OutgoingRequest request = Request(coap::kGet, path);
    request.observe = 0;
    return Ask(std::move(request));
  }
  coap::Code Put(absl::string_view path, std::vector<std::string> query, std::string payload = "") {
    coap::OutgoingRequest request = Request(coap::kPut, path);
    request.query = std::move(query);
    request.payload = std::move(payload);
    if (request.query.empty()) request.content_format = 0;
    return Ask(std::move(request)).message.code;
  }
  void Set(absl::string_view path, absl::string_view value) {
    ASSERT_THAT(client_->Set(*lwm2m::ParsePath(path), value), status::IsOk());
    Pump();
  }

  FakeClock clock_;
  SplitMix random_;
  Wire wire_;  // from the device
  Counters counters_;
  Server server_{&clock_, &random_};
  std::unique_ptr<Client> client_;
  bool cut_ = false, answered_ = false;
};

TEST_F(ClientTest, AnswersCompositeOperationsRefusesThemOrIsSilent) {
  MakeRegistered();
  coap::OutgoingRequest fetch = Request(coap::kFetch, "");
  fetch.content_format = 110;
  fetch.payload = R"([{"n":"/3/0/9"},{"n":"/1/0/1"}])";
  EXPECT_EQ(Ask(fetch).message.payload, R"([{"bn":"/1/0/","n":"1","v":300},{"bn":"/3/0/","n":"9","v":80}])");
  client_->SetComposites(Composites::kRefuse);
  EXPECT_EQ(Ask(fetch).message.code, coap::kMethodNotAllowed);
  client_->SetComposites(Composites::kSilence);
  const coap::Exchange silent = Ask(fetch, absl::Seconds(94));
  EXPECT_EQ(silent.outcome, coap::Exchange::Outcome::kTimeout);
  EXPECT_TRUE(silent.acknowledged);
  EXPECT_EQ(Read("/3/0/9"), "80");
  EXPECT_FALSE(ParseComposites("").ok());
}

TEST_F(ClientTest, RegistersUpdatesAndLeaves) {
  ClientOptions options;
  options.device.lifetime_seconds = 100;
  Make(options);
  client_->Start();
  Pump();
  ASSERT_TRUE(client_->registered());
  EXPECT_THAT(server_.register_query, ElementsAre("ep=dev1", "lt=100", "lwm2m=1.1", "b=U"));
  const auto links = lwm2m::codec::ParseRegistrationLinks(server_.register_payload);
  ASSERT_THAT(links, status::IsOk());
  EXPECT_THAT(links->warnings, IsEmpty());
  EXPECT_EQ(links->links.size(), 10u);
  EXPECT_THAT(links->content_formats, ElementsAre(110, 112, 11542));

  Pass(absl::Seconds(89));
  EXPECT_THAT(server_.heard, ElementsAre("register"));
  Pass(absl::Seconds(1));
  EXPECT_THAT(server_.heard, ElementsAre("register", "update"));
  EXPECT_THAT(server_.update_query, IsEmpty());

  bool done = false;
  client_->Deregister([&done] { done = true; });
  Pump();
  EXPECT_TRUE(done);
  EXPECT_EQ(server_.heard.back(), "deregister");
  EXPECT_EQ(client_->state(), Client::State::kOff);
  Pass(absl::Seconds(200));
  EXPECT_EQ(server_.heard.back(), "deregister");
}

TEST_F(ClientTest, RegistersAgainWhenTheServerHasForgottenIt) {
  MakeRegistered();
  server_.location = "another";
  Pass(absl::Seconds(271));
  EXPECT_THAT(server_.heard, ElementsAre("unknown location", "register"));
  EXPECT_TRUE(client_->registered());
  EXPECT_EQ(client_->last_failure(), "Update: 4.04 Not Found");
}

TEST_F(ClientTest, TriesAgainLaterWhenItIsRefused) {
  server_.refuse_registrations = true;
  Make({});
  client_->Start();
  Pass(absl::Seconds(10));
  EXPECT_FALSE(client_->registered());
  EXPECT_GE(server_.heard.size(), 3u);
  EXPECT_LE(server_.heard.size(), 5u);  // further and further apart
  server_.refuse_registrations = false;
  Pass(absl::Seconds(30));
  EXPECT_TRUE(client_->registered());
}

TEST_F(ClientTest, AWrittenLifetimeIsTold) {
  MakeRegistered();
  EXPECT_EQ(Put("/1/0/1", {}, "60"), coap::kChanged);
  EXPECT_THAT(server_.heard, ElementsAre("update"));
  EXPECT_THAT(server_.update_query, ElementsAre("lt=60"));
  Pass(absl::Seconds(54));
  EXPECT_THAT(server_.heard, ElementsAre("update", "update"));
}

TEST_F(ClientTest, AnswersAndNotifies) {
  MakeRegistered();
  EXPECT_EQ(Read("/3/0/9"), "80");
  const coap::Exchange observed = Observe("/3/0/9");
  EXPECT_EQ(observed.message.payload, "80");
  EXPECT_EQ(observed.message.UintOption(coap::kObserve), 0u);
  Set("/3/0/9", "60");
  Set("/3/0/9", "60");
  Set("/3/0/10", "9");
  EXPECT_THAT(server_.notifications, ElementsAre("60"));
  EXPECT_EQ(counters_.notifications, 1u);

  coap::OutgoingRequest cancel = Request(coap::kGet, "/3/0/9");
  cancel.observe = 1;
  cancel.token = observed.token;
  EXPECT_EQ(Ask(cancel).message.code, coap::kContent);
  Set("/3/0/9", "50");
  EXPECT_THAT(server_.notifications, ElementsAre("60"));
}

TEST_F(ClientTest, AnObservationThatIsResetEnds) {
  MakeRegistered();
  Observe("/3/0/9");
  server_.refuse_notifications = true;
  Set("/3/0/9", "60");
  EXPECT_EQ(client_->observations(), 0u);
  EXPECT_EQ(counters_.notifications_failed, 1u);
}

TEST_F(ClientTest, PeriodsAndThresholds) {
  MakeRegistered();
  EXPECT_EQ(Put("/3/0/9", {"pmin=10", "pmax=60"}), coap::kChanged);
  Observe("/3/0/9");
  Set("/3/0/9", "79");
  Set("/3/0/9", "78");
  EXPECT_THAT(server_.notifications, IsEmpty());
  Pass(absl::Seconds(10));
  EXPECT_THAT(server_.notifications, ElementsAre("78"));  // the newest, once
  Pass(absl::Seconds(59));
  EXPECT_THAT(server_.notifications, ElementsAre("78"));
  Pass(absl::Seconds(1));
  EXPECT_THAT(server_.notifications, ElementsAre("78", "78"));  // pmax

  EXPECT_EQ(Put("/3/0/9", {"pmin", "pmax", "lt=50", "st=20"}), coap::kChanged);
  Set("/3/0/9", "70");
  EXPECT_EQ(server_.notifications.size(), 2u);
  Set("/3/0/9", "58");  // 20 below the last one told
  EXPECT_EQ(server_.notifications.size(), 3u);
  Set("/3/0/9", "49");  // below 50
  EXPECT_EQ(server_.notifications.back(), "49");
}

TEST_F(ClientTest, OneNotificationIsUnderWayAtATime) {
  MakeRegistered();
  Observe("/3/0/9");
  cut_ = true;
  Set("/3/0/9", "60");
  Set("/3/0/9", "50");
  Set("/3/0/9", "40");
  EXPECT_EQ(counters_.notifications, 1u);
  cut_ = false;
  Pass(absl::Seconds(4));  // retransmission
  EXPECT_THAT(server_.notifications, ElementsAre("60", "40"));
}

TEST_F(ClientTest, LargeBodiesGoInBlocks) {
  MakeRegistered();
  coap::OutgoingRequest write = Request(coap::kPut, "/5/0/0");
  write.content_format = 42;
  write.payload = std::string(5000, 'x');
  EXPECT_EQ(Ask(write).message.code, coap::kChanged);
  EXPECT_EQ(Read("/5/0/3"), "2");
  const std::string name(3000, 'n');
  EXPECT_EQ(Put("/3303/0/5750", {}, name), coap::kChanged);
  EXPECT_EQ(Read("/3303/0/5750"), name);
}

TEST_F(ClientTest, FirmwareUpdate) {
  MakeRegistered();
  coap::OutgoingRequest observe = Request(coap::kGet, "/5/0/3");
  observe.observe = 0;
  Ask(observe);
  EXPECT_EQ(Put("/5/0/1", {}, "coap://example.com/fw-2.0.0.bin"), coap::kChanged);
  Pass(absl::Seconds(2));
  EXPECT_EQ(Ask(Request(coap::kPost, "/5/0/2")).message.code, coap::kChanged);
  EXPECT_THAT(server_.notifications, ElementsAre("1", "2", "3"));
  Pass(absl::Seconds(2));
  EXPECT_THAT(server_.heard, ElementsAre("deregister"));
  Pass(absl::Seconds(1));
  EXPECT_THAT(server_.heard, ElementsAre("deregister", "register"));
  EXPECT_EQ(Read("/5/0/3"), "0");
  EXPECT_EQ(Read("/5/0/5"), "1");
  EXPECT_EQ(Read("/3/0/3"), "2.0.0");
  EXPECT_EQ(client_->observations(), 0u);
}

TEST_F(ClientTest, ARebootForgetsObservationsAndRegistersAgain) {
  MakeRegistered();
  Observe("/3/0/9");
  EXPECT_EQ(Ask(Request(coap::kPost, "/3/0/4")).message.code, coap::kChanged);
  EXPECT_EQ(client_->state(), Client::State::kRestarting);
  Ask(Request(coap::kGet, "/3/0/9"));
  EXPECT_FALSE(answered_);
  Pass(absl::Seconds(1));
  EXPECT_THAT(server_.heard, ElementsAre("register"));
  EXPECT_EQ(client_->observations(), 0u);
  Set("/3/0/9", "33");
  EXPECT_THAT(server_.notifications, IsEmpty());
}

TEST_F(ClientTest, AFactoryResetDeregistersFirst) {
  MakeRegistered();
  EXPECT_EQ(Ask(Request(coap::kPost, "/3/0/5")).message.code, coap::kChanged);
  Pass(absl::Seconds(1));
  EXPECT_THAT(server_.heard, ElementsAre("deregister", "register"));
}

TEST_F(ClientTest, ASilentDeviceOnlyUpdates) {
  MakeRegistered();
  Observe("/3/0/9");
  client_->SetSilent(true);
  Ask(Request(coap::kGet, "/3/0/9"), absl::Seconds(10));
  EXPECT_FALSE(answered_);
  Set("/3/0/9", "60");
  EXPECT_THAT(server_.notifications, IsEmpty());
  Pass(absl::Seconds(270));
  EXPECT_THAT(server_.heard, Contains("update"));
  client_->SetSilent(false);
  EXPECT_EQ(Read("/3/0/10"), "15");
  EXPECT_THAT(server_.notifications, ElementsAre("60"));
}

TEST_F(ClientTest, ASlowDeviceAnswersLater) {
  ClientOptions options;
  options.answer_after = absl::Seconds(3);
  MakeRegistered(options);
  Ask(Request(coap::kGet, "/3/0/9"), absl::Seconds(2));
  EXPECT_FALSE(answered_);
  EXPECT_EQ(Ask(Request(coap::kGet, "/3/0/9"), absl::Seconds(3)).message.payload, "80");
}

TEST_F(ClientTest, InQueueModeItSleeps) {
  ClientOptions options;
  options.queue_mode = true;
  options.awake = absl::Seconds(20);
  MakeRegistered(options);
  EXPECT_THAT(server_.register_query, Contains("Q"));
  Pass(absl::Seconds(19));
  EXPECT_EQ(Read("/3/0/9"), "80");  // the window starts again with each exchange
  Pass(absl::Seconds(19));
  EXPECT_EQ(Read("/3/0/9"), "80");
  Pass(absl::Seconds(21));
  coap::OutgoingRequest request = Request(coap::kGet, "/3/0/9");
  request.timeout = absl::Seconds(5);
  Ask(request, absl::Seconds(6));
  EXPECT_EQ(counters_.requests, 2u);
  Pass(absl::Seconds(210));
  EXPECT_THAT(server_.heard, ElementsAre("update"));
  EXPECT_EQ(Read("/3/0/9"), "80");
}

TEST_F(ClientTest, ValuesChangeByThemselves) {
  ClientOptions options;
  options.change_every = absl::Seconds(5);
  MakeRegistered(options);
  Observe("/3303/0/5700");
  Observe("/3/0/9");
  Pass(absl::Seconds(20));
  EXPECT_EQ(server_.notifications.size(), 8u);
}

TEST_F(ClientTest, LossIsMadeUpForByRetransmission) {
  ClientOptions options;
  options.loss = 0.3;
  options.device.lifetime_seconds = 10;
  Make(options);
  client_->Start();
  Pass(absl::Minutes(10));
  EXPECT_GT(counters_.updates, 20u);
  EXPECT_GT(counters_.datagrams_lost, 20u);
  options.loss = 1;
  Make(options);
  client_->Start();
  Pass(absl::Seconds(60));
  EXPECT_FALSE(client_->registered());
}

}  // namespace
}  // namespace isthmus::fleet
