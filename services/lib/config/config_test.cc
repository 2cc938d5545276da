#include "services/lib/config/config.h"

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::config {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Schema TestSchema() {
  Schema schema("connector", "LwM2M Server.");
  schema.Text("coap.listen", "0.0.0.0:5683", "Address for devices.")
      .Integer("coap.block_size", 1024, 16, 1024, "Size of a block.")
      .Boolean("coap.queue_mode", true, "Serve queue mode.")
      .Duration("session.ping", absl::Seconds(20), absl::Seconds(1), absl::Hours(1), "How often.")
      .TextList("session.targets", {"a:1"}, "Whom to open sessions to.")
      .Text("log.level", "info", "How much.", {"debug", "info"})
      .Secret("store.password", "", "Password of the store.");
  return schema;
}

class ConfigTest : public ::testing::Test {
 protected:
  absl::StatusOr<Config> Load(std::vector<std::string> flags, std::vector<std::string> environment = {}) {
    std::vector<const char*> argv = {"connector"};
    for (const std::string& flag : flags) argv.push_back(flag.c_str());
    std::vector<const char*> variables;
    for (const std::string& variable : environment) variables.push_back(variable.c_str());
    variables.push_back(nullptr);
    return config::Load(schema_, static_cast<int>(argv.size()), argv.data(), variables.data());
  }
  // Name of a file with this content.
  std::string File(const std::string& content) {
    const std::string name = absl::StrCat(testing::TempDir(), "/config_", ++files_, ".yaml");
    std::ofstream(name) << content;
    return name;
  }
  absl::StatusOr<Config> LoadFile(const std::string& content) {
    file_ = File(content);
    return Load({"--config", file_});
  }

  const Schema schema_ = TestSchema();
  std::string file_;
  int files_ = 0;
};

TEST_F(ConfigTest, DefaultsWithoutAnySource) {
  const absl::StatusOr<Config> config = Load({});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->GetText("coap.listen"), "0.0.0.0:5683");
  EXPECT_EQ(config->GetInteger("coap.block_size"), 1024);
  EXPECT_TRUE(config->GetBoolean("coap.queue_mode"));
  EXPECT_EQ(config->GetDuration("session.ping"), absl::Seconds(20));
  EXPECT_THAT(config->GetTextList("session.targets"), ElementsAre("a:1"));
  EXPECT_EQ(config->action(), Config::Action::kRun);
}

TEST_F(ConfigTest, TheLaterSourceIsTheStronger) {
  const std::string file = File("coap: {listen: 'file:1', block_size: 64}\nsession: {ping: 5s}\n");
  const absl::StatusOr<Config> config =
      Load({"--config=" + file, "--coap.listen=flag:1"},
           {"HOME=/", "ISTHMUS_COAP_LISTEN=environment:1", "ISTHMUS_COAP_BLOCK_SIZE=32"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->GetText("coap.listen"), "flag:1");
  EXPECT_EQ(config->GetInteger("coap.block_size"), 32);
  EXPECT_EQ(config->GetDuration("session.ping"), absl::Seconds(5));
}

TEST_F(ConfigTest, FlagsWithEqualsOrSpaceAndBooleansAlone) {
  absl::StatusOr<Config> config =
      Load({"--coap.listen", "x:1", "--coap.queue_mode=false", "--session.targets=a:1, b:2,", "--session.ping", "2m"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->GetText("coap.listen"), "x:1");
  EXPECT_FALSE(config->GetBoolean("coap.queue_mode"));
  EXPECT_THAT(config->GetTextList("session.targets"), ElementsAre("a:1", "b:2"));
  EXPECT_EQ(config->GetDuration("session.ping"), absl::Minutes(2));
  config = Load({"--coap.queue_mode", "--coap.listen=y:1"}, {"ISTHMUS_COAP_QUEUE_MODE=false"});
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->GetBoolean("coap.queue_mode"));
  config = Load({"--coap.queue_mode", "no"});
  ASSERT_THAT(config, IsOk());
  EXPECT_FALSE(config->GetBoolean("coap.queue_mode"));
}

TEST_F(ConfigTest, NegativeNumberIsAValueAndNotAFlag) {
  EXPECT_THAT(Load({"--coap.block_size", "-5"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("flag --coap.block_size: coap.block_size must be an integer from 16 to 1024, not "
                                 "\"-5\"")));
}

TEST_F(ConfigTest, ErrorsOfAFileNameFileLineKeyAndNearest) {
  EXPECT_THAT(LoadFile("log:\n  level: info\ncoap:\n  lisen: x\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(".yaml:4: unknown key coap.lisen; the nearest one is coap.listen"))));
  EXPECT_THAT(
      LoadFile("session:\n  ping: 10\n"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr(".yaml:2: session.ping must be a duration from 1s to 1h, such as \"500ms\", \"10s\" or "
                         "\"2m\", not \"10\"")));
  EXPECT_THAT(LoadFile("session:\n  ping: 2h\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not \"2h\"")));
  EXPECT_THAT(LoadFile("log: {level: loud}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("log.level must be one of debug, info")));
  EXPECT_THAT(LoadFile("coap: {queue_mode: maybe}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("coap.queue_mode must be true or false")));
  EXPECT_THAT(LoadFile("coap: {block_size: 1e3}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("an integer from 16 to 1024, not \"1e3\"")));
  EXPECT_THAT(LoadFile("coap: {listen: }"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("coap.listen must be a text, not empty")));
  EXPECT_THAT(LoadFile("coap: {listen: [a]}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("coap.listen must be a text, not a list")));
  EXPECT_THAT(LoadFile("coap: {listen: {a: b}}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("coap.listen must be a text, not a section")));
  EXPECT_THAT(LoadFile("coap: 5683"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(":1: coap is a section")));
  EXPECT_THAT(LoadFile("coap: {listen: a}\ncoap: {listen: b}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(":2: coap is there twice")));
  EXPECT_THAT(LoadFile("session: {targets: [a, [b]]}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("session.targets must be a list of texts")));
  EXPECT_THAT(LoadFile("- a\n- b\n"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected keys")));
  EXPECT_THAT(LoadFile("a: b\n---\nc: d\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("one YAML document")));
  EXPECT_THAT(LoadFile("? [a]\n: b\n"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected a key")));
  EXPECT_THAT(LoadFile("coap:\n\tlisten: x\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(".yaml:2:8: not YAML")));
}

TEST_F(ConfigTest, AllMistakesAreNamedAtOnce) {
  EXPECT_THAT(Load({"--coap.lissen=x", "stray", "--config", File("a: b")}, {"ISTHMUS_SESSION_PING=never"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("flag --coap.lissen: unknown key"), HasSubstr("argument \"stray\""),
                             HasSubstr("unknown key a"), HasSubstr("environment ISTHMUS_SESSION_PING: session.ping"))));
}

TEST_F(ConfigTest, FilesThatAreNotThere) {
  EXPECT_THAT(
      Load({"--config=/nowhere/x.yaml"}),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("/nowhere/x.yaml"), HasSubstr("No such file"))));
  EXPECT_THAT(Load({"--config=" + testing::TempDir()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cannot be read")));
  EXPECT_THAT(Load({"--config"}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("YAML file")));
  EXPECT_THAT(Load({}, {"ISTHMUS_CONFIG=/nowhere/y.yaml"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/nowhere/y.yaml")));
}

TEST_F(ConfigTest, EmptyFilesAndSectionsAreFine) {
  EXPECT_THAT(LoadFile(""), IsOk());
  EXPECT_THAT(LoadFile("# nothing\n"), IsOk());
  EXPECT_THAT(LoadFile("coap:\n  # listen: x\nlog: {}\n"), IsOk());
}

TEST_F(ConfigTest, VariablesOfNeighboursAreNotOursUnlessTheyResembleOne) {
  EXPECT_THAT(Load({}, {"ISTHMUS_MQTT_BROKER=tcp://b:1883", "ISTHMUS_CONNECTOR_SERVICE_HOST=10.0.0.1",
                        "ISTHMUS_COAP_LISTE_PORT=1"}),
              IsOk());
  EXPECT_THAT(Load({}, {"ISTHMUS_COAP_LISTN=x:1"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("ISTHMUS_COAP_LISTN"), HasSubstr("ISTHMUS_COAP_LISTEN for coap.listen"))));
}

TEST_F(ConfigTest, MissingValueOfAFlag) {
  EXPECT_THAT(Load({"--coap.listen"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("flag --coap.listen: expected a text after it")));
  EXPECT_THAT(Load({"--session.ping", "--coap.queue_mode"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("flag --session.ping: expected a duration")));
}

TEST_F(ConfigTest, HelpWorksWhateverElseIsWrong) {
  const absl::StatusOr<Config> config = Load({"--nonsense=1", "--help", "--config=/nowhere"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->action(), Config::Action::kHelp);
  const std::string help = Help(schema_);
  EXPECT_THAT(help, HasSubstr("\ncoap:\n  --coap.listen  (default \"0.0.0.0:5683\")\n      Address for devices.\n"));
  EXPECT_THAT(help, HasSubstr("--coap.block_size  (default 1024, 16 to 1024)"));
  EXPECT_THAT(help, HasSubstr("--session.ping  (default 20s, 1s to 1h)"));
  EXPECT_THAT(help, HasSubstr("one of debug|info"));
}

TEST_F(ConfigTest, OtherActions) {
  EXPECT_EQ(Load({"--print-config"})->action(), Config::Action::kPrintConfig);
  EXPECT_EQ(Load({"--check-config"})->action(), Config::Action::kCheckConfig);
  EXPECT_THAT(Load({"--check-config", "--coap.block_size=1"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ConfigTest, PrintSaysWhereValuesComeFromAndMasksSecrets) {
  const std::string file = File("coap:\n  listen: \"a\\\"b\\\\c\"\n");
  const absl::StatusOr<Config> config =
      Load({"--config", file, "--session.targets=x,y"}, {"ISTHMUS_STORE_PASSWORD=hunter2"});
  ASSERT_THAT(config, IsOk());
  const std::string text = config->Print();
  EXPECT_EQ(config->GetText("store.password"), "hunter2");
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, HasSubstr("store:\n  password: \"***\"  # environment ISTHMUS_STORE_PASSWORD\n"));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("  listen: \"a\\\"b\\\\c\"  # file ", file, ":2\n")));
  EXPECT_THAT(text, HasSubstr("  targets: [\"x\", \"y\"]  # flag --session.targets\n"));
  EXPECT_THAT(text, HasSubstr("  ping: 20s  # default\n"));
  // What is printed can be read again.
  const absl::StatusOr<Config> again = LoadFile(text);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->GetText("coap.listen"), "a\"b\\c");
  EXPECT_THAT(again->GetTextList("session.targets"), ElementsAre("x", "y"));
}

TEST_F(ConfigTest, AnEmptySecretIsNotMasked) { EXPECT_THAT(Load({})->Print(), HasSubstr("password: \"\"  # default")); }

using ConfigDeathTest = ConfigTest;

TEST_F(ConfigDeathTest, AskingForWhatTheSchemaDoesNotHaveAborts) {
  const Config config = *Load({});
  EXPECT_DEATH(config.GetText("coap.nothing"), "no key \"coap.nothing\"");
  EXPECT_DEATH(config.GetInteger("coap.listen"), "not of type integer: \"coap.listen\"");
}

TEST_F(ConfigDeathTest, SchemasThatCannotWork) {
  EXPECT_DEATH(Schema("s", "d").Text("a.b", "", "").Text("a.b", "", ""), "two keys like \"a.b\"");
  EXPECT_DEATH(Schema("s", "d").Text("a.b", "", "").Text("a_b", "", ""), "two keys like \"a_b\"");
  EXPECT_DEATH(Schema("s", "d").Text("a", "", "").Text("a.b", "", ""), "a key and a section");
  EXPECT_DEATH(Schema("s", "d").Text("A", "", ""), "not a key name");
}

}  // namespace
}  // namespace isthmus::config
