// CBOR octets (RFC 8949) <-> onem2m.v1.Value, with the data model of the JSON serialisation (TS-0004 8.5).
//
//   onem2m::CborDocument document = onem2m::ParseCbor(payload);
//   if (!document.error.empty()) { ... document.value is what could be read ... }
//   std::string octets = onem2m::ToCbor(document.value);
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_CBOR_CBOR_OCTETS_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_CBOR_CBOR_OCTETS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/cbor/cbor.h"

namespace isthmus::onem2m {

struct CborDocument {
  // With an error: the members that came before it, or all the others where only one member was wrong.
  v1::Value value;
  // Empty = none. For people, with the octet or the member where that helps.
  std::string error;
};

// Takes what JSON could say: maps with texts as unique keys, lists, texts, numbers, booleans and null, at most
// kMaxValueDepth levels. Byte strings, tags (but for the one that says "this is CBOR", around the whole), NaN and
// infinities are errors. Integers beyond int64 become numbers, as in JSON.
CborDocument ParseCbor(absl::string_view octets);

// Members whose number is NaN or infinite are left out, such list members are null. What is not UTF-8 becomes U+FFFD.
cbor::Item ToCborItem(const v1::Value& value);
std::string ToCbor(const v1::Value& value);

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_CBOR_CBOR_OCTETS_H_
