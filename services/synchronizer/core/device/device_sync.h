// Keeps the resources in step with the devices: what a LwM2M Server tells (events and snapshots of a session) becomes
// nodes, management objects and attribute values.
//
//   InCseEnd callbacks: on_event -> sync.OnEvent, on_snapshot -> sync.OnSnapshot
//
// Registered and Updated: the device is described by translation, its <node> and <mgmtObj> resources are put, and their
// first values are read. Deregistered: the node loses its address and gets another label; nothing is deleted, so that
// subscriptions outlive an absence. Notification: translation tells which attributes of which objects it changes.
//
// Order and loss. OnEvent only queues; each device has a queue of its own, whose events are applied one after the
// other, and up to `parallel` devices are applied at once, so that a slow one holds up no other. An event that cannot
// be applied now (translation or store away) stays at the head of its queue and is tried again. EventPositions hears of
// each event when it arrives and when it has been applied; the position that is stored, and acknowledged to the server
// (applied_stream.h), has no unapplied event before it. After a crash the server sends again what came after it. Events
// may so be applied twice, in their order, which changes nothing; none is applied never.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SYNC_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SYNC_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "isthmus/session/v1/session.pb.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/device/device_directory.h"
#include "services/synchronizer/core/device/event_positions.h"
#include "services/synchronizer/core/device/executor.h"
#include "services/synchronizer/core/device/first_values.h"
#include "services/synchronizer/core/device/freshness.h"
#include "services/synchronizer/core/device/interest_book.h"
#include "services/synchronizer/core/device/plan_cache.h"
#include "services/synchronizer/core/device/resource_lanes.h"
#include "services/synchronizer/core/device/session_port.h"
#include "services/synchronizer/core/device/subscribed_objects.h"
#include "services/synchronizer/core/device/translation_port.h"
#include "services/synchronizer/core/device/unfinished_plans.h"
#include "services/synchronizer/core/ports.h"

namespace isthmus::synchronizer {

struct DeviceSyncOptions {
  size_t parallel = 64;  // devices whose events are applied at once
  absl::Duration translation_timeout = absl::Seconds(5);
  absl::Duration retry = absl::Seconds(1);  // pause before an event is tried again
  FirstValuesOptions first_values;
};

// Thread-safe. Outlives the calls that it made to its neighbours.
class DeviceSync {
 public:
  // All pointers outlive this object. `run` does what touches the store.
  struct Neighbours {
    TranslationPort* translation;
    SessionPort* session;
    ResourcePort* resources;
    DeviceDirectory* directory;
    SubscribedObjects* subscribed;
    InterestBook* interests;
    UnfinishedPlans* unfinished;
    PlanCache* plans;
    Freshness* freshness;
    ResourceLanes* lanes;
    EventPositions* positions;
    const Clock* clock;
    Executor run;
  };
  DeviceSync(DeviceSyncOptions options, Neighbours neighbours);

  // After the directory was loaded: first values that had not all been read are read now.
  void Resume();

  void OnEvent(const session::v1::Event& event);
  void OnSnapshot(const session::v1::Snapshot& snapshot);
  // Definitions were changed: all registered devices are described again.
  void OnMappingVersion(const std::string& mapping_version);

  // Tries again what is due. Call at least every 50 ms.
  void Tick();

  // Events and values that are not applied yet.
  size_t backlog() const;
  // Devices whose first values are being read.
  size_t reading() const { return first_values_.size(); }

 private:
  enum class Verdict { kApplied, kRetry };
  struct Item;
  using ItemPtr = std::shared_ptr<Item>;
  struct Queue {
    std::deque<ItemPtr> items;
    bool busy = false;   // its first item is being applied
    bool ready = false;  // it is in ready_
    absl::Duration not_before;
  };

  void Enqueue(ItemPtr item);
  void Pump();
  void Apply(const ItemPtr& item);
  void Applied(const ItemPtr& item, Verdict verdict);
  Verdict VerdictOf(const Item& item, const absl::Status& status, const char* what);

  void ApplyRegistration(const ItemPtr& item);
  Verdict PutDevice(const Item& item, const translation::v1::DescribeDeviceResponse& description);
  Verdict PutPresence(const Item& item, const DeviceRecord& before);
  Verdict ApplyGone(const Item& item);
  void ApplyValues(const ItemPtr& item);
  void EnterLanes(const ItemPtr& item, std::vector<std::string> resource_ids,
                  std::vector<ResourceLanes::Leave> entered);
  void TranslateValues(const ItemPtr& item, const std::vector<ResourceLanes::Leave>& entered);
  bool StepsFromAnOldStatus(const Item& item, const translation::v1::TranslateNotificationRequest& request,
                            const translation::v1::TranslateNotificationResponse& response) const;
  Verdict StoreChanges(const Item& item, const translation::v1::TranslateNotificationResponse& response);
  void ReadFirstValues(const std::string& endpoint, const std::vector<lwm2m::v1::Read>& reads);
  void OnFirstValue(const std::string& endpoint, const lwm2m::v1::Path& path, const lwm2m::v1::OperationResult& result);
  void OnFirstValuesEnd(const std::string& endpoint);
  void RedescribeLater();

  const DeviceSyncOptions options_;
  const Neighbours to_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Queue> queues_;
  std::deque<std::string> ready_;
  std::deque<std::string> waiting_;  // for not_before
  size_t active_ = 0;
  size_t backlog_ = 0;
  bool pumping_ = false;
  bool pump_again_ = false;
  std::optional<absl::Duration> redescribe_at_;
  FirstValues first_values_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SYNC_H_
