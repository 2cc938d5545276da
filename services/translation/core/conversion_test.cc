#include "services/translation/core/conversion.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::HasSubstr;

absl::StatusOr<std::string> Up(const std::string& root, const std::string& name, const lwm2m::v1::Value& value) {
  const ResourceMapping& mapping = *BuiltIn().FindMapping(root);
  const AttributeMapping& attribute = *mapping.Find(name);
  absl::StatusOr<onem2m::v1::Value> converted =
      ToOneM2m(attribute, *BuiltIn().FindResource(mapping.object_id, "", attribute.resource_id), value);
  if (!converted.ok()) return converted.status();
  return onem2m::Describe(*converted);
}

absl::StatusOr<std::string> Down(const std::string& root, const std::string& name, const onem2m::v1::Value& value) {
  const ResourceMapping& mapping = *BuiltIn().FindMapping(root);
  const AttributeMapping& attribute = *mapping.Find(name);
  absl::StatusOr<lwm2m::v1::Value> converted =
      ToLwm2m(attribute, *BuiltIn().FindResource(mapping.object_id, "", attribute.resource_id), value);
  if (!converted.ok()) return converted.status();
  return converted->ShortDebugString();
}

// Field case "time in every shape". Once more with the host in another zone: it plays no role.
class TimeTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    setenv("TZ", GetParam(), 1);
    tzset();
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
  }
};
INSTANTIATE_TEST_SUITE_P(Zones, TimeTest, ::testing::Values("UTC", "Asia/Kolkata", "America/New_York"));

TEST_P(TimeTest, OfTheDevice) {
  EXPECT_EQ(Up("m2m:dvi", "syst", Tlv({0x65, 0x65, 0xD6, 0x40})).value(), "\"20231128T120000\"");
  EXPECT_EQ(Up("m2m:dvi", "syst", Time(1701172800)).value(), "\"20231128T120000\"");
  EXPECT_EQ(Up("m2m:dvi", "syst", I(1701172800)).value(), "\"20231128T120000\"");
  EXPECT_EQ(Up("m2m:dvi", "syst", F(1.7011728e9)).value(), "\"20231128T120000\"");
  EXPECT_EQ(Up("m2m:dvi", "syst", Raw(0, "1701172800")).value(), "\"20231128T120000\"");
  EXPECT_EQ(Up("m2m:dvi", "syst", Tlv({0xFF, 0xFF, 0xFF, 0xFF})).value(), "\"19691231T235959\"");
  EXPECT_EQ(Up("m2m:dvi", "syst", Tlv({0, 0, 0, 0, 0x81, 0xC9, 0x4B, 0})).value().substr(0, 5), "\"2039");
}

TEST_P(TimeTest, MillisecondsInPlaceOfSecondsAreNoTime) {
  EXPECT_THAT(Up("m2m:dvi", "syst", Tlv({0, 0, 0x01, 0x8C, 0x15, 0xCC, 0xEA, 0x00})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("years 1 to 9999")));
  EXPECT_FALSE(Up("m2m:dvi", "syst", Time(std::numeric_limits<int64_t>::max())).ok());
  EXPECT_FALSE(Up("m2m:dvi", "syst", Time(std::numeric_limits<int64_t>::min())).ok());
  EXPECT_FALSE(Up("m2m:dvi", "syst", S("noon")).ok());
}

TEST_P(TimeTest, OfTheApplication) {
  EXPECT_EQ(Down("m2m:dvi", "syst", onem2m::Text("20231128T120000")).value(), "time: 1701172800");
  EXPECT_EQ(Down("m2m:dvi", "syst", onem2m::Text("20231128T120000,5")).value(), "time: 1701172800");
  EXPECT_THAT(Down("m2m:dvi", "syst", onem2m::Text("20231128T120000Z")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("syst")));
  EXPECT_THAT(Down("m2m:dvi", "syst", onem2m::Text("20230231T120000")), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Down("m2m:dvi", "syst", onem2m::Integer(1701172800)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("timestamp")));
}

// Field case "SenML numbers in the other shape": what of it is decided by types.
TEST(Numbers, InTheOtherShape) {
  EXPECT_EQ(Up("m2m:bat", "btl", F(80.0)).value(), "80");
  EXPECT_EQ(Up("m2m:bat", "btl", I(80)).value(), "80");
  EXPECT_EQ(Up("m2m:bat", "btl", Tlv({0x50})).value(), "80");
  EXPECT_EQ(Up("m2m:bat", "btl", Raw(0, "80")).value(), "80");
  EXPECT_FALSE(Up("m2m:bat", "btl", F(80.5)).ok());
  EXPECT_FALSE(Up("m2m:mem", "mma", F(1.5)).ok());
  EXPECT_FALSE(Up("m2m:bat", "btl", F(std::nan(""))).ok());
  EXPECT_FALSE(Up("m2m:bat", "btl", F(std::numeric_limits<double>::infinity())).ok());
  EXPECT_FALSE(Up("m2m:bat", "btl", S("eighty")).ok());
}

TEST(Numbers, FloatsTakeIntegersAndNeverNotANumber) {
  AttributeMapping sensor;
  sensor.short_name = "val";
  sensor.long_name = "value";
  sensor.access = Access::kRead;
  sensor.type = AttributeType::kFloat;
  sensor.resource_id = 5700;
  const ResourceDefinition& resource = *BuiltIn().FindResource(3303, "", 5700);
  EXPECT_EQ(onem2m::Describe(ToOneM2m(sensor, resource, I(21)).value()), "21");
  EXPECT_EQ(onem2m::Describe(ToOneM2m(sensor, resource, F(21.5)).value()), "21.5");
  EXPECT_FALSE(ToOneM2m(sensor, resource, F(std::nan(""))).ok());
  EXPECT_FALSE(ToOneM2m(sensor, resource, F(-std::numeric_limits<double>::infinity())).ok());
  EXPECT_FALSE(ToOneM2m(sensor, resource, Tlv({0x7F, 0x80, 0x00, 0x00})).ok());
}

TEST(Offset, OfTheBatteryStatus) {
  for (int64_t status = 0; status <= 6; ++status) {
    EXPECT_EQ(Up("m2m:bat", "bts", I(status)).value(), std::to_string(status + 1));
  }
  EXPECT_THAT(Up("m2m:bat", "bts", I(7)), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("8 is outside 1..7")));
  EXPECT_FALSE(Up("m2m:bat", "bts", I(-1)).ok());
  EXPECT_FALSE(Up("m2m:bat", "bts", I(std::numeric_limits<int64_t>::max())).ok());
  EXPECT_FALSE(Up("m2m:bat", "btl", I(101)).ok());
}

TEST(Scale, OfTheMemory) {
  EXPECT_EQ(Up("m2m:mem", "mma", I(512)).value(), "512000");
  EXPECT_EQ(Up("m2m:mem", "mmt", I(0)).value(), "0");
  EXPECT_FALSE(Up("m2m:mem", "mma", I(-1)).ok());
  EXPECT_FALSE(Up("m2m:mem", "mma", I(std::numeric_limits<int64_t>::max() / 10)).ok());
}

TEST(Map, OfTheLogClass) {
  EXPECT_EQ(Up("m2m:evl", "lgt", I(5)).value(), "5");
  EXPECT_THAT(Up("m2m:evl", "lgt", I(6)), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no counterpart")));
  EXPECT_EQ(Down("m2m:evl", "lgt", onem2m::Integer(2)).value(), "integer: 2");
  EXPECT_THAT(Down("m2m:evl", "lgt", onem2m::Integer(6)), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Bits, OfTheLogStatus) {
  // Bit 0 stopped, bit 1 data valid, bit 2 error.
  const int expected[8] = {4, 4, 1, 2, 5, 5, 5, 5};
  for (int bits = 0; bits < 8; ++bits) {
    EXPECT_EQ(Up("m2m:evl", "lgst", I(bits)).value(), std::to_string(expected[bits])) << bits;
  }
}

TEST(Base64, OfTheLogData) {
  EXPECT_EQ(Up("m2m:evl", "lgd", Opaque(std::string("\x00\xff\x10", 3))).value(), "\"AP8Q\"");
  EXPECT_EQ(Up("m2m:evl", "lgd", Opaque("")).value(), "\"\"");
}

TEST(ToDevice, WrongTypesNameAttributeExpectedAndGot) {
  EXPECT_THAT(Down("m2m:fwr", "url", onem2m::Integer(5)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("url (URL): expected URI, got 5")));
  EXPECT_THAT(
      Down("m2m:evl", "lgt", onem2m::Text("1")),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("lgt (logTypeId): expected non-negative integer")));
  EXPECT_EQ(Down("m2m:evl", "lgt", onem2m::Number(1.0)).value(), "integer: 1");
  EXPECT_FALSE(Down("m2m:evl", "lgt", onem2m::Number(1.5)).ok());
}

TEST(ToDevice, WhatTheResourceDoesNotTakeIsOutOfRange) {
  EXPECT_EQ(Down("m2m:fwr", "url", onem2m::Text(std::string(255, 'a'))).ok(), true);
  EXPECT_THAT(Down("m2m:fwr", "url", onem2m::Text(std::string(256, 'a'))),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("0..255")));
}

}  // namespace
}  // namespace isthmus::translation
