// What the parts of the CSE share. Guarded by CseCore's mutex, but for what is never changed after the start.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_CONTEXT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_CONTEXT_H_

#include <string>
#include <utility>

#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/access/access_control.h"
#include "services/synchronizer/core/address/address.h"
#include "services/synchronizer/core/command/management_command.h"
#include "services/synchronizer/core/cse/cse_options.h"
#include "services/synchronizer/core/cse/effect_queue.h"
#include "services/synchronizer/core/id_source.h"
#include "services/synchronizer/core/ports.h"
#include "services/synchronizer/core/resource/resource_store.h"
#include "services/synchronizer/core/resource/resource_tree.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {

struct CseContext {
  CseContext(CseOptions given_options, ResourceStore* given_store, const Clock* given_clock, IdSource* given_ids)
      : options(std::move(given_options)), store(given_store), clock(given_clock), ids(given_ids) {}

  const CseOptions options;
  ResourceStore* const store;
  const Clock* const clock;
  IdSource* const ids;
  const ResourceTables& tables = ResourceTables::BuiltIn();
  const AddressSpace space{options.cse_id, options.cse_name, options.sp_id};
  ResourceTree tree;
  const AccessControl access{&tree, &space, options.admin_originator};
  EffectQueue effects;
  ManagementPort* management = nullptr;
  NotificationPort* notifications = nullptr;

  const ResourceTable& TableOf(const StoredResource& record) const { return tables.Of(record.type, record.root); }
  std::string ReferenceOf(const std::string& resource_id) const { return options.cse_id + "/" + resource_id; }
  // Where an address (of an attribute, for example nodeLink) points to; null = nowhere here.
  Entry* Resolve(const std::string& address) const {
    Address parsed;
    if (space.Parse(address, &parsed).has_value()) return nullptr;
    return tree.Find(parsed.local, parsed.structured);
  }
};

// Its data live on a device: <mgmtObj> with objectPaths.
bool IsOnDevice(const StoredResource& record);
// The resource for translation and the device side: what every <mgmtObj> has stands in fields of its own, and the
// attributes are those of its specialization. Kept with the entry until that changes.
const onem2m::v1::Resource& ResourceOf(const Entry& management_object);
// The same of one that is not among the resources.
onem2m::v1::Resource MakeResource(const StoredResource& record);
// What an <execInstance> below its <mgmtCmd> does.
ManagementCommand CommandOf(const Entry& execution);
// nodeID of the <node> above.
std::string NodeIdOf(const Entry& management_object);
// Who wants to hear of a <mgmtObj>: its <subscription> resources, and the executions that it carries out.
int SubscribersOf(const CseContext& context, const Entry& management_object);
// A NOTIFY primitive from this CSE.
onem2m::v1::RequestPrimitive MakeNotification(const CseContext& context, const std::string& target,
                                              onem2m::v1::Attribute content);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_CONTEXT_H_
