// The mapping as tables, for a reader to hold against the specifications: attributes both ways (TS-0005 6.3, TS-0001
// annex D, OMA registry), and response codes (TS-0005 6.4.1, TS-0004 6.6.3). Each row goes through the public
// functions.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/translation/core/request_translator.h"
#include "services/translation/core/response_translator.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

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

// ---- RETRIEVE: value of a resource -> value of an attribute ----

struct ReadRow {
  const char* root;
  const char* attribute;
  const char* path;
  lwm2m::v1::Value on_device;
  const char* in_cse;
};

TEST(Conformance, ReadOfEachAttribute) {
  const ReadRow kRows[] = {
      {"m2m:dvi", "man", "/3/0/0", S("Acme"), "\"Acme\""},
      {"m2m:dvi", "mod", "/3/0/1", S("M1"), "\"M1\""},
      {"m2m:dvi", "dlb", "/3/0/2", S("SN-7"), "\"SN-7\""},
      {"m2m:dvi", "fwv", "/3/0/3", S("1.1.10"), "\"1.1.10\""},
      {"m2m:dvi", "syst", "/3/0/13", Time(1701172800), "\"20231128T120000\""},
      {"m2m:dvi", "dty", "/3/0/17", S("meter"), "\"meter\""},
      {"m2m:dvi", "hwv", "/3/0/18", S("A"), "\"A\""},
      {"m2m:dvi", "swv", "/3/0/19", S("9"), "\"9\""},
      {"m2m:bat", "btl", "/3/0/9", I(0), "0"},
      {"m2m:bat", "btl", "/3/0/9", I(100), "100"},
      {"m2m:bat", "bts", "/3/0/20", I(0), "1"},  // Normal -> NORMAL
      {"m2m:bat", "bts", "/3/0/20", I(1), "2"},  // Charging -> CHARGING
      {"m2m:bat", "bts", "/3/0/20", I(2), "3"},  // Charge Complete -> CHARGING_COMPLETE
      {"m2m:bat", "bts", "/3/0/20", I(3), "4"},  // Damaged -> DAMAGED
      {"m2m:bat", "bts", "/3/0/20", I(4), "5"},  // Low -> LOW
      {"m2m:bat", "bts", "/3/0/20", I(5), "6"},  // Not Installed -> NOT_INSTALLED
      {"m2m:bat", "bts", "/3/0/20", I(6), "7"},  // Unknown -> UNKNOWN
      {"m2m:mem", "mma", "/3/0/10", I(15), "15000"},
      {"m2m:mem", "mmt", "/3/0/21", I(4194304), "4194304000"},
      {"m2m:fwr", "url", "/5/0/1", S("coap://h/f"), "\"coap://h/f\""},
      {"m2m:fwr", "fwn", "/5/0/6", S("app"), "\"app\""},
      {"m2m:fwr", "vr", "/5/0/7", S("2.0"), "\"2.0\""},
      {"m2m:fwr", "uds", "/5/0/3", I(1), R"({"acn":"url","sus":3})"},
      {"m2m:fwr", "uds", "/5/0/3", I(2), R"({"acn":"url","sus":3})"},
      {"m2m:fwr", "uds", "/5/0/3", I(3), R"({"acn":"ud","sus":3})"},
      {"m2m:fwr", "uds", "/5/0/5", I(1), R"({"acn":"","sus":1})"},
      {"m2m:fwr", "uds", "/5/0/5", I(2), R"({"acn":"","sus":2})"},
      {"m2m:fwr", "uds", "/5/0/5", I(10), R"({"acn":"","sus":2})"},
      {"m2m:fwr", "uds", "/5/0/5", I(11), R"({"acn":"ud","sus":3})"},
      {"m2m:swr", "swn", "/9/0/0", S("app"), "\"app\""},
      {"m2m:swr", "vr", "/9/0/1", S("3"), "\"3\""},
      {"m2m:swr", "ins", "/9/0/7", I(4), R"({"acn":"","sus":1})"},
      {"m2m:swr", "ins", "/9/0/9", I(58), R"({"acn":"","sus":2})"},
      {"m2m:swr", "acts", "/9/0/12", B(true), R"({"acn":"act","sus":1})"},
      {"m2m:swr", "acts", "/9/0/12", B(false), R"({"acn":"","sus":0})"},
      {"m2m:dvc", "can", "/15/0/0", S("camera"), "\"camera\""},
      {"m2m:dvc", "cas", "/15/0/4", B(true), R"({"acn":"","sus":0})"},  // nothing was asked for
      {"m2m:dvc", "att", "/15/0/3", B(true), "true"},
      {"m2m:dvc", "cus", "/15/0/4", B(false), "false"},
      {"m2m:evl", "lgt", "/20/0/4010", I(1), "1"},  // system -> System
      {"m2m:evl", "lgt", "/20/0/4010", I(5), "5"},  // panic -> Panic
      {"m2m:evl", "lgd", "/20/0/4014", Opaque("hello"), "\"aGVsbG8=\""},
      {"m2m:evl", "lgst", "/20/0/4013", I(2), "1"},  // running, data valid -> Started
      {"m2m:evl", "lgst", "/20/0/4013", I(3), "2"},  // stopped, data valid -> Stopped
      {"m2m:evl", "lgst", "/20/0/4013", I(1), "4"},  // no valid data -> NotPresent
      {"m2m:evl", "lgst", "/20/0/4013", I(4), "5"},  // error -> Error
  };
  for (const ReadRow& row : kRows) {
    SCOPED_TRACE(absl::StrCat(row.root, " ", row.attribute, " ", row.path, " ", row.on_device.ShortDebugString()));
    const onem2m::v1::Resource resource = DeviceResource(row.root);
    const v1::TranslateRequestResponse plan = Plan(Retrieve(), resource, row.attribute);
    ASSERT_EQ(plan.plan().steps_size(), 1);
    EXPECT_TRUE(lwm2m::Contains(plan.plan().steps(0).operation().read().path(), P(row.path)));
    const auto answer = Answer(Retrieve(), resource, plan.plan(), {Answered(205, {{row.path, row.on_device}})});
    EXPECT_EQ(answer.response_status_code(), 2000u);
    const onem2m::v1::Value* value = nullptr;
    for (const onem2m::v1::Attribute& attribute : answer.attributes()) {
      if (attribute.name() == row.attribute) value = &attribute.value();
    }
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(onem2m::Describe(*value), row.in_cse);
  }
}

// ---- UPDATE: value of an attribute -> operation ----

struct WriteRow {
  const char* root;
  const char* attribute;
  onem2m::v1::Value in_cse;
  const char* operation;  // the first step
  const char* on_device;  // value written
};

TEST(Conformance, UpdateOfEachAttribute) {
  const onem2m::v1::Value kTrue = onem2m::Boolean(true);
  const WriteRow kRows[] = {
      {"m2m:dvi", "syst", onem2m::Text("20231128T120000"), "Write /3/0/13", "time: 1701172800"},
      {"m2m:dvi", "syst", onem2m::Text("20231128T120000,999"), "Write /3/0/13", "time: 1701172800"},
      {"m2m:dvi", "syst", onem2m::Text("19691231T235959"), "Write /3/0/13", "time: -1"},
      {"m2m:rbo", "rbo", kTrue, "Execute /3/0/4", ""},
      {"m2m:rbo", "far", kTrue, "Execute /3/0/5", ""},
      {"m2m:fwr", "url", onem2m::Text("coaps://h/f"), "Write /5/0/1", "text: \"coaps://h/f\""},
      {"m2m:fwr", "url", onem2m::Text(""), "Write /5/0/1", "text: \"\""},
      {"m2m:fwr", "ud", kTrue, "Execute /5/0/2", ""},
      {"m2m:swr", "url", onem2m::Text("coap://h/s"), "Write /9/0/3", "text: \"coap://h/s\""},
      {"m2m:swr", "in", kTrue, "Execute /9/0/4", ""},
      {"m2m:swr", "un", kTrue, "Execute /9/0/6", ""},
      {"m2m:swr", "act", kTrue, "Execute /9/0/10", ""},
      {"m2m:swr", "dea", kTrue, "Execute /9/0/11", ""},
      {"m2m:dvc", "ena", kTrue, "Execute /15/0/5", ""},
      {"m2m:dvc", "dis", kTrue, "Execute /15/0/6", ""},
      {"m2m:evl", "lgt", onem2m::Integer(4), "Write /20/0/4010", "integer: 4"},
      {"m2m:evl", "lga", kTrue, "Execute /20/0/4011", ""},
      {"m2m:evl", "lgo", kTrue, "Execute /20/0/4012", ""},
  };
  for (const WriteRow& row : kRows) {
    SCOPED_TRACE(absl::StrCat(row.root, " ", row.attribute));
    const v1::TranslateRequestResponse plan =
        Plan(Update(row.root, {{row.attribute, row.in_cse}}), DeviceResource(row.root));
    ASSERT_EQ(plan.refusal_status_code(), 0u) << plan.refusal_reason();
    ASSERT_GE(plan.plan().steps_size(), 1);
    const lwm2m::v1::Operation& operation = plan.plan().steps(0).operation();
    EXPECT_EQ(DescribeOperation(operation), row.operation);
    if (operation.has_write()) {
      ASSERT_EQ(operation.write().nodes_size(), 1);
      EXPECT_EQ(operation.write().nodes(0).value().ShortDebugString(), row.on_device);
    }
  }
}

// Everything else that is mapped is read-only on the device.
TEST(Conformance, AttributesThatCannotBeUpdated) {
  const std::vector<std::pair<const char*, std::vector<const char*>>> kRows = {
      {"m2m:dvi", {"dlb", "man", "mod", "dty", "fwv", "swv", "hwv"}},
      {"m2m:bat", {"btl", "bts"}},
      {"m2m:mem", {"mma", "mmt"}},
      {"m2m:fwr", {"vr", "fwn", "uds"}},
      {"m2m:swr", {"vr", "swn", "ins", "acts"}},
      {"m2m:dvc", {"can", "att", "cas", "cus"}},
      {"m2m:evl", {"lgd", "lgst"}},
  };
  for (const auto& [root, attributes] : kRows) {
    for (const char* attribute : attributes) {
      const auto plan = Plan(Update(root, {{attribute, onem2m::Text("x")}}), DeviceResource(root));
      EXPECT_EQ(plan.refusal_status_code(), 4005u) << root << " " << attribute;
      EXPECT_TRUE(absl::StartsWith(plan.refusal_reason(), attribute)) << plan.refusal_reason();
    }
  }
}

// ---- CoAP code -> response status code ----

enum class Op { kCreate, kRead, kWrite, kExecute, kDelete };

struct CodeRow {
  Op op;
  uint32_t coap;
  uint32_t rsc;
};

v1::TranslateResponseResponse Perform(Op op, const lwm2m::v1::OperationResult& result) {
  const onem2m::v1::Value kTrue = onem2m::Boolean(true);
  switch (op) {
    case Op::kCreate: {
      onem2m::v1::Resource resource = DeviceResource("m2m:swr");
      onem2m::v1::RequestPrimitive create = Update("m2m:swr", {{"url", onem2m::Text("coap://h/s")}});
      create.set_operation(onem2m::v1::OPERATION_TYPE_CREATE);
      return Answer(create, resource, Plan(create, resource).plan(), {result});
    }
    case Op::kRead: {
      const onem2m::v1::Resource resource = DeviceResource("m2m:bat");
      return Answer(Retrieve(), resource, Plan(Retrieve(), resource).plan(), {result});
    }
    case Op::kWrite: {
      const onem2m::v1::Resource resource = DeviceResource("m2m:dvi");
      const auto update = Update("m2m:dvi", {{"syst", onem2m::Text("20231128T120000")}});
      v1::Plan plan = Plan(update, resource).plan();
      plan.mutable_steps()->DeleteSubrange(1, plan.steps_size() - 1);  // without the reading back
      return Answer(update, resource, plan, {result});
    }
    case Op::kExecute: {
      const onem2m::v1::Resource resource = DeviceResource("m2m:rbo");
      const auto update = Update("m2m:rbo", {{"rbo", kTrue}});
      return Answer(update, resource, Plan(update, resource).plan(), {result});
    }
    case Op::kDelete: {
      const onem2m::v1::Resource resource = DeviceResource("m2m:swr");
      return Answer(Delete(), resource, Plan(Delete(), resource).plan(), {result});
    }
  }
  return {};
}

TEST(Conformance, CodesOfTheDevice) {
  const CodeRow kRows[] = {
      // CREATE, Create
      {Op::kCreate, 201, 2001},
      {Op::kCreate, 400, 4000},
      {Op::kCreate, 401, 5105},
      {Op::kCreate, 404, 6005},
      {Op::kCreate, 405, 4005},
      {Op::kCreate, 415, 6025},
      // RETRIEVE, Read
      {Op::kRead, 205, 2000},
      {Op::kRead, 400, 4000},
      {Op::kRead, 401, 5105},
      {Op::kRead, 404, 6005},
      {Op::kRead, 405, 4005},
      {Op::kRead, 406, 6025},
      // UPDATE of values, Write
      {Op::kWrite, 204, 2004},
      {Op::kWrite, 400, 4102},
      {Op::kWrite, 401, 5105},
      {Op::kWrite, 404, 6005},
      {Op::kWrite, 405, 4005},
      {Op::kWrite, 408, 6025},
      {Op::kWrite, 413, 6025},
      {Op::kWrite, 415, 6025},
      // UPDATE of actions, Execute
      {Op::kExecute, 204, 2004},
      {Op::kExecute, 400, 4000},
      {Op::kExecute, 401, 5105},
      {Op::kExecute, 404, 6005},
      {Op::kExecute, 405, 4005},
      // DELETE, Delete
      {Op::kDelete, 202, 2002},
      {Op::kDelete, 400, 4005},
      {Op::kDelete, 401, 5105},
      {Op::kDelete, 404, 6005},
      {Op::kDelete, 405, 4005},
      // Codes that no table has: the device fails, is busy, or speaks of something else.
      {Op::kRead, 402, 6025},
      {Op::kRead, 403, 5105},
      {Op::kRead, 204, 6025},
      {Op::kRead, 429, 5107},
      {Op::kRead, 500, 5107},
      {Op::kWrite, 501, 5107},
      {Op::kCreate, 500, 5107},
      {Op::kExecute, 503, 5107},
      {Op::kDelete, 500, 5107},
      {Op::kExecute, 412, 6025},
  };
  for (const CodeRow& row : kRows) {
    SCOPED_TRACE(absl::StrCat("operation ", static_cast<int>(row.op), " answered ", row.coap));
    const auto answer = Perform(row.op, Answered(row.coap, {}, "why"));
    EXPECT_EQ(answer.response_status_code(), row.rsc);
    if (row.rsc < 3000) {
      EXPECT_EQ(answer.reason(), "");
    } else {
      EXPECT_THAT(answer.reason(),
                  ::testing::MatchesRegex("device answered [245]\\.[0-9][0-9] .*to (Create|Read|Write|Execute|"
                                          "Delete) /.*: why"));
    }
  }
}

TEST(Conformance, OutcomesWithoutAnAnswer) {
  const struct {
    lwm2m::v1::Outcome outcome;
    uint32_t rsc;
  } kRows[] = {
      {lwm2m::v1::OUTCOME_TIMEOUT, 6003},        {lwm2m::v1::OUTCOME_RESET, 6003},
      {lwm2m::v1::OUTCOME_NOT_REGISTERED, 6003}, {lwm2m::v1::OUTCOME_EXPIRED_UNSENT, 6003},
      {lwm2m::v1::OUTCOME_UNDECODABLE, 6025},    {lwm2m::v1::OUTCOME_UNSUPPORTED, 6025},
  };
  for (const auto& row : kRows) {
    for (const Op op : {Op::kCreate, Op::kRead, Op::kWrite, Op::kExecute, Op::kDelete}) {
      const auto answer = Perform(op, Ended(row.outcome, "why"));
      EXPECT_EQ(answer.response_status_code(), row.rsc) << row.outcome;
      EXPECT_THAT(answer.reason(), ::testing::EndsWith(": why"));
    }
  }
}

}  // namespace
}  // namespace isthmus::translation
