#include "services/synchronizer/core/command/management_command.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Complex;
using onem2m::Integer;
using onem2m::List;
using onem2m::Text;
using onem2m::v1::Object;
using onem2m::v1::Value;
using testing::HasSubstr;

using Members = std::vector<std::pair<const char*, Value>>;

Object Make(const Members& members) {
  Object object;
  for (const auto& [name, value] : members) onem2m::Set(object, name, value);
  return object;
}

// A <mgmtCmd> whose execReqArgs have one member.
Object Command(int64_t type, const char* row, const Members& arguments) {
  return Make({{"cmt", Integer(type)}, {"exra", Complex(Make({{row, Complex(Make(arguments))}}))}});
}

Value Any(const char* name, Value value) {
  return List({Complex(Make({{"nm", Text(name)}, {"val", std::move(value)}}))});
}

struct Judged {
  Object command;
  uint32_t code;
  std::string reason;
};

TEST(CheckCommand, JudgesTypeAndArguments) {
  const Value url = Text("coap://files/1"), firmware = Text("firmware");
  const std::vector<Judged> rows = {
      {Make({{"cmt", Integer(0)}}), 6022, "got 0"},
      {Make({{"cmt", Integer(8)}}), 6022, "got 8"},
      {Make({{"cmt", Integer(-1)}}), 6022, "got -1"},
      {Make({{"cmt", Integer(1)}}), 0, ""},
      {Make({{"cmt", Integer(2)}}), 0, ""},
      {Make({{"cmt", Integer(3)}}), 6024, "uld.ftyp (fileType)"},
      {Make({{"cmt", Integer(4)}}), 6024, "DOWNLOAD needs dld.ftyp"},
      {Make({{"cmt", Integer(5)}}), 6024, "SOFTWAREINSTALL needs swin.url"},
      {Make({{"cmt", Integer(6)}}), 0, ""},
      {Make({{"cmt", Integer(7)}}), 6024, "SOFTWAREUPDATE needs swup.url"},
      {Command(4, "dld", {{"ftyp", firmware}}), 6024, "dld.url (URL)"},
      {Command(4, "dld", {{"ftyp", firmware}, {"url", Text("")}}), 6024, "dld.url"},
      {Command(4, "dld", {{"ftyp", firmware}, {"url", url}}), 0, ""},
      {Command(4, "dld", {{"ftyp", firmware}, {"url", Integer(1)}}), 6023, "dld.url (URL): expected a text"},
      {Command(4, "dld", {{"ftyp", firmware}, {"url", url}, {"dss", Integer(0)}}), 6023, "dss (delaySeconds)"},
      {Command(4, "dld", {{"ftyp", firmware}, {"url", url}, {"stt", Text("soon")}}), 6023, "stt (startTime)"},
      {Command(4, "dld", {{"ftyp", firmware}, {"url", url}, {"uuid", Text("x")}}), 6023, "dld has no argument 'uuid'"},
      {Command(4, "swin", {{"url", url}}), 6023, "cmdType DOWNLOAD goes with dld (download), got 'swin'"},
      {Command(2, "rst", {}), 6023, "goes with rbo"},
      {Command(2, "rbo", {}), 0, ""},
      {Command(2, "rbo", {{"any", Any("x", Integer(1))}}), 0, ""},
      {Command(2, "rbo", {{"any", Text("x")}}), 6023, "rbo.any: expected a list"},
      {Command(2, "rbo", {{"any", List({Text("x")})}}), 6023, "rbo.any: expected {nm, val}"},
      {Make({{"cmt", Integer(2)}, {"exra", Text("now")}}), 6023, "expected an object"},
      {Make({{"cmt", Integer(2)}, {"exra", Complex(Make({{"rbo", Integer(1)}}))}}), 6023, "expected one object"},
      // As XML has an object without members.
      {Make({{"cmt", Integer(2)}, {"exra", Complex(Make({{"rbo", onem2m::Null()}}))}}), 0, ""},
      {Make({{"cmt", Integer(4)}, {"exra", Complex(Make({{"dld", onem2m::Null()}}))}}), 6024, "needs dld.ftyp"},
      // The XSD lets a row stand several times: one is what a device can do, alone or in a list.
      {Make({{"cmt", Integer(2)}, {"exra", Complex(Make({{"rbo", List({Complex({})})}}))}}), 0, ""},
      {Make({{"cmt", Integer(2)}, {"exra", Complex(Make({{"rbo", List({Complex({}), Complex({})})}}))}}), 6023,
       "expected one object"},
      {Make({{"cmt", Integer(2)}, {"exm", Integer(3)}, {"exy", Text("soon")}}), 4000, "exy (execDelay)"},
      {Make({{"cmt", Integer(2)}, {"exf", Text("P1M")}}), 4000, "exf (execFrequency)"},
      {Make({{"cmt", Integer(2)}, {"exm", Integer(2)}, {"exn", Integer(3)}}), 4000, "exf (execFrequency) is missing"},
      {Make({{"cmt", Integer(2)}, {"exm", Integer(2)}, {"exn", Integer(3)}, {"exf", Text("PT5S")}}), 0, ""},
      {Make({{"cmt", Integer(2)}, {"exm", Integer(2)}, {"exn", Integer(3)}, {"exf", Text("PT0S")}}), 4000,
       "exf (execFrequency) is missing or zero"},
  };
  for (const Judged& row : rows) {
    SCOPED_TRACE(onem2m::Describe(Complex(row.command)));
    const Checked checked = CheckCommand(row.command);
    EXPECT_EQ(checked.has_value() ? checked->code : 0, row.code);
    EXPECT_THAT(checked.has_value() ? checked->reason : "", HasSubstr(row.reason));
  }
}

struct Converted {
  Object command;
  std::string root, update, status, cancel;
};

TEST(ConvertCommand, MakesAnUpdateOfWhatCarriesItOut) {
  const Value url = Text("coap://files/1");
  const std::vector<Converted> rows = {
      {Make({{"cmt", Integer(1)}}), "m2m:rbo", R"({"far":true})", "", "{}"},
      {Make({{"cmt", Integer(2)}}), "m2m:rbo", R"({"rbo":true})", "", "{}"},
      {Command(4, "dld", {{"ftyp", Text("1 Firmware Upgrade Image")}, {"url", url}}), "m2m:fwr",
       R"({"url":"coap://files/1","ud":true})", "uds", R"({"url":""})"},
      {Command(5, "swin", {{"url", url}}), "m2m:swr", R"({"url":"coap://files/1","in":true})", "ins", "{}"},
      {Command(6, "swun", {{"uuid", Text("app")}}), "m2m:swr", R"({"un":true})", "ins", "{}"},
      {Command(7, "swup", {{"uuid", Text("app")}, {"url", url}}), "m2m:swr", R"({"url":"coap://files/1","in":true})",
       "ins", "{}"},
  };
  for (const Converted& row : rows) {
    SCOPED_TRACE(onem2m::Describe(Complex(row.command)));
    ManagementCommand command;
    const Checked checked = ConvertCommand(row.command, &command);
    ASSERT_FALSE(checked.has_value()) << checked->reason;
    EXPECT_EQ(command.root, row.root);
    EXPECT_EQ(onem2m::Describe(Complex(command.update)), row.update);
    EXPECT_EQ(command.status, row.status);
    EXPECT_EQ(onem2m::Describe(Complex(command.cancel)), row.cancel);
  }
}

TEST(ConvertCommand, SaysWhichSoftware) {
  ManagementCommand command;
  ASSERT_FALSE(ConvertCommand(Command(6, "swun", {{"uuid", Text("app")}, {"vr", Text("2")}}), &command).has_value());
  EXPECT_EQ(command.software, "app");
  EXPECT_EQ(command.version, "2");
  ASSERT_FALSE(
      ConvertCommand(Command(5, "swin", {{"url", Text("u")}, {"any", Any("objectPath", Text("/9/1"))}}), &command)
          .has_value());
  EXPECT_EQ(command.object_path, "/9/1");
  EXPECT_TRUE(command.wants_empty);
}

TEST(ConvertCommand, TakesTheTimesOfADownload) {
  const Object download = Command(4, "dld",
                                  {{"ftyp", Text("firmware")},
                                   {"url", Text("u")},
                                   {"dss", Integer(7)},
                                   {"stt", Text("20261125T120000")},
                                   {"cpt", Text("20261125T130000")}});
  ManagementCommand command;
  ASSERT_FALSE(ConvertCommand(download, &command).has_value());
  EXPECT_EQ(absl::FormatTime(command.not_before, absl::UTCTimeZone()), "2026-11-25T12:00:00+00:00");
  EXPECT_EQ(command.complete_by - command.not_before, absl::Hours(1));
  EXPECT_EQ(ScheduleOf(download).delay, absl::Seconds(7));
}

TEST(ConvertCommand, SaysWhatLwm2mHasNothingFor) {
  const Value url = Text("http://files/1");
  const std::vector<Judged> rows = {
      {Command(3, "uld", {{"ftyp", Text("log")}, {"url", url}}), 6025, "UPLOAD"},
      {Command(4, "dld", {{"ftyp", Text("2 Web Content")}, {"url", url}}), 6025, "got '2 Web Content'"},
      {Command(5, "swin", {{"url", url}, {"unm", Text("me")}}), 6025, "swin.unm"},
      {Command(5, "swin", {{"url", url}, {"pwd", Text("x")}}), 6025, "swin.pwd"},
      {Command(5, "swin", {{"url", url}, {"eer", Text("jvm")}}), 6025, "executionEnvRef"},
      {Command(5, "swin", {{"url", url}, {"any", Any("speed", Text("high"))}}), 6025, "objectPath"},
      {Command(2, "rbo", {{"any", Any("objectPath", Text("/3/0"))}}), 6025, "takes nothing"},
  };
  for (const Judged& row : rows) {
    SCOPED_TRACE(onem2m::Describe(Complex(row.command)));
    ASSERT_FALSE(CheckCommand(row.command).has_value());
    ManagementCommand command;
    const Checked checked = ConvertCommand(row.command, &command);
    ASSERT_TRUE(checked.has_value());
    EXPECT_EQ(checked->code, row.code);
    EXPECT_THAT(checked->reason, HasSubstr(row.reason));
  }
  // What an application leaves empty because the XSD wants it there is as if it were not there.
  ManagementCommand command;
  EXPECT_FALSE(
      ConvertCommand(Command(5, "swin", {{"url", url}, {"unm", Text("")}, {"pwd", Text("")}}), &command).has_value());
}

TEST(ScheduleOf, GoesByTheMode) {
  struct Row {
    int64_t mode;
    int delay, interval;
    int64_t runs;
  };
  for (const Row& row : std::vector<Row>{{1, 0, 0, 1}, {2, 0, 5, 3}, {3, 60, 0, 1}, {4, 60, 5, 3}}) {
    SCOPED_TRACE(row.mode);
    const CommandSchedule schedule = ScheduleOf(Make({{"cmt", Integer(2)},
                                                      {"exm", Integer(row.mode)},
                                                      {"exy", Text("PT1M")},
                                                      {"exf", Text("PT5S")},
                                                      {"exn", Integer(3)}}));
    EXPECT_EQ(schedule.delay, absl::Seconds(row.delay));
    EXPECT_EQ(schedule.interval, absl::Seconds(row.interval));
    EXPECT_EQ(schedule.runs, row.runs);
  }
}

}  // namespace
}  // namespace isthmus::synchronizer
