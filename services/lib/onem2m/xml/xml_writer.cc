#include <cmath>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/onem2m/xml/xml_check.h"
#include "services/lib/onem2m/xml/xml_lexical.h"
#include "services/lib/onem2m/xml/xml_text.h"

namespace isthmus::onem2m {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// Also for attribute values, where a parser makes blanks of other white space.
void AppendEscaped(absl::string_view text, std::string* out) {
  while (!text.empty()) {
    const size_t length = XmlCharacterLength(text);
    switch (text[0]) {
      case '&':
        out->append("&amp;");
        break;
      case '<':
        out->append("&lt;");
        break;
      case '>':
        out->append("&gt;");
        break;
      case '"':
        out->append("&quot;");
        break;
      case '\t':
        out->append("&#9;");
        break;
      case '\n':
        out->append("&#10;");
        break;
      case '\r':
        out->append("&#13;");
        break;
      default:
        if (length == 0) {
          out->append(kReplacement.data(), kReplacement.size());
        } else {
          out->append(text.data(), length);
        }
    }
    // Where the octets are a character all the same, it goes as a whole.
    text.remove_prefix(length > 0 ? length : absl::StartsWith(text, "\xEF\xBF") ? 3 : 1);
  }
}

bool Unspeakable(const v1::Value& value) {
  return value.kind_case() == v1::Value::kNumber && !std::isfinite(value.number());
}

bool IsSimple(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kBoolean:
    case v1::Value::kInteger:
    case v1::Value::kText:
      return true;
    case v1::Value::kNumber:
      return !Unspeakable(value);
    default:
      return false;
  }
}

// The type of the element is enough for a reader to make this value of `text` again.
bool IsPlain(AttributeKind kind, const v1::Value& value, absl::string_view text) {
  if (kind == AttributeKind::kObject || kind == AttributeKind::kReference || IsBlank(text)) return false;
  const v1::Value read = ReadSimple(kind, text);
  return read.kind_case() == value.kind_case() && Equal(read, value);
}

// {nm, typ, spid} with a text: an element with XML attributes.
bool IsReference(const v1::Object& object) {
  const v1::Value* text = Find(object, "val");
  if (object.members_size() < 2 || text == nullptr || text->kind_case() != v1::Value::kText || IsBlank(text->text())) {
    return false;
  }
  for (const v1::Attribute& member : object.members()) {
    const v1::Value::KindCase kind = member.value().kind_case();
    const bool is_text = member.name() == "nm" || member.name() == "spid" || member.name() == "val";
    if (!(is_text && kind == v1::Value::kText) && !(member.name() == "typ" && kind == v1::Value::kInteger))
      return false;
  }
  return true;
}

std::string AttributeText(absl::string_view name, absl::string_view value) {
  std::string attribute = absl::StrCat(" ", name, "=\"");
  AppendEscaped(value, &attribute);
  attribute.push_back('"');
  return attribute;
}

}  // namespace

std::string XmlWriter::Tag(absl::string_view name) {
  const size_t colon = name.find(':');
  if (colon == absl::string_view::npos) return EscapeName(name);
  const absl::string_view prefix = name.substr(0, colon), local = name.substr(colon + 1);
  const bool reserved = absl::StartsWithIgnoreCase(prefix, "xml") || prefix == "xsi" || prefix == "xs";
  if (name == "isthmus:item") {
    uses_lists_ = true;
    return "isthmus:item";
  }
  if (reserved || prefix == "isthmus" || prefix.empty() || local.empty() || EscapeName(prefix) != prefix) {
    return EscapeName(name);
  }
  prefixes_.emplace(prefix);
  return absl::StrCat(prefix, ":", EscapeName(local));
}

void XmlWriter::Open(absl::string_view tag, absl::string_view attributes, bool empty) {
  absl::StrAppend(&body_, "<", tag, attributes, empty ? "/>" : ">");
}

void XmlWriter::Close(absl::string_view tag) { absl::StrAppend(&body_, "</", tag, ">"); }

bool XmlWriter::Tokens(AttributeType type, absl::string_view tag, const v1::ValueList& list) {
  std::string tokens;
  for (const v1::Value& member : list.values()) {
    if (!IsSimple(member)) return false;
    const std::string text = SimpleText(member);
    if (HasWhiteSpace(text) || !IsPlain(type.kind, member, text)) return false;
    if (!tokens.empty()) tokens.push_back(' ');
    AppendEscaped(text, &tokens);
  }
  Open(tag, "");
  body_ += tokens;
  Close(tag);
  return true;
}

void XmlWriter::Element(const Place& place, absl::string_view name, const v1::Value& value) {
  if (Unspeakable(value)) return;
  const AttributeType type = TypeOf(place.name, name, place.global);
  const std::string tag = Tag(name);
  if (value.kind_case() != v1::Value::kList) {
    std::string attributes;
    // Null needs no word: an empty element, whatever its type.
    const bool null = value.kind_case() == v1::Value::kNull || value.kind_case() == v1::Value::KIND_NOT_SET;
    if (type.list != ListForm::kNone && !null) {
      uses_lists_ = true;
      attributes = R"( isthmus:list="false")";
    }
    return Item(type, tag, name, attributes, value);
  }
  const v1::ValueList& list = value.list();
  if (list.values().empty()) {
    uses_lists_ = true;
    return Open(tag, R"( isthmus:list="empty")", true);
  }
  if (type.list == ListForm::kTokens && Tokens(type, tag, list)) return;
  for (const v1::Value& member : list.values()) {
    if (member.kind_case() == v1::Value::kList) {
      uses_lists_ = true;
      Open(tag, R"( isthmus:list="nested")");
      Element({}, "isthmus:item", member);
      Close(tag);
      continue;
    }
    const bool told =
        type.list == ListForm::kRepeated && (IsSimple(member) || member.kind_case() == v1::Value::kObject);
    if (!told) uses_lists_ = true;
    // One that a list of tokens cannot hold, for its type or its white space, says its type: then it is not split.
    Item(type, tag, name, told ? "" : R"( isthmus:list="true")", member, type.list == ListForm::kTokens);
  }
}

void XmlWriter::Item(AttributeType type, absl::string_view tag, absl::string_view name, absl::string_view attributes,
                     const v1::Value& value, bool say_type) {
  const bool global = absl::StrContains(tag, ":") && tag != "isthmus:item";
  if (IsSimple(value)) {
    const std::string text = SimpleText(value);
    std::string all(attributes);
    if (say_type || !IsPlain(type.kind, value, text)) {
      uses_types_ = true;
      absl::StrAppend(&all, " xsi:type=\"", SimpleType(value), "\"");
    }
    Open(tag, all);
    AppendEscaped(text, &body_);
    return Close(tag);
  }
  if (value.kind_case() != v1::Value::kObject) {
    // Null, or what no number says: an empty element, where that does not mean another thing.
    const bool said = global || name == "nu";
    if (said) uses_types_ = true;
    return Open(tag, absl::StrCat(attributes, said ? R"( xsi:nil="true")" : ""), true);
  }
  const v1::Object& object = value.object();
  const size_t colon = name.find(':');
  const Place place{std::string(global ? name.substr(colon + 1) : name), global};
  if (type.kind == AttributeKind::kReference && IsReference(object)) {
    std::string all(attributes);
    for (const v1::Attribute& member : object.members()) {
      if (member.name() != "val") all += AttributeText(member.name(), SimpleText(member.value()));
    }
    Open(tag, all);
    AppendEscaped(FindText(object, "val"), &body_);
    return Close(tag);
  }
  // resourceName is an XML attribute of the resource.
  const v1::Value* resource_name = global ? Find(object, "rn") : nullptr;
  if (resource_name != nullptr && resource_name->kind_case() != v1::Value::kText) resource_name = nullptr;
  std::string all(attributes);
  if (resource_name != nullptr) all += AttributeText("rn", resource_name->text());
  const size_t before = body_.size();
  Open(tag, all);
  const size_t start = body_.size();
  Members(place, object, resource_name != nullptr ? "rn" : "");
  if (body_.size() == start && resource_name == nullptr && !(global && type.kind == AttributeKind::kObject)) {
    // An empty element is null: this one has no members.
    body_.resize(before);
    uses_types_ = true;
    return Open(tag, absl::StrCat(attributes, R"( xsi:type="xs:anyType")"), true);
  }
  Close(tag);
}

void XmlWriter::Members(const Place& place, const v1::Object& object, absl::string_view without) {
  for (const v1::Attribute& member : object.members()) {
    if (member.name() != without || without.empty()) Element(place, member.name(), member.value());
  }
}

void XmlWriter::Member(absl::string_view name, const v1::Value& value) {
  Element({std::string(absl::StripPrefix(root_, "m2m:")), false}, name, value);
}

void XmlWriter::Member(absl::string_view name, const v1::Attribute& only) {
  const std::string tag = Tag(name);
  Open(tag, "");
  Element({std::string(name), false}, only.name(), only.value());
  Close(tag);
}

std::string XmlWriter::Finish() {
  std::string document =
      absl::StrCat(R"(<?xml version="1.0" encoding="UTF-8"?><)", root_, R"( xmlns:m2m=")", kOneM2mNamespace, "\"");
  for (const std::string& prefix : prefixes_) {
    if (prefix != "m2m") absl::StrAppend(&document, " xmlns:", prefix, "=\"", kOneM2mNamespace, "/", prefix, "\"");
  }
  if (uses_types_) {
    absl::StrAppend(&document, " xmlns:xsi=\"", kInstanceNamespace, "\" xmlns:xs=\"", kSchemaNamespace, "\"");
  }
  if (uses_lists_) absl::StrAppend(&document, " xmlns:isthmus=\"", kListNamespace, "\"");
  absl::StrAppend(&document, ">", body_, "</", root_, ">");
  return document;
}

}  // namespace isthmus::onem2m
