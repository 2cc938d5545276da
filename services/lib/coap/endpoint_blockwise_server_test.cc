// Bodies larger than a datagram, as a server (RFC 7959).
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/endpoint_testing.h"

namespace isthmus::coap {
namespace {

class BlockServerTest : public EndpointTest {
 protected:
  explicit BlockServerTest(EndpointOptions options = {}) : EndpointTest(options) {
    endpoint_.SetRequestHandler([this](IncomingRequest request, const Responder& respond) {
      requests_.push_back(std::move(request));
      if (separately_) {
        responders_.push_back(respond);
      } else {
        respond(response_);
      }
    });
  }
  Message Register(uint32_t number, bool more, const std::string& payload, uint8_t exponent = 6) {
    Message message = MakeMessage(Type::kConfirmable, kPost, next_id_++, "tk", payload);
    message.AddOption(kUriPath, "rd");
    message.AddOption(kUriQuery, "ep=d1");
    return WithBlock(message, kBlock1, number, more, exponent);
  }
  Message Read(uint32_t number, uint8_t exponent = 6) {
    Message message = MakeMessage(Type::kConfirmable, kGet, next_id_++, "tk");
    message.AddOption(kUriPath, "19");
    return WithBlock(message, kBlock2, number, false, exponent);
  }
  Message AnswerTo(const Message& message, const Peer& from = kDevice) {
    Deliver(message, from);
    return OneSent();
  }

  uint16_t next_id_ = 1;
  OutgoingResponse response_;
  bool separately_ = false;
  std::vector<IncomingRequest> requests_;
  std::vector<Responder> responders_;
};

TEST_F(BlockServerTest, RegisterInBlocks) {
  const std::string body = Body(2500);
  response_.code = kCreated;
  for (uint32_t number = 0; number < 2; ++number) {
    const Message answer = AnswerTo(Register(number, true, body.substr(number * 1024, 1024)));
    EXPECT_EQ(answer.code, kContinue);
    EXPECT_EQ(BlockOf(answer, kBlock1).number, number);
    EXPECT_TRUE(BlockOf(answer, kBlock1).more);
    EXPECT_TRUE(requests_.empty());
  }
  const Message answer = AnswerTo(Register(2, false, body.substr(2048)));
  EXPECT_EQ(answer.code, kCreated);
  EXPECT_EQ(BlockOf(answer, kBlock1).number, 2u);
  EXPECT_FALSE(BlockOf(answer, kBlock1).more);
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].message.payload, body);
  EXPECT_EQ(requests_[0].message.UintOption(kBlock1), std::nullopt);
  EXPECT_EQ(endpoint_.statistics().transfers, 0u);
}

TEST_F(BlockServerTest, ARepeatedBlockIsAnsweredAgain) {
  const std::string body = Body(2500);
  const Message first = Register(0, true, body.substr(0, 1024));
  AnswerTo(first);
  EXPECT_EQ(AnswerTo(first).code, kContinue) << "the same message";
  AnswerTo(Register(1, true, body.substr(1024, 1024)));
  EXPECT_EQ(AnswerTo(Register(1, true, body.substr(1024, 1024))).code, kContinue) << "in another message";
  AnswerTo(Register(2, false, body.substr(2048)));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].message.payload, body);
}

TEST_F(BlockServerTest, AHoleIsIncomplete) {
  AnswerTo(Register(0, true, Body(1024)));
  EXPECT_EQ(AnswerTo(Register(2, false, "x")).code, kIncomplete);
  EXPECT_EQ(AnswerTo(Register(1, false, "x")).code, kIncomplete) << "what came before is gone";
  EXPECT_EQ(AnswerTo(Register(0, true, "too short")).code, kIncomplete);
  EXPECT_EQ(AnswerTo(Register(0, false, Body(1025))).code, kIncomplete);
  EXPECT_TRUE(requests_.empty());
}

TEST_F(BlockServerTest, Block0StartsAgain) {
  AnswerTo(Register(0, true, Body(1024, 'a')));
  AnswerTo(Register(1, true, Body(1024, 'b')));
  AnswerTo(Register(0, true, Body(1024, 'c')));
  AnswerTo(Register(1, false, "end"));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].message.payload, Body(1024, 'c') + "end");
}

TEST_F(BlockServerTest, TwoPeersDoNotMix) {
  AnswerTo(Register(0, true, Body(1024, 'a')));
  AnswerTo(Register(0, true, Body(1024, 'b')), kOtherDevice);
  AnswerTo(Register(1, false, "1"));
  AnswerTo(Register(1, false, "2"), kOtherDevice);
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[0].message.payload, Body(1024, 'a') + "1");
  EXPECT_EQ(requests_[1].message.payload, Body(1024, 'b') + "2");
  EXPECT_EQ(requests_[1].peer, kOtherDevice);
}

TEST_F(BlockServerTest, HalfABodyIsForgotten) {
  AnswerTo(Register(0, true, Body(1024)));
  EXPECT_EQ(endpoint_.statistics().transfers, 1u);
  Pass(absl::Minutes(10));
  EXPECT_EQ(endpoint_.statistics().transfers, 0u);
  EXPECT_EQ(AnswerTo(Register(1, false, "x")).code, kIncomplete);
}

TEST_F(BlockServerTest, BadBlockOptionsAreRefused) {
  Message message = MakeMessage(Type::kConfirmable, kPost, 100, "tk", "x");
  message.AddUintOption(kBlock1, 7);
  EXPECT_EQ(AnswerTo(message).code, kBadOption);
  message = MakeMessage(Type::kConfirmable, kPost, 101, "tk", "x");
  message.AddOption(kBlock1, "1234");
  EXPECT_EQ(AnswerTo(message).code, kBadOption);
  message = MakeMessage(Type::kConfirmable, kGet, 102, "tk");
  message.AddUintOption(kBlock2, 6);
  message.AddUintOption(kBlock2, 6);
  EXPECT_EQ(AnswerTo(message).code, kBadOption);
  EXPECT_TRUE(requests_.empty());
}

TEST_F(BlockServerTest, LargeAnswerInBlocks) {
  response_.payload = Body(2500);
  response_.options = {Option{kContentFormat, "*"}};
  Message answer = AnswerTo(Read(0));
  EXPECT_EQ(answer.payload, response_.payload.substr(0, 1024));
  EXPECT_EQ(answer.UintOption(kSize2), 2500u);
  const std::vector<std::string> etag = answer.TextOptions(kETag);
  ASSERT_EQ(etag.size(), 1u);
  std::string body = answer.payload;
  // What the handler would say now does not matter to whoever is in the middle.
  const std::string whole = std::exchange(response_.payload, Body(2500, 'z'));
  for (uint32_t number = 1; number < 3; ++number) {
    answer = AnswerTo(Read(number));
    EXPECT_EQ(answer.TextOptions(kETag), etag);
    EXPECT_EQ(answer.UintOption(kContentFormat), 42u);
    EXPECT_EQ(BlockOf(answer, kBlock2).more, number == 1);
    body += answer.payload;
  }
  EXPECT_EQ(body, whole);
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_EQ(endpoint_.statistics().transfers, 0u) << "fetched, so no longer kept";
}

TEST_F(BlockServerTest, WithoutAskingToo) {
  response_.payload = Body(1025);
  Message message = Read(0);
  message.RemoveOption(kBlock2);
  const Message answer = AnswerTo(message);
  EXPECT_TRUE(BlockOf(answer, kBlock2).more);
  EXPECT_EQ(answer.payload.size(), 1024u);
}

TEST_F(BlockServerTest, SmallerBlocksAreGivenFromTheStart) {
  response_.payload = Body(300);
  std::string body;
  for (uint32_t number = 0; number < 5; ++number) {
    const Message answer = AnswerTo(Read(number, 2));
    EXPECT_EQ(BlockOf(answer, kBlock2).size(), 64u);
    body += answer.payload;
  }
  EXPECT_EQ(body, response_.payload);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(BlockServerTest, ALaterBlockOfWhatIsNotKeptIsReadAgain) {
  response_.payload = Body(2500);
  const Message answer = AnswerTo(Read(2));
  EXPECT_EQ(answer.payload, response_.payload.substr(2048));
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_EQ(AnswerTo(Read(9)).code, kBadRequest) << "behind the end";
  Message post = Read(1);
  post.code = kPost;
  EXPECT_EQ(AnswerTo(post).code, kIncomplete) << "doing again is something else than reading again";
  EXPECT_EQ(requests_.size(), 2u);
}

TEST_F(BlockServerTest, ALargeAnswerMayComeSeparately) {
  separately_ = true;
  Deliver(Read(0));
  EXPECT_EQ(OneSent().code, kEmpty);
  OutgoingResponse response;
  response.payload = Body(2000);
  responders_.at(0)(response);
  const Message answer = OneSent();
  EXPECT_EQ(answer.type, Type::kConfirmable);
  EXPECT_EQ(answer.payload.size(), 1024u);
  EXPECT_EQ(AnswerTo(Read(1)).payload, response.payload.substr(1024));
}

TEST_F(BlockServerTest, LargeNotification) {
  response_.options = {Option{kObserve, "\x01"}};
  response_.payload = "small";
  Message observe = Read(0);
  observe.RemoveOption(kBlock2);
  observe.AddUintOption(kObserve, 0);
  observe.token = "obs";
  AnswerTo(observe);
  OutgoingResponse notification;
  notification.payload = Body(2500, 'n');
  endpoint_.Notify(kDevice, "obs", notification, 2, false, nullptr);
  const Message first = OneSent();
  EXPECT_EQ(first.token, "obs");
  EXPECT_EQ(first.UintOption(kObserve), 2u);
  EXPECT_TRUE(BlockOf(first, kBlock2).more);
  std::string body = first.payload;
  body += AnswerTo(Read(1)).payload;
  body += AnswerTo(Read(2)).payload;
  EXPECT_EQ(body, notification.payload);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(BlockServerTest, KeptAnswersAreBounded) {
  response_.payload = Body(1000000);
  for (int i = 0; i < 200; ++i) {
    Deliver(Read(0), "198.51.100.1:" + std::to_string(1000 + i));
  }
  EXPECT_LE(endpoint_.statistics().transfers, 68u);
  Sent();
  Pass(absl::Minutes(10));
  EXPECT_EQ(endpoint_.statistics().transfers, 0u);
}

class SmallServerTest : public BlockServerTest {
 protected:
  static EndpointOptions Small() {
    EndpointOptions options;
    options.block_size = 256;
    options.max_body_size = 1500;
    return options;
  }
  SmallServerTest() : BlockServerTest(Small()) {}
};

TEST_F(SmallServerTest, BlocksBecomeSmaller) {
  const std::string body = Body(1300);
  Message answer = AnswerTo(Register(0, true, body.substr(0, 1024)));
  EXPECT_EQ(answer.code, kContinue);
  EXPECT_EQ(BlockOf(answer, kBlock1).size(), 256u);
  EXPECT_EQ(AnswerTo(Register(4, true, body.substr(1024, 256), 4)).code, kContinue);
  AnswerTo(Register(5, false, body.substr(1280), 4));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].message.payload, body);
}

TEST_F(SmallServerTest, TooLargeSaysWhatIsNot) {
  Message announced = Register(0, true, Body(1024));
  announced.AddUintOption(kSize1, 1501);
  Message answer = AnswerTo(announced);
  EXPECT_EQ(answer.code, kTooLarge);
  EXPECT_EQ(answer.UintOption(kSize1), 1500u);
  EXPECT_EQ(AnswerTo(Register(0, true, Body(1024))).code, kContinue);
  EXPECT_EQ(AnswerTo(Register(1, true, Body(1024))).code, kTooLarge);
  Message plain = Register(0, false, Body(1501));
  plain.RemoveOption(kBlock1);
  EXPECT_EQ(AnswerTo(plain).code, kTooLarge);
  EXPECT_TRUE(requests_.empty());
}

TEST_F(SmallServerTest, LargerBlocksThanOursAreGivenInOurs) {
  response_.payload = Body(1400);
  const Message answer = AnswerTo(Read(1));  // of 1024
  EXPECT_EQ(BlockOf(answer, kBlock2).size(), 256u);
  EXPECT_EQ(BlockOf(answer, kBlock2).number, 4u);
  EXPECT_EQ(answer.payload, response_.payload.substr(1024, 256));
}

}  // namespace
}  // namespace isthmus::coap
