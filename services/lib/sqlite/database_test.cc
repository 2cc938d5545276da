#include "services/lib/sqlite/database.h"

#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/lib/sqlite/fresh_path.h"
#include "services/lib/status/status_macros.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::sqlite {
namespace {

using status::IsOk;
using status::StatusIs;
using testing::HasSubstr;

constexpr char kSchema[] = "CREATE TABLE pet (name BLOB PRIMARY KEY, age INTEGER) WITHOUT ROWID";

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override {
    Reopen();
    ASSERT_THAT(database_->SetUp(1, kSchema), IsOk());
    insert_ = Prepare("INSERT INTO pet VALUES (?1, ?2)");
  }
  void Reopen() {
    insert_ = Statement();
    database_.reset();
    auto opened = Database::Open(path_, absl::Milliseconds(50));
    ASSERT_THAT(opened, IsOk());
    database_ = *std::move(opened);
  }
  Statement Prepare(const char* sql) {
    auto statement = database_->Prepare(sql);
    EXPECT_THAT(statement, IsOk());
    return statement.ok() ? *std::move(statement) : Statement();
  }
  std::vector<std::pair<std::string, int64_t>> Pets() {
    std::vector<std::pair<std::string, int64_t>> pets;
    EXPECT_THAT(Prepare("SELECT name, age FROM pet ORDER BY name")
                    .Run({}, [&](const Row& row) { pets.emplace_back(row.Octets(0), row.Number(1)); }),
                IsOk());
    return pets;
  }

  const std::string path_ = FreshPath();
  std::unique_ptr<Database> database_;
  Statement insert_;
};

TEST_F(DatabaseTest, KeepsEveryOctetAndEveryNumber) {
  const std::string octets("a'b\"\0c\xff", 7);
  ASSERT_THAT(insert_.Run({octets, std::numeric_limits<int64_t>::min()}), IsOk());
  ASSERT_THAT(insert_.Run({"z", std::numeric_limits<uint64_t>::max()}), IsOk());
  ASSERT_THAT(insert_.Run({absl::string_view(), int64_t{0}}), IsOk());
  Reopen();
  const auto pets = Pets();
  ASSERT_EQ(pets.size(), 3u);
  EXPECT_EQ(pets[0], std::make_pair(std::string(), int64_t{0}));
  EXPECT_EQ(pets[1], std::make_pair(octets, std::numeric_limits<int64_t>::min()));
  EXPECT_EQ(static_cast<uint64_t>(pets[2].second), std::numeric_limits<uint64_t>::max());
}

TEST_F(DatabaseTest, NothingIsAnEmptyTextAndNotNull) {
  ASSERT_THAT(insert_.Run({absl::string_view(), int64_t{0}}), IsOk());
  int64_t nulls = -1;
  ASSERT_THAT(
      Prepare("SELECT count(*) FROM pet WHERE name IS NULL").Run({}, [&](const Row& row) { nulls = row.Number(0); }),
      IsOk());
  EXPECT_EQ(nulls, 0);
}

TEST_F(DatabaseTest, AStatementWorksAgainAfterItFailed) {
  ASSERT_THAT(insert_.Run({"Rex", int64_t{3}}), IsOk());
  EXPECT_THAT(insert_.Run({"Rex", int64_t{4}}), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("INSERT INTO pet")));
  EXPECT_THAT(insert_.Run({"Mia", int64_t{7}, "one too many"}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(insert_.Run({"Mia", int64_t{7}}), IsOk());
  EXPECT_EQ(Pets().size(), 2u);
}

TEST_F(DatabaseTest, ParametersOfOneRunAreNotThoseOfTheNext) {
  ASSERT_THAT(insert_.Run({"Rex", int64_t{3}}), IsOk());
  ASSERT_THAT(insert_.Run({"Mia"}), IsOk());
  EXPECT_EQ(Pets().front(), std::make_pair(std::string("Mia"), int64_t{0}));
}

TEST_F(DatabaseTest, AStatementThatWasNeverPreparedSaysSo) {
  EXPECT_THAT(Statement().Run({}), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("never prepared")));
}

TEST_F(DatabaseTest, BadSqlIsNamed) {
  EXPECT_THAT(database_->Prepare("SELECT nonsense"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("nonsense")));
  EXPECT_THAT(database_->Execute("DROP nothing"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("nothing")));
}

TEST_F(DatabaseTest, ATransactionIsAllOrNothing) {
  EXPECT_THAT(database_->InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(insert_.Run({"Rex", int64_t{3}}));
    return absl::DataLossError("no");
  }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no")));
  EXPECT_THAT(Pets(), testing::IsEmpty());
  ASSERT_THAT(database_->InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(insert_.Run({"Rex", int64_t{3}}));
    return insert_.Run({"Mia", int64_t{7}});
  }),
              IsOk());
  Reopen();
  EXPECT_EQ(Pets().size(), 2u);
}

TEST_F(DatabaseTest, ATransactionInsideAnotherIsRefusedAndHarmsNothing) {
  ASSERT_THAT(database_->InTransaction([&]() -> absl::Status {
    RETURN_IF_ERROR(insert_.Run({"Rex", int64_t{3}}));
    EXPECT_THAT(database_->InTransaction([] { return absl::OkStatus(); }), StatusIs(absl::StatusCode::kUnavailable));
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_EQ(Pets().size(), 1u);
}

TEST_F(DatabaseTest, HasOneOwnerAtATime) {
  EXPECT_THAT(Database::Open(path_, absl::Milliseconds(20)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(path_ + "' is in use by another process")));
}

TEST_F(DatabaseTest, SettingUpAgainKeepsWhatIsThere) {
  ASSERT_THAT(insert_.Run({"Rex", int64_t{3}}), IsOk());
  Reopen();
  EXPECT_THAT(database_->SetUp(1, kSchema), IsOk());
  EXPECT_EQ(Pets().size(), 1u);
}

TEST_F(DatabaseTest, RefusesAnotherLayoutAndLeavesItAlone) {
  Reopen();
  EXPECT_THAT(database_->SetUp(2, "DROP TABLE pet"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("layout 1, expected 2")));
  EXPECT_THAT(database_->SetUp(1, kSchema), IsOk());
  EXPECT_THAT(Pets(), testing::IsEmpty());
}

TEST_F(DatabaseTest, ASchemaThatFailsLeavesANewFile) {
  auto other = Database::Open(FreshPath(), absl::ZeroDuration());
  ASSERT_THAT(other, IsOk());
  EXPECT_THAT((*other)->SetUp(1, "CREATE TABLE one (a); CREATE nonsense"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT((*other)->SetUp(1, "CREATE TABLE one (a)"), IsOk());
}

TEST(DatabaseOpen, NamesAFileThatItCannotUse) {
  EXPECT_THAT(Database::Open("/nowhere/at/all.db", absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nowhere/at/all.db")));
  const std::string path = FreshPath();
  FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs(std::string(5000, 'x').c_str(), file);
  std::fclose(file);
  EXPECT_THAT(Database::Open(path, absl::ZeroDuration()), StatusIs(absl::StatusCode::kUnavailable, HasSubstr(path)));
}

}  // namespace
}  // namespace isthmus::sqlite
