#include "services/lib/service/neighbour_watch.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"

namespace isthmus::service {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class NeighbourWatchTest : public testing::Test {
 protected:
  NeighbourWatchTest() {
    watch_.Add("near", "host:1", [this] { return near_; });
    watch_.Add("far", "host:2", [] { return true; });
  }
  // What is said while `time` passes.
  std::string Said(absl::Duration time) {
    testing::internal::CaptureStderr();
    for (const absl::Duration end = clock_.Monotonic() + time; clock_.Monotonic() < end;) {
      clock_.Advance(absl::Milliseconds(20));
      watch_.Tick();
    }
    return testing::internal::GetCapturedStderr();
  }

  FakeClock clock_;
  NeighbourWatch watch_{&clock_};
  bool near_ = true;
};

TEST_F(NeighbourWatchTest, TheLossIsSaidOnceAndSoIsTheReturn) {
  EXPECT_THAT(Said(absl::Minutes(1)), IsEmpty());
  near_ = false;
  const std::string lost = Said(absl::Minutes(5));
  EXPECT_THAT(lost, HasSubstr("no connection to a neighbour"));
  EXPECT_THAT(lost, HasSubstr("host:1"));
  EXPECT_EQ(lost.find("no connection"), lost.rfind("no connection")) << lost;
  near_ = true;
  const std::string back = Said(absl::Minutes(5));
  EXPECT_THAT(back, HasSubstr("connected to a neighbour again"));
  EXPECT_THAT(back, Not(HasSubstr("no connection")));
  EXPECT_EQ(back.find("again"), back.rfind("again")) << back;
  near_ = false;
  EXPECT_THAT(Said(absl::Seconds(3)), HasSubstr("no connection"));
}

TEST_F(NeighbourWatchTest, AConnectionThatIsMadeAgainAtOnceIsNoLine) {
  for (int i = 0; i < 50; ++i) {
    near_ = false;
    EXPECT_THAT(Said(absl::Milliseconds(700)), IsEmpty());
    near_ = true;
    EXPECT_THAT(Said(absl::Milliseconds(200)), IsEmpty());
  }
}

TEST_F(NeighbourWatchTest, OneThatWasNeverThereIsSaid) {
  near_ = false;
  EXPECT_THAT(Said(absl::Seconds(2)), HasSubstr("no connection to a neighbour"));
}

}  // namespace
}  // namespace isthmus::service
