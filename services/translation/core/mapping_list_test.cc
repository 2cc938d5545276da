#include "services/translation/core/mapping_list.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::ListMappingsResponse List(const std::string& root) {
  v1::ListMappingsRequest request;
  request.set_root(root);
  return ListMappings(BuiltIn(), request).value();
}

TEST(ListMappings, OneEntryPerAttribute) {
  const v1::ListMappingsResponse battery = List("m2m:bat");
  EXPECT_EQ(battery.mapping_version(), BuiltIn().version());
  ASSERT_EQ(battery.mappings_size(), 2);
  const v1::Mapping& status = battery.mappings(1);
  EXPECT_EQ(status.root(), "m2m:bat");
  EXPECT_EQ(status.attribute(), "bts");
  EXPECT_EQ(status.attribute_long_name(), "batteryStatus");
  EXPECT_EQ(status.object_id(), "urn:oma:lwm2m:oma:3");
  EXPECT_EQ(status.resource_id(), 20u);
  EXPECT_THAT(status.operations(), ElementsAre("Read"));
  EXPECT_EQ(status.conversion(), "oneM2M = LwM2M + 1");
  EXPECT_THAT(status.clause(), HasSubstr("TS-0005"));
}

TEST(ListMappings, EveryEntryExplainsItself) {
  const v1::ListMappingsResponse all = List("");
  std::set<std::string> roots;
  for (const v1::Mapping& entry : all.mappings()) {
    roots.insert(entry.root());
    SCOPED_TRACE(entry.root() + " " + entry.attribute());
    EXPECT_FALSE(entry.attribute_long_name().empty());
    EXPECT_FALSE(entry.conversion().empty());
    EXPECT_FALSE(entry.clause().empty());
    EXPECT_EQ(entry.object_id().empty(), !entry.has_resource_id());
    EXPECT_EQ(entry.object_id().empty(), entry.operations().empty());
  }
  EXPECT_THAT(roots, ElementsAre("m2m:acmp", "m2m:andi", "m2m:bat", "m2m:cmbf", "m2m:cmdf", "m2m:cmdv", "m2m:cml",
                                 "m2m:cmnr", "m2m:cmp", "m2m:cmpv", "m2m:cmwr", "m2m:dvc", "m2m:dvi", "m2m:evl",
                                 "m2m:fwr", "m2m:mem", "m2m:rbo", "m2m:swr"));
}

TEST(ListMappings, LocalAttributesAndActions) {
  const v1::ListMappingsResponse device = List("m2m:dvi");
  for (const v1::Mapping& entry : device.mappings()) {
    if (entry.attribute() != "cnty") continue;
    EXPECT_FALSE(entry.has_resource_id());
    EXPECT_EQ(entry.conversion(), "stays with the IN-CSE");
  }
  EXPECT_THAT(List("m2m:rbo").mappings(0).operations(), ElementsAre("Execute"));
  EXPECT_THAT(List("m2m:fwr").mappings(2).operations(), ElementsAre("Read", "Write"));
}

TEST(ListMappings, AnUnknownRootIsNamed) {
  v1::ListMappingsRequest request;
  request.set_root("m2m:nix");
  EXPECT_THAT(ListMappings(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("root: there is no mapping for 'm2m:nix'")));
}

}  // namespace
}  // namespace isthmus::translation
