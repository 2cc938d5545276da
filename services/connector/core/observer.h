// Keeps devices observed where somebody has an interest (LwM2M Core 6.4).
//
//   Observer observer(ObserverOptions(), parts, callbacks);
//   observer.Restore();                       // tokens that were kept over a restart
//   observer.SetInterests(interests);         // the whole list,
//   observer.ChangeInterests(change);         // or what has changed in it
//   observer.OnRegistered("urn:x");           // all its observations are dead: they are made anew
//   endpoint.SetNotificationHandler([&](const coap::Notified& n) { return observer.OnNotification(n); });
//
// For each interest: attributes are written first (when it has any), then the path is observed with a token of ours.
// What a device refuses is reported once and tried again when it registers anew or its objects change; what it does not
// answer is tried again later and later. What nobody wants any more is cancelled with the same token. A token that is
// not (or no longer) ours is answered with a Reset.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_OBSERVER_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_OBSERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/session/v1/session.pb.h"
#include "services/connector/core/coap_client.h"
#include "services/connector/core/operations.h"
#include "services/connector/core/registration_store.h"
#include "services/connector/core/registry.h"
#include "services/lib/clock/clock.h"

namespace isthmus::connector {

struct ObserverOptions {
  absl::Duration first_retry = absl::Seconds(5);  // doubled each time
  absl::Duration longest_retry = absl::Minutes(10);
  // After a restart each observation is asked for again, with its old token, within this time: a device whose
  // notification nobody acknowledged has dropped it.
  absl::Duration refresh_spread = absl::Seconds(30);
};

// Not thread-safe: on the thread of the CoAP endpoint.
class Observer {
 public:
  struct Parts {
    const Clock* clock = nullptr;
    coap::Random* random = nullptr;
    CoapClient* coap = nullptr;
    Operations* operations = nullptr;
    const Registry* registry = nullptr;
    RegistrationStore* store = nullptr;
  };
  struct Callbacks {
    // A value of interest; `initial` = the answer to the Observe itself.
    std::function<void(const std::string& endpoint, const lwm2m::v1::Path& path,
                       const std::vector<lwm2m::v1::Node>& nodes, bool initial)>
        on_value;
    std::function<void(const std::string& endpoint, const lwm2m::v1::Path& path,
                       const lwm2m::v1::OperationResult& result)>
        on_failed;
  };

  // All parts must outlive the observer.
  Observer(ObserverOptions options, Parts parts, Callbacks callbacks);

  // After Registry::Load, before the first SetInterests.
  void Restore();
  void SetInterests(const std::vector<session::v1::Interest>& interests);
  void ChangeInterests(const session::v1::InterestChange& change);

  // The device registered: whatever was observed is no more.
  void OnRegistered(const std::string& endpoint);
  void OnUpdated(const std::string& endpoint, bool address_changed, bool links_changed);
  // Its address belongs to another device now.
  void OnDisplaced(const std::string& endpoint);
  void OnGone(const std::string& endpoint);

  // False = not ours.
  bool OnNotification(const coap::Notified& notified);

  // Somebody asks for this observation by name: what failed is tried again now.
  void Nudge(const std::string& endpoint, const lwm2m::v1::Path& path);
  bool IsWanted(const std::string& endpoint, const lwm2m::v1::Path& path) const;
  // Paths that somebody has an interest in.
  std::vector<lwm2m::v1::Path> WantedPaths(const std::string& endpoint) const;

  // Infinite = nothing is due.
  absl::Duration Tick();

  struct Statistics {
    size_t wanted = 0, observed = 0, failed = 0, retries = 0;
  };
  Statistics statistics() const;

 private:
  struct Watch {
    lwm2m::v1::Path path;
    bool wanted = false;
    bool self_describing = false;                  // as of the interest
    lwm2m::v1::NotificationAttributes attributes;  // wanted
    lwm2m::v1::NotificationAttributes sending;     // under way
    lwm2m::v1::NotificationAttributes written;     // on the device
    bool attributes_refused = false;
    bool observed = false;
    bool refresh = false;  // observed, as far as we know: ask again
    std::string token;     // while observed
    coap::Peer peer;
    bool busy = false;    // a step is waiting or under way
    bool failed = false;  // refused: asked again after a new registration, a change of its objects, or a request
    bool reported = false;
    int failures = 0;
    absl::Duration retry_at = -absl::InfiniteDuration();
    // Changes when the device loses what it was told. A step that was sent before does not count.
    uint64_t generation = 0;
    uint64_t sent_generation = 0;
  };
  using Watches = std::map<std::string, Watch>;  // by path

  bool Want(const session::v1::Interest& interest);
  Watch* Find(const std::string& endpoint, const std::string& key);
  void Advance(const std::string& endpoint, const std::string& key);
  void AdvanceAll(const std::string& endpoint);
  void Step(const std::string& endpoint, const std::string& key, const lwm2m::v1::Operation& operation,
            const std::string& token, const lwm2m::v1::NotificationAttributes& before,
            void (Observer::*then)(const std::string&, Watch&, Operations::Performed));
  void AfterObserve(const std::string& endpoint, Watch& watch, Operations::Performed performed);
  void AfterAttributes(const std::string& endpoint, Watch& watch, Operations::Performed performed);
  void AfterCancel(const std::string& endpoint, Watch& watch, Operations::Performed performed);
  void Drop(const std::string& endpoint, Watch& watch);
  void DropAll(const std::string& endpoint);
  void RetryLater(const std::string& endpoint, Watch& watch);
  // One time for each endpoint, the earliest: what comes later is found then.
  void ScheduleRetry(const std::string& endpoint, absl::Duration at);
  void UnscheduleRetry(const std::string& endpoint);
  void Fail(const std::string& endpoint, Watch& watch, const lwm2m::v1::OperationResult& result);
  std::string NewToken();

  const ObserverOptions options_;
  const Parts parts_;
  const Callbacks callbacks_;
  std::unordered_map<std::string, Watches> watches_;                             // by endpoint
  std::unordered_map<std::string, std::pair<std::string, std::string>> tokens_;  // token -> endpoint, path
  std::set<std::pair<absl::Duration, std::string>> retries_;                     // when, endpoint
  std::unordered_map<std::string, absl::Duration> retry_of_;                     // by endpoint, as in retries_
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_OBSERVER_H_
