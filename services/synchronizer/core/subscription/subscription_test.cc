#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/subscription/notification_content.h"
#include "services/synchronizer/core/subscription/notification_target.h"
#include "services/synchronizer/core/subscription/subscription_rules.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Integer;
using onem2m::v1::Object;
using testing::HasSubstr;

struct Wanted {
  std::vector<int> events;
  int content = 1;
  std::vector<std::string> attributes;
  std::vector<int> child_types;
};

onem2m::v1::Value Numbers(const std::vector<int>& numbers) {
  std::vector<onem2m::v1::Value> values;
  for (const int number : numbers) values.push_back(Integer(number));
  return onem2m::List(values);
}

Object Attributes(const Wanted& wanted) {
  Object criteria, attributes;
  if (!wanted.events.empty()) onem2m::Set(criteria, "net", Numbers(wanted.events));
  if (!wanted.attributes.empty()) onem2m::Set(criteria, "atr", onem2m::TextList(wanted.attributes));
  if (!wanted.child_types.empty()) onem2m::Set(criteria, "chty", Numbers(wanted.child_types));
  if (criteria.members_size() > 0) onem2m::Set(attributes, "enc", onem2m::Complex(criteria));
  onem2m::Set(attributes, "nct", Integer(wanted.content));
  return attributes;
}

SubscriptionRules Rules(const Wanted& wanted) {
  StoredResource subscription;
  subscription.attributes = Attributes(wanted);
  return ParseSubscriptionRules(subscription);
}

Checked Check(const char* root, const Wanted& wanted) {
  return CheckSubscription(*ResourceTables::BuiltIn().ByRoot(root), Attributes(wanted));
}

TEST(SubscriptionRules, WithoutCriteriaUpdatesAreWanted) {
  EXPECT_TRUE(Rules({}).Wants(kUpdated, {"btl"}, 0));
  EXPECT_FALSE(Rules({}).Wants(kDeleted, {}, 0));
}

TEST(SubscriptionRules, AttributesAndChildTypesNarrow) {
  EXPECT_TRUE(Rules({{1}, 1, {"btl"}, {}}).Wants(kUpdated, {"btl", "lt"}, 0));
  EXPECT_FALSE(Rules({{1}, 1, {"btl"}, {}}).Wants(kUpdated, {"bts", "lt"}, 0));
  EXPECT_TRUE(Rules({{3}, 1, {}, {13}}).Wants(kChildCreated, {}, 13));
  EXPECT_FALSE(Rules({{3}, 1, {}, {13}}).Wants(kChildCreated, {}, 23));
  EXPECT_TRUE(Rules({{3, 4}, 1, {}, {}}).Wants(kChildDeleted, {}, 23));
}

TEST(SubscriptionRules, EventTypeAndContentTypeFit) {
  EXPECT_FALSE(Check("m2m:bat", {{1}, 2, {"btl"}, {}}).has_value());
  EXPECT_FALSE(Check("m2m:nod", {{1, 2, 3, 4}, 3, {}, {13}}).has_value());
  EXPECT_EQ(Check("m2m:bat", {{2}, 2, {}, {}})->code, 4000u);
  EXPECT_EQ(Check("m2m:bat", {{1, 2}, 2, {}, {}})->code, 4000u);
  EXPECT_EQ(Check("m2m:bat", {{1}, 4, {}, {}})->code, 4000u);
  EXPECT_EQ(Check("m2m:bat", {{7}, 2, {}, {}})->code, 5001u);
  EXPECT_THAT(Check("m2m:bat", {{7}, 2, {}, {}})->reason, HasSubstr("blockingUpdate"));
  EXPECT_EQ(Check("m2m:bat", {{5}, 1, {}, {}})->code, 5001u);
  EXPECT_EQ(Check("m2m:bat", {{2}, 1, {"btl"}, {}})->code, 4000u);
  EXPECT_EQ(Check("m2m:bat", {{1}, 1, {"xyz"}, {}})->code, 4000u);
  EXPECT_EQ(Check("m2m:bat", {{3}, 1, {}, {13}})->code, 4000u);
  EXPECT_EQ(Check("m2m:nod", {{1}, 1, {}, {13}})->code, 4000u);
}

class TargetTest : public testing::Test {
 protected:
  void SetUp() override {
    Add("id-in", "", kCseBase, "cse-in");
    Add("Cmon", "id-in", kAe, "monitor");
    Add("r1", "id-in", kNode, "n");
  }
  void Add(const std::string& id, const std::string& parent, uint32_t type, const std::string& name) {
    StoredResource record;
    record.resource_id = id;
    record.parent_id = parent;
    record.type = type;
    record.name = name;
    ASSERT_NE(tree_.Insert(record), nullptr);
  }
  std::string Resolve(const std::string& uri, const std::string& originator = "CAdmin") {
    std::string target;
    const Checked checked = ResolveTarget(uri, originator, tree_, space_, &target);
    return checked.has_value() ? std::to_string(checked->code) : target;
  }
  ResourceTree tree_;
  AddressSpace space_{"/id-in", "cse-in", "//isthmus.example.com"};
};

TEST_F(TargetTest, EveryFormOfAnAeIsItsAeId) {
  for (const char* uri : {"Cmon", "/id-in/Cmon", "cse-in/monitor", "-/monitor", "/id-in/cse-in/monitor",
                          "//isthmus.example.com/id-in/Cmon", "id-in/monitor"}) {
    EXPECT_EQ(Resolve(uri), "ae:Cmon") << uri;
  }
  EXPECT_EQ(ReachableTarget("ae:Cmon", tree_), "Cmon");
  tree_.Remove(tree_.FindById("Cmon"));
  EXPECT_EQ(ReachableTarget("ae:Cmon", tree_), "");
}

TEST_F(TargetTest, AnAeIsNotifiedInTheSerialisationThatItLists) {
  const auto serialization = [this](const std::vector<std::string>& types) {
    StoredResource record = tree_.FindById("Cmon")->record;
    onem2m::Set(record.attributes, "csz", onem2m::TextList(types));
    tree_.Replace(tree_.FindById("Cmon"), record);
    return SerializationOf("Cmon", tree_);
  };
  EXPECT_EQ(SerializationOf("Cmon", tree_), "");
  EXPECT_EQ(SerializationOf("Cghost", tree_), "");
  EXPECT_EQ(SerializationOf("id-in", tree_), "");
  EXPECT_EQ(SerializationOf("mqtt://h/a?ct=cbor", tree_), "");
  EXPECT_EQ(serialization({}), "");
  EXPECT_EQ(serialization({"application/cbor"}), "cbor");
  EXPECT_EQ(serialization({"application/vnd.onem2m-res+xml", "application/vnd.onem2m-res+cbor"}), "cbor");
  EXPECT_EQ(serialization({"application/xml"}), "xml");
  EXPECT_EQ(serialization({"xml", "cbor"}), "cbor");
  EXPECT_EQ(serialization({"application/xml", "application/json"}), "json");
}

TEST_F(TargetTest, OthersAreTakenAsTheyAre) {
  EXPECT_EQ(Resolve("Cghost"), "Cghost");
  EXPECT_EQ(ReachableTarget("Cghost", tree_), "Cghost");
  EXPECT_EQ(Resolve("/id-x"), "/id-x");
  EXPECT_EQ(Resolve("/id-x/Cy"), "/id-x/Cy");
  EXPECT_EQ(Resolve("Cy", "/id-x/Cz"), "/id-x/Cy");
  EXPECT_EQ(Resolve("mqtt://127.0.0.1:1883/noti/x?ct=json"), "mqtt://127.0.0.1:1883/noti/x");
  EXPECT_EQ(Resolve("mqtts://broker/a"), "mqtts://broker/a");
  EXPECT_EQ(Resolve("mqtt://h/a?x=y&ct=cbor"), "mqtt://h/a?ct=cbor");
  EXPECT_EQ(Resolve("mqtt://h/a?"), "mqtt://h/a");
  EXPECT_TRUE(IsUrl("mqtt://h/a"));
  EXPECT_FALSE(IsUrl("Cmon"));
}

TEST_F(TargetTest, WhatCannotBeNotifiedIsRefused) {
  for (const char* uri : {"",
                          "cse-in/none",
                          "none",
                          "999",
                          "cse-in",
                          "/id-in",
                          "/id-in/cse-in",
                          "id-in",
                          "-",
                          "r1",
                          "cse-in/n",
                          "Cmon#apn",
                          "Cmon/",
                          "http://host/x",
                          "mqtt://host",
                          "mqtt://host/",
                          "mqtt:///x",
                          "mqtt://host/?ct=json",
                          "mqtt://host/a?ct=yaml",
                          "mqtt://host/a/#",
                          "//other.example.com/id-x/Cy"}) {
    EXPECT_EQ(Resolve(uri), "4000") << uri;
  }
}

TEST(NotificationContent, SaysWhatHappened) {
  StoredResource battery;
  battery.resource_id = "r2";
  battery.root = "m2m:bat";
  onem2m::Set(battery.attributes, "btl", Integer(5));
  onem2m::Set(battery.attributes, "bts", Integer(1));
  const auto text = [](const onem2m::v1::Attribute& content) {
    return content.name() + " " + onem2m::Describe(content.value());
  };
  EXPECT_EQ(text(EventContent("/id-in/s", kUpdated, 1, battery, {"btl"})),
            R"(m2m:sgn {"nev":{"net":1,"rep":{"m2m:bat":{"btl":5,"bts":1}}},"sur":"/id-in/s"})");
  EXPECT_EQ(text(EventContent("/id-in/s", kUpdated, 2, battery, {"btl"})),
            R"(m2m:sgn {"nev":{"net":1,"rep":{"m2m:bat":{"btl":5}}},"sur":"/id-in/s"})");
  EXPECT_EQ(text(EventContent("/id-in/s", kDeleted, 3, battery, {})),
            R"(m2m:sgn {"nev":{"net":2,"rep":{"m2m:uri":"r2"}},"sur":"/id-in/s"})");
  EXPECT_EQ(text(VerificationContent("/id-in/s", "CAdmin")), R"(m2m:sgn {"vrq":true,"sur":"/id-in/s","cr":"CAdmin"})");
  EXPECT_EQ(text(DeletionContent("/id-in/s")), R"(m2m:sgn {"sud":true,"sur":"/id-in/s"})");
}

}  // namespace
}  // namespace isthmus::synchronizer
