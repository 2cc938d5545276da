#include "services/synchronizer/core/tables/resource_tables.h"

#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_matchers.h"
#include "services/synchronizer/core/tables/table_loader.h"

namespace isthmus::synchronizer {
namespace {

using status::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;

const ResourceTables& Tables() { return ResourceTables::BuiltIn(); }

TEST(ResourceTables, HostsEightTypesAndNineteenSpecializations) {
  EXPECT_THAT(Tables().types(), ElementsAre(1u, 2u, 5u, 8u, 12u, 13u, 14u, 23u));
  const char* const roots[] = {"m2m:fwr",  "m2m:swr", "m2m:mem",  "m2m:ani",  "m2m:andi", "m2m:bat",  "m2m:dvi",
                               "m2m:dvc",  "m2m:rbo", "m2m:evl",  "m2m:cmp",  "m2m:acmp", "m2m:cmdf", "m2m:cmdv",
                               "m2m:cmpv", "m2m:cml", "m2m:cmnr", "m2m:cmwr", "m2m:cmbf"};
  uint32_t definition = 1001;
  for (const char* root : roots) {
    ASSERT_NE(Tables().ByRoot(root), nullptr) << root;
    EXPECT_EQ(Tables().ByRoot(root)->management_definition, definition++) << root;
    EXPECT_EQ(Tables().ByRoot(root)->type, kManagementObject) << root;
  }
}

TEST(ResourceTables, AttributeCarriesWhatItsFileSays) {
  const AttributeRule* level = Tables().ByRoot("m2m:bat")->Find("btl");
  ASSERT_NE(level, nullptr);
  EXPECT_EQ(level->create, Presence::kMandatory);
  EXPECT_EQ(level->update, Presence::kOptional);
  EXPECT_TRUE(level->single);
  EXPECT_FALSE(level->common);
  EXPECT_EQ(level->Expected(), "an unsigned integer of 0..100");
  const AttributeRule* status = Tables().ByRoot("m2m:fwr")->Find("uds");
  ASSERT_TRUE(status->initial.has_value());
  EXPECT_EQ(onem2m::Describe(*status->initial), R"({"acn":"","sus":0})");
  EXPECT_FALSE(Tables().ByRoot("m2m:rbo")->Find("rbo")->reads->boolean());
  EXPECT_TRUE(Tables().ByRoot("m2m:dvc")->Find("ena")->reads->boolean());
  EXPECT_TRUE(Tables().ByRoot("m2m:bat")->IsCommon("obps"));
  EXPECT_EQ(Tables().ByType(kAccessControlPolicy)->Find("acpi"), nullptr);
}

// mgmtLink of the CMDH family is on the device; of any other <mgmtObj> it is the IN-CSE's.
TEST(ResourceTables, LinksOfTheCmdhFamily) {
  EXPECT_FALSE(Tables().ByRoot("m2m:cmp")->IsCommon("cmlk"));
  EXPECT_TRUE(Tables().ByRoot("m2m:cmp")->Find("cmlk")->link);
  EXPECT_TRUE(Tables().ByRoot("m2m:acmp")->Find("acmlk")->link);
  EXPECT_FALSE(Tables().ByRoot("m2m:cmwr")->Find("cmlk")->link);
  EXPECT_TRUE(Tables().ByRoot("m2m:bat")->IsCommon("cmlk"));
}

TEST(ResourceTables, UnknownRootOfManagementObjectIsSelfDefined) {
  EXPECT_TRUE(Tables().Of(kManagementObject, "m2m:xyz").open);
  EXPECT_FALSE(Tables().Of(kManagementObject, "m2m:bat").open);
  // The root of another type does not make a <mgmtObj> an AE.
  EXPECT_TRUE(Tables().Of(kManagementObject, "m2m:ae").open);
}

TEST(ResourceTables, KnowsWhatTheStandardNumbers) {
  EXPECT_TRUE(IsStandardResourceType(3));
  EXPECT_TRUE(IsStandardResourceType(10014));
  EXPECT_FALSE(IsStandardResourceType(0));
  EXPECT_FALSE(IsStandardResourceType(999));
  EXPECT_TRUE(IsStandardManagementDefinition(1028));
  EXPECT_FALSE(IsStandardManagementDefinition(4711));
}

std::vector<TableFile> With(const std::string& text) {
  return {{"common.yaml", "attributes: [{short: rn, create: O, type: string}]"},
          {"management_common.yaml", "{children: [23], attributes: []}"},
          {"bad.yaml", text}};
}

TEST(TableLoader, NamesFileAttributeAndFault) {
  const std::pair<const char*, const char*> cases[] = {
      {"{type: 2, root: 'm2m:x', attributes: [{short: a, create: X, type: string}]}",
       "attribute a: expected M, O or NP"},
      {"{type: 2, root: 'm2m:x', attributes: [{short: a, create: M, type: texts}]}", "unknown type 'texts'"},
      {"{type: 2, root: 'm2m:x', attributes: [{short: a, create: M, type: string, rang: 1}]}", "unknown key 'rang'"},
      {"{type: 2, root: 'm2m:x', attributes: [{short: a, create: M, type: unsigned, range: 7}]}", "low..high"},
      {"{type: 2, root: 'm2m:x', attributes: [{short: rn, create: M, type: string}]}", "rn stands twice"},
      {"{type: 2, attributes: []}", "expected 'root'"},
      {"{type: 2, root: 'm2m:x', exclusive: [[a, b]], attributes: []}", "exclusive"},
      {"{type: two", "bad.yaml"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(TableLoader::Load(With(text)),
                StatusIs(absl::StatusCode::kInvalidArgument, testing::AllOf(HasSubstr("bad.yaml"), HasSubstr(message))))
        << text;
  }
  EXPECT_THAT(TableLoader::Load({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("are needed")));
}

}  // namespace
}  // namespace isthmus::synchronizer
