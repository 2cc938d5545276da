#include "services/lib/lwm2m/typed_value.h"

#include <cmath>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::lwm2m {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::HasSubstr;

v1::Value Raw(absl::string_view octets, uint32_t format) {
  v1::Value value;
  value.mutable_raw()->set_octets(octets.data(), octets.size());
  value.mutable_raw()->set_content_format(format);
  return value;
}
v1::Value Text(absl::string_view text) { return Raw(text, 0); }
v1::Value Tlv(absl::string_view hex) { return Raw(absl::HexStringToBytes(hex), 11542); }
v1::Value Integer(int64_t integer) {
  v1::Value value;
  value.set_integer(integer);
  return value;
}
v1::Value Floating(double number) {
  v1::Value value;
  value.set_floating(number);
  return value;
}
v1::Value TypedText(absl::string_view text) {
  v1::Value value;
  value.set_text(text.data(), text.size());
  return value;
}

const auto kRefused = StatusIs(absl::StatusCode::kInvalidArgument);

TEST(TypedValueTest, IntegersOfTlvHaveOneTwoFourOrEightOctets) {
  EXPECT_EQ(TypeValue(Tlv("50"), ResourceType::kInteger)->integer(), 80);
  EXPECT_EQ(TypeValue(Tlv("FF"), ResourceType::kInteger)->integer(), -1);
  EXPECT_EQ(TypeValue(Tlv("00C8"), ResourceType::kInteger)->integer(), 200);
  EXPECT_EQ(TypeValue(Tlv("80000000"), ResourceType::kInteger)->integer(), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(TypeValue(Tlv("8000000000000000"), ResourceType::kInteger)->integer(), std::numeric_limits<int64_t>::min());
  for (const char* hex : {"", "000001", "0000000001", "000000000000000001"}) {
    EXPECT_THAT(TypeValue(Tlv(hex), ResourceType::kInteger),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1, 2, 4 or 8 octets")));
  }
}

TEST(TypedValueTest, UnsignedIntegersOfTlvWithAndWithoutLeadingZero) {
  EXPECT_EQ(TypeValue(Tlv("C8"), ResourceType::kUnsignedInteger)->integer(), 200);
  EXPECT_EQ(TypeValue(Tlv("00C8"), ResourceType::kUnsignedInteger)->integer(), 200);
  EXPECT_EQ(TypeValue(Tlv("FFFFFFFF"), ResourceType::kUnsignedInteger)->integer(), 4294967295);
  EXPECT_EQ(TypeValue(Tlv("FFFFFFFFFFFFFFFF"), ResourceType::kUnsignedInteger)->unsigned_integer(),
            std::numeric_limits<uint64_t>::max());
  EXPECT_THAT(TypeValue(Integer(-1), ResourceType::kUnsignedInteger), kRefused);
  EXPECT_THAT(TypeValue(Text("-1"), ResourceType::kUnsignedInteger), kRefused);
  EXPECT_EQ(TypeValue(Text("18446744073709551615"), ResourceType::kUnsignedInteger)->unsigned_integer(),
            std::numeric_limits<uint64_t>::max());
}

// Field case "SenML numbers in the other shape".
TEST(TypedValueTest, NumbersInTheOtherShape) {
  EXPECT_EQ(TypeValue(Floating(80.0), ResourceType::kInteger)->integer(), 80);
  EXPECT_THAT(TypeValue(Floating(80.5), ResourceType::kInteger), kRefused);
  EXPECT_EQ(TypeValue(Integer(21), ResourceType::kFloat)->floating(), 21.0);
  EXPECT_TRUE(TypeValue(Integer(21), ResourceType::kFloat)->has_floating());
  EXPECT_EQ(TypeValue(Integer(1), ResourceType::kBoolean)->boolean(), true);
  EXPECT_THAT(TypeValue(Integer(2), ResourceType::kBoolean), kRefused);
  EXPECT_THAT(TypeValue(Floating(9223372036854775808.0), ResourceType::kInteger), kRefused);
  EXPECT_EQ(TypeValue(Floating(9223372036854775808.0), ResourceType::kUnsignedInteger)->unsigned_integer(),
            uint64_t{1} << 63);
  EXPECT_THAT(TypeValue(Floating(18446744073709551616.0), ResourceType::kUnsignedInteger), kRefused);
}

TEST(TypedValueTest, NotANumberAndInfinityNeverComeThrough) {
  for (const double number :
       {std::nan(""), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    for (const ResourceType type :
         {ResourceType::kInteger, ResourceType::kUnsignedInteger, ResourceType::kFloat, ResourceType::kTime}) {
      EXPECT_THAT(TypeValue(Floating(number), type), kRefused);
    }
  }
  EXPECT_THAT(TypeValue(Tlv("7F800000"), ResourceType::kFloat),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("finite")));
  EXPECT_THAT(TypeValue(Tlv("7FC00000"), ResourceType::kFloat), kRefused);
  EXPECT_THAT(TypeValue(Tlv("FFF0000000000000"), ResourceType::kFloat), kRefused);
}

TEST(TypedValueTest, FloatsOfTlv) {
  EXPECT_EQ(TypeValue(Tlv("41AB3333"), ResourceType::kFloat)->floating(), static_cast<double>(21.4f));
  EXPECT_EQ(TypeValue(Tlv("4035666666666666"), ResourceType::kFloat)->floating(), 21.4);
  for (const char* hex : {"", "41", "41AB", "41AB33", "41AB333333"}) {
    EXPECT_THAT(TypeValue(Tlv(hex), ResourceType::kFloat),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4 or 8 octets")));
  }
}

TEST(TypedValueTest, NumbersOfTextAreStrict) {
  EXPECT_EQ(TypeValue(Text("-0.5"), ResourceType::kFloat)->floating(), -0.5);
  EXPECT_EQ(TypeValue(Text(".5"), ResourceType::kFloat)->floating(), 0.5);
  EXPECT_EQ(TypeValue(Text("1e2"), ResourceType::kFloat)->floating(), 100.0);
  EXPECT_EQ(TypeValue(Text("+80"), ResourceType::kInteger)->integer(), 80);
  EXPECT_EQ(TypeValue(Text("80.0"), ResourceType::kInteger)->integer(), 80);
  for (const char* text : {"0.-5", "80 ", " 80", "", "eighty", "0x50", "nan", "inf"}) {
    EXPECT_THAT(TypeValue(Text(text), ResourceType::kFloat), kRefused) << text;
    EXPECT_THAT(TypeValue(Text(text), ResourceType::kInteger), kRefused) << text;
    EXPECT_THAT(TypeValue(Text(text), ResourceType::kTime), kRefused) << text;
  }
  EXPECT_THAT(TypeValue(Text("80.5"), ResourceType::kInteger), kRefused);
  EXPECT_THAT(TypeValue(Text("9223372036854775808"), ResourceType::kInteger), kRefused);
}

TEST(TypedValueTest, BooleansAreZeroOrOne) {
  EXPECT_EQ(TypeValue(Tlv("00"), ResourceType::kBoolean)->boolean(), false);
  EXPECT_EQ(TypeValue(Tlv("01"), ResourceType::kBoolean)->boolean(), true);
  EXPECT_EQ(TypeValue(Text("0"), ResourceType::kBoolean)->boolean(), false);
  EXPECT_EQ(TypeValue(Text("1"), ResourceType::kBoolean)->boolean(), true);
  EXPECT_TRUE(TypeValue(Text("0"), ResourceType::kBoolean)->has_boolean());
  for (const char* hex : {"", "02", "31", "0001"}) EXPECT_THAT(TypeValue(Tlv(hex), ResourceType::kBoolean), kRefused);
  for (const char* text : {"", "2", "true", "01"}) {
    EXPECT_THAT(TypeValue(Text(text), ResourceType::kBoolean), kRefused) << text;
  }
}

TEST(TypedValueTest, StringsAreUtf8) {
  EXPECT_EQ(TypeValue(Text("Acme"), ResourceType::kString)->text(), "Acme");
  EXPECT_EQ(TypeValue(Tlv("41636D65"), ResourceType::kString)->text(), "Acme");
  EXPECT_EQ(TypeValue(Raw("Acme", 42), ResourceType::kString)->text(), "Acme");
  EXPECT_EQ(TypeValue(Tlv(""), ResourceType::kString)->text(), "");
  EXPECT_THAT(TypeValue(Tlv("FF"), ResourceType::kString),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("UTF-8")));
  EXPECT_THAT(TypeValue(Integer(5), ResourceType::kString), kRefused);
  EXPECT_EQ(TypeValue(TypedText("</3/0>"), ResourceType::kCoreLink)->core_link(), "</3/0>");
}

TEST(TypedValueTest, OpaqueIsOctetsOrBase64) {
  EXPECT_EQ(TypeValue(Tlv("FF00"), ResourceType::kOpaque)->opaque(), std::string("\xFF\0", 2));
  EXPECT_EQ(TypeValue(Raw("QUJD", 42), ResourceType::kOpaque)->opaque(), "QUJD");
  EXPECT_EQ(TypeValue(Text("QUJD"), ResourceType::kOpaque)->opaque(), "ABC");
  EXPECT_EQ(TypeValue(TypedText("QUJD"), ResourceType::kOpaque)->opaque(), "ABC");
  EXPECT_THAT(TypeValue(Text("not base64!"), ResourceType::kOpaque), kRefused);
  EXPECT_THAT(TypeValue(Integer(1), ResourceType::kOpaque), kRefused);
}

// Field case "time in every shape".
TEST(TypedValueTest, TimeInEveryShape) {
  EXPECT_EQ(TypeValue(Tlv("6565D640"), ResourceType::kTime)->time(), 1701172800);
  EXPECT_EQ(TypeValue(Tlv("FFFFFFFF"), ResourceType::kTime)->time(), -1);
  EXPECT_EQ(TypeValue(Tlv("0000000081C94B00"), ResourceType::kTime)->time(), 0x81C94B00);
  EXPECT_EQ(TypeValue(Integer(1701172800), ResourceType::kTime)->time(), 1701172800);
  EXPECT_EQ(TypeValue(Floating(1701172800.0), ResourceType::kTime)->time(), 1701172800);
  EXPECT_EQ(TypeValue(Text("1701172800"), ResourceType::kTime)->time(), 1701172800);
  EXPECT_EQ(TypeValue(TypedText("2023-11-28T12:00:00Z"), ResourceType::kTime)->time(), 1701172800);
  EXPECT_EQ(TypeValue(TypedText("2023-11-28T21:00:00+09:00"), ResourceType::kTime)->time(), 1701172800);
  EXPECT_TRUE(TypeValue(Text("0"), ResourceType::kTime)->has_time());
}

TEST(TypedValueTest, MillisecondsInPlaceOfSecondsAreRefused) {
  EXPECT_THAT(TypeValue(Tlv("0000018C15CCEA00"), ResourceType::kTime),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("years 1 to 9999")));
  EXPECT_THAT(TypeValue(Integer(1701172800000), ResourceType::kTime), kRefused);
  EXPECT_EQ(TypeValue(Integer(253402300799), ResourceType::kTime)->time(), 253402300799);
  EXPECT_THAT(TypeValue(Integer(253402300800), ResourceType::kTime), kRefused);
  EXPECT_THAT(TypeValue(Integer(-62135596801), ResourceType::kTime), kRefused);
  EXPECT_THAT(TypeValue(Integer(std::numeric_limits<int64_t>::min()), ResourceType::kTime), kRefused);
  EXPECT_THAT(TypeValue(TypedText("20231128T120000"), ResourceType::kTime), kRefused);
  EXPECT_THAT(TypeValue(TypedText("infinite-future"), ResourceType::kTime), kRefused);
}

TEST(TypedValueTest, ObjectLinks) {
  const absl::StatusOr<v1::Value> tlv = TypeValue(Tlv("000300FF"), ResourceType::kObjectLink);
  ASSERT_THAT(tlv, IsOk());
  EXPECT_EQ(tlv->object_link().object_id(), 3u);
  EXPECT_EQ(tlv->object_link().object_instance_id(), 255u);
  EXPECT_EQ(TypeValue(Text("3:0"), ResourceType::kObjectLink)->object_link().object_id(), 3u);
  EXPECT_EQ(TypeValue(TypedText("65535:65535"), ResourceType::kObjectLink)->object_link().object_id(), 65535u);
  for (const char* hex : {"", "0003", "00030000FF"}) {
    EXPECT_THAT(TypeValue(Tlv(hex), ResourceType::kObjectLink), kRefused);
  }
  EXPECT_THAT(TypeValue(Text("3"), ResourceType::kObjectLink), kRefused);
  v1::Value beyond;
  beyond.mutable_object_link()->set_object_id(65536);
  EXPECT_THAT(TypeValue(beyond, ResourceType::kObjectLink), kRefused);
}

TEST(TypedValueTest, ExecutablesAndAbsentValuesHaveNoType) {
  EXPECT_THAT(TypeValue(Integer(1), ResourceType::kNone), kRefused);
  for (const ResourceType type :
       {ResourceType::kString, ResourceType::kInteger, ResourceType::kUnsignedInteger, ResourceType::kFloat,
        ResourceType::kBoolean, ResourceType::kOpaque, ResourceType::kTime, ResourceType::kObjectLink,
        ResourceType::kCoreLink, ResourceType::kNone}) {
    EXPECT_THAT(TypeValue(v1::Value(), type), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nothing")))
        << ResourceTypeName(type);
  }
}

}  // namespace
}  // namespace isthmus::lwm2m
