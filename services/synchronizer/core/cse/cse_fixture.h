// A started CSE with fakes around it, and short ways to ask it.
//
//   class MyTest : public CseFixture {};
//   TEST_F(MyTest, ...) { EXPECT_EQ(Retrieve("CAdmin", "cse-in").code(), 2000u); }
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_FIXTURE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_FIXTURE_H_

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_matchers.h"
#include "services/synchronizer/core/cse.h"
#include "services/synchronizer/core/fake_ports.h"
#include "services/synchronizer/core/id_source.h"
#include "services/synchronizer/core/resource/in_memory_resource_store.h"

namespace isthmus::synchronizer {

using Members = std::initializer_list<std::pair<const char*, onem2m::v1::Value>>;

inline onem2m::v1::Object MakeObject(Members members) {
  onem2m::v1::Object object;
  for (const auto& [name, value] : members) onem2m::Set(object, name, value);
  return object;
}
inline onem2m::v1::Value MakeComplex(Members members) { return onem2m::Complex(MakeObject(members)); }

// An answer, easily looked into.
struct Result {
  onem2m::v1::HandleResponse response;

  uint32_t code() const { return response.primitive().response_status_code(); }
  std::string root() const { return response.primitive().primitive_content().name(); }
  const onem2m::v1::Object& attributes() const { return response.primitive().primitive_content().value().object(); }
  std::string text(const char* name) const { return onem2m::FindText(attributes(), name); }
  bool has(const char* name) const { return onem2m::Find(attributes(), name) != nullptr; }
  // As JSON-like text; "" when it is not there.
  std::string get(const char* name) const {
    const onem2m::v1::Value* value = onem2m::Find(attributes(), name);
    return value == nullptr ? "" : onem2m::Describe(*value, 10000);
  }
  std::string reason() const {
    return root() == "m2m:dbg" ? response.primitive().primitive_content().value().text() : "";
  }
  std::string content() const {
    return root() + " " + onem2m::Describe(response.primitive().primitive_content().value(), 10000);
  }
};

class CseFixture : public testing::Test {
 protected:
  void SetUp() override { Restart(); }

  // A new CSE over the same store.
  void Restart() {
    cse_ = std::make_unique<Cse>(options_, &store_, &clock_, &ids_);
    ASSERT_THAT(cse_->Start(&management_, &notifications_), status::IsOk());
  }

  static onem2m::v1::RequestPrimitive Primitive(onem2m::v1::OperationType operation, const std::string& from,
                                                const std::string& to) {
    onem2m::v1::RequestPrimitive primitive;
    primitive.set_operation(operation);
    primitive.set_from(from);
    primitive.set_to(to);
    primitive.set_request_identifier("q1");
    primitive.set_release_version_indicator("4");
    return primitive;
  }
  static onem2m::v1::RequestPrimitive CreatePrimitive(const std::string& from, const std::string& to, uint32_t type,
                                                      const std::string& root, onem2m::v1::Object attributes) {
    onem2m::v1::RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_CREATE, from, to);
    primitive.set_resource_type(type);
    SetContent(&primitive, root, std::move(attributes));
    return primitive;
  }
  static void SetContent(onem2m::v1::RequestPrimitive* primitive, const std::string& root, onem2m::v1::Object object) {
    primitive->mutable_primitive_content()->set_name(root);
    *primitive->mutable_primitive_content()->mutable_value() = onem2m::Complex(std::move(object));
  }

  // Starts a request; the answer comes into the optional, now or later.
  std::shared_ptr<std::optional<Result>> Begin(const onem2m::v1::RequestPrimitive& primitive,
                                               bool registration = false) {
    onem2m::v1::HandleRequest request;
    *request.mutable_primitive() = primitive;
    request.set_registration(registration);
    auto result = std::make_shared<std::optional<Result>>();
    cse_->Handle(request, [result](onem2m::v1::HandleResponse response) {
      EXPECT_FALSE(result->has_value()) << "answered twice";
      *result = Result{std::move(response)};
    });
    return result;
  }
  // For requests that are answered at once.
  Result Ask(const onem2m::v1::RequestPrimitive& primitive, bool registration = false) {
    const auto result = Begin(primitive, registration);
    EXPECT_TRUE(result->has_value()) << "not answered";
    return result->has_value() ? **result : Result();
  }

  Result Create(const std::string& from, const std::string& to, uint32_t type, const std::string& root,
                Members members) {
    return Ask(CreatePrimitive(from, to, type, root, MakeObject(members)));
  }
  Result Retrieve(const std::string& from, const std::string& to,
                  std::optional<uint32_t> result_content = std::nullopt) {
    onem2m::v1::RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_RETRIEVE, from, to);
    if (result_content.has_value()) primitive.set_result_content(*result_content);
    return Ask(primitive);
  }
  Result Update(const std::string& from, const std::string& to, const std::string& root, Members members) {
    onem2m::v1::RequestPrimitive primitive = Primitive(onem2m::v1::OPERATION_TYPE_UPDATE, from, to);
    SetContent(&primitive, root, MakeObject(members));
    return Ask(primitive);
  }
  Result Delete(const std::string& from, const std::string& to) {
    return Ask(Primitive(onem2m::v1::OPERATION_TYPE_DELETE, from, to));
  }

  // Common content.
  Result Register(const std::string& from, const std::string& name) {
    return Create(from, "cse-in", 2, "m2m:ae",
                  {{"rn", onem2m::Text(name)},
                   {"api", onem2m::Text("Napp")},
                   {"rr", onem2m::Boolean(true)},
                   {"srv", onem2m::TextList({"4"})}});
  }
  Result CreateNode(const std::string& name) {
    return Create("CAdmin", "cse-in", 14, "m2m:nod", {{"rn", onem2m::Text(name)}, {"ni", onem2m::Text("urn:" + name)}});
  }
  Result CreateBattery(const std::string& parent, const std::string& name = "bat") {
    return Create("CAdmin", parent, 13, "m2m:bat",
                  {{"rn", onem2m::Text(name)},
                   {"mgd", onem2m::Integer(1006)},
                   {"btl", onem2m::Integer(80)},
                   {"bts", onem2m::Integer(1)}});
  }
  // The node of a device (`cse-in/dev1`) with battery and reboot; resource IDs in this order.
  std::vector<std::string> Provision(const std::string& node_id = "dev1") {
    EXPECT_THAT(cse_->PutNode(node_id, "coap://127.0.0.1:40000", {"Iwked-Technology:LWM2M"}), status::IsOk());
    const auto ids = cse_->PutManagementObjects(
        node_id, {Object("battery", "m2m:bat", 1006, "/3/0"), Object("reboot", "m2m:rbo", 1009, "/3/0")});
    EXPECT_THAT(ids, status::IsOk());
    return *ids;
  }
  static ProvisionedObject Object(const std::string& name, const std::string& root, uint32_t definition,
                                  const std::string& path) {
    ProvisionedObject object;
    object.resource_name = name;
    object.resource.set_root(root);
    object.resource.set_mgmt_definition(definition);
    object.resource.add_object_ids("urn:oma:lwm2m:oma:3");
    object.resource.add_object_paths(path);
    if (root == "m2m:bat") {
      *object.resource.mutable_attributes() = MakeObject({{"btl", onem2m::Integer(80)}, {"bts", onem2m::Integer(1)}});
    }
    return object;
  }
  static onem2m::v1::Attribute Attribute(const std::string& name, onem2m::v1::Value value) {
    onem2m::v1::Attribute attribute;
    attribute.set_name(name);
    *attribute.mutable_value() = std::move(value);
    return attribute;
  }

  CseOptions options_;
  InMemoryResourceStore store_;
  FakeClock clock_;
  CountingIdSource ids_;
  FakeManagement management_;
  FakeNotifications notifications_;
  std::unique_ptr<Cse> cse_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_FIXTURE_H_
