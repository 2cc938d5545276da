#include "services/translation/core/xml_reader.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::translation {
namespace {

constexpr size_t kShown = 80;  // octets of somebody's text in a message

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isascii(static_cast<unsigned char>(c)); });
}

// Every code of ISO-8859-1 is the character of the same number.
std::string Latin1ToUtf8(absl::string_view text) {
  std::string utf8;
  utf8.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80) {
      utf8.push_back(c);
    } else {
      utf8.push_back(static_cast<char>(0xC0 | (code >> 6)));
      utf8.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    }
  }
  return utf8;
}

// "iso-8859-1" of <?xml version="1.0" encoding="ISO-8859-1"?>, in small letters; "" when it is not said.
std::string DeclaredEncoding(absl::string_view text) {
  if (!absl::StartsWith(text, "<?xml")) return "";
  const absl::string_view declaration = text.substr(0, text.find("?>"));
  constexpr absl::string_view kName = "encoding";
  const size_t name = declaration.find(kName);
  if (name == absl::string_view::npos) return "";
  const size_t quote = declaration.find_first_of("\"'", name + kName.size());
  if (quote == absl::string_view::npos) return "";
  const absl::string_view value = declaration.substr(quote + 1);
  return absl::AsciiStrToLower(value.substr(0, std::min(value.find(declaration[quote]), kShown)));
}

// Without blanks around, one for each run of them inside.
std::string Collapsed(absl::string_view text) {
  std::string collapsed;
  for (const char c : text) {
    if (!absl::ascii_isspace(static_cast<unsigned char>(c))) {
      collapsed.push_back(c);
    } else if (!collapsed.empty() && collapsed.back() != ' ') {
      collapsed.push_back(' ');
    }
  }
  if (!collapsed.empty() && collapsed.back() == ' ') collapsed.pop_back();
  return collapsed;
}

std::string Quoted(absl::string_view text) {
  if (text.empty()) return "nothing";
  if (!IsUtf8(text)) return "what is not UTF-8";
  size_t size = std::min(text.size(), kShown);
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return absl::StrCat("'", text.substr(0, size), "'");
}

}  // namespace

// ---- the document --------------------------------------------------------------------------------------------------

XmlDocument::XmlDocument(std::string file, absl::string_view text) : file_(std::move(file)) {
  const bool utf16 = absl::StartsWith(text, "\xFE\xFF") || absl::StartsWith(text, "\xFF\xFE");
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::string encoding = DeclaredEncoding(text);
  if (utf16) {
    Report(1, "the file is UTF-16; expected UTF-8 or ISO-8859-1");
  } else if (encoding == "iso-8859-1" || encoding == "iso_8859-1" || encoding == "latin1") {
    Parse(Latin1ToUtf8(text));
  } else if (encoding.empty() || encoding == "utf-8" || encoding == "utf8" || IsAscii(text)) {
    Parse(std::string(text));
  } else {
    Report(1, absl::StrCat("encoding ", Quoted(encoding), " is not read; expected UTF-8 or ISO-8859-1"));
  }
}

void XmlDocument::Parse(const std::string& utf8) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    if (utf8[i] == '\n' || (utf8[i] == '\r' && (i + 1 == utf8.size() || utf8[i + 1] != '\n'))) line_ends_.push_back(i);
  }
  if (absl::StripAsciiWhitespace(utf8).empty()) return Report(1, "the file is empty; expected XML");
  if (const size_t nul = utf8.find('\0'); nul != std::string::npos) {
    return Report(LineAt(static_cast<ptrdiff_t>(nul)), "not XML: an octet of value 0");
  }
  const pugi::xml_parse_result result =
      tree_.load_buffer(utf8.data(), utf8.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
  // What stands before the place of an error is in the tree, and says better what the file is.
  int roots = 0;
  for (const pugi::xml_node& node : tree_.children()) {
    if (node.type() == pugi::node_element && absl::EqualsIgnoreCase(node.name(), "html")) {
      return Report(LineOf(node), "a web page, not an XML file of definitions");
    }
    if (node.type() == pugi::node_doctype && absl::StartsWithIgnoreCase(Collapsed(node.value()), "html")) {
      return Report(LineOf(node), "a web page, not an XML file of definitions");
    }
    if (node.type() == pugi::node_doctype) return Report(LineOf(node), "a DOCTYPE is not taken");
    if (node.type() == pugi::node_element && ++roots == 2) {
      return Report(LineOf(node), "not XML: a second root element");
    }
  }
  if (result.status == pugi::status_no_document_element) return Report(1, "not XML: no element");
  if (!result) return Report(LineAt(result.offset), absl::StrCat("not XML: ", result.description()));
}

XmlElement XmlDocument::root() {
  const pugi::xml_node root = tree_.document_element();
  return XmlElement(this, root, root.empty() ? 1 : LineOf(root));
}

void XmlDocument::Report(int line, absl::string_view message) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(file_, ":", line, ": ", message));
}

int XmlDocument::LineAt(ptrdiff_t offset) const {
  if (offset < 0) return 1;
  const auto before = std::lower_bound(line_ends_.begin(), line_ends_.end(), static_cast<size_t>(offset));
  return static_cast<int>(before - line_ends_.begin()) + 1;
}

// ---- an element ----------------------------------------------------------------------------------------------------

std::string XmlElement::Where() const { return absl::StrCat(document_->file_, ":", line_); }

XmlElement XmlElement::Child(const char* name) const {
  const pugi::xml_node child = node_.child(name);
  if (child.empty()) return XmlElement(document_, child, line_);
  const int line = document_->LineOf(child);
  if (const pugi::xml_node second = child.next_sibling(name)) {
    document_->Report(document_->LineOf(second), absl::StrCat("element '", name, "' is given twice"));
  }
  return XmlElement(document_, child, line);
}

XmlElement XmlElement::Require(const char* name) const {
  const XmlElement child = Child(name);
  if (present() && !child.present()) document_->Report(line_, absl::StrCat("element '", name, "' is missing"));
  return child;
}

std::vector<XmlElement> XmlElement::Children(const char* name) const {
  std::vector<XmlElement> children;
  for (const pugi::xml_node& child : node_.children(name)) {
    children.push_back(XmlElement(document_, child, document_->LineOf(child)));
  }
  return children;
}

std::string XmlElement::Attribute(const char* name) const {
  std::string value = Collapsed(node_.attribute(name).value());
  if (IsUtf8(value)) return value;
  document_->Report(line_, absl::StrCat("attribute '", name, "': not UTF-8; does the file say its encoding?"));
  return "";
}

std::string XmlElement::Text() const {
  std::string text;
  for (const pugi::xml_node& child : node_.children()) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  }
  text = Collapsed(text);
  if (IsUtf8(text)) return text;
  document_->Report(line_, absl::StrCat("element '", name(), "': not UTF-8; does the file say its encoding?"));
  return "";
}

void XmlElement::FailName(absl::string_view expected) const {
  document_->Report(line_, absl::StrCat("expected ", expected, ", got element ", Quoted(name())));
}

void XmlElement::Fail(absl::string_view expected) const {
  document_->Report(line_, absl::StrCat("element '", name(), "': expected ", expected, ", got ", Quoted(Text())));
}

void XmlElement::FailAttribute(const char* name, absl::string_view expected) const {
  document_->Report(line_, absl::StrCat("element '", this->name(), "': attribute '", name, "': expected ", expected,
                                        ", got ", Quoted(Attribute(name))));
}

}  // namespace isthmus::translation
