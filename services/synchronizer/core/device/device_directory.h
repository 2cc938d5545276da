// What is known of each device: whether it is registered and since when, how it registered, and what its management
// objects are read and observed at. Kept in the store, so that a restarted IN-CSE knows it before the first session.
//
//   DeviceDirectory directory(resources);
//   directory.Load();
//   std::optional<DevicePresence> presence = directory.Presence("urn:dev:1");
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_DIRECTORY_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_DIRECTORY_H_

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/synchronizer/core/ports.h"

namespace isthmus::synchronizer {

enum class DeviceState { kRegistered, kDeregistered, kLost };

// "registered", "deregistered", "lost": the value of the label Isthmus-State.
absl::string_view DeviceStateName(DeviceState state);

struct DevicePresence {
  DeviceState state = DeviceState::kRegistered;
  absl::Time since;
};

struct DeviceRecord {
  std::string endpoint;
  DeviceState state = DeviceState::kRegistered;
  absl::Time since;
  lwm2m::v1::Registration registration;
  // Without the objects' attributes; node_id is not kept.
  translation::v1::DescribeDeviceResponse description;
  // Not all first values have been read.
  bool values_pending = false;
};

// Thread-safe.
class DeviceDirectory {
 public:
  explicit DeviceDirectory(ResourcePort* resources) : resources_(resources) {}

  // Reads the records of all provisioned nodes. One that cannot be read is logged and left out.
  void Load();

  std::optional<DevicePresence> Presence(const std::string& endpoint) const;
  std::optional<DeviceRecord> Find(const std::string& endpoint) const;
  // Endpoints in order.
  std::vector<std::string> Registered() const;
  // Durable when it returns.
  absl::Status Put(DeviceRecord record);
  absl::Status SetValuesPending(const std::string& endpoint, bool pending);
  // What to observe for a <mgmtObj>: paths of the description with the same root and objectPaths.
  std::vector<lwm2m::v1::Path> ObservePaths(const std::string& endpoint, const onem2m::v1::Resource& resource) const;
  // It is read and observed in formats that tell types: the description of the same <mgmtObj> says so.
  bool IsSelfDescribing(const std::string& endpoint, const onem2m::v1::Resource& resource) const;

 private:
  absl::Status Keep(const DeviceRecord& record);
  // Of the same root and objectPaths; null when there is none. Under `mutex_`.
  const translation::v1::ManagementObject* FindObject(const std::string& endpoint,
                                                      const onem2m::v1::Resource& resource) const;

  ResourcePort* const resources_;
  // One writer at a time. The store is never asked under `mutex_`, which readers take that hold locks of the store's.
  std::mutex writer_mutex_;
  mutable std::mutex mutex_;
  std::map<std::string, DeviceRecord> records_;
};

// For the store and for tests.
std::string SerializeDeviceRecord(const DeviceRecord& record);
absl::StatusOr<DeviceRecord> ParseDeviceRecord(const std::string& endpoint, const std::string& text);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_DIRECTORY_H_
