// <mgmtCmd> when things come in another order than they should: nothing stays PENDING for ever, and nothing is said to
// have succeeded that nobody saw succeed.
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/synchronizer/core/cse/command_fixture.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Boolean;
using onem2m::Integer;
using onem2m::Text;
using testing::HasSubstr;

class CommandRaceTest : public CommandFixture {
 protected:
  using Pending = std::shared_ptr<std::optional<Result>>;

  // Requests to the device wait for Finish from now on.
  void Hold() { management_.AnswerWith(nullptr); }
  Pending BeginUpdate(const std::string& path, const char* root, Members members) {
    onem2m::v1::RequestPrimitive update = Primitive(onem2m::v1::OPERATION_TYPE_UPDATE, "CAdmin", path);
    SetContent(&update, root, MakeObject(members));
    return Begin(update);
  }
  Pending BeginExecution(const std::string& name) {
    return BeginUpdate("cse-in/" + name, "m2m:mgc", {{"exe", Boolean(true)}});
  }
  Pending BeginCancel(const std::string& name) {
    return BeginUpdate(Executions(name).back(), "m2m:exin", {{"exd", Boolean(true)}});
  }
  // The oldest request of the device ends so.
  void Finish(uint32_t code, std::vector<onem2m::v1::Attribute> attributes = {}) {
    ManagementResult result;
    result.response_status_code = code;
    result.attributes = std::move(attributes);
    management_.Finish(std::move(result));
  }
  void MakeDownload(const std::string& name, const std::string& url = "coap://files/1") {
    ASSERT_EQ(MakeCommand(name, 4, {{"exra", Download(url)}}).code(), 2001u);
  }
  void DropFirmware() {
    ASSERT_THAT(cse_->PutManagementObjects("dev1", {Object("reboot", "m2m:rbo", 1009, "/3/0")}), status::IsOk());
  }
};

// ---- the object goes -----------------------------------------------------------------------------------------------

TEST_F(CommandRaceTest, ObjectThatGoesBeforeTheAnswerIsNoSuccess) {
  MakeDownload("fw");
  Hold();
  const Pending executed = BeginExecution("fw");
  DropFirmware();
  Finish(2004, {Attribute("uds", Status("url", 3))});
  EXPECT_EQ(State("fw"), "3 4");
}

TEST_F(CommandRaceTest, ObjectThatGoesWhileCancellingLeavesNothingPending) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Hold();
  const Pending cancelled = BeginCancel("fw");
  DropFirmware();
  Finish(6003);
  EXPECT_EQ((*cancelled)->code(), 6026u);
  EXPECT_EQ(State("fw"), "3 4");
}

// ---- cancelling beside the beginning and the end -------------------------------------------------------------------

TEST_F(CommandRaceTest, WhatCouldNotBeginHasFailedThoughTheCancellationFailsToo) {
  MakeDownload("fw");
  Hold();
  const Pending executed = BeginExecution("fw");
  const Pending cancelled = BeginCancel("fw");
  EXPECT_EQ(State("fw"), "4 ");
  Finish(6003);
  EXPECT_EQ((*executed)->code(), 6003u);
  Finish(6003);
  EXPECT_EQ((*cancelled)->code(), 6026u);
  EXPECT_EQ(State("fw"), "3 4");
}

TEST_F(CommandRaceTest, WhatCannotBeDoneLaterHasFailedWhileCancellingToo) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Hold();
  const Pending cancelled = BeginCancel("fw");
  cse_->UnfinishedUpdateFailed(firmware_, 0, "the firmware is not coming");
  Finish(6003);
  EXPECT_EQ((*cancelled)->code(), 6026u);
  EXPECT_EQ(State("fw"), "3 7");
}

TEST_F(CommandRaceTest, CancellationStopsRepeatsThoughARunEndsMeanwhile) {
  ASSERT_EQ(
      MakeCommand("often", 4, {{"exra", Download()}, {"exm", Integer(2)}, {"exf", Text("PT5S")}, {"exn", Integer(9)}})
          .code(),
      2001u);
  ASSERT_EQ(Execute("often").code(), 2004u);
  Hold();
  const Pending cancelled = BeginCancel("often");
  cse_->UnfinishedUpdateFailed(firmware_, 0, "the firmware is not coming");
  Finish(2004);
  EXPECT_EQ((*cancelled)->code(), 2004u);
  EXPECT_EQ(State("often").substr(0, 1), "5");
  clock_.Advance(absl::Minutes(1));
  const size_t asked = management_.requests().size();
  cse_->RunCommands();
  EXPECT_EQ(management_.requests().size(), asked);
}

// An empty Package URI would end what the newer one has just been asked to begin.
TEST_F(CommandRaceTest, OlderIsNotCancelledWhileANewerBegins) {
  MakeDownload("old", "u1");
  MakeDownload("new", "u2");
  ASSERT_EQ(Execute("old").code(), 2004u);
  Hold();
  const Pending executed = BeginExecution("new");
  const size_t asked = management_.requests().size();
  const Result refused = Cancel("old");
  EXPECT_EQ(refused.code(), 6026u);
  EXPECT_THAT(refused.reason(), HasSubstr("another execution"));
  EXPECT_EQ(management_.requests().size(), asked);
  Finish(2004, {Attribute("uds", Status("url", 3))});
  EXPECT_EQ(State("old"), "5 ");
  EXPECT_EQ(State("new"), "2 ");
}

TEST_F(CommandRaceTest, ExecutionThatBeginsDuringADeletionIsCancelledToo) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Hold();
  const Pending deleted = Begin(Primitive(onem2m::v1::OPERATION_TYPE_DELETE, "CAdmin", "cse-in/fw"));
  const Pending executed = BeginExecution("fw");
  Finish(2004);
  Finish(2004, {Attribute("uds", Status("url", 3))});
  ASSERT_TRUE(executed->has_value());
  ASSERT_FALSE(deleted->has_value());
  EXPECT_EQ(LastUpdate(), R"(m2m:fwr {"url":""})");
  Finish(2004);
  ASSERT_TRUE(deleted->has_value());
  EXPECT_EQ((*deleted)->code(), 2002u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/fw").code(), 4004u);
}

// What was done underneath is told of each cancellation, not of the last alone.
TEST_F(CommandRaceTest, DeletionTellsTheStepsOfEachCancellation) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Hold();
  BeginExecution("fw");
  const Pending deleted = Begin(Primitive(onem2m::v1::OPERATION_TYPE_DELETE, "CAdmin", "cse-in/fw"));
  Finish(2004, {Attribute("uds", Status("url", 3))});
  for (const char* operation : {"one", "two"}) {
    ASSERT_FALSE(deleted->has_value());
    ManagementResult result;
    result.response_status_code = 2004;
    result.steps.emplace_back().set_operation(operation);
    management_.Finish(result);
  }
  ASSERT_TRUE(deleted->has_value());
  EXPECT_EQ((*deleted)->code(), 2002u);
  ASSERT_EQ((*deleted)->response.steps_size(), 2);
  EXPECT_EQ((*deleted)->response.steps(0).operation(), "one");
}

TEST_F(CommandRaceTest, SecondCancellationSaysThatOneIsUnderWay) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Hold();
  const Pending cancelled = BeginCancel("fw");
  const Result again = Cancel("fw");
  EXPECT_EQ(again.code(), 6026u);
  EXPECT_THAT(again.reason(), HasSubstr("being cancelled"));
  EXPECT_EQ(State("fw"), "4 ");
}

TEST_F(CommandRaceTest, CancellationKeepsToTheExpirationOfItsRequest) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  onem2m::v1::RequestPrimitive cancel = Primitive(onem2m::v1::OPERATION_TYPE_UPDATE, "CAdmin", Executions("fw").back());
  SetContent(&cancel, "m2m:exin", MakeObject({{"exd", Boolean(true)}}));
  cancel.mutable_request_expiration()->set_seconds(absl::ToUnixSeconds(clock_.Now()) + 2);
  ASSERT_EQ(Ask(cancel).code(), 2004u);
  EXPECT_EQ(management_.requests().back().primitive.request_expiration().seconds(),
            absl::ToUnixSeconds(clock_.Now()) + 2);
}

// ---- somebody else takes the object --------------------------------------------------------------------------------

TEST_F(CommandRaceTest, UpdateOfTheObjectTakesThePlaceOfTheExecution) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  // The same again is no other wish, and labels are none.
  ASSERT_EQ(Update("CAdmin", "cse-in/dev1/firmware", "m2m:fwr", {{"ud", Boolean(true)}}).code(), 2004u);
  ASSERT_EQ(Update("CAdmin", "cse-in/dev1/firmware", "m2m:fwr", {{"lbl", onem2m::TextList({"x"})}}).code(), 2004u);
  EXPECT_EQ(State("fw"), "2 ");
  Fail(5105, "refused");
  ASSERT_EQ(Update("CAdmin", "cse-in/dev1/firmware", "m2m:fwr", {{"url", Text("")}}).code(), 5105u);
  EXPECT_EQ(State("fw"), "2 ");
  Succeed();
  ASSERT_EQ(Update("CAdmin", "cse-in/dev1/firmware", "m2m:fwr", {{"url", Text("")}}).code(), 2004u);
  EXPECT_EQ(State("fw"), "5 ");
}

// Of two installations at once each has its place.
TEST_F(CommandRaceTest, InstallationGoesWhereNoneIsUnderWay) {
  const auto install = [](const char* url) { return MakeComplex({{"swin", MakeComplex({{"url", Text(url)}})}}); };
  ASSERT_EQ(MakeCommand("one", 5, {{"exra", install("u1")}}).code(), 2001u);
  ASSERT_EQ(MakeCommand("two", 5, {{"exra", install("u2")}}).code(), 2001u);
  ASSERT_EQ(MakeCommand("three", 5, {{"exra", install("u3")}}).code(), 2001u);
  ASSERT_EQ(Execute("one").code(), 2004u);
  EXPECT_EQ(management_.requests().back().resource.object_paths(0), "/9/0");
  ASSERT_EQ(Execute("two").code(), 2004u);
  EXPECT_EQ(management_.requests().back().resource.object_paths(0), "/9/1");
  EXPECT_EQ(Execute("three").code(), 6025u);
  EXPECT_EQ(State("one"), "2 ");
}

// ---- restart, store, clock -----------------------------------------------------------------------------------------

TEST_F(CommandRaceTest, StatusFromBeforeIsNoEndAfterARestart) {
  Tell(firmware_, "uds", Status("ud", 1));
  MakeDownload("fw");
  Hold();
  BeginExecution("fw");
  Restart();
  Tell(firmware_, "vr", Text("1.0"));
  EXPECT_EQ(State("fw"), "2 ");
  Tell(firmware_, "uds", Status("url", 3));
  Tell(firmware_, "uds", Status("ud", 1));
  EXPECT_EQ(State("fw"), "3 0");
}

TEST_F(CommandRaceTest, CancellationGoesOnAfterARestart) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Hold();
  BeginCancel("fw");
  Restart();
  Succeed();
  EXPECT_EQ(State("fw"), "4 ");
  const size_t asked = management_.requests().size();
  cse_->RunCommands();
  EXPECT_EQ(management_.requests().size(), asked + 1);
  EXPECT_EQ(LastUpdate(), R"(m2m:fwr {"url":""})");
  EXPECT_EQ(State("fw"), "5 ");
}

TEST_F(CommandRaceTest, EndBesideACancellationCountsAfterARestart) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Hold();
  BeginCancel("fw");
  Tell(firmware_, "uds", Status("ud", 1));
  Restart();
  Fail(6003, "silent");
  cse_->RunCommands();
  EXPECT_EQ(State("fw"), "3 0");
}

// Right after a restart the session may not be there yet, and what waited on the device side may be lost.
TEST_F(CommandRaceTest, CancellationIsAskedForUntilTheDeviceIsReached) {
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  Hold();
  BeginCancel("fw");
  Restart();
  for (const uint32_t code : {6021u, 6003u}) {
    Fail(code, "not now");
    const size_t asked = management_.requests().size();
    cse_->RunCommands();
    cse_->RunCommands();
    EXPECT_EQ(management_.requests().size(), asked + 1);
    EXPECT_EQ(State("fw"), "4 ");
    clock_.Advance(absl::Minutes(1));
  }
  Succeed();
  cse_->RunCommands();
  EXPECT_EQ(State("fw"), "5 ");
}

TEST_F(CommandRaceTest, RunsThatCannotBeStoredAreTriedAgain) {
  for (const std::string name : {"one", "two"}) {
    ASSERT_EQ(MakeCommand(name, 2, {{"exm", Integer(3)}, {"exy", Text("PT10S")}}).code(), 2001u);
    ASSERT_EQ(Execute(name).code(), 2004u);
  }
  clock_.Advance(absl::Seconds(10));
  store_.FailWrites(absl::UnavailableError("disk full"));
  cse_->RunCommands();
  EXPECT_TRUE(management_.requests().empty());
  store_.FailWrites(absl::OkStatus());
  clock_.Advance(absl::Seconds(1));
  cse_->RunCommands();
  EXPECT_EQ(management_.requests().size(), 2u);
  EXPECT_EQ(State("one"), "3 0");
  EXPECT_EQ(State("two"), "3 0");
}

TEST_F(CommandRaceTest, AnswerThatCannotBeStoredIsNotLost) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  Hold();
  const Pending executed = BeginExecution("again");
  store_.FailWrites(absl::UnavailableError("disk full"));
  Finish(2004);
  store_.FailWrites(absl::OkStatus());
  EXPECT_EQ(State("again"), "2 ");
  clock_.Advance(absl::Seconds(1));
  cse_->RunCommands();
  EXPECT_EQ(State("again"), "3 0");
}

// A campaign: one store transaction for many, and not all under one lock.
TEST_F(CommandRaceTest, ManyThatAreDueAtOnceAreBegunInParts) {
  ASSERT_EQ(MakeCommand("many", 2, {{"exm", Integer(3)}, {"exy", Text("PT10S")}}).code(), 2001u);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Execute("many").code(), 2004u);
  clock_.Advance(absl::Seconds(10));
  Hold();
  const int before = store_.commits();
  cse_->RunCommands();
  const size_t begun = management_.requests().size();
  EXPECT_LT(begun, 100u);
  EXPECT_EQ(store_.commits(), before + 1);
  cse_->RunCommands();
  EXPECT_EQ(management_.requests().size(), 100u);
}

TEST_F(CommandRaceTest, ExpiredExecutionsDoNotRun) {
  const std::string soon = onem2m::FormatTimestamp(clock_.Now() + absl::Seconds(5));
  ASSERT_EQ(MakeCommand("later", 2, {{"exm", Integer(3)}, {"exy", Text("PT10S")}, {"et", Text(soon)}}).code(), 2001u);
  ASSERT_EQ(Execute("later").code(), 2004u);
  clock_.Advance(absl::Seconds(10));
  cse_->RunCommands();
  EXPECT_TRUE(management_.requests().empty());
}

TEST_F(CommandRaceTest, WhatWasAskedForBeforeARestartIsNotFollowedForEver) {
  MakeDownload("fw");
  Hold();
  BeginExecution("fw");
  Restart();
  clock_.Advance(absl::Hours(24));
  cse_->RunCommands();
  EXPECT_EQ(State("fw"), "3 4");
}

TEST_F(CommandRaceTest, ClockThatIsSetBackDoesNotHoldUpARun) {
  ASSERT_EQ(MakeCommand("later", 2, {{"exm", Integer(3)}, {"exy", Text("PT10S")}}).code(), 2001u);
  ASSERT_EQ(Execute("later").code(), 2004u);
  clock_.SetWallTime(clock_.Now() - absl::Hours(24));
  cse_->RunCommands();
  EXPECT_TRUE(management_.requests().empty());
  clock_.Advance(absl::Seconds(10));
  cse_->RunCommands();
  EXPECT_EQ(management_.requests().size(), 1u);
}

// ---- what may not be -----------------------------------------------------------------------------------------------

TEST_F(CommandRaceTest, TargetCannotBeDeleted) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  const Result refused = Update("CAdmin", "cse-in/again", "m2m:mgc", {{"ext", onem2m::Null()}});
  EXPECT_EQ(refused.code(), 4000u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/again").text("ext"), "cse-in/dev1");
}

TEST_F(CommandRaceTest, WindowThatHasClosedIsNotOpenedAgain) {
  const auto until = [this](absl::Duration left) {
    return MakeComplex({{"dld", MakeComplex({{"ftyp", Text("firmware")},
                                             {"url", Text("u")},
                                             {"cpt", Text(onem2m::FormatTimestamp(clock_.Now() + left))}})}});
  };
  ASSERT_EQ(MakeCommand("late", 4, {{"exra", until(-absl::Seconds(5))}}).code(), 2001u);
  const Result refused = Execute("late");
  EXPECT_EQ(refused.code(), 6025u);
  EXPECT_THAT(refused.reason(), HasSubstr("completeTime"));
  ASSERT_EQ(MakeCommand("delayed", 4, {{"exra", until(absl::Seconds(5))}, {"exm", Integer(3)}, {"exy", Text("PT10S")}})
                .code(),
            2001u);
  EXPECT_EQ(Execute("delayed").code(), 6025u);
  EXPECT_TRUE(management_.requests().empty());
}

// Nobody wants an update after the window that was asked for.
TEST_F(CommandRaceTest, DownloadThatIsLateIsTakenBackOnTheDevice) {
  const auto download =
      MakeComplex({{"dld", MakeComplex({{"ftyp", Text("firmware")},
                                        {"url", Text("u")},
                                        {"cpt", Text(onem2m::FormatTimestamp(clock_.Now() + absl::Seconds(30)))}})}});
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", download}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  clock_.Advance(absl::Seconds(31));
  cse_->RunCommands();
  EXPECT_EQ(LastUpdate(), R"(m2m:fwr {"url":""})");
  EXPECT_EQ(State("fw"), "3 19");
}

// An endpoint may be called as an AE is.
TEST_F(CommandRaceTest, TargetIsANodeIdThoughSomethingElseHasThatName) {
  EXPECT_THAT(cse_->PutNode("Cdevice", "coap://127.0.0.1:40001", {}), status::IsOk());
  EXPECT_THAT(cse_->PutManagementObjects("Cdevice", {Object("reboot", "m2m:rbo", 1009, "/3/0")}), status::IsOk());
  ASSERT_EQ(Register("Cdevice", "device").code(), 2001u);
  ASSERT_EQ(MakeCommand("again", 2, {{"ext", Text("Cdevice")}}).code(), 2001u);
  const Result executed = Execute("again");
  EXPECT_EQ(executed.code(), 2004u) << executed.reason();
  EXPECT_EQ(Execution("again").text("ext"), "cse-in/Cdevice");
}

TEST_F(CommandRaceTest, DelayThatNeverEndsIsRefused) {
  const auto download = MakeComplex({{"dld", MakeComplex({{"ftyp", Text("firmware")},
                                                          {"url", Text("u")},
                                                          {"dss", Integer(std::numeric_limits<int64_t>::max())}})}});
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", download}}).code(), 2001u);
  const Result refused = Execute("fw");
  EXPECT_EQ(refused.code(), 6025u);
  EXPECT_THAT(refused.reason(), HasSubstr("never"));
  ASSERT_EQ(MakeCommand("late", 2, {{"exm", Integer(3)}, {"exy", Text("P999999999999D")}}).code(), 2001u);
  EXPECT_EQ(Execute("late").code(), 6025u);
  // As late as timestamps go is a time.
  ASSERT_EQ(MakeCommand("later", 2, {{"exm", Integer(3)}, {"exy", Text("P36500D")}}).code(), 2001u);
  EXPECT_EQ(Execute("later").code(), 2004u);
}

// As after an upgrade to a version that converts less.
TEST_F(CommandRaceTest, StoredCommandThatIsNoLongerConvertedHasFailed) {
  ASSERT_EQ(MakeCommand("later", 2, {{"exm", Integer(3)}, {"exy", Text("PT10S")}}).code(), 2001u);
  ASSERT_EQ(Execute("later").code(), 2004u);
  auto records = store_.Load();
  ASSERT_THAT(records, status::IsOk());
  for (StoredResource& record : *records) {
    if (record.type != 12) continue;
    onem2m::Set(record.attributes, "cmt", Integer(3));
    StoreTransaction transaction;
    transaction.puts.push_back(&record);
    ASSERT_THAT(store_.Commit(transaction), status::IsOk());
  }
  Restart();
  clock_.Advance(absl::Seconds(10));
  cse_->RunCommands();
  EXPECT_EQ(State("later"), "3 1");
}

// ---- what others see -----------------------------------------------------------------------------------------------

TEST_F(CommandRaceTest, SubscribersHearOfTheEnd) {
  ASSERT_EQ(Register("Cops", "ops").code(), 2001u);
  MakeDownload("fw");
  ASSERT_EQ(Execute("fw").code(), 2004u);
  ASSERT_EQ(Create("CAdmin", Executions("fw").back(), 23, "m2m:sub",
                   {{"rn", Text("watch")}, {"nu", onem2m::TextList({"Cops"})}, {"nct", Integer(2)}})
                .code(),
            2001u);
  notifications_.Take();
  Tell(firmware_, "uds", Status("url", 3));
  EXPECT_TRUE(notifications_.Take().empty());
  Tell(firmware_, "uds", Status("url", 2));
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(onem2m::Describe(sent[0].primitive.primitive_content().value(), 1000), HasSubstr(R"("exs":3,"exr":7)"));
}

TEST_F(CommandRaceTest, ExecutionsAreChildrenOfTheirCommand) {
  ASSERT_EQ(MakeCommand("again", 2).code(), 2001u);
  ASSERT_EQ(Execute("again").code(), 2004u);
  ASSERT_EQ(Execute("again").code(), 2004u);
  for (const uint32_t content : {4u, 8u}) {
    const Result listed = Retrieve("CAdmin", "cse-in/again", content);
    ASSERT_EQ(listed.code(), 2000u);
    EXPECT_EQ(listed.has("cmt"), content == 4);
    const onem2m::v1::Value* children = onem2m::Find(listed.attributes(), "m2m:exin");
    ASSERT_NE(children, nullptr);
    EXPECT_EQ(children->list().values_size(), 2);
  }
}

// The policies of the <mgmtCmd> as they are, not as they were when it was executed.
TEST_F(CommandRaceTest, ExecutionsFollowThePoliciesOfTheirCommand) {
  ASSERT_EQ(Register("Cops", "ops").code(), 2001u);
  const auto policy = [this](const char* name, const char* originator) {
    const auto rules = MakeComplex(
        {{"acr", onem2m::List({MakeComplex({{"acor", onem2m::TextList({originator})}, {"acop", Integer(63)}})})}});
    ASSERT_EQ(Create("CAdmin", "cse-in", 1, "m2m:acp", {{"rn", Text(name)}, {"pv", rules}, {"pvs", rules}}).code(),
              2001u);
  };
  policy("wide", "Cops");
  policy("narrow", "Cnobody");
  ASSERT_EQ(MakeCommand("fw", 4, {{"exra", Download()}, {"acpi", onem2m::TextList({"cse-in/wide"})}}).code(), 2001u);
  ASSERT_EQ(Execute("fw").code(), 2004u);
  const std::string execution = Executions("fw").back();
  EXPECT_EQ(Retrieve("Cops", execution).code(), 2000u);
  ASSERT_EQ(Update("CAdmin", "cse-in/fw", "m2m:mgc", {{"acpi", onem2m::TextList({"cse-in/narrow"})}}).code(), 2004u);
  EXPECT_EQ(Retrieve("Cops", execution).code(), 4103u);
}

}  // namespace
}  // namespace isthmus::synchronizer
