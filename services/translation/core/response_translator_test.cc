#include "services/translation/core/response_translator.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/core/request_translator.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const onem2m::v1::Value kTrue = onem2m::Boolean(true);

v1::TranslateResponseRequest Exchange(const onem2m::v1::RequestPrimitive& primitive,
                                      const onem2m::v1::Resource& resource,
                                      const std::vector<lwm2m::v1::OperationResult>& results,
                                      const std::vector<std::string>& wanted = {}) {
  v1::TranslateRequestRequest request;
  *request.mutable_primitive() = primitive;
  *request.mutable_resource() = resource;
  for (const std::string& name : wanted) request.add_wanted_attributes(name);
  v1::TranslateResponseRequest exchange;
  *exchange.mutable_primitive() = primitive;
  *exchange.mutable_resource() = resource;
  *exchange.mutable_plan() = TranslateRequest(BuiltIn(), request)->plan();
  for (const lwm2m::v1::OperationResult& result : results) *exchange.add_results() = result;
  return exchange;
}

v1::TranslateResponseResponse Answer(const v1::TranslateResponseRequest& exchange) {
  const auto response = TranslateResponse(BuiltIn(), exchange);
  EXPECT_TRUE(response.ok()) << std::string(response.status().message());
  EXPECT_EQ(response->mapping_version(), BuiltIn().version());
  return *response;
}

v1::TranslateResponseResponse Read(const std::string& root, const lwm2m::v1::OperationResult& result,
                                   const std::vector<std::string>& wanted = {}, const Members& kept = {}) {
  return Answer(Exchange(Retrieve(), DeviceResource(root, kept), {result}, wanted));
}

v1::TranslateResponseResponse Written(const std::string& root, const Members& content,
                                      const std::vector<lwm2m::v1::OperationResult>& results,
                                      const Members& kept = {}) {
  return Answer(Exchange(Update(root, content), DeviceResource(root, kept), results));
}

// ---- RETRIEVE ----

TEST(RetrieveAnswer, WholeBattery) {
  const auto response = Read("m2m:bat", Answered(205, {{"/3/0/0", S("Acme")}, {"/3/0/9", I(80)}, {"/3/0/20", I(1)}}));
  EXPECT_EQ(response.response_status_code(), 2000u);
  EXPECT_EQ(response.reason(), "");
  EXPECT_EQ(Text(response.attributes()), R"({"btl":80,"bts":2})");
  EXPECT_THAT(response.absent_attributes(), IsEmpty());
}

TEST(RetrieveAnswer, SameFromEveryFormat) {
  const std::vector<NodeList> shapes = {
      {{"/3/0/9", I(80)}, {"/3/0/20", I(1)}, {"/3/0/13", Time(1701172800)}},
      {{"/3/0/9", F(80.0)}, {"/3/0/20", F(1.0)}, {"/3/0/13", F(1.7011728e9)}},
      {{"/3/0/9", Tlv({0x50})}, {"/3/0/20", Tlv({0x01})}, {"/3/0/13", Tlv({0x65, 0x65, 0xD6, 0x40})}},
  };
  for (const NodeList& shape : shapes) {
    EXPECT_EQ(Text(Read("m2m:bat", Answered(205, shape)).attributes()), R"({"btl":80,"bts":2})");
    EXPECT_THAT(Text(Read("m2m:dvi", Answered(205, shape)).attributes()), HasSubstr(R"("syst":"20231128T120000")"));
  }
  EXPECT_EQ(Text(Read("m2m:bat", Answered(205, {{"/3/0/9", Raw(0, "80")}}), {"btl"}).attributes()), R"({"btl":80})");
}

TEST(RetrieveAnswer, AbsentGoesAndWhatOneM2mDemandsStays) {
  const auto fresh = Read("m2m:dvi", Answered(205, {{"/3/0/0", S("Acme")}}));
  EXPECT_EQ(fresh.response_status_code(), 2000u);
  EXPECT_EQ(Text(fresh.attributes()), R"({"dlb":"","mod":"","dty":"","man":"Acme"})");
  EXPECT_THAT(fresh.absent_attributes(), ElementsAre("fwv", "swv", "hwv", "syst"));
  const auto kept = Read("m2m:dvi", Answered(205, {{"/3/0/0", S("Acme")}}), {}, {{"dlb", onem2m::Text("SN1")}});
  EXPECT_EQ(Text(kept.attributes()), R"({"mod":"","dty":"","man":"Acme"})");
}

// Field case "2.05 with nothing in it".
TEST(RetrieveAnswer, NothingInIt) {
  const auto whole = Read("m2m:dvi", Answered(205));
  EXPECT_EQ(whole.response_status_code(), 2000u);
  EXPECT_THAT(whole.absent_attributes(), ElementsAre("fwv", "swv", "hwv", "syst"));
  const auto one = Read("m2m:dvi", Answered(205), {"fwv"});
  EXPECT_EQ(one.response_status_code(), 2000u);
  EXPECT_THAT(one.attributes(), IsEmpty());
  EXPECT_THAT(one.absent_attributes(), ElementsAre("fwv"));
}

TEST(RetrieveAnswer, OneBadValueIsAProblemOfThatAttributeOnly) {
  const auto whole = Read("m2m:dvi", Answered(205, {{"/3/0/3", S("1.0")}, {"/3/0/13", Time(1701172800000)}}));
  EXPECT_EQ(whole.response_status_code(), 2000u);
  EXPECT_THAT(Text(whole.attributes()), HasSubstr(R"("fwv":"1.0")"));
  EXPECT_THAT(whole.absent_attributes(), UnorderedElementsAre("swv", "hwv", "syst"));

  const auto demanded = Read("m2m:bat", Answered(205, {{"/3/0/9", F(80.5)}, {"/3/0/20", I(0)}}), {},
                             {{"btl", onem2m::Integer(70)}, {"bts", onem2m::Integer(7)}});
  EXPECT_EQ(demanded.response_status_code(), 2000u);
  EXPECT_EQ(Text(demanded.attributes()), R"({"bts":1})");
  EXPECT_THAT(demanded.absent_attributes(), IsEmpty());
}

TEST(RetrieveAnswer, ABadValueThatWasAskedForIsAConversionError) {
  const auto response = Read("m2m:bat", Answered(205, {{"/3/0/9", F(80.5)}}), {"btl"});
  EXPECT_EQ(response.response_status_code(), 6025u);
  EXPECT_THAT(response.reason(), HasSubstr("btl (batteryLevel) from /3/0/9 Battery Level: the number 80.5"));
  EXPECT_THAT(response.attributes(), IsEmpty());
}

TEST(RetrieveAnswer, SeveralValuesOfAResource) {
  // Some send a single resource as a multiple one.
  EXPECT_EQ(Text(Read("m2m:bat", Answered(205, {{"/3/0/9/0", I(80)}}), {"btl"}).attributes()), R"({"btl":80})");
  EXPECT_EQ(Read("m2m:bat", Answered(205, {{"/3/0/9/0", I(80)}, {"/3/0/9/1", I(81)}}), {"btl"}).response_status_code(),
            6025u);
}

TEST(RetrieveAnswer, LatestRecordWins) {
  lwm2m::v1::OperationResult result = Answered(205, {{"/3/0/9", I(80)}, {"/3/0/9", I(82)}, {"/3/0/9", I(81)}});
  result.mutable_nodes(0)->mutable_time()->set_seconds(1701172800);
  result.mutable_nodes(1)->mutable_time()->set_seconds(1701172740);
  result.mutable_nodes(2)->mutable_time()->set_seconds(1701172790);
  EXPECT_EQ(Text(Read("m2m:bat", result, {"btl"}).attributes()), R"({"btl":80})");
  result.mutable_nodes(2)->clear_time();
  EXPECT_EQ(Text(Read("m2m:bat", result, {"btl"}).attributes()), R"({"btl":81})");
}

TEST(RetrieveAnswer, ActionsReadWhatTheyAlwaysRead) {
  const auto reboot = Answer(Exchange(Retrieve(), DeviceResource("m2m:rbo", {{"rbo", kTrue}}), {}));
  EXPECT_EQ(reboot.response_status_code(), 2000u);
  EXPECT_EQ(Text(reboot.attributes()), R"({"rbo":false,"far":false})");
  EXPECT_THAT(Text(Read("m2m:dvc", Answered(205)).attributes()), HasSubstr(R"("ena":true,"dis":true)"));
}

TEST(RetrieveAnswer, FirmwareOfAnEarlierVersionReadsTheSame) {
  onem2m::v1::Resource resource = DeviceResource("m2m:fwr", {{"uds", ActionStatus("ud", 3)}});
  for (const std::string version : {"", ":1.0", ":1.1", ":7.3"}) {
    resource.set_object_ids(0, "urn:oma:lwm2m:oma:5" + version);
    const auto response = Answer(
        Exchange(Retrieve(), resource,
                 {Answered(205, {{"/5/0/3", Tlv({0})}, {"/5/0/5", Tlv({1})}, {"/5/0/7", Tlv({'2', '.', '0'})}})}));
    EXPECT_THAT(Text(response.attributes()), HasSubstr(R"("vr":"2.0","uds":{"acn":"ud","sus":1})"));
  }
}

// Field case "is the new firmware installed?": versions travel letter by letter, and the package's is not the device's.
TEST(RetrieveAnswer, FirmwareVersionsAreNotTouchedOrMixed) {
  for (const std::string version : {"1.1.1", "1.1.10", "1.1.100", "v1.1.10", "1.1.10 ", " 1.1.10", "1.1.10-rc1"}) {
    EXPECT_EQ(Text(Read("m2m:fwr", Answered(205, {{"/5/0/7", S(version)}}), {"vr"}).attributes()),
              "{\"ud\":false,\"vr\":\"" + version + "\"}");
    EXPECT_EQ(Text(Read("m2m:dvi", Answered(205, {{"/3/0/3", S(version)}}), {"fwv"}).attributes()),
              "{\"fwv\":\"" + version + "\"}");
  }
  const auto without = Read("m2m:fwr", Answered(205, {{"/5/0/3", I(0)}, {"/5/0/5", I(0)}}));
  EXPECT_THAT(Text(without.attributes()), HasSubstr(R"("vr":"")"));
}

// ---- UPDATE ----

TEST(UpdateAnswer, WhatTheDeviceMadeOfItCounts) {
  const auto response = Written("m2m:dvi", {{"syst", onem2m::Text("20231128T120000,5")}},
                                {Answered(204), Answered(205, {{"/3/0/13", Time(1701172801)}})});
  EXPECT_EQ(response.response_status_code(), 2004u);
  EXPECT_EQ(Text(response.attributes()), R"({"syst":"20231128T120001"})");
}

TEST(UpdateAnswer, WrittenIsWrittenEvenWhenItCannotBeReadBack) {
  for (const lwm2m::v1::OperationResult& read_back :
       {Answered(405), Answered(205), Answered(205, {{"/3/0/13", S("x")}}), Ended(lwm2m::v1::OUTCOME_TIMEOUT)}) {
    const auto response = Written("m2m:dvi", {{"syst", onem2m::Text("20231128T120000,5")}}, {Answered(204), read_back});
    EXPECT_EQ(response.response_status_code(), 2004u);
    EXPECT_EQ(response.reason(), "");
    EXPECT_EQ(Text(response.attributes()), R"({"syst":"20231128T120000"})");
    EXPECT_THAT(response.absent_attributes(), IsEmpty());
  }
}

TEST(UpdateAnswer, FailureOfTheWrite) {
  const auto response =
      Written("m2m:dvi", {{"syst", onem2m::Text("20231128T120000")}}, {Answered(405, {}, "clock is set by radio")});
  EXPECT_EQ(response.response_status_code(), 4005u);
  EXPECT_EQ(response.reason(), "device answered 4.05 Method Not Allowed to Write /3/0/13: clock is set by radio");
  EXPECT_THAT(response.attributes(), IsEmpty());
}

TEST(UpdateAnswer, ActionsStayFalse) {
  EXPECT_EQ(Text(Written("m2m:rbo", {{"rbo", kTrue}}, {Answered(204)}).attributes()), R"({"rbo":false})");
  const auto none = Written("m2m:rbo", {{"rbo", onem2m::Boolean(false)}}, {});
  EXPECT_EQ(none.response_status_code(), 2004u);
  EXPECT_EQ(Text(none.attributes()), R"({"rbo":false})");
  const auto failed = Written("m2m:rbo", {{"rbo", kTrue}}, {Answered(405)});
  EXPECT_EQ(failed.response_status_code(), 4005u);
  EXPECT_EQ(Text(failed.attributes()), R"({"rbo":false})");
}

TEST(UpdateAnswer, WriteDoneAndExecuteRefused) {
  const auto response =
      Written("m2m:evl", {{"lgt", onem2m::Integer(2)}, {"lga", kTrue}}, {Answered(204), Answered(401)});
  EXPECT_EQ(response.response_status_code(), 5105u);
  EXPECT_EQ(response.reason(), "device answered 4.01 Unauthorized to Execute /20/0/4011");
  EXPECT_EQ(Text(response.attributes()), R"({"lga":true,"lgt":2})");
}

TEST(UpdateAnswer, CapabilityStatusIsOfTheActionThatRan) {
  EXPECT_EQ(
      Text(Written("m2m:dvc", {{"ena", kTrue}}, {Answered(204), Answered(205, {{"/15/0/4", B(true)}})}).attributes()),
      R"({"ena":true,"cas":{"acn":"ena","sus":1},"cus":true})");
  EXPECT_EQ(
      Text(Written("m2m:dvc", {{"ena", kTrue}}, {Answered(204), Answered(205, {{"/15/0/4", B(false)}})}).attributes()),
      R"({"ena":true,"cas":{"acn":"ena","sus":3},"cus":false})");
}

// ---- firmware ----

const Members kUrl = {{"url", onem2m::Text("coap://h/f")}};
const Members kUrlAndUpdate = {{"url", onem2m::Text("coap://h/f")}, {"ud", kTrue}};

TEST(FirmwareAnswer, ThePushForgetsWhatWasBefore) {
  const Members before = {{"uds", ActionStatus("ud", 1)}};
  // The old result is still there, the download has not begun.
  EXPECT_EQ(
      Text(Written("m2m:fwr", kUrl,
                   {Answered(204), Answered(205, {{"/5/0/1", S("coap://h/f")}, {"/5/0/3", I(0)}, {"/5/0/5", I(1)}})},
                   before)
               .attributes()),
      R"({"url":"coap://h/f","uds":{"acn":"url","sus":0}})");
  EXPECT_EQ(Text(Written("m2m:fwr", kUrl, {Answered(204), Answered(205, {{"/5/0/3", I(1)}, {"/5/0/5", I(0)}})}, before)
                     .attributes()),
            R"({"url":"coap://h/f","uds":{"acn":"url","sus":3}})");
  EXPECT_EQ(Text(Written("m2m:fwr", kUrl, {Answered(204), Answered(404)}, before).attributes()),
            R"({"url":"coap://h/f","uds":{"acn":"url","sus":0}})");
  const auto refused = Written("m2m:fwr", kUrl, {Answered(400)}, before);
  EXPECT_EQ(refused.response_status_code(), 4102u);
  EXPECT_THAT(refused.attributes(), IsEmpty());
}

TEST(FirmwareAnswer, UpdateIsInProcessOnceItIsAccepted) {
  const auto response = Written("m2m:fwr", kUrlAndUpdate, {Answered(204), Answered(204)});
  EXPECT_EQ(response.response_status_code(), 2004u);
  EXPECT_EQ(Text(response.attributes()), R"({"ud":false,"url":"coap://h/f","uds":{"acn":"ud","sus":3}})");
}

TEST(FirmwareAnswer, ExecuteRefusedLeavesTheStatus) {
  const auto response = Written("m2m:fwr", {{"ud", kTrue}}, {Answered(405)}, {{"uds", ActionStatus("url", 3)}});
  EXPECT_EQ(response.response_status_code(), 4005u);
  EXPECT_EQ(Text(response.attributes()), R"({"ud":false})");
}

TEST(FirmwareAnswer, ExecuteWithoutAnAnswerMayHaveBeenPerformed) {
  const auto response = Written("m2m:fwr", {{"ud", kTrue}}, {Ended(lwm2m::v1::OUTCOME_TIMEOUT)});
  EXPECT_EQ(response.response_status_code(), 6003u);
  EXPECT_EQ(Text(response.attributes()), R"({"ud":false,"uds":{"acn":"ud","sus":3}})");
  const auto unsent = Written("m2m:fwr", {{"ud", kTrue}}, {Ended(lwm2m::v1::OUTCOME_EXPIRED_UNSENT)});
  EXPECT_EQ(Text(unsent.attributes()), R"({"ud":false})");
}

TEST(FirmwareAnswer, ADownloadThatDidNotComeTrueEndsThePlan) {
  const auto response = Written("m2m:fwr", kUrlAndUpdate, {Answered(204)});
  EXPECT_EQ(response.response_status_code(), 4005u);
  EXPECT_EQ(response.reason(),
            "not performed: Execute /5/0/2 needs /5/0/3 = 2 (firmware downloaded), which did not come true");
  // The status is left to what the device told meanwhile.
  EXPECT_EQ(Text(response.attributes()), R"({"ud":false,"url":"coap://h/f"})");
  EXPECT_EQ(Written("m2m:fwr", {{"ud", kTrue}}, {}).response_status_code(), 4005u);
}

// ---- DELETE ----

TEST(DeleteAnswer, Codes) {
  const auto code = [](const std::string& root, const std::vector<lwm2m::v1::OperationResult>& results) {
    return Answer(Exchange(Delete(), DeviceResource(root), results)).response_status_code();
  };
  EXPECT_EQ(code("m2m:bat", {}), 2002u);
  EXPECT_EQ(code("m2m:swr", {Answered(202)}), 2002u);
  EXPECT_EQ(code("m2m:fwr", {Answered(204)}), 2002u);
  EXPECT_EQ(code("m2m:fwr", {Answered(405)}), 4005u);
}

// ---- input that makes no sense ----

TEST(AnswerInput, NamesItsField) {
  const v1::TranslateResponseRequest good = Exchange(Update("m2m:dvi", {{"syst", onem2m::Text("20231128T120000")}}),
                                                     DeviceResource("m2m:dvi"), {Answered(204), Answered(205)});
  const auto refused = [&good](const auto& change, const std::string& message) {
    v1::TranslateResponseRequest bad = good;
    change(bad);
    EXPECT_THAT(TranslateResponse(BuiltIn(), bad), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refused([](auto& bad) { bad.clear_primitive(); }, "primitive: missing");
  refused([](auto& bad) { bad.clear_resource(); }, "resource: missing");
  refused([](auto& bad) { bad.mutable_resource()->clear_root(); }, "resource.root");
  refused([](auto& bad) { bad.mutable_primitive()->clear_operation(); }, "primitive.operation");
  refused([](auto& bad) { bad.mutable_plan()->clear_steps(); }, "results: 2 for a plan of 0 steps");
  refused([](auto& bad) { bad.mutable_plan()->mutable_steps(1)->clear_operation(); }, "plan.steps[1].operation");
  refused([](auto& bad) { bad.mutable_results(1)->clear_outcome(); }, "results[1].outcome");
  refused([](auto& bad) { bad.mutable_results(0)->set_coap_code(69); }, "results[0].coap_code");
  refused([](auto& bad) { bad.mutable_results()->RemoveLast(); }, "the last did not fail");
}

TEST(AnswerInput, AResourceThatCannotBeLocatedIsAnsweredWithItsCode) {
  v1::TranslateResponseRequest exchange =
      Exchange(Retrieve(), DeviceResource("m2m:bat"), {Answered(205, {{"/3/0/9", I(80)}})}, {"btl"});
  exchange.mutable_resource()->clear_object_paths();
  EXPECT_EQ(Answer(exchange).response_status_code(), 6005u);
  exchange.mutable_resource()->set_root("acme:pump");
  EXPECT_EQ(Answer(exchange).response_status_code(), 5001u);
}

TEST(AnswerInput, AttributesThatNobodyKnowsAreLeftOut) {
  v1::TranslateResponseRequest exchange = Exchange(Update("m2m:dvi", {{"syst", onem2m::Text("20231128T120000")}}),
                                                   DeviceResource("m2m:dvi"), {Answered(204), Answered(205)});
  exchange.mutable_plan()->mutable_steps(0)->add_attributes("nix");
  EXPECT_EQ(Text(Answer(exchange).attributes()), R"({"syst":"20231128T120000"})");
}

}  // namespace
}  // namespace isthmus::translation
