// How a Config comes to be: four sources, one check.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/lib/config/config.h"
#include "yaml-cpp/yaml.h"

namespace isthmus::config {
namespace {

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string Nearest(const Schema& schema, absl::string_view name) {
  std::string nearest;
  size_t best = std::string::npos;
  for (const Key& key : schema.keys()) {
    const size_t distance = EditDistance(key.name, name);
    if (distance < best) {
      best = distance;
      nearest = key.name;
    }
  }
  return nearest;
}

std::string Expected(const Key& key) {
  if (std::holds_alternative<int64_t>(key.fallback)) {
    return absl::StrCat("an integer from ", key.minimum, " to ", key.maximum);
  }
  if (std::holds_alternative<bool>(key.fallback)) return "true or false";
  if (std::holds_alternative<absl::Duration>(key.fallback)) {
    return absl::StrCat("a duration from ", absl::FormatDuration(key.shortest), " to ",
                        absl::FormatDuration(key.longest), ", such as \"500ms\", \"10s\" or \"2m\"");
  }
  if (std::holds_alternative<std::vector<std::string>>(key.fallback)) return "a list of texts";
  if (!key.choices.empty()) return absl::StrCat("one of ", absl::StrJoin(key.choices, ", "));
  return "a text";
}

std::optional<Value> ParseScalar(const Key& key, const std::string& text) {
  if (std::holds_alternative<std::string>(key.fallback)) {
    if (!key.choices.empty() && std::find(key.choices.begin(), key.choices.end(), text) == key.choices.end()) {
      return std::nullopt;
    }
    return Value(text);
  }
  if (std::holds_alternative<int64_t>(key.fallback)) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < key.minimum || number > key.maximum) return std::nullopt;
    return Value(number);
  }
  if (std::holds_alternative<bool>(key.fallback)) {
    const std::string word = absl::AsciiStrToLower(text);
    if (word == "true" || word == "yes" || word == "on" || word == "1") return Value(true);
    if (word == "false" || word == "no" || word == "off" || word == "0") return Value(false);
    return std::nullopt;
  }
  if (std::holds_alternative<absl::Duration>(key.fallback)) {
    absl::Duration duration;
    if (!absl::ParseDuration(text, &duration) || duration < key.shortest || duration > key.longest) return std::nullopt;
    return Value(duration);
  }
  std::vector<std::string> items;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(item);
    if (!stripped.empty()) items.emplace_back(stripped);
  }
  return Value(std::move(items));
}

// Names that Kubernetes sets for each Service of a namespace. A release named "isthmus" makes them look like ours.
bool IsServiceLink(absl::string_view name) {
  return absl::EndsWith(name, "_SERVICE_HOST") || absl::StrContains(name, "_SERVICE_PORT") ||
         absl::EndsWith(name, "_PORT") || absl::StrContains(name, "_PORT_");
}

// nullopt: errno says why.
std::optional<std::string> ReadWhole(const std::string& name) {
  std::FILE* const file = std::fopen(name.c_str(), "rb");
  if (file == nullptr) return std::nullopt;
  std::string content;
  char buffer[4096];
  size_t length = 0;
  while ((length = std::fread(buffer, 1, sizeof(buffer), file)) > 0) content.append(buffer, length);
  const int error = std::ferror(file) != 0 ? errno : 0;
  std::fclose(file);
  errno = error;
  return error == 0 ? std::optional<std::string>(std::move(content)) : std::nullopt;
}

}  // namespace

class Loader {
 public:
  explicit Loader(const Schema& schema) : schema_(schema) {}

  absl::StatusOr<Config> Run(int argc, const char* const* argv, const char* const* environment) {
    for (const Key& key : schema_.keys()) config_.entries_[key.name] = {key.fallback, "default", key.secret};
    ReadFlags(argc, argv);
    if (config_.action_ == Config::Action::kHelp) return std::move(config_);
    ReadEnvironment(environment);
    // The weakest source first: each one overwrites what was before.
    if (!file_.empty()) ReadFile();
    for (const Setting& setting : environment_) Set(*setting.key, setting.text, setting.source);
    for (const Setting& setting : flags_) Set(*setting.key, setting.text, setting.source);
    if (!problems_.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
    return std::move(config_);
  }

 private:
  struct Setting {
    const Key* key;
    std::string text;
    std::string source;
  };

  void Problem(std::string text) { problems_.push_back(std::move(text)); }

  void Unknown(absl::string_view where, absl::string_view name) {
    const std::string nearest = Nearest(schema_, name);
    Problem(absl::StrCat(where, ": unknown key ", name,
                         nearest.empty() ? "" : absl::StrCat("; the nearest one is ", nearest)));
  }

  void Wrong(const Key& key, absl::string_view source, absl::string_view got) {
    Problem(absl::StrCat(source, ": ", key.name, " must be ", Expected(key), ", not ",
                         key.secret ? std::string("what is there") : std::string(got)));
  }

  void Set(const Key& key, const std::string& text, const std::string& source) {
    std::optional<Value> value = ParseScalar(key, text);
    if (!value.has_value()) return Wrong(key, source, absl::StrCat("\"", text, "\""));
    config_.entries_[key.name] = {*std::move(value), source, key.secret};
  }

  void ReadFlags(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
      const absl::string_view argument = argv[i];
      if (!absl::StartsWith(argument, "--") || argument.size() == 2) {
        Problem(absl::StrCat("argument \"", argument, "\": expected --key=value; see --help"));
        continue;
      }
      const size_t equals = argument.find('=');
      const std::string name(argument.substr(2, equals == absl::string_view::npos ? equals : equals - 2));
      std::optional<std::string> text;
      if (equals != absl::string_view::npos) text = std::string(argument.substr(equals + 1));
      if (name == "help" || name == "print-config" || name == "check-config") {
        if (text.has_value()) Problem(absl::StrCat("flag --", name, ": takes no value"));
        // --help is the strongest: it must work whatever else is wrong.
        if (config_.action_ != Config::Action::kHelp) {
          config_.action_ = name == "help"           ? Config::Action::kHelp
                            : name == "print-config" ? Config::Action::kPrintConfig
                                                     : Config::Action::kCheckConfig;
        }
        continue;
      }
      const Key* key = schema_.Find(name);
      const bool has_next = i + 1 < argc && !absl::StartsWith(argv[i + 1], "--");
      if (!text.has_value()) {
        if (key != nullptr && std::holds_alternative<bool>(key->fallback)) {
          text = has_next ? argv[++i] : "true";
        } else if (has_next) {
          text = argv[++i];
        }
      }
      if (name == "config") {
        if (!text.has_value() || text->empty()) {
          Problem("flag --config: expected the name of a YAML file");
        } else {
          file_ = *text;
        }
      } else if (key == nullptr) {
        Unknown(absl::StrCat("flag --", name), name);
      } else if (!text.has_value()) {
        Problem(absl::StrCat("flag --", name, ": expected ", Expected(*key), " after it"));
      } else {
        flags_.push_back({key, *text, absl::StrCat("flag --", name)});
      }
    }
  }

  void ReadEnvironment(const char* const* environment) {
    for (; environment != nullptr && *environment != nullptr; ++environment) {
      const absl::string_view variable = *environment;
      const size_t equals = variable.find('=');
      if (!absl::StartsWith(variable, "ISTHMUS_") || equals == absl::string_view::npos) continue;
      const std::string name(variable.substr(0, equals));
      const std::string text(variable.substr(equals + 1));
      if (name == "ISTHMUS_CONFIG") {
        if (file_.empty()) file_ = text;
        continue;
      }
      const Key* match = nullptr;
      const Key* alike = nullptr;
      for (const Key& key : schema_.keys()) {
        const std::string expected = EnvironmentName(key.name);
        if (expected == name) match = &key;
        if (EditDistance(expected, name) <= (expected.size() < 16 ? 1u : 2u)) alike = &key;
      }
      if (match != nullptr) {
        environment_.push_back({match, text, absl::StrCat("environment ", name)});
      } else if (alike != nullptr && !IsServiceLink(name)) {
        Problem(absl::StrCat("environment ", name, ": unknown; the nearest one is ", EnvironmentName(alike->name),
                             " for ", alike->name));
      }
    }
  }

  void ReadFile() {
    const std::optional<std::string> content = ReadWhole(file_);
    if (!content.has_value()) {
      return Problem(absl::StrCat("file ", file_, ": cannot be read: ", strerror(errno)));
    }
    try {
      const std::vector<YAML::Node> documents = YAML::LoadAll(*content);
      if (documents.size() > 1) return Problem(absl::StrCat("file ", file_, ": expected one YAML document"));
      if (documents.empty() || documents[0].IsNull()) return;
      if (!documents[0].IsMap())
        return Problem(absl::StrCat(Where(documents[0]), ": expected keys, such as `log: ...`"));
      ReadSection(documents[0], "", 0);
    } catch (const YAML::Exception& error) {
      Problem(absl::StrCat("file ", file_, ":", error.mark.line + 1, ":", error.mark.column + 1,
                           ": not YAML: ", error.msg));
    }
  }

  std::string Where(const YAML::Node& node) const { return absl::StrCat("file ", file_, ":", node.Mark().line + 1); }

  void ReadSection(const YAML::Node& section, const std::string& prefix, int depth) {
    std::vector<std::string> seen;
    for (const auto& member : section) {
      const std::string where = Where(member.first);
      if (!member.first.IsScalar()) {
        Problem(absl::StrCat(where, ": expected a key, such as `log: ...`"));
        continue;
      }
      const std::string name = prefix + member.first.Scalar();
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        Problem(absl::StrCat(where, ": ", name, " is there twice"));
        continue;
      }
      seen.push_back(name);
      if (const Key* key = schema_.Find(name); key != nullptr) {
        ReadValue(*key, member.second, where);
      } else if (!IsSection(name)) {
        Unknown(where, name);
      } else if (member.second.IsMap() && depth < 8) {
        ReadSection(member.second, name + ".", depth + 1);
      } else if (!member.second.IsNull()) {  // a section whose keys are all commented out is fine
        Problem(absl::StrCat(where, ": ", name, " is a section and has no value of its own"));
      }
    }
  }

  bool IsSection(const std::string& name) const {
    for (const Key& key : schema_.keys()) {
      if (absl::StartsWith(key.name, name + ".")) return true;
    }
    return false;
  }

  void ReadValue(const Key& key, const YAML::Node& node, const std::string& where) {
    const bool list = std::holds_alternative<std::vector<std::string>>(key.fallback);
    if (node.IsScalar()) return Set(key, node.Scalar(), where);
    if (list && node.IsSequence()) {
      std::vector<std::string> items;
      for (const YAML::Node& item : node) {
        if (!item.IsScalar()) return Wrong(key, Where(item), "a list with something else in it");
        items.push_back(item.Scalar());
      }
      config_.entries_[key.name] = {std::move(items), where, key.secret};
      return;
    }
    Wrong(key, where, node.IsNull() ? "empty" : node.IsSequence() ? "a list" : "a section");
  }

  const Schema& schema_;
  Config config_;
  std::string file_;
  std::vector<Setting> environment_;
  std::vector<Setting> flags_;
  std::vector<std::string> problems_;
};

absl::StatusOr<Config> Load(const Schema& schema, int argc, const char* const* argv, const char* const* environment) {
  return Loader(schema).Run(argc, argv, environment);
}

}  // namespace isthmus::config
