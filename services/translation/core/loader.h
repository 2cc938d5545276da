// Mapping tables and object definitions from YAML texts and object definitions from XML ones (data/README.md), built-in
// and mounted ones alike.
//
//   const LoadResult loaded = Load(BuiltInSources(), mounted);
//   for (const std::string& problem : loaded.problems) log::Error(problem);   // "my.yaml:7: key 'type': expected ..."
//   Translate(*loaded.table, ...);
//
// A source is taken whole or not at all: one that is wrong in itself, or does not fit what is loaded before it, is left
// out and named in `problems`; all others serve. Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_LOADER_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_LOADER_H_

#include <memory>
#include <string>
#include <vector>

#include "services/translation/core/mapping_table.h"

namespace isthmus::translation {

// The text of one file.
struct Source {
  std::string name;  // as messages call it; ends in .xml of a definition in OMA's form
  std::string text;

  bool operator==(const Source& other) const { return name == other.name && text == other.text; }
};

struct LoadResult {
  std::shared_ptr<const MappingTable> table;  // never null
  std::vector<std::string> problems;          // one per refused source
};

// Object definitions are applied before mappings, whatever the order of the sources. A mounted definition replaces the
// built-in one of the same object and version, one of YAML that of XML; two of the same form that differ are a
// contradiction, and the later one is refused. Later mappings add to earlier ones or replace their attributes.
LoadResult Load(const std::vector<Source>& built_in, const std::vector<Source>& mounted);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_LOADER_H_
