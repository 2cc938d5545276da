#include "services/translation/core/yaml_reader.h"

#include <algorithm>
#include <exception>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/utf8/utf8.h"
#include "yaml-cpp/anchor.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/mark.h"
#include "yaml-cpp/parser.h"

namespace isthmus::translation {
namespace {

// Our deepest: a rule of a status conversion of an attribute. yaml-cpp recurses, so there has to be an end.
constexpr size_t kDeepest = 32;
constexpr size_t kShown = 80;  // octets of somebody's text in a message

int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 1 : mark.line + 1; }

// At most kShown octets of it, cut between characters.
absl::string_view Shown(absl::string_view text) {
  size_t size = std::min(text.size(), kShown);
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

std::string Describe(const YamlNode* node) {
  if (node == nullptr) return "nothing";
  switch (node->kind) {
    case YamlNode::Kind::kScalar:
      return absl::StrCat("'", Shown(node->scalar), "'");
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kNull:
      break;
  }
  return "nothing";
}

// Makes the tree. What it does not take it throws, as yaml-cpp does with what it cannot read.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(YamlNode* root) { open_.push_back(root); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { Add(YamlNode::Kind::kNull, mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "an alias is not taken; expected the value itself");
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string& value) override {
    Add(YamlNode::Kind::kScalar, mark)->scalar = value;
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kList, mark);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark);
  }
  void OnMapEnd() override {
    std::set<absl::string_view> seen;
    const std::vector<YamlNode>& children = open_.back()->children;
    for (size_t i = 0; i < children.size(); i += 2) {
      if (seen.insert(children[i].scalar).second) continue;
      YAML::Mark mark;
      mark.line = children[i].line - 1;
      throw YAML::ParserException(mark, absl::StrCat("key '", Shown(children[i].scalar), "' is given twice"));
    }
    open_.pop_back();
  }

 private:
  YamlNode* Add(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode* node = open_.front();
    if (rooted_) node = &open_.back()->children.emplace_back();
    rooted_ = true;
    node->kind = kind;
    node->line = LineOf(mark);
    return node;
  }
  // The open nodes stay where they are: each is the last child of the one before.
  void Open(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (open_.size() > kDeepest) {
      throw YAML::ParserException(mark, absl::StrCat("deeper than ", kDeepest, " lists and maps"));
    }
    open_.push_back(Add(kind, mark));
  }

  std::vector<YamlNode*> open_;  // the root, and below it what has begun and not ended
  bool rooted_ = false;
};

// The line of the first octet that is no part of a character, or is zero.
int FirstBadLine(absl::string_view text) {
  int line = 1;
  for (size_t length = 0; !text.empty() && (length = Utf8Length(text)) != 0; text.remove_prefix(length)) {
    if (text.front() == '\0') break;
    if (text.front() == '\n') ++line;
  }
  return line;
}

}  // namespace

YamlDocument::YamlDocument(std::string file, const std::string& text) : file_(std::move(file)) {
  // yaml-cpp would guess other encodings from where the zeros stand.
  if (!IsUtf8(text) || absl::StrContains(text, '\0')) {
    Report(FirstBadLine(text), "not UTF-8, or an octet of value 0");
    return;
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder builder(&root_);
    parser.HandleNextDocument(builder);
    YamlNode ignored;
    TreeBuilder second(&ignored);
    if (parser.HandleNextDocument(second)) Report(ignored.line, "a second document; expected one in a file");
  } catch (const YAML::Exception& error) {
    Report(LineOf(error.mark), absl::StrCat("not YAML: ", error.msg));
  } catch (const std::exception& error) {
    Report(1, absl::StrCat("not YAML: ", error.what()));
  }
}

YamlValue YamlDocument::root() {
  if (status_.ok() && root_.kind != YamlNode::Kind::kMap) {
    Report(root_.line, absl::StrCat("expected a map, got ", Describe(&root_)));
  }
  return YamlValue(this, &root_, "", root_.line);
}

void YamlDocument::Report(int line, absl::string_view message) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(file_, ":", line, ": ", message));
}

std::string YamlValue::Where() const { return absl::StrCat(document_->file_, ":", line_); }

YamlValue YamlValue::At(absl::string_view key) const {
  if (is_map()) {
    for (size_t i = 0; i < node_->children.size(); i += 2) {
      const YamlNode& name = node_->children[i];
      if (name.kind != YamlNode::Kind::kScalar || absl::string_view(name.scalar) != key) continue;
      const YamlNode& value = node_->children[i + 1];
      return YamlValue(document_, &value, std::string(key), value.line);
    }
  }
  return YamlValue(document_, nullptr, std::string(key), line_);
}

YamlValue YamlValue::Require(absl::string_view key) const {
  YamlValue value = At(key);
  if (is_map() && !value.present()) document_->Report(line_, absl::StrCat("key '", key, "' is missing"));
  return value;
}

void YamlValue::AllowOnly(std::initializer_list<const char*> keys) const {
  if (!present()) return;
  if (!is_map()) return Fail("a map");
  for (size_t i = 0; i < node_->children.size(); i += 2) {
    const YamlNode& name = node_->children[i];
    if (std::find(keys.begin(), keys.end(), name.scalar) != keys.end()) continue;
    return document_->Report(
        name.line, absl::StrCat("unknown key '", Shown(name.scalar), "'; expected one of ", absl::StrJoin(keys, ", ")));
  }
}

std::vector<std::pair<std::string, YamlValue>> YamlValue::Members() const {
  std::vector<std::pair<std::string, YamlValue>> members;
  if (!present()) return members;
  if (!is_map()) {
    Fail("a map");
    return members;
  }
  for (size_t i = 0; i < node_->children.size(); i += 2) {
    const std::string& name = node_->children[i].scalar;
    const YamlNode& value = node_->children[i + 1];
    members.emplace_back(name, YamlValue(document_, &value, name, value.line));
  }
  return members;
}

std::vector<YamlValue> YamlValue::Items() const {
  std::vector<YamlValue> items;
  if (!present()) return items;
  if (!is_list()) {
    Fail("a list");
    return items;
  }
  for (const YamlNode& item : node_->children) items.push_back(YamlValue(document_, &item, key_, item.line));
  return items;
}

std::string YamlValue::Text() const {
  if (!present()) return "";
  if (!Is(YamlNode::Kind::kScalar)) {
    Fail("text");
    return "";
  }
  return node_->scalar;
}

int64_t YamlValue::Integer(int64_t minimum, int64_t maximum) const {
  if (!present()) return minimum;
  int64_t number = 0;
  if (!Is(YamlNode::Kind::kScalar) || !absl::SimpleAtoi(node_->scalar, &number) || number < minimum ||
      number > maximum) {
    Fail(absl::StrCat("a whole number from ", minimum, " to ", maximum));
    return minimum;
  }
  return number;
}

bool YamlValue::Boolean() const {
  if (!present()) return false;
  if (Is(YamlNode::Kind::kScalar) && node_->scalar == "true") return true;
  if (Is(YamlNode::Kind::kScalar) && node_->scalar == "false") return false;
  Fail("true or false");
  return false;
}

std::string YamlValue::Scalar() const { return Is(YamlNode::Kind::kScalar) ? node_->scalar : std::string(); }

void YamlValue::Fail(absl::string_view expected) const {
  document_->Report(line_, absl::StrCat("key '", key_, "': expected ", expected, ", got ", Describe(node_)));
}

}  // namespace isthmus::translation
