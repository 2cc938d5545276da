// Any octets as the links of a registration and of a Discover answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "services/lib/lwm2m/codec/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace codec = isthmus::lwm2m::codec;
  const absl::string_view payload(reinterpret_cast<const char*>(data), size);
  const auto registration = codec::ParseRegistrationLinks(payload);
  if (registration.ok()) {
    for (const auto& link : registration->links) {
      if (link.path().has_resource_id()) std::abort();  // objects and instances only
    }
  }
  (void)codec::ParseDiscoverLinks(payload);
  (void)codec::ParseDiscoverLinks(payload, "/lwm2m");
  return 0;
}
