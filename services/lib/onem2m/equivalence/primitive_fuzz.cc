// Any octets as a request and as an answer in one serialisation, FUZZ_CODEC: what is read can be written, says the same
// when it is read again, and says it in JSON too.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/onem2m/cbor/cbor_codec.h"
#include "services/lib/onem2m/codec.h"
#include "services/lib/onem2m/equivalence/parameters_of.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/onem2m/xml/xml_codec.h"

namespace {

using isthmus::onem2m::DecodeError;
using isthmus::onem2m::Equal;
using isthmus::onem2m::JsonCodec;
using isthmus::onem2m::ParametersOf;

template <typename Primitive, typename Decode, typename Encode>
void Check(absl::string_view payload, Decode decode, Encode encode) {
  const FUZZ_CODEC codec;
  const JsonCodec json;
  const auto first = decode(codec, payload);
  if (const auto* error = std::get_if<DecodeError>(&first)) {
    if (error->reason.empty()) std::abort();
    return;
  }
  const auto& primitive = std::get<Primitive>(first);
  const auto second = decode(codec, encode(codec, primitive));
  if (!std::holds_alternative<Primitive>(second)) std::abort();
  const auto& again = std::get<Primitive>(second);
  if (!Equal(ParametersOf(primitive), ParametersOf(again))) std::abort();
  // By now every member stands where the writer puts it.
  const auto third = decode(codec, encode(codec, again));
  if (!std::holds_alternative<Primitive>(third)) std::abort();
  if (std::get<Primitive>(third).SerializeAsString() != again.SerializeAsString()) std::abort();
  const auto in_json = decode(json, encode(json, primitive));
  if (!std::holds_alternative<Primitive>(in_json)) std::abort();
  if (!Equal(ParametersOf(primitive), ParametersOf(std::get<Primitive>(in_json)))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace onem2m = isthmus::onem2m;
  const absl::string_view payload(reinterpret_cast<const char*>(data), size);
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  Check<onem2m::v1::RequestPrimitive>(
      payload,
      [now](const onem2m::PrimitiveCodec& codec, absl::string_view octets) { return codec.DecodeRequest(octets, now); },
      [](const onem2m::PrimitiveCodec& codec, const auto& request) { return codec.EncodeRequest(request); });
  Check<onem2m::v1::ResponsePrimitive>(
      payload,
      [](const onem2m::PrimitiveCodec& codec, absl::string_view octets) { return codec.DecodeResponse(octets); },
      [](const onem2m::PrimitiveCodec& codec, const auto& response) { return codec.EncodeResponse(response); });
  return 0;
}
