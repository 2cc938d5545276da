// Structured logs: one line per event, with fields.
//
//   log::Info("device registered", {{"endpoint", endpoint}, {"lifetime_s", 300}, {"trace", trace_id}});
//
// JSON lines on standard error by default, or text for people. Thread-safe. Values are cut at 1 KiB.
#ifndef ISTHMUS_SERVICES_LIB_LOG_LOG_H_
#define ISTHMUS_SERVICES_LIB_LOG_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/string_view.h"

namespace isthmus::log {

enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kJson, kText };

struct Field {
  template <typename T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Field(absl::string_view field_name, T field_value)
      : name(field_name),
        value(std::is_same_v<T, bool> ? (field_value ? "true" : "false") : std::to_string(field_value)),
        quoted(false) {}
  Field(absl::string_view field_name, absl::string_view field_value)
      : name(field_name), value(field_value.data(), field_value.size()), quoted(true) {}
  Field(absl::string_view field_name, const std::string& field_value)
      : name(field_name), value(field_value), quoted(true) {}
  Field(absl::string_view field_name, const char* field_value)
      : name(field_name), value(field_value == nullptr ? "" : field_value), quoted(true) {}

  absl::string_view name;
  std::string value;
  bool quoted;
};

// Once, before the first line; without it: text, info and above.
void Configure(absl::string_view service, Level level, Format format);
bool Enabled(Level level);

void Write(Level level, absl::string_view message, std::initializer_list<Field> fields = {});
inline void Debug(absl::string_view message, std::initializer_list<Field> fields = {}) {
  if (Enabled(Level::kDebug)) Write(Level::kDebug, message, fields);
}
inline void Info(absl::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, message, fields);
}
inline void Warning(absl::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kWarning, message, fields);
}
inline void Error(absl::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kError, message, fields);
}

}  // namespace isthmus::log

#endif  // ISTHMUS_SERVICES_LIB_LOG_LOG_H_
