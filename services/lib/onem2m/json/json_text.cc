#include "services/lib/onem2m/json/json_text.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "rapidjson/error/en.h"
#include "rapidjson/memorystream.h"
#include "rapidjson/reader.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::onem2m {
namespace {

// Receives RapidJSON's events and builds the value. What is wrong but well-formed (a double name, too deep) is noted
// and left out, and reading goes on: the rest may hold the request identifier.
class ValueBuilder {
 public:
  // `escapes`: the text has characters by their number. What it has as they are was checked by the parser.
  ValueBuilder(bool escapes, v1::Value* root, std::string* error) : escapes_(escapes), root_(root), error_(error) {
    open_.reserve(kMaxValueDepth);
  }

  bool Null() {
    if (v1::Value* value = Next()) value->set_null(true);
    return true;
  }
  bool Bool(bool boolean) {
    if (v1::Value* value = Next()) value->set_boolean(boolean);
    return true;
  }
  // Numbers come as text, see kFlags.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    v1::Value* value = Next();
    if (value == nullptr) return true;
    const absl::string_view digits(text, size);
    int64_t integer = 0;
    double number = 0;
    if (absl::SimpleAtoi(digits, &integer)) {
      value->set_integer(integer);
    } else if (absl::SimpleAtod(digits, &number) && std::isfinite(number)) {
      value->set_number(number);
    } else {
      Note(absl::StrCat("no number can hold ", digits.substr(0, 60)));
      value->set_null(true);
    }
    return true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    v1::Value* value = Next();
    if (value == nullptr) return true;
    if (IsText(absl::string_view(text, size))) {
      value->set_text(text, size);
    } else {
      value->set_null(true);
    }
    return true;
  }
  bool Key(const char* name, rapidjson::SizeType size, bool) {
    if (too_deep_ > 0) return true;
    v1::Attribute* member = open_.back()->mutable_object()->add_members();
    member->set_name(IsText(absl::string_view(name, size)) ? std::string(name, size) : "");
    member_value_ = member->mutable_value();
    return true;
  }
  bool StartObject() {
    if (v1::Value* value = Open()) value->mutable_object();
    return true;
  }
  bool StartArray() {
    if (v1::Value* value = Open()) value->mutable_list();
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    if (too_deep_ == 0) {
      if (const std::optional<std::string> name = FindDouble(open_.back()->object())) {
        Note(absl::StrCat("the member '", absl::string_view(*name).substr(0, 60), "' occurs twice"));
      }
    }
    return Close();
  }
  bool EndArray(rapidjson::SizeType) { return Close(); }

 private:
  // Where the next value goes; null inside what is too deep.
  v1::Value* Next() {
    if (too_deep_ > 0) return nullptr;
    if (open_.empty()) return root_;
    v1::Value* container = open_.back();
    if (container->kind_case() == v1::Value::kList) return container->mutable_list()->add_values();
    return member_value_;
  }
  v1::Value* Open() {
    if (too_deep_ > 0 || open_.size() >= kMaxValueDepth) {
      if (too_deep_ == 0) {
        Note(absl::StrCat("nested deeper than ", kMaxValueDepth, " levels"));
        if (v1::Value* value = Next()) value->set_null(true);
      }
      ++too_deep_;
      return nullptr;
    }
    v1::Value* value = Next();
    open_.push_back(value);
    return value;
  }
  bool Close() {
    if (too_deep_ > 0) {
      --too_deep_;
    } else {
      open_.pop_back();
    }
    return true;
  }
  // RapidJSON makes of the second half of a surrogate pair without the first ("\udc00") what is no UTF-8.
  bool IsText(absl::string_view text) {
    if (!escapes_ || IsUtf8(text)) return true;
    Note("a text has half of a surrogate pair");
    return false;
  }
  void Note(std::string error) {
    if (error_->empty()) *error_ = std::move(error);
  }

  const bool escapes_;
  v1::Value* const root_;
  std::string* const error_;
  std::vector<v1::Value*> open_;
  v1::Value* member_value_ = nullptr;
  size_t too_deep_ = 0;
};

bool Unspeakable(const v1::Value& value) {
  return value.kind_case() == v1::Value::kNumber && !std::isfinite(value.number());
}

}  // namespace

JsonDocument ParseJson(absl::string_view text) {
  JsonDocument document;
  absl::string_view json = text;
  if (json.size() >= 3 && json.substr(0, 3) == "\xEF\xBB\xBF") {
    document.error = "a byte-order mark stands in front of the JSON text";
    json.remove_prefix(3);
  }
  if (json.empty()) {
    if (document.error.empty()) document.error = "the payload is empty";
    return document;
  }
  // RapidJSON's own conversion in full precision counts the leading zeros of a zero ("0e-88"), which is undefined.
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::Reader reader;
  ValueBuilder builder(json.find("\\u") != absl::string_view::npos, &document.value, &document.error);
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  if (result.IsError()) {
    // The syntax error is the better reason, whatever else was noted before it.
    document.error =
        absl::StrCat("not JSON at octet ", result.Offset(), ": ", rapidjson::GetParseError_En(result.Code()));
  } else if (stream.Tell() != json.size()) {
    // A NUL ends the text for the reader.
    document.error = absl::StrCat("not JSON at octet ", stream.Tell(), ": a NUL octet");
  }
  return document;
}

void AppendJsonText(absl::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  size_t plain = 0;  // start of what needs no change
  size_t i = 0;
  const auto flush = [&](size_t end) { out->append(text.data() + plain, end - plain); };
  while (i < text.size()) {
    const uint8_t c = static_cast<uint8_t>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      if (const size_t length = Utf8Length(text.substr(i))) {
        i += length;
        continue;
      }
      flush(i);
      out->append("\xEF\xBF\xBD");
    } else {
      flush(i);
      out->push_back('\\');
      switch (c) {
        case '"':
        case '\\':
          out->push_back(static_cast<char>(c));
          break;
        case '\n':
          out->push_back('n');
          break;
        case '\r':
          out->push_back('r');
          break;
        case '\t':
          out->push_back('t');
          break;
        default:
          out->append("u00");
          out->push_back(kHex[c >> 4]);
          out->push_back(kHex[c & 0xF]);
      }
    }
    plain = ++i;
  }
  flush(text.size());
  out->push_back('"');
}

void AppendJson(const v1::Value& value, std::string* out) {
  switch (value.kind_case()) {
    case v1::Value::kNull:
    case v1::Value::KIND_NOT_SET:
      out->append("null");
      return;
    case v1::Value::kBoolean:
      out->append(value.boolean() ? "true" : "false");
      return;
    case v1::Value::kInteger:
      absl::StrAppend(out, value.integer());
      return;
    case v1::Value::kNumber:
      if (Unspeakable(value)) {
        out->append("null");
      } else {
        AppendNumber(value.number(), out);
      }
      return;
    case v1::Value::kText:
      AppendJsonText(value.text(), out);
      return;
    case v1::Value::kList: {
      out->push_back('[');
      bool first = true;
      for (const v1::Value& member : value.list().values()) {
        if (!first) out->push_back(',');
        first = false;
        AppendJson(member, out);
      }
      out->push_back(']');
      return;
    }
    case v1::Value::kObject: {
      out->push_back('{');
      bool first = true;
      for (const v1::Attribute& member : value.object().members()) {
        if (Unspeakable(member.value())) continue;
        if (!first) out->push_back(',');
        first = false;
        AppendJsonText(member.name(), out);
        out->push_back(':');
        AppendJson(member.value(), out);
      }
      out->push_back('}');
      return;
    }
  }
}

std::string ToJson(const v1::Value& value) {
  std::string text;
  AppendJson(value, &text);
  return text;
}

}  // namespace isthmus::onem2m
