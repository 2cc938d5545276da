// Reliability and the matching of requests and responses (RFC 7252 sections 4 and 5).
#include "services/lib/coap/endpoint.h"

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/coap/endpoint_testing.h"

namespace isthmus::coap {
namespace {

using Outcome = Exchange::Outcome;

class ClientTest : public EndpointTest {};

TEST_F(ClientTest, PiggybackedResponse) {
  OutgoingRequest request = Get({"3", "0", "9"});
  request.query = {"pmin=1"};
  request.accept = 112;
  request.content_format = 11542;
  Ask(request);
  const Message asked = OneSent();
  EXPECT_EQ(asked.type, Type::kConfirmable);
  EXPECT_EQ(asked.code, kGet);
  EXPECT_EQ(asked.token.size(), 8u);
  EXPECT_THAT(asked.TextOptions(kUriPath), testing::ElementsAre("3", "0", "9"));
  EXPECT_THAT(asked.TextOptions(kUriQuery), testing::ElementsAre("pmin=1"));
  EXPECT_EQ(asked.UintOption(kAccept), 112u);
  EXPECT_EQ(asked.UintOption(kContentFormat), 11542u);
  Pass(absl::Milliseconds(300));
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token, "80"));
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.message.payload, "80");
  EXPECT_EQ(exchange.token, asked.token);
  EXPECT_EQ(exchange.elapsed, absl::Milliseconds(300));
  EXPECT_EQ(lines_freed_, 1);
  Pass(absl::Hours(1));
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(endpoint_.Tick(), absl::InfiniteDuration());
}

TEST_F(ClientTest, RepeatsWithDoublingTimeUntilItGivesUp) {
  OutgoingRequest request = Get({"3"});
  request.timeout = absl::Hours(1);
  Ask(request);
  const absl::Duration start = clock_.Monotonic();
  std::vector<absl::Duration> at;
  while (exchanges_.empty()) {
    clock_.Advance(endpoint_.Tick());
    endpoint_.Tick();
    while (at.size() + 1 < wire_.sent.size()) at.push_back(clock_.Monotonic() - start);
  }
  ASSERT_EQ(at.size(), 4u);
  EXPECT_GE(at[0], absl::Seconds(2));
  EXPECT_LE(at[0], absl::Seconds(3));
  for (int i = 1; i < 4; ++i) EXPECT_EQ(at[i], at[0] * ((2 << i) - 1));
  EXPECT_EQ(std::set<std::string>({wire_.sent[0].second, wire_.sent[4].second}).size(), 1u) << "the same octets";
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kTimeout);
  EXPECT_EQ(exchange.elapsed, at[0] * 31);
  EXPECT_EQ(lines_freed_, 1);
  EXPECT_EQ(endpoint_.statistics().retransmitted, 4u);
}

TEST_F(ClientTest, NothingIsSentAfterTheDeadline) {
  OutgoingRequest request = Get({"3"});
  request.timeout = absl::Seconds(5);
  Ask(request);
  Pass(absl::Seconds(5));
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kTimeout);
  EXPECT_FALSE(exchange.acknowledged);
  wire_.sent.clear();
  Pass(absl::Minutes(5));
  EXPECT_TRUE(Sent().empty());
  EXPECT_TRUE(exchanges_.empty());
}

TEST_F(ClientTest, DeadlineInThePastSendsNothing) {
  OutgoingRequest request = Get({"3"});
  request.timeout = absl::Seconds(-1);
  Ask(request);
  EXPECT_TRUE(exchanges_.empty()) << "not from within Send";
  endpoint_.Tick();
  EXPECT_EQ(OneExchange().outcome, Outcome::kTimeout);
  EXPECT_TRUE(Sent().empty());
}

TEST_F(ClientTest, NonConfirmableIsNotRepeated) {
  OutgoingRequest request = Get({"3"});
  request.confirmable = false;
  Ask(request);
  const Message asked = OneSent();
  EXPECT_EQ(asked.type, Type::kNonConfirmable);
  Pass(absl::Seconds(20));
  EXPECT_TRUE(Sent().empty());
  Deliver(MakeMessage(Type::kNonConfirmable, kContent, 9, asked.token, "x"));
  EXPECT_EQ(OneExchange().message.payload, "x");
  EXPECT_TRUE(Sent().empty());
}

TEST_F(ClientTest, ResetEndsIt) {
  Ask(Get({"3"}));
  Deliver(MakeMessage(Type::kReset, kEmpty, OneSent().message_id));
  EXPECT_EQ(OneExchange().outcome, Outcome::kReset);
  OutgoingRequest request = Get({"3"});
  request.confirmable = false;
  Ask(request);
  Deliver(MakeMessage(Type::kReset, kEmpty, OneSent().message_id));
  EXPECT_EQ(OneExchange().outcome, Outcome::kReset);
}

TEST_F(ClientTest, EmptyAckFreesTheLineAndTheLateResponseIsDeliveredOnce) {
  OutgoingRequest request = Get({"3", "0", "0"});
  request.timeout = absl::Seconds(60);
  Ask(request);
  const Message first = OneSent();
  Deliver(MakeMessage(Type::kAcknowledgement, kEmpty, first.message_id));
  EXPECT_EQ(lines_freed_, 1);
  EXPECT_TRUE(exchanges_.empty());

  // Others go out and are answered meanwhile, and one of them in vain.
  Ask(Get({"3", "0", "1"}));
  const Message second = OneSent();
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, second.message_id, second.token, "2"));
  EXPECT_EQ(OneExchange().message.payload, "2");
  request.timeout = absl::Seconds(5);
  Ask(request);
  Pass(absl::Seconds(5));
  EXPECT_EQ(OneExchange().outcome, Outcome::kTimeout);

  Pass(absl::Seconds(35));
  wire_.sent.clear();
  const Message late = MakeMessage(Type::kConfirmable, kContent, 0x7001, first.token, "1");
  Deliver(late);
  const Message ack = OneSent();
  EXPECT_EQ(ack.type, Type::kAcknowledgement);
  EXPECT_EQ(ack.code, kEmpty);
  EXPECT_EQ(ack.message_id, 0x7001);
  EXPECT_EQ(OneExchange().message.payload, "1");
  Deliver(late);
  EXPECT_EQ(OneSent().type, Type::kAcknowledgement) << "our acknowledgement was lost";
  EXPECT_TRUE(exchanges_.empty());
  EXPECT_EQ(endpoint_.statistics().duplicates, 1u);
  EXPECT_EQ(lines_freed_, 3);
}

TEST_F(ClientTest, EmptyAckAndNeverAResponse) {
  OutgoingRequest request = Get({"3"});
  request.timeout = absl::Hours(1);
  Ask(request);
  Deliver(MakeMessage(Type::kAcknowledgement, kEmpty, OneSent().message_id));
  Pass(options_.response_timeout - absl::Seconds(1));
  EXPECT_TRUE(exchanges_.empty());
  Pass(absl::Seconds(1));
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kTimeout);
  EXPECT_TRUE(exchange.acknowledged);
  EXPECT_TRUE(Sent().empty()) << "an acknowledged request is not repeated";
  EXPECT_EQ(lines_freed_, 1);
}

TEST_F(ClientTest, ResponseBeforeItsAck) {
  Ask(Get({"3"}));
  const Message asked = OneSent();
  Deliver(MakeMessage(Type::kConfirmable, kContent, 77, asked.token, "x"));
  EXPECT_EQ(OneExchange().message.payload, "x");
  EXPECT_EQ(OneSent().type, Type::kAcknowledgement);
  Deliver(MakeMessage(Type::kAcknowledgement, kEmpty, asked.message_id));
  Pass(absl::Minutes(5));
  EXPECT_TRUE(Sent().empty()) << "neither repeated nor answered";
  EXPECT_TRUE(exchanges_.empty());
  EXPECT_EQ(lines_freed_, 1);
}

TEST_F(ClientTest, AHealthyDeviceKeepsItsPaceBesideASilentOne) {
  for (int i = 0; i < 20; ++i) Ask(Get({"3"}), kOtherDevice);
  Sent();
  Ask(Get({"3"}));
  const Message asked = OneSent();
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token));
  EXPECT_EQ(OneExchange().elapsed, absl::ZeroDuration());
}

TEST_F(ClientTest, ForeignAnswersAreNoAnswers) {
  Ask(Get({"3"}));
  const Message asked = OneSent();
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, "other"));
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id + 1, asked.token));
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token), kOtherDevice);
  Deliver(MakeMessage(Type::kAcknowledgement, kGet, asked.message_id, asked.token));
  Deliver(MakeMessage(Type::kReset, kContent, asked.message_id, asked.token));
  EXPECT_TRUE(exchanges_.empty());
  EXPECT_TRUE(Sent().empty()) << "acknowledgements and resets are never answered";
  Deliver(MakeMessage(Type::kConfirmable, kContent, 5, asked.token), kOtherDevice);
  EXPECT_EQ(OneSent().type, Type::kReset) << "the token belongs to another peer";
  EXPECT_TRUE(exchanges_.empty());
}

TEST_F(ClientTest, UnknownResponsesAreReset) {
  Deliver(MakeMessage(Type::kConfirmable, kContent, 5, "unknown", "x"));
  Message reset = OneSent();
  EXPECT_EQ(reset.type, Type::kReset);
  EXPECT_EQ(reset.message_id, 5);
  Deliver(MakeMessage(Type::kConfirmable, kContent, 5, "unknown", "x"));
  EXPECT_EQ(OneSent().type, Type::kReset);
  Deliver(MakeMessage(Type::kNonConfirmable, kContent, 6, "unknown", "x"));
  reset = OneSent();
  EXPECT_EQ(reset.type, Type::kReset);
  EXPECT_EQ(reset.message_id, 6);
}

TEST_F(ClientTest, ResponsesWithUnknownCriticalOptionsAreNotTaken) {
  Ask(Get({"3"}));
  const Message asked = OneSent();
  Message response = MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token, "x");
  response.AddOption(2049, "?");
  Deliver(response);
  EXPECT_TRUE(Sent().empty());
  response.type = Type::kConfirmable;
  Deliver(response);
  EXPECT_EQ(OneSent().type, Type::kReset);
  EXPECT_TRUE(exchanges_.empty());
  response.RemoveOption(2049);
  Deliver(response);
  EXPECT_EQ(OneExchange().message.payload, "x");
}

TEST_F(ClientTest, CancelIsHeardAndALateResponseIsReset) {
  const RequestId id = Ask(Get({"3"}));
  const Message asked = OneSent();
  endpoint_.Cancel(id);
  EXPECT_EQ(OneExchange().outcome, Outcome::kCancelled);
  EXPECT_EQ(lines_freed_, 1);
  endpoint_.Cancel(id);
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token));
  EXPECT_TRUE(Sent().empty());
  Deliver(MakeMessage(Type::kConfirmable, kContent, 8, asked.token));
  EXPECT_EQ(OneSent().type, Type::kReset);
  Pass(absl::Minutes(5));
  EXPECT_TRUE(Sent().empty());
  EXPECT_TRUE(exchanges_.empty());
}

TEST_F(ClientTest, CallbacksMayUseTheEndpoint) {
  int answered = 0;
  std::function<void(Exchange)> again = [&](Exchange exchange) {
    if (++answered < 3) endpoint_.Send(kDevice, Get({"3"}), again);
  };
  RequestId other = endpoint_.Send(kDevice, Get({"4"}), nullptr);
  endpoint_.Send(kDevice, Get({"3"}), again, [&] { endpoint_.Cancel(other); });
  for (int i = 0; i < 3; ++i) {
    const Message asked = Sent().back();
    Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token));
  }
  EXPECT_EQ(answered, 3);
  EXPECT_EQ(endpoint_.statistics().exchanges, 0u);
}

TEST_F(ClientTest, MessageIdsComeAgainAsLateAsCanBe) {
  std::set<uint16_t> ids;
  for (int i = 0; i < 65536; ++i) {
    const RequestId id = Ask(Get({"3"}));
    ids.insert(OneSent().message_id);
    endpoint_.Cancel(id);
  }
  EXPECT_EQ(ids.size(), 65536u);
  // Not one that is in flight.
  Ask(Get({"keeps"}));
  const uint16_t kept = OneSent().message_id;
  for (int i = 0; i < 65536; ++i) {
    const RequestId id = Ask(Get({"3"}));
    EXPECT_NE(OneSent().message_id, kept);
    endpoint_.Cancel(id);
  }
}

TEST_F(ClientTest, OneTokenIsOneExchange) {
  OutgoingRequest request = Get({"3"});
  request.token = "mine";
  Ask(request);
  Ask(request);
  EXPECT_EQ(OneExchange().outcome, Outcome::kCancelled);
  const Message asked = Sent().back();
  EXPECT_EQ(asked.token, "mine");
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, "mine"));
  EXPECT_EQ(OneExchange().outcome, Outcome::kAnswered);
}

TEST_F(ClientTest, EmptyContentIsAnAnswer) {
  Ask(Get({"7"}));
  const Message asked = OneSent();
  Deliver(MakeMessage(Type::kAcknowledgement, kContent, asked.message_id, asked.token));
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.message.code, kContent);
  EXPECT_EQ(exchange.message.payload, "");
  EXPECT_EQ(exchange.message.UintOption(kContentFormat), std::nullopt);
}

class ServerTest : public EndpointTest {
 protected:
  explicit ServerTest(EndpointOptions options = {}) : EndpointTest(options) {
    endpoint_.SetRequestHandler([this](IncomingRequest request, Responder respond) {
      requests_.push_back(std::move(request));
      if (answers_at_once_) {
        respond(response_);
      } else {
        responders_.push_back(std::move(respond));
      }
    });
    response_.code = kCreated;
    response_.options = {Option{kLocationPath, "rd"}, Option{kLocationPath, "a1"}};
  }
  static Message Register(uint16_t id, std::string token = "tk", Type type = Type::kConfirmable) {
    Message message = MakeMessage(type, kPost, id, std::move(token), "</1/0>,</3/0>");
    message.AddOption(kUriPath, "rd");
    message.AddOption(kUriQuery, "ep=d1");
    return message;
  }

  bool answers_at_once_ = true;
  OutgoingResponse response_;
  std::vector<IncomingRequest> requests_;
  std::vector<Responder> responders_;
};

TEST_F(ServerTest, PiggybackedResponse) {
  Deliver(Register(1));
  const Message answer = OneSent();
  EXPECT_EQ(answer.type, Type::kAcknowledgement);
  EXPECT_EQ(answer.code, kCreated);
  EXPECT_EQ(answer.message_id, 1);
  EXPECT_EQ(answer.token, "tk");
  EXPECT_THAT(answer.TextOptions(kLocationPath), testing::ElementsAre("rd", "a1"));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].peer, kDevice);
  EXPECT_EQ(requests_[0].message.payload, "</1/0>,</3/0>");
}

TEST_F(ServerTest, DuplicateRegisterWithin50MsIsAnsweredFromMemory) {
  Deliver(Register(1));
  const std::string first = wire_.sent.at(0).second;
  Pass(absl::Milliseconds(50));
  Deliver(Register(1));
  ASSERT_EQ(wire_.sent.size(), 2u);
  EXPECT_EQ(wire_.sent[1].second, first);
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_EQ(endpoint_.statistics().duplicates, 1u);
  // From another peer, or after the lifetime, it is another request.
  Deliver(Register(1), kOtherDevice);
  EXPECT_EQ(requests_.size(), 2u);
  Pass(options_.exchange_lifetime);
  Deliver(Register(1));
  EXPECT_EQ(requests_.size(), 3u);
}

TEST_F(ServerTest, ARestartedDeviceMayUseAMessageIdAgain) {
  Deliver(Register(1, "t1"));
  Deliver(Register(1, "t2"));
  EXPECT_EQ(requests_.size(), 2u);
  EXPECT_EQ(Sent().back().token, "t2");
}

TEST_F(ServerTest, SeparateResponse) {
  answers_at_once_ = false;
  Deliver(Register(1));
  const Message ack = OneSent();
  EXPECT_EQ(ack.type, Type::kAcknowledgement);
  EXPECT_EQ(ack.code, kEmpty);
  Deliver(Register(1));
  EXPECT_EQ(OneSent().code, kEmpty) << "acknowledged again";
  Pass(absl::Seconds(3));
  responders_.at(0)(response_);
  const Message answer = OneSent();
  EXPECT_EQ(answer.type, Type::kConfirmable);
  EXPECT_EQ(answer.code, kCreated);
  EXPECT_EQ(answer.token, "tk");
  responders_.at(0)(response_);
  EXPECT_TRUE(Sent().empty()) << "once";
  Pass(absl::Seconds(3));
  EXPECT_EQ(OneSent().message_id, answer.message_id) << "repeated until acknowledged";
  Deliver(MakeMessage(Type::kAcknowledgement, kEmpty, answer.message_id));
  Pass(absl::Minutes(5));
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(ServerTest, NonConfirmableRequest) {
  Deliver(Register(1, "tk", Type::kNonConfirmable));
  EXPECT_EQ(OneSent().type, Type::kNonConfirmable);
  Deliver(Register(1, "tk", Type::kNonConfirmable));
  EXPECT_TRUE(Sent().empty()) << "duplicates of these are ignored";
  EXPECT_EQ(requests_.size(), 1u);
  answers_at_once_ = false;
  Deliver(Register(2, "tk", Type::kNonConfirmable));
  EXPECT_TRUE(Sent().empty());
  responders_.at(0)(response_);
  EXPECT_EQ(OneSent().type, Type::kNonConfirmable);
}

TEST_F(ServerTest, PingAndWhatIsNoMessage) {
  Deliver(MakeMessage(Type::kConfirmable, kEmpty, 0x1234));
  EXPECT_EQ(wire_.sent.at(0).second, Octets({0x70, 0, 0x12, 0x34}));
  Sent();
  Deliver(MakeMessage(Type::kNonConfirmable, kEmpty, 0x1235));
  EXPECT_TRUE(Sent().empty());
  endpoint_.Receive(kDevice, Octets({0x4f, 1, 0x12, 0x36, 1}));
  EXPECT_EQ(wire_.sent.at(0).second, Octets({0x70, 0, 0x12, 0x36})) << "confirmable: rejected";
  Sent();
  endpoint_.Receive(kDevice, Octets({0x5f, 1, 0x12, 0x36, 1}));
  endpoint_.Receive(kDevice, Octets({0x6f, 1, 0x12, 0x36, 1}));
  endpoint_.Receive(kDevice, Octets({0x80, 1, 0x12, 0x36}));
  endpoint_.Receive(kDevice, Octets({0x40, 1, 0x12}));
  endpoint_.Receive(kDevice, "");
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(endpoint_.statistics().malformed, 6u);
  EXPECT_TRUE(requests_.empty());
}

TEST_F(ServerTest, UnknownCriticalOptions) {
  Message message = Register(1);
  message.AddOption(2049, "x");
  Deliver(message);
  EXPECT_EQ(OneSent().code, kBadOption);
  message = Register(2);
  message.AddOption(2048, "x");
  Deliver(message);
  EXPECT_EQ(OneSent().code, kCreated) << "elective";
  message = Register(3);
  message.AddOption(35, "coap://elsewhere/");
  Deliver(message);
  EXPECT_EQ(OneSent().code, 505);
  message = Register(4, "tk", Type::kNonConfirmable);
  message.AddOption(2049, "x");
  Deliver(message);
  EXPECT_EQ(OneSent().type, Type::kReset);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(ServerTest, WithoutAHandlerThereIsNothing) {
  endpoint_.SetRequestHandler(nullptr);
  Deliver(Register(1));
  EXPECT_EQ(OneSent().code, kNotFound);
}

TEST_F(ServerTest, RespondersOutliveTheEndpoint) {
  Responder kept;
  {
    RecordingTransport wire;
    Endpoint endpoint({}, &clock_, &random_, &wire);
    endpoint.SetRequestHandler([&](IncomingRequest, Responder respond) { kept = std::move(respond); });
    endpoint.Receive(kDevice, Encode(Register(1)));
  }
  kept(response_);
}

class SmallMemoryTest : public ServerTest {
 protected:
  static EndpointOptions Small() {
    EndpointOptions options;
    options.max_remembered_exchanges = 10;
    return options;
  }
  SmallMemoryTest() : ServerTest(Small()) {}
};

TEST_F(SmallMemoryTest, OldestExchangesGoFirst) {
  for (uint16_t id = 1; id <= 11; ++id) Deliver(Register(id));
  EXPECT_EQ(endpoint_.statistics().remembered, 10u);
  Deliver(Register(11));
  Deliver(Register(2));
  EXPECT_EQ(requests_.size(), 11u);
  Deliver(Register(1));
  EXPECT_EQ(requests_.size(), 12u) << "forgotten";
}

TEST_F(SmallMemoryTest, EverythingIsForgottenInTheEnd) {
  for (int i = 0; i < 100; ++i) Deliver(Register(1), "198.51.100.1:" + std::to_string(1000 + i));
  Sent();
  Pass(absl::Minutes(10));
  EXPECT_EQ(endpoint_.statistics().remembered, 0u);
  EXPECT_EQ(endpoint_.Tick(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace isthmus::coap
