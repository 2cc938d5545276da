// What goes wrong for people who run software of this kind: a scripted device, a server, and the right outcome.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/simulation.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using Outcome = coap::Exchange::Outcome;

class FieldCasesTest : public testing::Test {
 protected:
  Network network_;
  SimulatedServer server_{&network_};
};

// "device restarts and registers without de-registering"
TEST_F(FieldCasesTest, DeviceRestartsAndRegistersWithoutDeregistering) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  for (const char* path : {"/3/0/9", "/3/0/20", "/5/0/3"}) {
    device.values[path] = "80";
    server_.Interest("d", path);
  }
  device.Register();
  network_.Run(absl::Seconds(2));
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(device.observers.size(), 3u) << round;
    std::string old_token;
    for (const auto& [token, path] : device.observers) {
      if (path == "/3/0/9") old_token = token;
    }
    const std::string old_location = device.location;
    device.Restart(round % 2 == 0 ? "" : absl::StrCat("10.0.0.1:", 100 + round));
    device.Register();
    if (round == 5) {
      // The same Register once more, as a message of its own.
      network_.Run(absl::Milliseconds(40));
      device.Register();
    }
    network_.Run(absl::Seconds(2));
    ASSERT_EQ(device.observers.size(), 3u) << round;
    server_.events.clear();
    device.notified.clear();
    device.NotifyWith(old_token, {205, {}, "1"});
    network_.Run(absl::Seconds(1));
    EXPECT_THAT(device.notified, ElementsAre(Outcome::kReset));
    device.Set("/3/0/9", "60");
    network_.Run(absl::Seconds(1));
    EXPECT_THAT(server_.Told(), ElementsAre("value d /3/0/9=60"));
    device.values["/3/0/9"] = "80";
    const std::string location = device.location;
    device.location = old_location;
    device.Update();
    network_.Run(absl::Seconds(1));
    EXPECT_EQ(device.last_answer, coap::kNotFound);
    device.location = location;
  }
  EXPECT_EQ(server_.endpoint().statistics().observations, 3u);
  EXPECT_EQ(server_.store.LoadObservations().size(), 3u);
  EXPECT_EQ(server_.core().lines().statistics().devices, 1u);
  EXPECT_EQ(server_.core().lines().statistics().waiting, 0u);
  EXPECT_EQ(server_.core().lines().statistics().under_way, 0u);
}

TEST_F(FieldCasesTest, WhatWasAskedBeforeARestartIsAskedAgainAfterIt) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  device.answer_delay = absl::Seconds(40);  // acknowledges, and will not live to answer
  server_.Interest("d", "/3/0/9");
  device.Register();
  network_.Run(absl::Seconds(2));
  server_.Read("d", "/3/0/9", absl::Seconds(60));
  network_.Run(absl::Seconds(2));
  device.Restart();
  device.answer_delay = absl::ZeroDuration();
  device.Register();
  network_.Run(absl::Seconds(2));
  EXPECT_EQ(server_.Told().back(), "value d /3/0/9=80 initial");
  EXPECT_EQ(device.observers.size(), 1u);
  EXPECT_EQ(server_.endpoint().statistics().observations, 1u);
  ASSERT_EQ(server_.answers.size(), 1u);
  EXPECT_EQ(server_.answers[0].result.coap_code(), 205u);
}

TEST_F(FieldCasesTest, AnObservationAnsweredAfterTheDeviceLeftIsNotKept) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  device.answer_delay = absl::Seconds(5);
  server_.Interest("d", "/3/0/9");
  device.Register();
  network_.Run(absl::Seconds(2));
  device.Deregister();
  network_.Run(absl::Seconds(10));
  EXPECT_THAT(server_.Told(), ElementsAre("registered d", "left d"));
  EXPECT_EQ(server_.endpoint().statistics().observations, 0u);
  EXPECT_THAT(server_.store.LoadObservations(), IsEmpty());
  device.answer_delay = absl::ZeroDuration();
  device.Register();
  network_.Run(absl::Seconds(2));
  EXPECT_EQ(server_.Told().back(), "value d /3/0/9=80 initial");
}

// "NAT gives a new port, or the old port to somebody else", a
TEST_F(FieldCasesTest, NatGivesANewPort) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  server_.Interest("d", "/3/0/9");
  device.Register();
  network_.Run(absl::Seconds(1));
  device.Move("10.0.0.1:2");
  server_.events.clear();
  device.Set("/3/0/9", "50");
  network_.Run(absl::Seconds(1));
  EXPECT_THAT(server_.Told(), IsEmpty());  // whoever that is, it is not our device
  device.Update();
  network_.Run(absl::Seconds(2));
  EXPECT_THAT(server_.Told(), ElementsAre("updated d", "value d /3/0/9=50 initial"));
  server_.Read("d", "/3/0/9");
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(server_.answers.size(), 1u);
  EXPECT_EQ(server_.answers[0].result.coap_code(), 205u);
  device.Set("/3/0/9", "40");
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(server_.Told().back(), "value d /3/0/9=40");
}

// b
TEST_F(FieldCasesTest, TheOldPortGoesToSomebodyElse) {
  SimulatedDevice d1(&network_, "10.0.0.1:1", "d1");
  d1.values["/3/0/9"] = "11";
  server_.Interest("d1", "/3/0/9");
  server_.Interest("d2", "/3/0/9");
  d1.Register({"lt=3600"});
  network_.Run(absl::Seconds(1));
  d1.Move("10.0.0.99:9");  // gone from there without a word
  SimulatedDevice d2(&network_, "10.0.0.1:1", "d2");
  d2.values["/3/0/9"] = "22";
  d2.Register({"lt=3600"});
  network_.Run(absl::Seconds(1));
  // Nobody knows where d1 is: it is not asked at the address of d2.
  server_.Read("d1", "/3/0/9", absl::Seconds(10));
  server_.Read("d2", "/3/0/9", absl::Seconds(10));
  network_.Run(absl::Seconds(11));
  ASSERT_EQ(server_.answers.size(), 2u);
  EXPECT_EQ(server_.answers[0].result.nodes(0).value().raw().octets(), "22");
  EXPECT_EQ(server_.answers[1].result.outcome(), lwm2m::v1::OUTCOME_EXPIRED_UNSENT);
  d1.Move("10.0.0.1:3");
  d1.Update();
  network_.Run(absl::Seconds(1));
  server_.answers.clear();
  server_.Read("d1", "/3/0/9");
  server_.Read("d2", "/3/0/9");
  d1.Set("/3/0/9", "12");
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(server_.answers.size(), 2u);
  EXPECT_EQ(server_.answers[0].result.nodes(0).value().raw().octets(), "12");
  EXPECT_EQ(server_.answers[1].result.nodes(0).value().raw().octets(), "22");
  EXPECT_THAT(server_.Told(), Contains("value d1 /3/0/9=12"));
  EXPECT_THAT(server_.Told(), Not(Contains("value d1 /3/0/9=22")));
  EXPECT_THAT(server_.Told(), Not(Contains("value d1 /3/0/9=22 initial")));
}

// c and d
TEST_F(FieldCasesTest, TwiceFromOneSocketAndAFloodOfPorts) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  server_.Interest("d", "/3/0/9");
  device.Register();
  network_.Run(absl::Milliseconds(500));
  device.Register();
  network_.Run(absl::Milliseconds(500));
  device.Update();
  network_.Run(absl::Milliseconds(500));
  EXPECT_EQ(device.last_answer, coap::kChanged);
  for (int i = 2; i <= 51; ++i) {
    device.Move(absl::StrCat("10.0.0.1:", i));
    device.Update();
    network_.Run(absl::Milliseconds(30));
  }
  network_.Run(absl::Seconds(10));
  server_.Read("d", "/3/0/9");
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(server_.answers.size(), 1u);
  EXPECT_EQ(server_.answers[0].result.coap_code(), 205u);
  EXPECT_EQ(server_.endpoint().statistics().observations, 1u);
  server_.events.clear();
  device.Set("/3/0/9", "7");
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(server_.CountTold("value d /3/0/9=7"), 1u);
}

// "empty ACK then silence; one slow request holds up the rest"
TEST_F(FieldCasesTest, EmptyAcknowledgementThenSilence) {
  SimulatedDevice slow(&network_, "10.0.0.1:1", "slow");
  SimulatedDevice healthy(&network_, "10.0.0.2:1", "healthy");
  slow.Register({"lt=3600"});
  healthy.Register({"lt=3600"});
  network_.Run(absl::Seconds(1));
  slow.answer_delay = absl::Seconds(40);
  server_.Read("slow", "/3/0/9", absl::Seconds(60));
  network_.Run(absl::Milliseconds(100));
  slow.answer_delay = absl::ZeroDuration();
  for (int i = 0; i < 4; ++i) server_.Read("slow", "/3/0/9", absl::Seconds(5));
  server_.Read("healthy", "/3/0/9", absl::Seconds(5));
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(server_.answers.size(), 5u);  // all but the slow one, at once
  for (const auto& answer : server_.answers) {
    EXPECT_EQ(answer.result.coap_code(), 205u);
    EXPECT_LT(answer.after, absl::Milliseconds(100));
  }
  network_.Run(absl::Seconds(60));
  ASSERT_EQ(server_.answers.size(), 6u);  // and the late response once
  EXPECT_EQ(server_.answers[5].result.coap_code(), 205u);

  // Variant: never a response.
  server_.answers.clear();
  slow.acknowledge_only = true;
  for (int i = 0; i < 3; ++i) server_.Read("slow", "/3/0/9", absl::Seconds(5));
  network_.Run(absl::Seconds(6));
  ASSERT_EQ(server_.answers.size(), 3u);
  for (const auto& answer : server_.answers) {
    EXPECT_EQ(answer.result.outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
    EXPECT_LE(answer.after, absl::Seconds(5));
  }
  EXPECT_EQ(slow.requests.size(), 8u);

  // Variant: no ACK at all. The line is held by one request, the others end in time, unsent.
  server_.answers.clear();
  slow.acknowledge_only = false;
  slow.deaf = true;
  server_.Read("slow", "/3/0/9", absl::Seconds(20));
  for (int i = 0; i < 3; ++i) server_.Read("slow", "/3/0/9", absl::Seconds(5));
  server_.Read("healthy", "/3/0/9", absl::Seconds(5));
  network_.Run(absl::Seconds(21));
  ASSERT_EQ(server_.answers.size(), 5u);
  EXPECT_LT(server_.answers[0].after, absl::Milliseconds(100));  // the healthy one
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(server_.answers[i].result.outcome(), lwm2m::v1::OUTCOME_EXPIRED_UNSENT);
    EXPECT_LE(server_.answers[i].after, absl::Seconds(5));
  }
  EXPECT_EQ(server_.answers[4].result.outcome(), lwm2m::v1::OUTCOME_TIMEOUT);
}

// "requests before the device knows it is registered"
TEST_F(FieldCasesTest, AResetEarlyRequestIsRepeated) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  device.reset_until_registered = true;
  device.deaf_after_registration = absl::Milliseconds(300);
  server_.Interest("d", "/3/0/9");
  device.Register();
  network_.Run(absl::Seconds(5));
  EXPECT_THAT(server_.Told(), ElementsAre("registered d", "value d /3/0/9=80 initial"));
}

// "500 devices at once"
TEST_F(FieldCasesTest, FiveHundredDevicesAtOnce) {
  constexpr int kDevices = 500;
  network_.loss = 0.05;
  std::vector<std::unique_ptr<SimulatedDevice>> devices;
  for (int i = 0; i < kDevices; ++i) {
    const std::string name = absl::StrCat("d", i);
    devices.push_back(
        std::make_unique<SimulatedDevice>(&network_, absl::StrCat("10.0.", i / 200, ".", i % 200, ":1"), name));
    SimulatedDevice& device = *devices.back();
    device.values["/3/0/20"] = "1";
    device.values["/5/0/3"] = "0";
    device.deaf_after_registration = absl::Milliseconds(300);
    device.answer_delay = absl::Milliseconds(400);
    for (const char* path : {"/3/0/9", "/3/0/20", "/5/0/3"}) server_.Interest(name, path);
  }
  // One rejects what comes before its 2.01, one never answers anything but registers.
  devices[0]->reset_until_registered = true;
  devices[1]->acknowledge_only = true;
  for (auto& device : devices) {
    device->Register({"lt=60", "lwm2m=1.1"}, "</1/0>,</3/0>,</5/0>");
    network_.Run(absl::Milliseconds(2));
  }
  const absl::Time start = network_.clock.Now();
  ASSERT_TRUE(network_.RunUntil(
      [&] {
        for (const auto& device : devices) {
          if (device->last_answer != coap::kCreated) return false;
        }
        return true;
      },
      absl::Seconds(60)));
  const auto complete = [&] {
    size_t initial = 0;
    for (const auto& event : server_.events) initial += event.notification().initial() ? 1 : 0;
    return initial >= 3 * (kDevices - 1);
  };
  ASSERT_TRUE(network_.RunUntil(complete, absl::Seconds(60)));
  EXPECT_LT(network_.clock.Now() - start, absl::Seconds(60));
  // They keep updating; nobody expires although datagrams get lost.
  for (int round = 0; round < 6; ++round) {
    for (auto& device : devices) device->Update();
    network_.Run(absl::Seconds(27));
  }
  for (const auto& event : server_.events) EXPECT_FALSE(event.has_deregistered()) << event.endpoint();
  EXPECT_EQ(server_.core().registry().size(), static_cast<size_t>(kDevices));
  // One silent device delays nobody.
  network_.loss = 0;
  devices[2]->answer_delay = absl::ZeroDuration();
  server_.Read("d1", "/3/0/9", absl::Seconds(10));
  server_.Read("d2", "/3/0/9", absl::Seconds(10));
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(server_.answers.size(), 1u);
  EXPECT_EQ(server_.answers[0].result.coap_code(), 205u);
}

// Queue mode: requests wait for the device and go out one at a time when it is heard.
TEST_F(FieldCasesTest, QueueModeDrainsInOrderWhenTheDeviceIsHeard) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  device.Register({"lt=86400", "lwm2m=1.1", "Q"});
  network_.Run(absl::Seconds(1));
  EXPECT_TRUE(server_.events[0].registered().registration().queue_mode());
  network_.Run(absl::Seconds(100));
  device.deaf = true;
  device.values["/3/0/1"] = "a";
  device.values["/3/0/2"] = "b";
  server_.Read("d", "/3/0/1", absl::Hours(2));
  server_.Read("d", "/3/0/2", absl::Hours(2));
  server_.Read("d", "/3/0/9", absl::Minutes(5));
  const uint64_t before = network_.datagrams;
  network_.Run(absl::Minutes(30));
  EXPECT_EQ(network_.datagrams, before);  // nothing is sent to a sleeper
  ASSERT_EQ(server_.answers.size(), 1u);
  EXPECT_EQ(server_.answers[0].result.outcome(), lwm2m::v1::OUTCOME_EXPIRED_UNSENT);
  device.deaf = false;
  device.Update();
  network_.Run(absl::Seconds(2));
  ASSERT_EQ(server_.answers.size(), 3u);
  EXPECT_THAT(device.requests, ElementsAre("0.01 GET /3/0/1", "0.01 GET /3/0/2"));
}

TEST_F(FieldCasesTest, QueueModeFromANewAddressIsAskedThere) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  device.Register({"lt=86400", "b=UQ"});
  network_.Run(absl::Seconds(100));
  server_.Read("d", "/3/0/9", absl::Hours(2));
  device.Move("10.0.0.1:77");
  device.Update();
  network_.Run(absl::Seconds(2));
  ASSERT_EQ(server_.answers.size(), 1u);
  EXPECT_EQ(server_.answers[0].result.coap_code(), 205u);
}

// A connector that restarts knows its devices, takes the notifications of their old observations, and asks again.
TEST_F(FieldCasesTest, ObservationsOutliveARestartOfTheConnector) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  server_.Interest("d", "/3/0/9", /*pmin=*/5);
  device.Register({"lt=3600"});
  network_.Run(absl::Seconds(1));
  const std::string token = device.observers.begin()->first;
  const std::string location = device.location;
  server_.events.clear();
  server_.Restart();
  device.Set("/3/0/9", "61");
  network_.Run(absl::Milliseconds(100));
  EXPECT_THAT(server_.Told(), ElementsAre("value d /3/0/9=61"));
  EXPECT_THAT(device.notified, ElementsAre(Outcome::kAnswered));
  device.Update();
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(device.last_answer, coap::kChanged);
  // The device may have dropped the observation while nobody acknowledged: it is asked again, under the same token.
  network_.Run(absl::Minutes(1));
  EXPECT_EQ(device.requests.back(), "0.01 GET /3/0/9 observe=0");
  ASSERT_EQ(device.observers.size(), 1u);
  EXPECT_EQ(device.observers.begin()->first, token);
  // And attributes that are there already are not written again.
  EXPECT_EQ(std::count(device.requests.begin(), device.requests.end(), "0.03 PUT /3/0/9 pmin=5"), 1);
}

TEST_F(FieldCasesTest, ADeviceThatDroppedItsObservationsDuringOurRestartIsObservedAgain) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  server_.Interest("d", "/3/0/9");
  device.Register({"lt=3600"});
  network_.Run(absl::Seconds(1));
  device.observers.clear();
  device.values["/3/0/9"] = "33";  // changed while we were away
  server_.Restart();
  network_.Run(absl::Minutes(1));
  EXPECT_EQ(server_.Told().back(), "value d /3/0/9=33 initial");
  EXPECT_EQ(device.observers.size(), 1u);
}

TEST_F(FieldCasesTest, AnInterestThatWentAwayDuringOurRestartIsCancelled) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  server_.Interest("d", "/3/0/9");
  device.Register({"lt=3600"});
  network_.Run(absl::Seconds(1));
  server_.NoInterest("d", "/3/0/9");  // decided, but not yet carried out
  server_.Restart();
  network_.Run(absl::Minutes(1));
  EXPECT_THAT(device.observers, IsEmpty());
  EXPECT_THAT(server_.store.LoadObservations(), IsEmpty());
}

// "a notification bigger than a datagram"
TEST_F(FieldCasesTest, ANotificationBiggerThanADatagram) {
  SimulatedDevice device(&network_, "10.0.0.1:1", "d");
  device.values["/20/0/4014"] = "small";
  server_.Interest("d", "/20/0/4014");
  device.Register();
  network_.Run(absl::Seconds(1));
  const std::string big(2500, 'x');
  device.Set("/20/0/4014", big);
  network_.Run(absl::Seconds(5));
  EXPECT_EQ(server_.CountTold("value d /20/0/4014=" + big), 1u);
  EXPECT_EQ(server_.events.size(), 3u);
}

// An empty acknowledgement to a composite request, then silence.
TEST_F(FieldCasesTest, ADeviceThatIsSilentToCompositesIsReadAndWrittenAllTheSame) {
  SimulatedDevice device(&network_, "10.0.0.1:5683", "d"), other(&network_, "10.0.0.2:5683", "other");
  device.silent_to_composites = true;
  for (SimulatedDevice* one : {&device, &other}) {
    one->values["/3/0/9"] = "80";
    one->values["/3/0/16"] = "U";
    one->Register();
  }
  network_.Run(absl::Seconds(1));
  lwm2m::v1::Operation read, write;
  for (const char* path : {"/3/0/9", "/3/0/16"}) {
    *read.mutable_read_composite()->add_paths() = *lwm2m::ParsePath(path);
  }
  for (const char* path : {"/1/0/1", "/3/0/14"}) {
    auto* node = write.mutable_write_composite()->add_nodes();
    *node->mutable_path() = *lwm2m::ParsePath(path);
    node->mutable_value()->set_integer(60);
  }
  server_.Perform("d", read, absl::Seconds(20));
  server_.Read("other", "/3/0/9");
  network_.Run(absl::Seconds(1));
  ASSERT_EQ(server_.answers.size(), 1u);  // the other does not wait
  network_.Run(absl::Seconds(6));
  ASSERT_EQ(server_.answers.size(), 2u);
  EXPECT_EQ(server_.answers[1].result.coap_code(), 205u);
  EXPECT_EQ(server_.answers[1].result.nodes_size(), 2);
  device.requests.clear();
  for (int i = 0; i < 3; ++i) {
    server_.Perform("d", read, absl::Seconds(20));
    server_.Perform("d", write, absl::Seconds(20));
    network_.Run(absl::Seconds(1));
  }
  ASSERT_EQ(server_.answers.size(), 8u);  // at once
  EXPECT_EQ(server_.answers.back().result.coap_code(), 204u);
  for (const std::string& request : device.requests) EXPECT_THAT(request, Not(testing::HasSubstr("FETCH")));
  // Over a new registration, too.
  device.Restart();
  device.Register();
  network_.Run(absl::Seconds(1));
  server_.Perform("d", read, absl::Seconds(20));
  network_.Run(absl::Seconds(1));
  EXPECT_EQ(server_.answers.size(), 9u);
  // Queue mode: silence is not sleep.
  device.Register({"lt=300", "lwm2m=1.2", "Q"});
  network_.Run(absl::Seconds(1));
  server_.Perform("d", write, absl::Seconds(20));
  network_.Run(absl::Seconds(7));
  ASSERT_EQ(server_.answers.size(), 10u);
  EXPECT_EQ(server_.answers.back().result.coap_code(), 204u);
}

TEST_F(FieldCasesTest, NamesBelowAnAlternateRootAreTakenFromReadNotificationAndSend) {
  SimulatedDevice device(&network_, "10.0.0.1:5683", "d");
  for (const std::string prefix : {"/lwm2m", ""}) {
    const std::string payload = "[{\"bn\":\"" + prefix + "/3/0/\",\"n\":\"9\",\"v\":";
    device.raw["/lwm2m/3/0/9"] = {110, payload + "80}]"};
    server_.Interest("d", "/3/0/9");
    device.Register({"lt=300", "lwm2m=1.1"}, "</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/1/0>,</lwm2m/3/0>");
    network_.Run(absl::Seconds(1));
    ASSERT_EQ(device.observers.size(), 1u);
    coap::OutgoingResponse notification;
    coap::Message options;
    options.AddUintOption(coap::kContentFormat, 110);
    notification.options = options.options;
    notification.payload = payload + "81}]";
    device.NotifyWith(device.observers.begin()->first, std::move(notification));
    coap::OutgoingRequest send;
    send.method = coap::kPost;
    send.path = {"dp"};
    send.content_format = 110;
    send.payload = payload + "82}]";
    device.Send(kServerAddress, std::move(send), [](const coap::Exchange&) {});
    network_.Run(absl::Seconds(1));
    EXPECT_EQ(server_.CountTold("value d /3/0/9=80 initial"), 1u) << prefix;
    EXPECT_EQ(server_.CountTold("value d /3/0/9=81"), 1u) << prefix;
    EXPECT_EQ(server_.CountTold("value d /3/0/9=82"), 1u) << prefix;
    server_.NoInterest("d", "/3/0/9");
    device.Deregister();
    device.observers.clear();
    network_.Run(absl::Seconds(1));
    server_.events.clear();
  }
}

}  // namespace
}  // namespace isthmus::connector
