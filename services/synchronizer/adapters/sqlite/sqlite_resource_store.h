// The resources in one SQLite file: a row for each, and a table for small values.
//
//   ASSIGN_OR_RETURN(auto store, SqliteResourceStore::Open("/var/lib/isthmus/synchronizer.db"));
//   Cse cse(options, store.get(), &clock, &ids);
//
// Decision: WAL with synchronous NORMAL. A commit is in the operating system's hands when it returns, so it outlives
// kill -9 of the process; a power cut may lose the last commits but never tears one. A commit costs tens of
// microseconds so, and milliseconds with FULL.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_SQLITE_SQLITE_RESOURCE_STORE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_SQLITE_SQLITE_RESOURCE_STORE_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "services/synchronizer/core/resource/resource_store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace isthmus::synchronizer {

// Thread-safe.
class SqliteResourceStore final : public ResourceStore {
 public:
  // Opens or creates the file, for this process alone.
  //   FAILED_PRECONDITION  another process holds it, or it was written by another version of the layout.
  //   UNAVAILABLE          it cannot be opened, or is no database.
  static absl::StatusOr<std::unique_ptr<SqliteResourceStore>> Open(const std::string& path);
  ~SqliteResourceStore() override;
  SqliteResourceStore(const SqliteResourceStore&) = delete;
  SqliteResourceStore& operator=(const SqliteResourceStore&) = delete;

  absl::StatusOr<std::vector<StoredResource>> Load() override;
  absl::Status Commit(const StoreTransaction& transaction) override;
  absl::Status PutState(const std::string& key, const std::string& value) override;
  absl::StatusOr<std::string> GetState(const std::string& key) override;

 private:
  explicit SqliteResourceStore(sqlite3* handle) : handle_(handle) {}
  absl::Status Initialize();
  absl::Status Execute(const char* sql);
  absl::StatusOr<sqlite3_stmt*> Prepare(const char* sql);
  absl::Status CommitLocked(const StoreTransaction& transaction);
  // Runs a prepared statement that gives no rows, and makes it ready for the next time.
  absl::Status Finish(sqlite3_stmt* statement);

  std::mutex mutex_;
  sqlite3* const handle_;
  std::vector<sqlite3_stmt*> statements_;  // all, for the end
  sqlite3_stmt* put_ = nullptr;
  sqlite3_stmt* remove_ = nullptr;
  sqlite3_stmt* put_state_ = nullptr;
  sqlite3_stmt* remove_state_ = nullptr;
  sqlite3_stmt* get_state_ = nullptr;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_SQLITE_SQLITE_RESOURCE_STORE_H_
