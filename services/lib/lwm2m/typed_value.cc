#include "services/lib/lwm2m/typed_value.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::lwm2m {
namespace {

constexpr uint32_t kTextFormat = 0, kTlvFormat = 11542;

std::string Describe(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kText:
      return absl::StrCat("the text ", Excerpt(value.text()));
    case v1::Value::kInteger:
      return absl::StrCat("the number ", value.integer());
    case v1::Value::kUnsignedInteger:
      return absl::StrCat("the number ", value.unsigned_integer());
    case v1::Value::kFloating:
      return absl::StrCat("the number ", value.floating());
    case v1::Value::kBoolean:
      return absl::StrCat("the boolean ", value.boolean() ? "true" : "false");
    case v1::Value::kOpaque:
      return absl::StrCat(value.opaque().size(), " opaque octets");
    case v1::Value::kTime:
      return absl::StrCat("the time ", value.time());
    case v1::Value::kObjectLink:
      return absl::StrCat("the object link ", FormatObjectLink(value.object_link()));
    case v1::Value::kCoreLink:
      return absl::StrCat("the links ", Excerpt(value.core_link()));
    case v1::Value::kRaw: {
      const std::string& octets = value.raw().octets();
      if (value.raw().content_format() == kTextFormat) return absl::StrCat("the text ", Excerpt(octets));
      return absl::StrCat(octets.size(), octets.size() == 1 ? " octet " : " octets ",
                          absl::BytesToHexString(absl::string_view(octets).substr(0, 16)));
    }
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

absl::Status Mismatch(const v1::Value& value, ResourceType type, absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(Describe(value), " is not of type ", ResourceTypeName(type), ": expected ", expected));
}

bool IsText(const v1::Value& value) { return value.has_raw() && value.raw().content_format() == kTextFormat; }
bool IsTlv(const v1::Value& value) { return value.has_raw() && value.raw().content_format() == kTlvFormat; }

uint64_t BigEndian(absl::string_view octets) {
  uint64_t number = 0;
  for (const char octet : octets) number = number << 8 | static_cast<uint8_t>(octet);
  return number;
}

// A whole number: `negative` says how `bits` is meant.
struct Whole {
  bool negative = false;
  uint64_t bits = 0;  // two's complement when negative
};

// The value as a whole number, or why it is none.
absl::StatusOr<Whole> ToWhole(const v1::Value& value, ResourceType type) {
  const auto of = [](int64_t integer) { return Whole{integer < 0, static_cast<uint64_t>(integer)}; };
  switch (value.kind_case()) {
    case v1::Value::kInteger:
      return of(value.integer());
    case v1::Value::kUnsignedInteger:
      return Whole{false, value.unsigned_integer()};
    case v1::Value::kTime:
      return of(value.time());
    case v1::Value::kFloating: {
      if (const std::optional<int64_t> integer = AsInteger(value.floating())) return of(*integer);
      constexpr double kTwoTo63 = 9223372036854775808.0, kTwoTo64 = 18446744073709551616.0;
      if (value.floating() >= kTwoTo63 && value.floating() < kTwoTo64) {
        return Whole{false, static_cast<uint64_t>(value.floating())};  // integral: doubles are, up there
      }
      return Mismatch(value, type, "a whole number of 64 bits");
    }
    case v1::Value::kRaw: {
      const std::string& octets = value.raw().octets();
      if (IsText(value)) {
        absl::StatusOr<v1::Value> number = ParseNumber(octets);
        if (!number.ok()) return Mismatch(value, type, "a whole decimal number");
        return ToWhole(*number, type);
      }
      if (IsTlv(value)) {
        const size_t size = octets.size();
        if (size != 1 && size != 2 && size != 4 && size != 8) return Mismatch(value, type, "1, 2, 4 or 8 octets");
        uint64_t bits = BigEndian(octets);
        const bool negative = type != ResourceType::kUnsignedInteger && (octets[0] & 0x80) != 0;
        if (negative && size < 8) bits |= ~uint64_t{0} << (8 * size);
        return Whole{negative, bits};
      }
      break;
    }
    default:
      break;
  }
  return Mismatch(value, type, "a whole number");
}

absl::StatusOr<int64_t> ToSigned(const v1::Value& value, ResourceType type) {
  ASSIGN_OR_RETURN(const Whole whole, ToWhole(value, type));
  if (!whole.negative && whole.bits > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Mismatch(value, type, "at most 9223372036854775807");
  }
  return static_cast<int64_t>(whole.bits);
}

// Text, wherever the value says that it is some.
std::optional<absl::string_view> TextOf(const v1::Value& value) {
  if (value.has_text()) return absl::string_view(value.text());
  if (value.has_core_link()) return absl::string_view(value.core_link());
  if (IsText(value)) return absl::string_view(value.raw().octets());
  return std::nullopt;
}

absl::StatusOr<v1::Value> TypeString(const v1::Value& value, ResourceType type) {
  absl::string_view text;
  if (value.has_raw()) {
    text = value.raw().octets();  // String and Corelnk look the same in every untyped format
  } else if (const std::optional<absl::string_view> typed = TextOf(value)) {
    text = *typed;
  } else {
    return Mismatch(value, type, "text");
  }
  if (!IsUtf8(text)) return Mismatch(value, type, "valid UTF-8");
  v1::Value result;
  if (type == ResourceType::kString) {
    result.set_text(text.data(), text.size());
  } else {
    result.set_core_link(text.data(), text.size());
  }
  return result;
}

absl::StatusOr<v1::Value> TypeInteger(const v1::Value& value) {
  ASSIGN_OR_RETURN(const int64_t integer, ToSigned(value, ResourceType::kInteger));
  v1::Value result;
  result.set_integer(integer);
  return result;
}

absl::StatusOr<v1::Value> TypeUnsignedInteger(const v1::Value& value) {
  ASSIGN_OR_RETURN(const Whole whole, ToWhole(value, ResourceType::kUnsignedInteger));
  if (whole.negative) return Mismatch(value, ResourceType::kUnsignedInteger, "no negative number");
  v1::Value result;
  if (whole.bits <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    result.set_integer(static_cast<int64_t>(whole.bits));
  } else {
    result.set_unsigned_integer(whole.bits);
  }
  return result;
}

absl::StatusOr<v1::Value> TypeFloat(const v1::Value& value) {
  constexpr ResourceType kType = ResourceType::kFloat;
  double number = 0;
  if (value.kind_case() == v1::Value::kFloating) {
    number = value.floating();
  } else if (value.kind_case() == v1::Value::kInteger) {
    number = static_cast<double>(value.integer());
  } else if (value.kind_case() == v1::Value::kUnsignedInteger) {
    number = static_cast<double>(value.unsigned_integer());
  } else if (IsText(value)) {
    absl::StatusOr<v1::Value> parsed = ParseNumber(value.raw().octets());
    if (!parsed.ok()) return Mismatch(value, kType, "a decimal number");
    return TypeFloat(*parsed);
  } else if (IsTlv(value) && value.raw().octets().size() == 4) {
    const uint32_t bits = static_cast<uint32_t>(BigEndian(value.raw().octets()));
    float single = 0;
    std::memcpy(&single, &bits, sizeof(single));
    number = single;
  } else if (IsTlv(value) && value.raw().octets().size() == 8) {
    const uint64_t bits = BigEndian(value.raw().octets());
    std::memcpy(&number, &bits, sizeof(number));
  } else {
    return Mismatch(value, kType, IsTlv(value) ? "4 or 8 octets" : "a number");
  }
  if (!std::isfinite(number)) return Mismatch(value, kType, "a finite number");
  v1::Value result;
  result.set_floating(number);
  return result;
}

absl::StatusOr<v1::Value> TypeBoolean(const v1::Value& value) {
  constexpr ResourceType kType = ResourceType::kBoolean;
  std::optional<bool> boolean;
  if (value.kind_case() == v1::Value::kBoolean) {
    boolean = value.boolean();
  } else if (value.kind_case() == v1::Value::kInteger && (value.integer() == 0 || value.integer() == 1)) {
    boolean = value.integer() == 1;
  } else if (value.has_raw() && value.raw().octets().size() == 1) {
    const char octet = value.raw().octets()[0];
    if (IsText(value) && (octet == '0' || octet == '1')) boolean = octet == '1';
    if (IsTlv(value) && (octet == 0 || octet == 1)) boolean = octet == 1;
  }
  if (!boolean.has_value()) return Mismatch(value, kType, "0 or 1");
  v1::Value result;
  result.set_boolean(*boolean);
  return result;
}

absl::StatusOr<v1::Value> TypeOpaque(const v1::Value& value) {
  v1::Value result;
  if (value.kind_case() == v1::Value::kOpaque) return value;
  if (value.has_raw() && !IsText(value)) {
    result.set_opaque(value.raw().octets());
    return result;
  }
  const std::optional<absl::string_view> text = TextOf(value);
  std::optional<std::string> octets;
  if (text.has_value()) octets = DecodeBase64(*text);
  if (!octets.has_value()) return Mismatch(value, ResourceType::kOpaque, "octets, or base64 in text");
  result.set_opaque(*std::move(octets));
  return result;
}

absl::StatusOr<v1::Value> TypeTime(const v1::Value& value) {
  constexpr ResourceType kType = ResourceType::kTime;
  int64_t seconds = 0;
  if (value.kind_case() == v1::Value::kText) {
    const absl::StatusOr<int64_t> parsed = ParseDateAndTime(value.text());
    if (!parsed.ok()) return Mismatch(value, kType, "seconds since 1970, or a date and time of RFC 3339");
    seconds = *parsed;
  } else {
    ASSIGN_OR_RETURN(seconds, ToSigned(value, kType));
  }
  if (seconds < kEarliestTime || seconds > kLatestTime) {
    return Mismatch(value, kType, "seconds since 1970 within the years 1 to 9999");
  }
  v1::Value result;
  result.set_time(seconds);
  return result;
}

absl::StatusOr<v1::Value> TypeObjectLink(const v1::Value& value) {
  constexpr ResourceType kType = ResourceType::kObjectLink;
  v1::Value result;
  if (value.kind_case() == v1::Value::kObjectLink) {
    if (value.object_link().object_id() > 65535 || value.object_link().object_instance_id() > 65535) {
      return Mismatch(value, kType, "numbers from 0 to 65535");
    }
    return value;
  }
  if (IsTlv(value) && value.raw().octets().size() == 4) {
    const uint64_t both = BigEndian(value.raw().octets());
    result.mutable_object_link()->set_object_id(static_cast<uint32_t>(both >> 16));
    result.mutable_object_link()->set_object_instance_id(static_cast<uint32_t>(both & 0xFFFF));
    return result;
  }
  const std::optional<absl::string_view> text = TextOf(value);
  if (!text.has_value()) return Mismatch(value, kType, IsTlv(value) ? "4 octets" : "an object link like 3:0");
  absl::StatusOr<v1::ObjectLinkValue> link = ParseObjectLink(*text);
  if (!link.ok()) return Mismatch(value, kType, "an object link like 3:0");
  *result.mutable_object_link() = *std::move(link);
  return result;
}

}  // namespace

std::string ResourceTypeName(ResourceType type) {
  switch (type) {
    case ResourceType::kString:
      return "String";
    case ResourceType::kInteger:
      return "Integer";
    case ResourceType::kUnsignedInteger:
      return "Unsigned Integer";
    case ResourceType::kFloat:
      return "Float";
    case ResourceType::kBoolean:
      return "Boolean";
    case ResourceType::kOpaque:
      return "Opaque";
    case ResourceType::kTime:
      return "Time";
    case ResourceType::kObjectLink:
      return "Objlnk";
    case ResourceType::kCoreLink:
      return "Corelnk";
    case ResourceType::kNone:
      return "none";
  }
  return "unknown";
}

absl::StatusOr<v1::Value> TypeValue(const v1::Value& raw_or_typed, ResourceType type) {
  switch (type) {
    case ResourceType::kString:
    case ResourceType::kCoreLink:
      return TypeString(raw_or_typed, type);
    case ResourceType::kInteger:
      return TypeInteger(raw_or_typed);
    case ResourceType::kUnsignedInteger:
      return TypeUnsignedInteger(raw_or_typed);
    case ResourceType::kFloat:
      return TypeFloat(raw_or_typed);
    case ResourceType::kBoolean:
      return TypeBoolean(raw_or_typed);
    case ResourceType::kOpaque:
      return TypeOpaque(raw_or_typed);
    case ResourceType::kTime:
      return TypeTime(raw_or_typed);
    case ResourceType::kObjectLink:
      return TypeObjectLink(raw_or_typed);
    case ResourceType::kNone:
      break;
  }
  return Mismatch(raw_or_typed, type, "no value at all: the resource is executable");
}

}  // namespace isthmus::lwm2m
