// LwM2M operations and their results in words, for traces, logs and `m2m:dbg`.
//
//   OperationText(operation) == "Read /3/0"
//   ResultText(result) == "2.05 Content, 14 resources"
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_OPERATION_TEXT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_OPERATION_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "google/protobuf/repeated_ptr_field.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/onem2m/v1/cse.pb.h"

namespace isthmus::synchronizer {

std::string OperationText(const lwm2m::v1::Operation& operation);
std::string ResultText(const lwm2m::v1::OperationResult& result);
onem2m::v1::TraceStep MakeTraceStep(const lwm2m::v1::Operation& operation, const lwm2m::v1::OperationResult& result);

// The device answered, and with a code of class 2.
bool Succeeded(const lwm2m::v1::OperationResult& result);

lwm2m::v1::Operation ReadOperation(const lwm2m::v1::Path& path);

// The value as an integer, whatever payload format carried it; nothing when it is not one.
std::optional<int64_t> IntegerOf(const lwm2m::v1::Value& value);
// The integer at `path` among `nodes`; the last one when there are several.
std::optional<int64_t> IntegerAt(const google::protobuf::RepeatedPtrField<lwm2m::v1::Node>& nodes,
                                 const lwm2m::v1::Path& path);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_OPERATION_TEXT_H_
