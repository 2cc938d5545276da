// Any octets as a mounted file, beside a definition and a mapping that hold: whatever it is, they still serve.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "services/lib/utf8/utf8.h"
#include "services/translation/core/loader.h"

namespace {

// Few octets, and most of them XML: the time is for the file that is tried.
constexpr char kObject[] = R"(<LWM2M><Object><Name>Pump</Name><ObjectID>34120</ObjectID>
<MultipleInstances>Multiple</MultipleInstances><Resources>
<Item ID="0"><Name>Speed</Name><Operations>RW</Operations><Type>Integer</Type></Item>
<Item ID="1"><Name>Note</Name><Operations>RW</Operations><Type>String</Type></Item>
<Item ID="2"><Name>Start</Name><Operations>E</Operations><Type/></Item></Resources></Object></LWM2M>)";

constexpr char kMapping[] = R"(mapping: pump
mgmtDefinition: 0
root: acme:pump
object: urn:oma:lwm2m:x:34120
clause: "4"
attributes: [{short: spd, long: speed, resource: 0, access: read-write, type: unsigned}]
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace isthmus::translation;  // NOLINT: a program of its own
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::vector<Source> built_in = {{"object.xml", kObject}, {"mapping.yaml", kMapping}};
  const LoadResult loaded = Load(built_in, {{FUZZ_FILE, text}});
  if (loaded.problems.size() > 1) std::abort();
  for (const std::string& problem : loaded.problems) {
    if (!isthmus::IsUtf8(problem) || !absl::StartsWith(problem, FUZZ_FILE ":")) std::abort();
  }
  const ResourceMapping* mapping = loaded.table->FindMapping("acme:pump");
  if (mapping == nullptr || mapping->Find("spd") == nullptr) std::abort();
  if (loaded.table->FindObject(34120, "1.0") == nullptr) std::abort();
  for (const ObjectDefinition& object : loaded.table->objects()) {
    if (loaded.table->FindObject(object.id, object.version) != &object) std::abort();
  }
  for (const ResourceMapping& other : loaded.table->mappings()) {
    if (!isthmus::IsUtf8(other.name)) std::abort();
    if (loaded.table->FindObject(other.object_id, "") == nullptr) std::abort();
  }
  return 0;
}
