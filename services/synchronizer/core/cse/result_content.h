// The content of answers (Result Content, TS-0004 7.5.2; table in 6.3.4.2.7): resources, listings, references.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_RESULT_CONTENT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_RESULT_CONTENT_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/cse/cse_context.h"
#include "services/synchronizer/core/filter/filter.h"

namespace isthmus::synchronizer {

// {m2m:bat: {...}}; `wanted`: only these attributes, empty = all.
onem2m::v1::Attribute Representation(const CseContext& context, const Entry& entry,
                                     const std::vector<std::string>& wanted = {});

// Which resources below a target are listed, and how.
struct Listing {
  const onem2m::v1::RequestPrimitive* primitive = nullptr;
  absl::string_view originator;
  AccessOperation operation = kRetrieve;  // what the originator needs to be allowed for a resource to be listed
};

// Performs a discovery (uril, or rrl for rcn 6), or a RETRIEVE with rcn 4, 5, 6 or 8. `cnst` and `cnot` of the response
// are set when there is more.
Checked ListInto(const CseContext& context, const Entry& target, const Listing& listing, uint32_t result_content,
                 onem2m::v1::ResponsePrimitive* response);

// Address of a resource for people who get it in an answer: "cse-in/n/bat", or "/id-in/r7" for drt 2. Originators of
// other CSEs get it SP-relative.
std::string AddressFor(const CseContext& context, const Entry& entry, absl::string_view originator, uint32_t drt);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_RESULT_CONTENT_H_
