// Versions of LwM2M as devices tell them with their registration.
//
//   IsAtLeast("1.1", 1, 1)   // true
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_LWM2M_VERSION_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_LWM2M_VERSION_H_

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace isthmus::connector {

// "1.10" is later than "1.9"; what is no version is before all.
inline bool IsAtLeast(absl::string_view version, uint32_t major, uint32_t minor) {
  const size_t dot = version.find('.');
  uint32_t first = 0, second = 0;
  if (!absl::SimpleAtoi(version.substr(0, dot), &first)) return false;
  if (dot != absl::string_view::npos && !absl::SimpleAtoi(version.substr(dot + 1), &second)) return false;
  return first != major ? first > major : second >= minor;
}

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_LWM2M_VERSION_H_
