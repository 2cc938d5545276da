#include "services/lib/onem2m/cbor/cbor_octets.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::onem2m {
namespace {

using cbor::Item;
using cbor::Kind;

constexpr uint64_t kLargest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
// RFC 8949 3.4.6: says that CBOR follows, and nothing else.
constexpr uint64_t kSelfDescribed = 55799;

// Turns items into values. The first thing that is wrong is noted and left out, and reading goes on: the rest may hold
// the request identifier. The recursion is as deep as the item is, which the decoder bounds.
class ValueReader {
 public:
  explicit ValueReader(std::string* error) : error_(error) {}

  void Read(Item& item, int level, v1::Value* value) {
    switch (item.kind) {
      case Kind::kNull:
        value->set_null(true);
        break;
      case Kind::kBoolean:
        value->set_boolean(item.boolean);
        break;
      case Kind::kUnsigned:
        if (item.number <= kLargest) {
          value->set_integer(static_cast<int64_t>(item.number));
        } else {
          value->set_number(static_cast<double>(item.number));
        }
        break;
      case Kind::kNegative:
        if (item.number <= kLargest) {
          value->set_integer(-1 - static_cast<int64_t>(item.number));
        } else {
          value->set_number(-1.0 - static_cast<double>(item.number));
        }
        break;
      case Kind::kFloating:
        if (std::isfinite(item.floating)) {
          value->set_number(item.floating);
        } else {
          Wrong(std::isnan(item.floating) ? "expected a number, got NaN" : "expected a number, got infinity", value);
        }
        break;
      case Kind::kText:
        value->set_text(std::move(item.octets));
        break;
      case Kind::kBytes:
        Wrong("expected a text, got a byte string", value);
        break;
      case Kind::kTag:
        if (level > 0 || item.number != kSelfDescribed) Note(absl::StrCat("expected no tag, got ", item.number));
        Read(item.items.front(), level, value);
        break;
      case Kind::kArray:
        if (level >= kMaxValueDepth) return TooDeep(value);
        value->mutable_list();
        for (Item& member : item.items) Read(member, level + 1, value->mutable_list()->add_values());
        break;
      case Kind::kMap:
        if (level >= kMaxValueDepth) return TooDeep(value);
        ReadMap(item, level, value->mutable_object());
        break;
    }
  }

 private:
  void ReadMap(Item& map, int level, v1::Object* object) {
    // The last key of a map that is cut short may have no value.
    for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
      Item& key = map.items[i];
      if (key.kind != Kind::kText) {
        Note("expected texts as keys, got another kind");
        continue;
      }
      v1::Attribute* member = object->add_members();
      member->set_name(std::move(key.octets));
      path_.push_back(absl::string_view(member->name()).substr(0, 60));
      Read(map.items[i + 1], level + 1, member->mutable_value());
      path_.pop_back();
    }
    if (const std::optional<std::string> name = FindDouble(*object)) {
      Note(absl::StrCat("the member '", absl::string_view(*name).substr(0, 60), "' occurs twice"));
    }
  }

  void TooDeep(v1::Value* value) { Wrong(absl::StrCat("nested deeper than ", kMaxValueDepth, " levels"), value); }

  void Wrong(absl::string_view what, v1::Value* value) {
    Note(what);
    value->set_null(true);
  }

  void Note(absl::string_view what) {
    if (!error_->empty()) return;
    // The outermost names say the most.
    if (path_.size() > 6) path_.resize(6);
    *error_ = path_.empty() ? std::string(what) : absl::StrCat(absl::StrJoin(path_, "."), ": ", what);
  }

  std::string* const error_;
  // Names of the members on the way; views of the values under construction.
  std::vector<absl::string_view> path_;
};

bool Unspeakable(const v1::Value& value) {
  return value.kind_case() == v1::Value::kNumber && !std::isfinite(value.number());
}

}  // namespace

CborDocument ParseCbor(absl::string_view octets) {
  CborDocument document;
  if (octets.empty()) {
    document.error = "the payload is empty";
    return document;
  }
  Item item;
  const absl::Status status = cbor::Decode(octets, &item);
  ValueReader(&document.error).Read(item, 0, &document.value);
  // A syntax error is the better reason, whatever else was noted.
  if (!status.ok()) document.error = std::string(status.message());
  return document;
}

Item ToCborItem(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kNull:
    case v1::Value::KIND_NOT_SET:
      return Item();
    case v1::Value::kBoolean:
      return cbor::Boolean(value.boolean());
    case v1::Value::kInteger:
      return cbor::Integer(value.integer());
    case v1::Value::kNumber:
      return Unspeakable(value) ? Item() : cbor::Floating(value.number());
    case v1::Value::kText:
      return cbor::Text(ToUtf8(value.text()));
    case v1::Value::kList: {
      std::vector<Item> items;
      items.reserve(static_cast<size_t>(value.list().values_size()));
      for (const v1::Value& member : value.list().values()) items.push_back(ToCborItem(member));
      return cbor::Array(std::move(items));
    }
    case v1::Value::kObject: {
      std::vector<Item> items;
      items.reserve(2 * static_cast<size_t>(value.object().members_size()));
      for (const v1::Attribute& member : value.object().members()) {
        if (Unspeakable(member.value())) continue;
        items.push_back(cbor::Text(ToUtf8(member.name())));
        items.push_back(ToCborItem(member.value()));
      }
      return cbor::Map(std::move(items));
    }
  }
  return Item();
}

std::string ToCbor(const v1::Value& value) { return cbor::Encode(ToCborItem(value)); }

}  // namespace isthmus::onem2m
