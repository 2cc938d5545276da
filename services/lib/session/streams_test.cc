// What does not need gRPC: the pair of streams, reading a Hello first, keeping a stream open, the threads.
#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/session/hello.h"
#include "services/lib/session/session.h"
#include "services/lib/session/session_opener.h"
#include "services/lib/session/testing.h"
#include "services/lib/session/worker.h"

namespace isthmus::session {
namespace {

using ::testing::ElementsAre;

v1::Frame Numbered(uint64_t number) {
  v1::Frame frame;
  frame.mutable_response()->set_request_id(number);
  return frame;
}

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + kBound;
  while (!condition()) {
    if (absl::Now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(StreamPairTest, FramesWaitForStartAndEndWithTheClose) {
  auto [a, b] = MakeStreamPair();
  a->Write(Numbered(1));
  a->Write(Numbered(2));
  a->Close(absl::AbortedError("enough"));
  a->Write(Numbered(3));
  Half other(b);
  EXPECT_EQ(other.Next().response().request_id(), 1u);
  EXPECT_EQ(other.Next().response().request_id(), 2u);
  EXPECT_EQ(other.All().size(), 0u);
  EXPECT_EQ(other.closed()->code(), absl::StatusCode::kAborted);
  Half mine(a);
  EXPECT_EQ(mine.closed()->code(), absl::StatusCode::kAborted);
}

TEST(StreamPairTest, DroppingOneHalfClosesTheOther) {
  auto [a, b] = MakeStreamPair();
  Half other(b);
  a.reset();
  EXPECT_EQ(other.closed()->code(), absl::StatusCode::kCancelled);
}

TEST(StreamPairTest, NeverRecursive) {
  auto [a, b] = MakeStreamPair();
  int depth = 0, deepest = 0, count = 0;
  const auto bounce = [&](FrameStream* back) {
    return [&, back](v1::Frame frame) {
      deepest = std::max(deepest, ++depth);
      if (++count < 1000) back->Write(std::move(frame));
      --depth;
    };
  };
  a->Start(bounce(a.get()), [](absl::Status) {});
  b->Start(bounce(b.get()), [](absl::Status) {});
  a->Write(Numbered(1));
  EXPECT_EQ(count, 1000);
  EXPECT_EQ(deepest, 1);
}

TEST(ReadHelloTest, HandsTheStreamOnWithItsHello) {
  auto [a, b] = MakeStreamPair();
  std::string peer;
  std::shared_ptr<FrameStream> handed;
  ReadHello(b, [&](const v1::Hello& hello, std::shared_ptr<FrameStream> stream) {
    peer = hello.peer();
    handed = std::move(stream);
  });
  b.reset();
  Half opener(a);
  opener.Write(HelloFrame(v1::ROLE_LWM2M_SERVER, "connector-1"));
  opener.Write(Numbered(7));
  EXPECT_EQ(peer, "connector-1");
  Half other(handed);
  EXPECT_EQ(other.Next().hello().peer(), "connector-1");
  EXPECT_EQ(other.Next().response().request_id(), 7u);
  opener.Write(Numbered(8));
  EXPECT_EQ(other.Next().response().request_id(), 8u);
  other.Write(Numbered(9));
  EXPECT_EQ(opener.Next().response().request_id(), 9u);
  opener.Close();
  EXPECT_TRUE(other.closed().has_value());
}

TEST(ReadHelloTest, RefusesAnythingElse) {
  auto [a, b] = MakeStreamPair();
  ReadHello(b, [](const v1::Hello&, std::shared_ptr<FrameStream>) { FAIL(); });
  Half opener(a);
  opener.Write(Numbered(7));
  EXPECT_EQ(opener.Next().bye().reason(), "first frame: expected Hello, not response");
  EXPECT_EQ(opener.closed()->code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ReadHelloTest, AStreamThatNobodyKeepsEnds) {
  auto [a, b] = MakeStreamPair();
  ReadHello(b, [](const v1::Hello&, std::shared_ptr<FrameStream>) {});
  Half opener(a);
  opener.Write(HelloFrame(v1::ROLE_LWM2M_SERVER, "connector-1"));
  EXPECT_TRUE(opener.closed().has_value());
}

class OpenerTest : public ::testing::Test {
 protected:
  OpenerTest() {
    options_.shortest = absl::Milliseconds(1);
    options_.longest = absl::Milliseconds(4);
    options_.first_frame_timeout = kBound;
  }
  std::unique_ptr<SessionOpener> Make(std::function<bool()> wanted = nullptr) {
    return std::make_unique<SessionOpener>(
        "target",
        [this] {
          auto [mine, its] = MakeStreamPair();
          auto half = std::make_shared<Half>(mine);
          std::lock_guard<std::mutex> lock(mutex_);
          answerers_.push_back(half);
          ++opened_;
          return its;
        },
        [this](std::shared_ptr<FrameStream> stream) {
          stream->Start([this](v1::Frame) { ++frames_; }, [this](absl::Status) { ++closed_; });
          std::lock_guard<std::mutex> lock(mutex_);
          kept_ = std::move(stream);
        },
        std::move(wanted), options_);
  }
  std::shared_ptr<Half> answerer(size_t index) {
    std::lock_guard<std::mutex> lock(mutex_);
    return answerers_[index];
  }
  OpenerOptions options_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Half>> answerers_;
  std::shared_ptr<FrameStream> kept_;
  std::atomic<int> opened_{0}, frames_{0}, closed_{0};
};

TEST_F(OpenerTest, OpensAgainAfterALossAndSaysSoOnce) {
  testing::internal::CaptureStderr();
  auto opener = Make();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Eventually([&] { return opened_ == i + 1; }));
    answerer(i)->Close();
  }
  ASSERT_TRUE(Eventually([&] { return opened_ == 6; }));
  answerer(5)->Write(Numbered(1));
  EXPECT_TRUE(Eventually([&] { return frames_ == 1; }));
  opener.reset();
  EXPECT_EQ(closed_, 6) << "the end waits for the stream";
  const std::string log = testing::internal::GetCapturedStderr();
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("no session with target"), 1) << log;
  EXPECT_LE(count("session target is back"), 1) << log;
}

TEST_F(OpenerTest, AStreamWithoutAnAnswerIsGivenUp) {
  options_.first_frame_timeout = absl::Milliseconds(1);
  auto opener = Make();
  ASSERT_TRUE(Eventually([&] { return opened_ >= 3; }));
  EXPECT_EQ(answerer(0)->closed()->code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(OpenerTest, OpensOnlyWhenWanted) {
  std::atomic<bool> wanted{false};
  std::atomic<int> asked{0};
  auto opener = Make([&] {
    ++asked;
    return wanted.load();
  });
  ASSERT_TRUE(Eventually([&] { return asked >= 3; }));
  EXPECT_EQ(opened_, 0);
  wanted = true;
  EXPECT_TRUE(Eventually([&] { return opened_ == 1; }));
}

TEST_F(OpenerTest, AStreamThatNobodyTakesIsNoHang) {
  std::atomic<int> opened{0};
  SessionOpener opener(
      "target",
      [&] {
        ++opened;
        return MakeStreamPair().first;
      },
      [](std::shared_ptr<FrameStream>) {}, nullptr, options_);
  EXPECT_TRUE(Eventually([&] { return opened >= 2; }));
}

TEST(WorkerTest, RunsTasksInOrderAndAllOfThem) {
  std::vector<int> order;
  {
    Worker worker;
    for (int i = 0; i < 100; ++i) worker.executor()([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(TickerTest, TicksUntilItEnds) {
  std::atomic<int> ticks{0};
  {
    Ticker ticker([&] {
      ++ticks;
      return absl::Milliseconds(1);
    });
    EXPECT_TRUE(Eventually([&] { return ticks >= 3; }));
  }
  const int after = ticks;
  Ticker idle([] { return absl::InfiniteDuration(); });  // must end at once all the same
  EXPECT_EQ(ticks, after);
}

}  // namespace
}  // namespace isthmus::session
