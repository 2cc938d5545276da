// Requests on <mgmtObj> resources that live on devices (TS-0004 7.3.4): translation makes a plan of LwM2M operations,
// the session carries it out, translation makes the answer of its results.
//
//   management.Perform(request, [](ManagementResult result) { ... });   // exactly once, by the deadline
//
// A RETRIEVE costs one session round trip for each operation of its plan and one call to translation (plan_cache.h).
// What changes a resource (UPDATE, DELETE) runs one at a time for each resource. What waits for a condition on the
// device is answered now and goes on later (unfinished_plans.h).
//
// The answer comes by min(rqet, oet, now + device.timeout). Nothing heard by then is 6030 when rqet ended it, 6031 when
// oet did, else 6003. A device that is known not to be registered is 6003 at once. Without a session it is 6020, or
// 6021 when a session was being opened and did not come up in session.timeout.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_MANAGEMENT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_MANAGEMENT_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/device/device_directory.h"
#include "services/synchronizer/core/device/freshness.h"
#include "services/synchronizer/core/device/plan_cache.h"
#include "services/synchronizer/core/device/plan_execution.h"
#include "services/synchronizer/core/device/resource_lanes.h"
#include "services/synchronizer/core/device/session_port.h"
#include "services/synchronizer/core/device/subscribed_objects.h"
#include "services/synchronizer/core/device/translation_port.h"
#include "services/synchronizer/core/device/unfinished_plans.h"
#include "services/synchronizer/core/ports.h"

namespace isthmus::synchronizer {

struct DeviceManagementOptions {
  absl::Duration device_timeout = absl::Seconds(30);
  absl::Duration session_timeout = absl::Seconds(3);
  absl::Duration translation_timeout = absl::Seconds(5);
};

// Thread-safe. Outlives the calls that it made to its neighbours.
class DeviceManagement final : public ManagementPort {
 public:
  // All pointers outlive this object.
  struct Neighbours {
    TranslationPort* translation;
    SessionPort* session;
    ResourcePort* resources;
    DeviceDirectory* directory;
    SubscribedObjects* subscribed;
    PlanCache* plans;
    UnfinishedPlans* unfinished;
    Freshness* freshness;
    ResourceLanes* lanes;
    const Clock* clock;
  };
  DeviceManagement(DeviceManagementOptions options, Neighbours neighbours);

  void Perform(ManagementRequest request, std::function<void(ManagementResult)> done) override;
  void SubscribersChanged(const std::string& resource_id, const std::string& node_id,
                          const onem2m::v1::Resource& resource, int subscribers) override;

  // Answers what is past its deadline, whatever the neighbours do. Call at least every 50 ms.
  void Tick();
  size_t in_flight() const;

 private:
  struct Call;
  using CallPtr = std::shared_ptr<Call>;

  void Translate(const CallPtr& call);
  void Translated(const CallPtr& call, const translation::v1::TranslateRequestResponse& response);
  bool AlreadyUnderWay(const CallPtr& call, const translation::v1::Plan& plan);
  // What the call took the place of: goes on when the call has left the device as it was, and has failed otherwise.
  void SettleDisplaced(const CallPtr& call, bool untouched);
  void Execute(const CallPtr& call);
  void Executed(const CallPtr& call, PlanEnd end);
  void Waits(const CallPtr& call, const PlanEnd& end);
  void TellCondition(const CallPtr& call, const lwm2m::v1::OperationResult& condition);
  void TranslateResults(const CallPtr& call, std::function<void()> then);
  void KeepWhatWasDone(const CallPtr& call);
  // `cause` in words, or empty.
  ManagementResult NoAnswer(const Call& call, absl::string_view cause) const;
  ManagementResult Unreachable(const Call& call, const PlanEnd& end) const;
  void Answer(const CallPtr& call, ManagementResult result);
  void End(const CallPtr& call, ManagementResult result);
  CallContext Context(const Call& call) const;

  const DeviceManagementOptions options_;
  const Neighbours to_;
  mutable std::mutex mutex_;
  std::multimap<absl::Time, CallPtr> unanswered_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_DEVICE_MANAGEMENT_H_
