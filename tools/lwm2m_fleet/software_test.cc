#include "tools/lwm2m_fleet/software.h"

#include "gtest/gtest.h"

namespace isthmus::fleet {
namespace {

constexpr absl::Duration kDownload = absl::Seconds(2), kInstallation = absl::Seconds(3);

class SoftwareTest : public testing::Test {
 protected:
  void Expect(Software::State state, Software::Result result) {
    EXPECT_EQ(software_.state(), state);
    EXPECT_EQ(software_.result(), result);
  }
  void Deliver(const std::string& name) {
    ASSERT_EQ(software_.WriteUri("http://h/" + name + "-1.2.bin", now_), coap::kChanged);
    Wait(kDownload);
  }
  void Wait(absl::Duration time) {
    software_.Tick(now_ += time / 2);
    software_.Tick(now_ += time / 2);
  }
  absl::Duration now_ = absl::Seconds(100);
  Software software_{kDownload, kInstallation};
};

TEST_F(SoftwareTest, FromTheUriToTheRemoval) {
  EXPECT_EQ(software_.Execute(Software::kInstall, now_), coap::kMethodNotAllowed);
  EXPECT_EQ(software_.WriteUri("http://h/app-1.2.bin", now_), coap::kChanged);
  Expect(Software::kDownloading, Software::kDownloadStarted);
  EXPECT_EQ(software_.next_due(), now_ + kDownload);
  software_.Tick(now_ += kDownload / 2);
  Expect(Software::kDownloading, Software::kDownloadStarted);
  software_.Tick(now_ += kDownload / 2);
  Expect(Software::kDelivered, Software::kVerified);
  EXPECT_EQ(software_.name() + " " + software_.version(), "app 1.2");
  EXPECT_EQ(software_.next_due(), absl::InfiniteDuration());

  EXPECT_EQ(software_.Execute(Software::kActivate, now_), coap::kMethodNotAllowed);
  EXPECT_EQ(software_.Execute(Software::kInstall, now_), coap::kChanged);
  EXPECT_EQ(software_.Execute(Software::kInstall, now_), coap::kMethodNotAllowed);
  EXPECT_EQ(software_.WriteUri("http://h/app-1.3.bin", now_), coap::kMethodNotAllowed);
  Wait(kInstallation);
  Expect(Software::kInstalled, Software::kSuccess);
  EXPECT_FALSE(software_.active());

  EXPECT_EQ(software_.Execute(Software::kActivate, now_), coap::kChanged);
  EXPECT_TRUE(software_.active());
  EXPECT_EQ(software_.Execute(Software::kDeactivate, now_), coap::kChanged);
  EXPECT_FALSE(software_.active());
  EXPECT_EQ(software_.WriteUri("http://h/app-1.3.bin", now_), coap::kMethodNotAllowed);
  EXPECT_EQ(software_.Execute(Software::kUninstall, now_), coap::kChanged);
  Expect(Software::kInitial, Software::kNone);
  EXPECT_EQ(software_.name(), "");
  EXPECT_EQ(software_.Execute(Software::kUninstall, now_), coap::kMethodNotAllowed);
}

TEST_F(SoftwareTest, WhatGoesWrong) {
  EXPECT_EQ(software_.WriteUri("ftp://h/app.bin", now_), coap::kBadRequest);
  Expect(Software::kInitial, Software::kInvalidUri);
  Deliver("lost");
  Expect(Software::kInitial, Software::kConnectionLost);
  Deliver("corrupt");
  Expect(Software::kInitial, Software::kCorrupt);
  Deliver("broken");
  EXPECT_EQ(software_.Execute(Software::kInstall, now_), coap::kChanged);
  Wait(kInstallation);
  Expect(Software::kDelivered, Software::kInstallFailed);
  Deliver("sticky");
  Expect(Software::kDelivered, Software::kVerified);
  EXPECT_EQ(software_.Execute(Software::kInstall, now_), coap::kChanged);
  Wait(kInstallation);
  EXPECT_EQ(software_.Execute(Software::kUninstall, now_), coap::kChanged);
  Expect(Software::kInstalled, Software::kUninstallFailed);
}

TEST_F(SoftwareTest, DroppedAndRestarted) {
  ASSERT_EQ(software_.WriteUri("http://h/app-1.2.bin", now_), coap::kChanged);
  EXPECT_EQ(software_.WriteUri("", now_), coap::kChanged);
  Expect(Software::kInitial, Software::kNone);
  ASSERT_EQ(software_.WriteUri("http://h/app-1.2.bin", now_), coap::kChanged);
  software_.Restart();
  Expect(Software::kInitial, Software::kNone);
  EXPECT_EQ(software_.next_due(), absl::InfiniteDuration());
  Deliver("app");
  ASSERT_EQ(software_.Execute(Software::kInstall, now_), coap::kChanged);
  software_.Restart();
  Expect(Software::kDelivered, Software::kVerified);
  EXPECT_EQ(software_.Execute(Software::kInstall, now_), coap::kChanged);
}

}  // namespace
}  // namespace isthmus::fleet
