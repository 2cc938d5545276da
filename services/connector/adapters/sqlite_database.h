// SQLite with checked calls: a connection and statements that are prepared once.
//
//   ASSIGN_OR_RETURN(auto database, SqliteDatabase::Open("/var/lib/isthmus/connector.db", absl::Seconds(3)));
//   ASSIGN_OR_RETURN(auto insert, database->Prepare("INSERT INTO meta VALUES (?1, ?2)"));
//   RETURN_IF_ERROR(insert.Run({SqliteValue("epoch"), SqliteValue("x")}));
//
// Not thread-safe: the owner holds a lock. A statement must not outlive its database.
#ifndef ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_SQLITE_DATABASE_H_
#define ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_SQLITE_DATABASE_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace isthmus::connector {

// A parameter of a statement: a number or octets (bound as BLOB, so that any endpoint name keeps its octets).
struct SqliteValue {
  SqliteValue(int64_t value) : number(value), is_number(true) {}             // NOLINT: meant to convert
  SqliteValue(uint64_t value) : SqliteValue(static_cast<int64_t>(value)) {}  // NOLINT
  SqliteValue(std::string value) : octets(std::move(value)) {}               // NOLINT
  SqliteValue(const char* value) : octets(value) {}                          // NOLINT
  std::string octets;
  int64_t number = 0;
  bool is_number = false;
};

// The row that a query stands on.
class SqliteRow {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t Number(int column) const;
  std::string Octets(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit SqliteStatement(sqlite3_stmt* statement);
  // Runs it to its end, with each row given to `on_row`.
  absl::Status Run(std::initializer_list<SqliteValue> parameters,
                   const std::function<void(const SqliteRow&)>& on_row = nullptr) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

class SqliteDatabase {
 public:
  // Opens or creates the file, for this process alone, in WAL mode with synchronous NORMAL: a commit outlives the
  // process without an fsync of its own (a power cut may lose the last commits, never the file's consistency).
  //   FAILED_PRECONDITION  another process holds the file for longer than `patience`.
  //   UNAVAILABLE          it cannot be opened or is no database; the message names the file.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path, absl::Duration patience);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  absl::Status Execute(const char* sql);
  absl::StatusOr<SqliteStatement> Prepare(const char* sql);

 private:
  explicit SqliteDatabase(sqlite3* handle) : handle_(handle) {}
  sqlite3* handle_;
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_ADAPTERS_SQLITE_DATABASE_H_
