#include "services/translation/adapters/mapping_directory.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"
#include "services/translation/data/built_in.h"

namespace isthmus::translation {
namespace {

using ::isthmus::status::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kPump[] = "object: 34120\nname: Pump\nurn: urn:oma:lwm2m:x:34120\nresources: []\n";

std::string Ddf(int id, const std::string& version, const std::string& name) {
  return "<LWM2M><Object><Name>" + name + "</Name><ObjectID>" + std::to_string(id) + "</ObjectID><ObjectVersion>" +
         version + "</ObjectVersion><Resources/></Object></LWM2M>";
}

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

TEST_F(MappingDirectoryTest, ReadsYamlAndXmlFilesInOrder) {
  Write("b.yml", "b");
  Write("c.XML", "c");
  Write("a.yaml", "a");
  Write("empty.yaml", "");
  Write("notes.txt", "no");
  Write(".hidden.yaml", "no");
  std::filesystem::create_directories(path_ + "/folder.yaml");
  const auto data = MappingDirectory(path_).Read();
  ASSERT_TRUE(data.ok()) << std::string(data.status().message());
  EXPECT_THAT(data->problems, IsEmpty());
  EXPECT_THAT(data->sources,
              ElementsAre(Source{"a.yaml", "a"}, Source{"b.yml", "b"}, Source{"c.XML", "c"}, Source{"empty.yaml", ""}));
}

TEST_F(MappingDirectoryTest, SaysWhichDirectoryItCannotRead) {
  EXPECT_THAT(MappingDirectory(path_ + "/nix").Read(),
              StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("mappings.directory"), HasSubstr("/nix"))));
}

TEST_F(MappingDirectoryTest, AFileThatCannotBeReadIsNamedAndTheRestServes) {
  Write("large.yaml", std::string((4 << 20) + 1, ' '));
  Write("pump.yaml", kPump);
  const auto data = MappingDirectory(path_).Read();
  ASSERT_TRUE(data.ok()) << std::string(data.status().message());
  EXPECT_THAT(data->problems, ElementsAre(AllOf(StartsWith("large.yaml:1:"), HasSubstr("4194304"))));
  EXPECT_THAT(data->sources, ElementsAre(Source{"pump.yaml", kPump}));
}

// A ConfigMap: the files are links through ..data, which is exchanged as a whole.
class ConfigMapTest : public MappingDirectoryTest {
 protected:
  void Exchange(const std::string& generation, const std::vector<std::pair<std::string, std::string>>& files) {
    namespace fs = std::filesystem;
    fs::create_directories(path_ + "/.." + generation);
    for (const auto& [name, text] : files) {
      std::ofstream(path_ + "/.." + generation + "/" + name) << text;
    }
    fs::create_symlink(".." + generation, path_ + "/..data_tmp");
    fs::rename(path_ + "/..data_tmp", path_ + "/..data");
    for (const auto& [name, text] : files) {
      if (!fs::is_symlink(path_ + "/" + name)) fs::create_symlink("..data/" + name, path_ + "/" + name);
    }
    if (!last_.empty()) fs::remove_all(path_ + "/.." + last_);
    last_ = generation;
  }

 private:
  std::string last_;
};

TEST_F(ConfigMapTest, AnExchangeOfTheLinkIsAReload) {
  CurrentTable table(Load(BuiltInSources(), {}).table);
  Exchange("1", {{"pump.xml", Ddf(34120, "1.0", "Pump")}, {"fan.xml", Ddf(34121, "1.0", "Fan")}});
  MappingReloader reloader(MappingDirectory(path_), &table, absl::Hours(1));
  EXPECT_TRUE(reloader.Reload());
  ASSERT_NE(table.Get()->FindObject(34120, ""), nullptr);
  EXPECT_EQ(table.Get()->FindObject(34120, "")->name, "Pump");

  Exchange("2", {{"pump.xml", Ddf(34120, "1.0", "Pump II")}});
  EXPECT_TRUE(reloader.Reload());
  EXPECT_EQ(table.Get()->FindObject(34120, "")->name, "Pump II");
  // Its link hangs in the air now.
  EXPECT_EQ(table.Get()->FindObject(34121, ""), nullptr);
  EXPECT_FALSE(reloader.Reload());
}

TEST_F(ConfigMapTest, AReadingIsNeverOfTwoGenerations) {
  // Each generation names both objects after itself; the other thread exchanges as fast as it can.
  const auto files = [](const std::string& name) {
    return std::vector<std::pair<std::string, std::string>>{{"a.xml", name}, {"b.xml", name}};
  };
  Exchange("0", files("0"));
  std::atomic<bool> stop{false};
  std::thread exchanges([&] {
    for (int i = 1; !stop; ++i) Exchange(std::to_string(i), files(std::to_string(i)));
  });
  int whole = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto data = MappingDirectory(path_).Read();
    if (!data.ok() || !data->problems.empty()) continue;
    if (data->sources.size() != 2) continue;
    EXPECT_EQ(data->sources[0].text, data->sources[1].text);
    ++whole;
  }
  stop = true;
  exchanges.join();
  EXPECT_GT(whole, 0);
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

TEST_F(MappingDirectoryTest, WhatIsTheSameIsNotLoadedAgain) {
  CurrentTable table(Load(BuiltInSources(), {}).table);
  MappingReloader reloader(MappingDirectory(path_), &table, absl::Hours(1));
  Write("pump.xml", Ddf(34120, "1.0", "Pump"));
  Write("bad.xml", "<LWM2M>");
  ASSERT_TRUE(reloader.Reload());
  // Whoever put another table there would be overruled by a loading.
  const auto other = Load(BuiltInSources(), {}).table;
  table.Set(other);
  EXPECT_FALSE(reloader.Reload());
  EXPECT_EQ(table.Get(), other);
  Write("bad.xml", Ddf(34121, "1.0", "Fan"));
  EXPECT_TRUE(reloader.Reload());
  EXPECT_NE(table.Get()->FindObject(34121, ""), nullptr);
}

TEST_F(MappingDirectoryTest, AnXmlFileComesChangesIsSpoiledAndGoesWithoutARestart) {
  CurrentTable table(Load(BuiltInSources(), {}).table);
  MappingReloader reloader(MappingDirectory(path_), &table, absl::Hours(1));
  Write("pump.xml", Ddf(34120, "1.0", "Pump"));
  EXPECT_TRUE(reloader.Reload());
  Write("pump2.xml", Ddf(34120, "2.0", "Pump II"));
  EXPECT_TRUE(reloader.Reload());
  EXPECT_EQ(table.Get()->FindObject(34120, "1.0")->name, "Pump");
  EXPECT_EQ(table.Get()->FindObject(34120, "2.0")->name, "Pump II");
  Write("pump2.xml", "<!DOCTYPE html><html>gone</html>");
  EXPECT_TRUE(reloader.Reload());
  EXPECT_EQ(table.Get()->FindObject(34120, "2.0")->name, "Pump");
  std::filesystem::remove(path_ + "/pump.xml");
  EXPECT_TRUE(reloader.Reload());
  EXPECT_EQ(table.Get()->FindObject(34120, ""), nullptr);
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
