// Filter criteria (`fc`, TS-0004 7.3.3.17.0 and table 6.3.5.8-1): which resources match.
//
//   Filter filter;
//   RETURN_IF_REFUSED(filter.Parse(request.filter_criteria()));
//   if (filter.Matches(*entry)) ...
//
// Conditions of the same name are alternatives; conditions of different names are combined by `fo`.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_FILTER_FILTER_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_FILTER_FILTER_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/refusal.h"
#include "services/synchronizer/core/resource/resource_tree.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {

// Not thread-safe: one request, one filter.
class Filter {
 public:
  // 4000 for a condition that makes no sense, 5001 for one that is not built.
  Checked Parse(const onem2m::v1::FilterCriteria& criteria);
  bool Matches(const Entry& entry) const;
  // No condition: everything matches.
  bool empty() const { return conditions_.empty(); }
  // After Matches has seen the candidates: 4000 when a condition names an attribute that no resource type and no
  // candidate has.
  Checked CheckNames(const ResourceTables& tables) const;

 private:
  enum class Kind { kType, kLabel, kTime, kNumber, kAttribute, kParentType, kChildType, kParentLabel, kChildLabel };
  struct Condition {
    Kind kind = Kind::kAttribute;
    std::string name;        // as in the request
    std::string attribute;   // of the resource
    bool above = false;      // kTime, kNumber: the attribute is to be above the bound
    bool inclusive = false;  // or equal to it
    absl::Time time;
    int64_t number = 0;
    std::set<uint32_t> types;
    std::vector<std::string> texts;  // patterns
  };

  Checked ParseCondition(const onem2m::v1::Attribute& given);
  bool Holds(const Condition& condition, const Entry& entry) const;

  std::vector<Condition> conditions_;
  bool any_ = false;  // fo 2
  mutable std::set<std::string> seen_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_FILTER_FILTER_H_
