#include "services/lib/lwm2m/path.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace isthmus::lwm2m {
namespace {

// The levels that are set. Paths are compared for each value of each message: this allocates nothing.
struct LevelArray {
  explicit LevelArray(const v1::Path& path) {
    if (!path.has_object_id()) return;
    levels[size++] = path.object_id();
    if (!path.has_object_instance_id()) return;
    levels[size++] = path.object_instance_id();
    if (!path.has_resource_id()) return;
    levels[size++] = path.resource_id();
    if (!path.has_resource_instance_id()) return;
    levels[size++] = path.resource_instance_id();
  }
  const uint32_t* begin() const { return levels.data(); }
  const uint32_t* end() const { return levels.data() + size; }

  std::array<uint32_t, 4> levels = {};
  size_t size = 0;
};

}  // namespace

absl::StatusOr<v1::Path> ParsePath(absl::string_view text) {
  const auto refuse = [text](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("not a LwM2M path: '", text, "': ", why));
  };
  if (text.empty() || text.front() != '/') return refuse("it must start with '/'");
  if (text == "/") return v1::Path();
  std::vector<uint32_t> levels;
  for (absl::string_view part : absl::StrSplit(text.substr(1), '/')) {
    if (levels.size() == 4) return refuse("more than four levels");
    const bool digits = !part.empty() && part.size() <= 5 &&
                        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    uint32_t number = 0;
    if (!digits || (part.size() > 1 && part.front() == '0') || !absl::SimpleAtoi(part, &number) || number > 65535) {
      return refuse("each level is a number from 0 to 65535");
    }
    levels.push_back(number);
  }
  return MakePath(levels);
}

std::string PathToString(const v1::Path& path) {
  std::string text;
  if (!path.has_object_id()) return "/";
  absl::StrAppend(&text, "/", path.object_id());
  if (!path.has_object_instance_id()) return text;
  absl::StrAppend(&text, "/", path.object_instance_id());
  if (!path.has_resource_id()) return text;
  absl::StrAppend(&text, "/", path.resource_id());
  if (!path.has_resource_instance_id()) return text;
  absl::StrAppend(&text, "/", path.resource_instance_id());
  return text;
}

std::vector<uint32_t> Levels(const v1::Path& path) {
  const LevelArray levels(path);
  return {levels.begin(), levels.end()};
}

v1::Path MakePath(const std::vector<uint32_t>& levels) {
  v1::Path path;
  if (!levels.empty()) path.set_object_id(levels[0]);
  if (levels.size() > 1) path.set_object_instance_id(levels[1]);
  if (levels.size() > 2) path.set_resource_id(levels[2]);
  if (levels.size() > 3) path.set_resource_instance_id(levels[3]);
  return path;
}

v1::Path MakePath(uint32_t object) {
  v1::Path path;
  path.set_object_id(object);
  return path;
}
v1::Path MakePath(uint32_t object, uint32_t instance) {
  v1::Path path = MakePath(object);
  path.set_object_instance_id(instance);
  return path;
}
v1::Path MakePath(uint32_t object, uint32_t instance, uint32_t resource) {
  v1::Path path = MakePath(object, instance);
  path.set_resource_id(resource);
  return path;
}
v1::Path MakePath(uint32_t object, uint32_t instance, uint32_t resource, uint32_t resource_instance) {
  v1::Path path = MakePath(object, instance, resource);
  path.set_resource_instance_id(resource_instance);
  return path;
}

bool Contains(const v1::Path& prefix, const v1::Path& path) {
  const LevelArray outer(prefix), inner(path);
  return outer.size <= inner.size && std::equal(outer.begin(), outer.end(), inner.begin());
}

bool Equal(const v1::Path& a, const v1::Path& b) {
  const LevelArray first(a), second(b);
  return std::equal(first.begin(), first.end(), second.begin(), second.end());
}

bool Less(const v1::Path& a, const v1::Path& b) {
  const LevelArray first(a), second(b);
  return std::lexicographical_compare(first.begin(), first.end(), second.begin(), second.end());
}

}  // namespace isthmus::lwm2m
