// The CMDH family and the partial mappings (TS-0005 6.3.12, 6.6.1; TS-0001 D.12; objects 2048 to 2057 of the OMA
// registry) as tables: each attribute as it is read and as it is written, for a reader to hold against the
// specifications.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/translation/core/mapping_list.h"
#include "services/translation/core/notification_translator.h"
#include "services/translation/core/request_translator.h"
#include "services/translation/core/response_translator.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

using onem2m::Boolean;
using onem2m::Integer;
using onem2m::List;
using onem2m::TextList;
using ::testing::HasSubstr;

lwm2m::v1::Value L(uint32_t object, uint32_t instance) {
  lwm2m::v1::Value value;
  value.mutable_object_link()->set_object_id(object);
  value.mutable_object_link()->set_object_instance_id(instance);
  return value;
}

onem2m::v1::Value Link(const std::string& name, int64_t type, const std::string& target) {
  return onem2m::Complex(
      MakeObject({{"nm", onem2m::Text(name)}, {"typ", Integer(type)}, {"val", onem2m::Text(target)}}));
}

v1::TranslateRequestResponse Plan(const onem2m::v1::RequestPrimitive& primitive, const onem2m::v1::Resource& resource,
                                  const std::string& wanted = "") {
  v1::TranslateRequestRequest request;
  *request.mutable_primitive() = primitive;
  *request.mutable_resource() = resource;
  if (!wanted.empty()) request.add_wanted_attributes(wanted);
  return TranslateRequest(BuiltIn(), request).value();
}

v1::TranslateResponseResponse Answer(const onem2m::v1::RequestPrimitive& primitive,
                                     const onem2m::v1::Resource& resource, const v1::Plan& plan,
                                     const std::vector<lwm2m::v1::OperationResult>& results) {
  v1::TranslateResponseRequest request;
  *request.mutable_primitive() = primitive;
  *request.mutable_resource() = resource;
  *request.mutable_plan() = plan;
  for (const lwm2m::v1::OperationResult& result : results) *request.add_results() = result;
  return TranslateResponse(BuiltIn(), request).value();
}

// The writes of a plan with what they write: "/2056/0/1 = 5", "/2056/0/0 = [1, 2]".
std::string Writes(const v1::Plan& plan) {
  std::vector<std::string> writes;
  for (const v1::PlanStep& step : plan.steps()) {
    if (!step.operation().has_write()) continue;
    std::vector<std::string> values;
    bool multiple = false;
    for (const lwm2m::v1::Node& node : step.operation().write().nodes()) {
      const lwm2m::v1::Value& value = node.value();
      multiple = multiple || node.path().has_resource_instance_id();
      const std::string resource = step.operation().write().partial() ? lwm2m::PathToString(node.path()) + ":" : "";
      if (value.has_object_link()) {
        values.push_back(
            absl::StrCat(resource, value.object_link().object_id(), ":", value.object_link().object_instance_id()));
      } else {
        const std::string text = value.ShortDebugString();
        values.push_back(resource + text.substr(text.find(": ") + 2));
      }
    }
    const std::string all = absl::StrJoin(values, ", ");
    writes.push_back(absl::StrCat(lwm2m::PathToString(step.operation().write().path()), " = ",
                                  multiple ? absl::StrCat("[", all, "]") : all));
  }
  return absl::StrJoin(writes, "; ");
}

// ---- RETRIEVE -------------------------------------------------------------------------------------------------------

TEST(ConformanceCmdh, ReadOfEachAttribute) {
  const struct {
    const char* root;
    const char* attribute;
    NodeList on_device;
    const char* in_cse;
  } kRows[] = {
      // [cmdhPolicy], 2048
      {"m2m:cmp", "cpn", {{"/2048/0/0", S("night")}}, "\"night\""},
      {"m2m:cmp",
       "cmlk",
       {{"/2048/0/1", L(2050, 0)},
        {"/2048/0/2/0", L(2053, 0)},
        {"/2048/0/2/1", L(2053, 1)},
        {"/2048/0/3/0", L(2054, 0)},
        {"/2048/0/4/0", L(2056, 7)}},
       R"([{"nm":"cmdhDefaults","typ":1013,"val":"/2050/0"},{"nm":"cmdhLimits","typ":1016,"val":"/2053/0"},)"
       R"({"nm":"cmdhLimits","typ":1016,"val":"/2053/1"},{"nm":"cmdhNetworkAccessRules","typ":1017,"val":"/2054/0"},)"
       R"({"nm":"cmdhBuffer","typ":1019,"val":"/2056/7"}])"},
      // A link that leads nowhere is no member.
      {"m2m:cmp",
       "cmlk",
       {{"/2048/0/1", L(65535, 65535)}, {"/2048/0/4/0", L(2056, 0)}},
       R"([{"nm":"cmdhBuffer","typ":1019,"val":"/2056/0"}])"},
      // [activeCmdhPolicy], 2049
      {"m2m:acmp", "acmlk", {{"/2049/0/0", L(2048, 1)}}, "\"/2048/1\""},
      {"m2m:acmp", "acmlk", {{"/2049/0/0", L(65535, 65535)}}, "\"\""},
      // [cmdhDefaults], 2050
      {"m2m:cmdf",
       "cmlk",
       {{"/2050/0/0/0", L(2051, 0)}, {"/2050/0/1/0", L(2052, 0)}, {"/2050/0/1/1", L(2052, 1)}},
       R"([{"nm":"cmdhDefEcValue","typ":1014,"val":"/2051/0"},{"nm":"cmdhEcDefParamValues","typ":1015,"val":"/2052/0"},)"
       R"({"nm":"cmdhEcDefParamValues","typ":1015,"val":"/2052/1"}])"},
      // [cmdhDefEcValue], 2051
      {"m2m:cmdv", "od", {{"/2051/0/0", I(3)}}, "3"},
      {"m2m:cmdv", "dev", {{"/2051/0/1", S("4")}}, "4"},  // text on the device
      {"m2m:cmdv", "ror", {{"/2051/0/2/0", S("Ca")}, {"/2051/0/2/1", S("Cb")}}, R"(["Ca","Cb"])"},
      {"m2m:cmdv", "rct", {{"/2051/0/3", S("roaming")}}, "\"roaming\""},
      {"m2m:cmdv", "rctn", {{"/2051/0/4", B(true)}}, "true"},
      {"m2m:cmdv", "rch", {{"/2051/0/5", S("op=1")}}, "\"op=1\""},
      // [cmdhEcDefParamValues], 2052
      {"m2m:cmpv", "aec", {{"/2052/0/0/0", I(0)}, {"/2052/0/0/1", I(100)}}, "[0,100]"},
      {"m2m:cmpv", "dqet", {{"/2052/0/1", I(5000)}}, "5000"},
      {"m2m:cmpv", "dset", {{"/2052/0/2", I(-1)}}, "-1"},
      {"m2m:cmpv", "doet", {{"/2052/0/3", I(60000)}}, "60000"},
      {"m2m:cmpv", "drp", {{"/2052/0/4", I(86400000)}}, "86400000"},
      {"m2m:cmpv", "dda", {{"/2052/0/5", I(0)}}, "false"},
      {"m2m:cmpv", "dda", {{"/2052/0/5", I(1)}}, "true"},
      // [cmdhLimits], 2053
      {"m2m:cml", "od", {{"/2053/0/0", I(1)}}, "1"},
      {"m2m:cml", "ror", {{"/2053/0/1/0", S("*")}}, R"(["*"])"},
      {"m2m:cml", "rct", {{"/2053/0/2", S("x")}}, "\"x\""},
      {"m2m:cml", "rctn", {{"/2053/0/3", B(false)}}, "false"},
      {"m2m:cml", "rch", {{"/2053/0/4", S("y")}}, "\"y\""},
      {"m2m:cml", "lec", {{"/2053/0/5/0", I(2)}}, "[2]"},
      {"m2m:cml", "lqet", {{"/2053/0/6/1", I(9000)}, {"/2053/0/6/0", I(10)}}, "[10,9000]"},
      {"m2m:cml", "lset", {{"/2053/0/7/0", I(1)}, {"/2053/0/7/1", I(-1)}}, "[1,-1]"},
      {"m2m:cml", "loet", {{"/2053/0/8/0", I(2)}, {"/2053/0/8/1", I(3)}}, "[2,3]"},
      {"m2m:cml", "lrp", {{"/2053/0/9/0", I(4)}, {"/2053/0/9/1", I(5)}}, "[4,5]"},
      {"m2m:cml", "lda", {{"/2053/0/10/0", S("0")}}, "[false]"},
      {"m2m:cml", "lda", {{"/2053/0/10/0", S("1")}}, "[true]"},
      {"m2m:cml", "lda", {{"/2053/0/10/0", S("0 1")}}, "[false,true]"},
      {"m2m:cml", "lda", {{"/2053/0/10/0", S("0")}, {"/2053/0/10/1", S("1")}}, "[false,true]"},
      {"m2m:cml", "lda", {{"/2053/0/10/0", S("0")}, {"/2053/0/10/1", S("")}}, "[false]"},
      // [cmdhNetworkAccessRules], 2054
      {"m2m:cmnr", "aecs", {{"/2054/0/0/0", I(2)}, {"/2054/0/0/1", I(3)}}, "[2,3]"},
      {"m2m:cmnr", "cmlk", {{"/2054/0/1/0", L(2055, 4)}}, R"([{"nm":"cmdhNwAccessRule","typ":1018,"val":"/2055/4"}])"},
      // [cmdhNwAccessRule], 2055
      {"m2m:cmwr", "ttn", {{"/2055/0/0/0", S("lte")}, {"/2055/0/0/1", S("nb")}}, R"(["lte","nb"])"},
      {"m2m:cmwr", "swt", {{"/2055/0/1", I(250)}}, "250"},
      {"m2m:cmwr", "mrv", {{"/2055/0/2", I(1024)}}, "1024"},
      {"m2m:cmwr", "ohc", {{"/2055/0/4", S("idle")}}, "\"idle\""},
      // [cmdhBuffer], 2056
      {"m2m:cmbf", "aec", {{"/2056/0/0/0", I(1)}}, "[1]"},
      {"m2m:cmbf", "mbfs", {{"/2056/0/1", I(65536)}}, "65536"},
      {"m2m:cmbf", "sgp", {{"/2056/0/2", I(10)}}, "10"},
      // [wifiClient], 12, and [mobileNetwork], 4
      {"dcfg:wific", "ssid", {{"/12/0/5", S("attic")}}, "\"attic\""},
      {"dcfg:mnwk", "cnb", {{"/4/0/0", I(7)}}, "7"},
      {"dcfg:mnwk", "rss", {{"/4/0/2", I(-93)}}, "-93"},
      {"dcfg:mnwk", "liqu", {{"/4/0/3", I(80)}}, "80"},
      {"dcfg:mnwk", "ceid", {{"/4/0/8", I(12345)}}, "12345"},
      {"dcfg:mnwk", "smnc", {{"/4/0/9", I(1)}}, "1"},
      {"dcfg:mnwk", "smcc", {{"/4/0/10", I(262)}}, "262"},
      {"dcfg:mnwk", "lac", {{"/4/0/12", I(9)}}, "9"},
      {"dcfg:mnwk", "coel", {{"/4/0/13", I(2)}}, "2"},
      // [areaNwkDeviceInfo], 25
      {"m2m:andi", "dvd", {{"/25/0/0", S("meter-3")}}, "\"meter-3\""},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(absl::StrCat(row.root, " ", row.attribute, " = ", row.in_cse));
    const onem2m::v1::Resource resource = DeviceResource(row.root);
    const v1::TranslateRequestResponse plan = Plan(Retrieve(), resource, row.attribute);
    ASSERT_EQ(plan.plan().steps_size(), 1);
    const auto answer = Answer(Retrieve(), resource, plan.plan(), {Answered(205, row.on_device)});
    EXPECT_EQ(answer.response_status_code(), 2000u) << answer.reason();
    const onem2m::v1::Value* value = nullptr;
    for (const onem2m::v1::Attribute& attribute : answer.attributes()) {
      if (attribute.name() == row.attribute) value = &attribute.value();
    }
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(onem2m::Describe(*value, 1000), row.in_cse);
  }
}

TEST(ConformanceCmdh, ValuesThatHaveNoCounterpart) {
  const struct {
    const char* root;
    const char* attribute;
    NodeList on_device;
    const char* why;
  } kRows[] = {
      {"dcfg:mnwk", "cnb", {{"/4/0/0", I(6)}}, "6 has no counterpart"},
      {"m2m:cmdv", "dev", {{"/2051/0/1", S("urgent")}}, "'urgent' is no whole number"},
      {"m2m:cmdv", "od", {{"/2051/0/0", I(0)}}, "0 is outside 1.."},
      {"m2m:cmpv", "dda", {{"/2052/0/5", I(2)}}, "2 has no counterpart"},
      {"m2m:cmpv", "dqet", {{"/2052/0/1", I(-2)}}, "-2 is outside -1.."},
      {"m2m:cml", "lqet", {{"/2053/0/6/0", I(1)}}, "1 values where there are 2"},
      {"m2m:cml", "lda", {{"/2053/0/10/0", S("0 2")}}, "'2' has no counterpart"},
      {"m2m:cml", "lda", {{"/2053/0/10/0", S("")}}, "says no member"},  // oneM2M knows no list without one
      {"m2m:cmbf", "sgp", {{"/2056/0/2", I(11)}}, "11 is outside 1..10"},
      {"m2m:acmp", "acmlk", {{"/2049/0/0", S("x")}}, "acmlk"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(absl::StrCat(row.root, " ", row.attribute));
    const onem2m::v1::Resource resource = DeviceResource(row.root);
    const auto answer =
        Answer(Retrieve(), resource, Plan(Retrieve(), resource, row.attribute).plan(), {Answered(205, row.on_device)});
    EXPECT_EQ(answer.response_status_code(), 6025u);
    EXPECT_THAT(answer.reason(), HasSubstr(row.why));
  }
}

// ---- UPDATE ---------------------------------------------------------------------------------------------------------

TEST(ConformanceCmdh, UpdateOfEachAttribute) {
  const struct {
    const char* root;
    const char* attribute;
    onem2m::v1::Value in_cse;
    const char* written;
  } kRows[] = {
      {"m2m:cmp", "cpn", onem2m::Text("day"), "/2048/0/0 = \"day\""},
      {"m2m:cmp", "cmlk",
       List({Link("a", 1019, "/2056/0"), Link("b", 1013, "/2050/1"), Link("c", 1016, "/2053/0"),
             Link("d", 1016, "/2053/2"), Link("e", 1017, "/2054/0")}),
       "/2048/0/1 = 2050:1; /2048/0/2 = [2053:0, 2053:2]; /2048/0/3 = [2054:0]; /2048/0/4 = [2056:0]"},
      {"m2m:acmp", "acmlk", onem2m::Text("/2048/3"), "/2049/0/0 = 2048:3"},
      {"m2m:cmdf", "cmlk", List({Link("a", 1014, "/2051/0"), Link("b", 1015, "/2052/0")}),
       "/2050/0/0 = [2051:0]; /2050/0/1 = [2052:0]"},
      {"m2m:cmdv", "od", Integer(2), "/2051/0/0 = 2"},
      {"m2m:cmdv", "dev", Integer(100), "/2051/0/1 = \"100\""},
      {"m2m:cmdv", "ror", TextList({"Ca"}), "/2051/0/2 = [\"Ca\"]"},
      {"m2m:cmdv", "rct", onem2m::Text("c"), "/2051/0/3 = \"c\""},
      {"m2m:cmdv", "rctn", Boolean(true), "/2051/0/4 = true"},
      {"m2m:cmdv", "rch", onem2m::Text("r"), "/2051/0/5 = \"r\""},
      {"m2m:cmpv", "aec", List({Integer(0)}), "/2052/0/0 = [0]"},
      {"m2m:cmpv", "dqet", Integer(1), "/2052/0/1 = 1"},
      {"m2m:cmpv", "dset", Integer(2), "/2052/0/2 = 2"},
      {"m2m:cmpv", "doet", Integer(-1), "/2052/0/3 = -1"},
      {"m2m:cmpv", "drp", Integer(4), "/2052/0/4 = 4"},
      {"m2m:cmpv", "dda", Boolean(true), "/2052/0/5 = 1"},
      {"m2m:cmpv", "dda", Boolean(false), "/2052/0/5 = 0"},
      {"m2m:cml", "od", Integer(9), "/2053/0/0 = 9"},
      {"m2m:cml", "ror", TextList({"Ca", "Cb"}), "/2053/0/1 = [\"Ca\", \"Cb\"]"},
      {"m2m:cml", "rct", onem2m::Text("c"), "/2053/0/2 = \"c\""},
      {"m2m:cml", "rctn", Boolean(false), "/2053/0/3 = false"},
      {"m2m:cml", "rch", onem2m::Text("r"), "/2053/0/4 = \"r\""},
      {"m2m:cml", "lec", List({Integer(2), Integer(3)}), "/2053/0/5 = [2, 3]"},
      {"m2m:cml", "lqet", List({Integer(1), Integer(2)}), "/2053/0/6 = [1, 2]"},
      {"m2m:cml", "lset", List({Integer(1), Integer(-1)}), "/2053/0/7 = [1, -1]"},
      {"m2m:cml", "loet", List({Integer(0), Integer(0)}), "/2053/0/8 = [0, 0]"},
      {"m2m:cml", "lrp", List({Integer(3), Integer(4)}), "/2053/0/9 = [3, 4]"},
      {"m2m:cml", "lda", List({Boolean(true)}), "/2053/0/10 = [\"1\"]"},
      {"m2m:cml", "lda", List({Boolean(true), Boolean(false), Boolean(true)}), "/2053/0/10 = [\"0 1\"]"},
      {"m2m:cmnr", "aecs", List({Integer(4)}), "/2054/0/0 = [4]"},
      {"m2m:cmnr", "cmlk", List({Link("", 1018, "/2055/0")}), "/2054/0/1 = [2055:0]"},
      {"m2m:cmwr", "ttn", TextList({"lte"}), "/2055/0/0 = [\"lte\"]"},
      {"m2m:cmwr", "swt", Integer(10), "/2055/0/1 = 10"},
      {"m2m:cmwr", "mrv", Integer(20), "/2055/0/2 = 20"},
      {"m2m:cmwr", "ohc", onem2m::Text("o"), "/2055/0/4 = \"o\""},
      {"m2m:cmbf", "aec", List({Integer(1), Integer(2)}), "/2056/0/0 = [1, 2]"},
      {"m2m:cmbf", "mbfs", Integer(4096), "/2056/0/1 = 4096"},
      {"m2m:cmbf", "sgp", Integer(1), "/2056/0/2 = 1"},
      {"dcfg:wific", "ssid", onem2m::Text("cellar"), "/12/0/5 = \"cellar\""},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(absl::StrCat(row.root, " ", row.attribute));
    const onem2m::v1::Resource resource = DeviceResource(row.root);
    const onem2m::v1::RequestPrimitive update = Update(row.root, {{row.attribute, row.in_cse}});
    const v1::TranslateRequestResponse plan = Plan(update, resource);
    ASSERT_EQ(plan.refusal_status_code(), 0u) << plan.refusal_reason();
    EXPECT_EQ(Writes(plan.plan()), row.written);
    // Read back it is what was written, but for the names and the order of links.
    std::vector<lwm2m::v1::OperationResult> results;
    for (const v1::PlanStep& step : plan.plan().steps())
      results.push_back(Answered(step.operation().has_read() ? 404 : 204));
    const auto answer = Answer(update, resource, plan.plan(), results);
    EXPECT_EQ(answer.response_status_code(), 2004u);
    ASSERT_EQ(answer.attributes_size(), 1);
    v1::TranslateRequestResponse again =
        Plan(Update(row.root, {{row.attribute, answer.attributes(0).value()}}), resource);
    EXPECT_EQ(Writes(again.plan()), row.written);
  }
}

TEST(ConformanceCmdh, UpdatesThatAreRefused) {
  const struct {
    const char* root;
    const char* attribute;
    onem2m::v1::Value in_cse;
    uint32_t code;
    const char* why;
  } kRows[] = {
      {"m2m:cmp", "cmlk", List({Link("a", 1013, "/2050/0")}), 4000, "at least one link to a cmdhLimits (1016), got 0"},
      {"m2m:cmp", "cmlk", List({Link("a", 1013, "/2050/0"), Link("a", 1013, "/2050/1")}), 4000,
       "one link to a cmdhDefaults (1013), got 2"},
      {"m2m:cmp", "cmlk", List({Link("a", 1018, "/2055/0")}), 4000, "typ one of 1013 (cmdhDefaults), 1016"},
      {"m2m:cmp", "cmlk", List({Link("a", 1013, "/2053/0")}), 4000, "a cmdhDefaults of this node (/2050/<instance>)"},
      {"m2m:cmp", "cmlk", List({Link("a", 1013, "8fjw3")}), 4000, "got \"8fjw3\""},
      {"m2m:cmp", "cmlk", List({onem2m::Text("/2050/0")}), 4000, "links with typ and val"},
      {"m2m:cmp", "cmlk", onem2m::Text("/2050/0"), 4000, "expected a list"},
      {"m2m:cmnr", "cmlk", List({}), 4000, "at least one link"},
      {"m2m:acmp", "acmlk", onem2m::Text("2048:0"), 4000, "element of objectPaths"},
      {"m2m:acmp", "acmlk", onem2m::Text("/2048"), 4000, "element of objectPaths"},
      {"m2m:cmdv", "od", Integer(0), 4000, "1.."},
      {"m2m:cmdv", "dev", onem2m::Text("2"), 4000, "non-negative integer"},
      {"m2m:cmdv", "rct", List({}), 4000, "rct (requestContext): expected string"},
      {"m2m:cmdv", "ror", List({}), 4000, "a list with a member"},
      {"m2m:cmpv", "dda", Integer(1), 4000, "true or false"},
      {"m2m:cml", "lqet", List({Integer(1)}), 4000, "a list of 2"},
      {"m2m:cml", "lda", List({Integer(1)}), 4000, "a list of true and false"},
      {"m2m:cml", "lda", List({}), 4000, "a list with a member"},
      {"m2m:cmbf", "sgp", Integer(11), 4000, "1..10"},
      {"m2m:cmbf", "aec", Integer(1), 4000, "a list"},
      {"dcfg:mnwk", "rss", Integer(1), 4005, "allows Read only"},
      {"dcfg:wific", "ssid", onem2m::Text(""), 4102, "1..32"},
      {"m2m:andi", "dvd", onem2m::Text("x"), 4005, "allows Read only"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(absl::StrCat(row.root, " ", row.attribute, " ", onem2m::Describe(row.in_cse)));
    const auto plan = Plan(Update(row.root, {{row.attribute, row.in_cse}}), DeviceResource(row.root));
    EXPECT_EQ(plan.refusal_status_code(), row.code);
    EXPECT_TRUE(absl::StartsWith(plan.refusal_reason(), row.attribute)) << plan.refusal_reason();
    EXPECT_THAT(plan.refusal_reason(), HasSubstr(row.why));
  }
}

TEST(ConformanceCmdh, WhatStaysWithTheInCse) {
  const auto plan = Plan(Update("m2m:cmwr", {{"bop", onem2m::Complex(MakeObject({{"bops", List({})}}))},
                                             {"cmlk", List({Link("s", 0, "sched")})},
                                             {"swt", Integer(5)}}),
                         DeviceResource("m2m:cmwr"));
  EXPECT_EQ(Text(plan.plan()), "Write /2055/0/1 [swt]; Read /2055/0/1 [swt]");
  EXPECT_THAT(plan.plan().local_attributes(), ::testing::ElementsAre("bop", "cmlk"));
  // A schedule is no link of this mapping, and a device's instance can be deleted.
  EXPECT_EQ(Text(Plan(Delete(), DeviceResource("m2m:cmwr")).plan()), "Delete /2055/0 []");
  EXPECT_EQ(Text(Plan(Delete(), DeviceResource("m2m:acmp")).plan()), "");
}

// ---- several at once, and by notification
// ----------------------------------------------------------------------------

TEST(ConformanceCmdh, SingleResourcesChangeTogetherAndListsAreReplaced) {
  const auto plan = Plan(Update("m2m:cmbf", {{"aec", List({Integer(1)})}, {"mbfs", Integer(4)}, {"sgp", Integer(5)}}),
                         DeviceResource("m2m:cmbf"));
  EXPECT_EQ(Text(plan.plan()),
            "Write /2056/0 (partial) [mbfs,sgp]; Write /2056/0/0 [aec]; Read /2056/0 [aec,mbfs,sgp]");
  EXPECT_EQ(Writes(plan.plan()), "/2056/0 = /2056/0/1:4, /2056/0/2:5; /2056/0/0 = [1]");
  const auto one =
      Plan(Update("m2m:cmbf", {{"aec", List({Integer(1)})}, {"sgp", Integer(5)}}), DeviceResource("m2m:cmbf"));
  EXPECT_EQ(Writes(one.plan()), "/2056/0/2 = 5; /2056/0/0 = [1]");
}

std::string Told(const onem2m::v1::Value& kept, const std::string& path, const NodeList& nodes) {
  v1::TranslateNotificationRequest request;
  *request.mutable_observed_path() = P(path);
  for (const auto& [node, value] : nodes) *request.add_nodes() = MakeNode(node, value);
  v1::NotifiedResource* notified = request.add_resources();
  notified->set_id("policy");
  *notified->mutable_resource() = DeviceResource("m2m:cmp", {{"cmlk", kept}});
  const v1::TranslateNotificationResponse response = TranslateNotification(BuiltIn(), request).value();
  return response.changes().empty() ? "" : Text(response.changes(0).attributes());
}

TEST(ConformanceCmdh, ANotificationOfOneResourceLeavesTheOtherLinks) {
  const onem2m::v1::Value kept =
      List({Link("cmdhDefaults", 1013, "id-1"), Link("cmdhLimits", 1016, "id-2"), Link("cmdhBuffer", 1019, "id-3")});
  EXPECT_EQ(Told(kept, "/2048/0/2", {{"/2048/0/2/0", L(2053, 5)}}),
            R"({"cmlk":[{"nm":"cmdhDefaults","typ":1013,"val":"id-1"},)"
            R"({"nm":"cmdhLimits","typ":1016,"val":"/2053/5"},{"nm":"cmdhBuffer","typ":1019,"val":"id-3"}]})");
  // Kept as something else: as if nothing were kept.
  EXPECT_EQ(Told(onem2m::Text("x"), "/2048/0/2", {{"/2048/0/2/0", L(2053, 5)}}),
            R"({"cmlk":[{"nm":"cmdhLimits","typ":1016,"val":"/2053/5"}]})");
}

TEST(ConformanceCmdh, TheListingTellsEachSource) {
  v1::ListMappingsRequest request;
  request.set_root("m2m:cmp");
  const v1::ListMappingsResponse response = ListMappings(BuiltIn(), request).value();
  ASSERT_EQ(response.mappings_size(), 2);
  EXPECT_EQ(response.mappings(1).resource_id(), 1u);
  EXPECT_EQ(response.mappings(1).conversion(),
            "object links -> m2m:mgmtLinkRef: resource 1 -> cmdhDefaults (1013), resource 2 -> cmdhLimits (1016), "
            "resource 3 -> cmdhNetworkAccessRules (1017), resource 4 -> cmdhBuffer (1019)");
}

}  // namespace
}  // namespace isthmus::translation
