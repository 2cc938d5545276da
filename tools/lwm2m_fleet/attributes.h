// Notification attributes (LwM2M Core 5.1.2) of a device, as its server sets them with Write-Attributes.
//
//   AttributeTable table;
//   const coap::Code code = table.Write(path, {"pmin=10", "gt=50"});   // 204
//   table.Effective(lwm2m::MakePath(3, 0, 9));                         // with what instance and object say
//
// Not thread-safe.
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_ATTRIBUTES_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_ATTRIBUTES_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/lib/coap/message.h"

namespace isthmus::fleet {

namespace v1 = ::isthmus::lwm2m::v1;

class AttributeTable {
 public:
  // Each query is `name=value`, or `name` alone to take the attribute away. 204; 400 when one is not known, is no
  // number, or gt, lt and st contradict each other: nothing is changed then.
  coap::Code Write(const v1::Path& path, const std::vector<std::string>& queries);
  // What was set at `path` itself.
  v1::NotificationAttributes Own(const v1::Path& path) const;
  // A pmax below pmin does not count.
  v1::NotificationAttributes Effective(const v1::Path& path) const;
  void Clear() { by_path_.clear(); }

 private:
  std::map<std::vector<uint32_t>, v1::NotificationAttributes> by_path_;
};

// ";pmin=10;gt=50", as Discover shows them.
std::string AttributesToText(const v1::NotificationAttributes& attributes);

// A change from `last` to `current` is worth a notification by gt, lt and st; always, when none of them is set.
bool IsWorthTelling(const v1::NotificationAttributes& attributes, std::optional<double> last,
                    std::optional<double> current);

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_ATTRIBUTES_H_
