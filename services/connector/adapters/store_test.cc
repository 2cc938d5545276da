// The same suite over every store: what is kept, and what of it a restart brings back.
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/connector/adapters/sqlite_store.h"
#include "services/connector/core/registration_store.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/session/session.h"
#include "services/lib/sqlite/fresh_path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::connector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr size_t kCapacity = 5;

class CountingRandom final : public coap::Random {
 public:
  uint64_t Next() override { return ++last_ * 0x9E3779B97F4A7C15ull; }

 private:
  static inline uint64_t last_ = 0;
};

// A store that can be closed and opened again; one without a disk keeps its memory.
struct Subject {
  std::function<void()> reopen;
  RegistrationStore* registrations = nullptr;
  session::Outbox* outbox = nullptr;
  std::shared_ptr<void> owner;
};

std::unique_ptr<Subject> MemorySubject() {
  struct Stores {
    InMemoryRegistrationStore registrations;
    std::unique_ptr<session::Outbox> outbox = session::MakeMemoryOutbox("epoch-1", kCapacity);
  };
  auto stores = std::make_shared<Stores>();
  auto subject = std::make_unique<Subject>();
  subject->reopen = [] {};
  subject->registrations = &stores->registrations;
  subject->outbox = stores->outbox.get();
  subject->owner = stores;
  return subject;
}

std::unique_ptr<Subject> SqliteSubject() {
  auto subject = std::make_unique<Subject>();
  const std::string path = sqlite::FreshPath();
  auto store = std::make_shared<std::unique_ptr<SqliteStore>>();
  Subject* const raw = subject.get();
  subject->owner = store;
  subject->reopen = [path, raw, store = store.get()] {
    store->reset();
    CountingRandom random;
    auto opened = SqliteStore::Open(path, kCapacity, &random);
    ASSERT_THAT(opened, status::IsOk());
    *store = *std::move(opened);
    raw->registrations = store->get();
    raw->outbox = store->get();
  };
  subject->reopen();
  return subject;
}

struct Variant {
  const char* name;
  std::unique_ptr<Subject> (*make)();
};

class StoreTest : public testing::TestWithParam<Variant> {
 protected:
  StoreTest() : subject_(GetParam().make()) {}
  RegistrationStore& registrations() { return *subject_->registrations; }
  session::Outbox& outbox() { return *subject_->outbox; }
  void Restart() { subject_->reopen(); }

  static Device DeviceOf(const std::string& endpoint) {
    Device device;
    device.registration.set_endpoint(endpoint);
    device.registration.set_registration_id("rd/" + endpoint);
    device.registration.set_lifetime_seconds(300);
    *device.registration.mutable_updated_at() = ToTimestamp(absl::FromUnixSeconds(1700000000));
    *device.registration.add_links()->mutable_path() = lwm2m::MakePath(3, 0);
    device.content_formats = {110, 11542};
    return device;
  }
  static session::v1::Event EventOf(const std::string& endpoint) {
    session::v1::Event event;
    event.set_endpoint(endpoint);
    event.mutable_deregistered()->set_reason(session::v1::DEREGISTRATION_REASON_EXPIRED);
    return event;
  }
  static std::vector<std::string> Endpoints(const std::vector<Device>& devices) {
    std::vector<std::string> names;
    for (const Device& device : devices) names.push_back(device.endpoint());
    return names;
  }

 private:
  std::unique_ptr<Subject> subject_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreTest,
                         testing::Values(Variant{"Memory", MemorySubject}, Variant{"Sqlite", SqliteSubject}),
                         [](const auto& info) { return info.param.name; });

TEST_P(StoreTest, RegistrationsSurviveARestartWholeAndInOrder) {
  registrations().PutRegistration(DeviceOf("urn:b"));
  registrations().PutRegistration(DeviceOf("urn:a"));
  registrations().PutRegistration(DeviceOf(std::string("nul\0l-温", 9)));
  Restart();
  const std::vector<Device> devices = registrations().LoadRegistrations();
  EXPECT_THAT(Endpoints(devices), ElementsAre(std::string("nul\0l-温", 9), "urn:a", "urn:b"));
  EXPECT_THAT(devices[1].content_formats, ElementsAre(110, 11542));
  EXPECT_EQ(devices[1].registration.SerializeAsString(), DeviceOf("urn:a").registration.SerializeAsString());
}

TEST_P(StoreTest, PuttingAgainReplaces) {
  registrations().PutRegistration(DeviceOf("urn:a"));
  Device changed = DeviceOf("urn:a");
  changed.registration.set_lifetime_seconds(42);
  registrations().PutRegistration(changed);
  ASSERT_EQ(registrations().LoadRegistrations().size(), 1u);
  EXPECT_EQ(registrations().LoadRegistrations()[0].registration.lifetime_seconds(), 42u);
}

TEST_P(StoreTest, TouchMovesOnlyTheTimeAndSurvivesARestart) {
  registrations().PutRegistration(DeviceOf("urn:a"));
  registrations().TouchRegistration("urn:a", absl::FromUnixSeconds(1700000099));
  registrations().TouchRegistration("urn:unknown", absl::FromUnixSeconds(1700000099));
  Restart();
  const std::vector<Device> devices = registrations().LoadRegistrations();
  ASSERT_THAT(Endpoints(devices), ElementsAre("urn:a"));
  EXPECT_EQ(devices[0].registration.updated_at().seconds(), 1700000099);
  EXPECT_EQ(devices[0].registration.lifetime_seconds(), 300u);
}

TEST_P(StoreTest, ObservationsFollowTheirRegistration) {
  registrations().PutRegistration(DeviceOf("urn:a"));
  StoredObservation observation{
      "urn:a", lwm2m::MakePath(3, 0, 9), std::string("\0\1\2\3\4\5\6\7", 8), "127.0.0.1:1", 110, {}};
  observation.attributes.set_minimum_period(5);
  registrations().PutObservation(observation);
  registrations().PutObservation({"urn:a", lwm2m::MakePath(5, 0), "tokentok", "127.0.0.1:1", std::nullopt, {}});
  registrations().PutObservation({"urn:b", lwm2m::MakePath(5, 0), "tokentoc", "127.0.0.1:2", std::nullopt, {}});
  Restart();
  EXPECT_EQ(registrations().LoadObservations().size(), 3u);
  const auto of_a = registrations().ObservationsOf("urn:a");
  ASSERT_EQ(of_a.size(), 2u);
  EXPECT_EQ(lwm2m::PathToString(of_a[0].path), "/3/0/9");
  EXPECT_EQ(of_a[0].token, std::string("\0\1\2\3\4\5\6\7", 8));
  EXPECT_EQ(of_a[0].peer, "127.0.0.1:1");
  EXPECT_EQ(of_a[0].accept, 110u);
  EXPECT_EQ(of_a[0].attributes.minimum_period(), 5u);
  EXPECT_EQ(of_a[1].accept, std::nullopt);
  registrations().RemoveObservation("urn:a", lwm2m::MakePath(5, 0));
  EXPECT_EQ(registrations().ObservationsOf("urn:a").size(), 1u);
  registrations().RemoveRegistration("urn:a");
  EXPECT_THAT(registrations().ObservationsOf("urn:a"), IsEmpty());
  EXPECT_THAT(registrations().LoadRegistrations(), IsEmpty());
  registrations().RemoveObservations("urn:b");
  EXPECT_THAT(registrations().LoadObservations(), IsEmpty());
}

TEST_P(StoreTest, EventsAreNumberedPerPeerAndKeptUntilAcknowledged) {
  const std::string epoch = outbox().epoch();
  EXPECT_NE(epoch, "");
  EXPECT_EQ(outbox().last_sequence("/id-in"), 0u);
  EXPECT_EQ(outbox().first_sequence("/id-in"), 1u);
  EXPECT_EQ(outbox().Append("/id-in", EventOf("a")), 1u);
  EXPECT_EQ(outbox().Append("/id-in", EventOf("b")), 2u);
  EXPECT_EQ(outbox().Append("/other", EventOf("c")), 1u);
  EXPECT_EQ(outbox().Append("/id-in", EventOf("d")), 3u);
  Restart();
  EXPECT_EQ(outbox().epoch(), epoch);
  auto events = outbox().Read("/id-in", 1, 100);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].endpoint(), "b");
  EXPECT_EQ(events[0].position().epoch(), epoch);
  EXPECT_EQ(events[0].position().sequence(), 2u);
  EXPECT_EQ(outbox().Read("/id-in", 0, 1).size(), 1u);
  outbox().Acknowledge("/id-in", 2);
  EXPECT_EQ(outbox().first_sequence("/id-in"), 3u);
  outbox().Acknowledge("/id-in", 1);  // late repetition of an old one
  EXPECT_EQ(outbox().Read("/id-in", 0, 100).size(), 1u);
  outbox().Acknowledge("/id-in", 99);  // more than there ever was
  Restart();
  EXPECT_EQ(outbox().last_sequence("/id-in"), 3u);
  EXPECT_EQ(outbox().first_sequence("/id-in"), 4u);
  EXPECT_EQ(outbox().Append("/id-in", EventOf("e")), 4u);
  EXPECT_EQ(outbox().Read("/other", 0, 100).size(), 1u);
}

TEST_P(StoreTest, OverCapacityTheOldestGo) {
  for (int i = 0; i < 8; ++i) outbox().Append("/id-in", EventOf(absl::StrCat(i)));
  EXPECT_EQ(outbox().first_sequence("/id-in"), 4u);
  Restart();
  EXPECT_EQ(outbox().first_sequence("/id-in"), 4u);
  EXPECT_EQ(outbox().Read("/id-in", 0, 100).size(), kCapacity);
  EXPECT_EQ(outbox().Read("/id-in", 0, 100)[0].endpoint(), "3");
}

TEST_P(StoreTest, InterestsAreKeptPerPeer) {
  session::v1::Interests interests;
  interests.add_interests()->set_endpoint("urn:a");
  outbox().StoreInterests("/id-in", interests);
  outbox().StoreInterests("/other", {});
  Restart();
  EXPECT_THAT(outbox().peers(), UnorderedElementsAre("/id-in", "/other"));
  ASSERT_EQ(outbox().LoadInterests("/id-in").interests_size(), 1);
  EXPECT_EQ(outbox().LoadInterests("/id-in").interests(0).endpoint(), "urn:a");
  EXPECT_EQ(outbox().LoadInterests("/nobody").interests_size(), 0);
  EXPECT_EQ(outbox().Append("/id-in", EventOf("a")), 1u);
  EXPECT_EQ(outbox().LoadInterests("/id-in").interests_size(), 1);
}

TEST_P(StoreTest, InterestsChangeOneByOne) {
  const auto interest = [](const std::string& endpoint, uint32_t object, uint64_t pmin) {
    session::v1::Interest interest;
    interest.set_endpoint(endpoint);
    *interest.mutable_path() = lwm2m::MakePath(object);
    interest.mutable_attributes()->set_minimum_period(pmin);
    return interest;
  };
  session::v1::InterestChange change;
  *change.add_add() = interest("urn:a", 3, 1);
  *change.add_add() = interest("urn:a", 5, 1);
  outbox().ChangeInterests("/id-in", change);
  change.Clear();
  *change.add_add() = interest("urn:a", 3, 7);
  *change.add_remove() = interest("urn:a", 5, 99);
  *change.add_remove() = interest("urn:b", 5, 99);
  outbox().ChangeInterests("/id-in", change);
  Restart();
  ASSERT_EQ(outbox().LoadInterests("/id-in").interests_size(), 1);
  EXPECT_EQ(outbox().LoadInterests("/id-in").interests(0).attributes().minimum_period(), 7u);
  EXPECT_THAT(outbox().peers(), ElementsAre("/id-in"));
}

TEST(SqliteStoreTest, AFreshFileHasAFreshEpoch) {
  CountingRandom random;
  auto a = SqliteStore::Open(sqlite::FreshPath(), kCapacity, &random);
  auto b = SqliteStore::Open(sqlite::FreshPath(), kCapacity, &random);
  ASSERT_THAT(a, status::IsOk());
  ASSERT_THAT(b, status::IsOk());
  EXPECT_NE((*a)->epoch(), (*b)->epoch());
}

TEST(SqliteStoreTest, ASecondProcessIsRefused) {
  CountingRandom random;
  const std::string path = sqlite::FreshPath();
  auto first = SqliteStore::Open(path, kCapacity, &random);
  ASSERT_THAT(first, status::IsOk());
  const auto second = SqliteStore::Open(path, kCapacity, &random, absl::Milliseconds(50));
  EXPECT_THAT(second, status::StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("in use")));
}

TEST(SqliteStoreTest, WhatIsNoDatabaseIsRefusedByName) {
  CountingRandom random;
  const std::string path = sqlite::FreshPath();
  std::ofstream(path) << std::string(4096, 'x');
  EXPECT_THAT(SqliteStore::Open(path, kCapacity, &random),
              status::StatusIs(absl::StatusCode::kUnavailable, HasSubstr(path)));
  EXPECT_THAT(SqliteStore::Open("/nowhere/at/all.db", kCapacity, &random),
              status::StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nowhere/at/all.db")));
}

TEST(SqliteStoreTest, ManyTouchesCostNoTransactionEach) {
  CountingRandom random;
  auto store = SqliteStore::Open(sqlite::FreshPath(), kCapacity, &random);
  ASSERT_THAT(store, status::IsOk());
  const absl::Time start = absl::Now();
  for (int i = 0; i < 100000; ++i) (*store)->TouchRegistration(absl::StrCat("urn:", i % 100), start);
  // A transaction each would take seconds even without an fsync.
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
}

}  // namespace
}  // namespace isthmus::connector
