// The whole device side under many threads: requests, events, subscriptions and ticks at once. Run with the thread
// sanitizer too.
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "services/synchronizer/core/device/device_side_fixture.h"

namespace isthmus::synchronizer {
namespace {

using DeviceSideThreadsTest = DeviceSideFixture;

TEST_F(DeviceSideThreadsTest, EveryRequestIsAnsweredOnceAndEveryEventAppliedInOrder) {
  constexpr int kDevices = 8;
  constexpr int kRounds = 200;
  DeviceSays({{"/3/0/9", 80}, {"/5/0/3", 1}});
  translation::v1::Precondition condition;
  *condition.mutable_path() = lwm2m::MakePath(5, 0, 3);
  condition.add_values(2);
  condition.set_description("downloaded");
  translation.precondition = condition;
  std::vector<std::string> names;
  for (int i = 0; i < kDevices; ++i) {
    names.push_back("d" + std::to_string(i));
    side->OnEvent(Registered(names.back(), {"/3/0", "/5/0"}));
  }
  std::atomic<int> sent{0};
  std::atomic<int> answered{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string& name = names[(round + t) % kDevices];
        std::vector<ManagementRequest> requests;
        requests.push_back(Retrieve(name, "o3-0"));
        requests.push_back(Update(name, "o3-0", {{"r14", onem2m::Integer(round)}}));
        requests.push_back(Update(name, "o5-0", {{"x2", onem2m::Boolean(true)}}));
        requests.push_back(Update(name, "o5-0", {{"r1", onem2m::Integer(round)}}));
        for (ManagementRequest& request : requests) {
          ++sent;
          side->management()->Perform(std::move(request), [&](const ManagementResult&) { ++answered; });
        }
      }
    });
  }
  threads.emplace_back([&] {
    for (int round = 0; round < kRounds; ++round) {
      for (const std::string& name : names) {
        side->OnEvent(Notified(name, "/3/0/9", {{"/3/0/9", 1000 + round}}));
        if (round % 20 == 0) side->OnEvent(Notified(name, "/5/0/3", {{"/5/0/3", 2}}));
        if (round % 50 == 0) side->OnEvent(Registered(name, {"/3/0", "/5/0"}, std::to_string(round)));
      }
    }
  });
  threads.emplace_back([&] {
    for (int round = 0; round < kRounds; ++round) {
      const std::string& name = names[round % kDevices];
      side->management()->SubscribersChanged(name + "/o3-0", name, resources.object(name, name + "/o3-0"), round % 2);
    }
  });
  std::thread ticker([&] {
    while (!done) side->Tick();
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  ticker.join();
  side->Tick();

  EXPECT_EQ(answered, sent);
  EXPECT_EQ(side->requests_in_flight(), 0u);
  EXPECT_EQ(side->sync().backlog(), 0u);
  EXPECT_EQ(side->applied().sequence(), sequence);
  // The values of each device arrived in their order. (Others are first values and answers.)
  std::map<std::string, int64_t> last;
  for (const std::string& update : resources.updates()) {
    const size_t at = update.find(" r9=");
    if (at == std::string::npos) continue;
    const int64_t value = std::stoll(update.substr(at + 4));
    if (value < 1000) continue;
    int64_t& before = last[update.substr(0, at)];
    EXPECT_GT(value, before);
    before = value;
  }
  EXPECT_EQ(last.size(), static_cast<size_t>(kDevices));
  for (const auto& [name, value] : last) EXPECT_EQ(value, 1000 + kRounds - 1) << name;
}

}  // namespace
}  // namespace isthmus::synchronizer
