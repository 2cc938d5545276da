// One YAML text (data/README.md) -> object definitions or one mapping.
//
//   ASSIGN_OR_RETURN(const ParsedSource parsed, ParseYaml("battery.yaml", text));
//
// Free function without state: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_PARSER_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_PARSER_H_

#include <string>

#include "absl/status/statusor.h"
#include "services/translation/core/parsed_source.h"

namespace isthmus::translation {

// INVALID_ARGUMENT with file, line, key and what was expected.
absl::StatusOr<ParsedSource> ParseYaml(const std::string& file, const std::string& text);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_PARSER_H_
