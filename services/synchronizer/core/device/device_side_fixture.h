// A whole device side between fakes, with a clock that the test moves, and a restart that keeps what the store keeps.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SIDE_FIXTURE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SIDE_FIXTURE_H_

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/device/device_side.h"
#include "services/synchronizer/core/device/executor.h"
#include "services/synchronizer/core/device/fake_resources.h"
#include "services/synchronizer/core/device/fake_session.h"
#include "services/synchronizer/core/device/fake_translation.h"

namespace isthmus::synchronizer {

class DeviceSideFixture : public ::testing::Test {
 protected:
  DeviceSideFixture() { Restart(); }

  // A crash: what was in memory is gone, the store is not.
  session::v1::EventPosition Restart() {
    translation.ForgetHeld();
    side = std::make_unique<DeviceSide>(options, &translation, &session, &resources, &clock, RunInPlace());
    side->OnApplied(
        [this](const session::v1::EventPosition& position) { acknowledged.push_back(position.sequence()); });
    return side->Start();
  }

  static lwm2m::v1::Registration MakeRegistration(const std::string& endpoint, std::initializer_list<const char*> links,
                                                  const std::string& id = "a") {
    lwm2m::v1::Registration registration;
    registration.set_endpoint(endpoint);
    registration.set_registration_id("rd/" + id);
    registration.set_address("192.0.2.1:5683");
    for (const char* link : links) *registration.add_links()->mutable_path() = *lwm2m::ParsePath(link);
    return registration;
  }
  session::v1::Event MakeEvent(const std::string& endpoint) {
    session::v1::Event event;
    event.mutable_position()->set_epoch("e1");
    event.mutable_position()->set_sequence(++sequence);
    event.mutable_time()->set_seconds(absl::ToUnixSeconds(clock.Now()));
    event.set_endpoint(endpoint);
    return event;
  }
  session::v1::Event Registered(const std::string& endpoint, std::initializer_list<const char*> links,
                                const std::string& id = "a") {
    session::v1::Event event = MakeEvent(endpoint);
    *event.mutable_registered()->mutable_registration() = MakeRegistration(endpoint, links, id);
    return event;
  }
  session::v1::Event Updated(const std::string& endpoint, std::initializer_list<const char*> links) {
    session::v1::Event event = MakeEvent(endpoint);
    *event.mutable_updated()->mutable_registration() = MakeRegistration(endpoint, links);
    return event;
  }
  session::v1::Event Deregistered(const std::string& endpoint, bool expired = false) {
    session::v1::Event event = MakeEvent(endpoint);
    event.mutable_deregistered()->set_reason(expired ? session::v1::DEREGISTRATION_REASON_EXPIRED
                                                     : session::v1::DEREGISTRATION_REASON_DEREGISTERED);
    return event;
  }
  session::v1::Event Notified(const std::string& endpoint, const char* observed,
                              std::initializer_list<std::pair<const char*, int64_t>> values) {
    session::v1::Event event = MakeEvent(endpoint);
    *event.mutable_notification()->mutable_path() = *lwm2m::ParsePath(observed);
    *event.mutable_notification()->mutable_nodes() = Content(values).nodes();
    return event;
  }

  // A request on the <mgmtObj> that the device's object became.
  ManagementRequest MakeRequest(onem2m::v1::OperationType operation, const std::string& endpoint,
                                const std::string& name) {
    ManagementRequest request;
    request.primitive.set_operation(operation);
    request.resource_id = endpoint + "/" + name;
    request.node_id = endpoint;
    request.resource = resources.object(endpoint, request.resource_id);
    request.trace_id = "trace";
    return request;
  }
  ManagementRequest Retrieve(const std::string& endpoint, const std::string& name) {
    return MakeRequest(onem2m::v1::OPERATION_TYPE_RETRIEVE, endpoint, name);
  }
  ManagementRequest Update(const std::string& endpoint, const std::string& name,
                           std::vector<std::pair<std::string, onem2m::v1::Value>> attributes) {
    ManagementRequest request = MakeRequest(onem2m::v1::OPERATION_TYPE_UPDATE, endpoint, name);
    onem2m::v1::Object content;
    for (auto& [attribute, value] : attributes) onem2m::Set(content, attribute, std::move(value));
    request.primitive.mutable_primitive_content()->set_name(request.resource.root());
    *request.primitive.mutable_primitive_content()->mutable_value() = onem2m::Complex(std::move(content));
    return request;
  }
  // Filled when it is answered; a second answer fails the test.
  std::shared_ptr<std::optional<ManagementResult>> Perform(ManagementRequest request) {
    auto slot = std::make_shared<std::optional<ManagementResult>>();
    side->management()->Perform(std::move(request), [slot](ManagementResult result) {
      EXPECT_FALSE(slot->has_value()) << "answered twice";
      *slot = std::move(result);
    });
    return slot;
  }
  static uint32_t Code(const std::shared_ptr<std::optional<ManagementResult>>& slot) {
    return slot->has_value() ? (*slot)->response_status_code : 0;
  }
  static int64_t ValueOf(const std::shared_ptr<std::optional<ManagementResult>>& slot, const std::string& name) {
    if (!slot->has_value()) return -1;
    for (const auto& attribute : (*slot)->attributes) {
      if (attribute.name() == name) return attribute.value().integer();
    }
    return -1;
  }

  // Every read answers this from now on.
  void DeviceSays(std::initializer_list<std::pair<const char*, int64_t>> values) {
    const lwm2m::v1::OperationResult all = Content(values);
    session.on_perform = [all](const std::string&,
                               const lwm2m::v1::Operation& operation) -> std::optional<lwm2m::v1::OperationResult> {
      if (!operation.has_read()) return Answered(204);
      lwm2m::v1::OperationResult result = Answered(205);
      for (const auto& node : all.nodes()) {
        if (lwm2m::Contains(operation.read().path(), node.path())) *result.add_nodes() = node;
      }
      return result;
    };
  }

  FakeClock clock;
  FakeTranslation translation;
  FakeSession session;
  FakeResources resources;
  DeviceSideOptions options;
  std::unique_ptr<DeviceSide> side;
  std::vector<uint64_t> acknowledged;
  uint64_t sequence = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SIDE_FIXTURE_H_
