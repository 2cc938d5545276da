// A registered device as the parts of the connector hand it to each other.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_DEVICE_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_DEVICE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::connector {

// Immutable once shared: each change of a registration makes a new one.
struct Device {
  lwm2m::v1::Registration registration;
  // Content-Formats that the device said it speaks (`ct` of its root link); empty = it did not say.
  std::vector<uint32_t> content_formats;

  const std::string& endpoint() const { return registration.endpoint(); }
  const std::string& address() const { return registration.address(); }
};
using DevicePtr = std::shared_ptr<const Device>;

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_DEVICE_H_
