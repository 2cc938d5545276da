// m2m:actionStatus from what a device says about a state machine of its own (firmware, software), by the rules of a
// mapping entry.
//
//   // State 0 and Result 1 while the kept status is {acn: "ud", sus: 3}: the update succeeded.
//   EvaluateStatus(conversion, {0, 1, kept})  ->  {acn: "ud", sus: 1}
//
// The service keeps nothing: what went before is in the kept attribute, which is why it is an input. Pure functions.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_ACTION_STATUS_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_ACTION_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

struct StatusInput {
  std::optional<int64_t> state;  // absent: not told
  std::optional<int64_t> result;
  const onem2m::v1::Value* kept = nullptr;  // the attribute as it is kept; null: there is none
};

// The first rule that matches; without one, what is kept.
onem2m::v1::Value EvaluateStatus(const StatusConversion& conversion, const StatusInput& input);

onem2m::v1::Value MakeStatus(absl::string_view action, int64_t status);
// `sus` and `acn` of an attribute; 0 and "" when it is null or says nothing.
int64_t StatusOf(const onem2m::v1::Value* attribute);
std::string ActionOf(const onem2m::v1::Value* attribute);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_ACTION_STATUS_H_
