#include "services/lib/onem2m/xml/xml_codec.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/parameters.h"
#include "services/lib/onem2m/xml/xml_text.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::onem2m {
namespace {

constexpr absl::string_view kRequest = "m2m:rqp";
constexpr absl::string_view kResponse = "m2m:rsp";

// What stands in `<name>` in text that is no XML, when there is one such element and it holds a plain text: a second
// one could be one inside the content.
std::string ScanFor(absl::string_view name, absl::string_view text) {
  const std::string open = absl::StrCat("<", name, ">"), close = absl::StrCat("</", name, ">");
  const size_t at = text.find(open);
  if (at == absl::string_view::npos || text.find(open, at + 1) != absl::string_view::npos) return "";
  const absl::string_view rest = text.substr(at + open.size());
  const absl::string_view found = rest.substr(0, rest.find_first_of("<&"));
  constexpr size_t kLongestIdentifier = 256;
  if (!absl::StartsWith(rest.substr(found.size()), close) || found.size() > kLongestIdentifier) return "";
  return IsUtf8(found) ? std::string(absl::StripAsciiWhitespace(found)) : "";
}

template <typename Primitive, typename FromParameters>
Decoded<Primitive> Decode(absl::string_view payload, absl::string_view root, FromParameters from_parameters) {
  XmlDocument document = ParseXml(payload);
  if (document.error.empty() && document.root == root) return from_parameters(document.members);
  if (document.error.empty()) {
    document.error = absl::StrCat("expected the root element ", root, ", got '",
                                  absl::string_view(document.root).substr(0, 60), "'");
  }
  return NotAPrimitive(std::move(document.error), document.members,
                       [payload](absl::string_view parameter) { return ScanFor(parameter, payload); });
}

class XmlSink final : public ParameterSink {
 public:
  explicit XmlSink(absl::string_view root) : writer_(root) {}
  void Parameter(absl::string_view name, const v1::Value& value) override { writer_.Member(name, value); }
  void Content(const v1::Attribute& content) override { writer_.Member("pc", content); }
  std::string Finish() { return writer_.Finish(); }

 private:
  XmlWriter writer_;
};

template <typename Primitive>
std::string Encode(absl::string_view root, const Primitive& primitive) {
  XmlSink sink(root);
  VisitParameters(primitive, &sink);
  return sink.Finish();
}

}  // namespace

Decoded<v1::RequestPrimitive> XmlCodec::DecodeRequest(absl::string_view payload, absl::Time now) const {
  return Decode<v1::RequestPrimitive>(payload, kRequest,
                                      [now](v1::Object& parameters) { return RequestFromParameters(parameters, now); });
}

Decoded<v1::ResponsePrimitive> XmlCodec::DecodeResponse(absl::string_view payload) const {
  return Decode<v1::ResponsePrimitive>(payload, kResponse,
                                       [](v1::Object& parameters) { return ResponseFromParameters(parameters); });
}

std::string XmlCodec::EncodeRequest(const v1::RequestPrimitive& request) const { return Encode(kRequest, request); }

std::string XmlCodec::EncodeResponse(const v1::ResponsePrimitive& response) const {
  return Encode(kResponse, response);
}

}  // namespace isthmus::onem2m
