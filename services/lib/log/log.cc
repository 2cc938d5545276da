#include "services/lib/log/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include "absl/time/clock.h"
#include "services/lib/log/line.h"

namespace isthmus::log {
namespace {

struct Settings {
  std::atomic<int> level{static_cast<int>(Level::kInfo)};
  std::atomic<int> format{static_cast<int>(Format::kText)};
  std::mutex mutex;     // a line longer than PIPE_BUF is not written in one piece by itself
  std::string service;  // guarded by mutex
};

// Never destroyed: threads may log while the process ends.
Settings& settings() {
  static Settings* const instance = new Settings;
  return *instance;
}

}  // namespace

void Configure(absl::string_view service, Level level, Format format) {
  Settings& now = settings();
  now.level.store(static_cast<int>(level), std::memory_order_relaxed);
  now.format.store(static_cast<int>(format), std::memory_order_relaxed);
  std::lock_guard<std::mutex> lock(now.mutex);
  now.service = std::string(service);
}

bool Enabled(Level level) { return static_cast<int>(level) >= settings().level.load(std::memory_order_relaxed); }

void Write(Level level, absl::string_view message, std::initializer_list<Field> fields) {
  if (!Enabled(level)) return;
  Settings& now = settings();
  const auto format = static_cast<Format>(now.format.load(std::memory_order_relaxed));
  const absl::Time time = absl::Now();
  std::lock_guard<std::mutex> lock(now.mutex);
  const std::string line = FormatLine(format, time, now.service, level, message, fields);
  size_t written = 0;
  while (written < line.size()) {
    const ssize_t result = write(STDERR_FILENO, line.data() + written, line.size() - written);
    if (result < 0 && errno == EINTR) continue;
    if (result <= 0) return;  // nobody reads: the work goes on without its log
    written += static_cast<size_t>(result);
  }
}

}  // namespace isthmus::log
