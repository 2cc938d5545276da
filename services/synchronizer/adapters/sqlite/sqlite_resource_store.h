// The resources in one SQLite file: a row for each, and a table for small values.
//
//   ASSIGN_OR_RETURN(auto store, SqliteResourceStore::Open("/var/lib/isthmus/synchronizer.db"));
//   Cse cse(options, store.get(), &clock, &ids);
//
// How durable that is: services/lib/sqlite/docs/0001-wal-synchronous-normal.md.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_SQLITE_SQLITE_RESOURCE_STORE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_SQLITE_SQLITE_RESOURCE_STORE_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/lib/sqlite/database.h"
#include "services/synchronizer/core/resource/resource_store.h"

namespace isthmus::synchronizer {

// Thread-safe.
class SqliteResourceStore final : public ResourceStore {
 public:
  // Opens or creates the file, for this process alone.
  //   FAILED_PRECONDITION  another process holds it, or it was written by another version of the layout.
  //   UNAVAILABLE          it cannot be opened, or is no database.
  static absl::StatusOr<std::unique_ptr<SqliteResourceStore>> Open(const std::string& path);

  absl::StatusOr<std::vector<StoredResource>> Load() override;
  absl::Status Commit(const StoreTransaction& transaction) override;
  absl::Status PutState(const std::string& key, const std::string& value) override;
  absl::StatusOr<std::string> GetState(const std::string& key) override;

 private:
  explicit SqliteResourceStore(std::unique_ptr<sqlite::Database> database) : database_(std::move(database)) {}
  absl::Status Initialize();

  std::mutex mutex_;
  const std::unique_ptr<sqlite::Database> database_;
  sqlite::Statement load_, put_, remove_, put_state_, remove_state_, get_state_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_ADAPTERS_SQLITE_SQLITE_RESOURCE_STORE_H_
