// CBOR data items (RFC 8949) as a tree: libcbor reads and writes the octets, this bounds what they may ask for.
//
//   ASSIGN_OR_RETURN(const cbor::Item item, cbor::Decode(payload));
//   if (item.kind == cbor::Kind::kMap) ...
//   std::string octets = cbor::Encode(cbor::Text("80"));
//
// Items own what they hold. Pure functions: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_CBOR_CBOR_H_
#define ISTHMUS_SERVICES_LIB_CBOR_CBOR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace isthmus::cbor {

enum class Kind { kNull, kBoolean, kUnsigned, kNegative, kFloating, kText, kBytes, kArray, kMap, kTag };

struct Item {
  Kind kind = Kind::kNull;
  bool boolean = false;
  // kUnsigned: the value; kNegative: the value is -1 - number; kTag: the tag.
  uint64_t number = 0;
  double floating = 0;
  // kText (valid UTF-8), kBytes.
  std::string octets;
  // kArray: its items; kMap: key, value, key, value ...; kTag: the tagged item.
  std::vector<Item> items;
};

Item Boolean(bool value);
Item Integer(int64_t value);
Item Unsigned(uint64_t value);
Item Floating(double value);
Item Text(absl::string_view value);
Item Bytes(absl::string_view value);
Item Array(std::vector<Item> items);
Item Map(std::vector<Item> keys_and_values);
Item Tagged(uint64_t tag, Item item);

// Deepest nesting, and most items in all, that are read: an item of one octet takes some eighty in memory.
inline constexpr int kMostDepth = 32;
inline constexpr size_t kMostItems = 1 << 19;

// One item that fills `octets`. Items of indefinite length are joined; "undefined" is null. Keys that occur twice are
// the caller's business.
//   INVALID_ARGUMENT  malformed, cut short, too deep, too many, followed by something, or text that is not UTF-8.
absl::StatusOr<Item> Decode(absl::string_view octets);

// The same; with an error, `item` is what could be read before it. A map may then end with a key that has no value.
absl::Status Decode(absl::string_view octets, Item* item);

// The shortest form of each number; a double is written as a single when that says the same.
std::string Encode(const Item& item);

}  // namespace isthmus::cbor

#endif  // ISTHMUS_SERVICES_LIB_CBOR_CBOR_H_
