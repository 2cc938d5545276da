// A translation with one rule for every object: attribute `rN` is resource N of the object's path, `xN` with true
// executes resource N, everything else stays with the IN-CSE. An object instance of a device becomes the <mgmtObj>
// `m2m:oX` (`r<N>` attributes, integers), read and observed at its path.
//
// Calls are counted; with `down` set they fail with it, with `hold` they wait for ReleaseAll().
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_TRANSLATION_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_TRANSLATION_H_

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/device/operation_text.h"
#include "services/synchronizer/core/device/translation_port.h"

namespace isthmus::synchronizer {

// Its value becomes a m2m:actionStatus.
constexpr uint32_t kStatusResource = 99;

// Thread-safe but for its public members, which are set while nothing runs.
class FakeTranslation final : public TranslationPort {
 public:
  std::string version = "v1";
  absl::Status down;
  bool hold = false;
  // Of every `xN` step.
  std::optional<translation::v1::Precondition> precondition;
  // Given in place of a plan.
  uint32_t refusal = 0;

  int requests = 0;
  int responses = 0;
  int notifications = 0;
  int descriptions = 0;

  void TranslateRequest(const translation::v1::TranslateRequestRequest& request, const CallContext& context,
                        Callback<translation::v1::TranslateRequestResponse> callback) override {
    Count(&requests);
    Reply<translation::v1::TranslateRequestResponse>(MakePlan(request), std::move(callback));
  }
  void TranslateResponse(const translation::v1::TranslateResponseRequest& request, const CallContext& context,
                         Callback<translation::v1::TranslateResponseResponse> callback) override {
    Count(&responses);
    Reply<translation::v1::TranslateResponseResponse>(MakeAnswer(request), std::move(callback));
  }
  void TranslateNotification(const translation::v1::TranslateNotificationRequest& request, const CallContext& context,
                             Callback<translation::v1::TranslateNotificationResponse> callback) override {
    Count(&notifications);
    translation::v1::TranslateNotificationResponse response;
    response.set_mapping_version(version);
    for (const auto& resource : request.resources()) {
      translation::v1::ResourceChange change;
      change.set_id(resource.id());
      AddAttributes(resource.resource(), request.nodes(), change.mutable_attributes());
      if (change.attributes_size() > 0) *response.add_changes() = change;
    }
    Reply<translation::v1::TranslateNotificationResponse>(std::move(response), std::move(callback));
  }
  void DescribeDevice(const translation::v1::DescribeDeviceRequest& request, const CallContext& context,
                      Callback<translation::v1::DescribeDeviceResponse> callback) override {
    Count(&descriptions);
    translation::v1::DescribeDeviceResponse response;
    response.set_mapping_version(version);
    response.set_node_id(request.endpoint());
    for (const auto& link : request.links()) {
      if (!link.path().has_object_instance_id()) continue;
      auto& object = *response.add_management_objects();
      object.set_resource_name(absl::StrCat("o", link.path().object_id(), "-", link.path().object_instance_id()));
      object.mutable_resource()->set_root(absl::StrCat("m2m:o", link.path().object_id()));
      object.mutable_resource()->set_mgmt_definition(link.path().object_id());
      object.mutable_resource()->add_object_ids(absl::StrCat("urn:oma:lwm2m:oma:", link.path().object_id()));
      object.mutable_resource()->add_object_paths(lwm2m::PathToString(link.path()));
      *object.add_read_paths() = link.path();
      *object.add_observe_paths() = link.path();
    }
    Reply<translation::v1::DescribeDeviceResponse>(std::move(response), std::move(callback));
  }

  size_t held() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return held_.size();
  }
  // Answers what is held, in order.
  void ReleaseAll() {
    std::vector<std::function<void()>> held;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      held.swap(held_);
    }
    for (const auto& release : held) release();
  }
  void ForgetHeld() {
    std::lock_guard<std::mutex> lock(mutex_);
    held_.clear();
  }

 private:
  void Count(int* counter) {
    std::lock_guard<std::mutex> lock(mutex_);
    ++*counter;
  }

  template <typename Response>
  void Reply(Response response, Callback<Response> callback) {
    if (!down.ok()) return callback(down);
    if (!hold) return callback(std::move(response));
    std::lock_guard<std::mutex> lock(mutex_);
    held_.push_back([response, callback] { callback(response); });
  }

  static lwm2m::v1::Path PathOf(const onem2m::v1::Resource& resource, uint32_t resource_id) {
    lwm2m::v1::Path path = *lwm2m::ParsePath(resource.object_paths(0));
    path.set_resource_id(resource_id);
    return path;
  }

  translation::v1::TranslateRequestResponse MakePlan(const translation::v1::TranslateRequestRequest& request) const {
    translation::v1::TranslateRequestResponse response;
    response.set_mapping_version(version);
    if (refusal != 0) {
      response.set_refusal_status_code(refusal);
      response.set_refusal_reason("refused");
      return response;
    }
    auto& plan = *response.mutable_plan();
    const onem2m::v1::Resource& resource = request.resource();
    switch (request.primitive().operation()) {
      case onem2m::v1::OPERATION_TYPE_UPDATE:
        for (const auto& member : request.primitive().primitive_content().value().object().members()) {
          uint32_t id = 0;
          if (member.name()[0] == 'r' && absl::SimpleAtoi(member.name().substr(1), &id)) {
            auto& write = *plan.add_steps()->mutable_operation()->mutable_write();
            *write.mutable_path() = PathOf(resource, id);
            *write.add_nodes()->mutable_path() = PathOf(resource, id);
            write.mutable_nodes(0)->mutable_value()->set_integer(member.value().integer());
          } else if (member.name()[0] == 'x' && absl::SimpleAtoi(member.name().substr(1), &id)) {
            auto& step = *plan.add_steps();
            *step.mutable_operation()->mutable_execute()->mutable_path() = PathOf(resource, id);
            if (precondition.has_value()) *step.mutable_precondition() = *precondition;
          } else {
            plan.add_local_attributes(member.name());
          }
        }
        break;
      case onem2m::v1::OPERATION_TYPE_DELETE:
        *plan.add_steps()->mutable_operation()->mutable_delete_()->mutable_path() =
            *lwm2m::ParsePath(resource.object_paths(0));
        break;
      default:
        for (const std::string& path : resource.object_paths()) {
          *plan.add_steps()->mutable_operation()->mutable_read()->mutable_path() = *lwm2m::ParsePath(path);
        }
    }
    return response;
  }

  translation::v1::TranslateResponseResponse MakeAnswer(
      const translation::v1::TranslateResponseRequest& request) const {
    translation::v1::TranslateResponseResponse response;
    response.set_mapping_version(version);
    switch (request.primitive().operation()) {
      case onem2m::v1::OPERATION_TYPE_UPDATE:
        response.set_response_status_code(2004);
        break;
      case onem2m::v1::OPERATION_TYPE_DELETE:
        response.set_response_status_code(2002);
        break;
      default:
        response.set_response_status_code(2000);
    }
    for (int i = 0; i < request.results_size(); ++i) {
      const lwm2m::v1::OperationResult& result = request.results(i);
      if (!Succeeded(result)) {
        response.set_response_status_code(result.coap_code() == 404   ? 6005
                                          : result.coap_code() == 405 ? 4005
                                          : result.coap_code() == 401 ? 5105
                                                                      : 5107);
        response.set_reason(ResultText(result));
        break;
      }
      AddAttributes(request.resource(), result.nodes(), response.mutable_attributes());
      if (i < request.plan().steps_size()) {
        AddAttributes(request.resource(), request.plan().steps(i).operation().write().nodes(),
                      response.mutable_attributes());
      }
    }
    return response;
  }

  static void AddAttributes(const onem2m::v1::Resource& resource,
                            const google::protobuf::RepeatedPtrField<lwm2m::v1::Node>& nodes,
                            google::protobuf::RepeatedPtrField<onem2m::v1::Attribute>* attributes) {
    for (const lwm2m::v1::Node& node : nodes) {
      if (!lwm2m::Contains(*lwm2m::ParsePath(resource.object_paths(0)), node.path())) continue;
      onem2m::v1::Attribute& attribute = *attributes->Add();
      attribute.set_name(absl::StrCat("r", node.path().resource_id()));
      *attribute.mutable_value() = onem2m::Integer(node.value().integer());
      if (node.path().resource_id() != kStatusResource) continue;
      onem2m::v1::Object status;
      onem2m::Set(status, "sus", *attribute.mutable_value());
      *attribute.mutable_value() = onem2m::Complex(std::move(status));
    }
  }

  mutable std::mutex mutex_;
  std::vector<std::function<void()>> held_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_TRANSLATION_H_
