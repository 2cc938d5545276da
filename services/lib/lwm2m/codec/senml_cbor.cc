#include "services/lib/lwm2m/codec/senml_cbor.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/cbor/cbor.h"
#include "services/lib/lwm2m/codec/cbor_value.h"
#include "services/lib/lwm2m/codec/senml_records.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

// RFC 8428 table 4.
constexpr int64_t kBaseVersion = -1, kBaseName = -2, kBaseTime = -3, kBaseValue = -5, kName = 0, kNumber = 2,
                  kString = 3, kBoolean = 4, kTime = 6, kData = 8;
// Object links have no number of their own (LwM2M Core 7.4.5).
constexpr absl::string_view kObjectLink = "vlo";
constexpr uint64_t kKnownVersion = 10;

absl::Status Refused(absl::string_view why) { return absl::InvalidArgumentError(why); }

absl::Status SetValue(absl::StatusOr<v1::Value> value, SenMlRecord* record) {
  if (!value.ok()) return value.status();
  if (record->value.has_value()) return Refused("more than one value");
  record->value = *std::move(value);
  return absl::OkStatus();
}

absl::Status SetText(const cbor::Item& item, absl::string_view label, std::optional<std::string>* text) {
  if (item.kind != cbor::Kind::kText) return Refused(absl::StrCat("the value of ", label, " is not text"));
  *text = item.octets;
  return absl::OkStatus();
}

absl::Status SetNumberedMember(int64_t label, const cbor::Item& item, SenMlRecord* record) {
  const bool time = item.kind == cbor::Kind::kTag;
  const bool number =
      item.kind == cbor::Kind::kUnsigned || item.kind == cbor::Kind::kNegative || item.kind == cbor::Kind::kFloating;
  switch (label) {
    case kBaseName:
      return SetText(item, "bn", &record->base_name);
    case kName:
      return SetText(item, "n", &record->name);
    case kBaseTime: {
      ASSIGN_OR_RETURN(record->base_time, SecondsFromCbor(item));
      return absl::OkStatus();
    }
    case kTime: {
      ASSIGN_OR_RETURN(record->time, SecondsFromCbor(item));
      return absl::OkStatus();
    }
    case kBaseVersion:
      if (item.kind == cbor::Kind::kUnsigned && item.number <= kKnownVersion) return absl::OkStatus();
      return Refused("a version of SenML that is not known");
    case kBaseValue:
      return Refused("bv (base value) is not part of LwM2M");  // to ignore it would change the values
    case kNumber:
      if (!number && !time) return Refused("the value of v is not a number");
      return SetValue(FromCbor(item), record);
    case kString:
      if (item.kind != cbor::Kind::kText && !time) return Refused("the value of vs is not text");
      return SetValue(FromCbor(item), record);
    case kBoolean:
      if (item.kind != cbor::Kind::kBoolean) return Refused("the value of vb is not true or false");
      return SetValue(FromCbor(item), record);
    case kData:
      if (item.kind != cbor::Kind::kBytes) return Refused("the value of vd is not a byte string");
      return SetValue(FromCbor(item), record);
    default:
      return absl::OkStatus();  // ignored, as RFC 8428 4.4 wants it
  }
}

absl::Status SetNamedMember(const std::string& label, const cbor::Item& item, SenMlRecord* record) {
  if (!label.empty() && label.back() == '_') {
    return Refused(absl::StrCat("the member ", Excerpt(label), " has to be understood and is not"));
  }
  if (label != kObjectLink) return absl::OkStatus();
  if (item.kind != cbor::Kind::kText) return Refused("the value of vlo is not text");
  ASSIGN_OR_RETURN(const v1::ObjectLinkValue link, ParseObjectLink(item.octets));
  v1::Value value;
  *value.mutable_object_link() = link;
  return SetValue(std::move(value), record);
}

absl::Status ReadRecord(const cbor::Item& map, SenMlResolver* resolver) {
  if (map.kind != cbor::Kind::kMap) return Refused("expected a map");
  SenMlRecord record;
  std::set<std::pair<int64_t, std::string>> seen;
  for (size_t i = 0; i < map.items.size(); i += 2) {
    const cbor::Item& key = map.items[i];
    const cbor::Item& item = map.items[i + 1];
    const bool numbered = key.kind == cbor::Kind::kUnsigned || key.kind == cbor::Kind::kNegative;
    if (!numbered && key.kind != cbor::Kind::kText) return Refused("a label that is neither a number nor text");
    constexpr uint64_t kLargestLabel = 1000;
    if (key.number > kLargestLabel) continue;  // nobody knows it
    const auto number = static_cast<int64_t>(key.number);
    const int64_t label = key.kind == cbor::Kind::kNegative ? -1 - number : number;
    if (!seen.emplace(label, key.octets).second) return Refused("a label occurs twice");
    RETURN_IF_ERROR(numbered ? SetNumberedMember(label, item, &record) : SetNamedMember(key.octets, item, &record));
  }
  return resolver->Add(std::move(record));
}

void AppendValue(const v1::Value& value, cbor::Item* map) {
  const auto label = [&value]() {
    switch (value.kind_case()) {
      case v1::Value::kText:
      case v1::Value::kCoreLink:
        return cbor::Integer(kString);
      case v1::Value::kBoolean:
        return cbor::Integer(kBoolean);
      case v1::Value::kOpaque:
        return cbor::Integer(kData);
      case v1::Value::kObjectLink:
        return cbor::Text(kObjectLink);
      default:
        return cbor::Integer(kNumber);
    }
  };
  map->items.push_back(label());
  map->items.push_back(ToCbor(value));
}

}  // namespace

absl::StatusOr<std::vector<v1::Node>> DecodeSenMlCbor(absl::string_view payload, const v1::Path&, absl::Time now,
                                                      absl::string_view root_path) {
  ASSIGN_OR_RETURN(const cbor::Item list, cbor::Decode(payload));
  if (list.kind != cbor::Kind::kArray) return Refused("SenML CBOR: expected a list of records");
  SenMlResolver resolver(now, root_path);
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (const absl::Status status = ReadRecord(list.items[i], &resolver); !status.ok()) {
      return Refused(absl::StrCat("SenML CBOR, record ", i + 1, ": ", status.message()));
    }
  }
  return resolver.Take();
}

absl::StatusOr<std::string> EncodeSenMlCbor(const std::vector<const v1::Node*>& nodes, const v1::Path&,
                                            absl::string_view root_path) {
  cbor::Item list = cbor::Array({});
  const v1::Node* previous = nullptr;
  for (const v1::Node* node : nodes) {
    const v1::Path& path = node->path();
    cbor::Item map = cbor::Map({});
    if (previous == nullptr || previous->path().object_id() != path.object_id() ||
        previous->path().object_instance_id() != path.object_instance_id()) {
      map.items.push_back(cbor::Integer(kBaseName));
      map.items.push_back(
          cbor::Text(absl::StrCat(root_path, "/", path.object_id(), "/", path.object_instance_id(), "/")));
    }
    previous = node;
    std::string name = absl::StrCat(path.resource_id());
    if (path.has_resource_instance_id()) absl::StrAppend(&name, "/", path.resource_instance_id());
    map.items.push_back(cbor::Integer(kName));
    map.items.push_back(cbor::Text(name));
    if (node->has_time()) {
      RETURN_IF_ERROR(CheckTimeIsAbsolute(*node, "SenML CBOR"));
      const int64_t seconds = node->time().seconds();
      const int32_t nanos = node->time().nanos();
      map.items.push_back(cbor::Integer(kTime));
      map.items.push_back(nanos == 0 ? cbor::Integer(seconds)
                                     : cbor::Floating(static_cast<double>(seconds) + nanos / 1e9));
    }
    AppendValue(node->value(), &map);
    list.items.push_back(std::move(map));
  }
  return cbor::Encode(list);
}

}  // namespace isthmus::lwm2m::codec
