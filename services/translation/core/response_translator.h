// Results of a plan -> oneM2M answer, and attributes as they are on the device now.
//
//   Read /3/0 answered 2.05 {9: 80, 20: 1}            ->  2000, {btl: 80, bts: 2}
//   Write /3/0/13 answered 4.05 "read only"           ->  4005, "device answered 4.05 Method Not Allowed to Write ..."
//
// Pure function: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_RESPONSE_TRANSLATOR_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_RESPONSE_TRANSLATOR_H_

#include "absl/status/statusor.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// INVALID_ARGUMENT names the field that makes no sense.
absl::StatusOr<v1::TranslateResponseResponse> TranslateResponse(const MappingTable& table,
                                                                const v1::TranslateResponseRequest& request);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_RESPONSE_TRANSLATOR_H_
