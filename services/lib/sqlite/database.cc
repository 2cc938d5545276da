#include "services/lib/sqlite/database.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "services/lib/status/status_macros.h"

namespace isthmus::sqlite {
namespace {

absl::Status Failure(sqlite3* handle, absl::string_view doing, int code) {
  const std::string text = absl::StrCat(doing, ": ", handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) return absl::FailedPreconditionError(text);
  return absl::UnavailableError(text);
}

}  // namespace

int64_t Row::Number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Row::Octets(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), static_cast<size_t>(size));
}

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

absl::Status Statement::Run(std::initializer_list<Value> parameters,
                            const std::function<void(const Row&)>& on_row) const {
  sqlite3_stmt* const statement = statement_.get();
  if (statement == nullptr) return absl::FailedPreconditionError("a statement that was never prepared");
  int index = 0;
  int code = SQLITE_OK;
  for (const Value& value : parameters) {
    ++index;
    // A null pointer would be bound as NULL.
    const char* const octets = value.octets_.data() == nullptr ? "" : value.octets_.data();
    code = value.is_number_ ? sqlite3_bind_int64(statement, index, value.number_)
                            : sqlite3_bind_blob64(statement, index, octets, value.octets_.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) break;
  }
  if (code == SQLITE_OK) {
    const Row row(statement);
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

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, absl::Duration patience) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Database> database(new Database(handle));
  if (code != SQLITE_OK) return Failure(handle, absl::StrCat("'", path, "' cannot be opened"), code);
  sqlite3_extended_result_codes(handle, 0);
  sqlite3_busy_timeout(handle, static_cast<int>(absl::ToInt64Milliseconds(patience)));
  // The lock is taken with the first write and then kept: the empty transaction is that write.
  for (const char* sql : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL",
                          "BEGIN IMMEDIATE", "COMMIT"}) {
    const absl::Status status = database->Execute(sql);
    if (absl::IsFailedPrecondition(status)) {
      return absl::FailedPreconditionError(absl::StrCat("'", path, "' is in use by another process"));
    }
    if (!status.ok()) return absl::UnavailableError(absl::StrCat("'", path, "': ", status.message()));
  }
  database->path_ = path;
  return database;
}

Database::~Database() { sqlite3_close_v2(handle_); }

absl::Status Database::SetUp(int layout, const char* schema) {
  return InTransaction([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const Statement version, Prepare("PRAGMA user_version"));
    int64_t found = 0;
    RETURN_IF_ERROR(version.Run({}, [&found](const Row& row) { found = row.Number(0); }));
    if (found == layout) return absl::OkStatus();
    if (found != 0) {
      return absl::FailedPreconditionError(absl::StrCat("'", path_, "' has layout ", found, ", expected ", layout));
    }
    RETURN_IF_ERROR(Execute(schema));
    return Execute(absl::StrCat("PRAGMA user_version=", layout).c_str());
  });
}

absl::Status Database::Execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failure(handle_, sql, code);
}

absl::StatusOr<Statement> Database::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Failure(handle_, sql, code);
  return Statement(statement);
}

absl::Status Database::InTransaction(const std::function<absl::Status()>& change) {
  RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  absl::Status status = change();
  if (status.ok()) status = Execute("COMMIT");
  // After some errors SQLite has already rolled back, and says that there is nothing to undo.
  if (!status.ok()) Execute("ROLLBACK").IgnoreError();
  return status;
}

}  // namespace isthmus::sqlite
