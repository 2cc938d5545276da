#include "services/synchronizer/core/device/device_directory.h"

#include <cstdint>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/lib/log/log.h"

namespace isthmus::synchronizer {
namespace {

constexpr char kVersion[] = "device-1";

std::string KeyOf(const std::string& endpoint) { return absl::StrCat("device/", endpoint); }

}  // namespace

absl::string_view DeviceStateName(DeviceState state) {
  switch (state) {
    case DeviceState::kRegistered:
      return "registered";
    case DeviceState::kDeregistered:
      return "deregistered";
    case DeviceState::kLost:
      return "lost";
  }
  return "";
}

// Lines of text around base64, because the store's values are text to people who look at it.
std::string SerializeDeviceRecord(const DeviceRecord& record) {
  return absl::StrCat(kVersion, "\n", DeviceStateName(record.state), "\n", absl::ToUnixMicros(record.since), "\n",
                      record.values_pending ? 1 : 0, "\n", absl::Base64Escape(record.registration.SerializeAsString()),
                      "\n", absl::Base64Escape(record.description.SerializeAsString()));
}

absl::StatusOr<DeviceRecord> ParseDeviceRecord(const std::string& endpoint, const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  const auto bad = [&](absl::string_view what) {
    return absl::DataLossError(absl::StrCat("stored device ", endpoint, ": ", what));
  };
  if (lines.size() != 6) return bad("6 lines were expected");
  if (lines[0] != kVersion) return bad(absl::StrCat("unknown version ", lines[0]));
  DeviceRecord record;
  record.endpoint = endpoint;
  bool known = false;
  for (const DeviceState state : {DeviceState::kRegistered, DeviceState::kDeregistered, DeviceState::kLost}) {
    if (lines[1] != DeviceStateName(state)) continue;
    record.state = state;
    known = true;
  }
  if (!known) return bad(absl::StrCat("unknown state ", lines[1]));
  int64_t micros = 0;
  if (!absl::SimpleAtoi(lines[2], &micros)) return bad("the time is no number");
  record.since = absl::FromUnixMicros(micros);
  record.values_pending = lines[3] == "1";
  std::string bytes;
  if (!absl::Base64Unescape(lines[4], &bytes) || !record.registration.ParseFromString(bytes)) {
    return bad("the registration cannot be parsed");
  }
  if (!absl::Base64Unescape(lines[5], &bytes) || !record.description.ParseFromString(bytes)) {
    return bad("the description cannot be parsed");
  }
  return record;
}

void DeviceDirectory::Load() {
  std::map<std::string, DeviceRecord> records;
  for (const std::string& endpoint : resources_->ProvisionedNodes()) {
    const std::string text = resources_->GetState(KeyOf(endpoint));
    if (text.empty()) continue;
    absl::StatusOr<DeviceRecord> record = ParseDeviceRecord(endpoint, text);
    if (!record.ok()) {
      log::Error("stored device is unreadable", {{"endpoint", endpoint}, {"error", record.status().ToString()}});
      continue;
    }
    records.emplace(endpoint, *std::move(record));
  }
  std::lock_guard<std::mutex> lock(mutex_);
  records_ = std::move(records);
}

std::optional<DevicePresence> DeviceDirectory::Presence(const std::string& endpoint) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = records_.find(endpoint);
  if (found == records_.end()) return std::nullopt;
  return DevicePresence{found->second.state, found->second.since};
}

std::optional<DeviceRecord> DeviceDirectory::Find(const std::string& endpoint) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = records_.find(endpoint);
  if (found == records_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> DeviceDirectory::Registered() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> endpoints;
  for (const auto& [endpoint, record] : records_) {
    if (record.state == DeviceState::kRegistered) endpoints.push_back(endpoint);
  }
  return endpoints;
}

absl::Status DeviceDirectory::Keep(const DeviceRecord& record) {
  return resources_->KeepState(KeyOf(record.endpoint), SerializeDeviceRecord(record));
}

absl::Status DeviceDirectory::Put(DeviceRecord record) {
  record.description.clear_node_id();
  for (auto& object : *record.description.mutable_management_objects()) {
    object.mutable_resource()->clear_attributes();
  }
  std::lock_guard<std::mutex> writer_lock(writer_mutex_);
  if (absl::Status kept = Keep(record); !kept.ok()) return kept;
  std::lock_guard<std::mutex> lock(mutex_);
  std::string endpoint = record.endpoint;
  records_.insert_or_assign(std::move(endpoint), std::move(record));
  return absl::OkStatus();
}

absl::Status DeviceDirectory::SetValuesPending(const std::string& endpoint, bool pending) {
  std::lock_guard<std::mutex> writer_lock(writer_mutex_);
  std::optional<DeviceRecord> record = Find(endpoint);
  if (!record.has_value() || record->values_pending == pending) return absl::OkStatus();
  record->values_pending = pending;
  if (absl::Status kept = Keep(*record); !kept.ok()) return kept;
  std::lock_guard<std::mutex> lock(mutex_);
  records_[endpoint].values_pending = pending;
  return absl::OkStatus();
}

const translation::v1::ManagementObject* DeviceDirectory::FindObject(const std::string& endpoint,
                                                                     const onem2m::v1::Resource& resource) const {
  auto found = records_.find(endpoint);
  if (found == records_.end()) return nullptr;
  for (const auto& object : found->second.description.management_objects()) {
    if (object.resource().root() == resource.root() &&
        absl::c_equal(object.resource().object_paths(), resource.object_paths())) {
      return &object;
    }
  }
  return nullptr;
}

std::vector<lwm2m::v1::Path> DeviceDirectory::ObservePaths(const std::string& endpoint,
                                                           const onem2m::v1::Resource& resource) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const translation::v1::ManagementObject* object = FindObject(endpoint, resource);
  if (object == nullptr) return {};
  return {object->observe_paths().begin(), object->observe_paths().end()};
}

bool DeviceDirectory::IsSelfDescribing(const std::string& endpoint, const onem2m::v1::Resource& resource) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const translation::v1::ManagementObject* object = FindObject(endpoint, resource);
  return object != nullptr && object->self_describing();
}

}  // namespace isthmus::synchronizer
