// A primitive as one value, to compare primitives in meaning whatever the order of their members.
//
//   EXPECT_TRUE(Equal(ParametersOf(request), ParametersOf(other)));
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_EQUIVALENCE_PARAMETERS_OF_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_EQUIVALENCE_PARAMETERS_OF_H_

#include <utility>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/onem2m/parameters.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::onem2m {

template <typename Primitive>
v1::Value ParametersOf(const Primitive& primitive) {
  class Collector final : public ParameterSink {
   public:
    void Parameter(absl::string_view name, const v1::Value& value) override { Set(parameters, name, value); }
    void Content(const v1::Attribute& content) override {
      v1::Object only;
      Set(only, content.name(), content.value());
      Set(parameters, "pc", Complex(std::move(only)));
    }
    v1::Object parameters;
  };
  Collector collector;
  VisitParameters(primitive, &collector);
  return Complex(std::move(collector.parameters));
}

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_EQUIVALENCE_PARAMETERS_OF_H_
