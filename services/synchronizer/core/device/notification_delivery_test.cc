#include "services/synchronizer/core/device/notification_delivery.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/status/status_matchers.h"
#include "services/synchronizer/core/device/fake_binding.h"

namespace isthmus::synchronizer {
namespace {

using status::IsOk;
using status::StatusIs;
using testing::ElementsAre;
using testing::IsEmpty;

class NotificationDeliveryTest : public testing::Test {
 protected:
  void Send(const std::string& target, int number, NotificationDelivery::Done done = nullptr) {
    OutgoingNotification notification;
    notification.target = target;
    notification.primitive.set_request_identifier(std::to_string(number));
    delivery_->Send(std::move(notification), std::move(done));
  }
  void Pass(absl::Duration duration) {
    clock_.Advance(duration);
    delivery_->Tick();
  }
  void Make(NotificationDeliveryOptions options) {
    delivery_ = std::make_unique<NotificationDelivery>(options, &binding_, &clock_);
  }

  FakeClock clock_;
  FakeBinding binding_;
  std::unique_ptr<NotificationDelivery> delivery_ =
      std::make_unique<NotificationDelivery>(NotificationDeliveryOptions(), &binding_, &clock_);
};

const absl::Status kNoBroker = absl::UnavailableError("no broker");
const absl::Status kNoAnswer = absl::DeadlineExceededError("no answer");

TEST_F(NotificationDeliveryTest, OneAtATimeToEachTargetInOrder) {
  for (int i = 1; i <= 3; ++i) Send("Ca", i);
  Send("Cb", 9);
  EXPECT_THAT(binding_.sent(), ElementsAre("Ca 1", "Cb 9"));
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_THAT(binding_.sent(), ElementsAre("Ca 1", "Cb 9", "Ca 2", "Ca 3"));
  EXPECT_EQ(delivery_->pending(), 1u);
  EXPECT_EQ(delivery_->counts().delivered, 3u);
}

TEST_F(NotificationDeliveryTest, TheSerialisationIsHandedOn) {
  std::vector<std::string> heard;
  binding_.on_notify = [&heard](const onem2m::v1::NotifyRequest& request) {
    heard.push_back(request.serialization());
    return onem2m::v1::NotifyResponse();
  };
  Send("Ca", 1);
  OutgoingNotification notification;
  notification.target = "Cb";
  notification.serialization = "cbor";
  delivery_->Send(notification, nullptr);
  EXPECT_THAT(heard, ElementsAre("", "cbor"));
}

TEST_F(NotificationDeliveryTest, WithoutABrokerTheyAreKeptAndSentInOrder) {
  Send("Ca", 1);
  Send("Ca", 2);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(binding_.Answer("Ca", kNoBroker));
    EXPECT_EQ(binding_.pending(), 0u);
    Pass(absl::Seconds(1));
  }
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_THAT(binding_.sent(), ElementsAre("Ca 1", "Ca 1", "Ca 1", "Ca 1", "Ca 1", "Ca 1", "Ca 2"));
  EXPECT_EQ(delivery_->pending(), 0u);
}

TEST_F(NotificationDeliveryTest, WithoutABrokerForTooLongTheyGo) {
  Send("Ca", 1);
  Send("Ca", 2);
  binding_.on_notify = [](const onem2m::v1::NotifyRequest&) { return kNoBroker; };
  EXPECT_TRUE(binding_.Answer("Ca", kNoBroker));
  for (int i = 0; i < 11 * 60; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(delivery_->pending(), 0u);
  EXPECT_EQ(delivery_->counts().outdated, 2u);
}

// Field cases "notification to the wrong receiver, or to nobody" and "order after a reconnect, and what the broker
// throws away": what a target leaves unanswered is the broker's to keep, in order, and none of it waits here.
TEST_F(NotificationDeliveryTest, WhatATargetThatIsAwayGetsIsHandedToTheBrokerInOrder) {
  for (int i = 1; i <= 20; ++i) Send("Cdead", i);
  EXPECT_TRUE(binding_.Answer("Cdead", kNoAnswer));
  std::vector<std::string> expected = {"Cdead 1"};
  for (int i = 2; i <= 20; ++i) {
    EXPECT_TRUE(binding_.last_request().without_answer()) << i;
    expected.push_back("Cdead " + std::to_string(i));
    EXPECT_TRUE(binding_.Answer("Cdead", onem2m::v1::NotifyResponse()));
  }
  EXPECT_EQ(binding_.sent(), expected);
  EXPECT_EQ(delivery_->pending(), 0u);
  EXPECT_EQ(delivery_->counts().unanswered, 1u);
  EXPECT_EQ(delivery_->counts().handed_over, 19u);
}

TEST_F(NotificationDeliveryTest, ADeadTargetIsAskedForAnAnswerMoreAndMoreSeldom) {
  int asked = 0;
  for (int second = 0; second < 120; ++second) {
    Send("Cdead", second);
    if (binding_.last_request().without_answer()) {
      EXPECT_TRUE(binding_.Answer("Cdead", onem2m::v1::NotifyResponse()));
    } else {
      EXPECT_EQ(binding_.last_timeout(), asked == 0 ? absl::Seconds(10) : absl::Seconds(1)) << "others wait behind it";
      ++asked;
      EXPECT_TRUE(binding_.Answer("Cdead", kNoAnswer));
    }
    Pass(absl::Seconds(1));
  }
  EXPECT_LE(asked, 8);
  EXPECT_GE(asked, 6);
  // What the broker has is not sent again: each number once.
  EXPECT_EQ(binding_.sent().size(), 120u);
  EXPECT_EQ(delivery_->pending(), 0u);
}

TEST_F(NotificationDeliveryTest, ATargetThatAnswersAgainIsWaitedForAgain) {
  Send("Ca", 1);
  EXPECT_TRUE(binding_.Answer("Ca", kNoAnswer));
  Pass(absl::Seconds(1));
  for (int i = 2; i <= 5; ++i) {
    Send("Ca", i);
    EXPECT_FALSE(binding_.last_request().without_answer()) << i;
    EXPECT_TRUE(binding_.AnswerOk("Ca")) << i;
  }
  EXPECT_EQ(delivery_->counts().delivered, 4u);
  EXPECT_EQ(delivery_->pending(), 0u);
}

// The call of before may be under way still, when only its outcome got lost.
TEST_F(NotificationDeliveryTest, OneWhoseOutcomeGotLostIsSentAgain) {
  Send("Ca", 1);
  Send("Ca", 2);
  EXPECT_TRUE(binding_.Answer("Ca", absl::UnavailableError("no word")));
  Pass(absl::Seconds(1));
  EXPECT_TRUE(binding_.Answer("Ca", absl::AlreadyExistsError("is awaited already")));
  Pass(absl::Seconds(1));
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_THAT(binding_.sent(), ElementsAre("Ca 1", "Ca 1", "Ca 1", "Ca 2"));
  EXPECT_EQ(delivery_->counts().refused, 0u);
}

TEST_F(NotificationDeliveryTest, AllQueuesTogetherAreBoundedAtTheCostOfTheLongest) {
  NotificationDeliveryOptions options;
  options.queue_length = 100;
  options.total_length = 6;
  Make(options);
  for (int i = 0; i <= 4; ++i) Send("Cmany", i);
  for (int i = 10; i <= 12; ++i) Send("Cfew", i);
  Send("Cfew", 13);  // the seventh that waits
  Send("Cmany", 5);  // the eighth; both cost Cmany its oldest
  while (binding_.AnswerOk("Cmany") || binding_.AnswerOk("Cfew")) {
  }
  EXPECT_THAT(binding_.sent(), testing::UnorderedElementsAre("Cmany 0", "Cmany 3", "Cmany 4", "Cmany 5", "Cfew 10",
                                                             "Cfew 11", "Cfew 12", "Cfew 13"));
  EXPECT_EQ(delivery_->counts().overflowed, 2u);
  for (int i = 20; i <= 26; ++i) Send("Cfew", i);
  EXPECT_EQ(delivery_->counts().overflowed, 2u) << "one under way and six that wait";
}

TEST_F(NotificationDeliveryTest, AFullQueueLosesTheOldest) {
  NotificationDeliveryOptions options;
  options.queue_length = 3;
  Make(options);
  std::vector<absl::StatusCode> lost;
  Send("Ca", 0);
  Send("Ca", 1,
       [&](const absl::StatusOr<onem2m::v1::ResponsePrimitive>& answer) { lost.push_back(answer.status().code()); });
  for (int i = 2; i <= 5; ++i) Send("Ca", i);
  while (binding_.AnswerOk("Ca")) {
  }
  EXPECT_THAT(binding_.sent(), ElementsAre("Ca 0", "Ca 3", "Ca 4", "Ca 5"));
  EXPECT_EQ(delivery_->counts().overflowed, 2u);
  EXPECT_THAT(lost, ElementsAre(absl::StatusCode::kResourceExhausted));
}

TEST_F(NotificationDeliveryTest, ATargetThatDoesNotExistIsPassedOver) {
  absl::Status heard;
  Send("ftp://x", 1, [&](const absl::StatusOr<onem2m::v1::ResponsePrimitive>& answer) { heard = answer.status(); });
  Send("ftp://x", 2);
  EXPECT_TRUE(binding_.Answer("ftp://x", absl::InvalidArgumentError("target")));
  EXPECT_THAT(heard, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(binding_.Answer("ftp://x", absl::InvalidArgumentError("target")));
  EXPECT_EQ(delivery_->counts().refused, 2u);
  EXPECT_EQ(delivery_->pending(), 0u);
}

TEST_F(NotificationDeliveryTest, WhoAsksHearsTheAnswer) {
  std::vector<uint32_t> heard;
  Send("Ca", 1, [&](const absl::StatusOr<onem2m::v1::ResponsePrimitive>& answer) {
    ASSERT_THAT(answer, IsOk());
    heard.push_back(answer->response_status_code());
  });
  EXPECT_THAT(heard, IsEmpty());
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_THAT(heard, ElementsAre(2000u));
}

TEST_F(NotificationDeliveryTest, WhoAsksHearsInTimeEvenBehindADeadTarget) {
  Send("Ca", 1);
  int heard = 0;
  Send("Ca", 2, [&](const absl::StatusOr<onem2m::v1::ResponsePrimitive>& answer) {
    EXPECT_THAT(answer, StatusIs(absl::StatusCode::kDeadlineExceeded));
    ++heard;
  });
  Pass(absl::Seconds(9));
  EXPECT_EQ(heard, 0);
  Pass(absl::Seconds(1));
  EXPECT_EQ(heard, 1);
  // And the one before is still under way, alone.
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_THAT(binding_.sent(), ElementsAre("Ca 1"));
}

TEST_F(NotificationDeliveryTest, WhoAsksIsWaitedForWhateverTheTargetDidBefore) {
  for (int i = 0; i < 6; ++i) {
    Send("Ca", i);
    EXPECT_TRUE(binding_.Answer("Ca", kNoAnswer));
    Pass(absl::Minutes(1));
  }
  Send("Ca", 10);
  EXPECT_TRUE(binding_.Answer("Ca", kNoAnswer));
  Send("Ca", 11, [](const absl::StatusOr<onem2m::v1::ResponsePrimitive>&) {});
  EXPECT_FALSE(binding_.last_request().without_answer());
  EXPECT_EQ(binding_.last_timeout(), absl::Seconds(10));
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_EQ(delivery_->pending(), 0u);
}

TEST_F(NotificationDeliveryTest, ABindingThatAnswersOnTheSpotMakesNoRecursion) {
  Send("Ca", 0);
  for (int i = 1; i <= 900; ++i) Send("Ca", i);
  binding_.on_notify = [](const onem2m::v1::NotifyRequest&) { return onem2m::v1::NotifyResponse(); };
  EXPECT_TRUE(binding_.AnswerOk("Ca"));
  EXPECT_EQ(delivery_->counts().delivered, 901u);
  for (int i = 0; i <= 900; ++i) ASSERT_EQ(binding_.sent()[i], "Ca " + std::to_string(i));
}

}  // namespace
}  // namespace isthmus::synchronizer
