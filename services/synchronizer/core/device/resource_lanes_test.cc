#include "services/synchronizer/core/device/resource_lanes.h"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace isthmus::synchronizer {
namespace {

TEST(ResourceLanes, OneAtATimeInOrder) {
  ResourceLanes lanes;
  std::vector<std::string> started;
  std::vector<ResourceLanes::Leave> leaves;
  for (const char* name : {"1", "2", "3"}) {
    lanes.Enter("a", [&, name](ResourceLanes::Leave leave) {
      started.push_back(name);
      leaves.push_back(std::move(leave));
    });
  }
  lanes.Enter("b", [&](const ResourceLanes::Leave& leave) {
    started.push_back("other");
    leave();
  });
  EXPECT_THAT(started, testing::ElementsAre("1", "other"));
  leaves[0]();
  leaves[1]();
  EXPECT_THAT(started, testing::ElementsAre("1", "other", "2", "3"));
  leaves[2]();
  EXPECT_EQ(lanes.size(), 0u);
}

TEST(ResourceLanes, ManyThatEndAtOnceDoNotPileUp) {
  ResourceLanes lanes;
  ResourceLanes::Leave first;
  lanes.Enter("a", [&](ResourceLanes::Leave leave) { first = std::move(leave); });
  int done = 0;
  for (int i = 0; i < 200000; ++i) {
    lanes.Enter("a", [&](const ResourceLanes::Leave& leave) {
      ++done;
      leave();
    });
  }
  first();
  EXPECT_EQ(done, 200000);
  EXPECT_EQ(lanes.size(), 0u);
}

TEST(ResourceLanes, LeavingOnOtherThreads) {
  ResourceLanes lanes;
  std::mutex mutex;
  std::vector<std::thread> leavers;
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        lanes.Enter("a", [&](const ResourceLanes::Leave& leave) {
          if (++inside != 1) overlapped = true;
          std::lock_guard<std::mutex> lock(mutex);
          leavers.emplace_back([&inside, leave] {
            --inside;
            leave();
          });
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Each leaver starts the next before it ends.
  for (size_t i = 0;; ++i) {
    std::unique_lock<std::mutex> lock(mutex);
    if (i >= leavers.size()) break;
    std::thread leaver = std::move(leavers[i]);
    lock.unlock();
    leaver.join();
  }
  EXPECT_EQ(leavers.size(), 800u);
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(lanes.size(), 0u);
}

}  // namespace
}  // namespace isthmus::synchronizer
