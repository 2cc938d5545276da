#include "services/translation/adapters/mapping_directory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/lib/log/log.h"
#include "services/translation/data/built_in.h"

namespace isthmus::translation {
namespace {

namespace fs = std::filesystem;

// Far above any table of people's; what is larger was mounted by mistake.
constexpr uintmax_t kLargestFile = 4 << 20;

// Mappings and definitions in our form, definitions in OMA's.
bool IsData(const fs::path& file) {
  const std::string extension = absl::AsciiStrToLower(file.extension().string());
  return extension == ".yaml" || extension == ".yml" || extension == ".xml";
}

}  // namespace

absl::StatusOr<std::vector<Source>> MappingDirectory::Read() const {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& file = entry->path();
    // Kubernetes keeps the files of a ConfigMap behind hidden directories.
    if (file.filename().string().front() == '.') continue;
    if (!IsData(file)) continue;
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) files.push_back(file);
  }
  if (error) {
    return absl::NotFoundError(
        absl::StrCat("mappings.directory: cannot read directory '", path_, "': ", error.message()));
  }
  std::sort(files.begin(), files.end());
  std::vector<Source> sources;
  for (const fs::path& file : files) {
    const uintmax_t size = fs::file_size(file, error);
    if (!error && size > kLargestFile) {
      return absl::InvalidArgumentError(
          absl::StrCat("mappings.directory: '", file.string(), "' is larger than ", kLargestFile, " octets"));
    }
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    // An empty file sets failbit on insertion of its buffer.
    if (stream.is_open() && stream.peek() != std::ifstream::traits_type::eof()) text << stream.rdbuf();
    if (error || !stream.is_open() || stream.bad() || text.bad()) {
      return absl::UnavailableError(absl::StrCat("mappings.directory: cannot read file '", file.string(), "'"));
    }
    sources.push_back({file.filename().string(), text.str()});
  }
  return sources;
}

MappingReloader::MappingReloader(MappingDirectory directory, CurrentTable* table, absl::Duration period)
    : directory_(std::move(directory)), table_(table), period_(period), thread_([this] { Loop(); }) {}

MappingReloader::~MappingReloader() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

void MappingReloader::Loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopped_.wait_for(lock, absl::ToChronoMilliseconds(period_), [this] { return stop_; })) {
    lock.unlock();
    Reload();
    lock.lock();
  }
}

bool MappingReloader::Reload() {
  const absl::StatusOr<std::vector<Source>> mounted = directory_.Read();
  std::vector<std::string> problems;
  LoadResult loaded;
  if (mounted.ok()) {
    loaded = Load(BuiltInSources(), *mounted);
    problems = loaded.problems;
  } else {
    problems.emplace_back(mounted.status().message());
  }
  if (problems != reported_) {
    for (const std::string& problem : problems) log::Error("mounted mapping data refused", {{"reason", problem}});
    reported_ = problems;
  }
  if (!mounted.ok() || loaded.table->version() == table_->Get()->version()) return false;
  log::Info("mappings reloaded", {{"mapping_version", loaded.table->version()}});
  table_->Set(loaded.table);
  return true;
}

}  // namespace isthmus::translation
