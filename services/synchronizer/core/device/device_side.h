// The device side of the IN-CSE in one piece: all parts of this folder but the notifications, wired to each other.
//
//   DeviceSide device_side({}, translation, session, cse, clock, run);
//   cse.Start(device_side.management(), &notifications);
//   const session::v1::EventPosition resume_from = device_side.Start();
//   ... hand OnEvent and OnSnapshot to the session, resume it from there ...
//   device_side.Tick();   // at least every 50 ms
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SIDE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SIDE_H_

#include <cstddef>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/device/device_directory.h"
#include "services/synchronizer/core/device/device_management.h"
#include "services/synchronizer/core/device/device_sync.h"
#include "services/synchronizer/core/device/event_positions.h"
#include "services/synchronizer/core/device/executor.h"
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

struct DeviceSideOptions {
  absl::Duration device_timeout = absl::Seconds(30);
  absl::Duration session_timeout = absl::Seconds(3);
  absl::Duration max_age = absl::ZeroDuration();        // device.max_age
  absl::Duration unfinished_max_age = absl::Hours(24);  // plans whose condition does not come true
  absl::Duration recheck = absl::Minutes(1);            // of conditions that cannot be observed
  absl::Duration translation_timeout = absl::Seconds(5);
  size_t parallel_reads = 32;
  size_t parallel_devices = 64;
};

// Thread-safe. Outlives the calls that it made to its neighbours, which outlive it.
class DeviceSide {
 public:
  DeviceSide(const DeviceSideOptions& options, TranslationPort* translation, SessionPort* session,
             ResourcePort* resources, const Clock* clock, Executor run)
      : directory_(resources),
        interests_(session),
        freshness_(options.max_age, clock),
        subscribed_(&directory_, &interests_),
        unfinished_(UnfinishedOptions(options), translation, session, resources, &directory_, &interests_, &lanes_,
                    clock),
        positions_(resources, "session/position"),
        management_(ManagementOptions(options), {translation, session, resources, &directory_, &subscribed_, &plans_,
                                                 &unfinished_, &freshness_, &lanes_, clock}),
        sync_(SyncOptions(options), {translation, session, resources, &directory_, &subscribed_, &interests_,
                                     &unfinished_, &plans_, &freshness_, &lanes_, &positions_, clock, std::move(run)}) {
    plans_.OnVersionChange([this](const std::string& version) { sync_.OnMappingVersion(version); });
  }

  ManagementPort* management() { return &management_; }

  // Takes up what is stored; before the first event. Returns the position to resume from.
  session::v1::EventPosition Start() {
    const session::v1::EventPosition position = positions_.Load();
    directory_.Load();
    unfinished_.Load();
    subscribed_.Refresh();
    sync_.Resume();
    return position;
  }
  void OnApplied(std::function<void(const session::v1::EventPosition&)> listener) {
    positions_.OnApplied(std::move(listener));
  }
  session::v1::EventPosition applied() const { return positions_.applied(); }

  void OnEvent(const session::v1::Event& event) { sync_.OnEvent(event); }
  void OnSnapshot(const session::v1::Snapshot& snapshot) { sync_.OnSnapshot(snapshot); }
  void Tick() {
    management_.Tick();
    unfinished_.Tick();
    sync_.Tick();
  }

  const PlanCache& plans() const { return plans_; }
  const UnfinishedPlans& unfinished() const { return unfinished_; }
  const DeviceDirectory& directory() const { return directory_; }
  const DeviceSync& sync() const { return sync_; }
  size_t requests_in_flight() const { return management_.in_flight(); }

 private:
  static UnfinishedPlanOptions UnfinishedOptions(const DeviceSideOptions& options) {
    UnfinishedPlanOptions unfinished;
    unfinished.max_age = options.unfinished_max_age;
    unfinished.recheck = options.recheck;
    unfinished.device_timeout = options.device_timeout;
    unfinished.session_timeout = options.session_timeout;
    unfinished.translation_timeout = options.translation_timeout;
    return unfinished;
  }
  static DeviceManagementOptions ManagementOptions(const DeviceSideOptions& options) {
    DeviceManagementOptions management;
    management.device_timeout = options.device_timeout;
    management.session_timeout = options.session_timeout;
    management.translation_timeout = options.translation_timeout;
    return management;
  }
  static DeviceSyncOptions SyncOptions(const DeviceSideOptions& options) {
    DeviceSyncOptions sync;
    sync.parallel = options.parallel_devices;
    sync.translation_timeout = options.translation_timeout;
    sync.first_values.parallel = options.parallel_reads;
    sync.first_values.device_timeout = options.device_timeout;
    return sync;
  }

  DeviceDirectory directory_;
  InterestBook interests_;
  PlanCache plans_;
  Freshness freshness_;
  ResourceLanes lanes_;
  SubscribedObjects subscribed_;
  UnfinishedPlans unfinished_;
  EventPositions positions_;
  DeviceManagement management_;
  DeviceSync sync_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_SIDE_H_
