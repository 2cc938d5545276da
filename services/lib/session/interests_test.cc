#include "services/lib/session/interests.h"

#include "gtest/gtest.h"
#include "services/lib/session/testing.h"

namespace isthmus::session {
namespace {

v1::Interest WithPeriods(uint64_t minimum, uint64_t maximum) {
  v1::Interest interest = MakeInterest("ep1", "/3/0/9");
  interest.mutable_attributes()->set_minimum_period(minimum);
  interest.mutable_attributes()->set_maximum_period(maximum);
  return interest;
}

TEST(PeerInterestsTest, WantsWhatLiesAtOrBelowAnInterest) {
  PeerInterests interests;
  EXPECT_TRUE(interests.Add(MakeInterest("ep1", "/3/0")));
  EXPECT_FALSE(interests.Add(MakeInterest("ep1", "/3/0")));
  EXPECT_TRUE(interests.Wants("ep1", lwm2m::MakePath(3, 0)));
  EXPECT_TRUE(interests.Wants("ep1", lwm2m::MakePath(3, 0, 9)));
  EXPECT_FALSE(interests.Wants("ep1", lwm2m::MakePath(3)));
  EXPECT_FALSE(interests.Wants("ep1", lwm2m::MakePath(3, 1, 9)));
  EXPECT_FALSE(interests.Wants("ep2", lwm2m::MakePath(3, 0)));
  EXPECT_FALSE(interests.Remove("ep1", lwm2m::MakePath(3)));
  EXPECT_TRUE(interests.Remove("ep1", lwm2m::MakePath(3, 0)));
  EXPECT_EQ(interests.size(), 0u);
}

TEST(InterestBookTest, UnionChangesOnlyWhenItDoes) {
  InterestBook book;
  v1::InterestChange add, remove;
  *add.add_add() = MakeInterest("ep1", "/3");
  *remove.add_remove() = MakeInterest("ep1", "/3");
  book.Change("a", add);
  book.Change("b", add);
  book.Change("a", remove);
  book.Change("b", remove);
  const std::vector<InterestBook::Entry> changes = book.TakeChanges();
  ASSERT_EQ(changes.size(), 4u);
  EXPECT_EQ(changes[0].of_union.add_size(), 1);
  EXPECT_EQ(changes[1].of_union.ByteSizeLong(), 0u);
  EXPECT_EQ(changes[2].of_union.ByteSizeLong(), 0u);
  EXPECT_EQ(changes[3].of_union.remove_size(), 1);
  EXPECT_FALSE(book.has_changes());
}

TEST(InterestBookTest, OnePeerThatWantsTypesIsEnough) {
  InterestBook book;
  v1::InterestChange plain, typed;
  *plain.add_add() = *typed.add_add() = MakeInterest("ep1", "/7/0");
  typed.mutable_add(0)->set_self_describing(true);
  book.Change("a", plain);
  book.Change("b", typed);
  EXPECT_TRUE(book.Union()[0].self_describing());
  book.Change("b", plain);
  EXPECT_FALSE(book.Union()[0].self_describing());
  EXPECT_FALSE(book.TakeChanges().back().of_union.add(0).self_describing());
}

TEST(InterestBookTest, AttributesOfSeveralPeersSatisfyAll) {
  InterestBook book;
  v1::InterestChange a, b;
  *a.add_add() = WithPeriods(10, 100);
  *b.add_add() = WithPeriods(20, 50);
  book.Change("a", a);
  book.Change("b", b);
  ASSERT_EQ(book.Union().size(), 1u);
  EXPECT_EQ(book.Union()[0].attributes().minimum_period(), 10u);
  EXPECT_EQ(book.Union()[0].attributes().maximum_period(), 50u);
  book.Replace("b", v1::Interests());
  EXPECT_EQ(book.Union()[0].attributes().maximum_period(), 100u);
  EXPECT_EQ(book.TakeChanges().back().of_union.add_size(), 1);
}

TEST(MergeAttributesTest, ConditionsThatDifferGiveWay) {
  lwm2m::v1::NotificationAttributes a, b;
  a.set_greater_than(5);
  a.set_step(1);
  b.set_greater_than(5);
  b.set_step(1);
  b.set_minimum_period(3);
  EXPECT_EQ(MergeAttributes(a, b).greater_than(), 5);
  EXPECT_EQ(MergeAttributes(a, b).step(), 1);
  EXPECT_FALSE(MergeAttributes(a, b).has_minimum_period()) << "one of them wants it at once";
  b.set_step(2);
  EXPECT_FALSE(MergeAttributes(a, b).has_greater_than());
  EXPECT_FALSE(MergeAttributes(a, b).has_step());
}

}  // namespace
}  // namespace isthmus::session
