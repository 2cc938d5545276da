#include "services/translation/adapters/mapping_directory.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/data/built_in.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::HasSubstr;

constexpr char kPump[] = "object: 34120\nname: Pump\nurn: urn:oma:lwm2m:x:34120\nresources: []\n";

class MappingDirectoryTest : public ::testing::Test {
 protected:
  MappingDirectoryTest() {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~MappingDirectoryTest() override { std::filesystem::remove_all(path_); }

  void Write(const std::string& name, const std::string& text) const { std::ofstream(path_ + "/" + name) << text; }

  const std::string path_ =
      ::testing::TempDir() + "/mappings_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(MappingDirectoryTest, ReadsYamlFilesInOrder) {
  Write("b.yml", "b");
  Write("a.yaml", "a");
  Write("empty.yaml", "");
  Write("notes.txt", "no");
  Write(".hidden.yaml", "no");
  std::filesystem::create_directories(path_ + "/folder.yaml");
  const auto sources = MappingDirectory(path_).Read();
  ASSERT_TRUE(sources.ok()) << std::string(sources.status().message());
  ASSERT_EQ(sources->size(), 3u);
  EXPECT_EQ((*sources)[0].name, "a.yaml");
  EXPECT_EQ((*sources)[0].text, "a");
  EXPECT_EQ((*sources)[1].name, "b.yml");
  EXPECT_EQ((*sources)[2].text, "");
}

TEST_F(MappingDirectoryTest, SaysWhichDirectoryItCannotRead) {
  EXPECT_THAT(MappingDirectory(path_ + "/nix").Read(),
              StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("mappings.directory"), HasSubstr("/nix"))));
  Write("large.yaml", std::string((4 << 20) + 1, ' '));
  EXPECT_THAT(MappingDirectory(path_).Read(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("large.yaml")));
}

TEST_F(MappingDirectoryTest, ReloadTakesWhatIsNewAndKeepsWhatWasWhenItIsGone) {
  CurrentTable table(Load(BuiltInSources(), {}).table);
  const std::string first = table.Get()->version();
  MappingReloader reloader(MappingDirectory(path_), &table, absl::Hours(1));
  EXPECT_FALSE(reloader.Reload());

  Write("pump.yaml", kPump);
  EXPECT_TRUE(reloader.Reload());
  EXPECT_NE(table.Get()->version(), first);
  EXPECT_NE(table.Get()->FindObject(34120, ""), nullptr);
  EXPECT_FALSE(reloader.Reload());

  Write("bad.yaml", "object: x");
  EXPECT_FALSE(reloader.Reload());
  EXPECT_NE(table.Get()->FindObject(34120, ""), nullptr);

  std::filesystem::remove_all(path_);
  EXPECT_FALSE(reloader.Reload());
  EXPECT_NE(table.Get()->FindObject(34120, ""), nullptr);
}

TEST_F(MappingDirectoryTest, TheThreadReloadsByItself) {
  CurrentTable table(Load(BuiltInSources(), {}).table);
  MappingReloader reloader(MappingDirectory(path_), &table, absl::Milliseconds(5));
  Write("pump.yaml", kPump);
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (table.Get()->FindObject(34120, "") == nullptr && absl::Now() < deadline) std::this_thread::yield();
  EXPECT_NE(table.Get()->FindObject(34120, ""), nullptr);
}

}  // namespace
}  // namespace isthmus::translation
