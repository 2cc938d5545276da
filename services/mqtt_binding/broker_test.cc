// The binding over a real broker: what only shows on a wire.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "mqtt/async_client.h"
#include "services/lib/status/status_matchers.h"
#include "services/mqtt_binding/adapters/paho/paho_client.h"
#include "services/mqtt_binding/broker_testing.h"
#include "services/mqtt_binding/core/binding.h"
#include "services/mqtt_binding/test_broker.h"

// Known and bounded: see paho_client.h.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpaho-mqtt3as"; }

namespace isthmus::mqtt_binding {
namespace {

using onem2m::v1::HandleRequest;
using onem2m::v1::NotifyRequest;
using onem2m::v1::NotifyResponse;
using ::testing::HasSubstr;

void PublishRetained(const TestBroker& broker, const std::string& topic, const std::string& payload) {
  mqtt::async_client client(absl::StrCat("tcp://127.0.0.1:", broker.port()), "publisher");
  client.connect()->wait();
  client.publish(topic, payload.data(), payload.size(), 1, /*retained=*/true)->wait();
  client.disconnect()->wait();
}

// Another client comes with this id, which pushes its holder off, and leaves again.
void TakeOver(const TestBroker& broker, const std::string& client_id) {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(broker.port());
  ASSERT_EQ(connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  // CONNECT of MQTT 3.1.1: clean session false, keep alive 60 s.
  std::string packet("\x10\x00\x00\x04MQTT\x04\x00\x00\x3C\x00", 13);
  packet.push_back(static_cast<char>(client_id.size()));
  packet += client_id;
  packet[1] = static_cast<char>(packet.size() - 2);
  ASSERT_EQ(write(descriptor, packet.data(), packet.size()), static_cast<ssize_t>(packet.size()));
  char answer[4];
  ASSERT_EQ(read(descriptor, answer, sizeof(answer)), 4) << "no CONNACK";
  close(descriptor);
}

TEST(Broker, OneRequestAtATimeIsFastAndAnswered) {
  TestBroker broker;
  Service service(broker);
  Ae ae(broker, "Cme");
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  std::vector<absl::Duration> times;
  for (size_t i = 0; i < 200; ++i) {
    const absl::Time start = absl::Now();
    ae.Retrieve(absl::StrCat("r", i));
    ASSERT_TRUE(ae.AwaitNumber(i + 1));
    times.push_back(absl::Now() - start);
  }
  std::sort(times.begin(), times.end());
  // Without TCP_NODELAY on both ends it is 44 ms or more.
  EXPECT_LT(times[times.size() / 2], absl::Milliseconds(10));
  const auto received = ae.received();
  EXPECT_EQ(received[0].first, "/oneM2M/resp/Cme/id-in/json");
  EXPECT_THAT(received[0].second, HasSubstr(R"("rsc":2000,"rqi":"r0","rvi":"4","fr":"/id-in","to":"Cme")"));
}

TEST(Broker, ABurstIsAnsweredOnceEachAndInOrder) {
  TestBroker broker;
  Service service(broker);
  Ae ae(broker, "Cme");
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  constexpr size_t kRequests = 3000;
  for (size_t i = 0; i < kRequests; ++i) ae.Retrieve(absl::StrCat("r", i));
  ASSERT_TRUE(ae.AwaitNumber(kRequests));
  const auto received = ae.received();
  ASSERT_EQ(received.size(), kRequests);
  for (size_t i = 0; i < kRequests; ++i) {
    ASSERT_THAT(received[i].second, HasSubstr(absl::StrCat("\"rqi\":\"r", i, "\"")));
  }
  EXPECT_EQ(service.cse.calls(), static_cast<int>(kRequests));
}

TEST(Broker, DuplicatesAreExecutedOnce) {
  TestBroker broker;
  Service service(broker);
  Ae ae(broker, "Cme");
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  for (int i = 0; i < 3; ++i) ae.Send(ae.Request(4, "d1"));
  ae.Retrieve("after");
  EXPECT_EQ(ae.Await("\"after\""), 1u);
  EXPECT_GE(ae.Await("\"d1\""), 1u);
  EXPECT_EQ(service.cse.calls(), 2);
  EXPECT_EQ(service.binding.counters().duplicates, 2u);
}

// Field case "retained requests": as good as never executed, however often the service comes back.
TEST(Broker, RetainedRequestsAreNotExecutedAtAnyReconnect) {
  TestBroker broker;
  Ae ae(broker, "Cret");
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  PublishRetained(broker, "/oneM2M/req/Cret/id-in/json", ae.Request(3, "reboot"));
  for (int round = 0; round < 3; ++round) {
    Service service(broker);
    ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
    ae.Retrieve(absl::StrCat("round", round));
    EXPECT_EQ(ae.Await(absl::StrCat("round", round)), 1u);
    EXPECT_EQ(service.cse.calls(), 1);
    EXPECT_EQ(service.binding.counters().retained, 1u);
  }
  EXPECT_EQ(ae.Await("\"reboot\"", absl::ZeroDuration()), 0u);
}

TEST(Broker, WhatIsNoPrimitiveIsAnsweredAndTheServiceLives) {
  TestBroker broker;
  Service service(broker);
  Ae ae(broker, "Cbad");
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  ae.Send(absl::StrCat(R"({"op":2,"to":"x","fr":"Cbad","rqi":"deep","rvi":"4","pc":)", deep, "}"));
  ae.Send("hello, this is no JSON");
  ae.Send("");
  ae.Send(absl::StrCat(R"({"op":3,"to":"x","fr":"Cbad","rqi":"huge","rvi":"4","pc":{"m2m:bat":{"x":")",
                       std::string(1 << 20, 'x'), "\"}}}"));
  ae.Publish("/oneM2M/req/Cbad/id-in/json/too/deep", ae.Request(2, "stray1"));
  ae.Publish("/oneM2M/req/Cbad/id-in/JSON", ae.Request(2, "stray2"));
  ae.Publish("oneM2M/req/Cbad/id-in/json", ae.Request(2, "stray3"));
  ae.Publish("/oneM2M/req/Cbad/id-in", ae.Request(2, "untyped"));
  ae.Retrieve("after");
  ASSERT_EQ(ae.Await("\"after\""), 1u);
  EXPECT_EQ(ae.Await("\"deep\""), 1u);
  EXPECT_EQ(ae.Await("\"huge\""), 1u);
  EXPECT_EQ(ae.Await("\"untyped\""), 1u);
  EXPECT_EQ(ae.Await("stray", absl::ZeroDuration()), 0u);
  EXPECT_EQ(ae.received().size(), 6u);  // two of them without an rqi
  EXPECT_EQ(service.cse.calls(), 2);
  EXPECT_EQ(service.binding.counters().stray, 2u);  // the one without a leading slash never came
}

// Field case "broker away for five minutes", (a) with its persistence file: what was asked meanwhile is answered.
TEST(Broker, RequestsThatWaitedAtTheBrokerAreAnsweredOnce) {
  TestBroker broker;
  Ae ae(broker, "Cme");
  {
    Service first(broker);
    ASSERT_TRUE(first.link.Is(PahoClient::Link::kOnline));
    ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  }
  for (int i = 0; i < 50; ++i) ae.Retrieve(absl::StrCat("w", i, "."));
  broker.Stop();
  for (int i = 50; i < 100; ++i) ae.Retrieve(absl::StrCat("w", i, "."));
  broker.Start();
  Service second(broker);
  for (int i = 0; i < 100; ++i) ASSERT_GE(ae.Await(absl::StrCat("\"w", i, ".\"")), 1u) << i;
  EXPECT_EQ(second.cse.calls(), 100);
}

// ... (b) with its persistence file deleted, and killed: subscribed again whatever the broker remembers, and answers
// that became ready meanwhile arrive.
TEST(Broker, BrokerThatForgotEverythingIsSubscribedAgainAndAnswersSurvive) {
  TestBroker broker;
  Monitor monitor;
  std::vector<std::pair<HandleRequest, CsePort::Done>> held;
  Service service(broker, [&](const HandleRequest& request, CsePort::Done done) {
    if (!absl::StartsWith(request.primitive().request_identifier(), "slow")) return AnswerOk(request, std::move(done));
    monitor.Update([&] { held.emplace_back(request, std::move(done)); });
  });
  Ae ae(broker, "Cme");
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  constexpr int kSlow = 100;
  for (int i = 0; i < kSlow; ++i) ae.Retrieve(absl::StrCat("slow", i, "."));
  ASSERT_TRUE(monitor.Wait([&] { return held.size() == kSlow; }));
  broker.Kill();
  broker.ForgetSessions();
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kAway));
  for (auto& [request, done] : held) AnswerOk(request, done);
  EXPECT_FALSE(service.mqtt.connected());
  broker.Start();
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  // The application subscribes at the same time as the answers are sent: this broker may throw away some of those, but
  // who asks again gets the kept answer.
  ae.Retrieve("after");
  EXPECT_EQ(ae.Await("\"after\""), 1u);
  for (int i = 0; i < kSlow; ++i) ae.Retrieve(absl::StrCat("slow", i, "."));
  for (int i = 0; i < kSlow; ++i) ASSERT_GE(ae.Await(absl::StrCat("\"slow", i, ".\"")), 1u) << i;
  EXPECT_EQ(service.cse.calls(), kSlow + 1);
}

// Field case "order after a reconnect": nothing is lost or overtaken on our side of the broker.
TEST(Broker, MessagesKeepTheirOrderOverARestartOfTheBroker) {
  TestBroker broker;
  Service service(broker);
  Ae ae(broker, "Cmon");
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  constexpr int kValues = 2000;
  for (int i = 0; i < kValues; ++i) {
    service.mqtt.Publish({"noti/x", absl::StrCat(i)});
    if (i == kValues / 3) broker.Stop();
    if (i == 2 * kValues / 3) broker.Start();
  }
  ASSERT_GE(ae.Await(absl::StrCat(kValues - 1)), 1u);
  std::vector<bool> seen(kValues, false);
  int next = 0;
  for (const auto& [topic, payload] : ae.received()) {
    int value = -1;
    ASSERT_TRUE(absl::SimpleAtoi(payload, &value));
    // After the cut what was not acknowledged comes again, in order; nothing comes before what precedes it.
    ASSERT_LE(value, next) << "something was overtaken";
    next = std::max(next, value + 1);
    seen[static_cast<size_t>(value)] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), false), 0);
}

TEST(Broker, NotificationsReachTheirTargetAndSilenceEnds) {
  TestBroker broker;
  Service service(broker);
  Ae mon(broker, "Cmon", [](Ae& ae, const IncomingMessage& message) {
    if (!absl::StrContains(message.topic, "/req/") || absl::StrContains(message.payload, "silent")) return;
    ae.Publish("/oneM2M/resp/id-in/Cmon/json", R"({"rsc":2000,"rqi":"n1","rvi":"4"})");
  });
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  ASSERT_TRUE(mon.link.Is(PahoClient::Link::kOnline));
  Monitor monitor;
  std::vector<absl::StatusOr<NotifyResponse>> outcomes;
  const auto notify = [&](const std::string& target, const std::string& rqi, absl::Duration timeout) {
    NotifyRequest request;
    request.set_target(target);
    request.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_NOTIFY);
    request.mutable_primitive()->set_to(target);
    request.mutable_primitive()->set_from("/id-in");
    request.mutable_primitive()->set_request_identifier(rqi);
    request.mutable_primitive()->set_release_version_indicator("4");
    service.notifier.Notify(request, timeout, [&](absl::StatusOr<NotifyResponse> outcome) {
      monitor.Update([&] { outcomes.push_back(std::move(outcome)); });
    });
  };
  notify("Cmon", "n1", kPatience);
  ASSERT_TRUE(monitor.Wait([&] { return outcomes.size() == 1; }));
  ASSERT_THAT(outcomes[0], status::IsOk());
  EXPECT_EQ(outcomes[0]->primitive().response_status_code(), 2000u);

  notify("Cmon", "silent", absl::Milliseconds(200));
  notify("Cnobody", "n1", absl::Milliseconds(200));
  ASSERT_TRUE(monitor.Wait([&] { return outcomes.size() == 3; }));
  EXPECT_THAT(outcomes[1], status::StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(outcomes[2], status::StatusIs(absl::StatusCode::kDeadlineExceeded));

  notify("mqtt://127.0.0.1:1883/noti/x", "url1", kPatience);
  ASSERT_TRUE(monitor.Wait([&] { return outcomes.size() == 4; }));
  ASSERT_THAT(outcomes[3], status::IsOk());
  EXPECT_EQ(mon.Await("\"url1\""), 1u);

  broker.Kill();
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kAway));
  notify("Cmon", "n2", kPatience);
  ASSERT_TRUE(monitor.Wait([&] { return outcomes.size() == 5; }));
  EXPECT_THAT(outcomes[4], status::StatusIs(absl::StatusCode::kUnavailable));
}

// Field case "MQTT session takeover by a rolling update".
TEST(Broker, TakeoverByTheSameIdIsSeenAndOverWhenTheRivalGoes) {
  TestBroker broker;
  Service service(broker);
  ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  TakeOver(broker, "C::id-in");
  EXPECT_TRUE(service.link.Is(PahoClient::Link::kAway));
  EXPECT_TRUE(service.link.Is(PahoClient::Link::kOnline));  // once is nothing
  TakeOver(broker, "C::id-in");
  EXPECT_TRUE(service.link.Was(PahoClient::Link::kContested));
  EXPECT_TRUE(service.link.Is(PahoClient::Link::kOnline));
  Ae ae(broker, "Cme");
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  ae.Retrieve("r1");
  EXPECT_EQ(ae.Await("\"r1\""), 1u);
}

// A restart under load: whatever was delivered to the one that ends is answered by it, the rest by the next one.
TEST(Broker, EveryRequestIsAnsweredOverARestartOfTheService) {
  TestBroker broker;
  Ae ae(broker, "Cme");
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  auto service = std::make_unique<Service>(broker);
  ASSERT_TRUE(service->link.Is(PahoClient::Link::kOnline));
  std::atomic<bool> sending{true};
  std::atomic<int> sent{0};
  std::thread load([&] {
    while (sending) {
      ae.Retrieve(absl::StrCat("x", sent++, "."));
      absl::SleepFor(absl::Microseconds(500));
    }
  });
  int calls = 0;
  for (int restarts = 0; restarts < 2; ++restarts) {
    ASSERT_GE(ae.Await(absl::StrCat("\"x", sent + 20, ".\"")), 1u);
    service->mqtt.Stop(kPatience, [&] { return service->binding.in_flight() == 0; });
    calls += service->cse.calls();
    service = std::make_unique<Service>(broker);
  }
  ASSERT_TRUE(service->link.Is(PahoClient::Link::kOnline));
  sending = false;
  load.join();
  for (int i = 0; i < sent; ++i) ASSERT_EQ(ae.Await(absl::StrCat("\"x", i, ".\"")), 1u) << i << " of " << sent;
  EXPECT_EQ(calls + service->cse.calls(), sent);
}

TEST(Broker, StopSendsWhatIsPublishedAndLeavesTheSession) {
  TestBroker broker;
  Ae ae(broker, "Cme");
  ASSERT_TRUE(ae.link.Is(PahoClient::Link::kOnline));
  {
    Service service(broker);
    ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
    for (int i = 0; i < 500; ++i) service.mqtt.Publish({"noti/last", absl::StrCat("v", i, ".")});
    service.mqtt.Stop(kPatience);
    absl::Status outcome;
    service.mqtt.Publish({"noti/last", "late", absl::InfiniteFuture(), [&](const absl::Status& s) { outcome = s; }});
    EXPECT_THAT(outcome, status::StatusIs(absl::StatusCode::kCancelled));
  }
  EXPECT_EQ(ae.Await("v499."), 1u);
  ae.Retrieve("stored");
  Service successor(broker);
  EXPECT_EQ(ae.Await("\"stored\""), 1u);
}

}  // namespace
}  // namespace isthmus::mqtt_binding
