// XML documents (TS-0004 8.3) <-> onem2m.v1.Value. docs/0001-types-in-xml.md tells how values keep their types.
//
//   onem2m::XmlDocument document = onem2m::ParseXml(payload);
//   if (!document.error.empty()) { ... document.members is what could be read ... }
//
//   onem2m::XmlWriter writer("m2m:rqp");
//   writer.Member("op", Integer(2));
//   std::string text = writer.Finish();
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_TEXT_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_TEXT_H_

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/lib/onem2m/xml/attribute_types.h"

namespace isthmus::onem2m {

struct XmlDocument {
  // Name of the root element, with the prefix `m2m:` when it is in the namespace of oneM2M, whatever its own prefix.
  std::string root;
  // What is in it. With an error: nothing when it is no XML, else all members but those that are wrong.
  v1::Object members;
  // Empty = none. For people, with the octet or the member.
  std::string error;
};

// Well-formed XML 1.0 in UTF-8, without a document type declaration, at most kMaxValueDepth levels. Thread-safe.
XmlDocument ParseXml(absl::string_view text);

// Writes one document. What XML has no characters for (controls, U+FFFE, U+FFFF) and what is no UTF-8 becomes U+FFFD;
// members whose number is NaN or infinite are left out, such list members are null. Not thread-safe.
class XmlWriter {
 public:
  // A root in the namespace of oneM2M, with its prefix.
  explicit XmlWriter(absl::string_view root) : root_(root) {}

  // Each name once.
  void Member(absl::string_view name, const v1::Value& value);
  // `name` with one member, for `pc`.
  void Member(absl::string_view name, const v1::Attribute& only);
  // The document. Nothing may be added any more.
  std::string Finish();

 private:
  // Where an element stands: what its type may depend on.
  struct Place {
    std::string name;  // without prefix
    bool global = false;
  };

  void Element(const Place& place, absl::string_view name, const v1::Value& value);
  void Item(AttributeType type, absl::string_view tag, absl::string_view name, absl::string_view attributes,
            const v1::Value& value, bool say_type = false);
  bool Tokens(AttributeType type, absl::string_view tag, const v1::ValueList& list);
  void Members(const Place& place, const v1::Object& object, absl::string_view without = "");
  void Open(absl::string_view tag, absl::string_view attributes, bool empty = false);
  void Close(absl::string_view tag);
  // The name as XML can write it; notes the prefix.
  std::string Tag(absl::string_view name);

  const std::string root_;
  std::string body_;
  std::set<std::string> prefixes_;
  bool uses_types_ = false, uses_lists_ = false;
};

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_XML_XML_TEXT_H_
