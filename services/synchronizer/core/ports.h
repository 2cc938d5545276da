// What the resource side of the IN-CSE (cse.h) asks of the device side (device_management.h), and what the device side
// may do to the resources. Small interfaces, so that each side is tested with a fake of the other.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_PORTS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_PORTS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.pb.h"
#include "isthmus/onem2m/v1/primitive.pb.h"

namespace isthmus::synchronizer {

// ---- resource side -> device side ----------------------------------------------------------------------------------

// A request on a <mgmtObj> that is kept in step with a device (it has objectPaths), after every check of TS-0004 7.3.3
// passed (TS-0004 7.3.4, hook points of 7.4.15.2). For a CREATE the resource is as it is to be.
struct ManagementRequest {
  onem2m::v1::RequestPrimitive primitive;
  std::string resource_id;          // ri of the <mgmtObj>, of one that is to be too
  std::string node_id;              // nodeID of its <node>: the Endpoint Client Name
  onem2m::v1::Resource resource;    // as it is kept now
  std::vector<std::string> wanted;  // RETRIEVE: attributes asked for; empty = all
  absl::Time deadline = absl::InfiniteFuture();
  std::string trace_id;
};

struct ManagementResult {
  uint32_t response_status_code = 0;
  std::string reason;                             // for m2m:dbg
  std::vector<onem2m::v1::Attribute> attributes;  // as on the device now
  std::vector<std::string> absent_attributes;     // not on the device
  std::vector<std::string> local_attributes;      // UPDATE: stored here and not on the device
  std::string created_path;                       // CREATE: the element of objectPaths, below the device's root
  std::vector<onem2m::v1::TraceStep> steps;
};

class ManagementPort {
 public:
  virtual ~ManagementPort() = default;
  // Calls back exactly once, by the deadline; maybe at once, maybe on another thread.
  virtual void Perform(ManagementRequest request, std::function<void(ManagementResult)> done) = 0;
  // How many want to hear of a <mgmtObj> now: its <subscription> resources, and the executions of <mgmtCmd> that it
  // carries out. (A <node> counts for nothing here.) Called after each change and once for each at start.
  virtual void SubscribersChanged(const std::string& resource_id, const std::string& node_id,
                                  const onem2m::v1::Resource& resource, int subscribers) = 0;
};

// A notification to deliver. Delivery never holds up the request that caused it.
struct OutgoingNotification {
  std::string target;                      // AE-ID stem, SP-relative ID or URL, ready for NotificationService.Notify
  std::string subscription_id;             // ri of the <subscription>; empty = none
  onem2m::v1::RequestPrimitive primitive;  // op 5, to, fr, rqi, rvi, pc set
  std::string serialization;               // what an AE asks for by its contentSerialization; empty = JSON
};

class NotificationPort {
 public:
  virtual ~NotificationPort() = default;
  // Never blocks. Notifications to one target are delivered in the order of the calls. `done` (may be null) hears the
  // target's answer, or a status when there was none.
  virtual void Send(OutgoingNotification notification,
                    std::function<void(absl::StatusOr<onem2m::v1::ResponsePrimitive>)> done) = 0;
};

// ---- device side -> resource side ----------------------------------------------------------------------------------

// A <mgmtObj> that the device side wants to exist under a node.
struct ProvisionedObject {
  std::string resource_name;      // for example "battery"
  onem2m::v1::Resource resource;  // root, mgd, obis, obps, attributes
};

// What the device side may do to the resources. Calls are thread-safe, are durable when they return, and cause
// notifications to subscribers like any other change.
class ResourcePort {
 public:
  virtual ~ResourcePort() = default;
  // Creates the <node> of a device, or updates it. `client_address` is mgmtClientAddress (`mgca`): empty = the device
  // is not reachable now, the attribute goes. `labels` replace those that start with the same key (text before ':').
  // Returns the ri.
  virtual absl::StatusOr<std::string> PutNode(const std::string& node_id, const std::string& client_address,
                                              const std::vector<std::string>& labels) = 0;
  // Creates the objects that are not there (by objectPaths and root), and deletes provisioned ones of this node whose
  // objectPaths are in no entry. Those that are there keep their attributes. Returns their ri in the order given.
  virtual absl::StatusOr<std::vector<std::string>> PutManagementObjects(
      const std::string& node_id, const std::vector<ProvisionedObject>& objects) = 0;
  // New attribute values of a <mgmtObj>; `removed` go. Nothing happens (no notification) when nothing changes.
  virtual absl::Status UpdateAttributes(const std::string& resource_id,
                                        const std::vector<onem2m::v1::Attribute>& attributes,
                                        const std::vector<std::string>& removed) = 0;
  // What an UPDATE left to be done later, when a condition on the device would hold, will not be done. `code` is what
  // the device's refusal means, or 0 when the condition can no longer come true. (A newer request that has taken its
  // place, or the end of the resource, is not told; one that was not answered, or failed halfway, is.)
  virtual void UnfinishedUpdateFailed(const std::string& resource_id, uint32_t code, const std::string& reason) = 0;
  // <mgmtObj> resources with objectPaths under the node of this nodeID: ri and content.
  virtual std::vector<std::pair<std::string, onem2m::v1::Resource>> ManagementObjects(const std::string& node_id) = 0;
  // nodeIDs of all nodes that the device side made.
  virtual std::vector<std::string> ProvisionedNodes() = 0;
  // Small values that must outlive a restart (event positions, unfinished plans). Empty value = erase.
  virtual absl::Status KeepState(const std::string& key, const std::string& value) = 0;
  virtual std::string GetState(const std::string& key) = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_PORTS_H_
