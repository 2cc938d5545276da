#include "services/synchronizer/core/access/access_control.h"

#include <algorithm>

#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;

std::vector<uint32_t> Numbers(const Value* list) {
  std::vector<uint32_t> numbers;
  if (list == nullptr) return numbers;
  for (const Value& value : list->list().values()) numbers.push_back(static_cast<uint32_t>(value.integer()));
  return numbers;
}

std::vector<AccessRule> ParseRules(const Value* privileges) {
  std::vector<AccessRule> rules;
  if (privileges == nullptr) return rules;
  const Value* list = onem2m::Find(privileges->object(), "acr");
  if (list == nullptr) return rules;
  for (const Value& value : list->list().values()) {
    const Object& object = value.object();
    AccessRule rule;
    if (const Value* operations = onem2m::Find(object, "acop")) {
      rule.operations = static_cast<uint32_t>(operations->integer());
    }
    if (const Value* originators = onem2m::Find(object, "acor")) {
      for (const Value& originator : originators->list().values()) rule.originators.push_back(originator.text());
    }
    if (const Value* details = onem2m::Find(object, "acod")) {
      for (const Value& detail : details->list().values()) {
        const Value* type = onem2m::Find(detail.object(), "ty");
        rule.details.push_back({type == nullptr ? 0 : static_cast<uint32_t>(type->integer()),
                                Numbers(onem2m::Find(detail.object(), "chty"))});
      }
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

bool DetailsAllow(const AccessRule& rule, uint32_t type, uint32_t child_type) {
  if (rule.details.empty()) return true;
  return std::any_of(rule.details.begin(), rule.details.end(), [&](const AccessRule::Details& details) {
    return (details.type == 0 || details.type == type) &&
           std::find(details.child_types.begin(), details.child_types.end(), child_type) != details.child_types.end();
  });
}

}  // namespace

AccessRules ParseAccessRules(const StoredResource& policy) {
  return {ParseRules(onem2m::Find(policy.attributes, "pv")), ParseRules(onem2m::Find(policy.attributes, "pvs"))};
}

bool MatchesPattern(absl::string_view text, absl::string_view pattern) {
  // Greedy with one step back: linear for patterns of one '*', never exponential.
  size_t t = 0, p = 0, star = absl::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const Entry* AccessControl::FindPolicy(const std::string& address) const {
  Address parsed;
  if (space_->Parse(address, &parsed).has_value()) return nullptr;
  const Entry* entry = tree_->Find(parsed.local, parsed.structured);
  return entry != nullptr && entry->record.type == kAccessControlPolicy ? entry : nullptr;
}

bool AccessControl::AnyRule(absl::string_view originator, const std::vector<AccessRule>& rules, const Entry& entry,
                            AccessOperation operation, uint32_t child_type) const {
  std::string other_form;  // made when it is needed
  for (const AccessRule& rule : rules) {
    if ((rule.operations & operation) == 0) continue;
    if (operation == kCreate && !DetailsAllow(rule, entry.record.type, child_type)) continue;
    for (const std::string& pattern : rule.originators) {
      if (pattern == "all" || MatchesPattern(originator, pattern)) return true;
      if (pattern.empty() || pattern.front() != '/') continue;
      if (other_form.empty()) other_form = space_->SpRelativeForm(originator);
      absl::string_view relative = pattern;
      if (relative.substr(0, space_->sp_id().size()) == space_->sp_id()) relative.remove_prefix(space_->sp_id().size());
      if (MatchesPattern(originator, relative)) return true;
      if (!other_form.empty() && MatchesPattern(other_form, relative)) return true;
    }
  }
  return false;
}

// The policies that `entry` names, applied to an operation on `governed`.
bool AccessControl::ByPolicies(absl::string_view originator, const Entry& entry, const Entry& governed,
                               AccessOperation operation, uint32_t child_type, bool self) const {
  const Value* policies = onem2m::Find(entry.record.attributes, "acpi");
  if (policies == nullptr) return false;
  for (const Value& address : policies->list().values()) {
    const Entry* policy = FindPolicy(address.text());
    if (policy == nullptr) continue;
    const AccessRules& rules = policy->Compiled<AccessRules>(ParseAccessRules);
    if (AnyRule(originator, self ? rules.self_privileges : rules.privileges, governed, operation, child_type))
      return true;
  }
  return false;
}

bool AccessControl::OwnedBy(absl::string_view originator, const Entry& entry) const {
  if (originator.empty()) return false;
  if (entry.record.creator == originator) return true;
  for (const Entry* above = &entry; above != nullptr; above = above->parent) {
    if (above->record.type == kAe) return above->record.resource_id == originator;
  }
  return false;
}

bool AccessControl::Allows(absl::string_view originator, const Entry& entry, AccessOperation operation,
                           uint32_t child_type) const {
  if (originator == administrator_) return true;
  if (entry.record.type == kAe && entry.record.resource_id == originator) return true;
  if (entry.record.type == kAccessControlPolicy) {
    return AnyRule(originator, entry.Compiled<AccessRules>(ParseAccessRules).self_privileges, entry, operation,
                   child_type);
  }
  const Entry* governing = &entry;
  while (governing != nullptr && onem2m::Find(governing->record.attributes, "acpi") == nullptr) {
    governing = governing->parent;
    // Below a policy its selfPrivileges go on.
    if (governing != nullptr && governing->record.type == kAccessControlPolicy) {
      return OwnedBy(originator, entry) || Allows(originator, *governing, operation, child_type);
    }
  }
  if (governing != nullptr && ByPolicies(originator, *governing, entry, operation, child_type, false)) return true;
  if (governing == &entry) return false;
  if (entry.parent != nullptr) return OwnedBy(originator, entry);
  if (operation == kRetrieve || operation == kDiscover) return true;
  const bool for_registered =
      child_type == kAccessControlPolicy || child_type == kSubscription || child_type == kManagementCommand;
  if (operation != kCreate || !for_registered) return false;
  const Entry* application = tree_->FindById(originator);
  return application != nullptr && application->record.type == kAe;
}

bool AccessControl::AllowsPolicyChange(absl::string_view originator, const Entry& entry) const {
  if (originator == administrator_) return true;
  if (entry.record.type == kAe && entry.record.resource_id == originator) return true;
  const Entry* governing = &entry;
  while (governing != nullptr && onem2m::Find(governing->record.attributes, "acpi") == nullptr) {
    governing = governing->parent;
  }
  if (governing != nullptr && ByPolicies(originator, *governing, entry, kUpdate, 0, true)) return true;
  return governing != &entry && OwnedBy(originator, entry);
}

}  // namespace isthmus::synchronizer
