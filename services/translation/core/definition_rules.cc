#include "services/translation/core/definition_rules.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace isthmus::translation {
namespace {

// Digits only: SimpleAtoi alone takes signs and blanks as well.
std::optional<uint32_t> ParseNumber(absl::string_view text, uint32_t maximum) {
  uint32_t number = 0;
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      !absl::SimpleAtoi(text, &number) || number > maximum) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::optional<std::string> CanonicalVersion(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('.', 2));
  if (parts.size() != 2) return std::nullopt;
  const std::optional<uint32_t> major = ParseNumber(parts[0], kMaxId);
  const std::optional<uint32_t> minor = ParseNumber(parts[1], kMaxId);
  if (!major.has_value() || !minor.has_value()) return std::nullopt;
  return absl::StrCat(*major, ".", *minor);
}

std::optional<DefinitionUrn> ParseObjectUrn(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 6));
  if (parts.size() != 5 && parts.size() != 6) return std::nullopt;
  if (parts[0] != "urn" || parts[1] != "oma" || parts[2] != "lwm2m" || parts[3].empty()) return std::nullopt;
  const std::optional<uint32_t> id = ParseNumber(parts[4], kMaxId);
  if (!id.has_value()) return std::nullopt;
  DefinitionUrn urn;
  urn.base = absl::StrCat("urn:oma:lwm2m:", parts[3], ":", *id);
  urn.object_id = *id;
  if (parts.size() == 6) {
    const std::optional<std::string> version = CanonicalVersion(parts[5]);
    if (!version.has_value()) return std::nullopt;
    urn.version = *version;
  }
  return urn;
}

std::string RegistryUrn(uint32_t object_id) {
  const char* label = object_id < 1024 ? "oma" : object_id >= 2048 && object_id <= 10240 ? "ext" : "x";
  return absl::StrCat("urn:oma:lwm2m:", label, ":", object_id);
}

std::optional<OperationSet> ParseOperations(absl::string_view letters) {
  OperationSet set;
  for (const char letter : letters) {
    if (letter == 'R')
      set.read = true;
    else if (letter == 'W')
      set.write = true;
    else if (letter == 'E')
      set.execute = true;
    else
      return std::nullopt;
  }
  return set;
}

void SortResources(ObjectDefinition* object) {
  std::stable_sort(object->resources.begin(), object->resources.end(),
                   [](const ResourceDefinition& a, const ResourceDefinition& b) { return a.id < b.id; });
}

}  // namespace isthmus::translation
