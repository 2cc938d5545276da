#include "services/synchronizer/core/address/address.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "isthmus/onem2m/v1/primitive.pb.h"

namespace isthmus::synchronizer {
namespace {

constexpr size_t kLongestName = 256;

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_'; }

Refusal Bad(absl::string_view to, absl::string_view why) {
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST, absl::StrCat("to '", to.substr(0, 300), "': ", why)};
}

Refusal NotHere(absl::string_view to, absl::string_view why) {
  return Refusal{onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND, absl::StrCat("to '", to.substr(0, 300), "': ", why)};
}

}  // namespace

AddressSpace::AddressSpace(std::string cse_id, std::string cse_name, std::string sp_id)
    : cse_id_(std::move(cse_id)), cse_name_(std::move(cse_name)), sp_id_(std::move(sp_id)) {}

Checked AddressSpace::Parse(absl::string_view to, Address* address) const {
  if (to.empty()) return Bad(to, "expected an address, got nothing");
  absl::string_view path = to;
  if (const size_t hash = path.find('#'); hash != absl::string_view::npos) {
    const absl::string_view attribute = path.substr(hash + 1);
    if (attribute.empty() || !std::all_of(attribute.begin(), attribute.end(), IsNameCharacter)) {
      return Bad(to, "expected an attribute's short name after '#'");
    }
    address->attribute.assign(attribute.data(), attribute.size());
    path = path.substr(0, hash);
  } else {
    address->attribute.clear();
  }
  if (absl::EndsWith(path, "/")) return Bad(to, "an address does not end in '/'");

  if (absl::ConsumePrefix(&path, "//")) {
    const size_t slash = path.find('/');
    const absl::string_view provider = path.substr(0, slash);
    if (slash == absl::string_view::npos) return Bad(to, "an absolute address names a CSE and a resource");
    if (provider != absl::string_view(sp_id_).substr(2)) {
      return NotHere(to, absl::StrCat("the service provider here is ", sp_id_));
    }
    path = path.substr(slash);
  }
  if (absl::ConsumePrefix(&path, "/")) {
    const size_t slash = path.find('/');
    const absl::string_view cse = path.substr(0, slash);
    if (cse != absl::string_view(cse_id_).substr(1)) {
      return NotHere(to, absl::StrCat("no CSE '/", cse, "' is reachable from ", cse_id_));
    }
    if (slash == absl::string_view::npos) {
      return Bad(to, absl::StrCat("a CSE-ID is no resource; the CSEBase is ", cse_id_, "/", cse_name_));
    }
    path = path.substr(slash + 1);
  }
  if (path.empty() || path.front() == '/' || absl::StrContains(path, "//")) return Bad(to, "an empty segment");
  const size_t slash = path.find('/');
  const absl::string_view first = path.substr(0, slash);
  address->structured = first == "-" || first == cse_name_;
  if (first == "-") {
    address->local = absl::StrCat(cse_name_, path.substr(1));
  } else {
    address->local.assign(path.data(), path.size());
  }
  return std::nullopt;
}

std::string AddressSpace::NormalizeOriginator(absl::string_view from) const {
  absl::string_view rest = from;
  if (absl::StartsWith(rest, absl::StrCat(sp_id_, "/"))) rest.remove_prefix(sp_id_.size());
  if (absl::string_view stem = rest; absl::ConsumePrefix(&stem, absl::StrCat(cse_id_, "/"))) {
    if (IsAeIdStem(stem)) return std::string(stem);
  }
  // `/Sabc`: AE-IDs that the service provider assigned are unique without a CSE-ID.
  if (absl::StartsWith(rest, "/S") && IsAeIdStem(rest.substr(1))) return std::string(rest.substr(1));
  return std::string(rest);
}

std::string AddressSpace::SpRelativeForm(absl::string_view normalized) const {
  if (normalized.empty() || normalized.front() == '/') return "";
  if (normalized.front() == 'S') return absl::StrCat("/", normalized);
  return absl::StrCat(cse_id_, "/", normalized);
}

bool IsResourceName(absl::string_view name) {
  return !name.empty() && name.size() <= kLongestName && absl::ascii_isalnum(name.front()) &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

std::string ToResourceName(absl::string_view text) {
  std::string name(text.substr(0, kLongestName - 16));
  for (char& c : name) {
    if (!IsNameCharacter(c)) c = '-';
  }
  if (name.empty() || !absl::ascii_isalnum(name.front())) name.insert(0, "n");
  return name;
}

bool IsAeIdStem(absl::string_view text) {
  return text.size() >= 2 && text.size() <= kLongestName && (text.front() == 'C' || text.front() == 'S') &&
         std::all_of(text.begin(), text.end(), IsNameCharacter);
}

}  // namespace isthmus::synchronizer
