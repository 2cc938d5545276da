#include "services/lib/cbor/cbor.h"

#include <cbor.h>

#include <cmath>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/status/status_macros.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::cbor {
namespace {

// What libcbor calls back with for each head: an item without what is inside of it.
struct Token {
  Item item;
  bool is_break = false;
  bool indefinite = false;
  uint64_t count = 0;  // of an array or map of known length
};

Token* AsToken(void* context) { return static_cast<Token*>(context); }
void SetNumber(void* context, Kind kind, uint64_t number) {
  AsToken(context)->item.kind = kind;
  AsToken(context)->item.number = number;
}
template <typename Number, Kind kKind>
void OnNumber(void* context, Number number) {
  SetNumber(context, kKind, number);
}
template <typename Number>
void OnFloat(void* context, Number number) {
  AsToken(context)->item = Floating(static_cast<double>(number));
}
template <Kind kKind>
void OnOctets(void* context, cbor_data data, size_t size) {
  AsToken(context)->item.kind = kKind;
  AsToken(context)->item.octets.assign(reinterpret_cast<const char*>(data), size);
}
template <Kind kKind>
void OnStart(void* context, size_t count) {
  AsToken(context)->item.kind = kKind;
  AsToken(context)->count = count;
}
template <Kind kKind>
void OnIndefinite(void* context) {
  AsToken(context)->item.kind = kKind;
  AsToken(context)->indefinite = true;
}

cbor_callbacks MakeCallbacks() {
  cbor_callbacks callbacks = cbor_empty_callbacks;
  callbacks.uint8 = OnNumber<uint8_t, Kind::kUnsigned>;
  callbacks.uint16 = OnNumber<uint16_t, Kind::kUnsigned>;
  callbacks.uint32 = OnNumber<uint32_t, Kind::kUnsigned>;
  callbacks.uint64 = OnNumber<uint64_t, Kind::kUnsigned>;
  callbacks.negint8 = OnNumber<uint8_t, Kind::kNegative>;
  callbacks.negint16 = OnNumber<uint16_t, Kind::kNegative>;
  callbacks.negint32 = OnNumber<uint32_t, Kind::kNegative>;
  callbacks.negint64 = OnNumber<uint64_t, Kind::kNegative>;
  callbacks.tag = OnNumber<uint64_t, Kind::kTag>;
  callbacks.float2 = OnFloat<float>;
  callbacks.float4 = OnFloat<float>;
  callbacks.float8 = OnFloat<double>;
  callbacks.byte_string = OnOctets<Kind::kBytes>;
  callbacks.string = OnOctets<Kind::kText>;
  callbacks.byte_string_start = OnIndefinite<Kind::kBytes>;
  callbacks.string_start = OnIndefinite<Kind::kText>;
  callbacks.array_start = OnStart<Kind::kArray>;
  callbacks.map_start = OnStart<Kind::kMap>;
  callbacks.indef_array_start = OnIndefinite<Kind::kArray>;
  callbacks.indef_map_start = OnIndefinite<Kind::kMap>;
  callbacks.boolean = [](void* context, bool value) { AsToken(context)->item = Boolean(value); };
  callbacks.indef_break = [](void* context) { AsToken(context)->is_break = true; };
  return callbacks;
}

class Decoder {
 public:
  explicit Decoder(absl::string_view octets) : octets_(octets) {}

  absl::Status Run(Item* item) {
    bool is_break = false;
    RETURN_IF_ERROR(Next(0, item, &is_break));
    if (is_break) return Malformed("a break where an item is due");
    if (at_ < octets_.size()) return Malformed("something follows the item");
    return absl::OkStatus();
  }

 private:
  absl::Status Malformed(absl::string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat("CBOR, octet ", at_, ": ", why));
  }

  absl::StatusOr<Token> Head() {
    static const cbor_callbacks kCallbacks = MakeCallbacks();
    Token token;
    const cbor_decoder_result result = cbor_stream_decode(reinterpret_cast<const unsigned char*>(octets_.data()) + at_,
                                                          octets_.size() - at_, &kCallbacks, &token);
    if (result.status == CBOR_DECODER_NEDATA) return Malformed("cut short");
    if (result.status != CBOR_DECODER_FINISHED) return Malformed("not a data item");
    at_ += result.read;
    return token;
  }

  // With an error, `item` is null or, for what holds items, filled as far as it could be read.
  absl::Status Next(int depth, Item* item, bool* is_break) {
    if (at_ >= octets_.size()) return Malformed("cut short");
    if (depth > kMostDepth) return Malformed(absl::StrCat("nested deeper than ", kMostDepth, " levels"));
    if (++items_ > kMostItems) return Malformed(absl::StrCat("more than ", kMostItems, " items"));
    ASSIGN_OR_RETURN(Token token, Head());
    *is_break = token.is_break;
    if (token.is_break) return absl::OkStatus();
    switch (token.item.kind) {
      case Kind::kArray:
      case Kind::kMap:
        *item = std::move(token.item);
        return Fill(token.indefinite, token.count, depth, item);
      case Kind::kTag: {
        *item = std::move(token.item);
        item->items.emplace_back();
        bool nothing = false;
        RETURN_IF_ERROR(Next(depth + 1, &item->items.back(), &nothing));
        return nothing ? Malformed("a tag of nothing") : absl::OkStatus();
      }
      case Kind::kText:
      case Kind::kBytes:
        if (token.indefinite) RETURN_IF_ERROR(Join(&token.item));
        if (token.item.kind == Kind::kText && !IsUtf8(token.item.octets)) return Malformed("text that is not UTF-8");
        break;
      default:
        break;
    }
    *item = std::move(token.item);
    return absl::OkStatus();
  }

  // Items are taken one by one: a count that lies meets the end of the octets and not the allocator.
  absl::Status Fill(bool indefinite, uint64_t count, int depth, Item* item) {
    const uint64_t per_entry = item->kind == Kind::kMap ? 2 : 1;
    for (uint64_t i = 0; indefinite || i / per_entry < count; ++i) {
      Item next;
      bool is_break = false;
      const absl::Status status = Next(depth + 1, &next, &is_break);
      if (!status.ok()) {
        if (!next.items.empty()) item->items.push_back(std::move(next));
        return status;
      }
      if (is_break) {
        if (indefinite && i % per_entry == 0) return absl::OkStatus();
        return Malformed("a break where an item is due");
      }
      item->items.push_back(std::move(next));
    }
    return absl::OkStatus();
  }

  absl::Status Join(Item* item) {
    while (true) {
      if (at_ >= octets_.size()) return Malformed("cut short");
      ASSIGN_OR_RETURN(const Token piece, Head());
      if (piece.is_break) return absl::OkStatus();
      if (piece.item.kind != item->kind || piece.indefinite) return Malformed("a string in pieces of another kind");
      item->octets += piece.item.octets;
    }
  }

  const absl::string_view octets_;
  size_t at_ = 0;
  size_t items_ = 0;
};

void Append(const Item& item, std::string* out) {
  unsigned char head[9];
  const auto put = [&](size_t size) { out->append(reinterpret_cast<const char*>(head), size); };
  switch (item.kind) {
    case Kind::kNull:
      put(cbor_encode_null(head, sizeof(head)));
      break;
    case Kind::kBoolean:
      put(cbor_encode_bool(item.boolean, head, sizeof(head)));
      break;
    case Kind::kUnsigned:
      put(cbor_encode_uint(item.number, head, sizeof(head)));
      break;
    case Kind::kNegative:
      put(cbor_encode_negint(item.number, head, sizeof(head)));
      break;
    case Kind::kFloating: {
      // A finite double beyond the range of a single must not be cast to one.
      const bool in_range = !(std::abs(item.floating) > std::numeric_limits<float>::max());
      const bool fits = in_range && static_cast<double>(static_cast<float>(item.floating)) == item.floating;
      put(fits ? cbor_encode_single(static_cast<float>(item.floating), head, sizeof(head))
               : cbor_encode_double(item.floating, head, sizeof(head)));
      break;
    }
    case Kind::kText:
      put(cbor_encode_string_start(item.octets.size(), head, sizeof(head)));
      *out += item.octets;
      break;
    case Kind::kBytes:
      put(cbor_encode_bytestring_start(item.octets.size(), head, sizeof(head)));
      *out += item.octets;
      break;
    case Kind::kArray:
      put(cbor_encode_array_start(item.items.size(), head, sizeof(head)));
      break;
    case Kind::kMap:
      put(cbor_encode_map_start(item.items.size() / 2, head, sizeof(head)));
      break;
    case Kind::kTag:
      put(cbor_encode_tag(item.number, head, sizeof(head)));
      break;
  }
  for (const Item& inner : item.items) Append(inner, out);
}

Item Of(Kind kind) {
  Item item;
  item.kind = kind;
  return item;
}

}  // namespace

Item Boolean(bool value) {
  Item item = Of(Kind::kBoolean);
  item.boolean = value;
  return item;
}

Item Unsigned(uint64_t value) {
  Item item = Of(Kind::kUnsigned);
  item.number = value;
  return item;
}

Item Integer(int64_t value) {
  if (value >= 0) return Unsigned(static_cast<uint64_t>(value));
  Item item = Of(Kind::kNegative);
  item.number = ~static_cast<uint64_t>(value);  // -1 - value
  return item;
}

Item Floating(double value) {
  Item item = Of(Kind::kFloating);
  item.floating = value;
  return item;
}

Item Text(absl::string_view value) {
  Item item = Of(Kind::kText);
  item.octets.assign(value.data(), value.size());
  return item;
}

Item Bytes(absl::string_view value) {
  Item item = Of(Kind::kBytes);
  item.octets.assign(value.data(), value.size());
  return item;
}

Item Array(std::vector<Item> items) {
  Item item = Of(Kind::kArray);
  item.items = std::move(items);
  return item;
}

Item Map(std::vector<Item> keys_and_values) {
  Item item = Of(Kind::kMap);
  item.items = std::move(keys_and_values);
  return item;
}

Item Tagged(uint64_t tag, Item inner) {
  Item item = Of(Kind::kTag);
  item.number = tag;
  item.items.push_back(std::move(inner));
  return item;
}

absl::StatusOr<Item> Decode(absl::string_view octets) {
  Item item;
  RETURN_IF_ERROR(Decode(octets, &item));
  return item;
}

absl::Status Decode(absl::string_view octets, Item* item) { return Decoder(octets).Run(item); }

std::string Encode(const Item& item) {
  std::string out;
  Append(item, &out);
  return out;
}

}  // namespace isthmus::cbor
