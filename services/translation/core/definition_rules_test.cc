#include "services/translation/core/definition_rules.h"

#include "gtest/gtest.h"

namespace isthmus::translation {
namespace {

TEST(DefinitionRules, VersionsAreTwoNumbersAndEqualOnesAreEqualTexts) {
  EXPECT_EQ(CanonicalVersion("1.0"), "1.0");
  EXPECT_EQ(CanonicalVersion("01.010"), "1.10");
  for (const char* bad : {"", "1", "1.", ".1", "1.0.0", "v1.0", "-1.0", "+1.0", " 1.0", "1.99999999999", "1.0 "}) {
    EXPECT_EQ(CanonicalVersion(bad), std::nullopt) << bad;
  }
}

TEST(DefinitionRules, UrnsAreTakenApart) {
  const auto urn = ParseObjectUrn("urn:oma:lwm2m:ext:3303:1.1");
  ASSERT_TRUE(urn.has_value());
  EXPECT_EQ(urn->base, "urn:oma:lwm2m:ext:3303");
  EXPECT_EQ(urn->object_id, 3303u);
  EXPECT_EQ(urn->version, "1.1");
  EXPECT_EQ(ParseObjectUrn("urn:oma:lwm2m:oma:3")->version, "");
  for (const char* bad : {"", "urn:oma:lwm2m:oma", "urn:oma:lwm2m::3", "urn:oma:lwm2m:oma:x", "urn:oma:lwm2m:oma:65536",
                          "urn:oma:lwm2m:oma:3:", "urn:oma:lwm2m:oma:3:1", "urn:oma:lwm2m:oma:3:1.0:x",
                          "URN:oma:lwm2m:oma:3", "urn:oma:dm:oma:3", "urn:oma:lwm2m:oma:+3"}) {
    EXPECT_FALSE(ParseObjectUrn(bad).has_value()) << bad;
  }
}

TEST(DefinitionRules, TheRegistryNamesItsClasses) {
  EXPECT_EQ(RegistryUrn(3), "urn:oma:lwm2m:oma:3");
  EXPECT_EQ(RegistryUrn(1023), "urn:oma:lwm2m:oma:1023");
  EXPECT_EQ(RegistryUrn(2048), "urn:oma:lwm2m:ext:2048");
  EXPECT_EQ(RegistryUrn(10240), "urn:oma:lwm2m:ext:10240");
  EXPECT_EQ(RegistryUrn(10241), "urn:oma:lwm2m:x:10241");
  EXPECT_EQ(RegistryUrn(34120), "urn:oma:lwm2m:x:34120");
}

TEST(DefinitionRules, OperationsAreLetters) {
  EXPECT_TRUE(ParseOperations("RW")->read);
  EXPECT_TRUE(ParseOperations("RW")->write);
  EXPECT_FALSE(ParseOperations("RW")->execute);
  EXPECT_TRUE(ParseOperations("E")->execute);
  EXPECT_TRUE(ParseOperations("").has_value());
  EXPECT_FALSE(ParseOperations("RX").has_value());
  EXPECT_FALSE(ParseOperations("r").has_value());
}

}  // namespace
}  // namespace isthmus::translation
