// What holds for the numbers and names of an object definition, whatever the form of the file that carries it.
//
//   CanonicalVersion("1.10")                        -> "1.10"
//   CanonicalVersion("v1")                          -> nullopt
//   ParseObjectUrn("urn:oma:lwm2m:ext:3303:1.1")    -> {"urn:oma:lwm2m:ext:3303", 3303, "1.1"}
//
// Free functions without state: thread-safe. Source: LwM2M Core 6.2 (versions), 7.2; OMNA registry (classes of URNs).
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_DEFINITION_RULES_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_DEFINITION_RULES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// Of objects, instances and resources.
constexpr int64_t kMaxId = 65535;

// "1.1"; nullopt for what is not two numbers with a dot. "01.1" is "1.1", so that equal versions are equal texts.
std::optional<std::string> CanonicalVersion(absl::string_view text);

struct DefinitionUrn {
  std::string base;  // without the version
  uint32_t object_id = 0;
  std::string version;  // canonical; "" when the URN names none
};
// urn:oma:lwm2m:<class>:<object id>[:<version>].
std::optional<DefinitionUrn> ParseObjectUrn(absl::string_view text);

// The URN that the registry gives to an object of this id.
std::string RegistryUrn(uint32_t object_id);

struct OperationSet {
  bool read = false;
  bool write = false;
  bool execute = false;
};
// Any of the letters R, W, E; nullopt when there is another one.
std::optional<OperationSet> ParseOperations(absl::string_view letters);

// Puts them in the order of their ids.
void SortResources(ObjectDefinition* object);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_DEFINITION_RULES_H_
