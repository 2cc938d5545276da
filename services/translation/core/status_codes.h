// What a device answered, as a oneM2M response status code and in words (TS-0005 6.4.1).
//
//   StatusCodeFor(Row::kWrite, result)  ->  2004, 4102, 5105 ...
//   DescribeFailure(operation, result)  ->  "device answered 4.05 Method Not Allowed to Write /3/0/13: read only"
//
// Pure functions: thread-safe.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_STATUS_CODES_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_STATUS_CODES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"

namespace isthmus::translation {

// A row of table 6.4.1-1.
enum class Row { kCreate, kRead, kWrite, kExecute, kDelete };
Row RowOf(const lwm2m::v1::Operation& operation);

// The success of the row (2001, 2000, 2004, 2004, 2002), or what the failure means.
uint32_t StatusCodeFor(Row row, const lwm2m::v1::OperationResult& result);

// "Write /3/0/13".
std::string DescribeOperation(const lwm2m::v1::Operation& operation);
std::string DescribeFailure(const lwm2m::v1::Operation& operation, const lwm2m::v1::OperationResult& result);
// 405 -> "4.05 Method Not Allowed".
std::string DescribeCoapCode(uint32_t code);

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_STATUS_CODES_H_
