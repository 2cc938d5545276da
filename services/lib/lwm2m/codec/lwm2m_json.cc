#include "services/lib/lwm2m/codec/lwm2m_json.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "rapidjson/document.h"
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

using Json = rapidjson::Value;

// Hands the events of a reader to a document, and converts the numbers on the way, which come as text.
class DocumentBuilder {
 public:
  explicit DocumentBuilder(rapidjson::Document* document) : document_(*document) {}

  bool Null() { return document_.Null(); }
  bool Bool(bool boolean) { return document_.Bool(boolean); }
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    const absl::string_view digits(text, size);
    int64_t integer = 0;
    uint64_t large = 0;
    double number = 0;
    if (absl::SimpleAtoi(digits, &integer)) return document_.Int64(integer);
    if (absl::SimpleAtoi(digits, &large)) return document_.Uint64(large);
    return absl::SimpleAtod(digits, &number) && std::isfinite(number) && document_.Double(number);
  }
  bool String(const char* text, rapidjson::SizeType size, bool copy) { return document_.String(text, size, copy); }
  bool Key(const char* name, rapidjson::SizeType size, bool copy) { return document_.Key(name, size, copy); }
  bool StartObject() { return document_.StartObject(); }
  bool EndObject(rapidjson::SizeType members) { return document_.EndObject(members); }
  bool StartArray() { return document_.StartArray(); }
  bool EndArray(rapidjson::SizeType values) { return document_.EndArray(values); }

 private:
  rapidjson::Document& document_;
};

absl::Status Refused(absl::string_view why) { return absl::InvalidArgumentError(absl::StrCat("LwM2M JSON: ", why)); }

absl::string_view TextOf(const Json& json) { return absl::string_view(json.GetString(), json.GetStringLength()); }

// The member of that name, or null. INVALID_ARGUMENT when it occurs twice: to take either would lose the other.
absl::StatusOr<const Json*> Member(const Json& object, absl::string_view name) {
  const Json* found = nullptr;
  for (const auto& member : object.GetObject()) {
    if (TextOf(member.name) != name) continue;
    if (found != nullptr) return Refused(absl::StrCat(name, " occurs twice"));
    found = &member.value;
  }
  return found;
}

absl::StatusOr<std::optional<std::string>> TextMember(const Json& object, absl::string_view name) {
  ASSIGN_OR_RETURN(const Json* json, Member(object, name));
  if (json == nullptr) return std::optional<std::string>();
  if (!json->IsString()) return Refused(absl::StrCat("the value of ", name, " is not text"));
  return std::optional<std::string>(TextOf(*json));
}

absl::StatusOr<std::optional<absl::Duration>> TimeMember(const Json& object, absl::string_view name) {
  ASSIGN_OR_RETURN(const Json* json, Member(object, name));
  if (json == nullptr) return std::optional<absl::Duration>();
  if (!json->IsNumber()) return Refused(absl::StrCat("the value of ", name, " is not a number"));
  const std::string number = json->IsInt64() ? absl::StrCat(json->GetInt64()) : FormatFloat(json->GetDouble());
  ASSIGN_OR_RETURN(const absl::Duration time, ParseSenMlTime(number));
  return std::optional<absl::Duration>(time);
}

// The one of v, sv, bv, ov that an entry has.
absl::StatusOr<v1::Value> ValueOf(const Json& entry) {
  std::optional<v1::Value> value;
  for (const auto& member : entry.GetObject()) {
    const absl::string_view label = TextOf(member.name);
    const Json& json = member.value;
    if (label != "v" && label != "sv" && label != "bv" && label != "ov") continue;
    if (value.has_value()) return Refused("more than one value in an entry");
    value.emplace();
    if (label == "v") {
      if (!json.IsNumber()) return Refused("the value of v is not a number");
      if (json.IsInt64()) {
        value->set_integer(json.GetInt64());
      } else if (json.IsUint64()) {
        value->set_unsigned_integer(json.GetUint64());
      } else {
        ASSIGN_OR_RETURN(*value, ParseNumber(FormatFloat(json.GetDouble())));
      }
    } else if (label == "bv") {
      if (!json.IsBool()) return Refused("the value of bv is not true or false");
      value->set_boolean(json.GetBool());
    } else if (!json.IsString()) {
      return Refused(absl::StrCat("the value of ", label, " is not text"));
    } else if (label == "sv") {
      value->set_text(json.GetString(), json.GetStringLength());
    } else {
      ASSIGN_OR_RETURN(*value->mutable_object_link(), ParseObjectLink(TextOf(json)));
    }
  }
  if (!value.has_value()) return Refused("an entry without a value: expected one of v, sv, bv, ov");
  return *std::move(value);
}

absl::Status AddEntry(const Json& entry, const std::string& base_name, absl::Duration base_time,
                      SenMlResolver* resolver) {
  if (!entry.IsObject()) return Refused("an entry of e that is not an object");
  SenMlRecord record;
  record.base_name = base_name;
  record.base_time = base_time;
  ASSIGN_OR_RETURN(record.time, TimeMember(entry, "t"));
  ASSIGN_OR_RETURN(record.name, TextMember(entry, "n"));
  if (record.name.has_value() && !record.name->empty()) {
    // Names and base names are joined as they are; without a slash at either side one of the two forgot it.
    const bool apart = !base_name.empty() && base_name.back() == '/';
    if (record.name->front() != '/' && !apart) record.name->insert(0, "/");
    if (record.name->front() == '/' && apart) record.name->erase(0, 1);
  }
  ASSIGN_OR_RETURN(record.value, ValueOf(entry));
  const absl::Status status = resolver->Add(std::move(record));
  return status.ok() ? status : Refused(status.message());
}

}  // namespace

absl::StatusOr<std::vector<v1::Node>> DecodeLwm2mJson(absl::string_view payload, const v1::Path& path, absl::Time now) {
  rapidjson::MemoryStream memory(payload.data(), payload.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(memory);
  rapidjson::Document document;
  rapidjson::ParseResult result;
  // RapidJSON's own conversion in full precision counts the leading zeros of a zero ("0e-88"), which is undefined.
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseStopWhenDoneFlag;
  auto parse = [&stream, &result](rapidjson::Document& into) {
    DocumentBuilder builder(&into);
    rapidjson::Reader reader;
    result = reader.Parse<kFlags>(stream, builder);
    return !result.IsError();
  };
  document.Populate(parse);
  if (result.IsError()) {
    return absl::InvalidArgumentError(absl::StrCat("LwM2M JSON, octet ", result.Offset(), ": ",
                                                   result.Code() == rapidjson::kParseErrorTermination
                                                       ? "a number that is too large"
                                                       : rapidjson::GetParseError_En(result.Code())));
  }
  RETURN_IF_ERROR(CheckNothingFollows(payload, stream.Tell(), "LwM2M JSON"));
  if (!document.IsObject()) return Refused("expected an object with e");

  ASSIGN_OR_RETURN(const std::optional<std::string> given_name, TextMember(document, "bn"));
  ASSIGN_OR_RETURN(const std::optional<absl::Duration> given_time, TimeMember(document, "bt"));
  // Without a base name, names are relative to what was read.
  const std::string base_name = given_name.value_or(PathToString(path));
  const absl::Duration base_time = given_time.value_or(absl::ZeroDuration());
  ASSIGN_OR_RETURN(const Json* entries, Member(document, "e"));
  if (entries == nullptr || !entries->IsArray()) return Refused("expected a list e");
  SenMlResolver resolver(now);
  for (const Json& entry : entries->GetArray()) RETURN_IF_ERROR(AddEntry(entry, base_name, base_time, &resolver));
  return resolver.Take();
}

absl::StatusOr<std::string> EncodeLwm2mJson(const std::vector<const v1::Node*>& nodes, const v1::Path&) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  const auto text = [&writer](absl::string_view value) {
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  const auto number = [&writer](const std::string& value) {
    writer.RawValue(value.data(), value.size(), rapidjson::kNumberType);
  };
  writer.StartObject();
  writer.Key("bn"), text("/");
  writer.Key("e"), writer.StartArray();
  for (const v1::Node* node : nodes) {
    const v1::Value& value = node->value();
    writer.StartObject();
    writer.Key("n"), text(PathToString(node->path()).substr(1));
    if (node->has_time()) {
      RETURN_IF_ERROR(CheckTimeIsAbsolute(*node, "LwM2M JSON"));
      writer.Key("t"), number(FormatSenMlTime(*node));
    }
    switch (value.kind_case()) {
      case v1::Value::kText:
        writer.Key("sv"), text(value.text());
        break;
      case v1::Value::kCoreLink:
        writer.Key("sv"), text(value.core_link());
        break;
      case v1::Value::kOpaque:
        writer.Key("sv"), text(absl::Base64Escape(value.opaque()));
        break;
      case v1::Value::kBoolean:
        writer.Key("bv"), writer.Bool(value.boolean());
        break;
      case v1::Value::kObjectLink:
        writer.Key("ov"), text(FormatObjectLink(value.object_link()));
        break;
      case v1::Value::kInteger:
        writer.Key("v"), writer.Int64(value.integer());
        break;
      case v1::Value::kUnsignedInteger:
        writer.Key("v"), writer.Uint64(value.unsigned_integer());
        break;
      case v1::Value::kTime:
        writer.Key("v"), writer.Int64(value.time());
        break;
      case v1::Value::kFloating:
        writer.Key("v"), number(FormatFloat(value.floating()));
        break;
      case v1::Value::kRaw:
      case v1::Value::KIND_NOT_SET:
        break;  // refused before
    }
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace isthmus::lwm2m::codec
