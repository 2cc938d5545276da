#include "services/translation/core/request_translator.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::TranslateRequestResponse Translate(const onem2m::v1::RequestPrimitive& primitive,
                                       const onem2m::v1::Resource& resource,
                                       const std::vector<std::string>& wanted = {}) {
  v1::TranslateRequestRequest request;
  *request.mutable_primitive() = primitive;
  *request.mutable_resource() = resource;
  for (const std::string& name : wanted) request.add_wanted_attributes(name);
  const auto response = TranslateRequest(BuiltIn(), request);
  EXPECT_TRUE(response.ok()) << std::string(response.status().message());
  EXPECT_EQ(response->mapping_version(), BuiltIn().version());
  return *response;
}

std::string PlanOf(const onem2m::v1::RequestPrimitive& primitive, const onem2m::v1::Resource& resource,
                   const std::vector<std::string>& wanted = {}) {
  const v1::TranslateRequestResponse response = Translate(primitive, resource, wanted);
  EXPECT_EQ(response.refusal_status_code(), 0u) << response.refusal_reason();
  return Text(response.plan());
}

std::string UpdatePlan(const std::string& root, const Members& content, const Members& kept = {}) {
  return PlanOf(Update(root, content), DeviceResource(root, kept));
}

// "4000: reason"
std::string RefusalOf(const onem2m::v1::RequestPrimitive& primitive, const onem2m::v1::Resource& resource) {
  const v1::TranslateRequestResponse response = Translate(primitive, resource);
  EXPECT_FALSE(response.has_plan());
  return absl::StrCat(response.refusal_status_code(), ": ", response.refusal_reason());
}

std::string UpdateRefusal(const std::string& root, const Members& content) {
  return RefusalOf(Update(root, content), DeviceResource(root));
}

const onem2m::v1::Value kTrue = onem2m::Boolean(true);
const onem2m::v1::Value kFalse = onem2m::Boolean(false);

// ---- RETRIEVE ----

TEST(RetrieveRequest, OneReadOfTheInstance) {
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:bat")), "Read /3/0 [btl,bts]");
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:dvi")), "Read /3/0 [dlb,man,mod,dty,fwv,swv,hwv,syst]");
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:fwr")), "Read /5/0 [vr,fwn,url,uds]");
}

TEST(RetrieveRequest, OfOneAttributeIsOfItsResource) {
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:bat"), {"btl"}), "Read /3/0/9 [btl]");
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:bat"), {"bts", "btl"}), "Read /3/0 [btl,bts]");
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:fwr"), {"uds"}), "Read /5/0 [uds]");
}

TEST(RetrieveRequest, AReadOfTheInstanceNamesWhatIsWanted) {
  const auto wanted = [](const std::vector<std::string>& attributes) {
    const auto response = Translate(Retrieve(), DeviceResource("m2m:bat"), attributes);
    const auto& ids = response.plan().steps(0).operation().read().wanted_resources();
    return std::vector<uint32_t>(ids.begin(), ids.end());
  };
  EXPECT_THAT(wanted({}), ::testing::ElementsAre(9, 20));
  EXPECT_THAT(wanted({"btl"}), ::testing::IsEmpty());  // the path says it
}

TEST(RetrieveRequest, AttributesWithoutCounterpartStayLocal) {
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:dvi"), {"cnty", "lbl"}), "");
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:dvi"), {"cnty", "fwv"}), "Read /3/0/3 [fwv]");
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:rbo")), "");
  EXPECT_EQ(PlanOf(Retrieve(), DeviceResource("m2m:swr"), {"url"}), "");
}

// ---- where ----

TEST(Where, ObjectPathsSayTheInstanceWithOrWithoutARoot) {
  onem2m::v1::Resource resource = DeviceResource("m2m:swr");
  resource.set_object_paths(0, "/9/3");
  EXPECT_THAT(PlanOf(Retrieve(), resource, {"vr"}), "Read /9/3/1 [vr]");
  resource.set_object_paths(0, "/lwm2m/path/9/3");
  EXPECT_THAT(PlanOf(Retrieve(), resource, {"vr"}), "Read /9/3/1 [vr]");
  resource = DeviceResource("m2m:bat");
  resource.set_object_paths(0, "/3");
  EXPECT_THAT(PlanOf(Retrieve(), resource, {"btl"}), "Read /3/0/9 [btl]");
}

TEST(Where, ObjectIdsMayHaveAVersionAndOthersBeside) {
  onem2m::v1::Resource resource = DeviceResource("m2m:bat");
  resource.set_object_ids(0, "urn:oma:lwm2m:oma:6");
  resource.set_object_paths(0, "/6/0");
  resource.add_object_ids("urn:oma:lwm2m:oma:3:1.2");
  resource.add_object_paths("/3/0");
  EXPECT_EQ(PlanOf(Retrieve(), resource, {"btl"}), "Read /3/0/9 [btl]");
}

TEST(Where, UnknownIsRefusedWithTheCodeOfTheCommonProcedure) {
  onem2m::v1::Resource resource;
  resource.set_root("acme:pump");
  resource.set_mgmt_definition(1020);
  EXPECT_THAT(RefusalOf(Retrieve(), resource), HasSubstr("5001: there is no mapping for acme:pump"));

  resource = DeviceResource("m2m:bat");
  resource.clear_object_ids();
  EXPECT_THAT(RefusalOf(Retrieve(), resource), HasSubstr("6003: objectIDs of the m2m:bat do not name"));

  for (const std::string path : {"/6/0", "/3", "3/x", "", "/9/70000"}) {
    resource = DeviceResource("m2m:swr");
    resource.set_object_paths(0, path);
    EXPECT_THAT(RefusalOf(Retrieve(), resource), HasSubstr("6005: objectPaths[0]: expected /9/<instance>")) << path;
  }
  resource.clear_object_paths();
  EXPECT_THAT(RefusalOf(Retrieve(), resource), HasSubstr("6005: objectPaths has no element for objectIDs[0]"));
}

TEST(Where, InputThatMakesNoSenseNamesItsField) {
  v1::TranslateRequestRequest request;
  EXPECT_THAT(TranslateRequest(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("primitive")));
  *request.mutable_primitive() = Retrieve();
  EXPECT_THAT(TranslateRequest(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("resource")));
  request.mutable_resource();
  EXPECT_THAT(TranslateRequest(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("resource.root")));
  *request.mutable_resource() = DeviceResource("m2m:bat");
  request.mutable_resource()->set_mgmt_definition(1007);
  EXPECT_THAT(TranslateRequest(BuiltIn(), request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("resource.mgmt_definition: expected 1006")));
  *request.mutable_resource() = DeviceResource("m2m:bat");
  for (const auto operation : {onem2m::v1::OPERATION_TYPE_UNSPECIFIED, onem2m::v1::OPERATION_TYPE_NOTIFY}) {
    request.mutable_primitive()->set_operation(operation);
    EXPECT_THAT(TranslateRequest(BuiltIn(), request),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("primitive.operation")));
  }
  request.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
  EXPECT_EQ(TranslateRequest(BuiltIn(), request)->refusal_status_code(), 5001u);
}

// ---- UPDATE: values ----

TEST(UpdateRequest, OneValueReplacesItsResourceAndIsReadBack) {
  const v1::TranslateRequestResponse response =
      Translate(Update("m2m:dvi", {{"syst", onem2m::Text("20231128T120000,5")}}), DeviceResource("m2m:dvi"));
  EXPECT_EQ(Text(response.plan()), "Write /3/0/13 [syst]; Read /3/0/13 [syst]");
  const lwm2m::v1::Write& write = response.plan().steps(0).operation().write();
  EXPECT_FALSE(write.partial());
  ASSERT_EQ(write.nodes_size(), 1);
  EXPECT_EQ(lwm2m::PathToString(write.nodes(0).path()), "/3/0/13");
  EXPECT_EQ(write.nodes(0).value().time(), 1701172800);
}

TEST(UpdateRequest, SeveralValuesAreOnePartialWriteOfTheInstance) {
  const LoadResult loaded = Load(BuiltInSources(), {{"tz.yaml", R"(mapping: deviceInfo
mgmtDefinition: 1007
root: m2m:dvi
object: urn:oma:lwm2m:oma:3
clause: ours
attributes:
  - {short: tz, long: timezone, resource: 15, access: read-write, type: string}
)"}});
  ASSERT_THAT(loaded.problems, IsEmpty());
  v1::TranslateRequestRequest request;
  *request.mutable_primitive() = Update("m2m:dvi", {{"tz", onem2m::Text("Europe/Paris")},
                                                    {"lbl", onem2m::TextList({"a"})},
                                                    {"syst", onem2m::Text("20231128T120000")}});
  *request.mutable_resource() = DeviceResource("m2m:dvi");
  const auto response = TranslateRequest(*loaded.table, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(Text(response->plan()), "Write /3/0 (partial) [tz,syst]; Read /3/0 [syst,tz]");
  EXPECT_THAT(response->plan().local_attributes(), ElementsAre("lbl"));
  EXPECT_EQ(response->plan().steps(0).operation().write().nodes_size(), 2);
}

TEST(UpdateRequest, ListsAreWrittenAsResourceInstances) {
  const LoadResult loaded = Load(BuiltInSources(), {{"o.yaml", R"(object: 34120
name: "Pump"
urn: urn:oma:lwm2m:x:34120
resources: [{id: 1, name: "Tags", operations: RW, type: string, multiple: true}]
)"},
                                                    {"m.yaml", R"(mapping: pump
mgmtDefinition: 0
root: acme:pump
object: urn:oma:lwm2m:x:34120
clause: ours
attributes: [{short: tgs, long: tags, resource: 1, access: read-write, type: string, list: true}]
)"}});
  ASSERT_THAT(loaded.problems, IsEmpty());
  v1::TranslateRequestRequest request;
  request.mutable_resource()->set_root("acme:pump");
  request.mutable_resource()->add_object_ids("urn:oma:lwm2m:x:34120");
  request.mutable_resource()->add_object_paths("/34120/0");
  *request.mutable_primitive() = Update("acme:pump", {{"tgs", onem2m::TextList({"a", "b"})}});
  auto response = TranslateRequest(*loaded.table, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(Text(response->plan()), "Write /34120/0/1 [tgs]; Read /34120/0/1 [tgs]");
  const lwm2m::v1::Write& write = response->plan().steps(0).operation().write();
  ASSERT_EQ(write.nodes_size(), 2);
  EXPECT_EQ(lwm2m::PathToString(write.nodes(1).path()), "/34120/0/1/1");
  EXPECT_EQ(write.nodes(1).value().text(), "b");
  *request.mutable_primitive() = Update("acme:pump", {{"tgs", onem2m::Text("a")}});
  response = TranslateRequest(*loaded.table, request);
  EXPECT_EQ(response->refusal_status_code(), 4000u);
  EXPECT_THAT(response->refusal_reason(), HasSubstr("tgs (tags): expected a list"));
}

TEST(UpdateRequest, LocalAttributesAndEmptyContentNeedNoDevice) {
  const v1::TranslateRequestResponse response = Translate(
      Update("m2m:dvi", {{"cnty", onem2m::Text("FR")}, {"lbl", onem2m::Null()}, {"ptl", onem2m::TextList({"coap"})}}),
      DeviceResource("m2m:dvi"));
  EXPECT_TRUE(response.has_plan());
  EXPECT_EQ(response.plan().steps_size(), 0);
  EXPECT_THAT(response.plan().local_attributes(), ElementsAre("cnty", "lbl", "ptl"));
  EXPECT_EQ(UpdatePlan("m2m:bat", {}), "");
}

TEST(UpdateRequest, AttributesThatNobodyKnowsAreRefusedAndNotStored) {
  EXPECT_EQ(UpdateRefusal("m2m:bat", {{"colour", onem2m::Text("red")}}),
            "4000: attribute colour: m2m:bat (battery) has no attribute of this name");
}

TEST(UpdateRequest, Refusals) {
  EXPECT_EQ(UpdateRefusal("m2m:bat", {{"btl", onem2m::Integer(5)}}),
            "4005: btl (batteryLevel) cannot be written: LwM2M resource /3/0/9 Battery Level allows Read only");
  EXPECT_EQ(UpdateRefusal("m2m:dvi", {{"fwv", onem2m::Text("1")}}),
            "4005: fwv (fwVersion) cannot be written: LwM2M resource /3/0/3 Firmware Version allows Read only");
  EXPECT_THAT(UpdateRefusal("m2m:fwr", {{"uds", ActionStatus("ud", 1)}}), HasSubstr("4005: uds (updateStatus)"));
  EXPECT_THAT(UpdateRefusal("m2m:dvi", {{"syst", onem2m::Null()}}),
              HasSubstr("4005: syst (systemTime) cannot be deleted"));
  EXPECT_THAT(UpdateRefusal("m2m:rbo", {{"rbo", onem2m::Null()}}), HasSubstr("4005: rbo (reboot) cannot be deleted"));
  EXPECT_THAT(UpdateRefusal("m2m:dvi", {{"syst", onem2m::Integer(1)}}), HasSubstr("4000: syst (systemTime): expected"));
  EXPECT_THAT(UpdateRefusal("m2m:dvi", {{"syst", onem2m::Text("20231128T120000Z")}}), HasSubstr("4000: syst"));
  EXPECT_THAT(UpdateRefusal("m2m:rbo", {{"rbo", onem2m::Integer(1)}}),
              HasSubstr("4000: rbo (reboot): expected true or false, got 1"));
  EXPECT_THAT(UpdateRefusal("m2m:fwr", {{"url", onem2m::Text(std::string(300, 'u'))}}), HasSubstr("4102: url (URL)"));
  EXPECT_THAT(RefusalOf(Update("m2m:dvi", {}), DeviceResource("m2m:bat")), HasSubstr("4000: content 'm2m:dvi'"));
  EXPECT_THAT(UpdateRefusal("m2m:rbo", {{"rbo", kFalse}, {"rbo", kTrue}}),
              HasSubstr("4000: attribute rbo is given twice"));
  onem2m::v1::RequestPrimitive empty = Update("m2m:bat", {});
  empty.clear_primitive_content();
  EXPECT_THAT(RefusalOf(empty, DeviceResource("m2m:bat")), HasSubstr("4000: UPDATE without a content"));
  empty.mutable_primitive_content()->set_name("m2m:bat");
  *empty.mutable_primitive_content()->mutable_value() = onem2m::Text("x");
  EXPECT_THAT(RefusalOf(empty, DeviceResource("m2m:bat")), HasSubstr("4000: UPDATE without a content"));
}

// ---- UPDATE: actions ----

TEST(Actions, TrueExecutesFalseDoesNothing) {
  EXPECT_EQ(UpdatePlan("m2m:rbo", {{"rbo", kTrue}}), "Execute /3/0/4 [rbo]");
  EXPECT_EQ(UpdatePlan("m2m:rbo", {{"far", kTrue}}), "Execute /3/0/5 [far]");
  EXPECT_EQ(UpdatePlan("m2m:rbo", {{"rbo", kTrue}, {"far", kFalse}}), "Execute /3/0/4 [rbo]");
  const v1::TranslateRequestResponse response =
      Translate(Update("m2m:rbo", {{"rbo", kFalse}}), DeviceResource("m2m:rbo"));
  EXPECT_EQ(response.plan().steps_size(), 0);
  EXPECT_THAT(response.plan().local_attributes(), IsEmpty());
}

TEST(Actions, ContradictionsAreRefused) {
  const std::vector<std::vector<std::string>> pairs = {{"m2m:rbo", "rbo", "far"},
                                                       {"m2m:swr", "in", "un"},
                                                       {"m2m:swr", "act", "dea"},
                                                       {"m2m:dvc", "ena", "dis"},
                                                       {"m2m:evl", "lga", "lgo"}};
  for (const std::vector<std::string>& pair : pairs) {
    EXPECT_THAT(UpdateRefusal(pair[0], {{pair[1], kTrue}, {pair[2], kTrue}}),
                AllOf(HasSubstr("4000: " + pair[1] + " ("), HasSubstr(pair[2]), HasSubstr("cannot both be true")));
    EXPECT_THAT(UpdatePlan(pair[0], {{pair[1], kTrue}, {pair[2], kFalse}}), HasSubstr("Execute"));
  }
}

TEST(Actions, AreReadBackUnlessTheDeviceReboots) {
  EXPECT_EQ(UpdatePlan("m2m:evl", {{"lgt", onem2m::Integer(2)}, {"lga", kTrue}}),
            "Write /20/0/4010 [lgt]; Execute /20/0/4011 [lga]; Read /20/0 [lgt,lgst]");
  EXPECT_EQ(UpdatePlan("m2m:dvc", {{"ena", kTrue}}), "Execute /15/0/5 [ena]; Read /15/0/4 [cas,cus]");
}

TEST(FirmwareRequest, PushOfTheUrlAndUpdate) {
  EXPECT_EQ(UpdatePlan("m2m:fwr", {{"url", onem2m::Text("coap://h/f")}}), "Write /5/0/1 [url]; Read /5/0 [url,uds]");
  const v1::TranslateRequestResponse response =
      Translate(Update("m2m:fwr", {{"ud", kTrue}, {"url", onem2m::Text("coap://h/f")}}), DeviceResource("m2m:fwr"));
  EXPECT_EQ(Text(response.plan()), "Write /5/0/1 [url]; when /5/0/3 in {2}: Execute /5/0/2 [ud]");
  EXPECT_THAT(response.plan().steps(1).precondition().failure_values(), ElementsAre(0));
  EXPECT_EQ(response.plan().steps(1).precondition().description(), "firmware downloaded");
  EXPECT_EQ(UpdatePlan("m2m:fwr", {{"ud", kTrue}}), "when /5/0/3 in {2}: Execute /5/0/2 [ud]");
}

TEST(FirmwareRequest, TheUrlOfARunningUpdateIsNotPushedAgain) {
  const Members running = {{"url", onem2m::Text("coap://h/f")}, {"uds", ActionStatus("url", 3)}};
  const Members done = {{"url", onem2m::Text("coap://h/f")}, {"uds", ActionStatus("ud", 1)}};
  const Members content = {{"url", onem2m::Text("coap://h/f")}, {"ud", kTrue}};
  EXPECT_EQ(UpdatePlan("m2m:fwr", content, running), "when /5/0/3 in {2}: Execute /5/0/2 [ud]");
  EXPECT_THAT(UpdatePlan("m2m:fwr", content, done), HasSubstr("Write /5/0/1"));
  EXPECT_THAT(UpdatePlan("m2m:fwr", {{"url", onem2m::Text("coap://h/other")}}, running), HasSubstr("Write /5/0/1"));
}

TEST(SoftwareRequest, InstallWaitsForTheDelivery) {
  EXPECT_EQ(UpdatePlan("m2m:swr", {{"url", onem2m::Text("coap://h/s")}, {"in", kTrue}}),
            "Write /9/0/3 [url]; when /9/0/7 in {3}: Execute /9/0/4 [in]; Read /9/0 [ins]");
}

// ---- DELETE ----

TEST(DeleteRequest, DropsTheImageTheInstanceOrNothing) {
  EXPECT_EQ(PlanOf(Delete(), DeviceResource("m2m:bat")), "");
  EXPECT_EQ(PlanOf(Delete(), DeviceResource("m2m:dvi")), "");
  EXPECT_EQ(PlanOf(Delete(), DeviceResource("m2m:swr")), "Delete /9/0 []");
  const v1::TranslateRequestResponse response = Translate(Delete(), DeviceResource("m2m:fwr"));
  EXPECT_EQ(Text(response.plan()), "Write /5/0/1 [url]");
  EXPECT_EQ(response.plan().steps(0).operation().write().nodes(0).value().kind_case(), lwm2m::v1::Value::kText);
  EXPECT_EQ(response.plan().steps(0).operation().write().nodes(0).value().text(), "");
}

}  // namespace
}  // namespace isthmus::translation
