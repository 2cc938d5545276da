// The resource side in memory: nodes, management objects and stored state. It outlives a "restart" of a test, as the
// store would.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_RESOURCES_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_RESOURCES_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/ports.h"

namespace isthmus::synchronizer {

// Thread-safe but for its public members, which are set while nothing runs.
class FakeResources final : public ResourcePort {
 public:
  // What every changing call answers while it is not OK.
  absl::Status down;

  struct FakeNode {
    std::string client_address;
    std::vector<std::string> labels;
  };

  absl::StatusOr<std::string> PutNode(const std::string& node_id, const std::string& client_address,
                                      const std::vector<std::string>& labels) override {
    if (!down.ok()) return down;
    std::lock_guard<std::mutex> lock(mutex_);
    nodes_[node_id] = {client_address, labels};
    ++puts_;
    return "nod-" + node_id;
  }
  void UnfinishedUpdateFailed(const std::string& resource_id, uint32_t code, const std::string&) override {
    std::lock_guard<std::mutex> lock(mutex_);
    failed_updates_.emplace_back(resource_id, code);
  }
  // Resource and code of each, in order.
  std::vector<std::pair<std::string, uint32_t>> failed_updates() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return failed_updates_;
  }
  absl::StatusOr<std::vector<std::string>> PutManagementObjects(
      const std::string& node_id, const std::vector<ProvisionedObject>& objects) override {
    if (!down.ok()) return down;
    std::lock_guard<std::mutex> lock(mutex_);
    ++puts_;
    std::map<std::string, onem2m::v1::Resource> kept;
    std::vector<std::string> ids;
    for (const ProvisionedObject& object : objects) {
      const std::string id = absl::StrCat(node_id, "/", object.resource_name);
      auto found = objects_[node_id].find(id);
      kept[id] = found == objects_[node_id].end() ? object.resource : found->second;
      ids.push_back(id);
    }
    objects_[node_id] = std::move(kept);
    return ids;
  }
  absl::Status UpdateAttributes(const std::string& resource_id, const std::vector<onem2m::v1::Attribute>& attributes,
                                const std::vector<std::string>& removed) override {
    if (!down.ok()) return down;
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [node_id, objects] : objects_) {
      auto found = objects.find(resource_id);
      if (found == objects.end()) continue;
      for (const auto& attribute : attributes) {
        onem2m::Set(*found->second.mutable_attributes(), attribute.name(), attribute.value());
        updates_.push_back(absl::StrCat(resource_id, " ", attribute.name(), "=", attribute.value().integer()));
      }
      for (const std::string& name : removed) onem2m::Remove(*found->second.mutable_attributes(), name);
      return absl::OkStatus();
    }
    return absl::NotFoundError(resource_id);
  }
  std::vector<std::pair<std::string, onem2m::v1::Resource>> ManagementObjects(const std::string& node_id) override {
    std::lock_guard<std::mutex> lock(mutex_);
    return {objects_[node_id].begin(), objects_[node_id].end()};
  }
  std::vector<std::string> ProvisionedNodes() override {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes_) names.push_back(name);
    return names;
  }
  absl::Status KeepState(const std::string& key, const std::string& value) override {
    if (!down.ok()) return down;
    std::lock_guard<std::mutex> lock(mutex_);
    if (value.empty()) {
      state_.erase(key);
    } else {
      state_[key] = value;
    }
    return absl::OkStatus();
  }
  std::string GetState(const std::string& key) override {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = state_.find(key);
    return found == state_.end() ? "" : found->second;
  }

  FakeNode node(const std::string& node_id) const {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = nodes_.find(node_id);
    return found == nodes_.end() ? FakeNode() : found->second;
  }
  bool has_node(const std::string& node_id) const {
    std::lock_guard<std::mutex> lock(mutex_);
    return nodes_.count(node_id) != 0;
  }
  onem2m::v1::Resource object(const std::string& node_id, const std::string& resource_id) const {
    std::lock_guard<std::mutex> lock(mutex_);
    auto node = objects_.find(node_id);
    if (node == objects_.end()) return {};
    auto found = node->second.find(resource_id);
    return found == node->second.end() ? onem2m::v1::Resource() : found->second;
  }
  // Integer attribute, or -1.
  int64_t attribute(const std::string& node_id, const std::string& resource_id, const std::string& name) const {
    const onem2m::v1::Resource resource = object(node_id, resource_id);
    const onem2m::v1::Value* value = onem2m::Find(resource.attributes(), name);
    return value == nullptr ? -1 : value->integer();
  }
  // "id name=value" in the order in which they came.
  std::vector<std::string> updates() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return updates_;
  }
  int puts() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return puts_;
  }
  size_t states() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return state_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, uint32_t>> failed_updates_;
  std::map<std::string, FakeNode> nodes_;
  std::map<std::string, std::map<std::string, onem2m::v1::Resource>> objects_;
  std::map<std::string, std::string> state_;
  std::vector<std::string> updates_;
  int puts_ = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_RESOURCES_H_
