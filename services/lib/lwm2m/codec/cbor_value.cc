#include "services/lib/lwm2m/codec/cbor_value.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

constexpr uint64_t kDateAndTimeText = 0, kEpochTime = 1;
constexpr double kMostSeconds = 1e12;  // beyond it nobody means seconds

absl::Status Refused(absl::string_view why) { return absl::InvalidArgumentError(why); }

absl::StatusOr<v1::Value> TimeOf(const cbor::Item& tagged) {
  const cbor::Item& inner = tagged.items.front();
  absl::Time time;
  if (tagged.number == kDateAndTimeText) {
    if (inner.kind != cbor::Kind::kText) return Refused("a date (tag 0) that is not text");
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, inner.octets, &time, &error)) {
      return Refused(absl::StrCat("the date ", Excerpt(inner.octets), " is not one of RFC 3339"));
    }
  } else if (tagged.number == kEpochTime) {
    ASSIGN_OR_RETURN(const absl::Duration since, SecondsFromCbor(inner));
    time = absl::UnixEpoch() + since;
  } else {
    return Refused(absl::StrCat("tag ", tagged.number, " is not known"));
  }
  v1::Value value;
  value.set_time(absl::ToUnixSeconds(time));
  return value;
}

}  // namespace

absl::StatusOr<absl::Duration> SecondsFromCbor(const cbor::Item& item) {
  switch (item.kind) {
    case cbor::Kind::kUnsigned:
    case cbor::Kind::kNegative: {
      if (item.number > static_cast<uint64_t>(kMostSeconds)) return Refused("a time that is not in seconds");
      const auto number = static_cast<int64_t>(item.number);
      return absl::Seconds(item.kind == cbor::Kind::kUnsigned ? number : -1 - number);
    }
    case cbor::Kind::kFloating:
      if (!(std::abs(item.floating) <= kMostSeconds)) return Refused("a time that is not in seconds");
      return absl::Seconds(item.floating);
    case cbor::Kind::kTag:
      if (item.number == kEpochTime) return SecondsFromCbor(item.items.front());
      return Refused(absl::StrCat("a time with tag ", item.number));
    default:
      return Refused("a time that is not a number");
  }
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
      return TimeOf(item);
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
