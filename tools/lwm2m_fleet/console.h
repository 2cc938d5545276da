// Commands on a running fleet, a line each, for tests and people:
//
//   set NUMBER PATH VALUE     sets a resource, for example: set 0 /3/0/9 20
//   reboot NUMBER             restarts without de-registering
//   silence NUMBER on|off     no answers and no notifications any more
//   composites NUMBER answer|refuse|silence   what becomes of composite operations
//   deregister NUMBER         leaves the server for good
//   stats                     prints the counters
//   quit                      de-registers all and ends
//
// NUMBER is the one in the device's name (0 for a single device with a name of its own).
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_CONSOLE_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_CONSOLE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/lwm2m_fleet/fleet.h"

namespace isthmus::fleet {

// Not thread-safe.
class Console {
 public:
  // `fleet` must outlive it. `print` gets a line for each command: "ok: ..." or "error: ...".
  Console(Fleet* fleet, std::function<void(const std::string&)> print) : fleet_(fleet), print_(std::move(print)) {}

  // Octets as they came; commands end with a line feed.
  void Receive(absl::string_view octets);
  bool quit() const { return quit_; }

 private:
  absl::Status Run(absl::string_view line);

  Fleet* const fleet_;
  const std::function<void(const std::string&)> print_;
  std::string pending_;
  bool quit_ = false;
};

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_CONSOLE_H_
