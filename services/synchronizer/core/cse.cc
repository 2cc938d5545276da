#include "services/synchronizer/core/cse.h"

#include "services/synchronizer/core/cse/cse_core.h"

namespace isthmus::synchronizer {

Cse::Cse(CseOptions options, ResourceStore* store, const Clock* clock, IdSource* ids)
    : core_(std::make_unique<CseCore>(std::move(options), store, clock, ids)) {}

Cse::~Cse() = default;

absl::Status Cse::Start(ManagementPort* management, NotificationPort* notifications) {
  return core_->Start(management, notifications);
}

void Cse::Handle(const onem2m::v1::HandleRequest& request, std::function<void(onem2m::v1::HandleResponse)> done) {
  core_->Handle(request, std::move(done));
}

size_t Cse::Sweep() { return core_->Sweep(); }

void Cse::RunCommands() { core_->RunCommands(); }

size_t Cse::size() const { return core_->size(); }

absl::StatusOr<std::string> Cse::PutNode(const std::string& node_id, const std::string& client_address,
                                         const std::vector<std::string>& labels) {
  return core_->PutNode(node_id, client_address, labels);
}

absl::StatusOr<std::vector<std::string>> Cse::PutManagementObjects(const std::string& node_id,
                                                                   const std::vector<ProvisionedObject>& objects) {
  return core_->PutManagementObjects(node_id, objects);
}

absl::Status Cse::UpdateAttributes(const std::string& resource_id, const std::vector<onem2m::v1::Attribute>& attributes,
                                   const std::vector<std::string>& removed) {
  return core_->UpdateAttributes(resource_id, attributes, removed);
}

void Cse::UnfinishedUpdateFailed(const std::string& resource_id, uint32_t code, const std::string& reason) {
  core_->UnfinishedUpdateFailed(resource_id, code, reason);
}

std::vector<std::pair<std::string, onem2m::v1::Resource>> Cse::ManagementObjects(const std::string& node_id) {
  return core_->ManagementObjects(node_id);
}

std::vector<std::string> Cse::ProvisionedNodes() { return core_->ProvisionedNodes(); }

absl::Status Cse::KeepState(const std::string& key, const std::string& value) { return core_->KeepState(key, value); }

std::string Cse::GetState(const std::string& key) { return core_->GetState(key); }

}  // namespace isthmus::synchronizer
