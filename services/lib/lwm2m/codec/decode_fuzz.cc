// Any octets as an answer in one payload format: FUZZ_FORMAT is its Content-Format.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace lwm2m = isthmus::lwm2m;
  const absl::string_view payload(reinterpret_cast<const char*>(data), size);
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  for (const char* text : {"/", "/3", "/3/0", "/3/0/9", "/3/0/7/1"}) {
    const lwm2m::v1::Path path = *lwm2m::ParsePath(text);
    for (const char* root_path : {"", "/3", "/lwm2m"}) {
      const auto nodes = lwm2m::codec::Decode(FUZZ_FORMAT, payload, path, now, root_path);
      if (!nodes.ok()) continue;
      for (const lwm2m::v1::Node& node : *nodes) {
        if (!lwm2m::Contains(path, node.path())) std::abort();  // what codec.h promises
      }
    }
  }
  const auto paths = lwm2m::codec::DecodePaths(FUZZ_FORMAT, payload);
  if (paths.ok() &&
      lwm2m::codec::DecodePaths(FUZZ_FORMAT, *lwm2m::codec::EncodePaths(FUZZ_FORMAT, *paths))->size() != paths->size())
    std::abort();
  return 0;
}
