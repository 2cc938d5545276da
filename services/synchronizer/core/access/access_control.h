// Who may do what (TS-0001 11.3.4, TS-0003 7.1): the access decision for an originator, a resource and an operation.
//
//   AccessControl access(&tree, &space, "CAdmin");
//   if (!access.Allows("Cmon", *entry, kRetrieve)) ...  // 4103
//
// The policies that count are those of the resource's own accessControlPolicyIDs, else of the nearest resource above it
// that has some. The administrator may do everything. An AE may do everything with its own <AE>; without policies of
// its own, a resource also obeys its creator, and the AE that it is below. A policy governs itself by its
// selfPrivileges. The CSEBase, while it has no policies, lets everybody retrieve and discover it, and registered AEs
// create policies, subscriptions and <mgmtCmd> (whose execution needs the right to UPDATE what carries it out).
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ACCESS_ACCESS_CONTROL_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ACCESS_ACCESS_CONTROL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/synchronizer/core/address/address.h"
#include "services/synchronizer/core/resource/resource_tree.h"

namespace isthmus::synchronizer {

// accessControlOperations (TS-0004 6.3.4.2.29).
enum AccessOperation : uint32_t {
  kCreate = 1,
  kRetrieve = 2,
  kUpdate = 4,
  kDelete = 8,
  kNotify = 16,
  kDiscover = 32,
};

struct AccessRule {
  std::vector<std::string> originators;
  uint32_t operations = 0;
  // accessControlObjectDetails: which types may be created; empty = any.
  struct Details {
    uint32_t type = 0;  // of the resource; 0 = any
    std::vector<uint32_t> child_types;
  };
  std::vector<Details> details;
};

struct AccessRules {
  std::vector<AccessRule> privileges;       // pv
  std::vector<AccessRule> self_privileges;  // pvs
};

// Of an <accessControlPolicy> that the tables have checked.
AccessRules ParseAccessRules(const StoredResource& policy);

// Text with '*' for any characters, also none.
bool MatchesPattern(absl::string_view text, absl::string_view pattern);

// Not thread-safe: guarded by the owner of the tree.
class AccessControl {
 public:
  AccessControl(const ResourceTree* tree, const AddressSpace* space, std::string administrator)
      : tree_(tree), space_(space), administrator_(std::move(administrator)) {}

  // `originator` in normal form. `child_type` counts for kCreate.
  bool Allows(absl::string_view originator, const Entry& entry, AccessOperation operation,
              uint32_t child_type = 0) const;
  // Whether the originator may change the accessControlPolicyIDs of the resource: by the selfPrivileges of the policies
  // that govern it now.
  bool AllowsPolicyChange(absl::string_view originator, const Entry& entry) const;

  // The <accessControlPolicy> of an accessControlPolicyID; null when there is none here.
  const Entry* FindPolicy(const std::string& address) const;

 private:
  bool AnyRule(absl::string_view originator, const std::vector<AccessRule>& rules, const Entry& entry,
               AccessOperation operation, uint32_t child_type) const;
  bool ByPolicies(absl::string_view originator, const Entry& entry, const Entry& governed, AccessOperation operation,
                  uint32_t child_type, bool self) const;
  bool OwnedBy(absl::string_view originator, const Entry& entry) const;

  const ResourceTree* const tree_;
  const AddressSpace* const space_;
  const std::string administrator_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ACCESS_ACCESS_CONTROL_H_
