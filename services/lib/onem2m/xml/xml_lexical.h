// The words of XML documents: names of elements, and the text of simple values.
//
//   EscapeName("5700")                                  // "_x0035_700": no name begins with a digit
//   ReadSimple(AttributeKind::kNumber, "77")            // Integer(77)
//
// Free functions without state: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_LEXICAL_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_LEXICAL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/onem2m/xml/attribute_types.h"

namespace isthmus::onem2m {

inline constexpr absl::string_view kOneM2mNamespace = "http://www.onem2m.org/xml/protocols";
inline constexpr absl::string_view kInstanceNamespace = "http://www.w3.org/2001/XMLSchema-instance";
inline constexpr absl::string_view kSchemaNamespace = "http://www.w3.org/2001/XMLSchema";
// Of `isthmus:list` and `isthmus:item`, for lists that no type tells of.
inline constexpr absl::string_view kListNamespace = "urn:isthmus:list";

// Any text as a name without a colon, and back: `_xHHHH_` stands for the character U+HHHH, `_x_` for no name at all.
std::string EscapeName(absl::string_view name);
std::string UnescapeName(absl::string_view name);

// The text as a value of this kind; a text when it is none. kUnknown: an integer, number or boolean where the text is
// just what we would write for it, else a text.
v1::Value ReadSimple(AttributeKind kind, absl::string_view text);
// By the local name of a type of XML Schema; false = not one that is known.
bool ReadTyped(absl::string_view type, absl::string_view text, v1::Value* value);

// The text of a boolean, number or text, and its type of XML Schema (with the prefix `xs:`).
std::string SimpleText(const v1::Value& value);
absl::string_view SimpleType(const v1::Value& value);

bool IsBlank(absl::string_view text);
bool HasWhiteSpace(absl::string_view text);

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_LEXICAL_H_
