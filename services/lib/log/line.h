// One log line as text: what log.h writes, apart from where it goes.
//
//   FormatLine(Format::kJson, now, "connector", Level::kInfo, "device registered", fields)
//     == R"({"time":"2023-11-14T22:13:20.000Z","level":"info","service":"connector","message":"device
//     registered",...})"
//
// Whatever the input, a JSON line is valid JSON in valid UTF-8, and a line of either format is one line: control
// characters are escaped and broken UTF-8 becomes U+FFFD. Pure.
#ifndef ISTHMUS_SERVICES_LIB_LOG_LINE_H_
#define ISTHMUS_SERVICES_LIB_LOG_LINE_H_

#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/log/log.h"

namespace isthmus::log {

// Values and messages longer than this are cut (between characters) and end in "...".
inline constexpr size_t kMaxValueLength = 1024;

// With the newline at its end.
std::string FormatLine(Format format, absl::Time time, absl::string_view service, Level level,
                       absl::string_view message, std::initializer_list<Field> fields);

absl::string_view LevelName(Level level);

}  // namespace isthmus::log

#endif  // ISTHMUS_SERVICES_LIB_LOG_LINE_H_
