// Mounted data: *.yaml, *.yml and *.xml files of a directory, read at start and again when they change.
//
//   MappingDirectory directory("/etc/isthmus/mappings");
//   CurrentTable table(Load(BuiltInSources(), directory.Read()->sources).table);
//   MappingReloader reloader(directory, &table, absl::Seconds(10));   // until it is destroyed
//
#ifndef ISTHMUS_SERVICES_TRANSLATION_ADAPTERS_MAPPING_DIRECTORY_H_
#define ISTHMUS_SERVICES_TRANSLATION_ADAPTERS_MAPPING_DIRECTORY_H_

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/translation/core/current_table.h"
#include "services/translation/core/loader.h"

namespace isthmus::translation {

// Files that could be read, and a line for each of those that could not, as the loader words them.
struct MountedData {
  std::vector<Source> sources;
  std::vector<std::string> problems;

  bool operator==(const MountedData& other) const { return sources == other.sources && problems == other.problems; }
};

// Immutable, thread-safe.
class MappingDirectory {
 public:
  explicit MappingDirectory(std::string path) : path_(std::move(path)) {}

  // Files directly in it, in the order of their names; hidden ones are left out. All of them from before or all from
  // after an exchange of a whole ConfigMap. An error is one of the directory, which it names.
  absl::StatusOr<MountedData> Read() const;
  const std::string& path() const { return path_; }

 private:
  absl::StatusOr<MountedData> ReadOnce() const;

  std::string path_;
};

// Reads the directory again every `period`, and puts a new table in place when the data differs; what is the same is
// not loaded again. What is refused is logged once per change; while the directory cannot be read the last table stays.
class MappingReloader {
 public:
  // `table` must outlive this.
  MappingReloader(MappingDirectory directory, CurrentTable* table, absl::Duration period);
  ~MappingReloader();

  // One turn, as the thread does it; true when the table was replaced.
  bool Reload();

 private:
  void Loop();
  void Report(const std::vector<std::string>& problems);

  const MappingDirectory directory_;
  CurrentTable* const table_;
  const absl::Duration period_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;  // guarded by mutex_
  // Of the reloading thread.
  std::vector<std::string> reported_;
  bool loaded_ = false;
  MountedData last_;  // when loaded_
  std::thread thread_;
};

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_ADAPTERS_MAPPING_DIRECTORY_H_
