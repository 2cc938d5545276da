// A device (`cse-in/dev1`) with objects 3, 5 and 9, and short ways to make, execute and follow a <mgmtCmd> for it.
//
//   ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
//   ASSERT_EQ(Execute("fw").code(), 2004u);
//   EXPECT_EQ(State("fw"), "2 ");  // execStatus and execResult
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_COMMAND_FIXTURE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_COMMAND_FIXTURE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/synchronizer/core/cse/cse_fixture.h"

namespace isthmus::synchronizer {

inline onem2m::v1::Value Status(const std::string& action, int64_t number) {
  return MakeComplex({{"acn", onem2m::Text(action)}, {"sus", onem2m::Integer(number)}});
}

class CommandFixture : public CseFixture {
 protected:
  void SetUp() override {
    options_.device_originators = {"Cops"};
    CseFixture::SetUp();
    EXPECT_THAT(cse_->PutNode("dev1", "coap://127.0.0.1:40000", {}), status::IsOk());
    PutObjects();
    Succeed();
  }
  void PutObjects() {
    const auto ids = cse_->PutManagementObjects(
        "dev1", {Object("reboot", "m2m:rbo", 1009, "/3/0"), Object("firmware", "m2m:fwr", 1001, "/5/0"),
                 Object("software0", "m2m:swr", 1002, "/9/0"), Object("software1", "m2m:swr", 1002, "/9/1")});
    ASSERT_THAT(ids, status::IsOk());
    reboot_ = (*ids)[0];
    firmware_ = (*ids)[1];
    software0_ = (*ids)[2];
  }
  // Every UPDATE succeeds; a status goes to "in process".
  void Succeed() {
    management_.AnswerWith([](const ManagementRequest& request) {
      ManagementResult result;
      result.response_status_code = 2004;
      if (request.resource.root() == "m2m:fwr") result.attributes = {Attribute("uds", Status("url", 3))};
      if (request.resource.root() == "m2m:swr") result.attributes = {Attribute("ins", Status("un", 3))};
      return result;
    });
  }
  void Fail(uint32_t code, const std::string& reason) {
    management_.AnswerWith([=](const ManagementRequest&) {
      ManagementResult result;
      result.response_status_code = code;
      result.reason = reason;
      return result;
    });
  }
  Result MakeCommand(const std::string& name, int64_t type, Members more = {}) {
    onem2m::v1::Object attributes =
        MakeObject({{"rn", onem2m::Text(name)}, {"cmt", onem2m::Integer(type)}, {"ext", onem2m::Text("cse-in/dev1")}});
    for (const auto& [key, value] : more) onem2m::Set(attributes, key, value);
    return Ask(CreatePrimitive("CAdmin", "cse-in", 12, "m2m:mgc", attributes));
  }
  static onem2m::v1::Value Download(const std::string& url = "coap://files/1") {
    return MakeComplex({{"dld", MakeComplex({{"ftyp", onem2m::Text("firmware")}, {"url", onem2m::Text(url)}})}});
  }
  Result Execute(const std::string& name, const std::string& from = "CAdmin") {
    return Update(from, "cse-in/" + name, "m2m:mgc", {{"exe", onem2m::Boolean(true)}});
  }
  // Addresses of its executions.
  std::vector<std::string> Executions(const std::string& name) {
    onem2m::v1::RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, "CAdmin", "cse-in/" + name);
    primitive.mutable_filter_criteria()->set_filter_usage(1);
    primitive.mutable_filter_criteria()->add_resource_types(8);
    std::vector<std::string> paths;
    const Result found = Ask(primitive);
    for (const auto& value : found.response.primitive().primitive_content().value().list().values()) {
      paths.push_back(value.text());
    }
    return paths;
  }
  Result Execution(const std::string& name) {
    const std::vector<std::string> all = Executions(name);
    EXPECT_FALSE(all.empty());
    return all.empty() ? Result() : Retrieve("CAdmin", all.back());
  }
  // "exs exr" of the latest execution.
  std::string State(const std::string& name) {
    const Result execution = Execution(name);
    return absl::StrCat(execution.get("exs"), " ", execution.get("exr"));
  }
  std::string LastUpdate() {
    const std::vector<ManagementRequest> requests = management_.requests();
    if (requests.empty()) return "none";
    const auto& content = requests.back().primitive.primitive_content();
    return absl::StrCat(content.name(), " ", onem2m::Describe(content.value()));
  }
  void Tell(const std::string& resource_id, const char* name, onem2m::v1::Value value) {
    ASSERT_THAT(cse_->UpdateAttributes(resource_id, {Attribute(name, std::move(value))}, {}), status::IsOk());
  }
  Result Cancel(const std::string& name) {
    return Update("CAdmin", Executions(name).back(), "m2m:exin", {{"exd", onem2m::Boolean(true)}});
  }

  std::string reboot_, firmware_, software0_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_COMMAND_FIXTURE_H_
