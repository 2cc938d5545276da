#include "services/connector/core/registry.h"

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/core/registration_store.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CountingRandom final : public coap::Random {
 public:
  uint64_t Next() override { return ++last_ * 0x9E3779B97F4A7C15ull; }

 private:
  uint64_t last_ = 0;
};

constexpr char kLinks[] = "</1/0>,</3/0>";

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() : registry_(RegistryOptions(), &clock_, &random_, &store_) {}

  static coap::IncomingRequest RequestOf(const std::vector<std::string>& query, const std::string& payload,
                                         const std::string& peer = "192.0.2.1:5000") {
    coap::IncomingRequest request;
    request.peer = peer;
    request.message.code = coap::kPost;
    for (const std::string& part : query) request.message.AddOption(coap::kUriQuery, part);
    request.message.payload = payload;
    return request;
  }
  DevicePtr Register(const std::vector<std::string>& query, const std::string& payload = kLinks,
                     const std::string& peer = "192.0.2.1:5000") {
    auto outcome = registry_.Register(RequestOf(query, payload, peer));
    if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
      ADD_FAILURE() << refusal->code << " " << refusal->text;
      return nullptr;
    }
    return std::get<Registry::Registered>(outcome).device;
  }
  Refusal RefusalOf(const std::vector<std::string>& query, const std::string& payload = kLinks) {
    auto outcome = registry_.Register(RequestOf(query, payload));
    const auto* refusal = std::get_if<Refusal>(&outcome);
    return refusal == nullptr ? Refusal{coap::kCreated, ""} : *refusal;
  }
  std::variant<Registry::Updated, Refusal> Update(const DevicePtr& device, const std::vector<std::string>& query = {},
                                                  const std::string& payload = "",
                                                  const std::string& peer = "192.0.2.1:5000") {
    return registry_.Update(device->registration.registration_id(), RequestOf(query, payload, peer));
  }
  static std::vector<std::string> LinksOf(const DevicePtr& device) {
    std::vector<std::string> paths;
    for (const auto& link : device->registration.links()) paths.push_back(lwm2m::PathToString(link.path()));
    return paths;
  }

  FakeClock clock_;
  CountingRandom random_;
  InMemoryRegistrationStore store_;
  Registry registry_;
};

TEST_F(RegistryTest, RegisterKeepsWhatTheDeviceSaid) {
  const DevicePtr device = Register({"ep=urn:x", "lt=300", "lwm2m=1.1", "b=UQ", "pid=whatever", "sms=123"},
                                    "</>;rt=\"oma.lwm2m\";ct=110,</1>;ver=1.1,</1/0>,</3/0>");
  EXPECT_EQ(device->endpoint(), "urn:x");
  EXPECT_EQ(device->registration.lifetime_seconds(), 300u);
  EXPECT_EQ(device->registration.lwm2m_version(), "1.1");
  EXPECT_EQ(device->registration.binding(), "UQ");
  EXPECT_TRUE(device->registration.queue_mode());
  EXPECT_EQ(device->address(), "192.0.2.1:5000");
  EXPECT_THAT(device->registration.registration_id(), testing::MatchesRegex("rd/[A-Za-z0-9]+"));
  EXPECT_THAT(device->content_formats, ElementsAre(110));
  EXPECT_EQ(registry_.FindByEndpoint("urn:x"), device);
  EXPECT_EQ(registry_.FindByLocation(device->registration.registration_id()), device);
  EXPECT_EQ(registry_.FindByAddress("192.0.2.1:5000"), device);
}

TEST_F(RegistryTest, WhatIsNotSaidHasTheDefaultsOfTheStandard) {
  const DevicePtr device = Register({"ep=urn:x"});
  EXPECT_EQ(device->registration.lifetime_seconds(), 86400u);
  EXPECT_EQ(device->registration.lwm2m_version(), "1.0");
  EXPECT_EQ(device->registration.binding(), "U");
  EXPECT_FALSE(device->registration.queue_mode());
}

TEST_F(RegistryTest, AlternateRootPathIsKeptApartFromTheObjects) {
  const DevicePtr device = Register({"ep=urn:x"}, "</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/1/0>,</lwm2m/3/0>");
  EXPECT_EQ(device->registration.root_path(), "/lwm2m");
  EXPECT_THAT(LinksOf(device), ElementsAre("/1/0", "/3/0"));
  // An Update without the root link still lies below it.
  auto updated = Update(device, {}, "</lwm2m/1/0>,</lwm2m/3/0>,</lwm2m/5/0>");
  ASSERT_TRUE(std::holds_alternative<Registry::Updated>(updated)) << std::get<Refusal>(updated).text;
  EXPECT_THAT(LinksOf(std::get<Registry::Updated>(updated).device), ElementsAre("/1/0", "/3/0", "/5/0"));
  EXPECT_EQ(std::get<Registry::Updated>(updated).device->registration.root_path(), "/lwm2m");
}

TEST_F(RegistryTest, QueueModeAsAParameterOfItsOwn) {
  EXPECT_TRUE(Register({"ep=a", "lwm2m=1.1", "b=U", "Q"})->registration.queue_mode());
  EXPECT_TRUE(Register({"ep=b", "lwm2m=1.0", "b=UQS"})->registration.queue_mode());
  EXPECT_FALSE(Register({"ep=c", "lwm2m=1.1", "b=UTSN"})->registration.queue_mode());
}

TEST_F(RegistryTest, RefusesWhatNobodyShouldSend) {
  EXPECT_EQ(RefusalOf({"lt=300"}).code, coap::kBadRequest);
  EXPECT_THAT(RefusalOf({"lt=300"}).text, HasSubstr("ep"));
  EXPECT_EQ(RefusalOf({"ep="}).code, coap::kBadRequest);
  EXPECT_EQ(RefusalOf({"ep=\xFF\xFE"}).code, coap::kBadRequest);
  EXPECT_EQ(RefusalOf({"ep=" + std::string(256, 'a')}).code, coap::kBadRequest);
  for (const char* lifetime : {"lt=0", "lt=30.5", "lt=-1", "lt=", "lt", "lt=1e3", "lt=+5", "lt= 5"}) {
    EXPECT_EQ(RefusalOf({"ep=x", lifetime}).code, coap::kBadRequest) << lifetime;
    EXPECT_THAT(RefusalOf({"ep=x", lifetime}).text, HasSubstr("lt")) << lifetime;
  }
  EXPECT_EQ(RefusalOf({"ep=x", "lt=1", "lt=1"}).code, coap::kBadRequest);
  EXPECT_EQ(RefusalOf({"ep=x", "ep=x"}).code, coap::kBadRequest);
  EXPECT_EQ(RefusalOf({"ep=x", "lwm2m=2.0"}).code, coap::kPreconditionFailed);
  EXPECT_EQ(RefusalOf({"ep=x", "lwm2m=1.3"}).code, coap::kPreconditionFailed);
  EXPECT_EQ(RefusalOf({"ep=x", "lwm2m=banana"}).code, coap::kBadRequest);
  EXPECT_EQ(RefusalOf({"ep=x", "lwm2m="}).code, coap::kBadRequest);
  EXPECT_EQ(RefusalOf({"ep=x", "b=U/Q"}).code, coap::kBadRequest);
  EXPECT_EQ(RefusalOf({"ep=x"}, "").code, coap::kBadRequest);
  EXPECT_EQ(RefusalOf({"ep=x"}, "<1/0>,<3/0").code, coap::kBadRequest);
  EXPECT_NE(RefusalOf({"ep=x"}, "<1/0>,<3/0").text, "");
  EXPECT_EQ(RefusalOf({"ep=x"}, std::string("\xFF\x00\x01", 3)).code, coap::kBadRequest);
  EXPECT_EQ(registry_.size(), 0u);
  EXPECT_THAT(store_.LoadRegistrations(), IsEmpty());
}

TEST_F(RegistryTest, AcceptsEveryVersionItSpeaks) {
  for (const char* version : {"1.0", "1.1", "1.2"}) {
    EXPECT_EQ(Register({"ep=x", absl::StrCat("lwm2m=", version)})->registration.lwm2m_version(), version);
  }
}

TEST_F(RegistryTest, AnyNameOfUtf8UpTo255) {
  EXPECT_NE(Register({"ep=" + std::string(255, 'a')}), nullptr);
  EXPECT_NE(Register({"ep=温度=1&b/c"}), nullptr);
  EXPECT_NE(registry_.FindByEndpoint("温度=1&b/c"), nullptr);
}

TEST_F(RegistryTest, HugeLifetimesDoNotOverflow) {
  for (const char* lifetime : {"lt=4294967295", "lt=99999999999999999999", "lt=18446744073709551615"}) {
    const DevicePtr device = Register({"ep=x", lifetime});
    EXPECT_EQ(device->registration.lifetime_seconds(), 4294967295u) << lifetime;
    clock_.Advance(absl::Hours(24 * 365));
    EXPECT_THAT(registry_.Expire(), IsEmpty());
  }
}

TEST_F(RegistryTest, TheSameNameReplacesAndTheOldLocationIsUnknown) {
  const DevicePtr first = Register({"ep=x"});
  auto outcome = registry_.Register(RequestOf({"ep=x"}, kLinks, "192.0.2.1:6000"));
  const auto& again = std::get<Registry::Registered>(outcome);
  EXPECT_EQ(again.replaced, first);
  EXPECT_NE(again.device->registration.registration_id(), first->registration.registration_id());
  EXPECT_EQ(registry_.size(), 1u);
  auto stale = Update(first);
  ASSERT_TRUE(std::holds_alternative<Refusal>(stale));
  EXPECT_EQ(std::get<Refusal>(stale).code, coap::kNotFound);
  EXPECT_EQ(std::get<Refusal>(registry_.Deregister(first->registration.registration_id())).code, coap::kNotFound);
  EXPECT_EQ(registry_.FindByAddress("192.0.2.1:5000"), nullptr);
  EXPECT_EQ(registry_.FindByAddress("192.0.2.1:6000"), again.device);
}

TEST_F(RegistryTest, UpdateChangesOnlyWhatItNames) {
  const DevicePtr device = Register({"ep=x", "lt=300", "lwm2m=1.1", "Q"}, "</>;ct=110,</1/0>,</3/0>");
  auto lifetime = std::get<Registry::Updated>(Update(device, {"lt=600"}));
  EXPECT_EQ(lifetime.device->registration.lifetime_seconds(), 600u);
  EXPECT_TRUE(lifetime.device->registration.queue_mode());
  EXPECT_TRUE(lifetime.visible);
  EXPECT_FALSE(lifetime.links_changed);
  auto links = std::get<Registry::Updated>(Update(device, {}, "</1/0>,</3/0>,</5/0>"));
  EXPECT_THAT(LinksOf(links.device), ElementsAre("/1/0", "/3/0", "/5/0"));
  EXPECT_TRUE(links.links_changed);
  // The formats were not named again: not said is not lost.
  EXPECT_THAT(links.device->content_formats, ElementsAre(110));
  EXPECT_EQ(links.device->registration.lifetime_seconds(), 600u);
  auto nothing = std::get<Registry::Updated>(Update(device));
  EXPECT_FALSE(nothing.visible);
  auto same = std::get<Registry::Updated>(Update(device, {"lt=600"}, "</1/0>,</3/0>,</5/0>"));
  EXPECT_FALSE(same.visible);
  EXPECT_EQ(registry_.FindByEndpoint("x"), same.device);
}

TEST_F(RegistryTest, ABrokenUpdateChangesNothing) {
  const DevicePtr device = Register({"ep=x", "lt=300"});
  EXPECT_EQ(std::get<Refusal>(Update(device, {"lt=oops"})).code, coap::kBadRequest);
  EXPECT_EQ(std::get<Refusal>(Update(device, {}, "nonsense")).code, coap::kBadRequest);
  EXPECT_EQ(std::get<Refusal>(Update(device, {"ep=y"})).code, coap::kBadRequest);
  EXPECT_EQ(registry_.FindByEndpoint("x"), device);
}

// Field case: lifetimes nobody should send; late Updates and clock jumps.
TEST_F(RegistryTest, LifetimesEndAfterTheGraceForEveryView) {
  const DevicePtr device = Register({"ep=x", "lt=60"});
  clock_.Advance(absl::Milliseconds(60500));
  EXPECT_TRUE(std::holds_alternative<Registry::Updated>(Update(device)));
  clock_.Advance(absl::Seconds(64));
  EXPECT_THAT(registry_.Expire(), IsEmpty());
  EXPECT_EQ(registry_.List("", 10).size(), 1u);
  EXPECT_EQ(registry_.UntilNextExpiry(), absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  // Gone in all views at the same moment, also before anybody has swept.
  EXPECT_THAT(registry_.List("", 10), IsEmpty());
  EXPECT_EQ(registry_.FindByEndpoint("x"), nullptr);
  EXPECT_EQ(registry_.FindByAddress("192.0.2.1:5000"), nullptr);
  EXPECT_EQ(std::get<Refusal>(Update(device)).code, coap::kNotFound);
  EXPECT_EQ(registry_.Expire().size(), 1u);
  EXPECT_THAT(registry_.Expire(), IsEmpty());
  EXPECT_EQ(registry_.UntilNextExpiry(), absl::InfiniteDuration());
  EXPECT_THAT(store_.LoadRegistrations(), IsEmpty());
}

TEST_F(RegistryTest, SettingTheHostsClockExpiresNobody) {
  const DevicePtr device = Register({"ep=x", "lt=60"});
  clock_.SetWallTime(clock_.Now() + absl::Hours(1));
  EXPECT_THAT(registry_.Expire(), IsEmpty());
  clock_.SetWallTime(clock_.Now() - absl::Hours(2));
  clock_.Advance(absl::Seconds(64));
  EXPECT_THAT(registry_.Expire(), IsEmpty());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(registry_.Expire().size(), 1u);
}

TEST_F(RegistryTest, DeregisterRemoves) {
  const DevicePtr device = Register({"ep=x"});
  auto outcome = registry_.Deregister(device->registration.registration_id());
  EXPECT_EQ(std::get<DevicePtr>(outcome), device);
  EXPECT_EQ(registry_.FindByEndpoint("x"), nullptr);
  EXPECT_THAT(store_.LoadRegistrations(), IsEmpty());
}

// Field case: the old port to somebody else.
TEST_F(RegistryTest, AnAddressBelongsToTheNewestThatUsedIt) {
  const DevicePtr d1 = Register({"ep=d1"}, kLinks, "192.0.2.1:1");
  auto second = registry_.Register(RequestOf({"ep=d2"}, kLinks, "192.0.2.1:1"));
  EXPECT_THAT(std::get<Registry::Registered>(second).displaced, ElementsAre("d1"));
  EXPECT_EQ(registry_.FindByAddress("192.0.2.1:1")->endpoint(), "d2");
  auto moved = std::get<Registry::Updated>(Update(d1, {}, "", "192.0.2.1:3"));
  EXPECT_TRUE(moved.address_changed);
  EXPECT_THAT(moved.displaced, IsEmpty());
  EXPECT_EQ(registry_.FindByAddress("192.0.2.1:3")->endpoint(), "d1");
  EXPECT_EQ(registry_.FindByAddress("192.0.2.1:1")->endpoint(), "d2");
}

TEST_F(RegistryTest, FiftyNewPortsLeaveOneAddress) {
  const DevicePtr device = Register({"ep=x"}, kLinks, "192.0.2.1:1");
  for (int port = 2; port <= 50; ++port) Update(device, {}, "", absl::StrCat("192.0.2.1:", port));
  EXPECT_EQ(registry_.FindByAddress("192.0.2.1:50")->endpoint(), "x");
  for (int port = 1; port < 50; ++port) EXPECT_EQ(registry_.FindByAddress(absl::StrCat("192.0.2.1:", port)), nullptr);
}

// A flood of names and objects from addresses that anybody can make up.
TEST_F(RegistryTest, AFloodOfRegistrationsEndsSomewhere) {
  RegistryOptions options;
  options.most_devices = 3;
  options.most_links = 10;
  InMemoryRegistrationStore store;
  Registry registry(options, &clock_, &random_, &store);
  const auto code_of = [&](const std::string& name, const std::string& links) -> coap::Code {
    auto outcome = registry.Register(RequestOf({"ep=" + name}, links));
    const auto* refusal = std::get_if<Refusal>(&outcome);
    return refusal == nullptr ? coap::kCreated : refusal->code;
  };
  EXPECT_EQ(code_of("a", "</1/0>,</3/0>"), coap::kCreated);
  EXPECT_EQ(code_of("b", "</1/0>,</2/0>,</3/0>,</4/0>,</5/0>,</6/0>,</7/0>,</8/0>"), coap::kCreated);
  EXPECT_EQ(code_of("c", "</3/0>"), coap::kServiceUnavailable) << "too many links";
  EXPECT_EQ(code_of("b", "</3/0>"), coap::kCreated) << "the same device, with less";
  EXPECT_EQ(code_of("c", "</3/0>"), coap::kCreated);
  EXPECT_EQ(code_of("d", "</3/0>"), coap::kServiceUnavailable) << "too many devices";
  EXPECT_EQ(code_of("c", "</3/0>"), coap::kCreated) << "the same device again";
  EXPECT_EQ(registry.size(), 3u);
  EXPECT_EQ(store.LoadRegistrations().size(), 3u);
  // An Update may not do what a Register may not.
  const DevicePtr a = registry.FindByEndpoint("a");
  const std::string& location = a->registration.registration_id();
  auto outcome = registry.Update(
      location, RequestOf({}, "</1/0>,</2/0>,</3/0>,</4/0>,</5/0>,</6/0>,</7/0>,</8/0>,</9/0>,</10/0>"));
  ASSERT_NE(std::get_if<Refusal>(&outcome), nullptr);
  EXPECT_EQ(std::get<Refusal>(outcome).code, coap::kServiceUnavailable);
  EXPECT_EQ(registry.FindByEndpoint("a")->registration.links_size(), 2);
  // Who leaves makes room.
  registry.Deregister(location);
  EXPECT_EQ(code_of("d", "</3/0>"), coap::kCreated);
}

TEST_F(RegistryTest, AListOfObjectsHasABound) {
  std::string links = "</1/0>";
  for (int i = 0; i < 3000; ++i) absl::StrAppend(&links, ",</", 33000 + i, "/0>");
  EXPECT_EQ(RefusalOf({"ep=many"}, links).code, coap::kCreated);
  while (links.size() < 200000) absl::StrAppend(&links, ",</", links.size() % 65000, "/0>");
  EXPECT_EQ(RefusalOf({"ep=endless"}, links).code, coap::kTooLarge);
}

TEST_F(RegistryTest, ListPagesInOrder) {
  for (const char* name : {"c", "a", "b"}) Register({absl::StrCat("ep=", name)});
  const auto first = registry_.List("", 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0]->endpoint(), "a");
  EXPECT_EQ(first[1]->endpoint(), "b");
  const auto rest = registry_.List("b", 2);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0]->endpoint(), "c");
}

TEST_F(RegistryTest, ARestartKeepsRegistrationsAndWhatIsLeftOfThem) {
  const DevicePtr long_lived = Register({"ep=long", "lt=86400"}, kLinks, "192.0.2.1:1");
  const DevicePtr short_lived = Register({"ep=short", "lt=60"}, kLinks, "192.0.2.1:2");
  clock_.Advance(absl::Seconds(40000));
  Registry restarted(RegistryOptions(), &clock_, &random_, &store_);
  restarted.Load();
  EXPECT_EQ(restarted.FindByLocation(long_lived->registration.registration_id())->endpoint(), "long");
  EXPECT_EQ(restarted.FindByAddress("192.0.2.1:1")->endpoint(), "long");
  // The short one could not reach us while we were away: it gets its lifetime once more.
  ASSERT_NE(restarted.FindByEndpoint("short"), nullptr);
  clock_.Advance(absl::Seconds(65));
  ASSERT_EQ(restarted.Expire().size(), 1u);
  clock_.Advance(absl::Seconds(46400));
  ASSERT_EQ(restarted.Expire().size(), 1u);
}

TEST_F(RegistryTest, AClockSetAheadWhileWeWereAwayExpiresNobodyAtOnce) {
  Register({"ep=x", "lt=86400"});
  clock_.SetWallTime(clock_.Now() + absl::Hours(24 * 30));
  Registry restarted(RegistryOptions(), &clock_, &random_, &store_);
  restarted.Load();
  EXPECT_THAT(restarted.Expire(), IsEmpty());
  EXPECT_GE(restarted.UntilNextExpiry(), absl::Minutes(10));
}

// Field case: link formats that devices really send. The parser is the codec's; here: nothing half-taken.
TEST_F(RegistryTest, LinkFormatsThatDevicesReallySend) {
  EXPECT_THAT(LinksOf(Register({"ep=a"}, "</1/0>;ver=1.1,</3/0>;ver=1.1")), testing::IsSupersetOf({"/1/0", "/3/0"}));
  EXPECT_THAT(LinksOf(Register({"ep=b"}, "</>;ct=110;ct=60,</1/0>,</3/0>")), ElementsAre("/1/0", "/3/0"));
  EXPECT_THAT(LinksOf(Register({"ep=c"}, "</>;ct=60 110 112;rt=\"oma.lwm2m\",</1>;ver=1.1,</1/0>,</3/0>")),
              testing::IsSupersetOf({"/1/0", "/3/0"}));
  EXPECT_THAT(LinksOf(Register({"ep=d"}, "</1/0>, </3/0>, </6/0>")), ElementsAre("/1/0", "/3/0", "/6/0"));
  EXPECT_THAT(LinksOf(Register({"ep=e"}, "</1/0>;obs,</3/0>;obs,</3/0/0>;obs,</3/0/11/0>;obs,</5/0/1>")),
              ElementsAre("/1/0", "/3/0", "/5/0"));
  EXPECT_THAT(LinksOf(Register({"ep=j"}, "</3/0>;x=\"a,b;c<d>\",</6/0>")), ElementsAre("/3/0", "/6/0"));
  for (const char* odd : {"<1/0>,<3/0>", "</3/0>,,</6/0>,"}) {
    auto outcome = registry_.Register(RequestOf({"ep=g"}, odd));
    if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
      EXPECT_EQ(refusal->code, coap::kBadRequest);
      EXPECT_NE(refusal->text, "");
    } else {
      EXPECT_EQ(std::get<Registry::Registered>(outcome).device->registration.links_size(), 2) << odd;
    }
  }
  std::string many;
  for (int i = 0; i < 3000; ++i) absl::StrAppend(&many, i == 0 ? "" : ",", "</", 30000 + i, "/0>");
  EXPECT_EQ(Register({"ep=i"}, many)->registration.links_size(), 3000);
}

}  // namespace
}  // namespace isthmus::connector
