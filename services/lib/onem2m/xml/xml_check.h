// What pugixml passes over in silence and an XML document must not have.
//
//   if (std::string error = CheckXml(payload); !error.empty()) ...
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_CHECK_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_CHECK_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace isthmus::onem2m {

// Empty, or what is wrong and where: characters that XML 1.0 forbids, also as references; references to entities other
// than the five predefined ones; a document type declaration; a '<' in a tag. Whether elements nest is not looked at.
// Linear in the length.
std::string CheckXml(absl::string_view document);

// Length of the character at the start of `octets` that XML 1.0 allows (clause 2.2), or 0.
size_t XmlCharacterLength(absl::string_view octets);

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_CHECK_H_
