// Mounted data: *.yaml, *.yml and *.xml files of a directory, read at start and again when they change.
//
//   MappingDirectory directory("/etc/isthmus/mappings");
//   CurrentTable table(Load(BuiltInSources(), *directory.Read()).table);
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

// Immutable, thread-safe.
class MappingDirectory {
 public:
  explicit MappingDirectory(std::string path) : path_(std::move(path)) {}

  // Files directly in it, in the order of their names; hidden ones are left out. An error names the directory or file.
  absl::StatusOr<std::vector<Source>> Read() const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Reads the directory again every `period`, and puts a new table in place when the data differs. What is refused is
// logged once per change; while the directory cannot be read the last table stays.
class MappingReloader {
 public:
  // `table` must outlive this.
  MappingReloader(MappingDirectory directory, CurrentTable* table, absl::Duration period);
  ~MappingReloader();

  // One turn, as the thread does it; true when the table was replaced.
  bool Reload();

 private:
  void Loop();

  const MappingDirectory directory_;
  CurrentTable* const table_;
  const absl::Duration period_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;                  // guarded by mutex_
  std::vector<std::string> reported_;  // of the reloading thread
  std::thread thread_;
};

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_ADAPTERS_MAPPING_DIRECTORY_H_
