// Observation, both ends (RFC 7641).
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/endpoint_testing.h"

namespace isthmus::coap {
namespace {

using Outcome = Exchange::Outcome;

class ObserverTest : public EndpointTest {
 protected:
  ObserverTest() { KeepNotifications(); }
  void Notification(const std::string& token, uint32_t sequence, const std::string& value,
                    Type type = Type::kNonConfirmable) {
    Deliver(With(MakeMessage(type, kContent, next_id_++, token, value), kObserve, sequence));
  }
  uint16_t next_id_ = 0x7000;
};

TEST_F(ObserverTest, AsksWithObserve) {
  OutgoingRequest request = Get({"3", "0", "9"});
  request.observe = 0;
  Ask(request);
  EXPECT_EQ(OneSent().UintOption(kObserve), 0u);
}

TEST_F(ObserverTest, ConfirmableNotificationIsAcknowledgedAndDeliveredOnce) {
  const std::string token = Observe(Get({"3", "0", "9"}));
  const Message message = With(MakeMessage(Type::kConfirmable, kContent, 0x7001, token, "60"), kObserve, 2);
  Deliver(message);
  const Message ack = OneSent();
  EXPECT_EQ(ack.type, Type::kAcknowledgement);
  EXPECT_EQ(ack.message_id, 0x7001);
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].peer, kDevice);
  EXPECT_EQ(notifications_[0].token, token);
  EXPECT_EQ(notifications_[0].message.payload, "60");
  Deliver(message);
  EXPECT_EQ(OneSent().type, Type::kAcknowledgement);
  EXPECT_EQ(notifications_.size(), 1u);
}

TEST_F(ObserverTest, OlderOnesAreAcknowledgedAndDropped) {
  const std::string token = Observe(Get({"3"}), 10);
  Notification(token, 12, "new");
  Notification(token, 11, "old", Type::kConfirmable);
  EXPECT_EQ(OneSent().type, Type::kAcknowledgement);
  Notification(token, 12, "same");
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.payload, "new");
}

TEST_F(ObserverTest, SequenceWrapsAt24Bits) {
  const std::string token = Observe(Get({"3"}), 0xFFFFFE);
  Notification(token, 1, "wrapped");
  EXPECT_EQ(notifications_.size(), 1u);
  Notification(token, 0xFFFFFF, "old");
  EXPECT_EQ(notifications_.size(), 1u);
  Notification(token, 1 + (1 << 23), "half around: not newer");
  EXPECT_EQ(notifications_.size(), 1u);
  Notification(token, (1 << 23), "newer");
  EXPECT_EQ(notifications_.size(), 2u);
}

TEST_F(ObserverTest, After128SecondsAnyNumberIsNewer) {
  const std::string token = Observe(Get({"3"}), 100);
  Pass(absl::Seconds(128));
  Notification(token, 5, "too early");
  EXPECT_EQ(notifications_.size(), 0u);
  Pass(absl::Seconds(1));
  Notification(token, 5, "restarted");
  EXPECT_EQ(notifications_.size(), 1u);
}

TEST_F(ObserverTest, OldTokenAfterARestartIsReset) {
  Observe(Get({"3"}));
  Notification("forgotten", 9, "60", Type::kConfirmable);
  EXPECT_EQ(OneSent().type, Type::kReset);
  Notification("forgotten", 10, "60");
  EXPECT_EQ(OneSent().type, Type::kReset);
  EXPECT_TRUE(notifications_.empty());
}

TEST_F(ObserverTest, TheSameTokenOfAnotherPeerIsReset) {
  const std::string token = Observe(Get({"3"}));
  Deliver(With(MakeMessage(Type::kConfirmable, kContent, 5, token, "1"), kObserve, 9), kOtherDevice);
  EXPECT_EQ(OneSent().type, Type::kReset);
  EXPECT_TRUE(notifications_.empty());
}

TEST_F(ObserverTest, ForgottenAndUnwantedOnesAreReset) {
  const std::string token = Observe(Get({"3"}));
  endpoint_.Forget(kDevice, token);
  Notification(token, 2, "x", Type::kConfirmable);
  EXPECT_EQ(OneSent().type, Type::kReset);

  const std::string other = Observe(Get({"4"}));
  wanted_ = false;
  Notification(other, 2, "x");
  EXPECT_EQ(OneSent().type, Type::kReset);
  wanted_ = true;
  Notification(other, 3, "x");
  EXPECT_EQ(OneSent().type, Type::kReset) << "the first refusal ended it";
  EXPECT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(endpoint_.statistics().observations, 0u);
}

TEST_F(ObserverTest, ExpectedAfterOurRestart) {
  endpoint_.Expect(kDevice, "kept");
  Notification("kept", 70, "60", Type::kConfirmable);
  EXPECT_EQ(OneSent().type, Type::kAcknowledgement);
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.payload, "60");
  Pass(absl::Hours(5));
  Notification("kept", 71, "61");
  EXPECT_EQ(notifications_.size(), 2u) << "observations do not grow old";
}

TEST_F(ObserverTest, AResponseWithoutObserveIsNoObservation) {
  OutgoingRequest request = Get({"3"});
  request.observe = 0;
  Ask(request);
  const Message asked = OneSent();
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token, "80"));
  EXPECT_EQ(OneExchange().outcome, Outcome::kAnswered);
  EXPECT_EQ(endpoint_.statistics().observations, 0u);
  Notification(asked.token, 2, "x");
  EXPECT_EQ(OneSent().type, Type::kReset);
}

TEST_F(ObserverTest, AnErrorEndsIt) {
  const std::string token = Observe(Get({"3"}));
  Deliver(MakeMessage(Type::kConfirmable, kNotFound, 9, token));
  EXPECT_EQ(OneSent().type, Type::kAcknowledgement);
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.code, kNotFound);
  EXPECT_EQ(endpoint_.statistics().observations, 0u);
}

TEST_F(ObserverTest, CancellingWithTheSameTokenIsNotAnsweredByANotification) {
  const std::string token = Observe(Get({"3"}));
  OutgoingRequest cancel = Get({"3"});
  cancel.observe = 1;
  cancel.token = token;
  Ask(cancel);
  const Message asked = OneSent();
  EXPECT_EQ(asked.token, token);
  EXPECT_EQ(asked.UintOption(kObserve), 1u);
  Notification(token, 2, "under way", Type::kConfirmable);
  EXPECT_EQ(OneSent().type, Type::kAcknowledgement);
  EXPECT_TRUE(exchanges_.empty());
  EXPECT_EQ(notifications_.size(), 1u);
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, token, "80"));
  EXPECT_EQ(OneExchange().message.payload, "80");
  EXPECT_EQ(endpoint_.statistics().observations, 0u);
}

TEST_F(ObserverTest, NotificationWithoutContentFormatLivesOn) {
  const std::string token = Observe(Get({"3", "0", "9"}));
  Notification(token, 0xFF, "77");
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.UintOption(kContentFormat), std::nullopt);
  Notification(token, 0x100, "");
  ASSERT_EQ(notifications_.size(), 2u);
  EXPECT_EQ(endpoint_.statistics().observations, 1u);
}

TEST_F(ObserverTest, TwentyRestartsOfADeviceLeaveNothingBehind) {
  std::string old;
  for (int round = 0; round < 20; ++round) {
    if (!old.empty()) endpoint_.Forget(kDevice, old);
    const std::string token = Observe(Get({"3", "0", "9"}));
    if (!old.empty()) {
      Notification(old, 50, "80", Type::kConfirmable);
      EXPECT_EQ(OneSent().type, Type::kReset);
    }
    Notification(token, 2, "60", Type::kConfirmable);
    EXPECT_EQ(OneSent().type, Type::kAcknowledgement);
    old = token;
  }
  EXPECT_EQ(notifications_.size(), 20u);
  EXPECT_EQ(endpoint_.statistics().observations, 1u);
  EXPECT_EQ(endpoint_.statistics().exchanges, 0u);
}

class NotifierTest : public EndpointTest {
 protected:
  NotifierTest() {
    endpoint_.SetRequestHandler([](IncomingRequest request, const Responder& respond) {
      OutgoingResponse response;
      if (request.message.UintOption(kObserve) == 0u) response.options.push_back(Option{kObserve, "\x01"});
      response.payload = "80";
      respond(std::move(response));
    });
    Message observe = With(MakeMessage(Type::kConfirmable, kGet, 1, "obs"), kObserve, 0);
    observe.AddOption(kUriPath, "3");
    Deliver(observe);
    EXPECT_EQ(OneSent().UintOption(kObserve), 1u);
  }
  void Tell(const std::string& value, uint32_t sequence, bool confirmable, Code code = kContent) {
    OutgoingResponse response;
    response.code = code;
    response.payload = value;
    endpoint_.Notify(kDevice, "obs", std::move(response), sequence, confirmable,
                     [this](const Exchange& exchange) { outcomes_.push_back(exchange.outcome); });
  }
  std::vector<Outcome> outcomes_;
};

TEST_F(NotifierTest, ConfirmableIsRepeatedUntilAcknowledged) {
  Tell("60", 2, true);
  const Message message = OneSent();
  EXPECT_EQ(message.type, Type::kConfirmable);
  EXPECT_EQ(message.token, "obs");
  EXPECT_EQ(message.UintOption(kObserve), 2u);
  EXPECT_EQ(message.payload, "60");
  Pass(absl::Seconds(3));
  EXPECT_EQ(OneSent().message_id, message.message_id);
  EXPECT_TRUE(outcomes_.empty());
  Deliver(MakeMessage(Type::kAcknowledgement, kEmpty, message.message_id));
  EXPECT_EQ(outcomes_, std::vector<Outcome>{Outcome::kAnswered});
}

TEST_F(NotifierTest, ResetEndsTheObservation) {
  Tell("60", 2, true);
  Deliver(MakeMessage(Type::kReset, kEmpty, OneSent().message_id));
  EXPECT_EQ(outcomes_, std::vector<Outcome>{Outcome::kReset});
}

TEST_F(NotifierTest, ResetOfANonConfirmableOneIsToldToo) {
  Tell("60", 2, false);
  EXPECT_EQ(outcomes_, std::vector<Outcome>{Outcome::kAnswered});
  const Message message = OneSent();
  EXPECT_EQ(message.type, Type::kNonConfirmable);
  Deliver(MakeMessage(Type::kReset, kEmpty, message.message_id));
  EXPECT_EQ(outcomes_, (std::vector<Outcome>{Outcome::kAnswered, Outcome::kReset}));
  Deliver(MakeMessage(Type::kReset, kEmpty, message.message_id));
  EXPECT_EQ(outcomes_.size(), 2u);
}

TEST_F(NotifierTest, NobodyThereAnyMore) {
  Tell("60", 2, true);
  Pass(absl::Seconds(100));
  EXPECT_EQ(outcomes_, std::vector<Outcome>{Outcome::kTimeout});
}

TEST_F(NotifierTest, AnErrorCarriesNoObserve) {
  Tell("", 2, true, kNotFound);
  const Message message = OneSent();
  EXPECT_EQ(message.code, kNotFound);
  EXPECT_EQ(message.UintOption(kObserve), std::nullopt);
}

}  // namespace
}  // namespace isthmus::coap
