#include "services/translation/core/notification_translator.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/invalid_field.h"
#include "services/translation/core/reading.h"
#include "services/translation/core/target.h"

namespace isthmus::translation {

absl::StatusOr<v1::TranslateNotificationResponse> TranslateNotification(
    const MappingTable& table, const v1::TranslateNotificationRequest& request) {
  v1::TranslateNotificationResponse response;
  response.set_mapping_version(table.version());
  if (!request.observed_path().has_object_id()) {
    return status::InvalidField("observed_path", status::FieldReason::kMissing,
                                "expected an object, instance, resource or resource instance");
  }
  for (int i = 0; i < request.nodes_size(); ++i) {
    const lwm2m::v1::Node& node = request.nodes(i);
    if (!node.path().has_resource_id()) {
      return status::InvalidField(absl::StrCat("nodes[", i, "].path"), status::FieldReason::kMalformed,
                                  absl::StrCat("expected a resource, got ", lwm2m::PathToString(node.path())));
    }
    if (node.value().kind_case() == lwm2m::v1::Value::KIND_NOT_SET) {
      return status::InvalidField(absl::StrCat("nodes[", i, "].value"), status::FieldReason::kMissing, "missing");
    }
    if (!lwm2m::Contains(request.observed_path(), node.path())) {
      response.add_problems(absl::StrCat(lwm2m::PathToString(node.path()), " is not below the observed path ",
                                         lwm2m::PathToString(request.observed_path())));
    }
  }
  for (int i = 0; i < request.resources_size(); ++i) {
    const v1::NotifiedResource& notified = request.resources(i);
    absl::StatusOr<Target> target = Locate(table, notified.resource(), absl::StrCat("resources[", i, "].resource"));
    if (!target.ok()) {
      if (StatusCodeOfLocate(target.status()) == 0) return target.status();
      continue;
    }
    target->AdmitNodes(request.nodes());
    Reading reading =
        ReadAttributes(*target, notified.resource().attributes(), request.observed_path(), request.nodes());
    for (Reading::Problem& problem : reading.problems) response.add_problems(std::move(problem.text));
    // A status that stays is no change: the caller may have moved its own on while this was asked.
    const onem2m::v1::Object& kept = notified.resource().attributes();
    reading.attributes.erase(std::remove_if(reading.attributes.begin(), reading.attributes.end(),
                                            [&](const onem2m::v1::Attribute& attribute) {
                                              const onem2m::v1::Value* before = onem2m::Find(kept, attribute.name());
                                              return target->mapping->Find(attribute.name())->is_status() &&
                                                     before != nullptr && onem2m::Equal(*before, attribute.value());
                                            }),
                             reading.attributes.end());
    if (reading.attributes.empty()) continue;
    v1::ResourceChange* change = response.add_changes();
    change->set_id(notified.id());
    change->mutable_attributes()->Swap(&reading.attributes);
  }
  return response;
}

}  // namespace isthmus::translation
