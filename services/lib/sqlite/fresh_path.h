// A file name for a test's database: nothing is there, nor any other test's.
//
//   auto store = SqliteStore::Open(sqlite::FreshPath(), ...);
//
// Not thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_SQLITE_FRESH_PATH_H_
#define ISTHMUS_SERVICES_LIB_SQLITE_FRESH_PATH_H_

#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace isthmus::sqlite {

inline std::string FreshPath() {
  static int number = 0;
  const std::string path = absl::StrCat(testing::TempDir(), "/fresh-", getpid(), "-", ++number, ".db");
  for (const char* suffix : {"", "-wal", "-shm"}) std::remove(absl::StrCat(path, suffix).c_str());
  return path;
}

}  // namespace isthmus::sqlite

#endif  // ISTHMUS_SERVICES_LIB_SQLITE_FRESH_PATH_H_
