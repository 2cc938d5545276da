// JSON text (RFC 8259) <-> onem2m.v1.Value.
//
//   onem2m::JsonDocument document = onem2m::ParseJson(R"({"btl":77})");
//   if (!document.error.empty()) { ... document.value is what could be read ... }
//   std::string text = onem2m::ToJson(document.value);
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_JSON_JSON_TEXT_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_JSON_JSON_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"

namespace isthmus::onem2m {

struct JsonDocument {
  // With an error: the members that came before it, or all the others where only one member was wrong.
  v1::Value value;
  // Empty = none. For people, with the position in octets where that helps.
  std::string error;
};

// Strict: UTF-8 without a byte-order mark, unique member names, no comments, at most kMaxValueDepth levels. Never
// recursive, so that no nesting exhausts the stack. Integers beyond int64 become numbers; NaN cannot occur.
JsonDocument ParseJson(absl::string_view text);

// Compact. Integers as integers, numbers in the shortest form that reads back as the same double and always with a '.'
// or an exponent. Members whose number is NaN or infinite are left out, such list members are null. What is not UTF-8
// becomes U+FFFD.
void AppendJson(const v1::Value& value, std::string* out);
void AppendJsonText(absl::string_view text, std::string* out);
std::string ToJson(const v1::Value& value);

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_JSON_JSON_TEXT_H_
