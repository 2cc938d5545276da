// One end at a time, against a peer that the test plays frame by frame: greetings, bad frames, acknowledgements.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/session/session.h"
#include "services/lib/session/testing.h"

namespace isthmus::session {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ServerSide : public ::testing::Test {
 protected:
  std::unique_ptr<Half> Open(bool opened_by_server) {
    auto [mine, its] = MakeStreamPair();
    auto half = std::make_unique<Half>(mine);
    server_.Attach(its, opened_by_server);
    return half;
  }
  // A session that `peer` has opened.
  std::unique_ptr<Half> Established(const v1::EventPosition& resume = {}) {
    auto half = Open(false);
    v1::Frame hello = HelloFrame(v1::ROLE_IN_CSE, "/id-in");
    *hello.mutable_hello()->mutable_resume_from() = resume;
    half->Write(hello);
    EXPECT_TRUE(half->Next().has_welcome());
    return half;
  }
  void ExpectRefused(v1::Frame first, const std::string& reason, bool opened_by_server = false) {
    auto half = Open(opened_by_server);
    if (opened_by_server) {
      EXPECT_TRUE(half->Next().has_hello());
    }
    half->Write(std::move(first));
    EXPECT_THAT(half->Next().bye().reason(), HasSubstr(reason));
    ASSERT_TRUE(half->closed().has_value());
    EXPECT_EQ(half->closed()->code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(server_.Describe(), IsEmpty());
  }
  v1::Frame Ack(const std::string& epoch, uint64_t sequence) {
    v1::Frame frame;
    *frame.mutable_acknowledgement()->mutable_position() = Position(epoch, sequence);
    return frame;
  }

  FakeClock clock_;
  std::unique_ptr<Outbox> outbox_ = MakeMemoryOutbox("e1");
  std::vector<v1::Request> requests_;
  std::vector<lwm2m::v1::Registration> registrations_;
  ServerEnd server_{"connector-0", outbox_.get(), &clock_, [this] {
                      ServerEnd::Callbacks callbacks;
                      callbacks.on_request = [this](const v1::Request& request, auto) { requests_.push_back(request); };
                      callbacks.list_registrations = [this] { return registrations_; };
                      return callbacks;
                    }()};
};

TEST_F(ServerSide, RefusesWrongGreetings) {
  ExpectRefused(HelloFrame(v1::ROLE_IN_CSE, "/id-in", 2), "protocol_version: expected 1, not 2");
  ExpectRefused(HelloFrame(v1::ROLE_LWM2M_SERVER, "other"), "role: expected ROLE_IN_CSE, not ROLE_LWM2M_SERVER");
  ExpectRefused(HelloFrame(static_cast<v1::Role>(77), "other"), "not 77");
  ExpectRefused(HelloFrame(v1::ROLE_IN_CSE, ""), "peer: expected");
  ExpectRefused(Ack("e1", 1), "first frame: expected Hello, not acknowledgement");
  ExpectRefused(v1::Frame(), "not nothing");
  ExpectRefused(HelloFrame(v1::ROLE_IN_CSE, "/id-in"), "first frame: expected Welcome, not hello", true);
  v1::Frame welcome;
  welcome.mutable_welcome()->set_protocol_version(1);
  welcome.mutable_welcome()->set_role(v1::ROLE_LWM2M_SERVER);
  welcome.mutable_welcome()->set_peer("connector-1");
  ExpectRefused(welcome, "role: expected ROLE_IN_CSE", true);
}

TEST_F(ServerSide, ABadStreamDoesNotDisturbASession) {
  const auto good = Established();
  auto bad = Open(false);
  bad->Write(HelloFrame(v1::ROLE_IN_CSE, "/id-in", 9));
  EXPECT_TRUE(bad->closed().has_value());
  EXPECT_FALSE(good->closed().has_value());
}

TEST_F(ServerSide, FramesThatOnlyTheOtherSideMaySendEndTheSession) {
  const auto half = Established();
  half->All();
  v1::Frame frame;
  *frame.mutable_event() = Registered("ep1");
  half->Write(frame);
  EXPECT_THAT(half->Next().bye().reason(), HasSubstr("unexpected event"));
  EXPECT_EQ(half->closed()->code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ServerSide, FramesOfALaterVersionAreSkipped) {
  const auto half = Established();
  half->Write(v1::Frame());
  EXPECT_FALSE(half->closed().has_value());
}

TEST_F(ServerSide, WindowHoldsUntilEventsAreAcknowledged) {
  const auto half = Established();
  EXPECT_TRUE(half->Next().has_snapshot());
  for (int i = 0; i < 1000; ++i) server_.Publish(Registered("ep"));
  EXPECT_EQ(half->All().size(), 256u);
  half->Write(Ack("e1", 100));
  const std::vector<v1::Frame> more = half->All();
  ASSERT_EQ(more.size(), 100u);
  EXPECT_EQ(more.back().event().position().sequence(), 356u);
  half->Write(Ack("e0", 356));   // another epoch
  half->Write(Ack("e1", 5000));  // never sent
  half->Write(Ack("e1", 99));    // older
  EXPECT_THAT(half->All(), IsEmpty());
  EXPECT_EQ(outbox_->first_sequence("/id-in"), 101u);
}

TEST_F(ServerSide, ResumePositions) {
  const auto kinds = [](const std::vector<v1::Frame>& frames) {
    std::string text;
    for (const v1::Frame& frame : frames) {
      if (frame.has_gap()) absl::StrAppend(&text, "gap", frame.gap().next().sequence(), " ");
      if (frame.has_snapshot()) absl::StrAppend(&text, "snapshot", frame.snapshot().position().sequence(), " ");
      if (frame.has_event()) absl::StrAppend(&text, frame.event().position().sequence(), " ");
    }
    return text;
  };
  auto half = Established();
  EXPECT_EQ(kinds(half->All()), "snapshot0 ");
  for (int i = 0; i < 4; ++i) server_.Publish(Registered("ep"));
  half->All();
  half = Established(Position("e1", 2));
  EXPECT_EQ(kinds(half->All()), "3 4 ");
  half = Established(Position("e1", 1));
  EXPECT_EQ(kinds(half->All()), "gap3 snapshot2 3 4 ") << "what was acknowledged is gone";
  half = Established(Position("e1", 9));
  EXPECT_EQ(kinds(half->All()), "gap5 snapshot4 ");
  half = Established(Position("e0", 3));
  EXPECT_EQ(kinds(half->All()), "gap3 snapshot2 3 4 ");
  half = Established();
  EXPECT_EQ(kinds(half->All()), "snapshot4 ");
}

TEST_F(ServerSide, OverflowWhileConnected) {
  outbox_ = MakeMemoryOutbox("e1", 300);
  ServerEnd server("connector-0", outbox_.get(), &clock_, {});
  auto [mine, its] = MakeStreamPair();
  Half half(mine);
  server.Attach(its, false);
  half.Write(HelloFrame(v1::ROLE_IN_CSE, "/id-in"));
  for (int i = 0; i < 1000; ++i) server.Publish(Registered("ep"));
  half.All();
  half.Write(Ack("e1", 256));
  EXPECT_EQ(half.Next().gap().next().sequence(), 701u);
  EXPECT_EQ(half.Next().snapshot().position().sequence(), 700u);
  EXPECT_EQ(half.Next().event().position().sequence(), 701u);
}

TEST_F(ServerSide, LargeSnapshotsComeInParts) {
  for (int i = 0; i < 3000; ++i) {
    lwm2m::v1::Registration& registration = registrations_.emplace_back();
    registration.set_endpoint(absl::StrCat("ep", i));
    registration.set_root_path(std::string(1000, 'x'));
  }
  const auto half = Established();
  size_t count = 0, parts = 0;
  bool more = true;
  while (more) {
    const v1::Frame frame = half->Next();
    ASSERT_TRUE(frame.has_snapshot());
    EXPECT_LT(frame.ByteSizeLong(), 2u << 20);
    count += frame.snapshot().registrations_size();
    more = frame.snapshot().more();
    ++parts;
  }
  EXPECT_EQ(count, 3000u);
  EXPECT_GT(parts, 1u);
}

TEST_F(ServerSide, InterestsInPartsCountWhenTheLastHasCome) {
  const auto half = Established();
  v1::Frame frame;
  *frame.mutable_interests()->add_interests() = MakeInterest("ep1", "/3");
  frame.mutable_interests()->set_more(true);
  half->Write(frame);
  EXPECT_THAT(server_.interests(), IsEmpty());
  frame.mutable_interests()->set_more(false);
  *frame.mutable_interests()->mutable_interests(0) = MakeInterest("ep2", "/3");
  half->Write(frame);
  EXPECT_EQ(server_.interests().size(), 2u);
  EXPECT_EQ(outbox_->LoadInterests("/id-in").interests_size(), 2);
}

TEST_F(ServerSide, RequestsThatSayTooLittle) {
  const auto half = Established();
  half->All();
  const auto diagnostic = [&](const v1::Frame& frame) {
    half->Write(frame);
    const v1::Frame response = half->Next();
    EXPECT_EQ(response.response().request_id(), 7u);
    EXPECT_EQ(response.response().result().outcome(), lwm2m::v1::OUTCOME_UNSUPPORTED);
    return response.response().result().diagnostic();
  };
  v1::Frame frame;
  frame.mutable_request()->set_request_id(7);
  EXPECT_THAT(diagnostic(frame), HasSubstr("endpoint"));
  frame.mutable_request()->set_endpoint("ep1");
  EXPECT_THAT(diagnostic(frame), HasSubstr("operation"));
  *frame.mutable_request()->mutable_operation() = ReadOf("/3");
  EXPECT_THAT(diagnostic(frame), HasSubstr("deadline"));
  frame.mutable_request()->mutable_deadline()->set_seconds(2000000000);
  half->Write(frame);
  EXPECT_EQ(requests_.size(), 1u);
}

TEST_F(ServerSide, TickEndsSilentStreamsAndIdleSessions) {
  auto silent = Open(false);
  auto idle = Open(false);
  v1::Frame hello = HelloFrame(v1::ROLE_IN_CSE, "/id-in");
  hello.mutable_hello()->mutable_idle_timeout()->set_seconds(60);
  idle->Write(hello);
  clock_.Advance(absl::Seconds(9));
  server_.Tick();
  EXPECT_FALSE(silent->closed().has_value());
  clock_.Advance(absl::Seconds(1));
  server_.Tick();
  EXPECT_EQ(silent->closed()->code(), absl::StatusCode::kDeadlineExceeded);
  idle->Write(v1::Frame());
  clock_.Advance(absl::Seconds(59));
  server_.Tick();
  EXPECT_FALSE(idle->closed().has_value());
  clock_.Advance(absl::Seconds(1));
  server_.Tick();
  EXPECT_TRUE(idle->closed().has_value());
}

TEST_F(ServerSide, CallbacksRunInTheExecutorAndNotAfterTheEnd) {
  std::vector<std::function<void()>> tasks;
  int changes = 0;
  ServerEnd::Callbacks callbacks;
  callbacks.executor = [&](std::function<void()> task) { tasks.push_back(std::move(task)); };
  callbacks.on_interest_change = [&](const v1::InterestChange& change) { changes += change.add_size(); };
  auto server = std::make_unique<ServerEnd>("connector-0", outbox_.get(), &clock_, std::move(callbacks));
  auto [mine, its] = MakeStreamPair();
  Half half(mine);
  server->Attach(its, false);
  half.Write(HelloFrame(v1::ROLE_IN_CSE, "/id-in"));
  v1::Frame frame;
  *frame.mutable_interest_change()->add_add() = MakeInterest("ep1", "/3");
  half.Write(frame);
  EXPECT_TRUE(half.Next().has_welcome());
  EXPECT_THAT(half.All(), IsEmpty());
  EXPECT_EQ(changes, 0);
  for (auto& task : std::exchange(tasks, {})) task();
  EXPECT_EQ(changes, 1);
  EXPECT_TRUE(half.Next().has_snapshot());
  *frame.mutable_interest_change()->mutable_add(0) = MakeInterest("ep2", "/3");
  half.Write(frame);
  server.reset();
  for (auto& task : std::exchange(tasks, {})) task();
  EXPECT_EQ(changes, 1);
}

// ---- the IN-CSE's end
// ------------------------------------------------------------------------------------------------

class CseSide : public ::testing::Test {
 protected:
  std::unique_ptr<Half> Open(bool opened_by_cse) {
    auto [mine, its] = MakeStreamPair();
    auto half = std::make_unique<Half>(mine);
    cse_->Attach(its, opened_by_cse);
    return half;
  }
  // A session that the server has opened; interests have been read.
  std::unique_ptr<Half> Established() {
    auto half = Open(false);
    half->Write(HelloFrame(v1::ROLE_LWM2M_SERVER, "connector-0"));
    EXPECT_TRUE(half->Next().has_welcome());
    EXPECT_TRUE(half->Next().has_interests());
    return half;
  }
  void ExpectRefused(v1::Frame first, const std::string& reason, bool opened_by_cse = false) {
    auto half = Open(opened_by_cse);
    if (opened_by_cse) {
      EXPECT_TRUE(half->Next().has_hello());
    }
    half->Write(std::move(first));
    EXPECT_THAT(half->Next().bye().reason(), HasSubstr(reason));
    ASSERT_TRUE(half->closed().has_value());
    EXPECT_EQ(half->closed()->code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_FALSE(cse_->up());
  }
  v1::Frame EventAt(const std::string& epoch, uint64_t sequence) {
    v1::Frame frame;
    *frame.mutable_event() = Registered("ep");
    *frame.mutable_event()->mutable_position() = Position(epoch, sequence);
    return frame;
  }
  v1::Frame SnapshotAt(const std::string& epoch, uint64_t sequence, std::vector<std::string> endpoints = {}) {
    v1::Frame frame;
    *frame.mutable_snapshot()->mutable_position() = Position(epoch, sequence);
    for (const std::string& endpoint : endpoints) frame.mutable_snapshot()->add_registrations()->set_endpoint(endpoint);
    return frame;
  }
  void SetUp() override { Start({}); }
  void Start(std::function<void(std::function<void()>)> executor) {
    InCseEnd::Callbacks callbacks;
    callbacks.on_event = [this](const v1::Event&) { ++events_; };
    callbacks.on_snapshot = [this](const v1::Snapshot& snapshot) {
      ++snapshots_;
      registrations_ = snapshot.registrations_size();
    };
    callbacks.on_position = [this](const v1::EventPosition& position) {
      ++positions_;
      stored_ = position;
    };
    callbacks.executor = std::move(executor);
    cse_ = std::make_unique<InCseEnd>("/id-in", Position("e1", 10), &clock_, std::move(callbacks));
  }

  FakeClock clock_;
  std::unique_ptr<InCseEnd> cse_;
  int events_ = 0, snapshots_ = 0, registrations_ = 0, positions_ = 0;
  v1::EventPosition stored_;
};

TEST_F(CseSide, SaysWhoItIsAndWhereItStopped) {
  const auto half = Open(true);
  const v1::Frame frame = half->Next();
  EXPECT_EQ(frame.hello().protocol_version(), 1u);
  EXPECT_EQ(frame.hello().role(), v1::ROLE_IN_CSE);
  EXPECT_EQ(frame.hello().peer(), "/id-in");
  EXPECT_EQ(frame.hello().resume_from().epoch(), "e1");
  EXPECT_EQ(frame.hello().resume_from().sequence(), 10u);
  EXPECT_FALSE(cse_->up());
  EXPECT_EQ(cse_->Describe().state(), v1::SESSION_STATE_OPENING);
}

TEST_F(CseSide, RefusesWrongGreetings) {
  ExpectRefused(HelloFrame(v1::ROLE_LWM2M_SERVER, "connector-0", 0), "protocol_version: expected 1, not 0");
  ExpectRefused(HelloFrame(v1::ROLE_IN_CSE, "/id-other"), "role: expected ROLE_LWM2M_SERVER");
  ExpectRefused(EventAt("e1", 11), "first frame: expected Hello, not event");
  ExpectRefused(HelloFrame(v1::ROLE_LWM2M_SERVER, "connector-0"), "first frame: expected Welcome, not hello", true);
}

TEST_F(CseSide, DuplicatesAreDroppedAndAcknowledgedAgain) {
  const auto half = Established();
  half->Write(EventAt("e1", 11));
  EXPECT_EQ(half->Next().acknowledgement().position().sequence(), 11u);
  half->Write(EventAt("e1", 9));
  EXPECT_EQ(half->Next().acknowledgement().position().sequence(), 11u);
  EXPECT_EQ(events_, 1);
  EXPECT_EQ(stored_.sequence(), 11u);
}

TEST_F(CseSide, AHoleWithoutAGapStartsTheSessionAnew) {
  for (const v1::Frame& frame : {EventAt("e1", 12), EventAt("e2", 11), EventAt("", 11)}) {
    const auto half = Established();
    half->Write(frame);
    EXPECT_THAT(half->Next().bye().reason(), HasSubstr("hole"));
    EXPECT_EQ(half->closed()->code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(events_, 0);
    EXPECT_FALSE(cse_->up());
  }
}

TEST_F(CseSide, SnapshotsInPartsAreOne) {
  const auto half = Established();
  v1::Frame first = SnapshotAt("e2", 4, {"a", "b"});
  first.mutable_snapshot()->set_more(true);
  half->Write(first);
  EXPECT_EQ(snapshots_, 0);
  half->Write(SnapshotAt("e2", 4, {"c"}));
  EXPECT_EQ(snapshots_, 1);
  EXPECT_EQ(registrations_, 3);
  EXPECT_EQ(half->Next().acknowledgement().position().epoch(), "e2");
  half->Write(EventAt("e2", 5));
  EXPECT_EQ(events_, 1);
}

TEST_F(CseSide, HalfASnapshotOfALostStreamIsForgotten) {
  auto half = Established();
  v1::Frame first = SnapshotAt("e2", 4, {"a", "b"});
  first.mutable_snapshot()->set_more(true);
  half->Write(first);
  half->Close();
  half = Established();
  half->Write(SnapshotAt("e2", 4, {"c"}));
  EXPECT_EQ(registrations_, 1);
}

TEST_F(CseSide, EventsThatComeFastAreAcknowledgedTogether) {
  std::vector<std::function<void()>> tasks;
  Start([&](std::function<void()> task) { tasks.push_back(std::move(task)); });
  const auto half = Established();
  for (int i = 11; i <= 110; ++i) half->Write(EventAt("e1", i));
  EXPECT_EQ(events_, 0);
  ASSERT_EQ(tasks.size(), 1u);
  tasks[0]();
  EXPECT_EQ(events_, 100);
  EXPECT_EQ(positions_, 2) << "one for 64, one for the rest";
  EXPECT_EQ(half->Next().acknowledgement().position().sequence(), 74u);
  EXPECT_EQ(half->Next().acknowledgement().position().sequence(), 110u);
}

TEST_F(CseSide, NothingIsAppliedAfterTheEnd) {
  std::vector<std::function<void()>> tasks;
  Start([&](std::function<void()> task) { tasks.push_back(std::move(task)); });
  const auto half = Established();
  half->Write(EventAt("e1", 11));
  cse_.reset();
  for (auto& task : tasks) task();
  EXPECT_EQ(events_, 0);
  EXPECT_TRUE(half->Next().has_bye());
}

TEST_F(CseSide, ResponsesThatNobodyAskedFor) {
  const auto half = Established();
  v1::Frame frame;
  frame.mutable_response()->set_request_id(99);
  half->Write(frame);
  EXPECT_TRUE(cse_->up());
  v1::Frame wrong;
  wrong.mutable_request()->set_request_id(1);
  half->Write(wrong);
  EXPECT_THAT(half->Next().bye().reason(), HasSubstr("unexpected request"));
}

TEST_F(CseSide, ByeEndsTheSession) {
  const auto half = Established();
  v1::Frame bye;
  bye.mutable_bye()->set_reason("restarting");
  half->Write(bye);
  EXPECT_FALSE(cse_->up());
  EXPECT_TRUE(half->closed().has_value());
}

TEST_F(CseSide, TickEndsSilentStreamsAndIdleSessions) {
  auto silent = Open(true);
  auto idle = Open(false);
  v1::Frame hello = HelloFrame(v1::ROLE_LWM2M_SERVER, "connector-0");
  hello.mutable_hello()->mutable_idle_timeout()->set_seconds(60);
  idle->Write(hello);
  clock_.Advance(absl::Seconds(10));
  cse_->Tick();
  EXPECT_EQ(silent->closed()->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(cse_->up());
  clock_.Advance(absl::Seconds(50));
  cse_->Tick();
  EXPECT_FALSE(cse_->up());
  EXPECT_TRUE(idle->closed().has_value());
}

TEST_F(CseSide, ManyInterestsComeInParts) {
  for (int i = 0; i < 45000; ++i) cse_->AddInterest(MakeInterest(absl::StrCat("ep", i), "/3"));
  auto half = Open(false);
  half->Write(HelloFrame(v1::ROLE_LWM2M_SERVER, "connector-0"));
  EXPECT_TRUE(half->Next().has_welcome());
  int count = 0;
  for (const bool more : {true, true, false}) {
    const v1::Frame frame = half->Next();
    count += frame.interests().interests_size();
    EXPECT_EQ(frame.interests().more(), more);
  }
  EXPECT_EQ(count, 45000);
}

}  // namespace
}  // namespace isthmus::session
