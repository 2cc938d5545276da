#include "services/lib/config/config.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace isthmus::config {
namespace {

[[noreturn]] void Bug(absl::string_view what, absl::string_view key) {
  std::fprintf(stderr, "configuration: %s \"%s\"\n", std::string(what).c_str(), std::string(key).c_str());
  std::abort();
}

std::string Quoted(absl::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += "\\x";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[c & 0xF];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string ValueToYaml(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return Quoted(*text);
  if (const auto* integer = std::get_if<int64_t>(&value)) return absl::StrCat(*integer);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* duration = std::get_if<absl::Duration>(&value)) return absl::FormatDuration(*duration);
  return absl::StrCat("[",
                      absl::StrJoin(std::get<std::vector<std::string>>(value), ", ",
                                    [](std::string* out, const std::string& item) { out->append(Quoted(item)); }),
                      "]");
}

Key MakeKey(std::string name, Value fallback, std::string help) {
  Key key;
  key.name = std::move(name);
  key.fallback = std::move(fallback);
  key.help = std::move(help);
  return key;
}

// Two keys that cannot be told apart somewhere are a mistake of whoever wrote the schema.
void Add(std::vector<Key>& keys, Key key) {
  if (key.name.empty() || !absl::ascii_islower(key.name[0])) Bug("not a key name:", key.name);
  for (const char c : key.name) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '.' && c != '_') Bug("not a key name:", key.name);
  }
  for (const Key& other : keys) {
    if (EnvironmentName(other.name) == EnvironmentName(key.name)) Bug("two keys like", key.name);
    if (absl::StartsWith(other.name, key.name + ".") || absl::StartsWith(key.name, other.name + ".")) {
      Bug("a key and a section of one name:", key.name);
    }
  }
  keys.push_back(std::move(key));
}

}  // namespace

std::string EnvironmentName(absl::string_view key) {
  return absl::StrCat("ISTHMUS_", absl::AsciiStrToUpper(absl::StrReplaceAll(key, {{".", "_"}})));
}

Schema::Schema(std::string service, std::string description)
    : service_(std::move(service)), description_(std::move(description)) {}

Schema& Schema::Text(std::string name, std::string fallback, std::string help, std::vector<std::string> choices) {
  Key key = MakeKey(std::move(name), std::move(fallback), std::move(help));
  key.choices = std::move(choices);
  Add(keys_, std::move(key));
  return *this;
}

Schema& Schema::Integer(std::string name, int64_t fallback, int64_t minimum, int64_t maximum, std::string help) {
  Key key = MakeKey(std::move(name), fallback, std::move(help));
  key.minimum = minimum;
  key.maximum = maximum;
  Add(keys_, std::move(key));
  return *this;
}

Schema& Schema::Boolean(std::string name, bool fallback, std::string help) {
  Add(keys_, MakeKey(std::move(name), fallback, std::move(help)));
  return *this;
}

Schema& Schema::Duration(std::string name, absl::Duration fallback, absl::Duration shortest, absl::Duration longest,
                         std::string help) {
  Key key = MakeKey(std::move(name), fallback, std::move(help));
  key.shortest = shortest;
  key.longest = longest;
  Add(keys_, std::move(key));
  return *this;
}

Schema& Schema::TextList(std::string name, std::vector<std::string> fallback, std::string help) {
  Add(keys_, MakeKey(std::move(name), std::move(fallback), std::move(help)));
  return *this;
}

Schema& Schema::Secret(std::string name, std::string fallback, std::string help) {
  Key key = MakeKey(std::move(name), std::move(fallback), std::move(help));
  key.secret = true;
  Add(keys_, std::move(key));
  return *this;
}

const Key* Schema::Find(absl::string_view name) const {
  for (const Key& key : keys_) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

template <typename T>
static const T& Get(const Value* value, absl::string_view key, const char* type) {
  if (value == nullptr) Bug("the schema has no key", key);
  const T* typed = std::get_if<T>(value);
  if (typed == nullptr) Bug(absl::StrCat("not of type ", type, ":"), key);
  return *typed;
}

const Value* Config::Find(absl::string_view key) const {
  const auto found = entries_.find(std::string(key));
  return found == entries_.end() ? nullptr : &found->second.value;
}

const std::string& Config::GetText(absl::string_view key) const { return Get<std::string>(Find(key), key, "text"); }
int64_t Config::GetInteger(absl::string_view key) const { return Get<int64_t>(Find(key), key, "integer"); }
bool Config::GetBoolean(absl::string_view key) const { return Get<bool>(Find(key), key, "boolean"); }
absl::Duration Config::GetDuration(absl::string_view key) const {
  return Get<absl::Duration>(Find(key), key, "duration");
}
const std::vector<std::string>& Config::GetTextList(absl::string_view key) const {
  return Get<std::vector<std::string>>(Find(key), key, "list of texts");
}

std::string Config::Print() const {
  std::string out;
  std::vector<std::string> open;  // sections that the lines before are in
  for (const auto& [name, entry] : entries_) {
    std::vector<std::string> parts = absl::StrSplit(name, '.');
    const std::string leaf = parts.back();
    parts.pop_back();
    size_t common = 0;
    while (common < parts.size() && common < open.size() && parts[common] == open[common]) ++common;
    for (size_t level = common; level < parts.size(); ++level) {
      absl::StrAppend(&out, std::string(2 * level, ' '), parts[level], ":\n");
    }
    open = parts;
    const bool masked = entry.secret && !std::get<std::string>(entry.value).empty();
    absl::StrAppend(&out, std::string(2 * parts.size(), ' '), leaf, ": ", masked ? "\"***\"" : ValueToYaml(entry.value),
                    "  # ", absl::StrReplaceAll(entry.source, {{"\n", " "}, {"\r", " "}}), "\n");
  }
  return out;
}

std::string Help(const Schema& schema) {
  std::string out = absl::StrCat(
      schema.service(), ": ", schema.description(), "\n\nUsage: ", schema.service(),
      " [--config FILE] [--KEY=VALUE ...]\n\n"
      "A key is set by its default, then the YAML file, then the environment, then its flag; the later the stronger.\n"
      "Key a.b is `a: {b: ...}` in the file, ISTHMUS_A_B in the environment and --a.b=... as a flag.\n\n"
      "  --config FILE      YAML file (or ISTHMUS_CONFIG)\n"
      "  --help             this text\n"
      "  --print-config     print every key with its value and where it comes from\n"
      "  --check-config     say whether the configuration is right\n");
  std::vector<std::string> groups;  // in the order of their first key
  const auto group_of = [](const Key& key) {
    const size_t dot = key.name.find('.');
    return dot == std::string::npos ? std::string() : key.name.substr(0, dot);
  };
  for (const Key& key : schema.keys()) {
    const std::string group = group_of(key);
    bool known = false;
    for (const std::string& other : groups) known = known || other == group;
    if (!known) groups.push_back(group);
  }
  for (const std::string& group : groups) {
    absl::StrAppend(&out, "\n", group.empty() ? "general" : group, ":\n");
    for (const Key& key : schema.keys()) {
      if (group_of(key) != group) continue;
      absl::StrAppend(&out, "  --", key.name, "  (default ", key.secret ? "secret" : ValueToYaml(key.fallback));
      if (std::holds_alternative<int64_t>(key.fallback)) {
        absl::StrAppend(&out, ", ", key.minimum, " to ", key.maximum);
      } else if (std::holds_alternative<absl::Duration>(key.fallback)) {
        absl::StrAppend(&out, ", ", absl::FormatDuration(key.shortest), " to ", absl::FormatDuration(key.longest));
      } else if (!key.choices.empty()) {
        absl::StrAppend(&out, ", one of ", absl::StrJoin(key.choices, "|"));
      }
      absl::StrAppend(&out, ")\n      ", key.help, "\n");
    }
  }
  return out;
}

}  // namespace isthmus::config
