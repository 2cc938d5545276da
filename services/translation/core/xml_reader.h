// Reads XML files of people's: every error names file, line, element, what was expected and what stood there. The first
// error of a document is kept, and reading goes on with defaults, so that a parser reads as a list of its elements.
//
//   XmlDocument document("3303.xml", text);
//   const XmlElement root = document.root();
//   for (const XmlElement& object : root.Children("Object")) name = object.Require("Name").Text();
//   RETURN_IF_ERROR(document.status());
//
// Taken: UTF-8 with or without a byte-order mark, and ISO-8859-1. Refused: a DOCTYPE, so that there are no entities but
// XML's own five and the numbered ones. Time and memory grow with the length of the text and with nothing else.
// Elements point into their document. One document belongs to one thread.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_XML_READER_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_XML_READER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "pugixml.hpp"

namespace isthmus::translation {

class XmlDocument;

// An element; absent when it is not there, and then every reading gives a default without an error.
class XmlElement {
 public:
  bool present() const { return !node_.empty(); }
  absl::string_view name() const { return node_.name(); }
  // "3303.xml:12".
  std::string Where() const;

  // The child of this name; an error when there are several.
  XmlElement Child(const char* name) const;
  // An error as well when it is not there.
  XmlElement Require(const char* name) const;
  std::vector<XmlElement> Children(const char* name) const;
  // "" when it is not there.
  std::string Attribute(const char* name) const;
  // Its own characters, CDATA included, without blanks around them and with a single one for any inside.
  std::string Text() const;

  // "file:line: element 'Type': expected <expected>, got 'y'".
  void Fail(absl::string_view expected) const;
  // "file:line: expected <expected>, got element 'html'".
  void FailName(absl::string_view expected) const;
  // As Fail, of one of its attributes.
  void FailAttribute(const char* name, absl::string_view expected) const;

 private:
  friend class XmlDocument;
  XmlElement(XmlDocument* document, pugi::xml_node node, int line) : document_(document), node_(node), line_(line) {}

  XmlDocument* document_;
  pugi::xml_node node_;
  int line_;  // of the element, or of what should hold it
};

class XmlDocument {
 public:
  XmlDocument(std::string file, absl::string_view text);

  // The root element; absent when the document has an error.
  XmlElement root();
  // The first error.
  const absl::Status& status() const { return status_; }

 private:
  friend class XmlElement;
  void Report(int line, absl::string_view message);
  // Refuses what is no XML of the kinds above.
  void Parse(const std::string& utf8);
  int LineAt(ptrdiff_t offset) const;
  int LineOf(const pugi::xml_node& node) const { return LineAt(node.offset_debug()); }

  std::string file_;
  std::vector<size_t> line_ends_;  // offsets
  pugi::xml_document tree_;
  absl::Status status_;
};

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_XML_READER_H_
