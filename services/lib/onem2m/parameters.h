// Primitives as named parameters (short names of TS-0004 8.2.2): the part of a serialisation that does not depend on
// the format. A codec turns its text or octets into an Object and this turns the Object into a primitive; and back.
//
//   onem2m::v1::Object parameters = ...;  // {op: 2, to: "cse-in", rqi: "1", ...}
//   auto decoded = onem2m::RequestFromParameters(parameters, now);
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_PARAMETERS_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_PARAMETERS_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/onem2m/codec.h"

namespace isthmus::onem2m {

// Takes what it needs out of `parameters`. Strict about types and about names that no release knows; whether a
// parameter is allowed for the operation is the receiver's business. Numbers written as text are accepted, as is ACME's
// operation -2, which is a RETRIEVE for discovery.
Decoded<v1::RequestPrimitive> RequestFromParameters(v1::Object& parameters, absl::Time now);

// Liberal: unknown parameters are dropped, `pc` may be null or empty, `rqi` may be a number.
Decoded<v1::ResponsePrimitive> ResponseFromParameters(v1::Object& parameters);

// The error of octets that are no primitive. Its rqi, rvi, fr and to come from what could be read of it, wrapped in
// m2m:rqp or m2m:rsp or not; what is missing then from `scan`, which looks for the value of a parameter in the octets
// themselves ("" = not there, or not beyond doubt).
DecodeError NotAPrimitive(std::string reason, const v1::Object& read,
                          const std::function<std::string(absl::string_view parameter)>& scan);

// Receives the parameters of a primitive in the order of TS-0004's tables.
class ParameterSink {
 public:
  virtual ~ParameterSink() = default;
  virtual void Parameter(absl::string_view name, const v1::Value& value) = 0;
  // `pc`, as an object whose one member is `content`.
  virtual void Content(const v1::Attribute& content) = 0;
};
void VisitParameters(const v1::RequestPrimitive& request, ParameterSink* sink);
void VisitParameters(const v1::ResponsePrimitive& response, ParameterSink* sink);

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_PARAMETERS_H_
