#include "services/lib/onem2m/value.h"

#include <string>

#include "gtest/gtest.h"

namespace isthmus::onem2m {
namespace {

v1::Object Battery() {
  v1::Object object;
  Set(object, "btl", Integer(77));
  Set(object, "bts", Integer(1));
  return object;
}

TEST(Value, SetReplacesInPlaceAndRemoveTakesOut) {
  v1::Object battery = Battery();
  Set(battery, "btl", Integer(5));
  ASSERT_EQ(battery.members_size(), 2);
  EXPECT_EQ(battery.members(0).name(), "btl");
  EXPECT_EQ(Find(battery, "btl")->integer(), 5);
  EXPECT_TRUE(Remove(battery, "btl"));
  EXPECT_FALSE(Remove(battery, "btl"));
  EXPECT_EQ(Find(battery, "btl"), nullptr);
}

TEST(Value, EqualComparesMeaningAndNotForm) {
  v1::Object other;
  Set(other, "bts", Number(1.0));
  Set(other, "btl", Integer(77));
  EXPECT_TRUE(Equal(Complex(Battery()), Complex(other)));
  Set(other, "btl", Integer(78));
  EXPECT_FALSE(Equal(Complex(Battery()), Complex(other)));
  EXPECT_FALSE(Equal(Text("1"), Integer(1)));
  EXPECT_FALSE(Equal(TextList({"a", "b"}), TextList({"b", "a"})));
  EXPECT_TRUE(Equal(TextList({}), List({})));
}

TEST(Value, EqualKeepsLargeIntegersApart) {
  // As doubles these two are the same number.
  EXPECT_FALSE(Equal(Integer(9007199254740993), Integer(9007199254740992)));
}

TEST(Value, DescribeIsCompactAndBounded) {
  EXPECT_EQ(Describe(Complex(Battery())), R"({"btl":77,"bts":1})");
  EXPECT_EQ(Describe(TextList({"a"})), R"(["a"])");
  EXPECT_EQ(Describe(Text(std::string(1000, 'x')), 10).size(), 13u);
}

TEST(MakeResponse, RepeatsIdentifierAndAlwaysHasRelease) {
  v1::RequestPrimitive request;
  request.set_request_identifier("r1");
  const v1::ResponsePrimitive response = MakeResponse(request, 4004, "no such resource");
  EXPECT_EQ(response.request_identifier(), "r1");
  EXPECT_EQ(response.release_version_indicator(), "4");
  EXPECT_EQ(response.primitive_content().name(), "m2m:dbg");
  EXPECT_EQ(response.primitive_content().value().text(), "no such resource");
  EXPECT_FALSE(MakeResponse(request, 2000).has_primitive_content());
}

}  // namespace
}  // namespace isthmus::onem2m
