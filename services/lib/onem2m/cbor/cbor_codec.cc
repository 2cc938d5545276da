#include "services/lib/onem2m/cbor/cbor_codec.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "services/lib/cbor/cbor.h"
#include "services/lib/onem2m/cbor/cbor_octets.h"
#include "services/lib/onem2m/parameters.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::onem2m {
namespace {

// The text (shorter than 256 octets) or whole number at the start of `octets`.
std::optional<std::string> ReadIdentifier(absl::string_view octets) {
  if (octets.empty()) return std::nullopt;
  const uint8_t head = static_cast<uint8_t>(octets[0]);
  constexpr uint8_t kBytes = 0x40, kText = 0x60;
  size_t size = 0;
  if (head <= 0x1b) {
    size = head < 0x18 ? 1 : 1 + (size_t{1} << (head - 0x18));
  } else {
    const uint8_t begin = head < kText ? kBytes : kText;
    if (head >= begin && head < begin + 0x18) size = 1 + static_cast<size_t>(head - begin);
    if (head == begin + 0x18 && octets.size() > 1) size = 2 + static_cast<uint8_t>(octets[1]);
  }
  if (size == 0 || size > octets.size()) return std::nullopt;
  absl::StatusOr<cbor::Item> item = cbor::Decode(octets.substr(0, size));
  if (!item.ok() || !IsUtf8(item->octets)) return std::nullopt;
  if (item->kind == cbor::Kind::kUnsigned) return absl::StrCat(item->number);
  return std::move(item->octets);
}

// The value after the key `name` in octets that are no primitive, when it occurs once: a second occurrence could be one
// inside the content.
std::string ScanFor(absl::string_view name, absl::string_view octets) {
  std::string found;
  int occurrences = 0;
  for (const std::string& key : {cbor::Encode(cbor::Text(name)), cbor::Encode(cbor::Bytes(name))}) {
    for (size_t at = octets.find(key); at != absl::string_view::npos; at = octets.find(key, at + 1)) {
      if (++occurrences > 1) return "";
      found = ReadIdentifier(octets.substr(at + key.size())).value_or("");
    }
  }
  return found;
}

template <typename Primitive, typename FromParameters>
Decoded<Primitive> Decode(absl::string_view payload, FromParameters from_parameters) {
  CborDocument document = ParseCbor(payload);
  if (document.error.empty() && document.value.kind_case() != v1::Value::kObject) {
    document.error = "expected a CBOR map at the top level";
  }
  if (!document.error.empty()) {
    return NotAPrimitive(std::move(document.error), document.value.object(),
                         [payload](absl::string_view parameter) { return ScanFor(parameter, payload); });
  }
  return from_parameters(*document.value.mutable_object());
}

class CborSink final : public ParameterSink {
 public:
  void Parameter(absl::string_view name, const v1::Value& value) override {
    members_.push_back(cbor::Text(name));
    members_.push_back(ToCborItem(value));
  }
  void Content(const v1::Attribute& content) override {
    v1::Value root;
    *root.mutable_object()->add_members() = content;
    Parameter("pc", root);
  }
  std::string Finish() { return cbor::Encode(cbor::Map(std::move(members_))); }

 private:
  std::vector<cbor::Item> members_;
};

template <typename Primitive>
std::string Encode(const Primitive& primitive) {
  CborSink sink;
  VisitParameters(primitive, &sink);
  return sink.Finish();
}

}  // namespace

Decoded<v1::RequestPrimitive> CborCodec::DecodeRequest(absl::string_view payload, absl::Time now) const {
  return Decode<v1::RequestPrimitive>(payload,
                                      [now](v1::Object& parameters) { return RequestFromParameters(parameters, now); });
}

Decoded<v1::ResponsePrimitive> CborCodec::DecodeResponse(absl::string_view payload) const {
  return Decode<v1::ResponsePrimitive>(payload,
                                       [](v1::Object& parameters) { return ResponseFromParameters(parameters); });
}

std::string CborCodec::EncodeRequest(const v1::RequestPrimitive& request) const { return Encode(request); }

std::string CborCodec::EncodeResponse(const v1::ResponsePrimitive& response) const { return Encode(response); }

}  // namespace isthmus::onem2m
