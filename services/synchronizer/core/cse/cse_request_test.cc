// Primitives, addresses, and the resources that no device is behind.
#include <functional>
#include <string>

#include "services/synchronizer/core/cse/cse_fixture.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Integer;
using onem2m::Text;
using onem2m::TextList;
using onem2m::v1::RequestPrimitive;
using testing::HasSubstr;

class CseRequestTest : public CseFixture {};

// ---- start ----

TEST_F(CseRequestTest, FirstStartMakesCseBaseAndDevicesPolicy) {
  const Result base = Retrieve("Cany", "cse-in");
  EXPECT_EQ(base.code(), 2000u);
  EXPECT_EQ(base.root(), "m2m:cb");
  EXPECT_EQ(base.text("ri"), "id-in");
  EXPECT_EQ(base.text("csi"), "/id-in");
  EXPECT_EQ(base.get("pi"), "\"\"");
  EXPECT_EQ(base.get("srt"), "[1,2,5,8,12,13,14,23]");
  EXPECT_EQ(base.text("ctm"), "20231114T221320");
  EXPECT_EQ(base.response.primitive().from(), "/id-in");
  EXPECT_EQ(base.response.primitive().to(), "Cany");
  EXPECT_EQ(base.response.primitive().request_identifier(), "q1");
  const Result policy = Retrieve("CAdmin", "cse-in/devicesAcp");
  EXPECT_EQ(policy.code(), 2000u);
  EXPECT_EQ(policy.get("pv"), R"({"acr":[{"acor":["CAdmin"],"acop":63}]})");
}

TEST_F(CseRequestTest, RestartKeepsResourcesAndDoesNotBringBackADeletedPolicy) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  ASSERT_EQ(CreateBattery("cse-in/n").code(), 2001u);
  ASSERT_EQ(Delete("CAdmin", "cse-in/devicesAcp").code(), 2002u);
  options_.points_of_access = {"mqtt://broker"};
  Restart();
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n/bat").get("btl"), "80");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/devicesAcp").code(), 4004u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in").get("poa"), R"(["mqtt://broker"])");
}

TEST_F(CseRequestTest, AStoreOfAnotherCseIsRefused) {
  options_.cse_name = "other";
  Cse other(options_, &store_, &clock_, &ids_);
  EXPECT_THAT(other.Start(&management_, &notifications_),
              status::StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cse-in")));
}

// ---- primitives ----

void SetContentOf(RequestPrimitive* primitive, const char* root) {
  primitive->mutable_primitive_content()->set_name(root);
  primitive->mutable_primitive_content()->mutable_value()->mutable_object();
}

struct Spoilt {
  const char* name;
  std::function<void(RequestPrimitive*)> spoil;
  uint32_t code;
  const char* reason;
};

class SpoiltPrimitive : public CseFixture, public testing::WithParamInterface<Spoilt> {};

TEST_P(SpoiltPrimitive, IsAnsweredWithItsReason) {
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in");
  GetParam().spoil(&primitive);
  const Result result = Ask(primitive);
  EXPECT_EQ(result.code(), GetParam().code) << result.reason();
  EXPECT_THAT(result.reason(), HasSubstr(GetParam().reason));
  EXPECT_FALSE(result.response.primitive().release_version_indicator().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Parameters, SpoiltPrimitive,
    testing::Values(
        Spoilt{"NoOperation", [](RequestPrimitive* p) { p->clear_operation(); }, 4000, "op:"},
        Spoilt{"OperationOutOfRange",
               [](RequestPrimitive* p) { p->set_operation(static_cast<onem2m::v1::OperationType>(9)); }, 4000, "got 9"},
        Spoilt{"NoIdentifier", [](RequestPrimitive* p) { p->clear_request_identifier(); }, 4000, "rqi:"},
        Spoilt{"NoTarget", [](RequestPrimitive* p) { p->clear_to(); }, 4000, "to:"},
        Spoilt{"NoOriginator", [](RequestPrimitive* p) { p->clear_from(); }, 4000, "fr:"},
        Spoilt{"Release1", [](RequestPrimitive* p) { p->set_release_version_indicator("1"); }, 4001, "rvi:"},
        Spoilt{"ReleaseOfTheFuture", [](RequestPrimitive* p) { p->set_release_version_indicator("9"); }, 4001, "got 9"},
        Spoilt{"TrailingSlash", [](RequestPrimitive* p) { p->set_to("cse-in/"); }, 4000, "does not end in '/'"},
        Spoilt{"BareCse", [](RequestPrimitive* p) { p->set_to("/id-in"); }, 4000, "a CSE-ID is no resource"},
        Spoilt{"ForeignCse", [](RequestPrimitive* p) { p->set_to("/id-x/cse"); }, 4004, "/id-x"},
        Spoilt{"Nothing", [](RequestPrimitive* p) { p->set_to("cse-in/none"); }, 4004, "no such resource"},
        Spoilt{"TypeInRetrieve", [](RequestPrimitive* p) { p->set_resource_type(13); }, 4000, "ty:"},
        Spoilt{"ResultNothing", [](RequestPrimitive* p) { p->set_result_content(0); }, 4000, "rcn:"},
        Spoilt{"ResultOriginal", [](RequestPrimitive* p) { p->set_result_content(7); }, 4000, "rcn:"},
        Spoilt{"ResultSemantic", [](RequestPrimitive* p) { p->set_result_content(10); }, 5001, "rcn:"},
        Spoilt{"ResultUnknown", [](RequestPrimitive* p) { p->set_result_content(99); }, 4000, "got 99"},
        Spoilt{"DiscoveryWithAttributes",
               [](RequestPrimitive* p) {
                 p->set_result_content(1);
                 p->mutable_filter_criteria()->set_filter_usage(1);
               },
               4000, "discovery"},
        Spoilt{"FilterUsage", [](RequestPrimitive* p) { p->mutable_filter_criteria()->set_filter_usage(7); }, 4000,
               "fc.fu"},
        Spoilt{"OnDemandDiscovery", [](RequestPrimitive* p) { p->mutable_filter_criteria()->set_filter_usage(3); },
               5001, "fc.fu"},
        Spoilt{"IdentifierType", [](RequestPrimitive* p) { p->set_desired_identifier_result_type(3); }, 4000, "drt"},
        Spoilt{"NonblockingSynch", [](RequestPrimitive* p) { p->mutable_response_type()->set_value(1); }, 5206, "rt:"},
        Spoilt{"NonblockingAsynch", [](RequestPrimitive* p) { p->mutable_response_type()->set_value(2); }, 5001, "rt:"},
        Spoilt{"NoResponse", [](RequestPrimitive* p) { p->mutable_response_type()->set_value(5); }, 5001, "rt:"},
        Spoilt{"ResponseType", [](RequestPrimitive* p) { p->mutable_response_type()->set_value(8); }, 4000, "rt:"},
        Spoilt{"Expired", [](RequestPrimitive* p) { p->mutable_request_expiration()->set_seconds(1600000000); }, 4008,
               "rqet"},
        Spoilt{"ContentInRetrieve", [](RequestPrimitive* p) { SetContentOf(p, "m2m:cb"); }, 4000, "m2m:atrl"},
        Spoilt{"ContentInDelete",
               [](RequestPrimitive* p) {
                 p->set_operation(onem2m::v1::OPERATION_TYPE_DELETE);
                 SetContentOf(p, "m2m:cb");
               },
               4000, "pc:"},
        Spoilt{"UpdateWithoutContent", [](RequestPrimitive* p) { p->set_operation(onem2m::v1::OPERATION_TYPE_UPDATE); },
               4000, "pc:"},
        Spoilt{"CreateWithoutType",
               [](RequestPrimitive* p) {
                 p->set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
                 SetContentOf(p, "m2m:ae");
               },
               4000, "ty:"},
        Spoilt{"CreateOfUnknownType",
               [](RequestPrimitive* p) {
                 p->set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
                 p->set_resource_type(999);
                 SetContentOf(p, "m2m:ae");
               },
               4000, "999"},
        Spoilt{"CreateOfContainer",
               [](RequestPrimitive* p) {
                 p->set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
                 p->set_resource_type(3);
                 SetContentOf(p, "m2m:cnt");
               },
               5001, "resource type 3"},
        Spoilt{"CreateOfCseBase",
               [](RequestPrimitive* p) {
                 p->set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
                 p->set_resource_type(5);
                 SetContentOf(p, "m2m:cb");
               },
               4005, "CSEBase"},
        Spoilt{"FilterInCreate",
               [](RequestPrimitive* p) {
                 p->set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
                 p->set_resource_type(2);
                 p->mutable_filter_criteria();
                 SetContentOf(p, "m2m:ae");
               },
               4000, "fc:"},
        Spoilt{"UpdateCseBase",
               [](RequestPrimitive* p) {
                 p->set_operation(onem2m::v1::OPERATION_TYPE_UPDATE);
                 SetContentOf(p, "m2m:cb");
               },
               4005, "CSEBase"},
        Spoilt{"DeleteCseBase", [](RequestPrimitive* p) { p->set_operation(onem2m::v1::OPERATION_TYPE_DELETE); }, 4005,
               "CSEBase"},
        Spoilt{"Notify", [](RequestPrimitive* p) { p->set_operation(onem2m::v1::OPERATION_TYPE_NOTIFY); }, 4005,
               "no notifications"},
        Spoilt{"FragmentInDelete",
               [](RequestPrimitive* p) {
                 p->set_operation(onem2m::v1::OPERATION_TYPE_DELETE);
                 p->set_to("cse-in#lbl");
               },
               4000, "'#'"},
        Spoilt{"FragmentUnknown", [](RequestPrimitive* p) { p->set_to("cse-in#xyz"); }, 4000, "xyz"},
        Spoilt{"FragmentAbsent", [](RequestPrimitive* p) { p->set_to("cse-in#lbl"); }, 4004, "lbl"}),
    [](const testing::TestParamInfo<Spoilt>& info) { return info.param.name; });

TEST_F(CseRequestTest, AbsentReleaseIsAChoice) {
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in");
  primitive.clear_release_version_indicator();
  EXPECT_EQ(Ask(primitive).code(), 2000u);
  options_.accept_absent_release = false;
  Restart();
  EXPECT_EQ(Ask(primitive).code(), 4001u);
}

TEST_F(CseRequestTest, EveryFormOfAddressIsServed) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  const std::string node = Retrieve("CAdmin", "cse-in/n").text("ri");
  const std::string battery = CreateBattery("cse-in/n").text("ri");
  for (const std::string& to : {std::string("cse-in/n/bat"), std::string("-/n/bat"), battery, node + "/bat",
                                "/id-in/" + battery, std::string("/id-in/cse-in/n/bat"), "/id-in/" + node + "/bat",
                                std::string("//isthmus.example.com/id-in/-/n/bat"), std::string("id-in/n/bat")}) {
    const Result result = Retrieve("CAdmin", to);
    EXPECT_EQ(result.code(), 2000u) << to;
    EXPECT_EQ(result.text("ri"), battery) << to;
  }
  EXPECT_EQ(Retrieve("CAdmin", "/id-in/cse-in/n/bat/").code(), 4000u);
}

// ---- creation and change ----

TEST_F(CseRequestTest, ChecksComeInTheOrderOfTheStandard) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  // Target before privilege, privilege before content, content before duplicate.
  EXPECT_EQ(Create("Cshape", "cse-in/none", 13, "m2m:bat", {}).code(), 4004u);
  EXPECT_EQ(Create("Cshape", "cse-in/n", 13, "m2m:bat", {}).code(), 4103u);
  EXPECT_EQ(Create("CAdmin", "cse-in", 13, "m2m:bat", {}).code(), 4108u);
  ASSERT_EQ(CreateBattery("cse-in/n").code(), 2001u);
  EXPECT_EQ(Create("CAdmin", "cse-in/n", 13, "m2m:bat", {{"rn", Text("bat")}, {"mgd", Integer(1006)}}).code(), 4000u);
  EXPECT_EQ(CreateBattery("cse-in/n").code(), 4105u);
  EXPECT_THAT(CreateBattery("cse-in/n").reason(), HasSubstr("cse-in/n/bat"));
}

TEST_F(CseRequestTest, UniversalAttributesAreFilledIn) {
  const Result node = CreateNode("n");
  EXPECT_EQ(node.root(), "m2m:nod");
  EXPECT_EQ(node.get("ty"), "14");
  EXPECT_EQ(node.text("ct"), "20231114T221320");
  EXPECT_EQ(node.text("lt"), node.text("ct"));
  EXPECT_GT(node.text("et"), node.text("ct"));
  clock_.Advance(absl::Seconds(7));
  const Result updated = Update("CAdmin", "cse-in/n", "m2m:nod", {{"lbl", TextList({"a"})}});
  EXPECT_EQ(updated.code(), 2004u);
  EXPECT_EQ(updated.text("ct"), "20231114T221320");
  EXPECT_EQ(updated.text("lt"), "20231114T221327");
  EXPECT_EQ(updated.get("ni"), "\"urn:n\"");
  const Result unnamed = Create("CAdmin", "cse-in", 14, "m2m:nod", {{"ni", Text("x")}});
  EXPECT_THAT(unnamed.text("rn"), testing::StartsWith("nod-"));
}

TEST_F(CseRequestTest, ResultContentOfCreation) {
  const auto create = [&](uint32_t content, const char* name) {
    RequestPrimitive primitive =
        CreatePrimitive("CAdmin", "cse-in", 14, "m2m:nod", MakeObject({{"rn", Text(name)}, {"ni", Text(name)}}));
    primitive.set_result_content(content);
    return Ask(primitive);
  };
  EXPECT_FALSE(create(0, "a").response.primitive().has_primitive_content());
  EXPECT_EQ(create(2, "b").content(), "m2m:uri \"cse-in/b\"");
  const Result both = create(3, "c");
  EXPECT_EQ(both.root(), "m2m:rce");
  EXPECT_EQ(both.text("uri"), "cse-in/c");
  EXPECT_TRUE(both.has("m2m:nod"));
  const Result modified = create(9, "d");
  EXPECT_FALSE(modified.has("ni"));
  EXPECT_TRUE(modified.has("ri"));
  EXPECT_EQ(create(4, "e").code(), 4000u);
}

TEST_F(CseRequestTest, UpdateChangesDeletesAndRefuses) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  ASSERT_EQ(CreateBattery("cse-in/n").code(), 2001u);
  EXPECT_EQ(Update("CAdmin", "cse-in/n/bat", "m2m:bat", {{"dc", Text("d")}, {"btl", Integer(5)}}).get("btl"), "5");
  EXPECT_FALSE(Update("CAdmin", "cse-in/n/bat", "m2m:bat", {{"dc", onem2m::Null()}}).has("dc"));
  EXPECT_EQ(Update("CAdmin", "cse-in/n/bat", "m2m:bat", {{"btl", onem2m::Null()}}).code(), 4000u);
  EXPECT_EQ(Update("CAdmin", "cse-in/n/bat", "m2m:bat", {{"xyz", Integer(1)}}).code(), 4000u);
  EXPECT_EQ(Update("CAdmin", "cse-in/n/bat", "m2m:bat", {{"rn", Text("x")}}).code(), 4000u);
  EXPECT_EQ(Update("CAdmin", "cse-in/n/bat", "m2m:mem", {{"mma", Integer(1)}}).code(), 4102u);
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_UPDATE, "CAdmin", "cse-in/n/bat");
  SetContent(&primitive, "m2m:bat", MakeObject({{"bts", Integer(2)}}));
  primitive.set_result_content(9);
  const Result modified = Ask(primitive);
  EXPECT_TRUE(modified.has("bts"));
  EXPECT_TRUE(modified.has("lt"));
  EXPECT_FALSE(modified.has("btl"));
  primitive.set_result_content(0);
  EXPECT_FALSE(Ask(primitive).response.primitive().has_primitive_content());
}

TEST_F(CseRequestTest, ContentAsTextIsRefused) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  ASSERT_EQ(CreateBattery("cse-in/n").code(), 2001u);
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_UPDATE, "CAdmin", "cse-in/n/bat");
  primitive.mutable_primitive_content()->set_name("m2m:bat");
  *primitive.mutable_primitive_content()->mutable_value() = Text("{\"btl\":5}");
  EXPECT_EQ(Ask(primitive).code(), 4000u);
}

TEST_F(CseRequestTest, PlainActionsKeepTheirDisplayedValue) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  ASSERT_EQ(Create("CAdmin", "cse-in/n", 13, "m2m:rbo", {{"rn", Text("rbo")}, {"mgd", Integer(1009)}}).get("rbo"),
            "false");
  EXPECT_EQ(Update("CAdmin", "cse-in/n/rbo", "m2m:rbo", {{"rbo", onem2m::Boolean(true)}}).get("rbo"), "false");
  EXPECT_EQ(
      Update("CAdmin", "cse-in/n/rbo", "m2m:rbo", {{"rbo", onem2m::Boolean(true)}, {"far", onem2m::Boolean(true)}})
          .code(),
      4000u);
  const Result capability = Create("CAdmin", "cse-in/n", 13, "m2m:dvc",
                                   {{"rn", Text("dvc")},
                                    {"mgd", Integer(1008)},
                                    {"can", Text("cam")},
                                    {"att", onem2m::Boolean(true)},
                                    {"cas", MakeComplex({{"sus", Integer(0)}})},
                                    {"cus", onem2m::Boolean(true)}});
  EXPECT_EQ(capability.code(), 2001u) << capability.reason();
  EXPECT_EQ(capability.get("dis"), "true");
  EXPECT_EQ(Update("CAdmin", "cse-in/n/dvc", "m2m:dvc", {{"dis", onem2m::Boolean(false)}}).get("dis"), "true");
}

TEST_F(CseRequestTest, DeleteTakesAlongWhatIsBelow) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  ASSERT_EQ(CreateBattery("cse-in/n").code(), 2001u);
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_DELETE, "CAdmin", "cse-in/n");
  primitive.set_result_content(6);
  const Result result = Ask(primitive);
  EXPECT_EQ(result.code(), 2002u);
  EXPECT_EQ(result.content(), R"(m2m:rrl {"rrf":[{"nm":"bat","typ":13,"val":"cse-in/n/bat"}]})");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n/bat").code(), 4004u);
  Restart();
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n").code(), 4004u);
}

// ---- expiry ----

TEST_F(CseRequestTest, ExpiredResourcesAreGoneAtOnce) {
  ASSERT_EQ(
      Create("CAdmin", "cse-in", 14, "m2m:nod", {{"rn", Text("n")}, {"ni", Text("n")}, {"et", Text("20231114T221330")}})
          .code(),
      2001u);
  const Result battery = CreateBattery("cse-in/n");
  EXPECT_EQ(battery.text("et"), "20231114T221330");
  EXPECT_EQ(Create("CAdmin", "cse-in", 14, "m2m:nod", {{"ni", Text("m")}, {"et", Text("20231114T221320")}}).code(),
            4000u);
  clock_.Advance(absl::Seconds(9));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n/bat").code(), 2000u);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in", 6).content(),
            R"(m2m:rrl {"rrf":[{"nm":"devicesAcp","typ":1,"val":"cse-in/devicesAcp"}]})");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n/bat").code(), 4004u);
  EXPECT_EQ(CreateNode("n").code(), 2001u);
}

TEST_F(CseRequestTest, SweepRemovesWhatHasExpired) {
  ASSERT_EQ(
      Create("CAdmin", "cse-in", 14, "m2m:nod", {{"rn", Text("n")}, {"ni", Text("n")}, {"et", Text("20231114T221330")}})
          .code(),
      2001u);
  ASSERT_EQ(CreateBattery("cse-in/n").code(), 2001u);
  EXPECT_EQ(cse_->size(), 4u);
  EXPECT_EQ(cse_->Sweep(), 0u);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(cse_->Sweep(), 1u);
  EXPECT_EQ(cse_->size(), 2u);
}

// ---- the store ----

TEST_F(CseRequestTest, FailingStoreIsAnErrorAndChangesNothing) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  store_.FailWrites(absl::UnavailableError("disk full"));
  const Result result = Update("CAdmin", "cse-in/n", "m2m:nod", {{"lbl", TextList({"a"})}});
  EXPECT_EQ(result.code(), 5000u);
  EXPECT_THAT(result.reason(), HasSubstr("disk full"));
  EXPECT_EQ(CreateNode("m").code(), 5000u);
  EXPECT_EQ(Delete("CAdmin", "cse-in/n").code(), 5000u);
  store_.FailWrites(absl::OkStatus());
  EXPECT_FALSE(Retrieve("CAdmin", "cse-in/n").has("lbl"));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/m").code(), 4004u);
}

TEST_F(CseRequestTest, ReadingWritesNothing) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  const int commits = store_.commits();
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n").code(), 2000u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in", 4).code(), 2000u);
  EXPECT_EQ(store_.commits(), commits);
}

}  // namespace
}  // namespace isthmus::synchronizer
