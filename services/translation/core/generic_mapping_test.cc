#include "services/translation/core/generic_mapping.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/core/device_describer.h"
#include "services/translation/core/mapping_list.h"
#include "services/translation/core/notification_translator.h"
#include "services/translation/core/request_translator.h"
#include "services/translation/core/response_translator.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ResourceDefinition Resource(uint32_t id, const std::string& name, const std::string& operations) {
  ResourceDefinition resource;
  resource.id = id;
  resource.name = name;
  resource.readable = operations.find('R') != std::string::npos;
  resource.writable = operations.find('W') != std::string::npos;
  resource.executable = operations.find('E') != std::string::npos;
  return resource;
}

std::vector<std::string> NamesOf(const ResourceMapping& mapping) {
  std::vector<std::string> names;
  for (const AttributeMapping& attribute : mapping.attributes) names.push_back(attribute.short_name);
  return names;
}

TEST(GenericMapping, AttributesAreNamedAsResourcesAre) {
  ObjectDefinition object;
  object.id = 5;
  object.name = "LwM2M Server";
  object.resources = {Resource(0, "Min Measured Value", "R"),
                      Resource(1, "SSID", "RW"),
                      Resource(2, "5G Band", "R"),
                      Resource(3, "On/Off", "RW"),
                      Resource(4, "...", "R"),
                      Resource(5, "On Off", "R"),
                      Resource(6, "CR", "R"),
                      Resource(7, "X", "")};
  const ResourceMapping mapping = MakeGenericMapping(object);
  EXPECT_EQ(mapping.name, "lwm2mServer");
  // 4 has no letter, 5 is taken by 3, cr is the creator of every resource, 7 allows nothing.
  EXPECT_THAT(NamesOf(mapping),
              ElementsAre("minMeasuredValue", "ssid", "_5gBand", "onOff", "resource4", "onOff5", "cr6"));
}

TEST(GenericMapping, ResourceIdsInTheirShortestFormAreNames) {
  EXPECT_EQ(ResourceIdOf("5700"), 5700u);
  EXPECT_EQ(ResourceIdOf("0"), 0u);
  EXPECT_EQ(ResourceIdOf("65535"), 65535u);
  for (const char* const name : {"", "65536", "05", "+5", "-1", "5a", " 5", "btl"}) {
    EXPECT_EQ(ResourceIdOf(name), std::nullopt) << name;
  }
}

// ---- descriptions --------------------------------------------------------------------------------------------------

v1::DescribeDeviceResponse Describe(const std::vector<std::pair<std::string, std::string>>& links,
                                    const std::string& root_path = "") {
  v1::DescribeDeviceRequest request;
  request.set_endpoint("urn:imei:1");
  request.set_root_path(root_path);
  for (const auto& [path, version] : links) {
    lwm2m::v1::ObjectLink* link = request.add_links();
    *link->mutable_path() = P(path);
    link->set_version(version);
  }
  const auto response = DescribeDevice(BuiltIn(), request);
  EXPECT_THAT(response, status::IsOk());
  return *response;
}

std::string NameAndUrn(const v1::ManagementObject& object) {
  return absl::StrCat(object.resource_name(), " ", object.resource().root(), " ", object.resource().object_ids(0), " ",
                      object.resource().object_paths(0));
}

TEST(GenericMapping, EveryOtherObjectOfADeviceIsDescribed) {
  const auto response = Describe({{"/0/0", ""},
                                  {"/1/0", ""},
                                  {"/21/0", ""},
                                  {"/3303", "1.1"},
                                  {"/3303/0", ""},
                                  {"/3303/7", ""},
                                  {"/6/0", ""},
                                  {"/34121", "2.0"},
                                  {"/34121/0", ""},
                                  {"/34122", ""}},
                                 "/lwm2m");
  std::vector<std::string> objects;
  for (const auto& object : response.management_objects()) objects.push_back(NameAndUrn(object));
  EXPECT_THAT(objects, ElementsAre("lwm2mServer0 m2m:mgo urn:oma:lwm2m:oma:1 /lwm2m/1/0",
                                   "location m2m:mgo urn:oma:lwm2m:oma:6 /lwm2m/6/0",
                                   "temperature0 m2m:mgo urn:oma:lwm2m:ext:3303:1.1 /lwm2m/3303/0",
                                   "temperature7 m2m:mgo urn:oma:lwm2m:ext:3303:1.1 /lwm2m/3303/7",
                                   "object34121-0 m2m:mgo urn:oma:lwm2m:x:34121:2.0 /lwm2m/34121/0"));
  const v1::ManagementObject& temperature = response.management_objects(2);
  EXPECT_EQ(temperature.resource().mgmt_definition(), 0u);
  EXPECT_FALSE(temperature.self_describing());
  EXPECT_TRUE(response.management_objects(4).self_describing());
  EXPECT_EQ(Text(temperature.resource().attributes().members()),
            R"({"resetMinAndMaxMeasuredValues":false,"mgs":"urn:oma:lwm2m:ext:3303:1.1"})");
  ASSERT_EQ(temperature.read_paths_size(), 1);
  EXPECT_EQ(lwm2m::PathToString(temperature.read_paths(0)), "/3303/0");
  ASSERT_EQ(temperature.observe_paths_size(), 1);
  EXPECT_EQ(lwm2m::PathToString(temperature.observe_paths(0)), "/3303/0");
}

TEST(GenericMapping, NamesInANodeAreDistinct) {
  LoadResult loaded = Load(BuiltInSources(), {{"a.yaml", R"(object: 40001
name: "Device Info"
version: "1.0"
urn: urn:oma:lwm2m:x:40001
resources: [{id: 0, name: A, operations: R, type: string}]
)"},
                                              {"b.yaml", R"(object: 40002
name: "Temperature"
version: "1.0"
urn: urn:oma:lwm2m:x:40002
multiple: true
resources: [{id: 0, name: A, operations: R, type: string}]
)"}});
  ASSERT_THAT(loaded.problems, IsEmpty());
  v1::DescribeDeviceRequest request;
  request.set_endpoint("e");
  for (const char* const path : {"/3/0", "/3303/0", "/40001/0", "/40002/0"}) {
    *request.add_links()->mutable_path() = P(path);
  }
  const auto response = DescribeDevice(*loaded.table, request);
  ASSERT_THAT(response, status::IsOk());
  std::vector<std::string> names;
  for (const auto& object : response->management_objects()) names.push_back(object.resource_name());
  EXPECT_THAT(names,
              ::testing::IsSupersetOf({"deviceInfo", "deviceInfo-40001", "temperature0", "temperature-40002-0"}));
}

// 1.10 comes after 1.2: each version has the attributes of its own definition.
TEST(GenericMapping, EachVersionHasItsOwnAttributes) {
  std::vector<Source> sources;
  for (const char* const version : {"1.2", "1.10", "1.1"}) {
    sources.push_back(
        {absl::StrCat(version, ".yaml"), absl::StrCat("object: 40003\nname: Thing\nversion: \"", version,
                                                      "\"\nurn: urn:oma:lwm2m:x:40003\nresources: [{id: 0, "
                                                      "name: In ",
                                                      version, ", operations: R, type: string}]\n")});
  }
  const LoadResult loaded = Load(BuiltInSources(), sources);
  ASSERT_THAT(loaded.problems, IsEmpty());
  for (const auto& [version, name] :
       {std::make_pair("1.1", "in11"), std::make_pair("1.2", "in12"), std::make_pair("1.10", "in110")}) {
    const ResourceMapping* mapping = loaded.table->FindGenericMapping(40003, version);
    ASSERT_NE(mapping, nullptr);
    EXPECT_THAT(NamesOf(*mapping), ElementsAre(name));
  }
}

// ---- requests and answers ------------------------------------------------------------------------------------------

onem2m::v1::Resource SelfDefined(const std::string& urn, const std::string& path, const Members& attributes = {}) {
  onem2m::v1::Resource resource;
  resource.set_root(kGenericRoot);
  resource.add_object_ids(urn);
  resource.add_object_paths(path);
  *resource.mutable_attributes() = MakeObject(attributes);
  return resource;
}
onem2m::v1::Resource Temperature(const Members& attributes = {}) {
  return SelfDefined("urn:oma:lwm2m:ext:3303:1.1", "/3303/0", attributes);
}
onem2m::v1::Resource Unknown(const Members& attributes = {}) {
  return SelfDefined("urn:oma:lwm2m:x:34121", "/34121/2", attributes);
}

v1::TranslateRequestResponse Translate(const onem2m::v1::RequestPrimitive& primitive,
                                       const onem2m::v1::Resource& resource,
                                       const std::vector<std::string>& wanted = {}) {
  v1::TranslateRequestRequest request;
  *request.mutable_primitive() = primitive;
  *request.mutable_resource() = resource;
  for (const std::string& name : wanted) request.add_wanted_attributes(name);
  const auto response = TranslateRequest(BuiltIn(), request);
  EXPECT_THAT(response, status::IsOk());
  return *response;
}

v1::TranslateResponseResponse Answer(const onem2m::v1::RequestPrimitive& primitive,
                                     const onem2m::v1::Resource& resource,
                                     const std::vector<lwm2m::v1::OperationResult>& results,
                                     const std::vector<std::string>& wanted = {}) {
  v1::TranslateResponseRequest request;
  *request.mutable_primitive() = primitive;
  *request.mutable_resource() = resource;
  *request.mutable_plan() = Translate(primitive, resource, wanted).plan();
  for (const auto& result : results) *request.add_results() = result;
  const auto response = TranslateResponse(BuiltIn(), request);
  EXPECT_THAT(response, status::IsOk());
  return *response;
}

TEST(GenericMapping, RetrieveReadsTheInstanceWithAllThatIsThere) {
  const auto plan = Translate(Retrieve(), Temperature()).plan();
  EXPECT_THAT(Text(plan), HasSubstr("Read /3303/0 ["));
  EXPECT_THAT(plan.steps(0).operation().read().wanted_resources(), IsEmpty());
  const auto answer =
      Answer(Retrieve(), Temperature({{"maxRangeValue", onem2m::Number(9)}, {"lbl", onem2m::Text("x")}}),
             {Answered(205, {{"/3303/0/5700", F(21.5)},
                             {"/3303/0/5701", S("Cel")},
                             {"/3303/0/5518", I(1701172800)},
                             {"/3303/0/6998", S("later version")}})});
  EXPECT_EQ(answer.response_status_code(), 2000u);
  EXPECT_EQ(Text(answer.attributes()),
            R"({"resetMinAndMaxMeasuredValues":false,"timestamp":"20231128T120000","sensorValue":21.5,)"
            R"("sensorUnits":"Cel","6998":"later version"})");
  EXPECT_THAT(answer.absent_attributes(), ::testing::Contains("maxRangeValue"));
  EXPECT_THAT(answer.absent_attributes(), ::testing::Not(::testing::Contains("lbl")));
}

TEST(GenericMapping, OneAttributeIsReadAlone) {
  EXPECT_EQ(Text(Translate(Retrieve(), Temperature(), {"sensorValue"}).plan()), "Read /3303/0/5700 [sensorValue]");
  EXPECT_EQ(Text(Translate(Retrieve(), Unknown(), {"7"}).plan()), "Read /34121/2/7 [7]");
  const auto answer = Answer(Retrieve(), Unknown(), {Answered(205, {{"/34121/2/7", B(true)}})}, {"7"});
  EXPECT_EQ(Text(answer.attributes()), R"({"7":true})");
}

TEST(GenericMapping, UpdateWritesAndExecutes) {
  EXPECT_EQ(Text(Translate(Update(kGenericRoot, {{"applicationType", onem2m::Text("boiler")},
                                                 {"resetMinAndMaxMeasuredValues", onem2m::Boolean(true)}}),
                           Temperature())
                     .plan()),
            "Write /3303/0/5750 [applicationType]; Execute /3303/0/5605 [resetMinAndMaxMeasuredValues]; "
            "Read /3303/0/5750 [applicationType]");
  const auto refused = Translate(Update(kGenericRoot, {{"sensorValue", onem2m::Number(1)}}), Temperature());
  EXPECT_EQ(refused.refusal_status_code(), 4005u);
  EXPECT_THAT(refused.refusal_reason(), HasSubstr("/3303/0/5700 Sensor Value"));
  const auto wrong = Translate(Update(kGenericRoot, {{"applicationType", onem2m::Integer(1)}}), Temperature());
  EXPECT_EQ(wrong.refusal_status_code(), 4000u);
  const auto unknown = Translate(Update(kGenericRoot, {{"sensorvalue", onem2m::Integer(1)}}), Temperature());
  EXPECT_EQ(unknown.refusal_status_code(), 4000u);
  EXPECT_THAT(unknown.refusal_reason(), HasSubstr("sensorvalue"));
}

TEST(GenericMapping, ValuesOfAnUnknownObjectAreWhatTheirFormatSays) {
  const auto answer = Answer(Retrieve(), Unknown({{"9", onem2m::Integer(1)}}),
                             {Answered(205, {{"/34121/2/0", I(-7)},
                                             {"/34121/2/1", F(0.5)},
                                             {"/34121/2/2", S("hé")},
                                             {"/34121/2/3", B(false)},
                                             {"/34121/2/4", Opaque(std::string("\x00\xff", 2))},
                                             {"/34121/2/5", Time(1701172800)},
                                             {"/34121/2/6/0", S("a")},
                                             {"/34121/2/6/3", S("b")},
                                             {"/34121/2/7", Tlv({0x50})},
                                             {"/34121/2/8", Raw(0, "80")}})});
  EXPECT_EQ(
      Text(answer.attributes()),
      R"({"0":-7,"1":0.5,"2":"hé","3":false,"4":"AP8=","5":"20231128T120000","6":["a","b"],"7":"UA==","8":"80"})");
  EXPECT_THAT(answer.absent_attributes(), ElementsAre("9"));
}

// Types that no definition tells have to come from the payload.
TEST(GenericMapping, OnlyWhatNoDefinitionTypesIsReadInFormatsThatTellTypes) {
  const auto asks = [](const v1::TranslateRequestResponse& response) {
    return response.plan().steps(response.plan().steps_size() - 1).operation().read().self_describing();
  };
  EXPECT_TRUE(asks(Translate(Retrieve(), Unknown())));
  EXPECT_TRUE(asks(Translate(Retrieve(), Unknown(), {"7"})));
  EXPECT_TRUE(asks(Translate(Update(kGenericRoot, {{"1", onem2m::Integer(5)}}), Unknown())));
  EXPECT_FALSE(asks(Translate(Retrieve(), Temperature())));
  EXPECT_FALSE(asks(Translate(Retrieve(), Temperature(), {"sensorValue"})));
  EXPECT_TRUE(asks(Translate(Retrieve(), Temperature(), {"26241"})));  // beyond the definition
  EXPECT_FALSE(asks(Translate(Retrieve(), DeviceResource("m2m:dvi"))));
}

TEST(GenericMapping, OnlyWhatNoDefinitionTypesIsWrittenInThem) {
  const auto tells = [](const onem2m::v1::Resource& resource, const Members& members) {
    const v1::Plan plan = Translate(Update(kGenericRoot, members), resource).plan();
    return plan.steps(0).operation().write().self_describing();
  };
  EXPECT_TRUE(tells(Unknown(), {{"3", onem2m::Integer(21)}}));
  EXPECT_TRUE(tells(Unknown(), {{"3", onem2m::Integer(21)}, {"4", onem2m::Integer(1)}}));
  EXPECT_FALSE(tells(Temperature(), {{"applicationType", onem2m::Text("x")}}));
  onem2m::v1::RequestPrimitive create = Update(kGenericRoot, {{"3", onem2m::Integer(21)}});
  create.set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
  EXPECT_TRUE(Translate(create, Unknown()).plan().steps(0).operation().create().self_describing());
}

TEST(GenericMapping, ValuesForAnUnknownObjectAreWrittenAsTheirJsonTypeSays) {
  const auto plan = Translate(Update(kGenericRoot, {{"1", onem2m::Integer(5)},
                                                    {"2", onem2m::Text("x")},
                                                    {"3", onem2m::List({onem2m::Number(0.5), onem2m::Boolean(true)})}}),
                              Unknown())
                        .plan();
  ASSERT_EQ(plan.steps_size(), 3);  // single resources together, the list, reading back
  std::vector<std::string> nodes;
  for (int i = 0; i < 2; ++i) {
    for (const auto& node : plan.steps(i).operation().write().nodes()) {
      nodes.push_back(absl::StrCat(lwm2m::PathToString(node.path()), " ", node.value().ShortDebugString()));
    }
  }
  EXPECT_THAT(nodes, ElementsAre("/34121/2/1 integer: 5", "/34121/2/2 text: \"x\"", "/34121/2/3/0 floating: 0.5",
                                 "/34121/2/3/1 boolean: true"));
  const auto refused = Translate(Update(kGenericRoot, {{"greeting", onem2m::Text("x")}}), Unknown());
  EXPECT_EQ(refused.refusal_status_code(), 4000u);
  const auto deep = Translate(Update(kGenericRoot, {{"1", onem2m::Complex({})}}), Unknown());
  EXPECT_EQ(deep.refusal_status_code(), 4000u);
}

TEST(GenericMapping, DeleteIsOfInstancesThatAServerMayDelete) {
  EXPECT_EQ(Text(Translate(Delete(), Temperature()).plan()), "Delete /3303/0 []");
  EXPECT_EQ(Text(Translate(Delete(), Unknown()).plan()), "Delete /34121/2 []");
  for (const auto& [urn, path] :
       {std::make_pair("urn:oma:lwm2m:oma:1", "/1/0"), std::make_pair("urn:oma:lwm2m:oma:2", "/2/0"),
        std::make_pair("urn:oma:lwm2m:oma:6", "/6/0")}) {
    EXPECT_EQ(Text(Translate(Delete(), SelfDefined(urn, path)).plan()), "") << urn;
  }
}

TEST(GenericMapping, CreateTellsWhereTheInstanceIs) {
  onem2m::v1::RequestPrimitive create = Update(kGenericRoot, {{"applicationType", onem2m::Text("boiler")}});
  create.set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
  const onem2m::v1::Resource open = SelfDefined("urn:oma:lwm2m:ext:3303", "/3303");
  auto made = Answered(201);
  *made.mutable_created_path() = P("/3303/4");
  const auto answer = Answer(create, open, {made});
  EXPECT_EQ(answer.response_status_code(), 2001u);
  EXPECT_EQ(lwm2m::PathToString(answer.created_path()), "/3303/4");
  EXPECT_EQ(Text(answer.attributes()), R"({"applicationType":"boiler"})");
  const auto wanted = Answer(create, SelfDefined("urn:oma:lwm2m:ext:3303", "/3303/7"), {Answered(201)});
  EXPECT_EQ(lwm2m::PathToString(wanted.created_path()), "/3303/7");
  const auto untold = Answer(create, open, {Answered(201)});
  EXPECT_EQ(untold.response_status_code(), 6025u);
  EXPECT_THAT(untold.reason(), HasSubstr("does not say which"));
  const auto refused = Answer(create, open, {Answered(405)});
  EXPECT_EQ(refused.response_status_code(), 4005u);
  EXPECT_FALSE(refused.has_created_path());
}

TEST(GenericMapping, NotificationsReachIt) {
  v1::TranslateNotificationRequest request;
  *request.mutable_observed_path() = P("/34121/2");
  *request.add_nodes() = MakeNode("/34121/2/3", I(3));
  for (const auto& [id, resource] : {std::make_pair("here", Unknown()), std::make_pair("there", Temperature())}) {
    request.add_resources()->set_id(id);
    *request.mutable_resources(request.resources_size() - 1)->mutable_resource() = resource;
  }
  const auto response = TranslateNotification(BuiltIn(), request);
  ASSERT_THAT(response, status::IsOk());
  ASSERT_EQ(response->changes_size(), 1);
  EXPECT_EQ(response->changes(0).id(), "here");
  EXPECT_EQ(Text(response->changes(0).attributes()), R"({"3":3})");
}

TEST(GenericMapping, WhatNamesNoObjectIsNotReachable) {
  const auto code = [](const onem2m::v1::Resource& resource) {
    return Translate(Retrieve(), resource).refusal_status_code();
  };
  EXPECT_EQ(code(SelfDefined("urn:oma:lwm2m:x:34121", "/34121/2")), 0u);
  EXPECT_EQ(code(SelfDefined("urn:oma:lwm2m:oma:0", "/0/0")), 6003u);
  EXPECT_EQ(code(SelfDefined("urn:other:34121", "/34121/2")), 6003u);
  EXPECT_EQ(code(SelfDefined("", "/34121/2")), 6003u);
  EXPECT_EQ(code(SelfDefined("urn:oma:lwm2m:x:34121", "/34120/2")), 6005u);
  onem2m::v1::Resource bare;
  bare.set_root("acme:thing");
  EXPECT_EQ(code(bare), 6003u);
}

TEST(GenericMapping, IsListedByItsRoot) {
  v1::ListMappingsRequest request;
  request.set_root(kGenericRoot);
  const auto response = ListMappings(BuiltIn(), request);
  ASSERT_THAT(response, status::IsOk());
  bool found = false;
  for (const auto& mapping : response->mappings()) {
    found = found || (mapping.object_id() == "urn:oma:lwm2m:ext:3303" && mapping.attribute() == "sensorValue");
    EXPECT_NE(mapping.object_id(), "urn:oma:lwm2m:oma:3") << "has mappings";
    EXPECT_NE(mapping.object_id(), "urn:oma:lwm2m:oma:0") << "is hidden";
  }
  EXPECT_TRUE(found);
}

TEST(GenericMapping, AMappingFileCannotHaveItsRoot) {
  const LoadResult loaded = Load(BuiltInSources(), {{"mine.yaml", R"(mapping: mine
mgmtDefinition: 0
root: m2m:mgo
object: urn:oma:lwm2m:ext:3303
clause: ours
attributes: [{short: v, long: value, resource: 5700, access: read, type: float}]
)"}});
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(loaded.problems[0], HasSubstr("mine.yaml"));
  EXPECT_THAT(loaded.problems[0], HasSubstr("m2m:mgo"));
}

}  // namespace
}  // namespace isthmus::translation
