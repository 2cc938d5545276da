#include "services/lib/lwm2m/codec/tlv.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

// Bits 7 and 6 of the type octet.
enum class Kind : uint8_t { kInstance = 0, kResourceInstance = 1, kMultipleResource = 2, kResource = 3 };

const char* KindName(Kind kind) {
  switch (kind) {
    case Kind::kInstance:
      return "object instance";
    case Kind::kResourceInstance:
      return "resource instance";
    case Kind::kMultipleResource:
      return "multiple resource";
    case Kind::kResource:
      return "resource";
  }
  return "";
}

constexpr uint8_t kLongId = 0x20;
constexpr size_t kLongestValue = 0xFFFFFF;

absl::Status Malformed(size_t offset, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("TLV, octet ", offset, ": ", why));
}

// A part of the payload that knows where it lies.
struct Slice {
  absl::string_view octets;
  size_t offset = 0;
};

struct Entry {
  Kind kind = Kind::kResource;
  uint32_t id = 0;
  Slice value;
  size_t offset = 0;
};

// Takes the first entry off `rest`. A length may not leave the slice, so that no entry reaches beyond its parent.
absl::StatusOr<Entry> TakeEntry(Slice* rest) {
  const absl::string_view octets = rest->octets;
  const auto octet = [octets](size_t at) { return static_cast<uint8_t>(octets[at]); };
  const uint8_t type = octet(0);
  const size_t id_size = (type & kLongId) != 0 ? 2 : 1;
  const size_t length_size = type >> 3 & 3;
  const size_t header = 1 + id_size + length_size;
  Entry entry;
  entry.kind = static_cast<Kind>(type >> 6);
  entry.offset = rest->offset;
  if (octets.size() < header) return Malformed(rest->offset, "the header is cut off");
  for (size_t i = 0; i < id_size; ++i) entry.id = entry.id << 8 | octet(1 + i);
  size_t length = type & 7;
  if (length_size > 0) {
    length = 0;
    for (size_t i = 0; i < length_size; ++i) length = length << 8 | octet(1 + id_size + i);
  }
  if (length > octets.size() - header) {
    return Malformed(rest->offset, absl::StrCat(KindName(entry.kind), " ", entry.id, " claims ", length, " octets of ",
                                                octets.size() - header));
  }
  entry.value = {octets.substr(header, length), rest->offset + header};
  rest->octets.remove_prefix(header + length);
  rest->offset += header + length;
  return entry;
}

class Decoder {
 public:
  explicit Decoder(const v1::Path& path) : path_(path) {}

  absl::Status Top(Slice slice) {
    bool wrapped = false, bare = false;
    while (!slice.octets.empty()) {
      ASSIGN_OR_RETURN(const Entry entry, TakeEntry(&slice));
      switch (entry.kind) {
        case Kind::kInstance:
          wrapped = true;
          if (path_.has_object_instance_id() && entry.id != path_.object_instance_id()) return Elsewhere(entry);
          RETURN_IF_ERROR(Once(entry, entry.id));
          RETURN_IF_ERROR(Resources(entry.value, entry.id));
          break;
        case Kind::kResource:
        case Kind::kMultipleResource:
          bare = true;
          RETURN_IF_ERROR(Resource(entry, path_.object_instance_id()));
          break;
        case Kind::kResourceInstance:
          bare = true;
          if (!path_.has_resource_id()) return Misplaced(entry);
          RETURN_IF_ERROR(ResourceInstance(entry, path_.object_instance_id(), path_.resource_id()));
          break;
      }
      if (wrapped && bare) return Malformed(entry.offset, "values inside and outside of an object instance");
    }
    return absl::OkStatus();
  }

  std::vector<v1::Node> Take() { return std::move(nodes_); }

 private:
  absl::Status Resources(Slice slice, uint32_t instance) {
    while (!slice.octets.empty()) {
      ASSIGN_OR_RETURN(const Entry entry, TakeEntry(&slice));
      if (entry.kind != Kind::kResource && entry.kind != Kind::kMultipleResource) return Misplaced(entry);
      RETURN_IF_ERROR(Resource(entry, instance));
    }
    return absl::OkStatus();
  }

  absl::Status Resource(const Entry& entry, uint32_t instance) {
    if (path_.has_resource_id() && entry.id != path_.resource_id()) return Elsewhere(entry);
    RETURN_IF_ERROR(Once(entry, instance, entry.id));
    if (entry.kind == Kind::kResource) {
      if (path_.has_resource_instance_id()) return Elsewhere(entry);
      Add(MakePath(path_.object_id(), instance, entry.id), entry);
      return absl::OkStatus();
    }
    Slice rest = entry.value;
    while (!rest.octets.empty()) {
      ASSIGN_OR_RETURN(const Entry inner, TakeEntry(&rest));
      if (inner.kind != Kind::kResourceInstance) return Misplaced(inner);
      RETURN_IF_ERROR(ResourceInstance(inner, instance, entry.id));
    }
    return absl::OkStatus();
  }

  absl::Status ResourceInstance(const Entry& entry, uint32_t instance, uint32_t resource) {
    if (path_.has_resource_instance_id() && entry.id != path_.resource_instance_id()) return Elsewhere(entry);
    RETURN_IF_ERROR(Once(entry, instance, resource, entry.id));
    Add(MakePath(path_.object_id(), instance, resource, entry.id), entry);
    return absl::OkStatus();
  }

  void Add(v1::Path path, const Entry& entry) {
    v1::Node& node = nodes_.emplace_back();
    *node.mutable_path() = std::move(path);
    v1::RawValue* raw = node.mutable_value()->mutable_raw();
    raw->set_octets(entry.value.octets.data(), entry.value.octets.size());
    raw->set_content_format(kTlv);
  }

  // Nothing may come twice: neither a value nor what holds values.
  absl::Status Once(const Entry& entry, uint64_t instance, uint64_t resource = kNone,
                    uint64_t resource_instance = kNone) {
    if (seen_.insert(instance << 40 | resource << 20 | resource_instance).second) return absl::OkStatus();
    return Malformed(entry.offset, absl::StrCat(KindName(entry.kind), " ", entry.id, " occurs twice"));
  }
  absl::Status Misplaced(const Entry& entry) const {
    return Malformed(entry.offset, absl::StrCat(KindName(entry.kind), " ", entry.id,
                                                " does not belong at this level of ", PathToString(path_)));
  }
  absl::Status Elsewhere(const Entry& entry) const {
    return Malformed(entry.offset,
                     absl::StrCat(KindName(entry.kind), " ", entry.id, " does not lie in ", PathToString(path_)));
  }

  static constexpr uint64_t kNone = 0xFFFFF;  // no 16-bit id

  const v1::Path path_;
  std::vector<v1::Node> nodes_;
  absl::flat_hash_set<uint64_t> seen_;
};

void AppendBigEndian(uint64_t number, int octets, std::string* out) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) out->push_back(static_cast<char>(number >> shift & 0xFF));
}

void AppendInteger(int64_t integer, std::string* out) {
  int octets = 8;
  for (const int fewer : {4, 2, 1}) {
    const int64_t limit = int64_t{1} << (8 * fewer - 1);
    if (integer >= -limit && integer < limit) octets = fewer;
  }
  AppendBigEndian(static_cast<uint64_t>(integer), octets, out);
}

void AppendFloat(double number, std::string* out) {
  if (std::abs(number) <= std::numeric_limits<float>::max() &&
      static_cast<double>(static_cast<float>(number)) == number) {
    const float single = static_cast<float>(number);
    uint32_t bits = 0;
    std::memcpy(&bits, &single, sizeof(bits));
    AppendBigEndian(bits, 4, out);
    return;
  }
  uint64_t bits = 0;
  std::memcpy(&bits, &number, sizeof(bits));
  AppendBigEndian(bits, 8, out);
}

std::string EncodeValue(const v1::Value& value) {
  std::string out;
  switch (value.kind_case()) {
    case v1::Value::kText:
      return value.text();
    case v1::Value::kOpaque:
      return value.opaque();
    case v1::Value::kCoreLink:
      return value.core_link();
    case v1::Value::kInteger:
      AppendInteger(value.integer(), &out);
      break;
    case v1::Value::kTime:
      AppendInteger(value.time(), &out);
      break;
    case v1::Value::kUnsignedInteger:
      // Some peers extend the sign of every integer: a leading zero octet keeps it off, which is what the signed form
      // does. Eight octets have no room for it.
      if (value.unsigned_integer() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        AppendInteger(static_cast<int64_t>(value.unsigned_integer()), &out);
      } else {
        AppendBigEndian(value.unsigned_integer(), 8, &out);
      }
      break;
    case v1::Value::kFloating:
      AppendFloat(value.floating(), &out);
      break;
    case v1::Value::kBoolean:
      out.push_back(value.boolean() ? 1 : 0);
      break;
    case v1::Value::kObjectLink:
      AppendBigEndian(value.object_link().object_id(), 2, &out);
      AppendBigEndian(value.object_link().object_instance_id(), 2, &out);
      break;
    case v1::Value::kRaw:
    case v1::Value::KIND_NOT_SET:
      break;  // refused before
  }
  return out;
}

absl::Status AppendEntry(Kind kind, uint32_t id, absl::string_view value, std::string* out) {
  if (value.size() > kLongestValue) {
    return absl::InvalidArgumentError(absl::StrCat("TLV: ", KindName(kind), " ", id, " has ", value.size(),
                                                   " octets, expected at most ", kLongestValue));
  }
  uint8_t type = static_cast<uint8_t>(static_cast<uint8_t>(kind) << 6);
  if (id > 0xFF) type |= kLongId;
  int length_size = 0;
  if (value.size() < 8) {
    type |= static_cast<uint8_t>(value.size());
  } else {
    length_size = value.size() <= 0xFF ? 1 : value.size() <= 0xFFFF ? 2 : 3;
    type |= static_cast<uint8_t>(length_size << 3);
  }
  out->push_back(static_cast<char>(type));
  AppendBigEndian(id, id > 0xFF ? 2 : 1, out);
  if (length_size > 0) AppendBigEndian(value.size(), length_size, out);
  absl::StrAppend(out, value);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<v1::Node>> DecodeTlv(absl::string_view payload, const v1::Path& path, absl::Time) {
  if (!path.has_object_id() && !payload.empty()) return Malformed(0, "TLV has no form for values of several objects");
  Decoder decoder(path);
  RETURN_IF_ERROR(decoder.Top({payload, 0}));
  return decoder.Take();
}

absl::StatusOr<std::string> EncodeTlv(const std::vector<const v1::Node*>& nodes, const v1::Path& path) {
  if (!path.has_object_id()) return absl::InvalidArgumentError("TLV has no form for values of several objects");
  std::string payload;
  // Nodes of one instance, and those of one resource within it, stand together: they are sorted.
  for (size_t i = 0; i < nodes.size();) {
    const uint32_t instance = nodes[i]->path().object_instance_id();
    std::string resources;
    while (i < nodes.size() && nodes[i]->path().object_instance_id() == instance) {
      const uint32_t resource = nodes[i]->path().resource_id();
      if (!nodes[i]->path().has_resource_instance_id()) {
        RETURN_IF_ERROR(AppendEntry(Kind::kResource, resource, EncodeValue(nodes[i]->value()), &resources));
        ++i;
        continue;
      }
      std::string instances;
      while (i < nodes.size() && nodes[i]->path().object_instance_id() == instance &&
             nodes[i]->path().resource_id() == resource) {
        RETURN_IF_ERROR(AppendEntry(Kind::kResourceInstance, nodes[i]->path().resource_instance_id(),
                                    EncodeValue(nodes[i]->value()), &instances));
        ++i;
      }
      if (path.has_resource_instance_id()) {
        resources = std::move(instances);
      } else {
        RETURN_IF_ERROR(AppendEntry(Kind::kMultipleResource, resource, instances, &resources));
      }
    }
    if (path.has_object_instance_id()) {
      absl::StrAppend(&payload, resources);
    } else {
      RETURN_IF_ERROR(AppendEntry(Kind::kInstance, instance, resources, &payload));
    }
  }
  return payload;
}

}  // namespace isthmus::lwm2m::codec
