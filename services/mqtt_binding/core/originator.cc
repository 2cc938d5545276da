#include "services/mqtt_binding/core/originator.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/mqtt_binding/core/topic.h"

namespace isthmus::mqtt_binding {
namespace {

// An AE-ID-Stem starts with C or S (TS-0001 7.2); a CSE segment is told from it by that, and by having no ':'.
bool LooksLikeAe(absl::string_view segment) {
  return absl::StartsWith(segment, "C") || absl::StartsWith(segment, "S") || absl::StrContains(segment, ":");
}

bool Matches(absl::string_view segment, absl::string_view from, absl::string_view cse_segment) {
  if (ToSegment(from) == segment) return true;
  if (!absl::StartsWith(from, "/")) return segment == absl::StrCat(cse_segment, ":", from);
  absl::string_view sp_relative = from;
  if (absl::StartsWith(from, "//")) {
    const size_t end = from.find('/', 2);
    if (end == absl::string_view::npos) return false;
    sp_relative = from.substr(end);
    if (ToSegment(sp_relative) == segment) return true;
  }
  const size_t slash = sp_relative.find('/', 1);
  if (slash == absl::string_view::npos) return false;
  const absl::string_view cse = sp_relative.substr(1, slash - 1);
  const absl::string_view stem = sp_relative.substr(slash + 1);
  if (cse == cse_segment) return segment == stem;
  return segment == cse || !LooksLikeAe(segment);
}

}  // namespace

OriginatorVerdict CheckOriginator(absl::string_view segment, absl::string_view from, absl::string_view cse_segment) {
  using onem2m::v1::ResponseStatusCode;
  if (from.empty()) return {ResponseStatusCode::RESPONSE_STATUS_CODE_BAD_REQUEST, "fr is missing"};
  if (segment == cse_segment) {
    return {ResponseStatusCode::RESPONSE_STATUS_CODE_SECURITY_ASSOCIATION_REQUIRED,
            absl::StrCat("the topic's originator '", segment, "' is this CSE itself")};
  }
  if (Matches(segment, from, cse_segment)) return {};
  if (absl::StartsWith(from, "/") || absl::StartsWith(from, "C") || absl::StartsWith(from, "S")) {
    return {ResponseStatusCode::RESPONSE_STATUS_CODE_ORIGINATOR_NOT_AUTHENTICATED,
            absl::StrCat("fr '", from, "' is not the originator '", segment, "' of the topic")};
  }
  return {ResponseStatusCode::RESPONSE_STATUS_CODE_BAD_REQUEST,
          absl::StrCat("fr '", from, "' is neither an AE-ID-Stem (C... or S...) nor an SP-relative ID (/...)")};
}

}  // namespace isthmus::mqtt_binding
