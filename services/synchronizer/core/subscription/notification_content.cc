#include "services/synchronizer/core/subscription/notification_content.h"

#include <utility>

#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

onem2m::v1::Attribute Notification(onem2m::v1::Object content) {
  onem2m::v1::Attribute notification;
  notification.set_name("m2m:sgn");
  *notification.mutable_value() = onem2m::Complex(std::move(content));
  return notification;
}

}  // namespace

onem2m::v1::Attribute EventContent(absl::string_view subscription_reference, EventType event, uint32_t content,
                                   const StoredResource& subject, const std::set<std::string>& changed) {
  onem2m::v1::Object representation;
  if (content == 3) {
    onem2m::Set(representation, "m2m:uri", onem2m::Text(subject.resource_id));
  } else if (content == 2) {
    onem2m::v1::Object attributes;
    for (const onem2m::v1::Attribute& attribute : subject.attributes.members()) {
      if (changed.count(attribute.name()) > 0) *attributes.add_members() = attribute;
    }
    onem2m::Set(representation, subject.root, onem2m::Complex(std::move(attributes)));
  } else {
    onem2m::Set(representation, subject.root, onem2m::Complex(subject.attributes));
  }
  onem2m::v1::Object notification_event;
  onem2m::Set(notification_event, "net", onem2m::Integer(event));
  onem2m::Set(notification_event, "rep", onem2m::Complex(std::move(representation)));
  onem2m::v1::Object notification;
  onem2m::Set(notification, "nev", onem2m::Complex(std::move(notification_event)));
  onem2m::Set(notification, "sur", onem2m::Text(subscription_reference));
  return Notification(std::move(notification));
}

onem2m::v1::Attribute VerificationContent(absl::string_view subscription_reference, absl::string_view creator) {
  onem2m::v1::Object notification;
  onem2m::Set(notification, "vrq", onem2m::Boolean(true));
  onem2m::Set(notification, "sur", onem2m::Text(subscription_reference));
  onem2m::Set(notification, "cr", onem2m::Text(creator));
  return Notification(std::move(notification));
}

onem2m::v1::Attribute DeletionContent(absl::string_view subscription_reference) {
  onem2m::v1::Object notification;
  onem2m::Set(notification, "sud", onem2m::Boolean(true));
  onem2m::Set(notification, "sur", onem2m::Text(subscription_reference));
  return Notification(std::move(notification));
}

}  // namespace isthmus::synchronizer
