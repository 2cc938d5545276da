#include "services/lib/onem2m/parameters.h"

#include <variant>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::onem2m {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

v1::Object Retrieve() {
  v1::Object parameters;
  Set(parameters, "op", Integer(2));
  Set(parameters, "to", Text("cse-in/n/bat"));
  Set(parameters, "fr", Text("Cme"));
  Set(parameters, "rqi", Text("r1"));
  Set(parameters, "rvi", Text("4"));
  return parameters;
}

v1::RequestPrimitive Read(v1::Object parameters) {
  auto decoded = RequestFromParameters(parameters, kNow);
  if (const auto* error = std::get_if<DecodeError>(&decoded)) {
    ADD_FAILURE() << error->reason;
    return {};
  }
  return std::get<v1::RequestPrimitive>(decoded);
}

v1::RequestPrimitive With(absl::string_view name, v1::Value value) {
  v1::Object parameters = Retrieve();
  Set(parameters, name, std::move(value));
  return Read(parameters);
}

DecodeError ErrorWith(absl::string_view name, v1::Value value) {
  v1::Object parameters = Retrieve();
  Set(parameters, name, std::move(value));
  auto decoded = RequestFromParameters(parameters, kNow);
  if (const auto* error = std::get_if<DecodeError>(&decoded)) return *error;
  ADD_FAILURE() << name << " was accepted";
  return {};
}

TEST(Parameters, ReadsAPlainRequest) {
  const v1::RequestPrimitive request = Read(Retrieve());
  EXPECT_EQ(request.operation(), v1::OPERATION_TYPE_RETRIEVE);
  EXPECT_EQ(request.to(), "cse-in/n/bat");
  EXPECT_EQ(request.from(), "Cme");
  EXPECT_EQ(request.request_identifier(), "r1");
  EXPECT_EQ(request.release_version_indicator(), "4");
  EXPECT_FALSE(request.has_primitive_content());
  EXPECT_FALSE(request.has_result_content());
}

TEST(Parameters, NumbersMayBeText) {
  EXPECT_EQ(With("op", Text("3")).operation(), v1::OPERATION_TYPE_UPDATE);
  EXPECT_EQ(With("ty", Text("13")).resource_type(), 13u);
  EXPECT_EQ(With("rcn", Text("0")).result_content(), 0u);
  EXPECT_TRUE(With("rcn", Text("0")).has_result_content());
  EXPECT_EQ(With("rvi", Integer(4)).release_version_indicator(), "4");
}

TEST(Parameters, OperationMinusTwoIsDiscovery) {
  v1::RequestPrimitive request = With("op", Integer(-2));
  EXPECT_EQ(request.operation(), v1::OPERATION_TYPE_RETRIEVE);
  EXPECT_EQ(request.filter_criteria().filter_usage(), 1u);
  // fc before op and after it.
  v1::Object criteria;
  Set(criteria, "lim", Integer(3));
  v1::Object parameters;
  Set(parameters, "fc", Complex(criteria));
  const v1::Object plain = Retrieve();
  for (const v1::Attribute& parameter : plain.members()) Set(parameters, parameter.name(), parameter.value());
  Set(parameters, "op", Integer(-2));
  request = Read(parameters);
  EXPECT_EQ(request.filter_criteria().filter_usage(), 1u);
  EXPECT_EQ(request.filter_criteria().limit(), 3u);
}

TEST(Parameters, WrongTypesAreNamed) {
  EXPECT_THAT(ErrorWith("op", Integer(0)).reason, HasSubstr("op: expected"));
  EXPECT_THAT(ErrorWith("op", Integer(6)).reason, HasSubstr("op: expected"));
  EXPECT_THAT(ErrorWith("op", Text("read")).reason, HasSubstr("op: expected"));
  EXPECT_THAT(ErrorWith("to", Integer(5)).reason, HasSubstr("to: expected a text"));
  EXPECT_THAT(ErrorWith("fr", Null()).reason, HasSubstr("fr: expected a text"));
  EXPECT_THAT(ErrorWith("ty", Integer(0)).reason, HasSubstr("ty: expected"));
  EXPECT_THAT(ErrorWith("rcn", Integer(-1)).reason, HasSubstr("rcn: expected"));
  EXPECT_THAT(ErrorWith("drt", Integer(3)).reason, HasSubstr("drt: expected"));
  EXPECT_THAT(ErrorWith("rt", Integer(6)).reason, HasSubstr("rt: expected"));
  EXPECT_THAT(ErrorWith("rvi", Number(2.5)).reason, HasSubstr("rvi: expected"));
  EXPECT_THAT(ErrorWith("fc", Text("x")).reason, HasSubstr("fc: expected an object"));
  EXPECT_THAT(ErrorWith("zzz", Integer(1)).reason, HasSubstr("unknown parameter 'zzz'"));
}

TEST(Parameters, NumericRequestIdentifierIsRefusedAndToldAsText) {
  const DecodeError error = ErrorWith("rqi", Integer(123456));
  EXPECT_EQ(error.response_status_code, 4000u);
  EXPECT_EQ(error.request_identifier, "123456");
  EXPECT_EQ(error.from, "Cme");
  EXPECT_EQ(error.to, "cse-in/n/bat");
  EXPECT_EQ(error.release_version_indicator, "4");
}

TEST(Parameters, WrapperIsNamedAndLookedInto) {
  v1::Object wrapped;
  Set(wrapped, "m2m:rqp", Complex(Retrieve()));
  auto decoded = RequestFromParameters(wrapped, kNow);
  const auto& error = std::get<DecodeError>(decoded);
  EXPECT_THAT(error.reason, HasSubstr("m2m:rqp"));
  EXPECT_EQ(error.request_identifier, "r1");
}

TEST(Parameters, ContentIsAnObjectOfOneMember) {
  v1::Object battery;
  Set(battery, "btl", Integer(5));
  v1::Object content;
  Set(content, "m2m:bat", Complex(battery));
  const v1::RequestPrimitive request = With("pc", Complex(content));
  EXPECT_EQ(request.primitive_content().name(), "m2m:bat");
  EXPECT_TRUE(Equal(request.primitive_content().value(), Complex(battery)));

  EXPECT_THAT(ErrorWith("pc", Text(R"({"m2m:bat":{"btl":5}})")).reason, HasSubstr("pc: expected an object"));
  EXPECT_THAT(ErrorWith("pc", List({})).reason, HasSubstr("pc: expected an object"));
  EXPECT_THAT(ErrorWith("pc", Null()).reason, HasSubstr("pc: expected an object"));
  EXPECT_THAT(ErrorWith("pc", Complex({})).reason, HasSubstr("exactly one member"));
  Set(content, "m2m:mem", Complex({}));
  EXPECT_THAT(ErrorWith("pc", Complex(content)).reason, HasSubstr("exactly one member"));
}

TEST(Parameters, MissingOnesAreNamed) {
  for (const char* name : {"op", "to", "rqi"}) {
    v1::Object parameters = Retrieve();
    Remove(parameters, name);
    auto decoded = RequestFromParameters(parameters, kNow);
    ASSERT_TRUE(std::holds_alternative<DecodeError>(decoded)) << name;
    EXPECT_EQ(std::get<DecodeError>(decoded).reason, std::string(name) + " is missing");
  }
  for (const char* name : {"fr", "rvi"}) {  // whether these may be absent depends on the request
    v1::Object parameters = Retrieve();
    Remove(parameters, name);
    Read(parameters);
  }
}

TEST(Parameters, TimesBecomeAbsolute) {
  EXPECT_EQ(With("rqet", Text("5000")).request_expiration().seconds(), 1700000005);
  EXPECT_EQ(With("rqet", Integer(1500)).request_expiration().nanos(), 500'000'000);
  EXPECT_EQ(With("oet", Text("20231114T221320")).operation_execution_time().seconds(), 1700000000);
  EXPECT_EQ(With("rqet", Text("-1000")).request_expiration().seconds(), 1699999999);
  EXPECT_EQ(With("rset", Integer(1000)).other_parameters(0).value().text(), "20231114T221321");
  EXPECT_THAT(ErrorWith("rqet", Text("tomorrow")).reason, HasSubstr("rqet"));
  EXPECT_THAT(ErrorWith("rqet", Text("20231332T000000")).reason, HasSubstr("rqet"));
  EXPECT_THAT(ErrorWith("rqet", Text("999999999999999")).reason, HasSubstr("years 1 to 9999"));
  EXPECT_THAT(ErrorWith("oet", Boolean(true)).reason, HasSubstr("oet"));
}

TEST(Parameters, FilterCriteriaInBothForms) {
  v1::Object criteria;
  Set(criteria, "fu", Integer(1));
  Set(criteria, "ty", List({Integer(13), Text("14")}));
  Set(criteria, "lbl", TextList({"a", "b:c"}));
  Set(criteria, "lim", Text("2"));
  Set(criteria, "lvl", Integer(0));
  Set(criteria, "fo", Text("2"));
  Set(criteria, "szb", Text("100"));
  Set(criteria, "crb", Text("20231114T221320"));
  Set(criteria, "btl", Text("5"));
  Set(criteria, "arp", Text("la"));
  v1::Object condition;
  Set(condition, "nm", Text("con"));
  Set(condition, "val", Text("a*"));
  Set(criteria, "atr", List({Complex(condition)}));
  const v1::FilterCriteria read = With("fc", Complex(criteria)).filter_criteria();
  EXPECT_EQ(read.filter_usage(), 1u);
  EXPECT_THAT(read.resource_types(), ::testing::ElementsAre(13, 14));
  EXPECT_THAT(read.labels(), ::testing::ElementsAre("a", "b:c"));
  EXPECT_EQ(read.limit(), 2u);
  EXPECT_TRUE(read.has_level());
  EXPECT_EQ(read.filter_operation(), 2u);
  EXPECT_EQ(read.applied_relative_path(), "la");
  v1::Object conditions;
  *conditions.mutable_members() = read.conditions();
  EXPECT_TRUE(Equal(*Find(conditions, "szb"), Integer(100)));
  EXPECT_EQ(FindText(conditions, "crb"), "20231114T221320");
  EXPECT_EQ(FindText(conditions, "btl"), "5");
  EXPECT_EQ(FindText(conditions, "con"), "a*");
}

TEST(Parameters, BadFilterCriteriaAreRefused) {
  const auto error = [](absl::string_view name, v1::Value value) {
    v1::Object criteria;
    Set(criteria, name, std::move(value));
    return ErrorWith("fc", Complex(criteria)).reason;
  };
  EXPECT_THAT(error("fu", Integer(7)), HasSubstr("fc.fu"));
  EXPECT_THAT(error("fo", Text("x")), HasSubstr("fc.fo"));
  EXPECT_THAT(error("szb", Integer(-1)), HasSubstr("fc.szb"));
  EXPECT_THAT(error("lim", Text("-2")), HasSubstr("fc.lim"));
  EXPECT_THAT(error("ty", List({Text("x")})), HasSubstr("fc.ty"));
  EXPECT_THAT(error("lbl", List({Integer(1)})), HasSubstr("fc.lbl"));
  EXPECT_THAT(error("atr", Text("con")), HasSubstr("fc.atr"));
  EXPECT_THAT(error("atr", Complex({})), HasSubstr("fc.atr"));
}

// Found by the fuzz target: of two conditions on one attribute the second was lost when the request was written.
TEST(Parameters, EveryConditionIsWritten) {
  v1::RequestPrimitive request = With("fc", Complex({}));
  const auto add = [&request](absl::string_view name, v1::Value value) {
    v1::Attribute* condition = request.mutable_filter_criteria()->add_conditions();
    condition->set_name(std::string(name));
    *condition->mutable_value() = std::move(value);
  };
  add("con", Text("a*"));
  add("con", Text("b*"));
  add("fu", Text("an attribute, and no criterion"));
  add("szb", Integer(5));
  add("stb", Text("x"));
  class Criteria final : public ParameterSink {
   public:
    void Parameter(absl::string_view name, const v1::Value& value) override {
      if (name == "fc") criteria = value;
    }
    void Content(const v1::Attribute&) override {}
    v1::Value criteria;
  } sink;
  VisitParameters(request, &sink);
  const v1::RequestPrimitive again = With("fc", sink.criteria);
  EXPECT_EQ(Describe(sink.criteria, 1000),
            R"({"con":"a*","szb":5,"atr":[{"nm":"con","val":"b*"},{"nm":"fu","val":"an attribute, and no criterion"},)"
            R"({"nm":"stb","val":"x"}]})");
  EXPECT_EQ(again.filter_criteria().conditions_size(), 5);
  EXPECT_FALSE(again.filter_criteria().filter_usage());
}

TEST(Parameters, TimesKeepTheirNanoseconds) {
  class Time final : public ParameterSink {
   public:
    void Parameter(absl::string_view name, const v1::Value& value) override {
      if (name == "rqet") text = value.text();
    }
    void Content(const v1::Attribute&) override {}
    std::string text;
  } sink;
  for (const char* text : {"20301231T235959", "20301231T235959,500000", "20301231T235959,000000001"}) {
    VisitParameters(With("rqet", Text(text)), &sink);
    EXPECT_EQ(sink.text, text);
  }
}

TEST(Parameters, ResponseTypeInBothForms) {
  v1::Object type;
  Set(type, "rtv", Integer(2));
  Set(type, "nu", TextList({"Cmon"}));
  const v1::RequestPrimitive request = With("rt", Complex(type));
  EXPECT_EQ(request.response_type().value(), 2u);
  EXPECT_THAT(request.response_type().notification_uris(), ::testing::ElementsAre("Cmon"));
  EXPECT_EQ(With("rt", Integer(3)).response_type().value(), 3u);
  Set(type, "other", Integer(1));
  EXPECT_THAT(ErrorWith("rt", Complex(type)).reason, HasSubstr("unknown member 'other'"));
}

TEST(Parameters, KnownOnesWithoutEffectAreKept) {
  const v1::RequestPrimitive request = With("ec", Integer(2));
  ASSERT_EQ(request.other_parameters_size(), 1);
  EXPECT_EQ(request.other_parameters(0).name(), "ec");
  EXPECT_EQ(request.other_parameters(0).value().integer(), 2);
}

TEST(Parameters, ResponsesAreReadLiberally) {
  v1::Object parameters;
  Set(parameters, "rsc", Text("2000"));
  Set(parameters, "rqi", Integer(17));
  Set(parameters, "pc", Null());
  Set(parameters, "x-vendor", Integer(1));
  auto decoded = ResponseFromParameters(parameters);
  ASSERT_TRUE(std::holds_alternative<v1::ResponsePrimitive>(decoded));
  const auto& response = std::get<v1::ResponsePrimitive>(decoded);
  EXPECT_EQ(response.response_status_code(), 2000u);
  EXPECT_EQ(response.request_identifier(), "17");
  EXPECT_FALSE(response.has_primitive_content());

  v1::Object broken;
  Set(broken, "rqi", Text("17"));
  decoded = ResponseFromParameters(broken);
  ASSERT_TRUE(std::holds_alternative<DecodeError>(decoded));
  EXPECT_EQ(std::get<DecodeError>(decoded).reason, "rsc is missing");
  EXPECT_EQ(std::get<DecodeError>(decoded).request_identifier, "17");
}

}  // namespace
}  // namespace isthmus::onem2m
