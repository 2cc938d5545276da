// One YAML text -> one object definition or one mapping, checked in itself. Whether it fits the rest is for loader.h.
//
//   ASSIGN_OR_RETURN(const ParsedSource parsed, ParseSource("battery.yaml", text));
//
// Free function without state: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_PARSER_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_PARSER_H_

#include <map>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
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

using ParsedSource = std::variant<ParsedObject, ParsedMapping>;

// INVALID_ARGUMENT with file, line, key and what was expected.
absl::StatusOr<ParsedSource> ParseSource(const std::string& file, const std::string& text);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_PARSER_H_
