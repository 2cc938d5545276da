#include "services/lib/lwm2m/codec/senml_json.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "rapidjson/encodedstream.h"
#include "rapidjson/encodings.h"
#include "rapidjson/error/en.h"
#include "rapidjson/memorystream.h"
#include "rapidjson/reader.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"
#include "services/lib/lwm2m/codec/json_end.h"
#include "services/lib/lwm2m/codec/senml_records.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

// What lies deeper, inside members that SenML does not know, is not worth a look.
constexpr int kMostDepth = 16;
constexpr int64_t kKnownVersion = 10;

enum Field : uint32_t {
  kBaseName,
  kBaseTime,
  kBaseVersion,
  kName,
  kTime,
  kNumber,
  kString,
  kBoolean,
  kData,
  kObjectLink,
  kUnknown,  // ignored, as RFC 8428 4.4 wants it
};
struct FieldName {
  const char* label;
  Field field;
};
constexpr FieldName kFields[] = {{"bn", kBaseName}, {"bt", kBaseTime},   {"bver", kBaseVersion}, {"n", kName},
                                 {"t", kTime},      {"v", kNumber},      {"vs", kString},        {"vb", kBoolean},
                                 {"vd", kData},     {"vlo", kObjectLink}};

// Receives RapidJSON's events. Numbers arrive as text, so that times keep their nanoseconds. Returning false stops the
// parser; error() says why.
class RecordHandler {
 public:
  RecordHandler(absl::Time now, absl::string_view root_path) : resolver_(now, root_path) {}

  bool Null() { return Skipping() || Fail("null is not a value"); }
  bool Bool(bool boolean) {
    if (Skipping()) return true;
    if (field_ != kBoolean) return Mismatch("true or false");
    v1::Value* value = Value();
    if (value != nullptr) value->set_boolean(boolean);
    return value != nullptr;
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    if (Skipping()) return true;
    const absl::string_view number(text, size);
    switch (field_) {
      case kNumber: {
        absl::StatusOr<v1::Value> value = ParseNumber(number);
        if (!value.ok()) return Fail(value.status().message());
        if (Value() == nullptr) return false;
        record_.value = *std::move(value);
        return true;
      }
      case kTime:
        return SetTime(number, &record_.time);
      case kBaseTime:
        return SetTime(number, &record_.base_time);
      case kBaseVersion: {
        const absl::StatusOr<v1::Value> version = ParseNumber(number);
        if (version.ok() && version->has_integer() && version->integer() <= kKnownVersion) return true;
        return Fail(absl::StrCat("version ", Excerpt(number), " of SenML is not known"));
      }
      default:
        return Mismatch("a number");
    }
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    if (Skipping()) return true;
    const absl::string_view string(text, size);
    switch (field_) {
      case kBaseName:
        return record_.base_name.emplace(string), true;
      case kName:
        return record_.name.emplace(string), true;
      case kString: {
        v1::Value* value = Value();
        if (value != nullptr) value->set_text(text, size);
        return value != nullptr;
      }
      case kData: {
        std::optional<std::string> octets = DecodeBase64(string);
        if (!octets.has_value()) return Fail("vd is not base64");
        v1::Value* value = Value();
        if (value != nullptr) value->set_opaque(*std::move(octets));
        return value != nullptr;
      }
      case kObjectLink: {
        absl::StatusOr<v1::ObjectLinkValue> link = ParseObjectLink(string);
        if (!link.ok()) return Fail(link.status().message());
        v1::Value* value = Value();
        if (value != nullptr) *value->mutable_object_link() = *std::move(link);
        return value != nullptr;
      }
      default:
        return Mismatch("text");
    }
  }
  bool StartArray() {
    if (depth_ == 0) return ++depth_, true;
    return Skip("a list");
  }
  bool EndArray(rapidjson::SizeType) { return --depth_, true; }
  bool StartObject() {
    if (depth_ == 1) {
      ++depth_;
      record_ = SenMlRecord();
      seen_ = 0;
      return true;
    }
    return Skip("an object");
  }
  bool Key(const char* name, rapidjson::SizeType size, bool) {
    if (depth_ > kRecordDepth) return true;
    const absl::string_view label(name, size);
    field_ = kUnknown;
    for (const FieldName& known : kFields) {
      if (label == known.label) field_ = known.field;
    }
    if (field_ != kUnknown) {
      if ((seen_ >> field_ & 1) != 0) return Fail(absl::StrCat(label, " occurs twice"));
      seen_ |= uint32_t{1} << field_;
    } else if (label == "bv") {
      return Fail("bv (base value) is not part of LwM2M");  // to ignore it would change the values
    } else if (!label.empty() && label.back() == '_') {
      return Fail(absl::StrCat("the member ", Excerpt(label), " has to be understood and is not"));
    }
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    if (depth_-- > kRecordDepth) return true;
    const absl::Status status = resolver_.Add(std::move(record_));
    if (!status.ok()) return Fail(status.message());
    ++records_;
    return true;
  }
  // Numbers come as RawNumber.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

  const std::string& error() const { return error_; }
  std::vector<v1::Node> Take() { return resolver_.Take(); }

 private:
  static constexpr int kRecordDepth = 2;

  // Inside of a record, at a member that is not known, or deeper.
  bool Skipping() const { return depth_ > kRecordDepth || (depth_ == kRecordDepth && field_ == kUnknown); }
  bool Skip(absl::string_view what) {
    if (depth_ < kRecordDepth || !Skipping()) return Mismatch(what);
    if (depth_ >= kMostDepth) return Fail(absl::StrCat("nested deeper than ", kMostDepth, " levels"));
    return ++depth_, true;
  }
  // The record's value, or null when it has one already.
  v1::Value* Value() {
    if (record_.value.has_value()) {
      Fail("more than one value");
      return nullptr;
    }
    return &record_.value.emplace();
  }
  bool SetTime(absl::string_view number, std::optional<absl::Duration>* time) {
    absl::StatusOr<absl::Duration> parsed = ParseSenMlTime(number);
    if (!parsed.ok()) return Fail(parsed.status().message());
    *time = *parsed;
    return true;
  }
  bool Mismatch(absl::string_view found) {
    if (depth_ == 0) return Fail(absl::StrCat(found, " in place of a list of records"));
    if (depth_ == 1) return Fail(absl::StrCat(found, " in place of a record"));
    for (const FieldName& known : kFields) {
      if (known.field == field_) return Fail(absl::StrCat("the value of ", known.label, " is ", found));
    }
    return Fail(found);
  }
  bool Fail(absl::string_view why) {
    if (error_.empty()) error_ = absl::StrCat("record ", records_ + 1, ": ", why);
    return false;
  }

  SenMlResolver resolver_;
  SenMlRecord record_;
  Field field_ = kUnknown;
  uint32_t seen_ = 0;
  int depth_ = 0;
  size_t records_ = 0;
  std::string error_;
};

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void WriteText(Writer* writer, absl::string_view text) {
  writer->String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
void WriteNumber(Writer* writer, const std::string& number) {
  writer->RawValue(number.data(), number.size(), rapidjson::kNumberType);
}

void WriteValue(const v1::Value& value, Writer* writer) {
  switch (value.kind_case()) {
    case v1::Value::kText:
      writer->Key("vs"), WriteText(writer, value.text());
      break;
    case v1::Value::kCoreLink:
      writer->Key("vs"), WriteText(writer, value.core_link());
      break;
    case v1::Value::kInteger:
      writer->Key("v"), writer->Int64(value.integer());
      break;
    case v1::Value::kUnsignedInteger:
      writer->Key("v"), writer->Uint64(value.unsigned_integer());
      break;
    case v1::Value::kTime:
      writer->Key("v"), writer->Int64(value.time());
      break;
    case v1::Value::kFloating:
      writer->Key("v"), WriteNumber(writer, FormatFloat(value.floating()));
      break;
    case v1::Value::kBoolean:
      writer->Key("vb"), writer->Bool(value.boolean());
      break;
    case v1::Value::kOpaque:
      writer->Key("vd"), WriteText(writer, absl::WebSafeBase64Escape(value.opaque()));
      break;
    case v1::Value::kObjectLink:
      writer->Key("vlo"), WriteText(writer, FormatObjectLink(value.object_link()));
      break;
    case v1::Value::kRaw:
    case v1::Value::KIND_NOT_SET:
      break;  // refused before
  }
}

}  // namespace

absl::StatusOr<std::vector<v1::Node>> DecodeSenMlJson(absl::string_view payload, const v1::Path&, absl::Time now,
                                                      absl::string_view root_path) {
  rapidjson::MemoryStream memory(payload.data(), payload.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(memory);
  rapidjson::Reader reader;
  RecordHandler handler(now, root_path);
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseStopWhenDoneFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, handler);
  if (result.IsError()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SenML JSON, octet ", result.Offset(), ": ",
        handler.error().empty() ? absl::string_view(rapidjson::GetParseError_En(result.Code())) : handler.error()));
  }
  RETURN_IF_ERROR(CheckNothingFollows(payload, stream.Tell(), "SenML JSON"));
  return handler.Take();
}

absl::StatusOr<std::string> EncodeSenMlJson(const std::vector<const v1::Node*>& nodes, const v1::Path&,
                                            absl::string_view root_path) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartArray();
  const v1::Node* previous = nullptr;
  for (const v1::Node* node : nodes) {
    const v1::Path& path = node->path();
    writer.StartObject();
    if (previous == nullptr || previous->path().object_id() != path.object_id() ||
        previous->path().object_instance_id() != path.object_instance_id()) {
      writer.Key("bn");
      WriteText(&writer, absl::StrCat(root_path, "/", path.object_id(), "/", path.object_instance_id(), "/"));
    }
    previous = node;
    writer.Key("n");
    std::string name = absl::StrCat(path.resource_id());
    if (path.has_resource_instance_id()) absl::StrAppend(&name, "/", path.resource_instance_id());
    WriteText(&writer, name);
    if (node->has_time()) {
      RETURN_IF_ERROR(CheckTimeIsAbsolute(*node, "SenML JSON"));
      writer.Key("t"), WriteNumber(&writer, FormatSenMlTime(*node));
    }
    WriteValue(node->value(), &writer);
    writer.EndObject();
  }
  writer.EndArray();
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace isthmus::lwm2m::codec
