#include "services/synchronizer/core/filter/filter.h"

#include <string>

#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Integer;
using onem2m::Text;
using onem2m::TextList;
using onem2m::v1::FilterCriteria;

class FilterTest : public testing::Test {
 protected:
  void SetUp() override {
    Entry* base = Add("id-in", "", 5, "cse-in");
    Entry* node = Add("n", "id-in", 14, "n");
    battery_ = Add("bat", "n", 13, "bat");
    ASSERT_TRUE(base != nullptr && node != nullptr && battery_ != nullptr);
    StoredResource record = battery_->record;
    onem2m::Set(record.attributes, "ct", Text("20231128T120000"));
    onem2m::Set(record.attributes, "lt", Text("20231128T130000"));
    onem2m::Set(record.attributes, "et", Text("20301128T130000"));
    onem2m::Set(record.attributes, "btl", Integer(80));
    onem2m::Set(record.attributes, "ud", onem2m::Boolean(true));
    onem2m::Set(record.attributes, "dc", Text("main battery"));
    onem2m::Set(record.attributes, "lbl", TextList({"red", "site:12"}));
    onem2m::Set(record.attributes, "vendorValue", Integer(1));
    tree_.Replace(battery_, record);
    record = node->record;
    onem2m::Set(record.attributes, "lbl", TextList({"outside"}));
    tree_.Replace(node, record);
  }
  Entry* Add(const std::string& id, const std::string& parent, uint32_t type, const std::string& name) {
    StoredResource record;
    record.resource_id = id;
    record.parent_id = parent;
    record.type = type;
    record.name = name;
    return tree_.Insert(record);
  }
  static FilterCriteria With(const char* name, onem2m::v1::Value value, FilterCriteria criteria = {}) {
    auto* condition = criteria.add_conditions();
    condition->set_name(name);
    *condition->mutable_value() = std::move(value);
    return criteria;
  }
  bool Matches(const FilterCriteria& criteria) {
    Filter filter;
    const Checked checked = filter.Parse(criteria);
    EXPECT_FALSE(checked.has_value()) << checked->reason;
    return filter.Matches(*battery_);
  }
  static uint32_t Code(const FilterCriteria& criteria) {
    Filter filter;
    const Checked checked = filter.Parse(criteria);
    return checked.has_value() ? checked->code : 0;
  }
  ResourceTree tree_;
  Entry* battery_ = nullptr;
};

TEST_F(FilterTest, TypesAndLabelsAreAlternatives) {
  FilterCriteria criteria;
  EXPECT_TRUE(Matches(criteria));
  criteria.add_resource_types(14);
  EXPECT_FALSE(Matches(criteria));
  criteria.add_resource_types(13);
  EXPECT_TRUE(Matches(criteria));
  criteria.add_labels("blue");
  EXPECT_FALSE(Matches(criteria));
  criteria.add_labels("site:*");
  EXPECT_TRUE(Matches(criteria));
}

TEST_F(FilterTest, OrTakesAnyCondition) {
  FilterCriteria criteria;
  criteria.add_resource_types(14);
  criteria.add_labels("red");
  EXPECT_FALSE(Matches(criteria));
  criteria.set_filter_operation(2);
  EXPECT_TRUE(Matches(criteria));
  criteria.clear_labels();
  EXPECT_FALSE(Matches(criteria));
}

TEST_F(FilterTest, Times) {
  EXPECT_TRUE(Matches(With("crb", Text("20231128T120001"))));
  EXPECT_FALSE(Matches(With("crb", Text("20231128T120000"))));
  EXPECT_TRUE(Matches(With("cra", Text("20231128T115959"))));
  EXPECT_FALSE(Matches(With("cra", Text("20231128T120000"))));
  EXPECT_TRUE(Matches(With("ms", Text("20231128T130000"))));
  EXPECT_FALSE(Matches(With("ms", Text("20231128T130001"))));
  EXPECT_TRUE(Matches(With("us", Text("20231128T130001"))));
  EXPECT_FALSE(Matches(With("us", Text("20231128T130000"))));
  EXPECT_TRUE(Matches(With("exb", Text("20310101T000000"))));
  EXPECT_TRUE(Matches(With("exa", Text("20300101T000000"))));
}

TEST_F(FilterTest, AttributesInEveryForm) {
  EXPECT_TRUE(Matches(With("btl", Integer(80))));
  EXPECT_TRUE(Matches(With("btl", Text("80"))));
  EXPECT_TRUE(Matches(With("btl", onem2m::Number(80.0))));
  EXPECT_TRUE(Matches(With("btl", Text("8*"))));
  EXPECT_FALSE(Matches(With("btl", Integer(81))));
  EXPECT_TRUE(Matches(With("ud", Text("true"))));
  EXPECT_TRUE(Matches(With("dc", Text("*batt*"))));
  EXPECT_FALSE(Matches(With("dc", Text("batt"))));
  EXPECT_TRUE(Matches(With("btl", TextList({"1", "80"}))));
  EXPECT_TRUE(Matches(With("btl", Integer(80), With("btl", Integer(1)))));
  EXPECT_FALSE(Matches(With("mma", Integer(1))));
}

TEST_F(FilterTest, ParentAndChildren) {
  EXPECT_TRUE(Matches(With("pty", Integer(14))));
  EXPECT_FALSE(Matches(With("pty", Integer(5))));
  EXPECT_TRUE(Matches(With("palb", Text("outside"))));
  EXPECT_FALSE(Matches(With("chty", Integer(23))));
  Add("sub", "bat", 23, "sub");
  EXPECT_TRUE(Matches(With("chty", Integer(23))));
  EXPECT_FALSE(Matches(With("clbl", Text("x"))));
  EXPECT_FALSE(Matches(With("szb", Text("100"))));
}

TEST_F(FilterTest, WhatMakesNoSenseIsRefused) {
  EXPECT_EQ(Code(With("crb", Text("yesterday"))), 4000u);
  EXPECT_EQ(Code(With("crb", TextList({"20231128T120000", "20231128T120001"}))), 4000u);
  EXPECT_EQ(Code(With("szb", Text("-1"))), 4000u);
  EXPECT_EQ(Code(With("sts", Text("x"))), 4000u);
  EXPECT_EQ(Code(With("pty", Text("node"))), 4000u);
  EXPECT_EQ(Code(With("btl", TextList({}))), 4000u);
  EXPECT_EQ(Code(With("btl", onem2m::Null())), 4000u);
  EXPECT_EQ(Code(With("", Integer(1))), 4000u);
  EXPECT_EQ(Code(With("smf", Text("SELECT"))), 5001u);
  FilterCriteria criteria;
  criteria.set_filter_operation(9);
  EXPECT_EQ(Code(criteria), 4000u);
}

TEST_F(FilterTest, NamesThatNobodyKnows) {
  const auto names = [&](const char* name) {
    Filter filter;
    EXPECT_FALSE(filter.Parse(With(name, Integer(1))).has_value());
    (void)filter.Matches(*battery_);
    return filter.CheckNames(ResourceTables::BuiltIn()).has_value();
  };
  EXPECT_FALSE(names("mma"));
  EXPECT_FALSE(names("vendorValue"));
  EXPECT_TRUE(names("noSuchThing"));
}

}  // namespace
}  // namespace isthmus::synchronizer
