// Whom a notificationURI means (TS-0001 9.6.8, TS-0004 7.5.1.2.2): by whatever address an AE is named, its
// notifications go to its AE-ID.
//
//   ResolveTarget("cse-in/Cmon", "CAdmin", tree, space, &target);        // target == "ae:Cmon"
//   ResolveTarget("mqtt://host/noti?ct=json", "CAdmin", tree, space, &target);   // "mqtt://host/noti"
//   ResolveTarget("mqtt://host/noti?ct=cbor", "CAdmin", tree, space, &target);   // "mqtt://host/noti?ct=cbor"
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_NOTIFICATION_TARGET_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_NOTIFICATION_TARGET_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/synchronizer/core/address/address.h"
#include "services/synchronizer/core/refusal.h"
#include "services/synchronizer/core/resource/resource_tree.h"

namespace isthmus::synchronizer {

// `target` is `ae:` and the AE-ID of an AE that is registered here, or the AE-ID of one that is not, or an SP-relative
// ID of another CSE's, or an MQTT URL, with a `ct` when that is not JSON. 4000 for what can never be notified, this CSE
// itself included.
Checked ResolveTarget(absl::string_view uri, absl::string_view originator, const ResourceTree& tree,
                      const AddressSpace& space, std::string* target);

// Where to send now: without `ae:`; empty when the AE has gone since.
std::string ReachableTarget(absl::string_view target, const ResourceTree& tree);

// The serialisation in which a reachable target takes requests: `json`, `cbor` or `xml`, by the contentSerialization of
// an AE that is registered here; JSON where it lists that. Empty when nothing says.
std::string SerializationOf(absl::string_view target, const ResourceTree& tree);

// True for MQTT URLs: nobody answers there.
bool IsUrl(absl::string_view target);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_SUBSCRIPTION_NOTIFICATION_TARGET_H_
