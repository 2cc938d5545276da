#include "services/translation/core/action_status.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {
namespace {

constexpr std::optional<int64_t> kUntold;

// Follows one resource through what its device tells.
class Story {
 public:
  Story(const std::string& root, const std::string& attribute, std::optional<onem2m::v1::Value> kept)
      : conversion_(*BuiltIn().FindMapping(root)->Find(attribute)->conversion.status), kept_(std::move(kept)) {}

  // The status after the device told this; the next step starts from it.
  std::string Tell(std::optional<int64_t> state, std::optional<int64_t> result) {
    StatusInput input;
    input.state = state;
    input.result = result;
    input.kept = kept_.has_value() ? &*kept_ : nullptr;
    kept_ = EvaluateStatus(conversion_, input);
    return absl::StrCat(ActionOf(&*kept_), ":", StatusOf(&*kept_));
  }

 private:
  const StatusConversion& conversion_;
  std::optional<onem2m::v1::Value> kept_;
};

Story Firmware(const std::string& action, int64_t status) {
  return Story("m2m:fwr", "uds", ActionStatus(action, status));
}

// ---- field case "firmware: states that are skipped, lost, or cross a reboot" ----

TEST(FirmwareStatus, WholeRun) {
  Story run = Firmware("", 0);
  EXPECT_EQ(run.Tell(1, 0), "url:3");
  EXPECT_EQ(run.Tell(2, kUntold), "url:3");
  EXPECT_EQ(run.Tell(3, kUntold), "ud:3");
  EXPECT_EQ(run.Tell(0, kUntold), "ud:3");
  EXPECT_EQ(run.Tell(kUntold, 1), "ud:1");
  EXPECT_EQ(run.Tell(0, 1), "ud:1");
}

TEST(FirmwareStatus, OnlyTheLastNotificationArrives) {
  EXPECT_EQ(Firmware("url", 3).Tell(kUntold, 5), "url:2");
  EXPECT_EQ(Firmware("url", 0).Tell(kUntold, 5), "url:2");
}

TEST(FirmwareStatus, GoneAfterExecuteAndBackWithSuccess) { EXPECT_EQ(Firmware("ud", 3).Tell(0, 1), "ud:1"); }

TEST(FirmwareStatus, PowerCutIsAFailureAndStaysOne) {
  Story run = Firmware("url", 3);
  EXPECT_EQ(run.Tell(0, 0), "url:2");
  EXPECT_EQ(run.Tell(0, 0), "url:2");
}

TEST(FirmwareStatus, SuccessOfAnEarlierRunIsNotTakenForThisOne) {
  // Since the device is known, and since the URL was pushed.
  EXPECT_EQ(Firmware("", 0).Tell(0, 1), ":0");
  EXPECT_EQ(Firmware("", 0).Tell(kUntold, 1), ":0");
  Story run = Firmware("url", 0);
  EXPECT_EQ(run.Tell(0, 1), "url:0");
  EXPECT_EQ(run.Tell(1, 1), "url:3");  // a device that keeps the old result while it downloads
  EXPECT_EQ(run.Tell(2, 0), "url:3");
}

TEST(FirmwareStatus, UpdatingForEverStaysVisible) {
  Story run = Firmware("ud", 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run.Tell(3, 0), "ud:3");
}

TEST(FirmwareStatus, ResultBeforeState) {
  Story run = Firmware("ud", 3);
  EXPECT_EQ(run.Tell(kUntold, 1), "ud:1");
  EXPECT_EQ(run.Tell(0, kUntold), "ud:1");
}

TEST(FirmwareStatus, DeferredIsInProcess) {
  EXPECT_EQ(Firmware("ud", 3).Tell(kUntold, 11), "ud:3");
  EXPECT_EQ(Firmware("ud", 3).Tell(2, 11), "ud:3");
}

TEST(FirmwareStatus, NextRunAfterSuccessAndAfterFailure) {
  Story again = Firmware("ud", 1);
  EXPECT_EQ(again.Tell(kUntold, 0), "ud:1");
  EXPECT_EQ(again.Tell(1, kUntold), "url:3");
  EXPECT_EQ(again.Tell(0, 4), "url:2");
  EXPECT_EQ(again.Tell(1, 0), "url:3");
}

TEST(FirmwareStatus, FailedUpdateGoesBackToDownloaded) {
  Story run = Firmware("ud", 3);
  EXPECT_EQ(run.Tell(2, 8), "ud:2");
  EXPECT_EQ(run.Tell(2, kUntold), "ud:2");
  EXPECT_EQ(run.Tell(3, kUntold), "ud:3");  // tried again
  Story result_first = Firmware("ud", 3);
  EXPECT_EQ(result_first.Tell(kUntold, 8), "ud:2");
  EXPECT_EQ(result_first.Tell(2, kUntold), "ud:2");
}

TEST(FirmwareStatus, SuccessThatSurvivedADownloadIsNoSuccess) {
  Story run = Firmware("url", 0);
  EXPECT_EQ(run.Tell(1, 1), "url:3");
  EXPECT_EQ(run.Tell(kUntold, 1), "url:3");
  EXPECT_EQ(run.Tell(0, 1), "url:2");
}

TEST(FirmwareStatus, FailureAndDeferralFromBeforeAreNobodys) {
  EXPECT_EQ(Firmware("", 0).Tell(0, 8), ":0");
  EXPECT_EQ(Firmware("", 0).Tell(0, 11), ":0");
  EXPECT_EQ(Firmware("", 0).Tell(2, 8), ":0");
}

TEST(FirmwareStatus, CancelledIsAFailure) {
  Story run = Firmware("url", 3);
  EXPECT_EQ(run.Tell(0, kUntold), "url:3");
  EXPECT_EQ(run.Tell(kUntold, 10), "url:2");
  EXPECT_EQ(Firmware("url", 0).Tell(0, 0), "url:0");  // an empty URL was written
}

TEST(FirmwareStatus, ResultThatComesLateAfterTheRestart) {
  Story run = Firmware("ud", 3);
  EXPECT_EQ(run.Tell(0, 0), "ud:2");
  EXPECT_EQ(run.Tell(kUntold, 1), "ud:1");
}

TEST(SoftwareStatus, OldFailureWhileANewDownloadBegins) {
  Story run("m2m:swr", "ins", ActionStatus("url", 0));
  EXPECT_EQ(run.Tell(1, 58), "url:3");
  EXPECT_EQ(run.Tell(3, 58), "url:3");
  EXPECT_EQ(run.Tell(3, 3), "url:3");
  Story failed("m2m:swr", "ins", ActionStatus("in", 3));
  EXPECT_EQ(failed.Tell(kUntold, 58), "in:2");
  EXPECT_EQ(failed.Tell(3, kUntold), "in:2");
}

TEST(SoftwareStatus, InstalledBeforeThePackageWasPushedIsNotThisOne) {
  Story run("m2m:swr", "ins", ActionStatus("url", 0));
  EXPECT_EQ(run.Tell(4, 2), "url:0");
  EXPECT_EQ(run.Tell(1, 0), "url:3");
}

TEST(SoftwareStatus, InstallAndUninstall) {
  Story run("m2m:swr", "ins", ActionStatus("", 0));
  EXPECT_EQ(run.Tell(1, 0), "url:3");
  EXPECT_EQ(run.Tell(3, 3), "url:3");
  Story install("m2m:swr", "ins", ActionStatus("in", 3));
  EXPECT_EQ(install.Tell(3, 0), "in:3");
  EXPECT_EQ(install.Tell(4, 2), "in:1");
  EXPECT_EQ(Story("m2m:swr", "ins", ActionStatus("in", 3)).Tell(3, 58), "in:2");
  Story uninstall("m2m:swr", "ins", ActionStatus("un", 3));
  EXPECT_EQ(uninstall.Tell(4, 2), "un:3");
  EXPECT_EQ(uninstall.Tell(0, 0), "un:1");
  EXPECT_EQ(Story("m2m:swr", "acts", ActionStatus("act", 3)).Tell(1, kUntold), "act:1");
  EXPECT_EQ(Story("m2m:swr", "acts", ActionStatus("act", 3)).Tell(0, kUntold), "act:3");
  EXPECT_EQ(Story("m2m:swr", "acts", ActionStatus("dea", 3)).Tell(0, kUntold), "dea:1");
}

TEST(ActionStatus, AKeptAttributeOfAnyShapeIsReadAsNothing) {
  const onem2m::v1::Value text = onem2m::Text("x");
  EXPECT_EQ(StatusOf(&text), 0);
  EXPECT_EQ(ActionOf(&text), "");
  EXPECT_EQ(StatusOf(nullptr), 0);
  EXPECT_EQ(ActionOf(nullptr), "");
}

}  // namespace
}  // namespace isthmus::translation
