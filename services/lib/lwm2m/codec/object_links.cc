// Objects and instances out of link format: the second half of codec.h.
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/link_format.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::lwm2m::codec {
namespace {

constexpr size_t kMostWarnings = 16;

bool IsDigits(absl::string_view text, size_t most) {
  if (text.empty() || text.size() > most) return false;
  return text.find_first_not_of("0123456789") == absl::string_view::npos;
}

// "1.2".
bool IsVersion(absl::string_view text) {
  const size_t point = text.find('.');
  return point != absl::string_view::npos && IsDigits(text.substr(0, point), 4) && IsDigits(text.substr(point + 1), 4);
}

bool IsRoot(const RawLink& link) {
  for (const LinkAttribute& attribute : link.attributes) {
    if (attribute.name != "rt") continue;
    for (const absl::string_view type : absl::StrSplit(attribute.value, ' ')) {
      if (type == "oma.lwm2m") return true;
    }
  }
  return false;
}

class LinkReader {
 public:
  // `deepest`: how many levels of a path are kept.
  explicit LinkReader(size_t deepest) : deepest_(deepest) {}

  absl::Status Scan(absl::string_view payload) {
    LinkScanner scanner(payload);
    RawLink link;
    while (true) {
      ASSIGN_OR_RETURN(const bool found, scanner.Next(&link));
      if (!found) break;
      raw_.push_back(std::move(link));
      link = RawLink();
    }
    if (scanner.empty_links() > 0) Warn(absl::StrCat(scanner.empty_links(), " empty links"));
    return absl::OkStatus();
  }

  // The link with rt="oma.lwm2m" names the root, else "/" is it.
  absl::Status FindRoot() {
    for (size_t i = 0; i < raw_.size() && !root_.has_value(); ++i) {
      if (IsRoot(raw_[i])) root_ = i;
    }
    for (size_t i = 0; i < raw_.size() && !root_.has_value(); ++i) {
      if (raw_[i].target == "/" || raw_[i].target.empty()) root_ = i;
    }
    if (!root_.has_value()) return absl::OkStatus();
    const RawLink& link = raw_[*root_];
    absl::string_view path = link.target;
    while (absl::ConsumeSuffix(&path, "/")) {
    }
    if (!path.empty() && path.front() != '/') {
      return Refuse(link, absl::StrCat("the root ", Excerpt(path), " is not absolute"));
    }
    if (!IsUtf8(path)) return Refuse(link, absl::StrCat("the root ", Excerpt(path), " is not valid UTF-8"));
    SetRoot(path);
    ReadContentFormats(link);
    return absl::OkStatus();
  }

  void SetRoot(absl::string_view path) { links_.root_path = std::string(path); }

  absl::Status ReadPaths() {
    for (size_t i = 0; i < raw_.size(); ++i) {
      if (i != root_) RETURN_IF_ERROR(ReadPath(raw_[i]));
    }
    return absl::OkStatus();
  }

  Links Take() {
    if (unheard_warnings_ > 0) links_.warnings.push_back(absl::StrCat("and ", unheard_warnings_, " more"));
    return std::move(links_);
  }

 private:
  absl::Status ReadPath(const RawLink& link) {
    absl::string_view target = link.target;
    const std::string& root = links_.root_path;
    if (!root.empty()) {
      if (!absl::ConsumePrefix(&target, root) || (!target.empty() && target.front() != '/')) {
        Warn(absl::StrCat(Excerpt(link.target), " lies outside of the root ", Excerpt(root)));
        return absl::OkStatus();
      }
    }
    if (target.empty() || target == "/") {
      Warn("the root occurs twice");
      return absl::OkStatus();
    }
    if (target.find_first_not_of("0123456789/") != absl::string_view::npos) {
      Warn(absl::StrCat(Excerpt(link.target), " is not a LwM2M path"));
      return absl::OkStatus();
    }
    std::string text(target);
    if (text.front() != '/') {
      Warn(absl::StrCat(Excerpt(link.target), " lacks its leading '/'"));
      text.insert(0, 1, '/');
    }
    if (text.size() > 1 && text.back() == '/') {
      Warn(absl::StrCat(Excerpt(link.target), " ends with '/'"));
      text.pop_back();
    }
    const absl::StatusOr<v1::Path> path = ParsePath(text);
    if (!path.ok()) return Refuse(link, path.status().message());

    std::vector<uint32_t> levels = Levels(*path);
    const bool deeper = levels.size() > deepest_;
    if (deeper) levels.resize(deepest_);
    const v1::Path kept = MakePath(levels);
    const std::string* version = nullptr;
    std::optional<uint32_t> dimension;
    for (const LinkAttribute& attribute : link.attributes) {
      if (attribute.name == "ver") version = &attribute.value;
      if (attribute.name == "dim" && !deeper) dimension = ReadDimension(link, attribute.value);
    }
    // What an instance says about its version is its object's: the object has to be there before it.
    if (version != nullptr) SetVersion(link, kept.object_id(), *version);
    v1::ObjectLink* object_link = LinkAt(kept);
    if (dimension.has_value()) object_link->set_dimension(*dimension);
    return absl::OkStatus();
  }

  void SetVersion(const RawLink& link, uint32_t object, const std::string& version) {
    if (!IsVersion(version)) {
      Warn(absl::StrCat(Excerpt(link.target), " has the version ", Excerpt(version), ", which is none"));
      return;
    }
    v1::ObjectLink* object_link = LinkAt(MakePath(object));
    if (object_link->version().empty()) object_link->set_version(version);
    if (object_link->version() != version) {
      Warn(absl::StrCat(Excerpt(link.target), " has version ", version, ", but object ", object, " has ",
                        object_link->version()));
    }
  }

  // The link of `path`, made when it is new. Valid until the next call.
  v1::ObjectLink* LinkAt(const v1::Path& path) {
    const auto [at, is_new] = by_path_.try_emplace(PathToString(path), links_.links.size());
    if (is_new) *links_.links.emplace_back().mutable_path() = path;
    return &links_.links[at->second];
  }

  std::optional<uint32_t> ReadDimension(const RawLink& link, absl::string_view text) {
    uint32_t dimension = 0;
    if (IsDigits(text, 5) && absl::SimpleAtoi(text, &dimension)) return dimension;
    Warn(absl::StrCat(Excerpt(link.target), " has the dimension ", Excerpt(text), ", which is no number"));
    return std::nullopt;
  }

  void ReadContentFormats(const RawLink& link) {
    bool seen = false;
    for (const LinkAttribute& attribute : link.attributes) {
      if (attribute.name != "ct") continue;
      if (seen) Warn("ct occurs twice");
      seen = true;
      for (const absl::string_view part : absl::StrSplit(attribute.value, ' ', absl::SkipEmpty())) {
        uint32_t format = 0;
        if (IsDigits(part, 5) && absl::SimpleAtoi(part, &format) && format <= 65535) {
          if (!absl::c_linear_search(links_.content_formats, format)) links_.content_formats.push_back(format);
        } else {
          Warn(absl::StrCat("ct has ", Excerpt(part), ", which is no Content-Format"));
        }
      }
    }
  }

  void Warn(std::string warning) {
    if (links_.warnings.size() < kMostWarnings) {
      links_.warnings.push_back(std::move(warning));
    } else {
      ++unheard_warnings_;
    }
  }
  static absl::Status Refuse(const RawLink& link, absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("link format, octet ", link.offset, ": ", why));
  }

  const size_t deepest_;
  std::vector<RawLink> raw_;
  std::optional<size_t> root_;  // in raw_
  Links links_;
  absl::flat_hash_map<std::string, size_t> by_path_;  // in links_.links
  size_t unheard_warnings_ = 0;
};

}  // namespace

absl::StatusOr<Links> ParseRegistrationLinks(absl::string_view payload) {
  constexpr size_t kInstances = 2;
  LinkReader reader(kInstances);
  RETURN_IF_ERROR(reader.Scan(payload));
  RETURN_IF_ERROR(reader.FindRoot());
  RETURN_IF_ERROR(reader.ReadPaths());
  return reader.Take();
}

absl::StatusOr<Links> ParseDiscoverLinks(absl::string_view payload, absl::string_view root_path) {
  constexpr size_t kResourceInstances = 4;
  LinkReader reader(kResourceInstances);
  RETURN_IF_ERROR(reader.Scan(payload));
  reader.SetRoot(root_path);
  RETURN_IF_ERROR(reader.ReadPaths());
  return reader.Take();
}

}  // namespace isthmus::lwm2m::codec
