#include "services/lib/onem2m/xml/xml_lexical.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::onem2m {
namespace {

constexpr absl::string_view kWhiteSpace = " \t\r\n";

// Of the character at the start of valid UTF-8.
uint32_t CodeOf(absl::string_view character) {
  const uint8_t lead = static_cast<uint8_t>(character[0]);
  uint32_t code = character.size() == 1 ? lead : lead & (0xFF >> (character.size() + 1));
  for (size_t i = 1; i < character.size(); ++i) code = code << 6 | (static_cast<uint8_t>(character[i]) & 0x3F);
  return code;
}

void AppendCode(uint32_t code, std::string* out) {
  const auto put = [out](uint32_t octet) { out->push_back(static_cast<char>(octet)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool ReadNumber(absl::string_view text, v1::Value* value) {
  text = absl::StripAsciiWhitespace(text);
  absl::string_view digits = text;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789.eE+-") != absl::string_view::npos) return false;
  int64_t integer = 0;
  double number = 0;
  const bool whole = std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit);
  if (whole && absl::SimpleAtoi(text, &integer)) {
    value->set_integer(integer);
    return true;
  }
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number)) return false;
  value->set_number(number);
  return true;
}

bool ReadBoolean(absl::string_view text, v1::Value* value) {
  text = absl::StripAsciiWhitespace(text);
  const bool yes = text == "true" || text == "1";
  if (!yes && text != "false" && text != "0") return false;
  value->set_boolean(yes);
  return true;
}

}  // namespace

std::string EscapeName(absl::string_view name) {
  if (name.empty()) return "_x_";
  std::string escaped;
  for (size_t at = 0; at < name.size();) {
    const size_t length = std::max<size_t>(Utf8Length(name.substr(at)), 1);
    const char c = name[at];
    const bool starts = absl::ascii_isalpha(c) || (c == '_' && !absl::StartsWith(name.substr(at), "_x"));
    if (starts || (at > 0 && (absl::ascii_isdigit(c) || c == '-' || c == '.'))) {
      escaped.push_back(c);
    } else {
      const bool valid = length > 1 || static_cast<uint8_t>(c) < 0x80;
      const uint32_t code = valid ? CodeOf(name.substr(at, length)) : 0xFFFD;
      absl::StrAppend(&escaped, "_x", absl::Hex(code, absl::kZeroPad4), "_");
    }
    at += length;
  }
  return escaped;
}

std::string UnescapeName(absl::string_view name) {
  if (name == "_x_") return "";
  std::string plain;
  for (size_t at = 0; at < name.size();) {
    if (absl::StartsWith(name.substr(at), "_x")) {
      const size_t end = name.find('_', at + 2);
      uint32_t code = 0;
      if (end != absl::string_view::npos && end > at + 2 && end <= at + 10 &&
          absl::SimpleHexAtoi(name.substr(at + 2, end - at - 2), &code) && code <= 0x10FFFF &&
          (code < 0xD800 || code > 0xDFFF)) {
        AppendCode(code, &plain);
        at = end + 1;
        continue;
      }
    }
    plain.push_back(name[at++]);
  }
  return plain;
}

v1::Value ReadSimple(AttributeKind kind, absl::string_view text) {
  v1::Value value;
  switch (kind) {
    case AttributeKind::kNumber:
      if (ReadNumber(text, &value)) return value;
      break;
    case AttributeKind::kBoolean:
      if (ReadBoolean(text, &value)) return value;
      break;
    case AttributeKind::kUnknown:
      if (((text == "true" || text == "false") && ReadBoolean(text, &value)) ||
          (ReadNumber(text, &value) && SimpleText(value) == text)) {
        return value;
      }
      break;
    case AttributeKind::kText:
    case AttributeKind::kObject:
    case AttributeKind::kReference:
      break;
  }
  return Text(text);
}

bool ReadTyped(absl::string_view type, absl::string_view text, v1::Value* value) {
  if (type == "string") {
    *value = Text(text);
    return true;
  }
  if (type == "boolean") return ReadBoolean(text, value);
  if (type == "double" || type == "float" || type == "decimal") {
    if (!ReadNumber(text, value)) return false;
    if (value->kind_case() == v1::Value::kInteger) value->set_number(static_cast<double>(value->integer()));
    // -0.0 has no integer.
    if (value->number() == 0 && absl::StartsWith(absl::StripAsciiWhitespace(text), "-")) value->set_number(-0.0);
    return true;
  }
  for (const absl::string_view integer : {"integer", "long", "int", "short", "unsignedInt", "unsignedLong",
                                          "nonNegativeInteger", "positiveInteger", "unsignedShort", "unsignedByte"}) {
    if (type == integer) return ReadNumber(text, value);
  }
  return false;
}

std::string SimpleText(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kBoolean:
      return value.boolean() ? "true" : "false";
    case v1::Value::kInteger:
      return absl::StrCat(value.integer());
    case v1::Value::kNumber: {
      std::string text;
      AppendNumber(value.number(), &text);
      return text;
    }
    case v1::Value::kText:
      return value.text();
    default:
      return "";
  }
}

absl::string_view SimpleType(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kBoolean:
      return "xs:boolean";
    case v1::Value::kInteger:
      return "xs:integer";
    case v1::Value::kNumber:
      return "xs:double";
    default:
      return "xs:string";
  }
}

bool IsBlank(absl::string_view text) { return text.find_first_not_of(kWhiteSpace) == absl::string_view::npos; }
bool HasWhiteSpace(absl::string_view text) { return text.find_first_of(kWhiteSpace) != absl::string_view::npos; }

}  // namespace isthmus::onem2m
