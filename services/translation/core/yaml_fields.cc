#include "services/translation/core/yaml_fields.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "services/translation/core/definition_rules.h"

namespace isthmus::translation {
namespace {

std::optional<Interval> ParseInterval(absl::string_view text) {
  Interval interval;
  const std::vector<absl::string_view> ends = absl::StrSplit(text, absl::MaxSplits("..", 1));
  const bool single = ends.size() == 1;
  if (single && ends[0].empty()) return std::nullopt;
  if (!ends[0].empty() && !absl::SimpleAtoi(ends[0], &interval.first)) return std::nullopt;
  if (single) {
    interval.last = interval.first;
  } else if (!ends[1].empty() && !absl::SimpleAtoi(ends[1], &interval.last)) {
    return std::nullopt;
  }
  if (interval.first > interval.last) return std::nullopt;
  return interval;
}

}  // namespace

std::optional<Interval> ReadInterval(const YamlValue& value) {
  if (!value.present()) return std::nullopt;
  std::optional<Interval> interval = ParseInterval(value.Text());
  if (!interval.has_value()) value.Fail("a number, or an interval as 0..100 or 2..");
  return interval;
}

std::string ReadObjectUrn(const YamlValue& value, uint32_t* object_id) {
  const std::string urn = value.Text();
  const std::optional<DefinitionUrn> parsed = ParseObjectUrn(urn);
  if (!parsed.has_value() || !parsed->version.empty()) {
    if (value.present()) value.Fail("urn:oma:lwm2m:<class>:<object id> without a version");
    return urn;
  }
  *object_id = parsed->object_id;
  return parsed->base;
}

}  // namespace isthmus::translation
