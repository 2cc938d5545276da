// What the XML serialisation has to know about an element because XML does not say it: whether `<btl>77</btl>` is a
// number and `<lbl>a b</lbl>` a list (TS-0004 clauses 6.3, 7.4 and 8.2, annex D).
//
//   TypeOf("bat", "btl").kind       // AttributeKind::kNumber
//   TypeOf("fc", "ty").list         // ListForm::kTokens; TypeOf("bat", "ty").list is ListForm::kNone
//
// The names are data (attribute_types.cc). Free functions without state of their own: thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_XML_ATTRIBUTE_TYPES_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_XML_ATTRIBUTE_TYPES_H_

#include "absl/strings/string_view.h"

namespace isthmus::onem2m {

enum class AttributeKind {
  kUnknown,  // of a self-defined or later type: what its text looks like
  kText,     // xs:string, xs:anyURI, m2m:timestamp and every other textual type
  kNumber,   // integers, enumerations, floating numbers
  kBoolean,
  kObject,     // a complex type
  kReference,  // a simple type with XML attributes: {nm, typ, spid} and the text as `val`
};

enum class ListForm {
  kNone,
  kTokens,    // xs:list: one element, its members separated by white space
  kRepeated,  // maxOccurs > 1: an element for each member
};

struct AttributeType {
  AttributeKind kind = AttributeKind::kUnknown;
  ListForm list = ListForm::kNone;
};

// The type of the element `name` in an element `container`, both as short names; the container without its prefix. A
// name with a prefix is a global element: a resource, or one of what TS-0004 7.5.2 puts into `pc`. `global_container`:
// the container is one itself; the resources in a resource are lists of its children.
AttributeType TypeOf(absl::string_view container, absl::string_view name, bool global_container = false);

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_XML_ATTRIBUTE_TYPES_H_
