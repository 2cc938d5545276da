#include "services/translation/core/yaml_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace isthmus::translation {
namespace {

int LineOf(const YAML::Node& node, int fallback) {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() ? fallback : mark.line + 1;
}

std::string KindOf(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return absl::StrCat("'", node.Scalar().substr(0, 80), "'");
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a map";
    default:
      return "nothing";
  }
}

}  // namespace

YamlDocument::YamlDocument(std::string file, const std::string& text) : file_(std::move(file)) {
  try {
    node_ = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    Report(error.mark.is_null() ? 1 : error.mark.line + 1, absl::StrCat("not YAML: ", error.msg));
  } catch (const std::exception& error) {
    Report(1, absl::StrCat("not YAML: ", error.what()));
  }
}

YamlValue YamlDocument::root() {
  YamlValue root(this, node_, "", 1);
  if (status_.ok() && !node_.IsMap()) Report(LineOf(node_, 1), absl::StrCat("expected a map, got ", KindOf(node_)));
  return root;
}

void YamlDocument::Report(int line, absl::string_view message) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(file_, ":", line, ": ", message));
}

std::string YamlValue::Where() const { return absl::StrCat(document_->file_, ":", line_); }

YamlValue YamlValue::At(absl::string_view key) const {
  const std::string name(key);
  if (is_map()) {
    for (const auto& member : node_) {
      if (member.first.IsScalar() && member.first.Scalar() == name) {
        return YamlValue(document_, member.second, name, LineOf(member.second, LineOf(member.first, line_)));
      }
    }
  }
  return YamlValue(document_, YAML::Node(YAML::NodeType::Undefined), name, line_);
}

YamlValue YamlValue::Require(absl::string_view key) const {
  YamlValue value = At(key);
  if (is_map() && !value.present()) document_->Report(line_, absl::StrCat("key '", key, "' is missing"));
  return value;
}

void YamlValue::AllowOnly(std::initializer_list<const char*> keys) const {
  if (!present()) return;
  if (!node_.IsMap()) return Fail("a map");
  std::vector<std::string> seen;
  for (const auto& member : node_) {
    const std::string name = member.first.IsScalar() ? member.first.Scalar() : std::string();
    const int line = LineOf(member.first, line_);
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) {
      document_->Report(line, absl::StrCat("unknown key '", name, "'; expected one of ", absl::StrJoin(keys, ", ")));
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      document_->Report(line, absl::StrCat("key '", name, "' is given twice"));
    }
    seen.push_back(name);
  }
}

std::vector<std::pair<std::string, YamlValue>> YamlValue::Members() const {
  std::vector<std::pair<std::string, YamlValue>> members;
  if (!present()) return members;
  if (!node_.IsMap()) {
    Fail("a map");
    return members;
  }
  for (const auto& member : node_) {
    const std::string name = member.first.IsScalar() ? member.first.Scalar() : std::string();
    members.emplace_back(name, YamlValue(document_, member.second, name, LineOf(member.second, line_)));
  }
  return members;
}

std::vector<YamlValue> YamlValue::Items() const {
  std::vector<YamlValue> items;
  if (!present()) return items;
  if (!node_.IsSequence()) {
    Fail("a list");
    return items;
  }
  for (const auto& item : node_) items.push_back(YamlValue(document_, item, key_, LineOf(item, line_)));
  return items;
}

std::string YamlValue::Text() const {
  if (!present()) return "";
  if (!node_.IsScalar()) {
    Fail("text");
    return "";
  }
  return node_.Scalar();
}

int64_t YamlValue::Integer(int64_t minimum, int64_t maximum) const {
  if (!present()) return minimum;
  int64_t number = 0;
  if (!node_.IsScalar() || !absl::SimpleAtoi(node_.Scalar(), &number) || number < minimum || number > maximum) {
    Fail(absl::StrCat("a whole number from ", minimum, " to ", maximum));
    return minimum;
  }
  return number;
}

bool YamlValue::Boolean() const {
  if (!present()) return false;
  if (node_.IsScalar() && node_.Scalar() == "true") return true;
  if (node_.IsScalar() && node_.Scalar() == "false") return false;
  Fail("true or false");
  return false;
}

std::string YamlValue::Scalar() const { return present() && node_.IsScalar() ? node_.Scalar() : std::string(); }

void YamlValue::Fail(absl::string_view expected) const {
  document_->Report(line_, absl::StrCat("key '", key_, "': expected ", expected, ", got ", KindOf(node_)));
}

}  // namespace isthmus::translation
