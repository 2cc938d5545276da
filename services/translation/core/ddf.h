// Object definitions from OMA's XML form (DDF), as vendors and the OMA registry publish them.
//
//   ASSIGN_OR_RETURN(const std::vector<ParsedObject> objects, ParseDdf("3303.xml", text));
//
// The same definitions and the same checks as from the project's own form (parser.h). Files of the field are taken as
// they are where the meaning is clear: a version that is missing is that of the URN or else 1.0, a URN that is missing
// is the registry's, words count in any case. RangeEnumeration is free text; only what reads as an interval of whole
// numbers counts, of octets for a String.
//
// Free function without state: thread-safe. Source: LwM2M Core 1.1.1 annex D.1.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_DDF_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_DDF_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/translation/core/parsed_source.h"

namespace isthmus::translation {

// At least one object; INVALID_ARGUMENT with file, line, element and what was expected.
absl::StatusOr<std::vector<ParsedObject>> ParseDdf(const std::string& file, absl::string_view text);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_DDF_H_
