// <mgmtCmd> and <execInstance> (TS-0004 7.4.16, 7.4.17).
#include <string>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/synchronizer/core/cse/command_fixture.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Boolean;
using onem2m::Integer;
using onem2m::Text;
using testing::HasSubstr;

using CommandTest = CommandFixture;

TEST_F(CommandTest, IsKeptUntilItIsExecuted) {
  const Result made = MakeCommand("again", 2);
  ASSERT_EQ(made.code(), 2001u) << made.reason();
  EXPECT_EQ(made.get("exm"), "1");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/again").get("cmt"), "2");
  EXPECT_TRUE(management_.requests().empty());
  EXPECT_EQ(Update("CAdmin", "cse-in/again", "m2m:mgc", {{"dc", Text("restart")}}).code(), 2004u);
  EXPECT_TRUE(management_.requests().empty());
}

TEST_F(CommandTest, ChecksItsArgumentsAtCreationAndChange) {
  EXPECT_EQ(MakeCommand("a", 9).code(), 6022u);
  EXPECT_EQ(MakeCommand("a", 4).code(), 6024u);
  EXPECT_EQ(MakeCommand("a", 2, {{"exra", Download()}}).code(), 6023u);
  EXPECT_EQ(MakeCommand("a", 2, {{"exm", Integer(5)}}).code(), 4000u);
  ASSERT_EQ(MakeCommand("a", 2).code(), 2001u);
  EXPECT_EQ(Update("CAdmin", "cse-in/a", "m2m:mgc", {{"exra", Download()}}).code(), 6023u);
  EXPECT_EQ(Update("CAdmin", "cse-in/a", "m2m:mgc", {{"cmt", Integer(1)}}).code(), 4000u);
}

TEST_F(CommandTest, RebootsAtOnce) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  const Result executed = Execute("again");
  ASSERT_EQ(executed.code(), 2004u) << executed.reason();
  EXPECT_EQ(LastUpdate(), R"(m2m:rbo {"rbo":true})");
  EXPECT_EQ(management_.requests().back().primitive.from(), "CAdmin");
  EXPECT_EQ(management_.requests().back().resource_id, reboot_);
  const Result execution = Execution("again");
  EXPECT_EQ(execution.get("exs"), "3");
  EXPECT_EQ(execution.get("exr"), "0");
  EXPECT_EQ(execution.text("ext"), "cse-in/dev1");
  EXPECT_EQ(execution.get("exm"), "1");
}

TEST_F(CommandTest, ResetsToTheFactory) {
  ASSERT_EQ(MakeCommand("factory", 1).code(), 2001u);
  ASSERT_EQ(Execute("factory").code(), 2004u);
  EXPECT_EQ(LastUpdate(), R"(m2m:rbo {"far":true})");
}

// Whatever the value: the UPDATE that addresses execEnable executes.
TEST_F(CommandTest, AnyValueOfExecEnableExecutes) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  ASSERT_EQ(Update("CAdmin", "cse-in/again", "m2m:mgc", {{"exe", Boolean(false)}}).code(), 2004u);
  EXPECT_EQ(management_.requests().size(), 1u);
}

TEST_F(CommandTest, TargetIsAnAddressOrANodeId) {
  for (const std::string target : {"dev1", "cse-in/dev1", "/id-in/cse-in/dev1"}) {
    const std::string name = absl::StrCat("c", management_.requests().size());
    ASSERT_EQ(MakeCommand(name, 2, {{"ext", Text(target)}}).code(), 2001u);
    EXPECT_EQ(Execute(name).code(), 2004u) << target;
  }
}

TEST_F(CommandTest, FailuresOfTheTargetHaveTheirCodes) {
  ASSERT_EQ(MakeCommand("nowhere", 2, {{"ext", Text("dev2")}}).code(), 2001u);
  EXPECT_EQ(Execute("nowhere").code(), 6003u);
  ASSERT_EQ(MakeCommand("noNode", 2, {{"ext", Text("cse-in")}}).code(), 2001u);
  EXPECT_THAT(Execute("noNode").reason(), HasSubstr("expected a <node>"));
  EXPECT_THAT(cse_->PutNode("dev3", "", {}), status::IsOk());
  ASSERT_EQ(MakeCommand("bare", 2, {{"ext", Text("dev3")}}).code(), 2001u);
  EXPECT_EQ(Execute("bare").code(), 6005u);
  const auto upload = MakeComplex({{"uld", MakeComplex({{"ftyp", Text("log")}, {"url", Text("u")}})}});
  ASSERT_EQ(MakeCommand("send", 3, {{"exra", upload}}).code(), 2001u);
  EXPECT_EQ(Execute("send").code(), 6025u);
  EXPECT_TRUE(management_.requests().empty());
  EXPECT_TRUE(Executions("bare").empty());
}

TEST_F(CommandTest, FailureOfTheDeviceIsAnsweredAndKept) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  Fail(5105, "the device refuses");
  const Result executed = Execute("again");
  EXPECT_EQ(executed.code(), 5105u);
  EXPECT_EQ(executed.reason(), "the device refuses");
  EXPECT_EQ(State("again"), "3 2");
}

// The right to make a command is not the right to reboot every device.
TEST_F(CommandTest, NeedsTheRightToUpdateWhatCarriesItOut) {
  ASSERT_EQ(Register("Cops", "ops").code(), 2001u);
  ASSERT_EQ(Register("Cother", "other").code(), 2001u);
  for (const std::string from : {"Cops", "Cother"}) {
    ASSERT_EQ(
        Create(from, "cse-in", 12, "m2m:mgc", {{"rn", Text("of" + from)}, {"cmt", Integer(2)}, {"ext", Text("dev1")}})
            .code(),
        2001u);
  }
  const Result refused = Execute("ofCother", "Cother");
  EXPECT_EQ(refused.code(), 4103u);
  EXPECT_THAT(refused.reason(), HasSubstr("cse-in/dev1/reboot"));
  EXPECT_EQ(Execute("ofCops", "Cops").code(), 2004u);
  EXPECT_EQ(management_.requests().size(), 1u);
}

TEST_F(CommandTest, DownloadIsPendingUntilTheStatusTellsItsEnd) {
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  EXPECT_EQ(LastUpdate(), R"(m2m:fwr {"url":"coap://files/1","ud":true})");
  EXPECT_EQ(State("fw"), "2 ");
  EXPECT_EQ(Execution("fw").get("exra"), R"({"dld":{"ftyp":"firmware","url":"coap://files/1"}})");
  Tell(firmware_, "uds", Status("ud", 3));
  EXPECT_EQ(State("fw"), "2 ");
  Tell(firmware_, "uds", Status("ud", 1));
  EXPECT_EQ(State("fw"), "3 0");
  // What comes later is of somebody else.
  Tell(firmware_, "uds", Status("ud", 2));
  EXPECT_EQ(State("fw"), "3 0");
}

// Nobody else may have subscribed: the status is told by the device because the execution waits for it.
TEST_F(CommandTest, ObjectIsHeardOfWhileItCarriesOut) {
  const auto count = [this] { return management_.subscribers().empty() ? -1 : management_.subscribers().back().count; };
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  EXPECT_EQ(management_.subscribers().back().resource_id, firmware_);
  EXPECT_EQ(count(), 1);
  Restart();
  EXPECT_EQ(count(), 1);
  Tell(firmware_, "uds", Status("ud", 1));
  EXPECT_EQ(count(), 0);
}

TEST_F(CommandTest, FailedDownloadSaysSo) {
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Tell(firmware_, "uds", Status("url", 2));
  EXPECT_EQ(State("fw"), "3 7");
}

TEST_F(CommandTest, StatusThatWasThereBeforeIsNoEnd) {
  Tell(firmware_, "uds", Status("ud", 1));
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  management_.AnswerWith(nullptr);
  onem2m::v1::RequestPrimitive update = Primitive(onem2m::v1::OPERATION_TYPE_UPDATE, "CAdmin", "cse-in/fw");
  SetContent(&update, "m2m:mgc", MakeObject({{"exe", Boolean(true)}}));
  const auto answer = Begin(update);
  EXPECT_FALSE(answer->has_value());
  EXPECT_EQ(State("fw"), "2 ");
  ManagementResult result;
  result.response_status_code = 2004;
  result.attributes = {Attribute("uds", Status("url", 3))};
  management_.Finish(result);
  EXPECT_EQ((*answer)->code(), 2004u);
  EXPECT_EQ(State("fw"), "2 ");
}

TEST_F(CommandTest, NewerDownloadTakesThePlaceOfTheOlder) {
  ASSERT_EQ(MakeCommand("one", 4, {{"exra", Download("u1")}}).code(), 2001u);
  ASSERT_EQ(MakeCommand("two", 4, {{"exra", Download("u2")}}).code(), 2001u);
  ASSERT_EQ(Execute("one").code(), 2004u);
  ASSERT_EQ(Execute("two").code(), 2004u);
  EXPECT_EQ(State("one"), "5 ");
  Tell(firmware_, "uds", Status("ud", 1));
  EXPECT_EQ(State("two"), "3 0");
  EXPECT_EQ(State("one"), "5 ");
}

TEST_F(CommandTest, ExecutionWhoseObjectGoesHasFailed) {
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  ASSERT_THAT(cse_->PutManagementObjects("dev1", {Object("reboot", "m2m:rbo", 1009, "/3/0")}), status::IsOk());
  EXPECT_EQ(State("fw"), "3 4");
}

TEST_F(CommandTest, WhatCannotBeDoneLaterHasFailed) {
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  cse_->UnfinishedUpdateFailed(firmware_, 0, "the firmware is not coming");
  EXPECT_EQ(State("fw"), "3 7");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  cse_->UnfinishedUpdateFailed(firmware_, 4005, "refused");
  EXPECT_EQ(State("fw"), "3 1");
}

TEST_F(CommandTest, SoftwareIsChosenByNameAndPlace) {
  Tell(software0_, "swn", Text("logger"));
  const auto uninstall = [](const char* uuid) { return MakeComplex({{"swun", MakeComplex({{"uuid", Text(uuid)}})}}); };
  ASSERT_EQ(MakeCommand("remove", 6, {{"exra", uninstall("logger")}}).code(), 2001u);
  ASSERT_EQ(Execute("remove").code(), 2004u);
  EXPECT_EQ(management_.requests().back().resource_id, software0_);
  EXPECT_EQ(LastUpdate(), R"(m2m:swr {"un":true})");
  const auto update =
      MakeComplex({{"swup", MakeComplex({{"uuid", Text("logger")}, {"vr", Text("2")}, {"url", Text("u2")}})}});
  ASSERT_EQ(MakeCommand("update", 7, {{"exra", update}}).code(), 2001u);
  ASSERT_EQ(Execute("update").code(), 2004u);
  EXPECT_EQ(management_.requests().back().resource_id, software0_);
  EXPECT_EQ(LastUpdate(), R"(m2m:swr {"url":"u2","in":true})");
  ASSERT_EQ(MakeCommand("unknown", 6, {{"exra", uninstall("chess")}}).code(), 2001u);
  EXPECT_EQ(Execute("unknown").code(), 6025u);
  ASSERT_EQ(MakeCommand("any", 6).code(), 2001u);
  EXPECT_THAT(Execute("any").reason(), HasSubstr("more than one can be meant"));
  // Installing goes where nothing is.
  const auto install = MakeComplex({{"swin", MakeComplex({{"url", Text("u")}})}});
  ASSERT_EQ(MakeCommand("install", 5, {{"exra", install}}).code(), 2001u);
  ASSERT_EQ(Execute("install").code(), 2004u);
  EXPECT_EQ(management_.requests().back().resource.object_paths(0), "/9/1");
}

TEST_F(CommandTest, DelayedCommandWaits) {
  ASSERT_EQ(MakeCommand("later", 2, {{"exm", Integer(3)}, {"exy", Text("PT10S")}}).code(), 2001u);
  ASSERT_EQ(Execute("later").code(), 2004u);
  EXPECT_EQ(State("later"), "1 ");
  clock_.Advance(absl::Seconds(9));
  cse_->RunCommands();
  EXPECT_TRUE(management_.requests().empty());
  Restart();
  clock_.Advance(absl::Seconds(1));
  cse_->RunCommands();
  EXPECT_EQ(LastUpdate(), R"(m2m:rbo {"rbo":true})");
  EXPECT_EQ(State("later"), "3 0");
  cse_->RunCommands();
  EXPECT_EQ(management_.requests().size(), 1u);
}

TEST_F(CommandTest, RepeatedCommandRunsAsOftenAsAsked) {
  ASSERT_EQ(MakeCommand("often", 2, {{"exm", Integer(2)}, {"exf", Text("PT5S")}, {"exn", Integer(3)}}).code(), 2001u);
  ASSERT_EQ(Execute("often").code(), 2004u);
  EXPECT_EQ(State("often"), "2 0");
  for (const size_t runs : {2u, 3u, 3u}) {
    clock_.Advance(absl::Seconds(5));
    cse_->RunCommands();
    EXPECT_EQ(management_.requests().size(), runs);
  }
  EXPECT_EQ(State("often"), "3 0");
  EXPECT_EQ(Executions("often").size(), 1u);
}

TEST_F(CommandTest, DownloadThatIsNotDoneInTimeHasFailed) {
  const auto download =
      MakeComplex({{"dld", MakeComplex({{"ftyp", Text("firmware")},
                                        {"url", Text("u")},
                                        {"cpt", Text(onem2m::FormatTimestamp(clock_.Now() + absl::Seconds(30)))}})}});
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", download}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  cse_->RunCommands();
  EXPECT_EQ(State("fw"), "2 ");
  clock_.Advance(absl::Seconds(31));
  cse_->RunCommands();
  EXPECT_EQ(State("fw"), "3 19");
}

TEST_F(CommandTest, ExecutionsAreMadeByExecutingOnly) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  EXPECT_EQ(Create("CAdmin", "cse-in/again", 8, "m2m:exin", {}).code(), 4005u);
}

TEST_F(CommandTest, TargetAndModeStayWhileThereAreExecutions) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  EXPECT_EQ(Update("CAdmin", "cse-in/again", "m2m:mgc", {{"ext", Text("dev1")}}).code(), 2004u);
  ASSERT_EQ(Execute("again").code(), 2004u);
  EXPECT_EQ(Update("CAdmin", "cse-in/again", "m2m:mgc", {{"ext", Text("dev2")}}).code(), 4005u);
  EXPECT_EQ(Update("CAdmin", "cse-in/again", "m2m:mgc", {{"exm", Integer(2)}}).code(), 4005u);
  EXPECT_EQ(Delete("CAdmin", Executions("again").back()).code(), 2002u);
  EXPECT_EQ(Update("CAdmin", "cse-in/again", "m2m:mgc", {{"ext", Text("dev2")}}).code(), 2004u);
}

// ---- taking back ---------------------------------------------------------------------------------------------------

TEST_F(CommandTest, CancelOfADownloadReachesTheDevice) {
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  const Result cancelled = Cancel("fw");
  EXPECT_EQ(cancelled.code(), 2004u) << cancelled.reason();
  EXPECT_EQ(LastUpdate(), R"(m2m:fwr {"url":""})");
  EXPECT_EQ(State("fw"), "5 ");
  EXPECT_EQ(Cancel("fw").code(), 6028u);
}

TEST_F(CommandTest, CancelThatTheDeviceRefusesLeavesItPending) {
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Fail(4005, "not now");
  const Result cancelled = Cancel("fw");
  EXPECT_EQ(cancelled.code(), 6026u);
  EXPECT_THAT(cancelled.reason(), HasSubstr("not now"));
  EXPECT_EQ(State("fw"), "2 3");
  Tell(firmware_, "uds", Status("ud", 1));
  EXPECT_EQ(State("fw"), "3 0");
}

// The device tells that it is idle again before it answers the cancellation: that is no failed download.
TEST_F(CommandTest, EndThatComesWhileCancellingCountsOnlyWhenTheCancellationFails) {
  for (const bool cancelled : {true, false}) {
    const std::string name = cancelled ? "one" : "two";
    Succeed();
    ASSERT_EQ(MakeCommand(name, 4, {{"exra", Download()}}).code(), 2001u);
    ASSERT_EQ(Execute(name).code(), 2004u);
    management_.AnswerWith(nullptr);
    onem2m::v1::RequestPrimitive update =
        Primitive(onem2m::v1::OPERATION_TYPE_UPDATE, "CAdmin", Executions(name).back());
    SetContent(&update, "m2m:exin", MakeObject({{"exd", Boolean(true)}}));
    const auto answer = Begin(update);
    EXPECT_EQ(State(name), "4 ");
    Tell(firmware_, "uds", Status("url", 2));
    EXPECT_EQ(State(name), "4 ");
    ManagementResult result;
    result.response_status_code = cancelled ? 2004 : 6003;
    management_.Finish(result);
    ASSERT_TRUE(answer->has_value());
    EXPECT_EQ((*answer)->code(), cancelled ? 2004u : 6026u);
    EXPECT_EQ(State(name), cancelled ? "5 " : "3 7");
  }
}

TEST_F(CommandTest, WhatCannotBeTakenBackIsSaid) {
  const auto uninstall = MakeComplex(
      {{"swun",
        MakeComplex({{"any", onem2m::List({MakeComplex({{"nm", Text("objectPath")}, {"val", Text("/9/0")}})})}})}});
  ASSERT_EQ(MakeCommand("remove", 6, {{"exra", uninstall}}).code(), 2001u);
  ASSERT_EQ(Execute("remove").code(), 2004u);
  const size_t asked = management_.requests().size();
  EXPECT_EQ(Cancel("remove").code(), 6029u);
  EXPECT_EQ(State("remove"), "6 ");
  EXPECT_EQ(Delete("CAdmin", Executions("remove").back()).code(), 6029u);
  EXPECT_EQ(Delete("CAdmin", "cse-in/remove").code(), 6029u);
  EXPECT_EQ(management_.requests().size(), asked);
  // It goes on all the same.
  Tell(software0_, "ins", Status("un", 1));
  EXPECT_EQ(State("remove"), "3 0");
  EXPECT_EQ(Delete("CAdmin", "cse-in/remove").code(), 2002u);
}

TEST_F(CommandTest, WhatHasNotBegunIsCancelledHere) {
  ASSERT_EQ(MakeCommand("later", 2, {{"exm", Integer(3)}, {"exy", Text("PT10S")}}).code(), 2001u);
  ASSERT_EQ(Execute("later").code(), 2004u);
  EXPECT_EQ(Cancel("later").code(), 2004u);
  EXPECT_EQ(State("later"), "5 ");
  clock_.Advance(absl::Seconds(20));
  cse_->RunCommands();
  EXPECT_TRUE(management_.requests().empty());
}

TEST_F(CommandTest, DeletionCancelsFirst) {
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Fail(6003, "silent");
  EXPECT_EQ(Delete("CAdmin", "cse-in/fw").code(), 6026u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/fw").code(), 2000u);
  Succeed();
  EXPECT_EQ(Delete("CAdmin", "cse-in/fw").code(), 2002u);
  EXPECT_EQ(LastUpdate(), R"(m2m:fwr {"url":""})");
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/fw").code(), 4004u);
}

// ---- restart -------------------------------------------------------------------------------------------------------

TEST_F(CommandTest, IsFollowedAcrossARestart) {
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Restart();
  EXPECT_EQ(State("fw"), "2 ");
  Tell(firmware_, "uds", Status("ud", 1));
  EXPECT_EQ(State("fw"), "3 0");
}

TEST_F(CommandTest, RestartBeforeTheAnswerLeavesNothingPendingForEver) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}}).code(), 2001u);
  management_.AnswerWith(nullptr);
  for (const std::string name : {"again", "fw"}) {
    onem2m::v1::RequestPrimitive update = Primitive(onem2m::v1::OPERATION_TYPE_UPDATE, "CAdmin", "cse-in/" + name);
    SetContent(&update, "m2m:mgc", MakeObject({{"exe", Boolean(true)}}));
    Begin(update);
  }
  Restart();
  EXPECT_EQ(State("again"), "3 4");
  EXPECT_EQ(State("fw"), "2 ");
  Tell(firmware_, "uds", Status("ud", 1));
  EXPECT_EQ(State("fw"), "3 0");
}

}  // namespace
}  // namespace isthmus::synchronizer
