// Object definitions in our YAML form (data/README.md): one object, or many that share their resources.
//
//   if (IsObjectFile(root)) objects = ReadObjects(root);
//   RETURN_IF_ERROR(document.status());
//
// Free functions without state.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_OBJECT_PARSER_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_OBJECT_PARSER_H_

#include <vector>

#include "services/translation/core/parsed_source.h"
#include "services/translation/core/yaml_reader.h"

namespace isthmus::translation {

bool IsObjectFile(const YamlValue& root);

// What does not hold is an error of the document; the result counts only without one.
std::vector<ParsedObject> ReadObjects(const YamlValue& root);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_OBJECT_PARSER_H_
