#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "pugixml.hpp"
#include "services/lib/onem2m/value.h"
#include "services/lib/onem2m/xml/xml_check.h"
#include "services/lib/onem2m/xml/xml_lexical.h"
#include "services/lib/onem2m/xml/xml_text.h"

namespace isthmus::onem2m {
namespace {

// Nothing is expanded, resolved or fetched by these: the five predefined entities and character references only.
constexpr unsigned kFlags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_wconv_attribute | pugi::parse_eol |
                            pugi::parse_ws_pcdata_single | pugi::parse_declaration | pugi::parse_doctype |
                            pugi::parse_fragment;

bool IsElement(const pugi::xml_node& node) { return node.type() == pugi::node_element; }

bool HasElements(const pugi::xml_node& element) {
  for (const pugi::xml_node& child : element) {
    if (IsElement(child)) return true;
  }
  return false;
}

// Comments and CDATA sections may cut it into pieces.
std::string TextOf(const pugi::xml_node& element) {
  std::string text;
  for (const pugi::xml_node& child : element) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  }
  return text;
}

// A name of the document: its prefix as we write it, and whether it has one.
struct Name {
  std::string full;   // "m2m:bat", "btl"
  std::string local;  // "bat", "btl"
  bool global = false;
};

class Reader {
 public:
  explicit Reader(std::string* error) : error_(error) {}

  Name RootName(const pugi::xml_node& root) {
    Declare(root);
    Name name = NameOf(root.name());
    // Also where the default namespace says it.
    if (!name.global && Resolve("") == kOneM2mNamespace) name.full = absl::StrCat("m2m:", name.local);
    name.global = false;  // a primitive is no resource, whose global elements would be its children
    return name;
  }

  // What is in `element`: `place` is its name. `level`: how deep the object is.
  void ReadMembers(const pugi::xml_node& element, const Name& place, int level, v1::Object* object) {
    absl::flat_hash_map<std::string, Slot> slots;
    for (const pugi::xml_attribute& attribute : element.attributes()) {
      if (!IsMember(attribute.name())) continue;
      Name name = NameOf(attribute.name());
      const Slot slot{object->members_size(), true};
      if (!slots.try_emplace(name.full, slot).second) {
        NoteDouble(name.full);
        continue;
      }
      v1::Attribute* member = object->add_members();
      *member->mutable_value() = ReadSimple(TypeOf(place.local, name.full, place.global).kind, attribute.value());
      member->set_name(std::move(name.full));
    }
    for (const pugi::xml_node& child : element) {
      if (IsElement(child)) ReadElement(child, place, level, object, &slots);
    }
  }

 private:
  struct Slot {
    int index = 0;
    bool complete = false;  // takes no further element of this name
  };

  void ReadElement(const pugi::xml_node& element, const Name& place, int level, v1::Object* object,
                   absl::flat_hash_map<std::string, Slot>* slots) {
    const size_t declared = declared_.size();
    Declare(element);
    Name name = NameOf(element.name());
    if (!name.global && place.full == "pc" && Resolve("") == kOneM2mNamespace) {
      name.full = absl::StrCat("m2m:", name.local);
      name.global = true;
    }
    path_.push_back(name.full);
    const AttributeType type = TypeOf(place.local, name.full, place.global);
    const std::string list = Special(element, kListNamespace, "list");
    const bool is_list = !list.empty() ? list != "false" : type.list != ListForm::kNone && !IsNull(element, name);
    const auto [found, first] = slots->try_emplace(name.full, Slot{object->members_size(), false});
    Slot& slot = found->second;
    if (first) {
      object->add_members()->set_name(name.full);
    } else if (slot.complete || list == "false" || list == "empty" ||
               (!is_list && type.kind != AttributeKind::kUnknown)) {
      NoteDouble("");
    }
    v1::Value* value = object->mutable_members(slot.index)->mutable_value();
    slot.complete = slot.complete || list == "false" || list == "empty";
    if (!first && value->kind_case() != v1::Value::kList) {
      // A second one of a name that no table knows: a list.
      v1::Value one = std::move(*value);
      *value->mutable_list()->add_values() = std::move(one);
    }
    if (is_list) value->mutable_list();
    if (value->kind_case() != v1::Value::kList) {
      ReadValue(element, name, type.kind, level + 1, value);
    } else if (level >= kMaxValueDepth) {
      TooDeep(value);
    } else if (list != "empty") {
      ReadItems(element, name, type, list, level + 1, value->mutable_list());
    }
    path_.pop_back();
    declared_.resize(declared);
  }

  // What one element adds to a list. `level`: how deep the list is.
  void ReadItems(const pugi::xml_node& element, const Name& name, const AttributeType& type, absl::string_view word,
                 int level, v1::ValueList* list) {
    if (word == "nested") {
      v1::Object items;
      ReadMembers(element, name, level, &items);
      v1::Value* inner = items.members_size() == 1 ? items.mutable_members(0)->mutable_value() : nullptr;
      if (inner == nullptr || items.members(0).name() != kItem || inner->kind_case() != v1::Value::kList) {
        return Note("expected isthmus:item elements");
      }
      if (level >= kMaxValueDepth) return TooDeep(list->add_values());
      *list->add_values() = std::move(*inner);
      return;
    }
    const bool tokens = type.list == ListForm::kTokens && word.empty() && !HasElements(element) &&
                        Special(element, kInstanceNamespace, "type").empty();
    if (!tokens) return ReadValue(element, name, type.kind, level + 1, list->add_values());
    const std::string text = TextOf(element);
    absl::string_view rest = absl::StripAsciiWhitespace(text);
    while (!rest.empty()) {
      const size_t end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
      *list->add_values() = ReadSimple(type.kind, rest.substr(0, end));
      rest = absl::StripLeadingAsciiWhitespace(rest.substr(end));
    }
  }

  // `level`: how deep the value is if it is an object.
  void ReadValue(const pugi::xml_node& element, const Name& name, AttributeKind kind, int level, v1::Value* value) {
    const bool elements = HasElements(element);
    bool attributes = false;
    for (const pugi::xml_attribute& attribute : element.attributes()) attributes |= IsMember(attribute.name());
    const std::string text = TextOf(element);
    // A type of another namespace than XML Schema's says nothing here.
    const std::string typed = Special(element, kInstanceNamespace, "type");
    const absl::string_view type = absl::string_view(typed).substr(typed.find(':') + 1);
    const bool no_members =
        IsBlank(text) && (type == "anyType" || (name.global && kind == AttributeKind::kObject && type.empty()));
    if (IsNil(element)) {
      value->set_null(true);
      return;
    }
    if (elements || attributes || no_members) {
      if (level > kMaxValueDepth) return TooDeep(value);
      ReadMembers(element, name, level, value->mutable_object());
      if (IsBlank(text)) return;
      if (elements) return Note("text between elements");
      v1::Attribute* member = value->mutable_object()->add_members();
      member->set_name("val");
      *member->mutable_value() = ReadSimple(TypeOf(name.local, "val").kind, text);
      return;
    }
    if (!type.empty() && ReadTyped(type, text, value)) return;
    // TS-0004 8.3.1: an empty element is null, whatever its type.
    if (text.empty() || (IsBlank(text) && kind == AttributeKind::kObject)) {
      value->set_null(true);
    } else {
      *value = ReadSimple(kind, text);
    }
  }

  // An empty element of a name that is a list is null, but for those that may be empty lists: rt.nu (TS-0004 table
  // 6.3.5.30-1) and the lists of TS-0004 7.5.2.
  bool IsNull(const pugi::xml_node& element, const Name& name) const {
    if (IsNil(element)) return true;
    const bool may_be_empty = name.global || (name.full == "nu" && path_.size() > 1 && path_[path_.size() - 2] == "rt");
    if (may_be_empty || element.first_child() || !Special(element, kInstanceNamespace, "type").empty()) return false;
    for (const pugi::xml_attribute& attribute : element.attributes()) {
      if (IsMember(attribute.name())) return false;
    }
    return true;
  }

  bool IsNil(const pugi::xml_node& element) const {
    const std::string nil = Special(element, kInstanceNamespace, "nil");
    return nil == "true" || nil == "1";
  }

  // ---- names and namespaces ----

  void Declare(const pugi::xml_node& element) {
    for (const pugi::xml_attribute& attribute : element.attributes()) {
      absl::string_view name = attribute.name();
      if (!absl::ConsumePrefix(&name, "xmlns")) continue;
      if (!name.empty() && !absl::ConsumePrefix(&name, ":")) continue;
      // Each look-up goes through all of them.
      constexpr size_t kMostNamespaces = 64;
      if (declared_.size() >= kMostNamespaces) {
        return Note(absl::StrCat("more than ", kMostNamespaces, " namespaces are declared"));
      }
      declared_.emplace_back(name, attribute.value());
    }
  }

  absl::string_view Resolve(absl::string_view prefix) const {
    for (auto it = declared_.rbegin(); it != declared_.rend(); ++it) {
      if (it->first == prefix) return it->second;
    }
    // Documents that forget a declaration.
    if (prefix == "m2m") return kOneM2mNamespace;
    if (prefix == "xsi") return kInstanceNamespace;
    if (prefix == "isthmus") return kListNamespace;
    return "";
  }

  Name NameOf(absl::string_view written) const {
    const size_t colon = written.find(':');
    if (colon == absl::string_view::npos) {
      std::string local = UnescapeName(written);
      return {local, local, false};
    }
    absl::string_view prefix = written.substr(0, colon);
    const absl::string_view space = Resolve(prefix);
    std::string local = UnescapeName(written.substr(colon + 1));
    if (space == kListNamespace) return {absl::StrCat("isthmus:", local), local, false};
    if (space == kOneM2mNamespace) prefix = "m2m";
    return {absl::StrCat(prefix, ":", local), local, true};
  }

  // An XML attribute that is part of the data.
  bool IsMember(absl::string_view written) const {
    if (absl::StartsWith(written, "xmlns")) return false;
    const size_t colon = written.find(':');
    if (colon == absl::string_view::npos) return true;
    const absl::string_view prefix = written.substr(0, colon);
    return prefix != "xml" && Resolve(prefix) != kInstanceNamespace && Resolve(prefix) != kListNamespace;
  }

  // Value of an XML attribute that speaks about the element; empty = not there.
  std::string Special(const pugi::xml_node& element, absl::string_view space, absl::string_view local) const {
    for (const pugi::xml_attribute& attribute : element.attributes()) {
      const absl::string_view written = attribute.name();
      const size_t colon = written.find(':');
      if (colon != absl::string_view::npos && written.substr(colon + 1) == local &&
          Resolve(written.substr(0, colon)) == space) {
        return std::string(absl::StripAsciiWhitespace(attribute.value()));
      }
    }
    return "";
  }

  // ---- errors ----

  void TooDeep(v1::Value* value) {
    Note(absl::StrCat("nested deeper than ", kMaxValueDepth, " levels"));
    value->set_null(true);
  }

  void NoteDouble(absl::string_view attribute) {
    Note(attribute.empty() ? "it occurs twice"
                           : absl::StrCat("the member '", attribute.substr(0, 60), "' occurs twice"));
  }

  void Note(absl::string_view what) {
    if (!error_->empty()) return;
    std::vector<absl::string_view> names(path_.begin(), path_.end());
    // The outermost names say the most.
    if (names.size() > 6) names.resize(6);
    for (absl::string_view& name : names) name = name.substr(0, 60);
    *error_ = names.empty() ? std::string(what) : absl::StrCat(absl::StrJoin(names, "."), ": ", what);
  }

  static constexpr absl::string_view kItem = "isthmus:item";

  std::string* const error_;
  std::vector<std::string> path_;
  // Prefix and namespace, the innermost last.
  std::vector<std::pair<std::string, std::string>> declared_;
};

// The document element, or null with an error.
pugi::xml_node FindRoot(const pugi::xml_document& document, std::string* error) {
  pugi::xml_node root;
  for (const pugi::xml_node& node : document) {
    if (node.type() == pugi::node_declaration) {
      const absl::string_view encoding = node.attribute("encoding").value();
      if (!encoding.empty() && !absl::EqualsIgnoreCase(encoding, "UTF-8") &&
          !absl::EqualsIgnoreCase(encoding, "US-ASCII")) {
        *error = absl::StrCat("expected the encoding UTF-8, got ", encoding.substr(0, 60));
      }
    } else if (node.type() == pugi::node_doctype) {
      *error = "a document type declaration is not taken";
    } else if (IsElement(node)) {
      if (root) *error = "more than one root element";
      root = node;
    } else if ((node.type() == pugi::node_pcdata && !IsBlank(node.value())) || node.type() == pugi::node_cdata) {
      *error = "text outside of the root element";
    }
  }
  if (!root && error->empty()) *error = "expected a root element";
  return root;
}

}  // namespace

XmlDocument ParseXml(absl::string_view text) {
  XmlDocument read;
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");  // allowed by XML 1.0, appendix F
  if (text.empty()) {
    read.error = "the payload is empty";
    return read;
  }
  read.error = CheckXml(text);
  if (!read.error.empty()) return read;
  pugi::xml_document document;
  const pugi::xml_parse_result result = document.load_buffer(text.data(), text.size(), kFlags, pugi::encoding_utf8);
  if (!result) {
    read.error = absl::StrCat("not XML at octet ", result.offset, ": ", result.description());
    return read;
  }
  const pugi::xml_node root = FindRoot(document, &read.error);
  if (!read.error.empty()) return read;
  Reader reader(&read.error);
  const Name name = reader.RootName(root);
  read.root = name.full;
  reader.ReadMembers(root, name, 1, &read.members);
  return read;
}

}  // namespace isthmus::onem2m
