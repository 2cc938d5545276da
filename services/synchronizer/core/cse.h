// The IN-CSE's resources: checks and performs request primitives, keeps the resource tree, and notifies subscribers.
//
//   Cse cse(options, store, &clock, &ids);
//   RETURN_IF_ERROR(cse.Start(&device_management, &notifications));
//   cse.Handle(request, [](onem2m::v1::HandleResponse response) { ... });
//
// Requests on a <mgmtObj> with objectPaths go through the ManagementPort, and so do the UPDATEs that executing a
// <mgmtCmd> makes of it; every other request is answered at once, but for the creation of a <subscription>, which waits
// for the verification of its targets. The device side changes resources
// through the ResourcePort that this is.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "isthmus/onem2m/v1/cse.pb.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/cse/cse_options.h"
#include "services/synchronizer/core/id_source.h"
#include "services/synchronizer/core/ports.h"
#include "services/synchronizer/core/resource/resource_store.h"

namespace isthmus::synchronizer {

class CseCore;

// Thread-safe. Owns nothing that it is given; store, clock, ids and ports outlive it, and it outlives every request
// that it has not answered. Calls ports and callbacks without holding a lock, from the thread that caused them.
class Cse final : public ResourcePort {
 public:
  Cse(CseOptions options, ResourceStore* store, const Clock* clock, IdSource* ids);
  ~Cse() override;

  // Loads the store; at the first start makes the CSEBase and cse-in/devicesAcp. Tells `management` of every <mgmtObj>
  // that has subscribers. Once, before anything else.
  //   FAILED_PRECONDITION  the store belongs to a CSE of another name.
  absl::Status Start(ManagementPort* management, NotificationPort* notifications);

  // Answers exactly once, maybe before it returns.
  void Handle(const onem2m::v1::HandleRequest& request, std::function<void(onem2m::v1::HandleResponse)> done);

  // Removes what has expired; how many resources that were, without those below them. Expired resources are never shown
  // before that either.
  size_t Sweep();
  // Begins the runs of <execInstance> resources that are due. Call at least once a second.
  void RunCommands();
  size_t size() const;

  absl::StatusOr<std::string> PutNode(const std::string& node_id, const std::string& client_address,
                                      const std::vector<std::string>& labels) override;
  absl::StatusOr<std::vector<std::string>> PutManagementObjects(const std::string& node_id,
                                                                const std::vector<ProvisionedObject>& objects) override;
  absl::Status UpdateAttributes(const std::string& resource_id, const std::vector<onem2m::v1::Attribute>& attributes,
                                const std::vector<std::string>& removed) override;
  void UnfinishedUpdateFailed(const std::string& resource_id, uint32_t code, const std::string& reason) override;
  std::vector<std::pair<std::string, onem2m::v1::Resource>> ManagementObjects(const std::string& node_id) override;
  std::vector<std::string> ProvisionedNodes() override;
  absl::Status KeepState(const std::string& key, const std::string& value) override;
  std::string GetState(const std::string& key) override;

 private:
  const std::unique_ptr<CseCore> core_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_H_
