#include "services/lib/lwm2m/codec/senml_names.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rapidjson/document.h"
#include "rapidjson/encodedstream.h"
#include "rapidjson/encodings.h"
#include "rapidjson/error/en.h"
#include "rapidjson/memorystream.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"
#include "services/lib/cbor/cbor.h"
#include "services/lib/lwm2m/codec/json_end.h"
#include "services/lib/lwm2m/codec/senml_records.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/value_text.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::lwm2m::codec {
namespace {

constexpr int64_t kBaseName = -2, kName = 0;  // RFC 8428 table 4

// "/" below a root is the root itself.
std::string NameOf(const v1::Path& path, absl::string_view root_path) {
  if (!path.has_object_id() && !root_path.empty()) return std::string(root_path);
  return absl::StrCat(root_path, PathToString(path));
}

// Joins names as records are resolved.
class Names {
 public:
  explicit Names(absl::string_view root_path) : root_path_(root_path) {}

  absl::Status Add(std::optional<std::string> base_name, std::optional<std::string> name) {
    if (base_name.has_value()) base_name_ = *std::move(base_name);
    ASSIGN_OR_RETURN(const std::string joined, JoinSenMlNames(base_name_, name.value_or(""), root_path_));
    const std::optional<v1::Path> path = PathOfSenMlName(joined, root_path_, /*of_value=*/false);
    if (!path.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("the name ", Excerpt(joined), " is not a path"));
    }
    paths_.push_back(*path);
    return absl::OkStatus();
  }
  std::vector<v1::Path> Take() { return std::move(paths_); }

 private:
  const absl::string_view root_path_;
  std::string base_name_;
  std::vector<v1::Path> paths_;
};

absl::Status Refused(absl::string_view format, size_t record, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(format, ", record ", record, ": ", why));
}

absl::Status AddJsonRecord(const rapidjson::Value& record, Names* names) {
  if (!record.IsObject()) return absl::InvalidArgumentError("expected an object");
  std::optional<std::string> base_name, name;
  for (const auto& member : record.GetObject()) {
    const absl::string_view label(member.name.GetString(), member.name.GetStringLength());
    if (label != "bn" && label != "n") continue;
    std::optional<std::string>& into = label == "bn" ? base_name : name;
    if (!member.value.IsString())
      return absl::InvalidArgumentError(absl::StrCat("the value of ", label, " is not text"));
    if (into.has_value()) return absl::InvalidArgumentError(absl::StrCat(label, " occurs twice"));
    into.emplace(member.value.GetString(), member.value.GetStringLength());
  }
  return names->Add(std::move(base_name), std::move(name));
}

absl::Status AddCborRecord(const cbor::Item& record, Names* names) {
  if (record.kind != cbor::Kind::kMap) return absl::InvalidArgumentError("expected a map");
  std::optional<std::string> base_name, name;
  for (size_t i = 0; i < record.items.size(); i += 2) {
    const cbor::Item& key = record.items[i];
    const bool is_base = key.kind == cbor::Kind::kNegative && key.number == static_cast<uint64_t>(-1 - kBaseName);
    const bool is_name = key.kind == cbor::Kind::kUnsigned && key.number == static_cast<uint64_t>(kName);
    if (!is_base && !is_name) continue;
    std::optional<std::string>& into = is_base ? base_name : name;
    if (record.items[i + 1].kind != cbor::Kind::kText) return absl::InvalidArgumentError("a name is not text");
    if (into.has_value()) return absl::InvalidArgumentError("a name occurs twice");
    into = record.items[i + 1].octets;
  }
  return names->Add(std::move(base_name), std::move(name));
}

}  // namespace

std::string EncodeSenMlJsonNames(const std::vector<v1::Path>& paths, absl::string_view root_path) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.StartArray();
  for (const v1::Path& path : paths) {
    const std::string name = NameOf(path, root_path);
    writer.StartObject();
    writer.Key("n");
    writer.String(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    writer.EndObject();
  }
  writer.EndArray();
  return std::string(buffer.GetString(), buffer.GetSize());
}

std::string EncodeSenMlCborNames(const std::vector<v1::Path>& paths, absl::string_view root_path) {
  std::vector<cbor::Item> records;
  for (const v1::Path& path : paths) {
    records.push_back(cbor::Map({cbor::Integer(kName), cbor::Text(NameOf(path, root_path))}));
  }
  return cbor::Encode(cbor::Array(std::move(records)));
}

absl::StatusOr<std::vector<v1::Path>> DecodeSenMlJsonNames(absl::string_view payload, absl::string_view root_path) {
  rapidjson::MemoryStream memory(payload.data(), payload.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(memory);
  rapidjson::Document document;
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseStopWhenDoneFlag;
  document.ParseStream<kFlags>(stream);
  if (document.HasParseError()) {
    return absl::InvalidArgumentError(absl::StrCat("SenML JSON, octet ", document.GetErrorOffset(), ": ",
                                                   rapidjson::GetParseError_En(document.GetParseError())));
  }
  RETURN_IF_ERROR(CheckNothingFollows(payload, stream.Tell(), "SenML JSON"));
  if (!document.IsArray()) return absl::InvalidArgumentError("SenML JSON: expected a list of records");
  Names names(root_path);
  for (rapidjson::SizeType i = 0; i < document.Size(); ++i) {
    const absl::Status status = AddJsonRecord(document[i], &names);
    if (!status.ok()) return Refused("SenML JSON", i + 1, status.message());
  }
  return names.Take();
}

absl::StatusOr<std::vector<v1::Path>> DecodeSenMlCborNames(absl::string_view payload, absl::string_view root_path) {
  ASSIGN_OR_RETURN(const cbor::Item list, cbor::Decode(payload));
  if (list.kind != cbor::Kind::kArray) return absl::InvalidArgumentError("SenML CBOR: expected a list of records");
  Names names(root_path);
  for (size_t i = 0; i < list.items.size(); ++i) {
    const absl::Status status = AddCborRecord(list.items[i], &names);
    if (!status.ok()) return Refused("SenML CBOR", i + 1, status.message());
  }
  return names.Take();
}

}  // namespace isthmus::lwm2m::codec
