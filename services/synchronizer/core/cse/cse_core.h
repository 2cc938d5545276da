// What cse.h promises, in parts: cse_core.cc receives and dispatches, create.cc, retrieve.cc, update.cc and delete.cc
// perform, verification.cc asks the targets of a subscription, commands.cc executes <mgmtCmd>, run_commands.cc
// follows its executions and cancel_command.cc takes them back, provisioning.cc serves the device side.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_CORE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_CORE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.pb.h"
#include "services/synchronizer/core/command/management_command.h"
#include "services/synchronizer/core/cse/change.h"
#include "services/synchronizer/core/cse/cse_context.h"
#include "services/synchronizer/core/filter/filter.h"
#include "services/synchronizer/core/refusal.h"

namespace isthmus::synchronizer {

// Thread-safe; the contracts are in cse.h.
class CseCore {
 public:
  using Done = std::function<void(onem2m::v1::HandleResponse)>;

  CseCore(CseOptions options, ResourceStore* store, const Clock* clock, IdSource* ids);

  absl::Status Start(ManagementPort* management, NotificationPort* notifications);
  void Handle(const onem2m::v1::HandleRequest& request, Done done);
  size_t Sweep();
  void RunCommands();
  size_t size() const;

  absl::StatusOr<std::string> PutNode(const std::string& node_id, const std::string& client_address,
                                      const std::vector<std::string>& labels);
  absl::StatusOr<std::vector<std::string>> PutManagementObjects(const std::string& node_id,
                                                                const std::vector<ProvisionedObject>& objects);
  absl::Status UpdateAttributes(const std::string& resource_id, const std::vector<onem2m::v1::Attribute>& attributes,
                                const std::vector<std::string>& removed);
  void UnfinishedUpdateFailed(const std::string& resource_id, uint32_t code, const std::string& reason);
  std::vector<std::pair<std::string, onem2m::v1::Resource>> ManagementObjects(const std::string& node_id) const;
  std::vector<std::string> ProvisionedNodes() const;
  absl::Status KeepState(const std::string& key, const std::string& value);
  std::string GetState(const std::string& key) const;

 private:
  // A request while it is served. Refers to the request of the caller: what goes on later takes a Later along.
  struct Call {
    const onem2m::v1::RequestPrimitive& primitive;
    std::string originator;  // in normal form
    std::string trace_id;
    Address address;
    uint32_t result_content = 0;
    // A <subscription> whose targets have agreed, and the resource ID that they were told.
    bool verified = false;
    std::string reserved_id;
  };
  // What outlives the call of Handle.
  struct Later {
    onem2m::v1::RequestPrimitive primitive;
    std::string originator, trace_id;
    Address address;
    std::string reserved_id;
  };
  // Either an answer, or what to do without the lock; that answers then.
  struct Outcome {
    onem2m::v1::HandleResponse response;
    std::function<void(Done)> later;
  };

  static std::shared_ptr<const Later> KeepForLater(const Call& call);
  static Call CallOf(const Later& later);

  onem2m::v1::HandleResponse Answer(const onem2m::v1::RequestPrimitive& primitive, uint32_t code) const;
  onem2m::v1::HandleResponse Refuse(const onem2m::v1::RequestPrimitive& primitive, const Refusal& refusal) const;
  Outcome Refused(const Call& call, uint32_t code, const std::string& reason) const;
  Outcome Refused(const Call& call, const Refusal& refusal) const;
  Outcome StoreFailed(const Call& call, const absl::Status& status) const;

  // All of these with the lock held.
  Outcome Dispatch(const Call& call);
  // The target, if it is there and has not expired.
  Entry* FindTarget(const Address& address);
  Outcome Create(const Call& call, Entry* parent);
  Outcome CreateApplication(const Call& call, Entry* parent, StoredResource record);
  Outcome CreateSubscription(const Call& call, Entry* parent, StoredResource record);
  Outcome CreateOnDevice(const Call& call, Entry* parent, StoredResource record);
  Outcome FinishCreateOnDevice(const Call& call, const std::string& parent_id, StoredResource record,
                               const ManagementResult& result);
  Outcome FinishCreate(const Call& call, Entry* parent, StoredResource record, Change* change);
  Outcome Retrieve(const Call& call, Entry* entry);
  Outcome AnswerRetrieve(const Call& call, const Entry& entry) const;
  Outcome Update(const Call& call, Entry* entry);
  Outcome UpdateHere(const Call& call, Entry* entry, const onem2m::v1::Object& attributes);
  // `attributes`: those that the device may know.
  Outcome UpdateOnDevice(const Call& call, Entry* entry, onem2m::v1::Object attributes);
  Outcome AnswerUpdate(const Call& call, const Entry& entry, const std::set<std::string>& modified) const;
  Outcome Delete(const Call& call, Entry* entry);
  Outcome DeleteHere(const Call& call, Entry* entry);

  // <mgmtCmd> and <execInstance>.
  Outcome CreateCommand(const Call& call, Entry* parent, StoredResource record);
  Outcome UpdateCommand(const Call& call, Entry* entry, const onem2m::v1::Object& attributes);
  Outcome ExecuteCommand(const Call& call, Entry* entry, const onem2m::v1::Object& attributes,
                         const onem2m::v1::Object& command_attributes);
  Outcome CancelExecution(const Call& call, Entry* entry);
  Outcome FinishCancelByUpdate(const Call& call, Entry* entry);
  Outcome DeleteCommand(const Call& call, Entry* entry);
  Outcome Cancel(const Call& call, Entry* target, const std::vector<Entry*>& executions,
                 Outcome (CseCore::*finish)(const Call&, Entry*));
  Checked FindTargetNode(const std::string& target, Entry** node);
  Checked FindPerformer(const Entry& node, const ManagementCommand& command, Entry** performer) const;
  ManagementRequest MakeRun(const StoredResource& execution, const Entry& performer,
                            const onem2m::v1::Object& update) const;
  static void KeepToLimits(const Call& call, ManagementRequest* request);
  absl::Status FinishRun(const std::string& execution_id, const std::string& performer_id,
                         const ManagementResult& result);
  absl::Status FinishCancel(const std::string& execution_id, const std::string& performer_id,
                            const ManagementResult& result);
  // Ends the executions whose place an UPDATE of `given` by somebody else has taken.
  void EndSuperseded(Change* change, const Entry& performer, const onem2m::v1::Object& given,
                     const ManagementResult& result) const;
  absl::Status EndUnfinished(const std::string& performer_id, uint32_t code);
  bool IsBusy(const Entry& performer) const;
  // Executions whose beginning the device has not answered yet.
  std::vector<Entry*> AskedOf(const Entry& performer) const;
  // Something to ask of a device for an execution that is due.
  struct Errand {
    ManagementRequest request;
    std::string execution_id;  // empty: nobody waits for the answer
    bool cancels = false;
  };
  void RunDue(Entry* execution, Change* change, std::vector<Errand>* errands);
  void Perform(Errand errand);
  // What has happened on a device has happened: when the store does not take it now, it is tried again later.
  void StoreSurely(std::function<absl::Status()> commit);
  void FollowClock();
  void ResumeExecutions();

  Checked CheckPolicies(const onem2m::v1::Object& attributes) const;
  // expirationTime of a new or changed resource: not in the past, not after the parent's.
  Checked SettleExpiration(const Entry& parent, bool creation, onem2m::v1::Object* attributes) const;
  Checked CheckMatch(const Call& call, const Entry& entry) const;
  Checked WantedAttributes(const Call& call, const Entry& entry, std::vector<std::string>* wanted) const;
  // Where a <subscription> of `originator` sends to, and whom of these has to be asked first.
  Checked ResolveTargets(const onem2m::v1::Object& attributes, const std::string& originator,
                         std::vector<std::string>* targets, std::set<std::string>* to_verify) const;
  Outcome Verify(const Call& call, const std::string& subscription_id, const std::set<std::string>& targets);
  void Link(Change* change, const std::string& application_id, const std::string& node_link);
  void Unlink(Change* change, const std::string& application_id, const std::string& node_link);
  void PrepareRemoval(Change* change, Entry* entry);
  StoredResource NewRecord(const Entry& parent, uint32_t type, const std::string& root, const std::string& resource_id,
                           const std::string& name, const onem2m::v1::Object& attributes) const;
  std::string FreeName(const Entry& parent, const std::string& wanted) const;
  Entry* FindAtPlace(const Entry& node, const std::string& root, const std::string& path) const;

  // Without the lock.
  // The end of a request that the device side has worked on: `finish`, with the lock, makes the answer, or what is to
  // be done before it.
  void Conclude(const std::vector<onem2m::v1::TraceStep>& steps, const Done& done,
                const std::function<Outcome()>& finish);
  void Perform(std::shared_ptr<const Later> later, ManagementRequest request, Done done,
               Outcome (CseCore::*finish)(const Call&, Entry*, const ManagementResult&));
  Outcome FinishRetrieve(const Call& call, Entry* entry, const ManagementResult& result);
  Outcome FinishUpdate(const Call& call, Entry* entry, const ManagementResult& result);
  Outcome FinishDelete(const Call& call, Entry* entry, const ManagementResult& result);
  // What a successful UPDATE has made of a <mgmtObj>: `given` by the originator, `result` by the device.
  void KeepUpdate(Change* change, Entry* entry, const onem2m::v1::Object& given, const ManagementResult& result,
                  std::set<std::string>* modified) const;
  void MergeResult(Change* change, Entry* entry, const ManagementResult& result) const;
  ManagementRequest MakeManagementRequest(const Call& call, const Entry& entry) const;
  // Of a <mgmtObj> that is to be below the <node>.
  ManagementRequest MakeManagementRequest(const Call& call, const std::string& resource_id, const Entry& node,
                                          const onem2m::v1::Resource& resource) const;

  absl::Status MakeCseBase();
  absl::Status MakeDevicesPolicy();

  mutable std::mutex mutex_;
  CseContext context_;
  std::vector<std::function<absl::Status()>> unstored_;
  absl::Duration store_again_;   // on the monotonic clock
  absl::Duration clock_offset_;  // of the wall clock from the monotonic one
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_CORE_H_
