// Nodes as short text, for tests: "/3/0/9=80", "/3/0/0=raw:41636d65", "/3/0/9=80@1701172800".
#ifndef ISTHMUS_SERVICES_LIB_LWM2M_CODEC_NODE_TEXT_H_
#define ISTHMUS_SERVICES_LIB_LWM2M_CODEC_NODE_TEXT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/value_text.h"

namespace isthmus::lwm2m::codec {

inline std::string ValueText(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kText:
      return absl::StrCat("'", value.text(), "'");
    case v1::Value::kInteger:
      return absl::StrCat(value.integer());
    case v1::Value::kUnsignedInteger:
      return absl::StrCat("u", value.unsigned_integer());
    case v1::Value::kFloating:
      return absl::StrCat("f", FormatFloat(value.floating()));
    case v1::Value::kBoolean:
      return value.boolean() ? "true" : "false";
    case v1::Value::kOpaque:
      return absl::StrCat("opaque:", absl::BytesToHexString(value.opaque()));
    case v1::Value::kTime:
      return absl::StrCat("time:", value.time());
    case v1::Value::kObjectLink:
      return absl::StrCat(value.object_link().object_id(), ":", value.object_link().object_instance_id());
    case v1::Value::kCoreLink:
      return absl::StrCat("links:", value.core_link());
    case v1::Value::kRaw:
      return absl::StrCat("raw:", absl::BytesToHexString(value.raw().octets()));
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

inline std::vector<std::string> NodeTexts(const std::vector<v1::Node>& nodes) {
  std::vector<std::string> texts;
  for (const v1::Node& node : nodes) {
    std::string text = absl::StrCat(PathToString(node.path()), "=", ValueText(node.value()));
    if (node.has_time()) {
      absl::StrAppend(&text, "@", node.time().seconds());
      if (node.time().nanos() != 0) absl::StrAppend(&text, "+", node.time().nanos());
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

// A node whose value is set by `set`.
template <typename Set>
v1::Node MakeNode(absl::string_view path, Set set) {
  v1::Node node;
  *node.mutable_path() = *ParsePath(path);
  set(node.mutable_value());
  return node;
}
inline v1::Node IntegerNode(absl::string_view path, int64_t integer) {
  return MakeNode(path, [integer](v1::Value* value) { value->set_integer(integer); });
}
inline v1::Node UnsignedNode(absl::string_view path, uint64_t number) {
  return MakeNode(path, [number](v1::Value* value) { value->set_unsigned_integer(number); });
}
inline v1::Node TextNode(absl::string_view path, absl::string_view text) {
  return MakeNode(path, [text](v1::Value* value) { value->set_text(text.data(), text.size()); });
}
inline v1::Node FloatNode(absl::string_view path, double number) {
  return MakeNode(path, [number](v1::Value* value) { value->set_floating(number); });
}
inline v1::Node BooleanNode(absl::string_view path, bool boolean) {
  return MakeNode(path, [boolean](v1::Value* value) { value->set_boolean(boolean); });
}
inline v1::Node OpaqueNode(absl::string_view path, absl::string_view octets) {
  return MakeNode(path, [octets](v1::Value* value) { value->set_opaque(octets.data(), octets.size()); });
}
inline v1::Node TimeNode(absl::string_view path, int64_t seconds) {
  return MakeNode(path, [seconds](v1::Value* value) { value->set_time(seconds); });
}
inline v1::Node ObjectLinkNode(absl::string_view path, uint32_t object, uint32_t instance) {
  return MakeNode(path, [object, instance](v1::Value* value) {
    value->mutable_object_link()->set_object_id(object);
    value->mutable_object_link()->set_object_instance_id(instance);
  });
}
inline v1::Node CoreLinkNode(absl::string_view path, absl::string_view links) {
  return MakeNode(path, [links](v1::Value* value) { value->set_core_link(links.data(), links.size()); });
}

}  // namespace isthmus::lwm2m::codec

#endif  // ISTHMUS_SERVICES_LIB_LWM2M_CODEC_NODE_TEXT_H_
