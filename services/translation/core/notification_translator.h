// Values that came by themselves -> new attribute values of the resources that they touch.
//
//   /3/0/9 = 60 came, resources: battery and deviceInfo of /3/0  ->  battery: {btl: 60}
//
// Pure function: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_NOTIFICATION_TRANSLATOR_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_NOTIFICATION_TRANSLATOR_H_

#include "absl/status/statusor.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// Resources that have no mapping, or none of these values, are not in the answer. INVALID_ARGUMENT names the field that
// makes no sense.
absl::StatusOr<v1::TranslateNotificationResponse> TranslateNotification(
    const MappingTable& table, const v1::TranslateNotificationRequest& request);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_NOTIFICATION_TRANSLATOR_H_
