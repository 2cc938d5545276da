// Bodies larger than a datagram, as a client (RFC 7959).
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/endpoint_testing.h"

namespace isthmus::coap {
namespace {

using Outcome = Exchange::Outcome;

Message Answer(const Message& asked, Code code, std::string payload = "") {
  return MakeMessage(Type::kAcknowledgement, code, asked.message_id, asked.token, std::move(payload));
}

class UploadTest : public EndpointTest {
 protected:
  void Write(size_t size) {
    OutgoingRequest request;
    request.method = kPut;
    request.path = {"5", "0", "0"};
    request.content_format = 42;
    request.payload = body_ = Body(size);
    Ask(std::move(request));
  }
  std::string body_;
};

TEST_F(UploadTest, OneBlockNeedsNoOption) {
  Write(1024);
  const Message asked = OneSent();
  EXPECT_EQ(asked.UintOption(kBlock1), std::nullopt);
  EXPECT_EQ(asked.payload, body_);
}

TEST_F(UploadTest, BlockAfterBlock) {
  Write(2500);
  std::string received;
  for (uint32_t number = 0; number < 3; ++number) {
    const Message asked = OneSent();
    const Block block = BlockOf(asked, kBlock1);
    EXPECT_EQ(block.number, number);
    EXPECT_EQ(block.more, number < 2);
    EXPECT_EQ(block.size(), 1024u);
    EXPECT_EQ(asked.UintOption(kSize1), number == 0 ? std::optional<uint64_t>(2500) : std::nullopt);
    EXPECT_EQ(asked.UintOption(kContentFormat), 42u);
    received += asked.payload;
    EXPECT_TRUE(exchanges_.empty());
    Deliver(WithBlock(Answer(asked, number < 2 ? kContinue : kChanged), kBlock1, number, number < 2));
  }
  EXPECT_EQ(received, body_);
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.message.code, kChanged);
  EXPECT_EQ(exchange.message.UintOption(kBlock1), std::nullopt);
  EXPECT_EQ(lines_freed_, 1);
}

TEST_F(UploadTest, ThePeerWantsSmallerBlocks) {
  Write(2500);
  Message asked = OneSent();
  Deliver(WithBlock(Answer(asked, kContinue), kBlock1, 0, true, 4));
  std::string received = asked.payload;
  for (;;) {
    asked = OneSent();
    const Block block = BlockOf(asked, kBlock1);
    EXPECT_EQ(block.size(), 256u);
    EXPECT_EQ(block.offset(), received.size());
    received += asked.payload;
    if (!block.more) break;
    Deliver(WithBlock(Answer(asked, kContinue), kBlock1, block.number, true, 4));
  }
  Deliver(WithBlock(Answer(asked, kChanged), kBlock1, 9, false, 4));
  EXPECT_EQ(received, body_);
  EXPECT_EQ(OneExchange().message.code, kChanged);
}

TEST_F(UploadTest, TooLargeWithASmallerSizeStartsAgain) {
  Write(700);
  Message asked = OneSent();
  EXPECT_EQ(asked.payload.size(), 700u);
  Deliver(WithBlock(Answer(asked, kTooLarge), kBlock1, 0, false, 5));
  asked = OneSent();
  EXPECT_EQ(BlockOf(asked, kBlock1).number, 0u);
  EXPECT_EQ(asked.payload, body_.substr(0, 512));
  Deliver(WithBlock(Answer(asked, kContinue), kBlock1, 0, true, 5));
  asked = OneSent();
  EXPECT_EQ(asked.payload, body_.substr(512));
  Deliver(WithBlock(Answer(asked, kChanged), kBlock1, 1, false, 5));
  EXPECT_EQ(OneExchange().message.code, kChanged);
}

TEST_F(UploadTest, TooLargeWithoutAWayOutIsTheAnswer) {
  Write(2500);
  Deliver(With(Answer(OneSent(), kTooLarge), kSize1, 100));
  EXPECT_EQ(OneExchange().message.code, kTooLarge);
  EXPECT_TRUE(Sent().empty());
}

TEST_F(UploadTest, AnErrorInTheMiddleIsTheAnswer) {
  Write(2500);
  Deliver(WithBlock(Answer(OneSent(), kMethodNotAllowed), kBlock1, 0, true));
  EXPECT_EQ(OneExchange().message.code, kMethodNotAllowed);
  EXPECT_TRUE(Sent().empty());
}

TEST_F(UploadTest, ForgottenBlocksAreSentAgainAFewTimes) {
  Write(2500);
  int starts = 0;
  while (exchanges_.empty()) {
    const Message asked = OneSent();
    const Block block = BlockOf(asked, kBlock1);
    if (block.number == 0) ++starts;
    ASSERT_LT(starts, 10);
    Deliver(WithBlock(Answer(asked, block.number == 0 ? kContinue : kIncomplete), kBlock1, block.number, true));
  }
  EXPECT_EQ(starts, 4);
  EXPECT_EQ(OneExchange().message.code, kIncomplete);
}

TEST_F(UploadTest, ASuccessThatMeansOnlyAPartIsNoSuccess) {
  Write(2500);
  Deliver(Answer(OneSent(), kChanged));
  EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
  Write(10);
  Deliver(Answer(OneSent(), kContinue));
  EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
}

TEST_F(UploadTest, WrongBlockNumbersAreBounded) {
  Write(2500);
  int sent = 0;
  while (exchanges_.empty()) {
    ASSERT_LT(++sent, 20);
    Deliver(WithBlock(Answer(OneSent(), kContinue), kBlock1, 7, true));
  }
  EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
}

TEST_F(UploadTest, SilenceInTheMiddleEndsAtTheDeadline) {
  Write(2500);
  Deliver(WithBlock(Answer(OneSent(), kContinue), kBlock1, 0, true));
  Pass(absl::Seconds(94));
  EXPECT_EQ(OneExchange().outcome, Outcome::kTimeout);
  EXPECT_EQ(lines_freed_, 1);
}

class DownloadTest : public EndpointTest {
 protected:
  explicit DownloadTest(EndpointOptions options = {}) : EndpointTest(options) { KeepNotifications(); }
  // Answers with the asked block of a body.
  Message Part(const Message& asked, const std::string& body, const std::string& etag = "v1", uint8_t exponent = 6) {
    Block block;
    block.size_exponent = exponent;
    ReadBlock(asked, kBlock2, &block);
    block.more = block.offset() + block.size() < body.size();
    Message answer = Answer(asked, kContent, body.substr(block.offset(), block.size()));
    if (!etag.empty()) answer.AddOption(kETag, etag);
    SetBlock(answer, kBlock2, block);
    return answer;
  }
  Message FirstNotification(const std::string& token, const std::string& body, uint32_t sequence,
                            const std::string& etag = "v1") {
    Message message = MakeMessage(Type::kConfirmable, kContent, next_id_++, token, body.substr(0, 1024));
    message.AddUintOption(kContentFormat, 42);
    message.AddUintOption(kObserve, sequence);
    if (!etag.empty()) message.AddOption(kETag, etag);
    return WithBlock(message, kBlock2, 0, true);
  }
  // The follow-up that was sent after the acknowledgement of a notification.
  Message FollowUp(const std::string& token) {
    Message follow_up;
    for (Message& message : Sent()) {
      if (message.code == kGet) follow_up = std::move(message);
    }
    EXPECT_EQ(follow_up.code, kGet);
    EXPECT_NE(follow_up.token, token);
    EXPECT_EQ(follow_up.UintOption(kObserve), std::nullopt);
    return follow_up;
  }
  uint16_t next_id_ = 0x7000;
};

TEST_F(DownloadTest, BlockAfterBlock) {
  const std::string body = Body(2500);
  OutgoingRequest request = Get({"19", "0", "0"});
  request.accept = 42;
  Ask(std::move(request));
  Message asked = OneSent();
  const std::string token = asked.token;
  EXPECT_EQ(asked.UintOption(kBlock2), std::nullopt);
  Deliver(Part(asked, body));
  for (uint32_t number = 1; number < 3; ++number) {
    EXPECT_TRUE(exchanges_.empty());
    EXPECT_EQ(lines_freed_, 0);
    asked = OneSent();
    EXPECT_EQ(BlockOf(asked, kBlock2).number, number);
    EXPECT_EQ(asked.TextOptions(kUriPath).size(), 3u);
    EXPECT_EQ(asked.UintOption(kAccept), 42u);
    Deliver(Part(asked, body));
  }
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.message.payload, body);
  EXPECT_EQ(exchange.message.UintOption(kBlock2), std::nullopt);
  EXPECT_EQ(exchange.token, token);
  EXPECT_EQ(lines_freed_, 1);
  EXPECT_EQ(endpoint_.statistics().transfers, 0u);
}

TEST_F(DownloadTest, ASingleBlockIsAWhole) {
  Ask(Get({"3"}));
  Deliver(WithBlock(Answer(OneSent(), kContent, "80"), kBlock2, 0, false));
  EXPECT_EQ(OneExchange().message.payload, "80");
}

TEST_F(DownloadTest, BlocksMayBecomeSmallerOnTheWay) {
  const std::string body = Body(3000);
  Ask(Get({"19"}));
  Deliver(Part(OneSent(), body));
  Message asked = OneSent();
  // Asked for block 1 of 1024, it gives the one of 256 that begins there.
  Message answer = Answer(asked, kContent, body.substr(1024, 256));
  answer.AddOption(kETag, "v1");
  Deliver(WithBlock(answer, kBlock2, 4, true, 4));
  while (exchanges_.empty()) {
    asked = OneSent();
    EXPECT_EQ(BlockOf(asked, kBlock2).size(), 256u);
    Deliver(Part(asked, body));
  }
  EXPECT_EQ(OneExchange().message.payload, body);
}

TEST_F(DownloadTest, AnotherETagStartsOver) {
  const std::string old = Body(2500, 'a'), young = Body(2600, 'k');
  Ask(Get({"19"}));
  Deliver(Part(OneSent(), old, "v1"));
  Deliver(Part(OneSent(), young, "v2"));
  Message asked = OneSent();
  EXPECT_EQ(BlockOf(asked, kBlock2).number, 0u);
  Deliver(Part(asked, young, "v2"));
  Deliver(Part(OneSent(), young, "v2"));
  Deliver(Part(OneSent(), young, "v2"));
  EXPECT_EQ(OneExchange().message.payload, young);
}

TEST_F(DownloadTest, ARepresentationThatNeverStandsStillFails) {
  Ask(Get({"19"}));
  int version = 0;
  while (exchanges_.empty()) {
    ASSERT_LT(version, 20);
    Deliver(Part(OneSent(), Body(2500, static_cast<char>('a' + version)), "v" + std::to_string(version)));
    ++version;
  }
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kTransferFailed);
  EXPECT_EQ(exchange.message.payload, "");
}

TEST_F(DownloadTest, AlwaysBlock0Fails) {
  const std::string body = Body(2500);
  Ask(Get({"19"}));
  int sent = 0;
  while (exchanges_.empty()) {
    ASSERT_LT(++sent, 20);
    Message answer = Answer(OneSent(), kContent, body.substr(0, 1024));
    Deliver(WithBlock(answer, kBlock2, 0, true));
  }
  EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
  EXPECT_EQ(endpoint_.statistics().transfers, 0u);
}

TEST_F(DownloadTest, ShortAndOverlongBlocksAreNotPutTogether) {
  for (const size_t size : {1000, 1025}) {
    Ask(Get({"19"}));
    int sent = 0;
    while (exchanges_.empty()) {
      ASSERT_LT(++sent, 20);
      Deliver(WithBlock(Answer(OneSent(), kContent, Body(size)), kBlock2, 0, true));
    }
    EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
  }
}

TEST_F(DownloadTest, TheRefusalOfALaterBlockIsTheAnswer) {
  Ask(Get({"19"}));
  Deliver(Part(OneSent(), Body(2500)));
  Deliver(Answer(OneSent(), kNotFound));
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.message.code, kNotFound);
}

TEST_F(DownloadTest, TooLargeABodyFails) {
  Ask(Get({"19"}));
  Deliver(With(Part(OneSent(), Body(2500)), kSize2, options_.max_body_size + 1));
  EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
  Ask(Get({"19"}));
  size_t sent = 0;
  const std::string body = Body(options_.max_body_size + 1024);
  while (exchanges_.empty()) {
    ASSERT_LT(++sent, 2000u);
    Deliver(Part(OneSent(), body));
  }
  EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
  EXPECT_LE(sent, 1026u);
}

class BoundedDownloadTest : public DownloadTest {
 protected:
  static EndpointOptions Bounded() {
    EndpointOptions options;
    options.max_fetched_octets = 10 * 1024;
    return options;
  }
  BoundedDownloadTest() : DownloadTest(Bounded()) {}
};

// Peers that begin long answers and never end them must not fill the memory, nor keep the others from theirs.
TEST_F(BoundedDownloadTest, TheOldestOfTooManyLongAnswersFails) {
  const std::string body = Body(100 * 1024);
  Message slow, quick;
  Ask(Get({"1"}));
  slow = OneSent();
  Ask(Get({"2"}), kOtherDevice);
  quick = OneSent();
  for (int i = 0; i < 6; ++i) {
    Deliver(Part(slow, body));
    slow = OneSent();
  }
  for (int i = 0; i < 4; ++i) {
    Deliver(Part(quick, body), kOtherDevice);
    quick = OneSent();
    EXPECT_TRUE(exchanges_.empty()) << i;
  }
  Deliver(Part(quick, body), kOtherDevice);  // the eleventh KiB
  EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
  const std::string rest = body.substr(0, 6 * 1024);
  quick = OneSent();
  Deliver(Part(quick, rest), kOtherDevice);
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.message.payload, rest);
  EXPECT_EQ(endpoint_.statistics().transfers, 0u);
  // What is over does not count any more.
  Ask(Get({"3"}));
  Message asked = OneSent();
  const std::string all = Body(10 * 1024);
  for (int i = 0; i < 9; ++i) {
    Deliver(Part(asked, all));
    asked = OneSent();
  }
  Deliver(Part(asked, all));
  EXPECT_EQ(OneExchange().message.payload, all);
}

TEST_F(DownloadTest, AnUploadMayBeAnsweredInBlocks) {
  const std::string body = Body(2500);
  OutgoingRequest request;
  request.method = kPost;
  request.payload = Body(1500);
  Ask(std::move(request));
  Deliver(WithBlock(Answer(OneSent(), kContinue), kBlock1, 0, true));
  Message asked = OneSent();
  Deliver(WithBlock(Part(asked, body), kBlock1, 1, false));
  asked = OneSent();
  EXPECT_EQ(asked.code, kPost);
  EXPECT_EQ(asked.payload, "");
  EXPECT_EQ(BlockOf(asked, kBlock2).number, 1u);
  Deliver(Part(asked, body));
  Deliver(Part(OneSent(), body));
  EXPECT_EQ(OneExchange().message.payload, body);
}

TEST_F(DownloadTest, CancelStopsTheFollowUps) {
  const RequestId id = Ask(Get({"19"}));
  Deliver(Part(OneSent(), Body(2500)));
  OneSent();
  endpoint_.Cancel(id);
  EXPECT_EQ(OneExchange().outcome, Outcome::kCancelled);
  Pass(absl::Minutes(5));
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(endpoint_.statistics().transfers, 0u);
}

// "A notification bigger than a datagram": (i) all blocks come.
TEST_F(DownloadTest, LargeNotificationIsOneEvent) {
  const std::string body = Body(2500);
  const std::string token = Observe(Get({"20", "0", "4014"}));
  Deliver(FirstNotification(token, body, 2));
  Message asked = FollowUp(token);
  EXPECT_EQ(asked.TextOptions(kUriPath), (std::vector<std::string>{"20", "0", "4014"}));
  EXPECT_EQ(BlockOf(asked, kBlock2).number, 1u);
  Deliver(Part(asked, body));
  Deliver(Part(FollowUp(token), body));
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].token, token);
  EXPECT_EQ(notifications_[0].message.payload, body);
  EXPECT_EQ(notifications_[0].message.UintOption(kObserve), 2u);
  EXPECT_EQ(notifications_[0].message.UintOption(kContentFormat), 42u);
  EXPECT_EQ(endpoint_.statistics().transfers, 0u);
}

// (ii) each follow-up is answered with block 0.
TEST_F(DownloadTest, LargeNotificationOfWhichOnlyBlock0CanBeHad) {
  const std::string body = Body(2500);
  const std::string token = Observe(Get({"20"}));
  Deliver(FirstNotification(token, body, 2, ""));
  int follow_ups = 0;
  const absl::Duration end = clock_.Monotonic() + absl::Minutes(10);
  while (clock_.Monotonic() < end) {
    for (const Message& message : Sent()) {
      if (message.code != kGet) continue;
      ++follow_ups;
      Deliver(WithBlock(Answer(message, kContent, body.substr(0, 1024)), kBlock2, 0, true));
    }
    if (wire_.sent.empty()) Pass(absl::Seconds(1));
  }
  EXPECT_GE(follow_ups, 3) << "asked again later";
  EXPECT_LE(follow_ups, 15) << "a bounded number of times";
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.code, kIncomplete) << "and then the handler is told";
  EXPECT_EQ(notifications_[0].message.payload, "");
  EXPECT_EQ(endpoint_.statistics().observations, 1u) << "the next one may be better";
  Deliver(With(MakeMessage(Type::kNonConfirmable, kContent, 1, token, "small"), kObserve, 3));
  EXPECT_EQ(notifications_.back().message.payload, "small");
}

// (iii) the last follow-up is not answered.
TEST_F(DownloadTest, LargeNotificationWithoutItsLastBlock) {
  const std::string body = Body(2500);
  const std::string token = Observe(Get({"20"}));
  Deliver(FirstNotification(token, body, 2));
  Deliver(Part(FollowUp(token), body));
  bool deaf = true;
  for (int second = 0; second < 600 && notifications_.empty(); ++second) {
    for (const Message& message : Sent()) {
      if (BlockOf(message, kBlock2).number == 0) deaf = false;  // a new start, later: now it answers
      if (!deaf) Deliver(Part(message, body));
    }
    if (wire_.sent.empty()) Pass(absl::Seconds(1));
  }
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.payload, body);
  EXPECT_EQ(notifications_[0].message.UintOption(kObserve), 2u);
}

// (iv) another ETag from block 1 on.
TEST_F(DownloadTest, LargeNotificationThatChangesOnTheWay) {
  const std::string old = Body(2500, 'a'), young = Body(2500, 'k');
  const std::string token = Observe(Get({"20"}));
  Deliver(FirstNotification(token, old, 2, "v1"));
  while (notifications_.empty()) Deliver(Part(FollowUp(token), young, "v2"));
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.payload, young);
}

// (v) a newer notification arrives meanwhile.
TEST_F(DownloadTest, LargeNotificationThatIsOvertaken) {
  const std::string old = Body(2500, 'a'), young = Body(2600, 'k');
  const std::string token = Observe(Get({"20"}));
  Deliver(FirstNotification(token, old, 2, "v1"));
  const Message stale = FollowUp(token);
  Deliver(FirstNotification(token, young, 3, "v2"));
  Message asked = FollowUp(token);
  Deliver(Part(stale, old, "v1"));
  EXPECT_TRUE(Sent().empty()) << "nobody waits for that any more";
  Deliver(Part(asked, young, "v2"));
  Deliver(Part(FollowUp(token), young, "v2"));
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.payload, young);

  // And by a small one.
  Deliver(FirstNotification(token, old, 4, "v3"));
  asked = FollowUp(token);
  Deliver(With(MakeMessage(Type::kNonConfirmable, kContent, 1, token, "small"), kObserve, 5));
  Deliver(Part(asked, old, "v3"));
  Pass(absl::Minutes(5));
  ASSERT_EQ(notifications_.size(), 2u);
  EXPECT_EQ(notifications_[1].message.payload, "small");
}

TEST_F(DownloadTest, LargeFirstValueThatIsOvertaken) {
  const std::string old = Body(2500, 'a'), young = Body(2600, 'k');
  OutgoingRequest request = Get({"20"});
  request.observe = 0;
  Ask(std::move(request));
  Message asked = OneSent();
  const std::string token = asked.token;
  Deliver(With(Part(asked, old, "v1"), kObserve, 1));
  asked = FollowUp(token);
  Deliver(FirstNotification(token, young, 2, "v2"));
  asked = FollowUp(token);
  Deliver(Part(asked, young, "v2"));
  Deliver(Part(FollowUp(token), young, "v2"));
  const Exchange exchange = OneExchange();
  EXPECT_EQ(exchange.outcome, Outcome::kAnswered);
  EXPECT_EQ(exchange.message.payload, young);
  EXPECT_EQ(exchange.message.UintOption(kObserve), 2u);
  EXPECT_TRUE(notifications_.empty());
  Deliver(With(MakeMessage(Type::kNonConfirmable, kContent, 1, token, "next"), kObserve, 3));
  EXPECT_EQ(notifications_.size(), 1u);
}

TEST_F(DownloadTest, AnObservationWhoseFirstValueCannotBeHadIsNone) {
  OutgoingRequest request = Get({"20"});
  request.observe = 0;
  Ask(std::move(request));
  const Message asked = OneSent();
  Deliver(With(Part(asked, Body(2500)), kObserve, 1));
  Deliver(MakeMessage(Type::kReset, kEmpty, OneSent().message_id));
  EXPECT_EQ(OneExchange().outcome, Outcome::kTransferFailed);
  EXPECT_EQ(endpoint_.statistics().observations, 0u);
}

TEST_F(DownloadTest, LargeNotificationAfterOurRestart) {
  const std::string body = Body(1500);
  endpoint_.Expect(kDevice, "kept", Get({"20"}));
  Deliver(FirstNotification("kept", body, 2));
  Deliver(Part(FollowUp("kept"), body));
  ASSERT_EQ(notifications_.size(), 1u);
  EXPECT_EQ(notifications_[0].message.payload, body);
  // Nobody can ask for the rest of one of which only the token is known.
  endpoint_.Expect(kDevice, "bare");
  Deliver(FirstNotification("bare", body, 2));
  EXPECT_EQ(OneSent().type, Type::kReset);
  EXPECT_EQ(notifications_.back().message.code, kIncomplete);
}

class SmallBlocksTest : public EndpointTest {
 protected:
  static EndpointOptions Small() {
    EndpointOptions options;
    options.block_size = 64;
    return options;
  }
  SmallBlocksTest() : EndpointTest(Small()) {}
};

TEST_F(SmallBlocksTest, AreAskedForEarly) {
  Ask(Get({"3"}));
  EXPECT_EQ(BlockOf(OneSent(), kBlock2).size(), 64u);
}

}  // namespace
}  // namespace isthmus::coap
