// A device, its line, and composite operations on it, for tests: what goes out, and what comes of each path.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITES_TESTING_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITES_TESTING_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/connector/core/composites.h"
#include "services/connector/core/device.h"
#include "services/connector/core/device_line.h"
#include "services/connector/core/fake_coap_client.h"
#include "services/connector/core/operations.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {

// Values at some of the paths that the tests ask for.
inline constexpr char kSenMl[] = R"([{"n":"/3/0/9","v":80},{"bn":"/1/0/","n":"1","v":60},{"n":"7","v":1}])";

class CompositesTest : public testing::Test {
 protected:
  CompositesTest()
      : lines_(DeviceLineOptions(), &clock_, &coap_),
        operations_(&clock_, &lines_),
        composites_(CompositeOptions(), &clock_, &operations_) {
    Register("1.1");
  }
  void Register(const std::string& version, std::vector<uint32_t> formats = {}, const std::string& root = "",
                bool queue_mode = false) {
    auto device = std::make_shared<Device>();
    device->registration.set_endpoint("d");
    device->registration.set_address("a:1");
    device->registration.set_lwm2m_version(version);
    device->registration.set_root_path(root);
    device->registration.set_queue_mode(queue_mode);
    device->content_formats = std::move(formats);
    device_ = device;
    lines_.OnRegistered(device_);
    Pass(absl::Seconds(1));
  }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    lines_.Tick();
  }
  void Perform(const lwm2m::v1::Operation& operation, absl::Duration within = absl::Seconds(30)) {
    Operations::Options options;
    options.deadline = clock_.Monotonic() + within;
    composites_.Perform(device_, operation, std::move(options),
                        [this](lwm2m::v1::OperationResult result) { done_.push_back(std::move(result)); });
  }
  void Read(const std::vector<std::string>& paths, absl::Duration within = absl::Seconds(30)) {
    lwm2m::v1::Operation operation;
    operation.mutable_read_composite();
    for (const std::string& path : paths) *operation.mutable_read_composite()->add_paths() = *lwm2m::ParsePath(path);
    Perform(operation, within);
  }
  void Write(const std::vector<std::string>& paths, absl::Duration within = absl::Seconds(30)) {
    lwm2m::v1::Operation operation;
    operation.mutable_write_composite();
    for (const std::string& path : paths) {
      auto* node = operation.mutable_write_composite()->add_nodes();
      *node->mutable_path() = *lwm2m::ParsePath(path);
      node->mutable_value()->set_integer(7);
    }
    Perform(operation, within);
  }
  void Respond(coap::Code code, std::optional<uint32_t> format = std::nullopt, std::string payload = "") {
    coap_.Respond(code, format, std::move(payload));
  }
  void Silence() { coap_.Fail(coap_.last().id, coap::Exchange::Outcome::kTimeout); }
  // "0.05 FETCH /", since the last call.
  std::vector<std::string> Sent() {
    std::vector<std::string> texts;
    for (; told_ < coap_.sent.size(); ++told_) {
      const auto& sent = coap_.sent[told_];
      texts.push_back(absl::StrCat(coap::CodeToString(sent.request.method), " ", sent.path()));
    }
    return texts;
  }
  // "/3/0/9 205", or with the outcome's number in place of a code.
  static std::vector<std::string> PathsOf(const lwm2m::v1::OperationResult& result) {
    std::vector<std::string> texts;
    for (const auto& at : result.paths()) {
      const bool answered = at.outcome() == lwm2m::v1::OUTCOME_ANSWERED;
      texts.push_back(
          absl::StrCat(lwm2m::PathToString(at.path()), " ",
                       answered ? absl::StrCat(at.coap_code()) : lwm2m::v1::Outcome_Name(at.outcome()).substr(8)));
    }
    return texts;
  }
  static std::vector<std::string> ValuesOf(const lwm2m::v1::OperationResult& result) {
    std::vector<std::string> texts;
    for (const auto& node : result.nodes()) {
      texts.push_back(
          absl::StrCat(lwm2m::PathToString(node.path()), "=",
                       node.value().has_raw() ? node.value().raw().octets() : absl::StrCat(node.value().integer())));
    }
    return texts;
  }

  FakeClock clock_;
  FakeCoapClient coap_;
  DeviceLines lines_;
  Operations operations_;
  Composites composites_;
  DevicePtr device_;
  std::vector<lwm2m::v1::OperationResult> done_;
  size_t told_ = 0;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITES_TESTING_H_
