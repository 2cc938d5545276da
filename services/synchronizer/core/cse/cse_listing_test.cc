// Discovery, filter criteria, and listings of children.
#include <string>

#include "absl/strings/str_cat.h"
#include "services/synchronizer/core/cse/cse_fixture.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Integer;
using onem2m::Text;
using onem2m::TextList;
using onem2m::v1::RequestPrimitive;

class CseListingTest : public CseFixture {
 protected:
  void SetUp() override {
    CseFixture::SetUp();
    for (const char* name : {"n1", "n2"}) {
      ASSERT_EQ(CreateNode(name).code(), 2001u);
      ASSERT_EQ(CreateBattery(absl::StrCat("cse-in/", name)).code(), 2001u);
      ASSERT_EQ(Create("CAdmin", absl::StrCat("cse-in/", name), 13, "m2m:mem",
                       {{"rn", Text("mem")},
                        {"mgd", Integer(1003)},
                        {"mma", Integer(1)},
                        {"mmt", Integer(2)},
                        {"lbl", TextList({name})}})
                    .code(),
                2001u);
    }
  }
  static RequestPrimitive Discovery(const std::string& to, const std::string& from = "CAdmin") {
    RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, from, to);
    primitive.mutable_filter_criteria()->set_filter_usage(1);
    return primitive;
  }
  static RequestPrimitive With(RequestPrimitive primitive, const char* name, onem2m::v1::Value value) {
    *primitive.mutable_filter_criteria()->add_conditions() = Attribute(name, std::move(value));
    return primitive;
  }
};

TEST_F(CseListingTest, DiscoversBelowTheTarget) {
  EXPECT_EQ(Ask(Discovery("cse-in/n1")).content(), R"(m2m:uril ["cse-in/n1/bat","cse-in/n1/mem"])");
  EXPECT_EQ(Ask(Discovery("cse-in/n1/bat")).content(), "m2m:uril []");
  RequestPrimitive primitive = Discovery("cse-in");
  primitive.mutable_filter_criteria()->add_resource_types(14);
  EXPECT_EQ(Ask(primitive).content(), R"(m2m:uril ["cse-in/n1","cse-in/n2"])");
  primitive.set_result_content(11);
  EXPECT_EQ(Ask(primitive).content(), R"(m2m:uril ["cse-in/n1","cse-in/n2"])");
  primitive.set_result_content(6);
  EXPECT_EQ(Ask(primitive).content(),
            R"(m2m:rrl {"rrf":[{"nm":"n1","typ":14,"val":"cse-in/n1"},{"nm":"n2","typ":14,"val":"cse-in/n2"}]})");
}

TEST_F(CseListingTest, UnstructuredIdentifiers) {
  const std::string battery = Retrieve("CAdmin", "cse-in/n1/bat").text("ri");
  RequestPrimitive primitive = With(Discovery("cse-in/n1"), "btl", Integer(80));
  primitive.set_desired_identifier_result_type(2);
  EXPECT_EQ(Ask(primitive).content(), absl::StrCat("m2m:uril [\"/id-in/", battery, "\"]"));
}

TEST_F(CseListingTest, FiltersByLabelLevelAndAttribute) {
  RequestPrimitive primitive = Discovery("cse-in");
  primitive.mutable_filter_criteria()->add_labels("n2");
  EXPECT_EQ(Ask(primitive).content(), R"(m2m:uril ["cse-in/n2/mem"])");
  primitive = Discovery("cse-in");
  primitive.mutable_filter_criteria()->set_level(1);
  EXPECT_EQ(Ask(primitive).content(), R"(m2m:uril ["cse-in/devicesAcp","cse-in/n1","cse-in/n2"])");
  primitive.mutable_filter_criteria()->set_level(0);
  EXPECT_EQ(Ask(primitive).content(), "m2m:uril []");
  EXPECT_EQ(Ask(With(Discovery("cse-in"), "mmt", Text("2"))).content(),
            R"(m2m:uril ["cse-in/n1/mem","cse-in/n2/mem"])");
  EXPECT_EQ(Ask(With(Discovery("cse-in"), "noSuchThing", Integer(1))).code(), 4000u);
  EXPECT_EQ(Ask(With(Discovery("cse-in"), "szb", Text("-1"))).code(), 4000u);
}

TEST_F(CseListingTest, LimitAndOffsetAfterTheFilter) {
  RequestPrimitive primitive = Discovery("cse-in");
  primitive.mutable_filter_criteria()->add_resource_types(13);
  primitive.mutable_filter_criteria()->set_limit(3);
  Result result = Ask(primitive);
  EXPECT_EQ(result.content(), R"(m2m:uril ["cse-in/n1/bat","cse-in/n1/mem","cse-in/n2/bat"])");
  EXPECT_EQ(result.response.primitive().content_status(), 1u);
  EXPECT_EQ(result.response.primitive().content_offset(), 4u);
  primitive.mutable_filter_criteria()->set_offset(result.response.primitive().content_offset());
  result = Ask(primitive);
  EXPECT_EQ(result.content(), R"(m2m:uril ["cse-in/n2/mem"])");
  EXPECT_EQ(result.response.primitive().content_status(), 0u);
  primitive.mutable_filter_criteria()->set_offset(99);
  EXPECT_EQ(Ask(primitive).content(), "m2m:uril []");
}

TEST_F(CseListingTest, NoMoreThanTheMostResults) {
  options_.max_results = 2;
  Restart();
  const Result result = Ask(Discovery("cse-in"));
  EXPECT_EQ(result.response.primitive().primitive_content().value().list().values_size(), 2);
  EXPECT_EQ(result.response.primitive().content_status(), 1u);
}

TEST_F(CseListingTest, AppliedRelativePath) {
  RequestPrimitive primitive = Discovery("cse-in");
  primitive.mutable_filter_criteria()->set_applied_relative_path("bat");
  EXPECT_EQ(Ask(primitive).content(), R"(m2m:uril ["cse-in/n1/bat","cse-in/n2/bat"])");
}

TEST_F(CseListingTest, ShowsOnlyWhatMayBeDiscovered) {
  EXPECT_EQ(Ask(Discovery("cse-in", "Cmon")).content(), "m2m:uril []");
  const auto rules = [](int operations) {
    return MakeComplex(
        {{"acr", onem2m::List({MakeComplex({{"acor", TextList({"Cmon"})}, {"acop", Integer(operations)}})})}});
  };
  ASSERT_EQ(
      Create("CAdmin", "cse-in", 1, "m2m:acp", {{"rn", Text("acp")}, {"pv", rules(32)}, {"pvs", rules(0)}}).code(),
      2001u);
  ASSERT_EQ(Update("CAdmin", "cse-in/n2", "m2m:nod", {{"acpi", TextList({"cse-in/acp"})}}).code(), 2004u);
  EXPECT_EQ(Ask(Discovery("cse-in", "Cmon")).content(), R"(m2m:uril ["cse-in/n2","cse-in/n2/bat","cse-in/n2/mem"])");
  EXPECT_EQ(Retrieve("Cmon", "cse-in/n2").code(), 4103u);
}

TEST_F(CseListingTest, OriginatorsOfOtherCsesGetSpRelativeAddresses) {
  const auto rules =
      MakeComplex({{"acr", onem2m::List({MakeComplex({{"acor", TextList({"/id-x/*"})}, {"acop", Integer(63)}})})}});
  ASSERT_EQ(Create("CAdmin", "cse-in", 1, "m2m:acp", {{"rn", Text("acp")}, {"pv", rules}, {"pvs", rules}}).code(),
            2001u);
  ASSERT_EQ(Update("CAdmin", "cse-in/n1", "m2m:nod", {{"acpi", TextList({"cse-in/acp"})}}).code(), 2004u);
  EXPECT_EQ(Ask(Discovery("cse-in/n1", "/id-x/Cy")).content(),
            R"(m2m:uril ["/id-in/cse-in/n1/bat","/id-in/cse-in/n1/mem"])");
}

TEST_F(CseListingTest, ChildrenInEveryForm) {
  const Result references = Retrieve("CAdmin", "cse-in/n1", 5);
  EXPECT_EQ(references.get("ch"),
            R"([{"nm":"bat","typ":13,"val":"cse-in/n1/bat"},{"nm":"mem","typ":13,"val":"cse-in/n1/mem"}])");
  EXPECT_TRUE(references.has("ni"));
  const Result children = Retrieve("CAdmin", "cse-in/n1", 8);
  EXPECT_EQ(children.root(), "m2m:nod");
  EXPECT_FALSE(children.has("ni"));
  EXPECT_EQ(onem2m::Find(children.attributes(), "m2m:bat")->list().values_size(), 1);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n1/bat", 8).content(), "m2m:bat {}");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n1/bat", 6).content(), R"(m2m:rrl {"rrf":[]})");
  const Result all = Retrieve("CAdmin", "cse-in", 4);
  const onem2m::v1::Value* nodes = onem2m::Find(all.attributes(), "m2m:nod");
  ASSERT_NE(nodes, nullptr);
  ASSERT_EQ(nodes->list().values_size(), 2);
  EXPECT_NE(onem2m::Find(nodes->list().values(0).object(), "m2m:mem"), nullptr);
  EXPECT_TRUE(all.has("csi"));
}

TEST_F(CseListingTest, NestedListingHasLevelLimitAndOffset) {
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in");
  primitive.set_result_content(8);
  primitive.mutable_filter_criteria()->set_level(1);
  primitive.mutable_filter_criteria()->add_resource_types(14);
  Result result = Ask(primitive);
  const onem2m::v1::Value* nodes = onem2m::Find(result.attributes(), "m2m:nod");
  ASSERT_EQ(nodes->list().values_size(), 2);
  EXPECT_EQ(onem2m::Find(nodes->list().values(0).object(), "m2m:bat"), nullptr);
  primitive.mutable_filter_criteria()->set_limit(1);
  result = Ask(primitive);
  EXPECT_EQ(onem2m::Find(result.attributes(), "m2m:nod")->list().values_size(), 1);
  EXPECT_EQ(result.response.primitive().content_status(), 1u);
  EXPECT_EQ(result.response.primitive().content_offset(), 2u);
  primitive.mutable_filter_criteria()->set_offset(2);
  result = Ask(primitive);
  EXPECT_EQ(onem2m::FindText(onem2m::Find(result.attributes(), "m2m:nod")->list().values(0).object(), "rn"), "n2");
  EXPECT_EQ(result.response.primitive().content_status(), 0u);
}

TEST_F(CseListingTest, ConditionalRetrieveOfOneResource) {
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in/n1/bat");
  EXPECT_EQ(Ask(With(primitive, "btl", Integer(80))).code(), 2000u);
  EXPECT_EQ(Ask(With(primitive, "btl", Integer(81))).code(), 4004u);
  EXPECT_EQ(Ask(With(primitive, "crb", Text("tomorrow"))).code(), 4000u);
  primitive.set_operation(onem2m::v1::OPERATION_TYPE_DELETE);
  EXPECT_EQ(Ask(With(primitive, "btl", Integer(81))).code(), 4004u);
  EXPECT_EQ(Ask(With(primitive, "btl", Integer(80))).code(), 2002u);
}

TEST_F(CseListingTest, PartialRetrieve) {
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n1/bat#btl").content(), R"(m2m:bat {"btl":80})");
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in/n1/bat");
  primitive.mutable_primitive_content()->set_name("m2m:atrl");
  *primitive.mutable_primitive_content()->mutable_value() = TextList({"bts", "lbl", "bts"});
  EXPECT_EQ(Ask(primitive).content(), R"(m2m:bat {"bts":1})");
  *primitive.mutable_primitive_content()->mutable_value() = TextList({"mma"});
  EXPECT_EQ(Ask(primitive).code(), 4000u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n1/bat#lbl").code(), 4004u);
}

}  // namespace
}  // namespace isthmus::synchronizer
