#include "tools/lwm2m_fleet/attributes.h"

#include <string>

#include "gtest/gtest.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::fleet {
namespace {

using lwm2m::MakePath;

TEST(AttributesTest, SetAndTakenAway) {
  AttributeTable table;
  EXPECT_EQ(table.Write(MakePath(3, 0, 9), {"pmin=10", "pmax=60", "gt=50.5", "lt=20", "st=5"}), coap::kChanged);
  EXPECT_EQ(AttributesToText(table.Own(MakePath(3, 0, 9))), ";pmin=10;pmax=60;gt=50.5;lt=20;st=5");
  EXPECT_EQ(table.Write(MakePath(3, 0, 9), {"pmin", "gt", "lt=1"}), coap::kChanged);
  EXPECT_EQ(AttributesToText(table.Own(MakePath(3, 0, 9))), ";pmax=60;lt=1;st=5");
}

TEST(AttributesTest, WhatIsWrongChangesNothing) {
  AttributeTable table;
  for (const char* query : {"pmin=x", "pmin=-1", "pmin=1.5", "pmin=", "gt=", "st=-1", "nonsense=1", "", "=1"}) {
    EXPECT_EQ(table.Write(MakePath(3), {"pmax=9", query}), coap::kBadRequest) << query;
  }
  EXPECT_EQ(table.Write(MakePath(3), {"gt=10", "lt=5", "st=3"}), coap::kBadRequest);  // lt + 2 st < gt
  EXPECT_EQ(AttributesToText(table.Own(MakePath(3))), "");
}

TEST(AttributesTest, TheDeeperLevelCounts) {
  AttributeTable table;
  table.Write(MakePath(3), {"pmin=1", "pmax=100"});
  table.Write(MakePath(3, 0), {"pmin=2"});
  table.Write(MakePath(3, 0, 9), {"pmin=3"});
  EXPECT_EQ(AttributesToText(table.Effective(MakePath(3, 0, 9))), ";pmin=3;pmax=100");
  EXPECT_EQ(AttributesToText(table.Effective(MakePath(3, 0, 10))), ";pmin=2;pmax=100");
  table.Write(MakePath(3, 0, 9), {"pmin=200"});
  EXPECT_EQ(AttributesToText(table.Effective(MakePath(3, 0, 9))), ";pmin=200");  // pmax below pmin
}

TEST(AttributesTest, WhatIsWorthTelling) {
  v1::NotificationAttributes attributes;
  EXPECT_TRUE(IsWorthTelling(attributes, 1, 2));
  attributes.set_greater_than(50);
  EXPECT_TRUE(IsWorthTelling(attributes, 50, 51));
  EXPECT_TRUE(IsWorthTelling(attributes, 51, 50));
  EXPECT_FALSE(IsWorthTelling(attributes, 51, 90));
  EXPECT_TRUE(IsWorthTelling(attributes, std::nullopt, 90));
  attributes.set_step(5);
  EXPECT_TRUE(IsWorthTelling(attributes, 60, 65));
  EXPECT_FALSE(IsWorthTelling(attributes, 60, 64));
  attributes.set_less_than(20);
  EXPECT_TRUE(IsWorthTelling(attributes, 21, 19));
}

}  // namespace
}  // namespace isthmus::fleet
