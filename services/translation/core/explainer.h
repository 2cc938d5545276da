// What TranslateRequest does with a request, in words: the mapping, the object, each operation with its resources,
// conversions and values, and what stays with the IN-CSE.
//
//   ASSIGN_OR_RETURN(const v1::ExplainResponse explained, Explain(table, request));
//   std::cout << explained.text();
//
// Pure function: thread-safe. INVALID_ARGUMENT as TranslateRequest has it, with `request.` before the field.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_EXPLAINER_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_EXPLAINER_H_

#include "absl/status/statusor.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

absl::StatusOr<v1::ExplainResponse> Explain(const MappingTable& table, const v1::ExplainRequest& request);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_EXPLAINER_H_
