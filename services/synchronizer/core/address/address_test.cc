#include "services/synchronizer/core/address/address.h"

#include <string>

#include "gtest/gtest.h"

namespace isthmus::synchronizer {
namespace {

const AddressSpace& Space() {
  static const auto* const space = new AddressSpace("/id-in", "cse-in", "//isthmus.example.com");
  return *space;
}

struct Good {
  const char* to;
  const char* local;
  bool structured;
  const char* attribute;
};

class GoodAddress : public testing::TestWithParam<Good> {};

TEST_P(GoodAddress, IsUnderstood) {
  Address address;
  const Checked checked = Space().Parse(GetParam().to, &address);
  ASSERT_FALSE(checked.has_value()) << checked->reason;
  EXPECT_EQ(address.local, GetParam().local);
  EXPECT_EQ(address.structured, GetParam().structured);
  EXPECT_EQ(address.attribute, GetParam().attribute);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, GoodAddress,
    testing::Values(Good{"cse-in", "cse-in", true, ""}, Good{"cse-in/n/bat", "cse-in/n/bat", true, ""},
                    Good{"-", "cse-in", true, ""}, Good{"-/n/bat", "cse-in/n/bat", true, ""},
                    Good{"id-in", "id-in", false, ""}, Good{"r12", "r12", false, ""},
                    Good{"r12/bat", "r12/bat", false, ""}, Good{"/id-in/cse-in/n", "cse-in/n", true, ""},
                    Good{"/id-in/-", "cse-in", true, ""}, Good{"/id-in/id-in", "id-in", false, ""},
                    Good{"/id-in/r12/bat", "r12/bat", false, ""}, Good{"/id-in/Cmon", "Cmon", false, ""},
                    Good{"//isthmus.example.com/id-in/cse-in/n", "cse-in/n", true, ""},
                    Good{"//isthmus.example.com/id-in/-/n", "cse-in/n", true, ""},
                    Good{"//isthmus.example.com/id-in/r12", "r12", false, ""},
                    Good{"cse-in/n/bat#btl", "cse-in/n/bat", true, "btl"}, Good{"r12#btl", "r12", false, "btl"}));

class BadAddress : public testing::TestWithParam<std::pair<const char*, uint32_t>> {};

TEST_P(BadAddress, IsRefused) {
  Address address;
  const Checked checked = Space().Parse(GetParam().first, &address);
  ASSERT_TRUE(checked.has_value());
  EXPECT_EQ(checked->code, GetParam().second) << checked->reason;
  EXPECT_NE(checked->reason.find("to '"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, BadAddress,
    testing::Values(std::make_pair("", 4000u), std::make_pair("/id-in", 4000u), std::make_pair("/", 4000u),
                    std::make_pair("//", 4000u), std::make_pair("cse-in/", 4000u),
                    std::make_pair("/id-in/cse-in/n/bat/", 4000u), std::make_pair("cse-in//n", 4000u),
                    std::make_pair("//isthmus.example.com", 4000u),
                    std::make_pair("//isthmus.example.com/id-in", 4000u), std::make_pair("/id-in//cse-in", 4000u),
                    std::make_pair("cse-in/n#", 4000u), std::make_pair("cse-in/n#a#b", 4000u),
                    std::make_pair("#btl", 4000u), std::make_pair("/id-x/cse-in", 4004u),
                    std::make_pair("/id-x", 4004u), std::make_pair("//other.example.com/id-in/cse-in", 4004u),
                    std::make_pair("//isthmus.example.com/id-x/cse-in", 4004u)));

TEST(Originator, HasOneForm) {
  EXPECT_EQ(Space().NormalizeOriginator("Cmon"), "Cmon");
  EXPECT_EQ(Space().NormalizeOriginator("/id-in/Cmon"), "Cmon");
  EXPECT_EQ(Space().NormalizeOriginator("//isthmus.example.com/id-in/Cmon"), "Cmon");
  EXPECT_EQ(Space().NormalizeOriginator("/Smon"), "Smon");
  EXPECT_EQ(Space().NormalizeOriginator("/id-x/Cmon"), "/id-x/Cmon");
  EXPECT_EQ(Space().NormalizeOriginator("//isthmus.example.com/id-x"), "/id-x");
  EXPECT_EQ(Space().NormalizeOriginator("/id-in"), "/id-in");
  EXPECT_EQ(Space().NormalizeOriginator("999"), "999");
  EXPECT_EQ(Space().SpRelativeForm("Cmon"), "/id-in/Cmon");
  EXPECT_EQ(Space().SpRelativeForm("Smon"), "/Smon");
  EXPECT_EQ(Space().SpRelativeForm("/id-x"), "");
}

TEST(ResourceName, FollowsTheGrammar) {
  for (const char* name : {"a", "7", "battery-1", "urn.dev_1"}) EXPECT_TRUE(IsResourceName(name)) << name;
  for (const char* name : {"", "-a", ".a", "a b", "a/b", "urn:dev:1", "a#b", "\xc3\xa4"}) {
    EXPECT_FALSE(IsResourceName(name)) << name;
  }
  EXPECT_FALSE(IsResourceName(std::string(257, 'a')));
  EXPECT_EQ(ToResourceName("urn:imei:490154203237518"), "urn-imei-490154203237518");
  for (const std::string& text : {std::string(), std::string("::"), std::string("a/b c"), std::string(999, ':')}) {
    EXPECT_TRUE(IsResourceName(ToResourceName(text))) << text;
  }
}

TEST(AeIdStem, StartsWithCOrS) {
  EXPECT_TRUE(IsAeIdStem("Cmon"));
  EXPECT_TRUE(IsAeIdStem("S1"));
  for (const char* text : {"", "C", "S", "999", "mon", "C mon", "C/mon"}) EXPECT_FALSE(IsAeIdStem(text)) << text;
}

}  // namespace
}  // namespace isthmus::synchronizer
