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

// A directory that is exchanged in the middle of a reading is read again; more often than this it is not.
constexpr int kReadings = 5;

// Mappings and definitions in our form, definitions in OMA's.
bool IsData(const fs::path& file) {
  const std::string extension = absl::AsciiStrToLower(file.extension().string());
  return extension == ".yaml" || extension == ".yml" || extension == ".xml";
}

// What the link that Kubernetes exchanges when a ConfigMap changes points to; "" in a directory of another kind.
std::string Generation(const std::string& directory) {
  std::error_code none;
  return fs::read_symlink(fs::path(directory) / "..data", none).string();
}

// The message names the file as the loader's messages do.
absl::StatusOr<std::string> ReadFile(const fs::path& file) {
  const std::string name = file.filename().string();
  std::error_code error;
  const uintmax_t size = fs::file_size(file, error);
  if (!error && size > kLargestFile) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ":1: the file has ", size, " octets; expected at most ", kLargestFile));
  }
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  // An empty file sets failbit on insertion of its buffer.
  if (stream.is_open() && stream.peek() != std::ifstream::traits_type::eof()) text << stream.rdbuf();
  if (error || !stream.is_open() || stream.bad() || text.bad()) {
    return absl::UnavailableError(absl::StrCat(name, ":1: the file cannot be read"));
  }
  return text.str();
}

}  // namespace

absl::StatusOr<MountedData> MappingDirectory::Read() const {
  for (int again = kReadings; again > 0; --again) {
    const std::string before = Generation(path_);
    absl::StatusOr<MountedData> data = ReadOnce();
    if (Generation(path_) == before) return data;
  }
  return absl::UnavailableError(absl::StrCat("mappings.directory: directory '", path_,
                                             "' changes while it is read; tried ", kReadings, " times"));
}

absl::StatusOr<MountedData> MappingDirectory::ReadOnce() const {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& file = entry->path();
    // Kubernetes keeps the files of a ConfigMap behind hidden directories.
    if (file.filename().string().front() == '.' || !IsData(file)) continue;
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) files.push_back(file);
  }
  if (error) {
    return absl::NotFoundError(
        absl::StrCat("mappings.directory: cannot read directory '", path_, "': ", error.message()));
  }
  std::sort(files.begin(), files.end());
  MountedData data;
  for (const fs::path& file : files) {
    absl::StatusOr<std::string> text = ReadFile(file);
    if (text.ok()) {
      data.sources.push_back({file.filename().string(), *std::move(text)});
    } else {
      data.problems.emplace_back(text.status().message());
    }
  }
  return data;
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
  const absl::StatusOr<MountedData> mounted = directory_.Read();
  if (!mounted.ok()) {
    Report({std::string(mounted.status().message())});
    return false;
  }
  if (loaded_ && *mounted == last_) return false;
  last_ = *mounted;
  loaded_ = true;
  const LoadResult loaded = Load(BuiltInSources(), mounted->sources);
  std::vector<std::string> problems = mounted->problems;
  problems.insert(problems.end(), loaded.problems.begin(), loaded.problems.end());
  Report(problems);
  if (loaded.table->version() == table_->Get()->version()) return false;
  log::Info("mappings reloaded", {{"mapping_version", loaded.table->version()},
                                  {"mappings", loaded.table->mappings().size()},
                                  {"objects", loaded.table->objects().size()}});
  table_->Set(loaded.table);
  return true;
}

void MappingReloader::Report(const std::vector<std::string>& problems) {
  if (problems == reported_) return;
  for (const std::string& problem : problems) log::Error("mounted mapping data refused", {{"reason", problem}});
  reported_ = problems;
}

}  // namespace isthmus::translation
