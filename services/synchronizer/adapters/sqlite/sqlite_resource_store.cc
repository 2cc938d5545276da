#include "services/synchronizer/adapters/sqlite/sqlite_resource_store.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::synchronizer {
namespace {

constexpr int kLayout = 1;

constexpr char kSchema[] =
    "CREATE TABLE IF NOT EXISTS resource (seq INTEGER PRIMARY KEY AUTOINCREMENT, ri BLOB NOT NULL UNIQUE, "
    "pi BLOB NOT NULL, ty INTEGER NOT NULL, rn BLOB NOT NULL, attributes BLOB NOT NULL, internal BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS state (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

absl::Status Failure(sqlite3* handle, absl::string_view doing, int code) {
  const std::string text = absl::StrCat(doing, ": ", handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) return absl::FailedPreconditionError(text);
  return absl::UnavailableError(text);
}

// BLOB and not TEXT: names are octets, a NUL included. The text outlives the statement's run.
void Bind(sqlite3_stmt* statement, int index, const std::string& octets) {
  sqlite3_bind_blob64(statement, index, octets.empty() ? "" : octets.data(), octets.size(), SQLITE_STATIC);
}

std::string Octets(sqlite3_stmt* statement, int column) {
  const void* data = sqlite3_column_blob(statement, column);
  const int size = sqlite3_column_bytes(statement, column);
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteResourceStore>> SqliteResourceStore::Open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<SqliteResourceStore> store(new SqliteResourceStore(handle));
  if (code != SQLITE_OK) return Failure(handle, absl::StrCat("store.path '", path, "' cannot be opened"), code);
  // A predecessor that is about to end still holds the file for a moment.
  sqlite3_busy_timeout(handle, 3000);
  const absl::Status status = store->Initialize();
  if (!status.ok()) {
    const std::string message =
        status.code() == absl::StatusCode::kFailedPrecondition && !absl::StrContains(status.message(), "layout")
            ? absl::StrCat("store.path '", path, "' is in use by another process")
            : absl::StrCat("store.path '", path, "': ", status.message());
    return absl::Status(status.code(), message);
  }
  return store;
}

absl::Status SqliteResourceStore::Initialize() {
  RETURN_IF_ERROR(Execute("PRAGMA locking_mode=EXCLUSIVE"));
  RETURN_IF_ERROR(Execute("PRAGMA journal_mode=WAL"));
  RETURN_IF_ERROR(Execute("PRAGMA synchronous=NORMAL"));
  RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  ASSIGN_OR_RETURN(sqlite3_stmt * version, Prepare("PRAGMA user_version"));
  const int code = sqlite3_step(version);
  const int layout = code == SQLITE_ROW ? sqlite3_column_int(version, 0) : 0;
  sqlite3_reset(version);
  if (layout != 0 && layout != kLayout) {
    return absl::FailedPreconditionError(absl::StrCat("the file has layout ", layout, ", expected ", kLayout));
  }
  RETURN_IF_ERROR(Execute(kSchema));
  RETURN_IF_ERROR(Execute(absl::StrCat("PRAGMA user_version=", kLayout).c_str()));
  RETURN_IF_ERROR(Execute("COMMIT"));
  ASSIGN_OR_RETURN(put_, Prepare("INSERT INTO resource (ri, pi, ty, rn, attributes, internal) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (ri) DO UPDATE SET pi=?2, ty=?3, rn=?4, "
                                 "attributes=?5, internal=?6"));
  ASSIGN_OR_RETURN(remove_, Prepare("DELETE FROM resource WHERE ri=?1"));
  ASSIGN_OR_RETURN(put_state_, Prepare("INSERT INTO state (key, value) VALUES (?1, ?2) "
                                       "ON CONFLICT (key) DO UPDATE SET value=?2"));
  ASSIGN_OR_RETURN(remove_state_, Prepare("DELETE FROM state WHERE key=?1"));
  ASSIGN_OR_RETURN(get_state_, Prepare("SELECT value FROM state WHERE key=?1"));
  return absl::OkStatus();
}

SqliteResourceStore::~SqliteResourceStore() {
  for (sqlite3_stmt* statement : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

absl::Status SqliteResourceStore::Execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failure(handle_, sql, code);
}

absl::StatusOr<sqlite3_stmt*> SqliteResourceStore::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Failure(handle_, sql, code);
  statements_.push_back(statement);
  return statement;
}

absl::Status SqliteResourceStore::Finish(sqlite3_stmt* statement) {
  const int code = sqlite3_step(statement);
  const absl::Status status = code == SQLITE_DONE ? absl::OkStatus() : Failure(handle_, sqlite3_sql(statement), code);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

absl::StatusOr<std::vector<StoredResource>> SqliteResourceStore::Load() {
  std::lock_guard<std::mutex> lock(mutex_);
  sqlite3_stmt* statement = nullptr;
  constexpr char kSelect[] = "SELECT ri, pi, ty, rn, attributes, internal FROM resource ORDER BY seq";
  int code = sqlite3_prepare_v2(handle_, kSelect, -1, &statement, nullptr);
  if (code != SQLITE_OK) return Failure(handle_, kSelect, code);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(statement, sqlite3_finalize);
  std::vector<StoredResource> resources;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    StoredResource resource;
    resource.resource_id = Octets(statement, 0);
    resource.parent_id = Octets(statement, 1);
    resource.type = static_cast<uint32_t>(sqlite3_column_int64(statement, 2));
    resource.name = Octets(statement, 3);
    if (!resource.attributes.ParseFromString(Octets(statement, 4))) {
      return absl::DataLossError(
          absl::StrCat("stored resource ", resource.resource_id, ": its attributes are damaged"));
    }
    RETURN_IF_ERROR(DecodeInternal(Octets(statement, 5), &resource));
    resources.push_back(std::move(resource));
  }
  if (code != SQLITE_DONE) return Failure(handle_, kSelect, code);
  return resources;
}

absl::Status SqliteResourceStore::CommitLocked(const StoreTransaction& transaction) {
  for (const std::string& resource_id : transaction.removals) {
    Bind(remove_, 1, resource_id);
    RETURN_IF_ERROR(Finish(remove_));
  }
  for (const StoredResource* resource : transaction.puts) {
    const std::string attributes = resource->attributes.SerializeAsString();
    const std::string internal = EncodeInternal(*resource);
    Bind(put_, 1, resource->resource_id);
    Bind(put_, 2, resource->parent_id);
    sqlite3_bind_int64(put_, 3, resource->type);
    Bind(put_, 4, resource->name);
    Bind(put_, 5, attributes);
    Bind(put_, 6, internal);
    RETURN_IF_ERROR(Finish(put_));
  }
  return Execute("COMMIT");
}

absl::Status SqliteResourceStore::Commit(const StoreTransaction& transaction) {
  std::lock_guard<std::mutex> lock(mutex_);
  RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  absl::Status status = CommitLocked(transaction);
  if (!status.ok()) (void)Execute("ROLLBACK");
  return status;
}

absl::Status SqliteResourceStore::PutState(const std::string& key, const std::string& value) {
  std::lock_guard<std::mutex> lock(mutex_);
  sqlite3_stmt* const statement = value.empty() ? remove_state_ : put_state_;
  Bind(statement, 1, key);
  if (!value.empty()) Bind(statement, 2, value);
  return Finish(statement);
}

absl::StatusOr<std::string> SqliteResourceStore::GetState(const std::string& key) {
  std::lock_guard<std::mutex> lock(mutex_);
  Bind(get_state_, 1, key);
  const int code = sqlite3_step(get_state_);
  std::string value;
  if (code == SQLITE_ROW) value = Octets(get_state_, 0);
  absl::Status status;
  if (code != SQLITE_ROW && code != SQLITE_DONE) status = Failure(handle_, sqlite3_sql(get_state_), code);
  sqlite3_reset(get_state_);
  sqlite3_clear_bindings(get_state_);
  if (!status.ok()) return status;
  return value;
}

}  // namespace isthmus::synchronizer
