#include "services/synchronizer/core/device/event_positions.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/synchronizer/core/device/fake_resources.h"

namespace isthmus::synchronizer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

session::v1::EventPosition At(uint64_t sequence, const std::string& epoch = "e 1") {
  session::v1::EventPosition position;
  position.set_epoch(epoch);
  position.set_sequence(sequence);
  return position;
}

class EventPositionsTest : public testing::Test {
 protected:
  EventPositionsTest() {
    positions_.OnApplied([this](const session::v1::EventPosition& position) { told_.push_back(position.sequence()); });
  }
  uint64_t Stored() {
    EventPositions other(&resources_, "p");
    return other.Load().sequence();
  }

  FakeResources resources_;
  EventPositions positions_{&resources_, "p"};
  std::vector<uint64_t> told_;
};

TEST_F(EventPositionsTest, NeverPassesAnOpenEvent) {
  const auto one = positions_.Begin(At(1));
  const auto two = positions_.Begin(At(2));
  const auto three = positions_.Begin(At(3));
  positions_.End(two);
  positions_.End(three);
  positions_.Flush();
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_EQ(Stored(), 0u);
  positions_.End(one);
  EXPECT_THAT(told_, ElementsAre(3));
  EXPECT_EQ(Stored(), 3u);
  EXPECT_EQ(positions_.open(), 0u);
}

TEST_F(EventPositionsTest, StoresTheEpochToo) {
  positions_.End(positions_.Begin(At(7, "epoch with blanks")));
  EventPositions other(&resources_, "p");
  EXPECT_EQ(other.Load().epoch(), "epoch with blanks");
  EXPECT_EQ(other.applied().sequence(), 7u);
}

TEST_F(EventPositionsTest, ASnapshotIsAppliedWithItsLastPart) {
  const auto snapshot = positions_.Begin(At(10), 3);
  const auto after = positions_.Begin(At(11));
  positions_.End(after);
  positions_.End(snapshot);
  positions_.End(snapshot);
  positions_.Flush();
  EXPECT_THAT(told_, IsEmpty());
  positions_.End(snapshot);
  EXPECT_THAT(told_, ElementsAre(11));
}

TEST_F(EventPositionsTest, AnEmptySnapshotIsAppliedAtOnce) {
  positions_.Begin(At(10), 0);
  EXPECT_THAT(told_, ElementsAre(10));
}

TEST_F(EventPositionsTest, WhatCannotBeStoredIsNotAcknowledged) {
  resources_.down = absl::UnavailableError("disk full");
  positions_.End(positions_.Begin(At(1)));
  EXPECT_THAT(told_, IsEmpty());
  resources_.down = absl::OkStatus();
  positions_.Flush();
  EXPECT_THAT(told_, ElementsAre(1));
}

TEST_F(EventPositionsTest, ABusySessionIsStoredInBetween) {
  const int kEvents = 1000;
  std::vector<EventPositions::Ticket> tickets;
  for (int i = 1; i <= kEvents; ++i) tickets.push_back(positions_.Begin(At(i)));
  for (int i = 0; i < kEvents - 1; ++i) positions_.End(tickets[i]);
  EXPECT_GE(told_.size(), 2u);
  EXPECT_LE(told_.size(), 10u);
  positions_.Flush();
  EXPECT_EQ(told_.back(), 999u);
}

TEST_F(EventPositionsTest, AnUnreadablePositionIsNone) {
  for (const char* text : {"x", "12", "-1 e", "1x e"}) {
    ASSERT_TRUE(resources_.KeepState("p", text).ok());
    EventPositions other(&resources_, "p");
    EXPECT_EQ(other.Load().epoch(), "") << text;
  }
}

}  // namespace
}  // namespace isthmus::synchronizer
