// Registration of applications, and who may do what.
#include <string>

#include "services/synchronizer/core/cse/cse_fixture.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Integer;
using onem2m::Text;
using onem2m::TextList;
using onem2m::v1::RequestPrimitive;

class CseRegistrationTest : public CseFixture {};

// ---- registration ----

TEST_F(CseRegistrationTest, ApplicationGetsTheIdThatItAskedFor) {
  const Result given = Register("Cmon", "monitor");
  EXPECT_EQ(given.code(), 2001u);
  EXPECT_EQ(given.text("aei"), "Cmon");
  EXPECT_EQ(given.text("ri"), "Cmon");
  EXPECT_EQ(given.text("pi"), "id-in");
  EXPECT_EQ(given.response.primitive().to(), "Cmon");
  EXPECT_EQ(Register("", "a").text("aei").front(), 'C');
  EXPECT_EQ(Register("C", "b").text("aei").front(), 'C');
  const Result assigned = Register("S", "c");
  EXPECT_EQ(assigned.text("aei").front(), 'S');
  EXPECT_EQ(assigned.response.primitive().to(), assigned.text("aei"));
  EXPECT_EQ(Register("/id-in/Crel", "d").text("aei"), "Crel");
}

TEST_F(CseRegistrationTest, ApplicationWithoutANameIsCalledByItsId) {
  const Result result = Create("Cmon", "cse-in", 2, "m2m:ae",
                               {{"api", Text("Napp")}, {"rr", onem2m::Boolean(false)}, {"srv", TextList({"3"})}});
  EXPECT_EQ(result.text("rn"), "Cmon");
  EXPECT_EQ(Retrieve("Cmon", "cse-in/Cmon").code(), 2000u);
}

TEST_F(CseRegistrationTest, RegistrationIsRefusedFor) {
  ASSERT_EQ(Register("Cmon", "monitor").code(), 2001u);
  EXPECT_EQ(Register("Cmon", "other").code(), 4117u);
  EXPECT_EQ(Register("/id-in/Cmon", "other").code(), 4117u);
  EXPECT_EQ(Register("Cother", "monitor").code(), 4105u);
  EXPECT_EQ(Register("/id-in", "x").code(), 4107u);
  EXPECT_EQ(Register("/id-x/Cy", "x").code(), 4107u);
  EXPECT_EQ(Register("999", "x").code(), 4000u);
  EXPECT_EQ(Register("C mon", "x").code(), 4000u);
  EXPECT_EQ(Register("Cz", "a b").code(), 4000u);
  EXPECT_EQ(Ask(CreatePrimitive("Cz", "cse-in/monitor", 2, "m2m:ae", {})).code(), 4108u);
  const auto with_api = [&](const char* api, const char* release) {
    RequestPrimitive primitive =
        CreatePrimitive("", "cse-in", 2, "m2m:ae",
                        MakeObject({{"api", Text(api)}, {"rr", onem2m::Boolean(true)}, {"srv", TextList({"4"})}}));
    primitive.set_release_version_indicator(release);
    return Ask(primitive).code();
  };
  EXPECT_EQ(with_api("app", "4"), 4000u);
  EXPECT_EQ(with_api("", "4"), 4000u);
  EXPECT_EQ(with_api("rapp", "4"), 4000u);
  EXPECT_EQ(with_api("rapp", "3"), 2001u);
  EXPECT_EQ(with_api("Rapp", "5"), 2001u);
}

TEST_F(CseRegistrationTest, RegistrationTopicTakesOnlyRegistrations) {
  RequestPrimitive primitive =
      CreatePrimitive("C", "/id-in/cse-in", 2, "m2m:ae",
                      MakeObject({{"api", Text("Napp")}, {"rr", onem2m::Boolean(true)}, {"srv", TextList({"4"})}}));
  EXPECT_EQ(Ask(primitive, true).code(), 2001u);
  EXPECT_EQ(Ask(Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in"), true).code(), 4000u);
  EXPECT_EQ(Ask(CreatePrimitive("CAdmin", "cse-in", 14, "m2m:nod", MakeObject({{"ni", Text("x")}})), true).code(),
            4000u);
}

TEST_F(CseRegistrationTest, DeregistrationByItselfAndByNobodyElse) {
  ASSERT_EQ(Register("Cmon", "monitor").code(), 2001u);
  EXPECT_EQ(Delete("Cother", "cse-in/monitor").code(), 4103u);
  EXPECT_EQ(Delete("Cmon", "cse-in/monitor").code(), 2002u);
  EXPECT_EQ(Retrieve("CAdmin", "Cmon").code(), 4004u);
  EXPECT_EQ(Register("Cmon", "monitor").code(), 2001u);
}

TEST_F(CseRegistrationTest, NodeAndApplicationAreLinked) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  ASSERT_EQ(CreateNode("m").code(), 2001u);
  ASSERT_EQ(Register("Cmon", "monitor").code(), 2001u);
  EXPECT_FALSE(Retrieve("CAdmin", "cse-in/n").has("hael"));
  EXPECT_EQ(Update("Cmon", "cse-in/monitor", "m2m:ae", {{"nl", Text("cse-in/n")}}).code(), 2004u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n").get("hael"), R"(["Cmon"])");
  EXPECT_EQ(Update("Cmon", "cse-in/monitor", "m2m:ae", {{"nl", Text("cse-in/m")}}).code(), 2004u);
  EXPECT_FALSE(Retrieve("CAdmin", "cse-in/n").has("hael"));
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/m").get("hael"), R"(["Cmon"])");
  ASSERT_EQ(Delete("CAdmin", "cse-in/m").code(), 2002u);
  EXPECT_FALSE(Retrieve("Cmon", "cse-in/monitor").has("nl"));
  ASSERT_EQ(Update("Cmon", "cse-in/monitor", "m2m:ae", {{"nl", Text("cse-in/n")}}).code(), 2004u);
  ASSERT_EQ(Delete("Cmon", "Cmon").code(), 2002u);
  EXPECT_FALSE(Retrieve("CAdmin", "cse-in/n").has("hael"));
}

// ---- access ----

TEST_F(CseRegistrationTest, StrangersHaveNoPrivilege) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  ASSERT_EQ(CreateBattery("cse-in/n").code(), 2001u);
  for (const char* from : {"999", "Cshape", "/id-x", "/id-in", "{}"}) {
    EXPECT_EQ(Retrieve(from, "cse-in/n/bat").code(), 4103u) << from;
    EXPECT_EQ(Update(from, "cse-in/n/bat", "m2m:bat", {{"btl", Integer(1)}}).code(), 4103u) << from;
    EXPECT_EQ(Delete(from, "cse-in/n/bat").code(), 4103u) << from;
  }
  EXPECT_EQ(Create("Cshape", "cse-in", 14, "m2m:nod", {{"ni", Text("x")}}).code(), 4103u);
}

TEST_F(CseRegistrationTest, PoliciesOpenResources) {
  ASSERT_EQ(CreateNode("n").code(), 2001u);
  const auto rules = [](const char* originator, int operations) {
    return MakeComplex(
        {{"acr", onem2m::List({MakeComplex({{"acor", TextList({originator})}, {"acop", Integer(operations)}})})}});
  };
  ASSERT_EQ(Create("CAdmin", "cse-in", 1, "m2m:acp",
                   {{"rn", Text("acp")}, {"pv", rules("/id-in/Cmon", 2)}, {"pvs", rules("Cowner", 63)}})
                .code(),
            2001u);
  ASSERT_EQ(Update("CAdmin", "cse-in/n", "m2m:nod", {{"acpi", TextList({"cse-in/acp"})}}).code(), 2004u);
  EXPECT_EQ(Retrieve("Cmon", "cse-in/n").code(), 2000u);
  EXPECT_EQ(Retrieve("/id-in/Cmon", "cse-in/n").code(), 2000u);
  EXPECT_EQ(Retrieve("Cmo", "cse-in/n").code(), 4103u);
  EXPECT_EQ(Update("Cmon", "cse-in/n", "m2m:nod", {{"lbl", TextList({"a"})}}).code(), 4103u);
  // The policy itself, and who may exchange it.
  EXPECT_EQ(Retrieve("Cmon", "cse-in/acp").code(), 4103u);
  EXPECT_EQ(Retrieve("Cowner", "cse-in/acp").code(), 2000u);
  EXPECT_EQ(Update("Cmon", "cse-in/n", "m2m:nod", {{"acpi", TextList({"cse-in/acp"})}}).code(), 4103u);
  EXPECT_EQ(Update("Cowner", "cse-in/n", "m2m:nod", {{"acpi", TextList({"cse-in/acp"})}}).code(), 2004u);
  EXPECT_EQ(
      Update("CAdmin", "cse-in/n", "m2m:nod", {{"acpi", TextList({"cse-in/acp"})}, {"lbl", TextList({"a"})}}).code(),
      4000u);
  EXPECT_EQ(Update("CAdmin", "cse-in/n", "m2m:nod", {{"acpi", TextList({})}}).code(), 4000u);
  EXPECT_EQ(Update("CAdmin", "cse-in/n", "m2m:nod", {{"acpi", TextList({"cse-in/gone"})}}).code(), 4000u);
  EXPECT_EQ(Update("CAdmin", "cse-in/n", "m2m:nod", {{"acpi", TextList({"/id-x/acp"})}}).code(), 2004u);
  EXPECT_EQ(Retrieve("Cmon", "cse-in/n").code(), 4103u);
  EXPECT_EQ(Update("CAdmin", "cse-in/n", "m2m:nod", {{"acpi", onem2m::Null()}}).code(), 2004u);
  EXPECT_FALSE(Retrieve("CAdmin", "cse-in/n").has("acpi"));
}

}  // namespace
}  // namespace isthmus::synchronizer
