// The CBOR serialisation of primitives (TS-0004 8.5).
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_CBOR_CBOR_CODEC_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_CBOR_CBOR_CODEC_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/onem2m/codec.h"

namespace isthmus::onem2m {

// Stateless, thread-safe.
class CborCodec final : public PrimitiveCodec {
 public:
  absl::string_view name() const override { return "cbor"; }
  Decoded<v1::RequestPrimitive> DecodeRequest(absl::string_view payload, absl::Time now) const override;
  Decoded<v1::ResponsePrimitive> DecodeResponse(absl::string_view payload) const override;
  std::string EncodeRequest(const v1::RequestPrimitive& request) const override;
  std::string EncodeResponse(const v1::ResponsePrimitive& response) const override;
};

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_CBOR_CBOR_CODEC_H_
