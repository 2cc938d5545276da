#include "services/translation/core/explainer.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::ExplainResponse Explained(const onem2m::v1::RequestPrimitive& primitive, const onem2m::v1::Resource& resource,
                              const std::vector<std::string>& wanted = {}) {
  v1::ExplainRequest request;
  *request.mutable_request()->mutable_primitive() = primitive;
  *request.mutable_request()->mutable_resource() = resource;
  for (const std::string& name : wanted) request.mutable_request()->add_wanted_attributes(name);
  const auto response = Explain(BuiltIn(), request);
  EXPECT_THAT(response, status::IsOk());
  return *response;
}

TEST(Explain, ReadOfOneAttribute) {
  const v1::ExplainResponse response = Explained(Retrieve(), DeviceResource("m2m:bat"), {"bts"});
  EXPECT_EQ(response.mapping_version(), BuiltIn().version());
  EXPECT_EQ(response.rule(), "[battery] m2m:bat, mgmtDefinition 1006 (TS-0005 6.3.7, TS-0001 D.7)");
  EXPECT_EQ(response.place(), "urn:oma:lwm2m:oma:3 Device, instance /3/0");
  ASSERT_EQ(response.steps_size(), 1);
  EXPECT_EQ(response.steps(0).operation(), "Read /3/0/20 Battery Status");
  EXPECT_EQ(response.steps(0).coap_request(), "GET /3/0/20");
  EXPECT_THAT(response.steps(0).content_formats(), HasSubstr("TLV"));
  ASSERT_EQ(response.steps(0).attributes_size(), 1);
  const v1::ExplainedAttribute& attribute = response.steps(0).attributes(0);
  EXPECT_EQ(attribute.attribute(), "bts");
  EXPECT_EQ(attribute.attribute_long_name(), "batteryStatus");
  EXPECT_EQ(lwm2m::PathToString(attribute.path()), "/3/0/20");
  EXPECT_EQ(attribute.resource_name(), "Battery Status");
  EXPECT_EQ(attribute.resource_type(), "Integer 0..6");
  EXPECT_EQ(attribute.attribute_type(), "non-negative integer");
  EXPECT_EQ(attribute.conversion(), "oneM2M = LwM2M + 1");
  EXPECT_EQ(attribute.clause(), "TS-0005 6.3.7, TS-0001 D.7");
  EXPECT_EQ(response.local_attributes_size(), 0);
}

// The whole text, as a person reads it.
TEST(Explain, TextOfAnUpdate) {
  const v1::ExplainResponse response =
      Explained(Update("m2m:dvi", {{"syst", onem2m::Text("20231128T120000")}, {"lbl", onem2m::TextList({"x"})}}),
                DeviceResource("m2m:dvi"));
  EXPECT_EQ(response.text(),
            R"(UPDATE of [deviceInfo] m2m:dvi, mgmtDefinition 1007 (TS-0005 6.3.8, TS-0001 D.8)
on urn:oma:lwm2m:oma:3 Device, instance /3/0

1. Write /3/0/13 Current Time   (CoAP PUT /3/0/13)
   in what this device took before, else TLV, text or opaque, SenML JSON, SenML CBOR
   syst  systemTime, m2m:timestamp  <->  /3/0/13 Current Time, Time: seconds since 1970 -> basic ISO 8601, UTC
         "20231128T120000" -> 1701172800 (2023-11-28T12:00:00+00:00)

2. Read /3/0/13 Current Time   (CoAP GET /3/0/13)
   in what this device answered in before, else its own choice, else TLV, SenML JSON, SenML CBOR, LwM2M JSON
   syst  systemTime, m2m:timestamp  <->  /3/0/13 Current Time, Time: seconds since 1970 -> basic ISO 8601, UTC

Stays with the IN-CSE
   lbl   every resource has it: the IN-CSE keeps it
)");
}

TEST(Explain, ConditionsAndEffectsOfActions) {
  const v1::ExplainResponse response =
      Explained(Update("m2m:fwr", {{"url", onem2m::Text("coap://h/f")}, {"ud", onem2m::Boolean(true)}}),
                DeviceResource("m2m:fwr"));
  ASSERT_EQ(response.steps_size(), 2);
  EXPECT_EQ(response.steps(0).attributes(0).lwm2m_value(), "\"coap://h/f\"");
  EXPECT_EQ(response.steps(1).operation(), "Execute /5/0/2 Update");
  EXPECT_EQ(response.steps(1).coap_request(), "POST /5/0/2");
  EXPECT_EQ(response.steps(1).content_formats(), "");
  EXPECT_THAT(response.steps(1).condition(), HasSubstr("/5/0/3 State is 2 ("));
  EXPECT_THAT(response.steps(1).attributes(0).effect(), HasSubstr("uds becomes in process"));
  EXPECT_THAT(response.text(), HasSubstr("   once /5/0/3 State is 2 ("));
}

TEST(Explain, WhatStaysWithTheInCse) {
  const v1::ExplainResponse response = Explained(Retrieve(), DeviceResource("m2m:rbo"));
  EXPECT_THAT(response.text(), HasSubstr("rbo   an action: always reads false"));
  EXPECT_THAT(response.text(), HasSubstr("The device is not asked."));
}

TEST(Explain, ARefusalNamesItsCodeAndReason) {
  const v1::ExplainResponse response =
      Explained(Update("m2m:bat", {{"btl", onem2m::Integer(5)}}), DeviceResource("m2m:bat"));
  EXPECT_EQ(response.translation().refusal_status_code(), 4005u);
  EXPECT_THAT(response.text(), HasSubstr("Refused with 4005 OPERATION_NOT_ALLOWED, the device is not asked:\n  btl"));
  EXPECT_THAT(response.text(), Not(HasSubstr("1. ")));
  onem2m::v1::Resource unknown;
  unknown.set_root("m2m:wnd");
  unknown.set_mgmt_definition(1020);
  EXPECT_THAT(Explained(Retrieve(), unknown).text(), HasSubstr("RETRIEVE of m2m:wnd\n\nRefused with 5001"));
}

TEST(Explain, ObjectsWithoutAMapping) {
  onem2m::v1::Resource resource;
  resource.set_root("m2m:mgo");
  resource.add_object_ids("urn:oma:lwm2m:x:34121");
  resource.add_object_paths("/34121/2");
  const v1::ExplainResponse response = Explained(Update("m2m:mgo", {{"7", onem2m::Integer(1)}}), resource);
  EXPECT_EQ(response.place(), "urn:oma:lwm2m:x:34121, instance /34121/2");
  EXPECT_EQ(response.steps(0).operation(), "Write /34121/2/7");
  EXPECT_THAT(response.steps(0).content_formats(), HasSubstr("what this device told types in"));
  EXPECT_THAT(response.steps(1).content_formats(), HasSubstr("what tells types"));
  EXPECT_THAT(response.text(), HasSubstr("1 -> 1"));
}

TEST(Explain, ACreationSaysWhatGoesToTheDevice) {
  onem2m::v1::RequestPrimitive create = Update(
      "m2m:swr", {{"url", onem2m::Text("coap://h/a")}, {"vr", onem2m::Text("1")}, {"lbl", onem2m::TextList({"x"})}});
  create.set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
  onem2m::v1::Resource software;
  software.set_root("m2m:swr");
  software.add_object_ids("urn:oma:lwm2m:oma:9");
  const v1::ExplainResponse response = Explained(create, software);
  EXPECT_THAT(response.place(), HasSubstr("an instance that the device chooses"));
  ASSERT_EQ(response.steps_size(), 1);
  EXPECT_THAT(response.steps(0).operation(), HasSubstr("Create /9 "));
  EXPECT_EQ(response.steps(0).coap_request(), "POST /9");
  ASSERT_EQ(response.steps(0).attributes_size(), 1);
  EXPECT_EQ(response.steps(0).attributes(0).lwm2m_value(), "\"coap://h/a\"");
  EXPECT_THAT(response.text(), HasSubstr("vr    as given until the device is read"));
  EXPECT_THAT(response.text(), HasSubstr("lbl   every resource has it"));
  software.add_object_paths("/9/3");
  const v1::ExplainResponse wanted = Explained(create, software);
  EXPECT_THAT(wanted.place(), HasSubstr("instance /9/3"));
  EXPECT_THAT(wanted.steps(0).operation(), HasSubstr("Create /9/3"));
}

TEST(Explain, WhatMakesNoSenseIsNamed) {
  EXPECT_THAT(Explain(BuiltIn(), {}), status::StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request: ")));
  v1::ExplainRequest request;
  request.mutable_request();
  EXPECT_THAT(Explain(BuiltIn(), request),
              status::StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request.primitive: missing")));
}

}  // namespace
}  // namespace isthmus::translation
