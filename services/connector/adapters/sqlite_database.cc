#include "services/connector/adapters/sqlite_database.h"

#include <sqlite3.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::connector {
namespace {

absl::Status Failure(sqlite3* handle, absl::string_view doing, int code) {
  const std::string text = absl::StrCat(doing, ": ", handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) return absl::FailedPreconditionError(text);
  return absl::UnavailableError(text);
}

}  // namespace

int64_t SqliteRow::Number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string SqliteRow::Octets(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), static_cast<size_t>(size));
}

SqliteStatement::SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

void SqliteStatement::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

absl::Status SqliteStatement::Run(std::initializer_list<SqliteValue> parameters,
                                  const std::function<void(const SqliteRow&)>& on_row) const {
  sqlite3_stmt* const statement = statement_.get();
  int index = 0;
  int code = SQLITE_OK;
  for (const SqliteValue& value : parameters) {
    ++index;
    code = value.is_number ? sqlite3_bind_int64(statement, index, value.number)
                           : sqlite3_bind_blob64(statement, index, value.octets.data(), value.octets.size(),
                                                 SQLITE_STATIC);  // parameters outlive the run
    if (code != SQLITE_OK) break;
  }
  if (code == SQLITE_OK) {
    const SqliteRow row(statement);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      if (on_row) on_row(row);
    }
  }
  absl::Status status;
  if (code != SQLITE_DONE) status = Failure(sqlite3_db_handle(statement), sqlite3_sql(statement), code);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return status;
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path, absl::Duration patience) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(handle));
  if (code != SQLITE_OK) return Failure(handle, absl::StrCat("store.path '", path, "' cannot be opened"), code);
  sqlite3_extended_result_codes(handle, 0);
  sqlite3_busy_timeout(handle, static_cast<int>(absl::ToInt64Milliseconds(patience)));
  for (const char* pragma : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL",
                             "BEGIN IMMEDIATE", "COMMIT"}) {
    const absl::Status status = database->Execute(pragma);
    if (status.code() == absl::StatusCode::kFailedPrecondition) {
      return absl::FailedPreconditionError(absl::StrCat("store.path '", path, "' is in use by another process"));
    }
    if (!status.ok()) {
      return absl::UnavailableError(absl::StrCat("store.path '", path, "': ", status.message()));
    }
  }
  return database;
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close_v2(handle_); }

absl::Status SqliteDatabase::Execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Failure(handle_, sql, code);
  return absl::OkStatus();
}

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Failure(handle_, sql, code);
  return SqliteStatement(statement);
}

}  // namespace isthmus::connector
