// What one file of mapping data holds, checked in itself. Whether it fits the rest is for loader.h.
//
// Plain values.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_PARSED_SOURCE_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_PARSED_SOURCE_H_

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// A mapping, and where its parts stand ("battery.yaml:12"), for messages of later checks.
struct ParsedMapping {
  ResourceMapping mapping;
  std::string where;
  std::map<std::string, std::string> attribute_where;  // by short name
};

struct ParsedObject {
  ObjectDefinition object;
  std::string where;
};

// Object definitions, none of them twice, or one mapping.
using ParsedSource = std::variant<std::vector<ParsedObject>, ParsedMapping>;

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_PARSED_SOURCE_H_
