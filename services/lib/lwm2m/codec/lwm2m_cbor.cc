#include "services/lib/lwm2m/codec/lwm2m_cbor.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/cbor/cbor.h"
#include "services/lib/lwm2m/codec/cbor_value.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

constexpr size_t kMostLevels = 4;
constexpr size_t kResourceLevels = 3;

absl::Status Refused(const std::vector<uint32_t>& levels, absl::string_view why) {
  std::string place = levels.empty() ? "/" : "";
  for (const uint32_t level : levels) absl::StrAppend(&place, "/", level);
  return absl::InvalidArgumentError(absl::StrCat("LwM2M CBOR, ", place, ": ", why));
}

v1::Path PathOf(const std::vector<uint32_t>& levels) {
  v1::Path path;
  path.set_object_id(levels[0]);
  path.set_object_instance_id(levels[1]);
  path.set_resource_id(levels[2]);
  if (levels.size() == kMostLevels) path.set_resource_instance_id(levels[3]);
  return path;
}

class Reader {
 public:
  absl::Status Read(const cbor::Item& map, std::vector<uint32_t>* levels) {
    for (size_t i = 0; i < map.items.size(); i += 2) {
      const size_t before = levels->size();
      RETURN_IF_ERROR(Descend(map.items[i], levels));
      const cbor::Item& inner = map.items[i + 1];
      if (inner.kind == cbor::Kind::kMap) {
        if (levels->size() == kMostLevels) return Refused(*levels, "a resource instance that is a map");
        RETURN_IF_ERROR(Read(inner, levels));
      } else {
        RETURN_IF_ERROR(AddValue(inner, *levels));
      }
      levels->resize(before);
    }
    return absl::OkStatus();
  }
  // A resource has a value or instances.
  absl::StatusOr<std::vector<v1::Node>> Take() {
    for (const v1::Node& node : nodes_) {
      if (!node.path().has_resource_instance_id()) continue;
      v1::Path resource = node.path();
      resource.clear_resource_instance_id();
      if (seen_.contains(PathToString(resource))) return Refused(Levels(resource), "has a value and instances");
    }
    return std::move(nodes_);
  }

 private:
  absl::Status Descend(const cbor::Item& key, std::vector<uint32_t>* levels) const {
    if (key.kind == cbor::Kind::kArray && !key.items.empty()) {
      for (const cbor::Item& level : key.items) {
        if (level.kind == cbor::Kind::kArray) return Refused(*levels, "a key that is a list of lists");
        RETURN_IF_ERROR(Descend(level, levels));
      }
      return absl::OkStatus();
    }
    if (key.kind != cbor::Kind::kUnsigned || key.number > 65535) {
      return Refused(*levels, "a key that is neither a number up to 65535 nor a list of them");
    }
    if (levels->size() == kMostLevels) return Refused(*levels, "more than four levels");
    levels->push_back(static_cast<uint32_t>(key.number));
    return absl::OkStatus();
  }

  absl::Status AddValue(const cbor::Item& item, const std::vector<uint32_t>& levels) {
    if (levels.size() < kResourceLevels) return Refused(levels, "a value where a map is due");
    absl::StatusOr<v1::Value> value = FromCbor(item);
    if (!value.ok()) return Refused(levels, value.status().message());
    v1::Node node;
    *node.mutable_path() = PathOf(levels);
    *node.mutable_value() = *std::move(value);
    if (!seen_.insert(PathToString(node.path())).second) return Refused(levels, "occurs twice");
    nodes_.push_back(std::move(node));
    return absl::OkStatus();
  }

  std::vector<v1::Node> nodes_;
  absl::flat_hash_set<std::string> seen_;
};

using NodeIterator = std::vector<const v1::Node*>::const_iterator;

// The nodes of [begin, end), which have the first `level` levels in common, as a map by the next one.
cbor::Item MapOf(NodeIterator begin, NodeIterator end, size_t level) {
  cbor::Item map = cbor::Map({});
  while (begin != end) {
    const std::vector<uint32_t> levels = Levels((*begin)->path());
    const auto next = std::find_if(begin, end, [&](const v1::Node* node) {
      const std::vector<uint32_t> other = Levels(node->path());
      return other.size() <= level || other[level] != levels[level];
    });
    map.items.push_back(cbor::Unsigned(levels[level]));
    map.items.push_back(levels.size() == level + 1 ? ToTaggedCbor((*begin)->value()) : MapOf(begin, next, level + 1));
    begin = next;
  }
  return map;
}

}  // namespace

absl::StatusOr<std::vector<v1::Node>> DecodeLwm2mCbor(absl::string_view payload, const v1::Path&, absl::Time) {
  ASSIGN_OR_RETURN(const cbor::Item item, cbor::Decode(payload));
  std::vector<uint32_t> levels;
  if (item.kind != cbor::Kind::kMap) return Refused(levels, "expected a map");
  Reader reader;
  RETURN_IF_ERROR(reader.Read(item, &levels));
  return reader.Take();
}

absl::StatusOr<std::string> EncodeLwm2mCbor(const std::vector<const v1::Node*>& nodes, const v1::Path&) {
  return cbor::Encode(MapOf(nodes.begin(), nodes.end(), 0));
}

}  // namespace isthmus::lwm2m::codec
