#include "services/synchronizer/core/access/access_control.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;

Value Rules(const std::vector<std::pair<std::vector<std::string>, int>>& rules) {
  std::vector<Value> list;
  for (const auto& [originators, operations] : rules) {
    Object rule;
    onem2m::Set(rule, "acor", onem2m::TextList(originators));
    onem2m::Set(rule, "acop", onem2m::Integer(operations));
    list.push_back(onem2m::Complex(rule));
  }
  Object object;
  onem2m::Set(object, "acr", onem2m::List(list));
  return onem2m::Complex(object);
}

class AccessControlTest : public testing::Test {
 protected:
  void SetUp() override {
    Add("id-in", "", kCseBase, "cse-in");
    Add("Cmon", "id-in", kAe, "mon", "Cmon");
    Add("acp1", "id-in", kAccessControlPolicy, "acp");
    Add("n", "id-in", kNode, "n");
    Add("bat", "n", kManagementObject, "bat");
    Add("sub", "bat", kSubscription, "sub", "Csub");
  }
  Entry* Add(const std::string& id, const std::string& parent, uint32_t type, const std::string& name,
             const std::string& creator = "CAdmin") {
    StoredResource record;
    record.resource_id = id;
    record.parent_id = parent;
    record.type = type;
    record.name = name;
    record.creator = creator;
    return tree_.Insert(record);
  }
  Entry* Get(const std::string& id) { return tree_.FindById(id); }
  void SetAttribute(const std::string& id, const std::string& name, Value value) {
    StoredResource record = Get(id)->record;
    onem2m::Set(record.attributes, name, std::move(value));
    tree_.Replace(Get(id), record);
  }
  // acp1 with these privileges, and the node under it.
  void Govern(const std::vector<std::pair<std::vector<std::string>, int>>& rules) {
    SetAttribute("acp1", "pv", Rules(rules));
    SetAttribute("acp1", "pvs", Rules({{{"Cowner"}, 63}}));
    SetAttribute("n", "acpi", onem2m::TextList({"cse-in/acp"}));
  }

  ResourceTree tree_;
  AddressSpace space_{"/id-in", "cse-in", "//isthmus.example.com"};
  AccessControl access_{&tree_, &space_, "CAdmin"};
};

TEST_F(AccessControlTest, AdministratorMayEverything) {
  for (const char* id : {"id-in", "Cmon", "acp1", "n", "bat", "sub"}) {
    EXPECT_TRUE(access_.Allows("CAdmin", *Get(id), kDelete)) << id;
  }
}

TEST_F(AccessControlTest, WithoutPoliciesOnlyCreatorAndOwner) {
  EXPECT_FALSE(access_.Allows("Cmon", *Get("bat"), kRetrieve));
  EXPECT_FALSE(access_.Allows("", *Get("bat"), kRetrieve));
  EXPECT_TRUE(access_.Allows("Csub", *Get("sub"), kDelete));
  EXPECT_FALSE(access_.Allows("Cmon", *Get("sub"), kRetrieve));
  EXPECT_TRUE(access_.Allows("Cmon", *Get("Cmon"), kUpdate));
  EXPECT_FALSE(access_.Allows("Cother", *Get("Cmon"), kRetrieve));
  Add("below", "Cmon", kSubscription, "s", "CAdmin");
  EXPECT_TRUE(access_.Allows("Cmon", *Get("below"), kRetrieve));
}

TEST_F(AccessControlTest, RulesNameOriginatorsAndOperations) {
  Govern({{{"Cmon"}, kRetrieve | kDiscover}, {{"Cwrite"}, kUpdate}});
  EXPECT_TRUE(access_.Allows("Cmon", *Get("n"), kRetrieve));
  EXPECT_TRUE(access_.Allows("Cmon", *Get("n"), kDiscover));
  EXPECT_FALSE(access_.Allows("Cmon", *Get("n"), kUpdate));
  EXPECT_TRUE(access_.Allows("Cwrite", *Get("n"), kUpdate));
  EXPECT_FALSE(access_.Allows("Cwrite", *Get("n"), kRetrieve));
  EXPECT_FALSE(access_.Allows("Cmonitor", *Get("n"), kRetrieve));
}

TEST_F(AccessControlTest, PoliciesAreInheritedFromAbove) {
  Govern({{{"Cmon"}, kRetrieve}});
  EXPECT_TRUE(access_.Allows("Cmon", *Get("bat"), kRetrieve));
  EXPECT_TRUE(access_.Allows("Cmon", *Get("sub"), kRetrieve));
  EXPECT_TRUE(access_.Allows("Csub", *Get("sub"), kDelete));
  Add("acp2", "id-in", kAccessControlPolicy, "acp2");
  SetAttribute("acp2", "pv", Rules({{{"Cother"}, 63}}));
  SetAttribute("bat", "acpi", onem2m::TextList({"acp2"}));
  EXPECT_FALSE(access_.Allows("Cmon", *Get("bat"), kRetrieve));
  EXPECT_TRUE(access_.Allows("Cother", *Get("bat"), kRetrieve));
}

TEST_F(AccessControlTest, SeveralPoliciesAreAlternativesAndMissingOnesGiveNothing) {
  Govern({{{"Cmon"}, kRetrieve}});
  SetAttribute("n", "acpi", onem2m::TextList({"cse-in/gone", "/id-other/acp", "acp1"}));
  EXPECT_TRUE(access_.Allows("Cmon", *Get("n"), kRetrieve));
  SetAttribute("n", "acpi", onem2m::TextList({"cse-in/gone"}));
  EXPECT_FALSE(access_.Allows("Cmon", *Get("n"), kRetrieve));
  EXPECT_TRUE(access_.Allows("CAdmin", *Get("n"), kRetrieve));
}

TEST_F(AccessControlTest, OriginatorForms) {
  const struct {
    const char* pattern;
    const char* originator;
    bool allowed;
  } cases[] = {{"all", "999", true},
               {"C*", "Cmon", true},
               {"C*", "Smon", false},
               {"*", "/id-x/Cy", true},
               {"/id-x", "/id-x", true},
               {"/id-x", "/id-x/Cy", false},
               {"/id-x/*", "/id-x/Cy", true},
               {"/id-in/Cmon", "Cmon", true},
               {"/id-in/*", "Cmon", true},
               {"/id-in/*", "/id-x/Cy", false},
               {"/Sx", "Sx", true},
               {"//isthmus.example.com/id-in/Cmon", "Cmon", true},
               {"C*n", "Cmon", true},
               {"C*x", "Cmon", false},
               {"", "", false}};
  for (const auto& c : cases) {
    Govern({{{c.pattern}, kRetrieve}});
    // An originator without a name matches no name, whatever the rule says.
    if (c.originator[0] == '\0') continue;
    EXPECT_EQ(access_.Allows(c.originator, *Get("n"), kRetrieve), c.allowed) << c.pattern << " " << c.originator;
  }
}

TEST_F(AccessControlTest, PolicyGovernsItself) {
  Govern({{{"Cmon"}, 63}});
  EXPECT_FALSE(access_.Allows("Cmon", *Get("acp1"), kRetrieve));
  EXPECT_TRUE(access_.Allows("Cowner", *Get("acp1"), kUpdate));
  EXPECT_FALSE(access_.Allows("Cowner", *Get("n"), kRetrieve));
}

TEST_F(AccessControlTest, ChangingPoliciesNeedsSelfPrivileges) {
  Govern({{{"Cmon"}, 63}});
  EXPECT_FALSE(access_.AllowsPolicyChange("Cmon", *Get("n")));
  EXPECT_TRUE(access_.AllowsPolicyChange("Cowner", *Get("n")));
  EXPECT_TRUE(access_.AllowsPolicyChange("Cowner", *Get("bat")));
  EXPECT_TRUE(access_.AllowsPolicyChange("Csub", *Get("sub")));
  EXPECT_TRUE(access_.AllowsPolicyChange("Cmon", *Get("Cmon")));
  EXPECT_TRUE(access_.AllowsPolicyChange("CAdmin", *Get("n")));
}

TEST_F(AccessControlTest, ObjectDetailsLimitCreation) {
  Govern({{{"Cmon"}, kCreate}});
  Object details;
  onem2m::Set(details, "chty", onem2m::List({onem2m::Integer(kSubscription)}));
  Value pv = Rules({{{"Cmon"}, kCreate}});
  Value* rule = onem2m::FindMutable(*pv.mutable_object(), "acr")->mutable_list()->mutable_values(0);
  onem2m::Set(*rule->mutable_object(), "acod", onem2m::List({onem2m::Complex(details)}));
  SetAttribute("acp1", "pv", pv);
  EXPECT_TRUE(access_.Allows("Cmon", *Get("n"), kCreate, kSubscription));
  EXPECT_FALSE(access_.Allows("Cmon", *Get("n"), kCreate, kManagementObject));
}

TEST_F(AccessControlTest, CseBaseIsOpenForReading) {
  EXPECT_TRUE(access_.Allows("999", *Get("id-in"), kRetrieve));
  EXPECT_TRUE(access_.Allows("999", *Get("id-in"), kDiscover));
  EXPECT_FALSE(access_.Allows("999", *Get("id-in"), kCreate, kAccessControlPolicy));
  EXPECT_TRUE(access_.Allows("Cmon", *Get("id-in"), kCreate, kAccessControlPolicy));
  EXPECT_TRUE(access_.Allows("Cmon", *Get("id-in"), kCreate, kSubscription));
  EXPECT_FALSE(access_.Allows("Cmon", *Get("id-in"), kCreate, kNode));
}

TEST(Pattern, IsNotExponential) {
  const std::string text(10000, 'a');
  EXPECT_FALSE(MatchesPattern(text, "*a*a*a*a*a*a*a*a*a*b"));
  EXPECT_TRUE(MatchesPattern("", "*"));
  EXPECT_TRUE(MatchesPattern("abc", "a**c"));
  EXPECT_FALSE(MatchesPattern("abc", "ab"));
}

}  // namespace
}  // namespace isthmus::synchronizer
