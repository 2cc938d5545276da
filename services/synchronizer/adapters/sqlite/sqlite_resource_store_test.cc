#include "services/synchronizer/adapters/sqlite/sqlite_resource_store.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/sqlite/fresh_path.h"
#include "services/lib/status/status_matchers.h"
#include "services/synchronizer/core/resource/resource_store_suite.h"

namespace isthmus::synchronizer {
namespace {

using status::IsOk;
using status::StatusIs;
using testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Sqlite, ResourceStoreSuite,
                         testing::Values(StoreFactory([]() -> std::unique_ptr<ResourceStore> {
                           absl::StatusOr<std::unique_ptr<SqliteResourceStore>> store =
                               SqliteResourceStore::Open(sqlite::FreshPath());
                           EXPECT_THAT(store, IsOk());
                           return *std::move(store);
                         })));

StoredResource Resource(int number) {
  StoredResource resource;
  resource.resource_id = absl::StrCat("r", number);
  resource.parent_id = "id-in";
  resource.type = 13;
  resource.name = absl::StrCat("bat", number);
  resource.root = "m2m:bat";
  onem2m::Set(resource.attributes, "btl", onem2m::Integer(number % 101));
  return resource;
}

TEST(SqliteResourceStore, IsThereAfterReopening) {
  const std::string path = sqlite::FreshPath();
  {
    auto store = SqliteResourceStore::Open(path);
    ASSERT_THAT(store, IsOk());
    const StoredResource resource = Resource(1);
    ASSERT_THAT((*store)->Commit({{&resource}, {}}), IsOk());
    ASSERT_THAT((*store)->PutState("epoch", "7"), IsOk());
  }
  auto store = SqliteResourceStore::Open(path);
  ASSERT_THAT(store, IsOk());
  ASSERT_EQ((*store)->Load()->size(), 1u);
  EXPECT_EQ((*store)->Load()->front().root, "m2m:bat");
  EXPECT_EQ(*(*store)->GetState("epoch"), "7");
}

// What a commit said is done is there after kill -9; what was cut off is not there in half.
TEST(SqliteResourceStore, SurvivesKillInTheMiddleOfWriting) {
  const std::string path = sqlite::FreshPath();
  int committed[2];
  ASSERT_EQ(pipe(committed), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = SqliteResourceStore::Open(path);
    if (!store.ok()) _exit(1);
    for (int i = 0;; i += 2) {
      const StoredResource one = Resource(i), two = Resource(i + 1);
      if (!(*store)->Commit({{&one, &two}, {}}).ok()) _exit(2);
      if (write(committed[1], &i, sizeof(i)) != sizeof(i)) _exit(3);
    }
  }
  close(committed[1]);
  int last = -1;
  while (last < 200) ASSERT_EQ(read(committed[0], &last, sizeof(last)), static_cast<ssize_t>(sizeof(last)));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  for (int next = 0; read(committed[0], &next, sizeof(next)) == sizeof(next);) last = next;
  close(committed[0]);

  auto store = SqliteResourceStore::Open(path);
  ASSERT_THAT(store, IsOk());
  const auto resources = (*store)->Load();
  ASSERT_THAT(resources, IsOk());
  EXPECT_GE(static_cast<int>(resources->size()), last + 2);
  EXPECT_EQ(resources->size() % 2, 0u);
  for (size_t i = 0; i < resources->size(); ++i) EXPECT_EQ((*resources)[i].resource_id, absl::StrCat("r", i));
}

TEST(SqliteResourceStore, HasOneProcessAtATime) {
  const std::string path = sqlite::FreshPath();
  auto store = SqliteResourceStore::Open(path);
  ASSERT_THAT(store, IsOk());
  EXPECT_THAT(SqliteResourceStore::Open(path),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("in use by another process")));
}

TEST(SqliteResourceStore, NamesAFileThatItCannotUse) {
  EXPECT_THAT(SqliteResourceStore::Open("/nowhere/at/all.db"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nowhere/at/all.db")));
  const std::string path = sqlite::FreshPath();
  FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs(std::string(5000, 'x').c_str(), file);
  std::fclose(file);
  EXPECT_THAT(SqliteResourceStore::Open(path), StatusIs(absl::StatusCode::kUnavailable, HasSubstr(path)));
}

TEST(SqliteResourceStore, RefusesAnotherLayout) {
  const std::string path = sqlite::FreshPath();
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  EXPECT_THAT(SqliteResourceStore::Open(path), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("layout 99")));
}

TEST(SqliteResourceStore, SaysWhichRowIsDamaged) {
  const std::string path = sqlite::FreshPath();
  {
    auto store = SqliteResourceStore::Open(path);
    const StoredResource resource = Resource(1);
    ASSERT_THAT((*store)->Commit({{&resource}, {}}), IsOk());
  }
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "UPDATE resource SET attributes=x'FFFFFF'", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  auto store = SqliteResourceStore::Open(path);
  ASSERT_THAT(store, IsOk());
  EXPECT_THAT((*store)->Load(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("r1")));
}

}  // namespace
}  // namespace isthmus::synchronizer
