#include "services/lib/onem2m/json/json_codec.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/json/json_text.h"
#include "services/lib/onem2m/parameters.h"

namespace isthmus::onem2m {
namespace {

// The value of `"name":` in text that is no JSON, when it occurs once and is a text without escapes or a number: a
// second occurrence could be one inside the content.
std::string ScanFor(absl::string_view name, absl::string_view text) {
  const std::string quoted = absl::StrCat("\"", name, "\"");
  std::string found;
  int occurrences = 0;
  for (size_t at = text.find(quoted); at != absl::string_view::npos; at = text.find(quoted, at + 1)) {
    absl::string_view rest = absl::StripLeadingAsciiWhitespace(text.substr(at + quoted.size()));
    if (rest.empty() || rest.front() != ':') continue;
    if (++occurrences > 1) return "";
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(1));
    size_t end = absl::string_view::npos;
    if (!rest.empty() && rest.front() == '"') {
      rest.remove_prefix(1);
      end = rest.find_first_of("\"\\");
      if (end != absl::string_view::npos && rest[end] != '"') end = absl::string_view::npos;
    } else {
      end = rest.find_first_not_of("-0123456789");
    }
    constexpr size_t kLongestIdentifier = 256;
    if (end != absl::string_view::npos && end <= kLongestIdentifier) found = std::string(rest.substr(0, end));
  }
  return found;
}

template <typename Primitive, typename FromParameters>
Decoded<Primitive> Decode(absl::string_view payload, FromParameters from_parameters) {
  JsonDocument document = ParseJson(payload);
  if (document.error.empty() && document.value.kind_case() != v1::Value::kObject) {
    document.error = "expected a JSON object at the top level";
  }
  if (!document.error.empty()) {
    return NotAPrimitive(std::move(document.error), document.value.object(),
                         [payload](absl::string_view parameter) { return ScanFor(parameter, payload); });
  }
  return from_parameters(*document.value.mutable_object());
}

class JsonSink final : public ParameterSink {
 public:
  explicit JsonSink(std::string* out) : out_(out) { out_->push_back('{'); }
  void Parameter(absl::string_view name, const v1::Value& value) override {
    Name(name);
    AppendJson(value, out_);
  }
  void Content(const v1::Attribute& content) override {
    Name("pc");
    out_->push_back('{');
    AppendJsonText(content.name(), out_);
    out_->push_back(':');
    AppendJson(content.value(), out_);
    out_->push_back('}');
  }
  void Finish() { out_->push_back('}'); }

 private:
  void Name(absl::string_view name) {
    if (out_->back() != '{') out_->push_back(',');
    AppendJsonText(name, out_);
    out_->push_back(':');
  }
  std::string* const out_;
};

template <typename Primitive>
std::string Encode(const Primitive& primitive) {
  std::string text;
  text.reserve(512);
  JsonSink sink(&text);
  VisitParameters(primitive, &sink);
  sink.Finish();
  return text;
}

}  // namespace

Decoded<v1::RequestPrimitive> JsonCodec::DecodeRequest(absl::string_view payload, absl::Time now) const {
  return Decode<v1::RequestPrimitive>(payload,
                                      [now](v1::Object& parameters) { return RequestFromParameters(parameters, now); });
}

Decoded<v1::ResponsePrimitive> JsonCodec::DecodeResponse(absl::string_view payload) const {
  return Decode<v1::ResponsePrimitive>(payload,
                                       [](v1::Object& parameters) { return ResponseFromParameters(parameters); });
}

std::string JsonCodec::EncodeRequest(const v1::RequestPrimitive& request) const { return Encode(request); }

std::string JsonCodec::EncodeResponse(const v1::ResponsePrimitive& response) const { return Encode(response); }

}  // namespace isthmus::onem2m
