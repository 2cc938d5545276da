// oneM2M request on a <mgmtObj> -> LwM2M operations, in order, with what must hold before each.
//
//   UPDATE {m2m:fwr: {url: "coap://...", ud: true}} of /5/0
//     Write /5/0/1, then, once /5/0/3 is 2 (firmware downloaded), Execute /5/0/2
//   UPDATE {m2m:dvi: {syst: "20231128T120000"}} of /3/0
//     Write /3/0/13, then Read /3/0/13 (what the device made of it)
//
// Pure function: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_REQUEST_TRANSLATOR_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_REQUEST_TRANSLATOR_H_

#include "absl/status/statusor.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// A plan or a refusal. INVALID_ARGUMENT names the field that makes no sense.
absl::StatusOr<v1::TranslateRequestResponse> TranslateRequest(const MappingTable& table,
                                                              const v1::TranslateRequestRequest& request);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_REQUEST_TRANSLATOR_H_
