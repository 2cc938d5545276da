#include "services/lib/lwm2m/codec/lwm2m_json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "rapidjson/document.h"
#include "rapidjson/error/en.h"
#include "rapidjson/memorystream.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"
#include "services/lib/lwm2m/codec/senml_records.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

using Json = rapidjson::Value;

absl::Status Refused(absl::string_view why) { return absl::InvalidArgumentError(absl::StrCat("LwM2M JSON: ", why)); }

absl::string_view TextOf(const Json& json) { return absl::string_view(json.GetString(), json.GetStringLength()); }

absl::StatusOr<absl::Duration> TimeOf(const Json& json, absl::string_view label) {
  if (!json.IsNumber()) return Refused(absl::StrCat("the value of ", label, " is not a number"));
  if (json.IsInt64()) return ParseSenMlTime(absl::StrCat(json.GetInt64()));
  return ParseSenMlTime(FormatFloat(json.GetDouble()));
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

const Json* Member(const Json& object, const char* name) {
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

absl::Status AddEntry(const Json& entry, const std::string& base_name, absl::Duration base_time,
                      SenMlResolver* resolver) {
  if (!entry.IsObject()) return Refused("an entry of e that is not an object");
  SenMlRecord record;
  record.base_name = base_name;
  record.base_time = base_time;
  if (const Json* name = Member(entry, "n")) {
    if (!name->IsString()) return Refused("the value of n is not text");
    record.name = std::string(TextOf(*name));
    // Names and base names are joined as they are; without a slash at either side one of the two forgot it.
    const bool apart = !base_name.empty() && base_name.back() == '/';
    if (!record.name->empty() && record.name->front() != '/' && !apart) record.name->insert(0, "/");
    if (!record.name->empty() && record.name->front() == '/' && apart) record.name->erase(0, 1);
  }
  if (const Json* time = Member(entry, "t")) {
    ASSIGN_OR_RETURN(record.time, TimeOf(*time, "t"));
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
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseFullPrecisionFlag | rapidjson::kParseStopWhenDoneFlag;
  document.ParseStream<kFlags>(stream);
  if (document.HasParseError()) {
    return absl::InvalidArgumentError(absl::StrCat("LwM2M JSON, octet ", document.GetErrorOffset(), ": ",
                                                   rapidjson::GetParseError_En(document.GetParseError())));
  }
  // RapidJSON takes a zero octet for the end of the text, and would not see what follows it.
  size_t end = stream.Tell();
  while (end < payload.size() && absl::string_view(" \t\r\n").find(payload[end]) != absl::string_view::npos) ++end;
  if (end < payload.size()) return Refused("something follows the object");
  if (!document.IsObject()) return Refused("expected an object with e");

  // Without a base name, names are relative to what was read.
  std::string base_name = PathToString(path);
  if (const Json* json = Member(document, "bn")) {
    if (!json->IsString()) return Refused("the value of bn is not text");
    base_name = std::string(TextOf(*json));
  }
  absl::Duration base_time;
  if (const Json* json = Member(document, "bt")) {
    ASSIGN_OR_RETURN(base_time, TimeOf(*json, "bt"));
  }
  const Json* entries = Member(document, "e");
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
  writer.StartObject();
  writer.Key("bn"), text("/");
  writer.Key("e"), writer.StartArray();
  for (const v1::Node* node : nodes) {
    const v1::Value& value = node->value();
    writer.StartObject();
    writer.Key("n"), text(PathToString(node->path()).substr(1));
    if (node->has_time()) {
      if (absl::Seconds(node->time().seconds()) < kFirstAbsoluteTime) {
        return Refused(absl::StrCat("the time of ", PathToString(node->path()), " is too early to be an absolute one"));
      }
      writer.Key("t"), writer.Int64(node->time().seconds());
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
      case v1::Value::kFloating: {
        const std::string number = FormatFloat(value.floating());
        writer.Key("v"), writer.RawValue(number.data(), number.size(), rapidjson::kNumberType);
        break;
      }
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
