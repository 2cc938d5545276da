// Any octets as a file of object definitions in OMA's form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "services/lib/utf8/utf8.h"
#include "services/translation/core/ddf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isthmus;  // NOLINT: a program of its own
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto objects = translation::ParseDdf("x.xml", text);
  if (!objects.ok()) {
    // A refusal can be shown and says where.
    const absl::string_view message = objects.status().message();
    if (!IsUtf8(message) || !absl::StartsWith(message, "x.xml:")) std::abort();
    return 0;
  }
  if (objects->empty()) std::abort();
  for (const translation::ParsedObject& parsed : *objects) {
    const translation::ObjectDefinition& object = parsed.object;
    if (!IsUtf8(object.name) || object.name.empty() || object.id > 65535) std::abort();
    for (const translation::ResourceDefinition& resource : object.resources) {
      if (!IsUtf8(resource.name) || !IsUtf8(resource.unit)) std::abort();
      if (object.Find(resource.id) != &resource) std::abort();  // in order, and each once
      const bool has_value = resource.readable || resource.writable;
      if (has_value && resource.type == lwm2m::ResourceType::kNone) std::abort();
      if (resource.range.has_value() && resource.range->first > resource.range->last) std::abort();
    }
  }
  return 0;
}
