// Values that several of our YAML files have: words of a vocabulary, intervals, URNs of objects.
//
//   attribute.range = ReadInterval(value.At("range"));   // "0..100"
//
// What does not hold is an error of the value's document. Free functions without state.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_YAML_FIELDS_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_YAML_FIELDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "services/translation/core/mapping_table.h"
#include "services/translation/core/yaml_reader.h"

namespace isthmus::translation {

// A word of a fixed vocabulary.
template <typename T>
T Choose(const YamlValue& value, const std::vector<std::pair<const char*, T>>& words) {
  const std::string text = value.Text();
  for (const auto& [word, meaning] : words) {
    if (text == word) return meaning;
  }
  if (value.present()) {
    value.Fail(absl::StrJoin(words, ", ", [](std::string* out, const auto& word) { out->append(word.first); }));
  }
  return words.front().second;
}

// "7", "0..100", "2..", "..5"; nullopt when the value is absent or is none.
std::optional<Interval> ReadInterval(const YamlValue& value);

// "urn:oma:lwm2m:oma:3", whose last part is `object_id`.
std::string ReadObjectUrn(const YamlValue& value, uint32_t* object_id);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_YAML_FIELDS_H_
