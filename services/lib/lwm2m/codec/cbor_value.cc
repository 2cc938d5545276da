#include "services/lib/lwm2m/codec/cbor_value.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/codec/senml_records.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

constexpr uint64_t kDateAndTimeText = 0, kEpochTime = 1, kDecimalFraction = 4;

absl::Status Refused(absl::string_view why) { return absl::InvalidArgumentError(why); }

absl::StatusOr<v1::Value> TimeOf(const cbor::Item& tagged) {
  const cbor::Item& inner = tagged.items.front();
  v1::Value value;
  if (tagged.number == kDateAndTimeText) {
    if (inner.kind != cbor::Kind::kText) return Refused("a date (tag 0) that is not text");
    ASSIGN_OR_RETURN(const int64_t seconds, ParseDateAndTime(inner.octets));
    value.set_time(seconds);
  } else if (tagged.number == kEpochTime) {
    ASSIGN_OR_RETURN(const absl::Duration since, SecondsFromCbor(inner));
    value.set_time(absl::ToUnixSeconds(absl::UnixEpoch() + since));
    if (value.time() < kEarliestTime || value.time() > kLatestTime) {
      return Refused("a time outside of the years 1 to 9999: expected seconds");
    }
  } else {
    return Refused(absl::StrCat("tag ", tagged.number, " is not known"));
  }
  return value;
}

// [exponent, mantissa], of ten.
absl::StatusOr<v1::Value> DecimalFractionOf(const cbor::Item& tagged) {
  const cbor::Item& pair = tagged.items.front();
  std::vector<int64_t> numbers;
  if (pair.kind == cbor::Kind::kArray) {
    for (const cbor::Item& item : pair.items) {
      const bool whole = item.kind == cbor::Kind::kUnsigned || item.kind == cbor::Kind::kNegative;
      if (!whole || item.number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) break;
      const auto number = static_cast<int64_t>(item.number);
      numbers.push_back(item.kind == cbor::Kind::kNegative ? -1 - number : number);
    }
  }
  if (numbers.size() != 2 || pair.items.size() != 2) {
    return Refused("a decimal fraction (tag 4) that is not [exponent, mantissa], numbers of 64 bits");
  }
  return ParseNumber(absl::StrCat(numbers[1], "e", numbers[0]));
}

}  // namespace

absl::StatusOr<absl::Duration> SecondsFromCbor(const cbor::Item& item) {
  if (item.kind == cbor::Kind::kTag && item.number == kEpochTime) return SecondsFromCbor(item.items.front());
  if (item.kind == cbor::Kind::kTag && item.number != kDecimalFraction) {
    return Refused(absl::StrCat("a time with tag ", item.number));
  }
  ASSIGN_OR_RETURN(const v1::Value number, FromCbor(item));
  if (number.has_integer()) return absl::Seconds(number.integer());
  if (number.has_unsigned_integer()) return absl::InfiniteDuration();  // beyond any time
  // By way of the decimal number: a double is near what was meant, and its own octets go on with noise.
  if (number.has_floating()) return ParseSenMlTime(FormatFloat(number.floating()));
  return Refused("a time that is not a number");
}

absl::StatusOr<v1::Value> FromCbor(const cbor::Item& item) {
  v1::Value value;
  switch (item.kind) {
    case cbor::Kind::kBoolean:
      value.set_boolean(item.boolean);
      return value;
    case cbor::Kind::kUnsigned:
      if (item.number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        value.set_integer(static_cast<int64_t>(item.number));
      } else {
        value.set_unsigned_integer(item.number);
      }
      return value;
    case cbor::Kind::kNegative:
      if (item.number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return Refused("a negative number of more than 64 bits");
      }
      value.set_integer(-1 - static_cast<int64_t>(item.number));
      return value;
    case cbor::Kind::kFloating: {
      constexpr double kTwoTo63 = 9223372036854775808.0;
      if (!std::isfinite(item.floating)) return Refused("a number that is not finite");
      if (item.floating == std::trunc(item.floating) && item.floating >= -kTwoTo63 && item.floating < kTwoTo63) {
        value.set_integer(static_cast<int64_t>(item.floating));
      } else {
        value.set_floating(item.floating);
      }
      return value;
    }
    case cbor::Kind::kText:
      value.set_text(item.octets);
      return value;
    case cbor::Kind::kBytes:
      value.set_opaque(item.octets);
      return value;
    case cbor::Kind::kTag:
      return item.number == kDecimalFraction ? DecimalFractionOf(item) : TimeOf(item);
    case cbor::Kind::kNull:
      return Refused("null is not a value");
    case cbor::Kind::kArray:
      return Refused("a list in place of a value");
    case cbor::Kind::kMap:
      return Refused("a map in place of a value");
  }
  return Refused("not a value");
}

cbor::Item ToCbor(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kText:
      return cbor::Text(value.text());
    case v1::Value::kCoreLink:
      return cbor::Text(value.core_link());
    case v1::Value::kInteger:
      return cbor::Integer(value.integer());
    case v1::Value::kUnsignedInteger:
      return cbor::Unsigned(value.unsigned_integer());
    case v1::Value::kTime:
      return cbor::Integer(value.time());
    case v1::Value::kFloating:
      return cbor::Floating(value.floating());
    case v1::Value::kBoolean:
      return cbor::Boolean(value.boolean());
    case v1::Value::kOpaque:
      return cbor::Bytes(value.opaque());
    case v1::Value::kObjectLink:
      return cbor::Text(FormatObjectLink(value.object_link()));
    case v1::Value::kRaw:
    case v1::Value::KIND_NOT_SET:
      break;  // refused before
  }
  return cbor::Item();
}

cbor::Item ToTaggedCbor(const v1::Value& value) {
  return value.has_time() ? cbor::Tagged(kEpochTime, ToCbor(value)) : ToCbor(value);
}

}  // namespace isthmus::lwm2m::codec
