// The XML serialisation of primitives (TS-0004 8.3): <m2m:rqp> and <m2m:rsp>.
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_CODEC_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_CODEC_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/onem2m/codec.h"

namespace isthmus::onem2m {

// Stateless, thread-safe.
class XmlCodec final : public PrimitiveCodec {
 public:
  absl::string_view name() const override { return "xml"; }
  Decoded<v1::RequestPrimitive> DecodeRequest(absl::string_view payload, absl::Time now) const override;
  Decoded<v1::ResponsePrimitive> DecodeResponse(absl::string_view payload) const override;
  std::string EncodeRequest(const v1::RequestPrimitive& request) const override;
  std::string EncodeResponse(const v1::ResponsePrimitive& response) const override;
};

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_CODEC_H_
