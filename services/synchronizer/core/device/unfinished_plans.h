// Plans whose next step waits for a condition on the device, for example "install the firmware once it is downloaded".
// The originator has had its answer; what is left is kept in the store and goes on when a notification, or a read after
// the next Register, says that the condition came true.
//
//   const uint64_t seen = plans.ValuesSeen(endpoint);      // before the condition is read
//   ... it does not hold yet ...
//   plans.Keep({resource_id, endpoint, trace_id, clock->Now(), false, work}, seen);
//   plans.OnValues(endpoint, nodes);                        // for every value that comes from the device
//
// A plan ends when it is performed, when its condition can no longer come true, when a newer request replaces it
// (Abandon), or when it is older than `max_age`. At most one plan exists for each resource, and its steps run in the
// resource's lane, so that they never run beside a request's.
//
// The waiting step is marked as sent before it is sent. If its answer is never heard (time-out, restart), it is sent
// again only while its condition still holds: a device that has begun to install is not told to install once more.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_UNFINISHED_PLANS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_UNFINISHED_PLANS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/device/device_directory.h"
#include "services/synchronizer/core/device/interest_book.h"
#include "services/synchronizer/core/device/plan_execution.h"
#include "services/synchronizer/core/device/resource_lanes.h"
#include "services/synchronizer/core/device/session_port.h"
#include "services/synchronizer/core/device/translation_port.h"
#include "services/synchronizer/core/device/unfinished_plan.h"
#include "services/synchronizer/core/ports.h"

namespace isthmus::synchronizer {

struct UnfinishedPlanOptions {
  absl::Duration max_age = absl::Hours(24);
  // How often a condition is read that cannot be observed, and when a step is tried again that got no answer.
  absl::Duration recheck = absl::Minutes(1);
  // A plan that has just performed a step ignores failure values this long: the device may not have begun. So does one
  // that is taken up again after a restart: it is told old values first. Then its condition is read once.
  absl::Duration grace = absl::Seconds(5);
  absl::Duration device_timeout = absl::Seconds(30);
  absl::Duration session_timeout = absl::Seconds(3);
  absl::Duration translation_timeout = absl::Seconds(5);
};

// Thread-safe. Outlives the calls that it made to its neighbours.
class UnfinishedPlans {
 public:
  UnfinishedPlans(UnfinishedPlanOptions options, TranslationPort* translation, SessionPort* session,
                  ResourcePort* resources, DeviceDirectory* directory, InterestBook* interests, ResourceLanes* lanes,
                  const Clock* clock);

  // Takes up what was kept before the restart.
  void Load();

  // Changes with each value of a device; a value that comes between reading a condition and Keep is not overlooked.
  uint64_t ValuesSeen(const std::string& endpoint) const;
  // Durable when it returns; replaces a plan of the same resource. The caller is in the resource's lane.
  absl::Status Keep(UnfinishedPlan plan, uint64_t values_seen);
  std::optional<UnfinishedPlan> Find(const std::string& resource_id) const;
  void Abandon(const std::string& resource_id, const std::string& why);

  // Values of a device, wherever they come from.
  void OnValues(const std::string& endpoint, const google::protobuf::RepeatedPtrField<lwm2m::v1::Node>& nodes);
  // The device registered: its conditions are read at the next Tick.
  void OnRegistered(const std::string& endpoint);
  void OnObservationFailed(const std::string& endpoint, const lwm2m::v1::Path& path);
  // Objects of the device were described: their observe_paths are known now.
  void OnDescribed(const std::string& endpoint);
  void Tick();

  size_t size() const;

 private:
  struct Entry {
    UnfinishedPlan plan;
    uint64_t generation = 0;
    bool running = false;   // its step waits for the lane, or is being performed
    bool checking = false;  // its condition is being read
    bool polled = false;    // it cannot be observed
    absl::Duration next_check = absl::InfiniteDuration();
    absl::Duration expires = absl::InfiniteDuration();
    absl::Duration grace_until = -absl::InfiniteDuration();
  };

  static const translation::v1::PlanStep& WaitingStep(const UnfinishedPlan& plan);
  std::atomic<uint64_t>& Counter(const std::string& endpoint) const;
  void ObserveFor(const UnfinishedPlan& plan);
  void Check(const std::string& resource_id, uint64_t generation);
  void Evaluate(const std::string& resource_id, uint64_t generation, std::optional<int64_t> value);
  void Continue(const std::string& resource_id, uint64_t generation);
  void Perform(const UnfinishedPlan& plan, uint64_t generation, const ResourceLanes::Leave& leave);
  void Ended(const UnfinishedPlan& plan, uint64_t generation, PlanEnd end, const ResourceLanes::Leave& leave);
  void Conclude(UnfinishedPlan plan, uint64_t generation, const PlanEnd& end, const ResourceLanes::Leave& leave);
  void TryAgainLater(const std::string& resource_id, uint64_t generation, bool step_sent, absl::Duration after);
  bool Remove(const std::string& resource_id, uint64_t generation);
  uint64_t InsertLocked(Entry entry);
  void EraseLocked(std::map<std::string, Entry>::iterator entry);
  std::vector<std::string> OfEndpointLocked(const std::string& endpoint) const;
  absl::Status Persist(const UnfinishedPlan& plan);
  void Erase(const std::string& resource_id);
  absl::Status PersistIndex(const std::string& resource_id);

  const UnfinishedPlanOptions options_;
  TranslationPort* const translation_;
  SessionPort* const session_;
  ResourcePort* const resources_;
  DeviceDirectory* const directory_;
  InterestBook* const interests_;
  ResourceLanes* const lanes_;
  const Clock* const clock_;

  mutable std::array<std::atomic<uint64_t>, 256> counters_{};
  std::mutex writer_mutex_;  // one writer of the store at a time; taken before mutex_
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;                      // by resource
  std::map<std::string, std::set<std::string>> by_endpoint_;  // resources
  uint64_t next_generation_ = 1;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_UNFINISHED_PLANS_H_
