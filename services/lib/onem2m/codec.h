// Serialisations of oneM2M primitives (TS-0004 clause 8) behind one interface, and their registry by topic suffix.
//
//   const onem2m::PrimitiveCodec* codec = registry.Find("json");
//   auto decoded = codec->DecodeRequest(payload, clock.Now());
//   if (auto* error = std::get_if<onem2m::DecodeError>(&decoded)) { ... answer error->response_status_code ... }
//   std::string text = codec->EncodeResponse(response);
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_CODEC_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_CODEC_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"

namespace isthmus::onem2m {

// Why a payload is not a primitive, and what could be read of it in spite of that, so that it can be answered.
struct DecodeError {
  uint32_t response_status_code = v1::RESPONSE_STATUS_CODE_BAD_REQUEST;
  std::string reason;
  // As text, whatever their type was; empty = could not be read.
  std::string request_identifier;
  std::string release_version_indicator;
  std::string from;
  std::string to;
};

template <typename Primitive>
using Decoded = std::variant<Primitive, DecodeError>;

// One serialisation. Implementations are immutable and thread-safe, and survive any payload.
class PrimitiveCodec {
 public:
  virtual ~PrimitiveCodec() = default;

  // The topic suffix of TS-0010 6.5.4: "json", "cbor" or "xml".
  virtual absl::string_view name() const = 0;

  // Times relative to the receipt (rqet, rset, oet) are made absolute with `now`.
  virtual Decoded<v1::RequestPrimitive> DecodeRequest(absl::string_view payload, absl::Time now) const = 0;
  virtual Decoded<v1::ResponsePrimitive> DecodeResponse(absl::string_view payload) const = 0;

  virtual std::string EncodeRequest(const v1::RequestPrimitive& request) const = 0;
  virtual std::string EncodeResponse(const v1::ResponsePrimitive& response) const = 0;
};

// Immutable, thread-safe; owns its codecs.
class CodecRegistry {
 public:
  explicit CodecRegistry(std::vector<std::unique_ptr<const PrimitiveCodec>> codecs);

  // Null when there is none of that name. Names are compared as they are: the topic suffix is in lower case.
  const PrimitiveCodec* Find(absl::string_view name) const;

 private:
  std::vector<std::unique_ptr<const PrimitiveCodec>> codecs_;
};

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_CODEC_H_
