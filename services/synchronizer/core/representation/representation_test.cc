#include "services/synchronizer/core/representation/representation.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Integer;
using onem2m::Text;
using onem2m::TextList;
using onem2m::v1::Object;
using onem2m::v1::RequestPrimitive;
using testing::HasSubstr;

const ResourceTables& Tables() { return ResourceTables::BuiltIn(); }

Object Make(std::initializer_list<std::pair<const char*, onem2m::v1::Value>> members) {
  Object object;
  for (const auto& [name, value] : members) onem2m::Set(object, name, value);
  return object;
}

RequestPrimitive Request(const std::string& root, Object attributes) {
  RequestPrimitive request;
  request.mutable_primitive_content()->set_name(root);
  *request.mutable_primitive_content()->mutable_value() = onem2m::Complex(std::move(attributes));
  return request;
}

Object Battery() { return Make({{"mgd", Integer(1006)}, {"btl", Integer(80)}, {"bts", Integer(1)}}); }

Object With(Object object, const char* name, onem2m::v1::Value value) {
  onem2m::Set(object, name, std::move(value));
  return object;
}
Object Without(Object object, const char* name) {
  onem2m::Remove(object, name);
  return object;
}

Checked Create(uint32_t type, const RequestPrimitive& request, Object* attributes) {
  const ResourceTable* table = nullptr;
  RETURN_IF_REFUSED(TableOfContent(Tables(), type, request, &table));
  return CheckCreate(*table, request, attributes);
}

struct BadCreate {
  std::string name;
  uint32_t type;
  RequestPrimitive request;
  uint32_t code;
  std::string reason;
};

class BadCreation : public testing::TestWithParam<BadCreate> {};

TEST_P(BadCreation, IsRefusedWithItsReason) {
  Object attributes;
  const Checked checked = Create(GetParam().type, GetParam().request, &attributes);
  ASSERT_TRUE(checked.has_value());
  EXPECT_EQ(checked->code, GetParam().code) << checked->reason;
  EXPECT_THAT(checked->reason, HasSubstr(GetParam().reason));
}

RequestPrimitive TextContent() {
  RequestPrimitive request;
  request.mutable_primitive_content()->set_name("m2m:bat");
  *request.mutable_primitive_content()->mutable_value() = Text("{\"btl\":5}");
  return request;
}

Object Ae() { return Make({{"api", Text("Napp")}, {"rr", onem2m::Boolean(true)}, {"srv", TextList({"4"})}}); }

RequestPrimitive Twice() {
  RequestPrimitive request = Request("m2m:bat", Battery());
  auto* again = request.mutable_primitive_content()->mutable_value()->mutable_object()->add_members();
  again->set_name("btl");
  *again->mutable_value() = Integer(3);
  return request;
}

Object Rule(onem2m::v1::Value acop) {
  Object rule = Make({{"acor", TextList({"all"})}, {"acop", std::move(acop)}});
  return Make({{"acr", onem2m::List({onem2m::Complex(rule)})}});
}
Object Policy(Object pv, Object pvs) {
  return Make({{"pv", onem2m::Complex(std::move(pv))}, {"pvs", onem2m::Complex(std::move(pvs))}});
}

INSTANTIATE_TEST_SUITE_P(
    Contents, BadCreation,
    testing::Values(
        BadCreate{"NoContent", 13, RequestPrimitive(), 4000, "got nothing"},
        BadCreate{"ContentAsText", 13, TextContent(), 4000, "expected m2m:bat to be an object"},
        BadCreate{"Twice", 13, Twice(), 4000, "btl stands twice"},
        BadCreate{"WrongRoot", 2, Request("m2m:nod", Ae()), 4000, "root m2m:ae, got m2m:nod"},
        BadCreate{"RootOfAnotherType", 13, Request("m2m:ae", Battery()), 4000, "m2m:ae is no <mgmtObj>"},
        BadCreate{"NoDefinition", 13, Request("m2m:bat", Without(Battery(), "mgd")), 4000,
                  "mgd (mgmtDefinition) is missing"},
        BadCreate{"DefinitionOfAnother", 13, Request("m2m:bat", With(Battery(), "mgd", Integer(1003))), 4000,
                  "has 1006, got 1003"},
        BadCreate{"DefinitionAsText", 13, Request("m2m:bat", With(Battery(), "mgd", Text("1006"))), 4000,
                  "an unsigned integer"},
        BadCreate{"RootUnknown", 13, Request("m2m:xyz", Battery()), 4000, "mgd 1006 has another root"},
        BadCreate{"DefinitionUnknown", 13, Request("m2m:xyz", With(Battery(), "mgd", Integer(4711))), 4000,
                  "no specialization"},
        BadCreate{"DefinitionNotServed", 13, Request("dcfg:wific", With(Battery(), "mgd", Integer(1028))), 5001,
                  "not supported"},
        BadCreate{"SelfDefinedWithoutSchema", 13, Request("m2m:my", Make({{"mgd", Integer(0)}})), 4000,
                  "mgs (mgmtSchema) is missing"},
        BadCreate{"SelfDefinedWithoutPrefix", 13, Request("my", Make({{"mgd", Integer(0)}})), 4000,
                  "root with a prefix"},
        BadCreate{"SchemaOfASpecialization", 13, Request("m2m:bat", With(Battery(), "mgs", Text("x"))), 4000, "mgs"},
        BadCreate{"Missing", 13, Request("m2m:bat", Without(Battery(), "bts")), 4000,
                  "bts (batteryStatus) of m2m:bat is missing"},
        BadCreate{"NotPresent", 13, Request("m2m:bat", With(Battery(), "ri", Text("x"))), 4000,
                  "ri (resourceID): expected not to be present"},
        BadCreate{"UnknownName", 13, Request("m2m:bat", With(Battery(), "xyz", Integer(1))), 4000,
                  "has no attribute of this name"},
        BadCreate{"WrongType", 13, Request("m2m:bat", With(Battery(), "btl", Text("80"))), 4000,
                  "btl (batteryLevel): expected an unsigned integer of 0..100, got the text \"80\""},
        BadCreate{"OutOfRange", 13, Request("m2m:bat", With(Battery(), "btl", Integer(101))), 4000,
                  "of 0..100, got the number 101"},
        BadCreate{"Negative", 13, Request("m2m:bat", With(Battery(), "btl", Integer(-1))), 4000, "the number -1"},
        BadCreate{"Fraction", 13, Request("m2m:bat", With(Battery(), "btl", onem2m::Number(80.5))), 4000, "80.5"},
        BadCreate{"EnumerationOutOfRange", 13, Request("m2m:bat", With(Battery(), "bts", Integer(8))), 4000, "1..7"},
        BadCreate{"NullForMandatory", 13, Request("m2m:bat", With(Battery(), "btl", onem2m::Null())), 4000, "got null"},
        BadCreate{"LabelsAsText", 13, Request("m2m:bat", With(Battery(), "lbl", Text("a"))), 4000,
                  "lbl (labels): expected a list"},
        BadCreate{"LabelsOfNumbers", 13, Request("m2m:bat", With(Battery(), "lbl", onem2m::List({Integer(1)}))), 4000,
                  "lbl"},
        BadCreate{"EmptyPolicies", 13, Request("m2m:bat", With(Battery(), "acpi", TextList({}))), 4000,
                  "at least 1 member"},
        BadCreate{"Unsupported", 13, Request("m2m:bat", With(Battery(), "at", TextList({"x"}))), 5001,
                  "at (announceTo) is not supported"},
        BadCreate{"BadTimestamp", 13, Request("m2m:bat", With(Battery(), "et", Text("20231128T120000Z"))), 4000,
                  "a timestamp"},
        BadCreate{"Choice", 2, Request("m2m:ae", With(Ae(), "csz", TextList({"application/text"}))), 4000,
                  "one of application/json"},
        BadCreate{"CreatorOfAe", 2, Request("m2m:ae", With(Ae(), "cr", onem2m::Null())), 4000, "cr"},
        BadCreate{"CreatorGiven", 23, Request("m2m:sub", Make({{"nu", TextList({"C1"})}, {"cr", Text("C1")}})), 4000,
                  "cr (creator)"},
        BadCreate{"EmptySelfPrivileges", 1,
                  Request("m2m:acp", Policy(Rule(Integer(63)), Make({{"acr", onem2m::List({})}}))), 4000, "pvs.acr"},
        BadCreate{"OperationsOutOfRange", 1, Request("m2m:acp", Policy(Rule(Integer(64)), Rule(Integer(63)))), 4000,
                  "pv.acr.acop"},
        BadCreate{"UnknownMember", 1,
                  Request("m2m:acp", Policy(Make({{"acr", onem2m::List({})}, {"x", Integer(1)}}), Rule(Integer(63)))),
                  4000, "unknown member 'x'"},
        BadCreate{"MemberMissing", 1, Request("m2m:acp", Policy(Make({}), Rule(Integer(63)))), 4000,
                  "pv.acr (accessControlRule) is missing"},
        BadCreate{
            "BothActions", 13,
            Request("m2m:rbo",
                    Make({{"mgd", Integer(1009)}, {"rbo", onem2m::Boolean(true)}, {"far", onem2m::Boolean(true)}})),
            4000, "rbo and far"}),
    [](const testing::TestParamInfo<BadCreate>& info) { return info.param.name; });

TEST(Creation, AddsInitialValuesAndAppliesDisplayRules) {
  Object attributes;
  ASSERT_FALSE(
      Create(13, Request("m2m:rbo", Make({{"mgd", Integer(1009)}, {"rbo", onem2m::Boolean(true)}})), &attributes));
  EXPECT_FALSE(onem2m::Find(attributes, "rbo")->boolean());
  EXPECT_FALSE(onem2m::Find(attributes, "far")->boolean());
  Object software = Make({{"mgd", Integer(1002)}, {"vr", Text("1")}, {"swn", Text("a")}, {"url", Text("u")}});
  ASSERT_FALSE(Create(13, Request("m2m:swr", software), &attributes));
  EXPECT_EQ(onem2m::Describe(*onem2m::Find(attributes, "ins")), R"({"acn":"","sus":0})");
  EXPECT_FALSE(onem2m::Find(attributes, "un")->boolean());
}

TEST(Creation, TakesIntegralDoublesAsIntegers) {
  Object attributes;
  ASSERT_FALSE(Create(13, Request("m2m:bat", With(Battery(), "btl", onem2m::Number(80.0))), &attributes));
  EXPECT_EQ(onem2m::Find(attributes, "btl")->kind_case(), onem2m::v1::Value::kInteger);
}

TEST(Creation, SelfDefinedHoldsAnything) {
  Object attributes;
  const Checked checked =
      Create(13, Request("my:thing", Make({{"mgd", Integer(0)}, {"mgs", Text("urn:x")}, {"any", TextList({"a"})}})),
             &attributes);
  EXPECT_FALSE(checked.has_value()) << checked->reason;
}

Checked Update(const std::string& root, Object content, Object* attributes, Unknown unknown = Unknown::kRefuse) {
  return CheckUpdate(*Tables().ByRoot("m2m:bat"), root.empty() ? "m2m:bat" : root,
                     Request("m2m:bat", std::move(content)), unknown, attributes);
}

TEST(Update, ChecksAgainstTheTable) {
  Object attributes;
  EXPECT_FALSE(Update("", Make({{"btl", Integer(5)}, {"dc", onem2m::Null()}}), &attributes).has_value());
  EXPECT_EQ(Update("m2m:mem", Make({{"btl", Integer(5)}}), &attributes)->code, 4102u);
  EXPECT_THAT(Update("", Make({{"btl", onem2m::Null()}}), &attributes)->reason, HasSubstr("cannot be deleted"));
  EXPECT_THAT(Update("", Make({{"et", onem2m::Null()}}), &attributes)->reason, HasSubstr("et (expirationTime)"));
  for (const char* name : {"ri", "ty", "ct", "lt", "pi", "rn", "mgd", "obis", "obps"}) {
    EXPECT_EQ(Update("", Make({{name, Text("x")}}), &attributes)->code, 4000u) << name;
  }
  EXPECT_EQ(Update("", Make({{"xyz", Integer(1)}}), &attributes)->code, 4000u);
  EXPECT_FALSE(Update("", Make({{"xyz", Integer(1)}}), &attributes, Unknown::kPass).has_value());
  EXPECT_EQ(Update("", Make({{"bts", Integer(0)}}), &attributes)->code, 4000u);
}

}  // namespace
}  // namespace isthmus::synchronizer
