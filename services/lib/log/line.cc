#include "services/lib/log/line.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::log {
namespace {

void AppendEscaped(absl::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  size_t position = 0;
  while (position < text.size()) {
    const size_t length = Utf8Length(text.substr(position));
    if (position + (length == 0 ? 1 : length) > kMaxValueLength) {
      out += "...";
      return;
    }
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++position;
      continue;
    }
    const char c = text[position];
    if (length > 1) {
      out.append(text.data() + position, length);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      out += "\\u00";
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[c & 0xF];
    } else {
      out += c;
    }
    position += length;
  }
}

void AppendQuoted(absl::string_view text, std::string& out) {
  out += '"';
  AppendEscaped(text, out);
  out += '"';
}

// "nan" and "inf" are numbers to C++ and not to JSON.
bool IsBareJson(absl::string_view value) {
  if (value == "true" || value == "false") return true;
  if (value.empty()) return false;
  for (const char c : value) {
    if (!absl::ascii_isdigit(c) && c != '-' && c != '+' && c != '.' && c != 'e') return false;
  }
  return true;
}

bool NeedsQuotes(absl::string_view value) {
  if (value.empty() || value.size() > kMaxValueLength) return true;
  for (const char c : value) {
    if (!absl::ascii_isgraph(c) || c == '"' || c == '\\' || c == '=') return true;
  }
  return false;
}

}  // namespace

absl::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

std::string FormatLine(Format format, absl::Time time, absl::string_view service, Level level,
                       absl::string_view message, std::initializer_list<Field> fields) {
  const std::string stamp = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
  std::string line;
  line.reserve(160 + message.size());
  if (format == Format::kJson) {
    absl::StrAppend(&line, "{\"time\":\"", stamp, "\",\"level\":\"", LevelName(level), "\",\"service\":");
    AppendQuoted(service, line);
    line += ",\"message\":";
    AppendQuoted(message, line);
    for (const Field& field : fields) {
      line += ',';
      AppendQuoted(field.name, line);
      line += ':';
      if (!field.quoted && IsBareJson(field.value)) {
        line += field.value;
      } else {
        AppendQuoted(field.value, line);
      }
    }
    line += "}\n";
    return line;
  }
  std::string name = absl::AsciiStrToUpper(LevelName(level));
  name.resize(7, ' ');
  absl::StrAppend(&line, stamp, " ", name, " ");
  if (!service.empty()) absl::StrAppend(&line, service, ": ");
  AppendEscaped(message, line);
  for (const Field& field : fields) {
    absl::StrAppend(&line, " ", field.name, "=");
    if (NeedsQuotes(field.value)) {
      AppendQuoted(field.value, line);
    } else {
      line += field.value;
    }
  }
  line += '\n';
  return line;
}

}  // namespace isthmus::log
