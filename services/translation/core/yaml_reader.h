// Reads YAML of ours: every error names file, line, key, what was expected and what stood there. The first error of a
// document is kept, and reading goes on with defaults, so that a parser reads as a list of its keys.
//
//   YamlDocument document("battery.yaml", text);
//   YamlValue root = document.root();
//   root.AllowOnly({"root", "mgmtDefinition"});
//   mapping.root = root.Require("root").Text();
//   RETURN_IF_ERROR(document.status());
//
// One document, in UTF-8, of maps, lists and scalars to a depth of a few; every key once. Aliases are refused: what
// stands in a file is what it means, and its length bounds the time and memory that it takes. Exceptions of yaml-cpp
// end here. Values point into their document. One document belongs to one thread.
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_YAML_READER_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_YAML_READER_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace isthmus::translation {

class YamlDocument;

// As it stands in the file.
struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  int line = 1;
  std::string scalar;
  std::vector<YamlNode> children;  // of a map: key, value, key, value
};

// A place in a document; absent when the key is not there, and then every reading gives a default without an error.
class YamlValue {
 public:
  bool present() const { return node_ != nullptr && node_->kind != YamlNode::Kind::kNull; }
  bool is_map() const { return Is(YamlNode::Kind::kMap); }
  bool is_list() const { return Is(YamlNode::Kind::kList); }
  // "battery.yaml:12".
  std::string Where() const;

  // Members of a map.
  YamlValue At(absl::string_view key) const;
  YamlValue Require(absl::string_view key) const;
  // Any other key is an error.
  void AllowOnly(std::initializer_list<const char*> keys) const;
  std::vector<std::pair<std::string, YamlValue>> Members() const;
  // Elements of a list.
  std::vector<YamlValue> Items() const;

  // Scalars.
  std::string Text() const;
  int64_t Integer(int64_t minimum, int64_t maximum) const;
  bool Boolean() const;
  // The scalar as it stands, "" if it is none; no error.
  std::string Scalar() const;

  // "file:line: key 'x': expected <expected>, got 'y'".
  void Fail(absl::string_view expected) const;

 private:
  friend class YamlDocument;
  YamlValue(YamlDocument* document, const YamlNode* node, std::string key, int line)
      : document_(document), node_(node), key_(std::move(key)), line_(line) {}
  bool Is(YamlNode::Kind kind) const { return node_ != nullptr && node_->kind == kind; }

  YamlDocument* document_;
  const YamlNode* node_;  // null = absent
  std::string key_;
  int line_;  // of the node, or of what should hold it
};

class YamlDocument {
 public:
  YamlDocument(std::string file, const std::string& text);
  YamlDocument(const YamlDocument&) = delete;
  YamlDocument& operator=(const YamlDocument&) = delete;

  // A map; anything else is an error.
  YamlValue root();
  // The first error.
  const absl::Status& status() const { return status_; }

 private:
  friend class YamlValue;
  void Report(int line, absl::string_view message);

  std::string file_;
  YamlNode root_;
  absl::Status status_;
};

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_YAML_READER_H_
