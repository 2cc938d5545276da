// SQLite with checked calls: a file for one process alone, statements that are prepared once, transactions.
//
//   ASSIGN_OR_RETURN(auto database, sqlite::Database::Open("/var/lib/isthmus/connector.db", absl::Seconds(3)));
//   RETURN_IF_ERROR(database->SetUp(/*layout=*/1, "CREATE TABLE pet (name BLOB PRIMARY KEY, age INTEGER)"));
//   ASSIGN_OR_RETURN(const sqlite::Statement insert, database->Prepare("INSERT INTO pet VALUES (?1, ?2)"));
//   ASSIGN_OR_RETURN(const sqlite::Statement list, database->Prepare("SELECT name FROM pet WHERE age > ?1"));
//   RETURN_IF_ERROR(database->InTransaction([&]() -> absl::Status {
//     RETURN_IF_ERROR(insert.Run({"Rex", int64_t{3}}));
//     return insert.Run({"Mia", int64_t{7}});
//   }));
//   RETURN_IF_ERROR(list.Run({int64_t{5}}, [&](const sqlite::Row& row) { names.push_back(row.Octets(0)); }));
//
// How durable a commit is: docs/0001-wal-synchronous-normal.md.
//
// Not thread-safe: the owner holds a lock around a database and all its statements. Statements may go before or after
// their database, but run only while it is there.
#ifndef ISTHMUS_SERVICES_LIB_SQLITE_DATABASE_H_
#define ISTHMUS_SERVICES_LIB_SQLITE_DATABASE_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace isthmus::sqlite {

// A parameter of a statement: a number or octets, which are bound as BLOB, so that names keep every octet, a NUL
// included. Octets are not copied: they have to last until Run returns, as temporaries in its argument list do.
class Value {
 public:
  Value(int64_t number) : number_(number), is_number_(true) {}            // NOLINT: meant to convert
  Value(uint64_t number) : Value(static_cast<int64_t>(number)) {}         // NOLINT
  Value(absl::string_view octets) : octets_(octets) {}                    // NOLINT
  Value(const std::string& octets) : Value(absl::string_view(octets)) {}  // NOLINT
  Value(const char* octets) : Value(absl::string_view(octets)) {}         // NOLINT

 private:
  friend class Statement;
  absl::string_view octets_;
  int64_t number_ = 0;
  bool is_number_ = false;
};

// The row that a query stands on. Good only inside the callback that it is given to.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  // 0 for NULL and for what is no number.
  int64_t Number(int column) const;
  // "" for NULL.
  std::string Octets(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Statement {
 public:
  Statement() = default;
  // Runs it to its end, with each row given to `on_row`, and makes it ready for the next time. `on_row` may run other
  // statements, not this one.
  //   FAILED_PRECONDITION  the database was never prepared for it (it is empty), or another process is in the way.
  //   UNAVAILABLE          SQLite refused it; the message says why and holds the SQL.
  absl::Status Run(std::initializer_list<Value> parameters,
                   const std::function<void(const Row&)>& on_row = nullptr) const;

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

class Database {
 public:
  // Opens or creates the file, for this process alone. A predecessor that is about to end still holds it for a moment.
  //   FAILED_PRECONDITION  another process holds the file for longer than `patience`.
  //   UNAVAILABLE          it cannot be opened or is no database.
  // The message names the file.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, absl::Duration patience);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs `schema` and marks the file with `layout` (1 and up) if it is new.
  //   FAILED_PRECONDITION  it was written with another layout; nothing is changed then.
  absl::Status SetUp(int layout, const char* schema);
  // One or several statements without parameters and rows. Errors as of Statement::Run.
  absl::Status Execute(const char* sql);
  absl::StatusOr<Statement> Prepare(const char* sql);
  // All or nothing: what `change` does is undone when it or the commit fails. Not inside another transaction.
  absl::Status InTransaction(const std::function<absl::Status()>& change);

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}

  sqlite3* const handle_;
  std::string path_;
};

}  // namespace isthmus::sqlite

#endif  // ISTHMUS_SERVICES_LIB_SQLITE_DATABASE_H_
