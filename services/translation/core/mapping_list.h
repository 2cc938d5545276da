// The mapping entries for people and tools: one per attribute, in the order of the tables.
//
// Pure function: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_MAPPING_LIST_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_MAPPING_LIST_H_

#include "absl/status/statusor.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// INVALID_ARGUMENT when there is no mapping of the root that was asked for.
absl::StatusOr<v1::ListMappingsResponse> ListMappings(const MappingTable& table,
                                                      const v1::ListMappingsRequest& request);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_MAPPING_LIST_H_
