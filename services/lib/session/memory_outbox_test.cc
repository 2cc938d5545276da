#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/session/session.h"
#include "services/lib/session/testing.h"

namespace isthmus::session {
namespace {

using ::testing::ElementsAre;

std::vector<uint64_t> Sequences(const std::vector<v1::Event>& events) {
  std::vector<uint64_t> sequences;
  for (const v1::Event& event : events) sequences.push_back(event.position().sequence());
  return sequences;
}

TEST(MemoryOutboxTest, KeepsEventsOfEachPeerUntilTheyAreAcknowledged) {
  const std::unique_ptr<Outbox> outbox = MakeMemoryOutbox("e1");
  EXPECT_EQ(outbox->first_sequence("a"), 1u);
  EXPECT_EQ(outbox->last_sequence("a"), 0u);
  for (uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(outbox->Append("a", Registered("ep")), i);
  EXPECT_EQ(outbox->Append("b", Registered("ep")), 1u);
  EXPECT_THAT(Sequences(outbox->Read("a", 0, 2)), ElementsAre(1, 2));
  EXPECT_THAT(Sequences(outbox->Read("a", 3, 9)), ElementsAre(4, 5));
  EXPECT_THAT(Sequences(outbox->Read("a", 5, 9)), ElementsAre());
  EXPECT_THAT(Sequences(outbox->Read("a", 77, 9)), ElementsAre());
  EXPECT_EQ(outbox->Read("a", 0, 1)[0].position().epoch(), "e1");
  outbox->Acknowledge("a", 3);
  outbox->Acknowledge("a", 2);
  EXPECT_THAT(Sequences(outbox->Read("a", 0, 9)), ElementsAre(4, 5));
  EXPECT_EQ(outbox->first_sequence("a"), 4u);
  outbox->Acknowledge("a", 99);
  EXPECT_EQ(outbox->first_sequence("a"), 6u);
  EXPECT_EQ(outbox->last_sequence("a"), 5u);
  EXPECT_EQ(outbox->Append("a", Registered("ep")), 6u);
}

TEST(MemoryOutboxTest, TheOldestGoWhenItIsFull) {
  const std::unique_ptr<Outbox> outbox = MakeMemoryOutbox("e1", 2);
  for (int i = 0; i < 5; ++i) outbox->Append("a", Registered("ep"));
  EXPECT_EQ(outbox->first_sequence("a"), 4u);
  EXPECT_THAT(Sequences(outbox->Read("a", 0, 9)), ElementsAre(4, 5));
}

TEST(MemoryOutboxTest, InterestsAndPeers) {
  const std::unique_ptr<Outbox> outbox = MakeMemoryOutbox("e1");
  v1::Interests interests;
  *interests.add_interests() = MakeInterest("ep1", "/3");
  *interests.add_interests() = MakeInterest("ep2", "/3");
  outbox->StoreInterests("a", interests);
  v1::InterestChange change;
  *change.add_remove() = MakeInterest("ep1", "/3");
  *change.add_add() = MakeInterest("ep3", "/3");
  outbox->ChangeInterests("a", change);
  outbox->ChangeInterests("b", v1::InterestChange());
  const v1::Interests kept = outbox->LoadInterests("a");
  ASSERT_EQ(kept.interests_size(), 2);
  EXPECT_EQ(kept.interests(0).endpoint(), "ep2");
  EXPECT_EQ(kept.interests(1).endpoint(), "ep3");
  EXPECT_THAT(outbox->peers(), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace isthmus::session
