// <mgmtObj> resources that a device is behind: what goes through the ManagementPort, and what the device side does.
#include <string>

#include "absl/strings/str_cat.h"
#include "services/synchronizer/core/cse/cse_fixture.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Boolean;
using onem2m::Integer;
using onem2m::Text;
using onem2m::TextList;
using onem2m::v1::RequestPrimitive;
using onem2m::v1::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CseDeviceTest : public CseFixture {
 protected:
  void SetUp() override {
    CseFixture::SetUp();
    ids_of_objects_ = Provision();
  }
  static ManagementResult Success(uint32_t code, std::vector<onem2m::v1::Attribute> attributes = {}) {
    ManagementResult result;
    result.response_status_code = code;
    result.attributes = std::move(attributes);
    onem2m::v1::TraceStep step;
    step.set_operation("Read /3/0");
    result.steps.push_back(step);
    return result;
  }
  void AnswerWith(ManagementResult result) {
    management_.AnswerWith([result](const ManagementRequest&) { return result; });
  }
  std::vector<std::string> ids_of_objects_;
};

TEST_F(CseDeviceTest, ProvisionedResourcesStandUnderTheDevicesPolicy) {
  const Result node = Retrieve("CAdmin", "cse-in/dev1");
  EXPECT_EQ(node.text("ni"), "dev1");
  EXPECT_EQ(node.text("mgca"), "coap://127.0.0.1:40000");
  EXPECT_EQ(node.get("lbl"), R"(["Iwked-Technology:LWM2M"])");
  EXPECT_EQ(node.get("acpi"), R"(["cse-in/devicesAcp"])");
  EXPECT_EQ(Retrieve("Cmon", "cse-in/dev1/battery").code(), 4103u);
  const auto rules =
      MakeComplex({{"acr", onem2m::List({MakeComplex({{"acor", TextList({"C*"})}, {"acop", Integer(63)}})})}});
  ASSERT_EQ(Update("CAdmin", "cse-in/devicesAcp", "m2m:acp", {{"pv", rules}}).code(), 2004u);
  AnswerWith(Success(2000));
  EXPECT_EQ(Retrieve("Cmon", "cse-in/dev1/battery").code(), 2000u);
  EXPECT_EQ(Retrieve("/id-in/Cmon", "cse-in/dev1/battery").code(), 2000u);
  EXPECT_EQ(Retrieve("/id-x/Cmon", "cse-in/dev1/battery").code(), 4103u);
}

TEST_F(CseDeviceTest, DeviceOriginatorsOfTheFirstStart) {
  InMemoryResourceStore store;
  options_.device_originators = {"all"};
  Cse cse(options_, &store, &clock_, &ids_);
  ASSERT_THAT(cse.Start(&management_, &notifications_), status::IsOk());
  ASSERT_THAT(cse.PutNode("d", "", {}), status::IsOk());
  onem2m::v1::HandleRequest request;
  *request.mutable_primitive() = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "999", "cse-in/d");
  uint32_t code = 0;
  cse.Handle(request,
             [&](const onem2m::v1::HandleResponse& response) { code = response.primitive().response_status_code(); });
  EXPECT_EQ(code, 2000u);
}

TEST_F(CseDeviceTest, RetrieveAsksTheDeviceAndKeepsWhatItSays) {
  AnswerWith(Success(2000, {Attribute("btl", Integer(42))}));
  RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in/dev1/battery");
  primitive.mutable_request_expiration()->set_seconds(1800000000);
  const Result result = Ask(primitive);
  EXPECT_EQ(result.code(), 2000u);
  EXPECT_EQ(result.get("btl"), "42");
  EXPECT_EQ(result.get("bts"), "1");
  ASSERT_EQ(result.response.steps_size(), 1);
  EXPECT_EQ(result.response.steps(0).operation(), "Read /3/0");
  ASSERT_EQ(management_.requests().size(), 1u);
  const ManagementRequest request = management_.requests().front();
  EXPECT_EQ(request.resource_id, ids_of_objects_[0]);
  EXPECT_EQ(request.node_id, "dev1");
  EXPECT_THAT(request.wanted, IsEmpty());
  EXPECT_EQ(request.deadline, absl::FromUnixSeconds(1800000000));
  EXPECT_FALSE(request.trace_id.empty());
  EXPECT_EQ(request.resource.root(), "m2m:bat");
  EXPECT_EQ(request.resource.mgmt_definition(), 1006u);
  EXPECT_THAT(request.resource.object_paths(), ElementsAre("/3/0"));
  EXPECT_THAT(request.resource.object_ids(), ElementsAre("urn:oma:lwm2m:oma:3"));
  EXPECT_EQ(onem2m::Describe(onem2m::Complex(request.resource.attributes())), R"({"btl":80,"bts":1})");
  Restart();
  EXPECT_EQ(cse_->ManagementObjects("dev1")[0].second.attributes().members(0).value().integer(), 42);
}

TEST_F(CseDeviceTest, NothingIsWrittenWhenTheDeviceSaysTheSame) {
  AnswerWith(Success(2000, {Attribute("btl", Integer(80)), Attribute("bts", onem2m::Number(1.0))}));
  const int commits = store_.commits();
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/battery").code(), 2000u);
  EXPECT_EQ(store_.commits(), commits);
}

TEST_F(CseDeviceTest, AbsentAttributesGoUnlessTheyAreMandatory) {
  ASSERT_THAT(cse_->UpdateAttributes(ids_of_objects_[0], {Attribute("vendor", Integer(1))}, {}), status::IsOk());
  ManagementResult result = Success(2000);
  result.absent_attributes = {"vendor", "btl"};
  AnswerWith(result);
  const Result answer = Retrieve("CAdmin", "cse-in/dev1/battery");
  EXPECT_FALSE(answer.has("vendor"));
  EXPECT_TRUE(answer.has("btl"));
}

TEST_F(CseDeviceTest, PartialRetrieveAsksForWhatIsWanted) {
  AnswerWith(Success(2000, {Attribute("btl", Integer(42))}));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/battery#btl").content(), R"(m2m:bat {"btl":42})");
  EXPECT_THAT(management_.requests().back().wanted, ElementsAre("btl"));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/battery#obps").content(), R"(m2m:bat {"obps":["/3/0"]})");
  EXPECT_EQ(management_.requests().size(), 1u);
}

TEST_F(CseDeviceTest, ListingsShowWhatIsKept) {
  for (const uint32_t content : {4u, 5u, 6u, 8u})
    EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/battery", content).code(), 2000u);
  RequestPrimitive discovery = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in");
  discovery.mutable_filter_criteria()->set_filter_usage(1);
  discovery.mutable_filter_criteria()->add_labels("Iwked-Technology:*");
  EXPECT_EQ(Ask(discovery).content(), R"(m2m:uril ["cse-in/dev1"])");
  EXPECT_THAT(management_.requests(), IsEmpty());
}

TEST_F(CseDeviceTest, FailuresKeepTheirCodeAndReason) {
  ManagementResult failure = Success(6003);
  failure.reason = "device dev1 is not registered";
  AnswerWith(failure);
  for (const Result& result : {Retrieve("CAdmin", "cse-in/dev1/battery"),
                               Update("CAdmin", "cse-in/dev1/reboot", "m2m:rbo", {{"rbo", Boolean(true)}}),
                               Delete("CAdmin", "cse-in/dev1/battery")}) {
    EXPECT_EQ(result.code(), 6003u);
    EXPECT_EQ(result.reason(), "device dev1 is not registered");
    EXPECT_EQ(result.response.steps_size(), 1);
  }
  AnswerWith(Success(2000));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/battery").code(), 2000u);
}

TEST_F(CseDeviceTest, UpdateGoesToTheDeviceAndComesBackWhole) {
  ManagementResult result = Success(2004, {Attribute("rbo", Boolean(true))});
  AnswerWith(result);
  const Result answer = Update("CAdmin", "cse-in/dev1/reboot", "m2m:rbo", {{"rbo", Boolean(true)}});
  EXPECT_EQ(answer.code(), 2004u);
  EXPECT_EQ(answer.get("rbo"), "false");
  EXPECT_EQ(answer.get("mgd"), "1009");
  ASSERT_EQ(management_.requests().size(), 1u);
  EXPECT_EQ(onem2m::Describe(management_.requests()[0].primitive.primitive_content().value()), R"({"rbo":true})");
}

TEST_F(CseDeviceTest, CommonAttributesStayHere) {
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1/battery", "m2m:bat", {{"lbl", TextList({"a"})}}).code(), 2004u);
  EXPECT_THAT(management_.requests(), IsEmpty());
  ManagementResult result = Success(2004, {Attribute("btl", Integer(3))});
  result.local_attributes = {"note"};
  AnswerWith(result);
  const Result answer = Update("CAdmin", "cse-in/dev1/battery", "m2m:bat",
                               {{"dc", Text("d")}, {"btl", Integer(7)}, {"note", Text("n")}, {"other", Text("o")}});
  EXPECT_EQ(answer.code(), 2004u);
  EXPECT_EQ(onem2m::Describe(management_.requests().back().primitive.primitive_content().value()),
            R"({"btl":7,"note":"n","other":"o"})");
  EXPECT_EQ(answer.text("dc"), "d");
  EXPECT_EQ(answer.get("btl"), "3");  // as the device says
  EXPECT_EQ(answer.text("note"), "n");
  EXPECT_FALSE(answer.has("other"));
}

TEST_F(CseDeviceTest, BadContentNeverReachesTheDevice) {
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1/battery", "m2m:bat", {{"btl", Integer(101)}}).code(), 4000u);
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1/battery", "m2m:rbo", {{"rbo", Boolean(true)}}).code(), 4102u);
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1/battery", "m2m:bat", {{"obps", TextList({"/3/1"})}}).code(), 4000u);
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1/reboot", "m2m:rbo", {{"rbo", Boolean(true)}, {"far", Boolean(true)}}).code(),
            4000u);
  RequestPrimitive expired = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in/dev1/battery");
  expired.mutable_request_expiration()->set_seconds(1);
  EXPECT_EQ(Ask(expired).code(), 4008u);
  EXPECT_THAT(management_.requests(), IsEmpty());
}

TEST_F(CseDeviceTest, FailedUpdateChangesOnlyWhatTheDeviceTold) {
  ManagementResult failure = Success(4005, {Attribute("bts", Integer(5))});
  AnswerWith(failure);
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1/battery", "m2m:bat", {{"dc", Text("d")}, {"btl", Integer(1)}}).code(), 4005u);
  AnswerWith(Success(2000));
  const Result kept = Retrieve("CAdmin", "cse-in/dev1/battery");
  EXPECT_FALSE(kept.has("dc"));
  EXPECT_EQ(kept.get("btl"), "80");
  EXPECT_EQ(kept.get("bts"), "5");
}

TEST_F(CseDeviceTest, DeleteAsksTheDeviceFirst) {
  AnswerWith(Success(2002));
  EXPECT_EQ(Delete("CAdmin", "cse-in/dev1/battery").code(), 2002u);
  EXPECT_EQ(management_.requests()[0].primitive.operation(), onem2m::v1::OPERATION_TYPE_DELETE);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/battery").code(), 4004u);
  EXPECT_EQ(Delete("CAdmin", "cse-in/dev1").code(), 2002u);
  EXPECT_THAT(cse_->ProvisionedNodes(), IsEmpty());
}

TEST_F(CseDeviceTest, ResourceThatGoesWhileTheDeviceIsAsked) {
  const auto result = Begin(Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in/dev1/battery"));
  EXPECT_FALSE(result->has_value());
  ASSERT_EQ(Delete("CAdmin", "cse-in/dev1").code(), 2002u);
  management_.Finish(Success(2000, {Attribute("btl", Integer(1))}));
  ASSERT_TRUE(result->has_value());
  EXPECT_EQ((*result)->code(), 4004u);
}

TEST_F(CseDeviceTest, ASlowDeviceHoldsUpNobody) {
  const auto slow = Begin(Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in/dev1/battery"));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1").code(), 2000u);
  EXPECT_FALSE(slow->has_value());
  management_.Finish(Success(2000));
  EXPECT_EQ((*slow)->code(), 2000u);
}

TEST_F(CseDeviceTest, NodeIdCannotBeChanged) {
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1", "m2m:nod", {{"ni", Text("other")}}).code(), 4005u);
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1", "m2m:nod", {{"ni", Text("dev1")}}).code(), 2004u);
}

// ---- the device side ----

TEST_F(CseDeviceTest, PutNodeUpdatesAndWritesOnlyDifferences) {
  const std::string id = Retrieve("CAdmin", "cse-in/dev1").text("ri");
  ASSERT_EQ(
      Update("CAdmin", "cse-in/dev1", "m2m:nod", {{"lbl", TextList({"Isthmus-State:registered", "mine"})}}).code(),
      2004u);
  ASSERT_EQ(*cse_->PutNode("dev1", "", {"Isthmus-State:lost"}), id);
  const Result node = Retrieve("CAdmin", "cse-in/dev1");
  EXPECT_FALSE(node.has("mgca"));
  EXPECT_EQ(node.get("lbl"), R"(["mine","Isthmus-State:lost"])");
  const int commits = store_.commits();
  ASSERT_THAT(cse_->PutNode("dev1", "", {"Isthmus-State:lost"}), status::IsOk());
  EXPECT_EQ(store_.commits(), commits);
  EXPECT_THAT(cse_->ProvisionedNodes(), ElementsAre("dev1"));
  EXPECT_THAT(cse_->PutNode("", "", {}), status::StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(CseDeviceTest, NamesOfNodesFollowTheGrammarAndStayApart) {
  ASSERT_THAT(cse_->PutNode("urn:imei:1", "", {}), status::IsOk());
  ASSERT_THAT(cse_->PutNode("urn-imei-1", "", {}), status::IsOk());
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/urn-imei-1").text("ni"), "urn:imei:1");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/urn-imei-1-2").text("ni"), "urn-imei-1");
}

TEST_F(CseDeviceTest, ANodeThatAnApplicationMadeIsTakenOver) {
  ASSERT_EQ(Create("CAdmin", "cse-in", 14, "m2m:nod", {{"rn", Text("mine")}, {"ni", Text("dev2")}}).code(), 2001u);
  ASSERT_THAT(cse_->PutNode("dev2", "", {}), status::IsOk());
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/mine").get("acpi"), R"(["cse-in/devicesAcp"])");
  EXPECT_THAT(cse_->ProvisionedNodes(), ElementsAre("dev1", "dev2"));
}

TEST_F(CseDeviceTest, PutManagementObjectsCreatesKeepsAndDeletes) {
  ASSERT_THAT(cse_->UpdateAttributes(ids_of_objects_[0], {Attribute("btl", Integer(5))}, {}), status::IsOk());
  ASSERT_EQ(Create("CAdmin", "cse-in/dev1", 13, "m2m:mem",
                   {{"rn", Text("memory")}, {"mgd", Integer(1003)}, {"mma", Integer(1)}, {"mmt", Integer(1)}})
                .code(),
            2001u);
  ProvisionedObject battery = Object("battery", "m2m:bat", 1006, "/3/0");
  battery.resource.set_object_ids(0, "urn:oma:lwm2m:oma:3:1.2");
  const auto ids = cse_->PutManagementObjects("dev1", {battery, Object("memory", "m2m:mem", 1003, "/3/0")});
  ASSERT_THAT(ids, status::IsOk());
  EXPECT_EQ((*ids)[0], ids_of_objects_[0]);
  const auto objects = cse_->ManagementObjects("dev1");
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0].second.object_ids(0), "urn:oma:lwm2m:oma:3:1.2");
  EXPECT_EQ(onem2m::Find(objects[0].second.attributes(), "btl")->integer(), 5);
  EXPECT_EQ(objects[1].second.root(), "m2m:mem");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/reboot").code(), 4004u);
  // The one that an application made stays, and keeps its name.
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/memory").code(), 2000u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/memory-2", 6).code(), 2000u);
  const int commits = store_.commits();
  ASSERT_THAT(cse_->PutManagementObjects("dev1", {battery, Object("memory", "m2m:mem", 1003, "/3/0")}), status::IsOk());
  EXPECT_EQ(store_.commits(), commits);
}

TEST_F(CseDeviceTest, ASelfDefinedObjectStaysWhenItsMappingChanges) {
  ProvisionedObject greeter = Object("object34120-0", "m2m:mgo", 0, "/34120/0");
  *greeter.resource.mutable_attributes()->add_members() = Attribute("mgs", Text("urn:oma:lwm2m:x:34120"));
  const auto before = cse_->PutManagementObjects("dev1", {greeter});
  ASSERT_THAT(before, status::IsOk());
  ASSERT_THAT(cse_->UpdateAttributes((*before)[0], {Attribute("0", Integer(7))}, {}), status::IsOk());
  ASSERT_EQ(Update("CAdmin", "cse-in/dev1/object34120-0", "m2m:mgo", {{"lbl", onem2m::TextList({"mine"})}}).code(),
            2004u);
  ASSERT_EQ(Create("CAdmin", "cse-in/dev1/object34120-0", 23, "m2m:sub",
                   {{"rn", Text("watch")}, {"nu", onem2m::TextList({"CAdmin"})}})
                .code(),
            2001u);
  ProvisionedObject mapped = Object("greeter0", "acme:greeter", 0, "/34120/0");
  *mapped.resource.mutable_attributes()->add_members() = Attribute("mgs", Text("urn:oma:lwm2m:x:34120:1.3"));
  *mapped.resource.mutable_attributes()->add_members() = Attribute("hello", onem2m::Boolean(false));
  const auto after = cse_->PutManagementObjects("dev1", {mapped});
  ASSERT_THAT(after, status::IsOk());
  EXPECT_EQ(*after, *before);
  AnswerWith(Success(2000));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/object34120-0/watch").code(), 2000u);
  const auto content = Retrieve("CAdmin", "cse-in/dev1/object34120-0");
  EXPECT_EQ(content.get("mgs"), R"("urn:oma:lwm2m:x:34120:1.3")");
  EXPECT_EQ(content.get("lbl"), R"(["mine"])");
  EXPECT_EQ(content.get("hello"), "false");
  EXPECT_EQ(content.get("0"), "") << "an attribute of the mapping before";
  EXPECT_THAT(content.content(), ::testing::StartsWith("acme:greeter"));
}

TEST_F(CseDeviceTest, PutManagementObjectsRefusesNonsense) {
  EXPECT_THAT(cse_->PutManagementObjects("nobody", {}),
              status::StatusIs(absl::StatusCode::kNotFound, HasSubstr("nobody")));
  EXPECT_THAT(cse_->PutManagementObjects("dev1", {ProvisionedObject()}),
              status::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(cse_->ManagementObjects("dev1").size(), 2u);
  const auto twice =
      cse_->PutManagementObjects("dev1", {Object("x", "m2m:a", 0, "/7/0"), Object("x", "m2m:a", 0, "/7/1")});
  ASSERT_THAT(twice, status::IsOk());
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/x-2", 6).code(), 2000u);
}

// ---- CREATE on the device ----

class CseDeviceCreateTest : public CseDeviceTest {
 protected:
  static ManagementResult Created(const std::string& path) {
    ManagementResult result = Success(2001, {Attribute("applicationType", Text("boiler"))});
    result.created_path = path;
    return result;
  }
  Result CreateSensor(const std::string& name, const onem2m::v1::Value& paths, const std::string& type = "boiler") {
    RequestPrimitive primitive = CreatePrimitive("CAdmin", "cse-in/dev1", 13, "m2m:mgo",
                                                 MakeObject({{"rn", Text(name)},
                                                             {"mgd", Integer(0)},
                                                             {"mgs", Text("urn:oma:lwm2m:ext:3303")},
                                                             {"obis", TextList({"urn:oma:lwm2m:ext:3303"})},
                                                             {"applicationType", Text(type)}}));
    if (paths.list().values_size() > 0) {
      onem2m::Set(*primitive.mutable_primitive_content()->mutable_value()->mutable_object(), "obps", paths);
    }
    return Ask(primitive);
  }
};

TEST_F(CseDeviceCreateTest, TheInstanceIsMadeFirstAndObjectPathsSayWhere) {
  AnswerWith(Created("/3303/4"));
  const Result result = CreateSensor("boiler", TextList({}));
  EXPECT_EQ(result.code(), 2001u) << result.reason();
  EXPECT_EQ(result.get("obps"), R"(["/3303/4"])");
  ASSERT_EQ(result.response.steps_size(), 1);
  ASSERT_EQ(management_.requests().size(), 1u);
  const ManagementRequest request = management_.requests().front();
  EXPECT_EQ(request.primitive.operation(), onem2m::v1::OPERATION_TYPE_CREATE);
  EXPECT_EQ(request.node_id, "dev1");
  EXPECT_EQ(request.resource.root(), "m2m:mgo");
  EXPECT_THAT(request.resource.object_ids(), ElementsAre("urn:oma:lwm2m:ext:3303"));
  EXPECT_THAT(request.resource.object_paths(), IsEmpty());
  AnswerWith(Success(2000, {Attribute("sensorValue", onem2m::Number(21.5))}));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/boiler").get("sensorValue"), "21.5");
  // The device tells of it: it is the same resource, and goes with the instance.
  const auto told = cse_->PutManagementObjects("dev1", {Object("temperature4", "m2m:mgo", 0, "/3303/4")});
  ASSERT_THAT(told, status::IsOk());
  EXPECT_EQ((*told)[0], request.resource_id);
  ASSERT_THAT(cse_->PutManagementObjects("dev1", {}), status::IsOk());
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/boiler").code(), 4004u);
}

TEST_F(CseDeviceCreateTest, TheDeviceMayTellOfItBeforeItAnswers) {
  management_.AnswerWith([this](const ManagementRequest&) {
    EXPECT_THAT(cse_->PutManagementObjects("dev1", {Object("temperature4", "m2m:mgo", 0, "/3303/4")}), status::IsOk());
    return Created("/3303/4");
  });
  EXPECT_EQ(CreateSensor("boiler", TextList({})).code(), 2001u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/temperature4").code(), 4004u) << "one resource for one instance";
  ASSERT_THAT(cse_->PutManagementObjects("dev1", {Object("temperature4", "m2m:mgo", 0, "/3303/4")}), status::IsOk());
  AnswerWith(Success(2000));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/boiler").code(), 2000u);
}

TEST_F(CseDeviceCreateTest, WhatIsThereAlready) {
  AnswerWith(Created("/3303/4"));
  ASSERT_EQ(CreateSensor("boiler", TextList({"/3303/4"})).code(), 2001u);
  ASSERT_EQ(management_.requests().size(), 1u);
  const Result different = CreateSensor("other", TextList({"/3303/4"}), "freezer");
  EXPECT_EQ(different.code(), 5106u);
  EXPECT_THAT(different.reason(), HasSubstr("cse-in/dev1/boiler, where applicationType is \"boiler\""));
  EXPECT_EQ(CreateSensor("boiler", TextList({"/3303/5"})).code(), 4105u);
  EXPECT_EQ(CreateSensor("same", TextList({"/3303/4"})).code(), 2001u) << "the same content is success";
  EXPECT_EQ(management_.requests().size(), 1u) << "the device is not asked for any of these";
}

TEST_F(CseDeviceCreateTest, FailuresLeaveNothingBehind) {
  ManagementResult failure;
  failure.response_status_code = 4005;
  failure.reason = "device answered 4.05";
  AnswerWith(failure);
  const Result result = CreateSensor("boiler", TextList({}));
  EXPECT_EQ(result.code(), 4005u);
  EXPECT_THAT(result.reason(), HasSubstr("4.05"));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/boiler").code(), 4004u);
  const Result without =
      Create("CAdmin", "cse-in/dev1", 13, "m2m:bat",
             {{"mgd", Integer(1006)}, {"btl", Integer(1)}, {"bts", Integer(1)}, {"obps", TextList({"/3/0"})}});
  EXPECT_EQ(without.code(), 4000u);
  EXPECT_THAT(without.reason(), HasSubstr("obis"));
  management_.AnswerWith([this](const ManagementRequest&) {
    EXPECT_EQ(Delete("CAdmin", "cse-in/dev1").code(), 2002u);
    return Created("/3303/4");
  });
  const Result gone = CreateSensor("boiler", TextList({}));
  EXPECT_EQ(gone.code(), 4004u);
  EXPECT_THAT(gone.reason(), HasSubstr("/3303/4"));
}

TEST_F(CseDeviceTest, UpdateAttributes) {
  const int commits = store_.commits();
  ASSERT_THAT(cse_->UpdateAttributes(ids_of_objects_[0], {Attribute("btl", Integer(80))}, {"never-there"}),
              status::IsOk());
  EXPECT_EQ(store_.commits(), commits);
  ASSERT_THAT(cse_->UpdateAttributes(ids_of_objects_[0], {Attribute("btl", Integer(79))}, {}), status::IsOk());
  EXPECT_EQ(store_.commits(), commits + 1);
  EXPECT_THAT(cse_->UpdateAttributes("nothing", {}, {}), status::StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(cse_->UpdateAttributes("id-in", {}, {}), status::StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CseDeviceTest, ObjectsThatNoTableDescribes) {
  ASSERT_THAT(cse_->PutManagementObjects("dev1", {Object("temperature-0", "m2m:obj3303", 0, "/3303/0")}),
              status::IsOk());
  AnswerWith(Success(2000, {Attribute("sensorValue", onem2m::Number(21.5))}));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/temperature-0").get("sensorValue"), "21.5");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/temperature-0#sensorValue").content(),
            R"(m2m:obj3303 {"sensorValue":21.5})");
  AnswerWith(Success(2004));
  EXPECT_EQ(Update("CAdmin", "cse-in/dev1/temperature-0", "m2m:obj3303", {{"anything", Integer(1)}}).code(), 2004u);
  RequestPrimitive discovery = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in");
  discovery.mutable_filter_criteria()->set_filter_usage(1);
  *discovery.mutable_filter_criteria()->add_conditions() = Attribute("sensorValue", Text("21*"));
  EXPECT_EQ(Ask(discovery).content(), R"(m2m:uril ["cse-in/dev1/temperature-0"])");
}

TEST_F(CseDeviceTest, StateOutlivesARestart) {
  ASSERT_THAT(cse_->KeepState("device/dev1", "x"), status::IsOk());
  Restart();
  EXPECT_EQ(cse_->GetState("device/dev1"), "x");
  EXPECT_THAT(cse_->ProvisionedNodes(), ElementsAre("dev1"));
  EXPECT_EQ(cse_->ManagementObjects("dev1").size(), 2u);
}

TEST_F(CseDeviceTest, ProvisionedResourcesDoNotExpire) {
  clock_.Advance(absl::Hours(24 * 365 * 50));
  EXPECT_EQ(cse_->Sweep(), 0u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1").code(), 2000u);
}

// A device names another of its objects by path, oneM2M by resource identifier; the path may have an alternate root.
TEST_F(CseDeviceTest, LinksBetweenObjectsOfADevice) {
  const auto object = [](const char* name, const char* root, uint32_t definition, const char* path) {
    ProvisionedObject one;
    one.resource_name = name;
    one.resource.set_root(root);
    one.resource.set_mgmt_definition(definition);
    one.resource.add_object_ids("urn:oma:lwm2m:ext:1");
    one.resource.add_object_paths(path);
    return one;
  };
  const auto ids = cse_->PutManagementObjects(
      "dev1", {object("policy", "m2m:cmp", 1011, "/2048/0"), object("defaults", "m2m:cmdf", 1013, "/lwm2m/2050/0"),
               object("active", "m2m:acmp", 1012, "/2049/0")});
  ASSERT_THAT(ids, status::IsOk());
  const auto link = [](const std::string& target) {
    return MakeComplex({{"nm", Text("x")}, {"typ", Integer(1013)}, {"val", Text(target)}});
  };
  // From the device: the sibling's identifier; what is no sibling stays a path.
  ASSERT_THAT(
      cse_->UpdateAttributes((*ids)[0], {Attribute("cmlk", onem2m::List({link("/2050/0"), link("/2050/9")}))}, {}),
      status::IsOk());
  ASSERT_THAT(cse_->UpdateAttributes((*ids)[2], {Attribute("acmlk", Text("/2048/0"))}, {}), status::IsOk());
  AnswerWith(Success(2000));
  EXPECT_EQ(
      Retrieve("CAdmin", "cse-in/dev1/policy").get("cmlk"),
      absl::StrCat(R"([{"nm":"x","typ":1013,"val":")", (*ids)[1], R"("},{"nm":"x","typ":1013,"val":"/2050/9"}])"));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/dev1/active").text("acmlk"), (*ids)[0]);
  // To the device: its path, however the sibling is addressed; what is none stays for translation to refuse.
  AnswerWith(Success(2004));
  for (const std::string& target :
       {(*ids)[1], std::string("cse-in/dev1/defaults"), std::string("/id-in/") + (*ids)[1]}) {
    EXPECT_EQ(Update("CAdmin", "cse-in/dev1/policy", "m2m:cmp",
                     {{"cmlk", onem2m::List({link(target), link("r0"), link("/2050/1"), link("cse-in")})}})
                  .code(),
              2004u);
    const ManagementRequest request = management_.requests().back();
    const Value* sent = onem2m::Find(request.primitive.primitive_content().value().object(), "cmlk");
    ASSERT_NE(sent, nullptr);
    std::vector<std::string> targets;
    for (const Value& one : sent->list().values()) targets.push_back(onem2m::FindText(one.object(), "val"));
    EXPECT_THAT(targets, ElementsAre("/2050/0", "r0", "/2050/1", "cse-in")) << target;
  }
}

}  // namespace
}  // namespace isthmus::synchronizer
