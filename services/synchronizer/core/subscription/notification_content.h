// What a notification says (TS-0004 6.3.5.13, 7.5.1.2): the content of its primitive.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_NOTIFICATION_CONTENT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_NOTIFICATION_CONTENT_H_

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/resource/resource_store.h"
#include "services/synchronizer/core/subscription/subscription_rules.h"

namespace isthmus::synchronizer {

// {m2m:sgn: {nev: {net, rep}, sur}}. `subject` is the resource itself, or the child that came or went. `content` is
// notificationContentType; `changed` are the attributes of content 2.
onem2m::v1::Attribute EventContent(absl::string_view subscription_reference, EventType event, uint32_t content,
                                   const StoredResource& subject, const std::set<std::string>& changed);

// {m2m:sgn: {vrq: true, sur, cr}}.
onem2m::v1::Attribute VerificationContent(absl::string_view subscription_reference, absl::string_view creator);

// {m2m:sgn: {sud: true, sur}}.
onem2m::v1::Attribute DeletionContent(absl::string_view subscription_reference);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_NOTIFICATION_CONTENT_H_
