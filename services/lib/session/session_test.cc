// Both ends together: what one says, the other understands, whatever happens to the streams between them.
#include "services/lib/session/session.h"

#include <atomic>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/session/testing.h"

namespace isthmus::session {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// An IN-CSE as far as sessions go, with a store of its own that outlives its end.
struct Cse {
  explicit Cse(const Clock* its_clock, std::string its_name = "/id-in") : clock(its_clock), name(std::move(its_name)) {}

  void Start() {
    InCseEnd::Callbacks callbacks;
    callbacks.on_event = [this](const v1::Event& event) {
      log.push_back(absl::StrCat(event.endpoint(), "#", event.position().sequence()));
      if (on_event) on_event(event);
    };
    callbacks.on_snapshot = [this](const v1::Snapshot& snapshot) {
      std::string text = "snapshot:";
      for (const auto& registration : snapshot.registrations()) absl::StrAppend(&text, " ", registration.endpoint());
      log.push_back(text);
    };
    callbacks.on_position = [this](const v1::EventPosition& position) { stored = position; };
    callbacks.on_state = [this](bool up) { log.push_back(up ? "up" : "down"); };
    end = std::make_unique<InCseEnd>(name, stored, clock, std::move(callbacks));
  }
  void Restart() {
    end.reset();
    log.clear();
    Start();
  }
  std::vector<std::string> TakeLog() { return std::exchange(log, {}); }

  const Clock* const clock;
  const std::string name;
  v1::EventPosition stored;
  std::vector<std::string> log;
  std::function<void(const v1::Event&)> on_event;
  std::unique_ptr<InCseEnd> end;
};

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cse_.Start();
    StartServer();
  }
  void StartServer() {
    ServerEnd::Callbacks callbacks;
    callbacks.on_request = [this](const v1::Request& request, std::function<void(lwm2m::v1::OperationResult)> respond) {
      requests_.push_back(request);
      responders_.push_back(std::move(respond));
    };
    callbacks.on_interests = [this](const std::vector<v1::Interest>& interests) {
      union_.clear();
      for (const v1::Interest& interest : interests) {
        union_.push_back(absl::StrCat(interest.endpoint(), lwm2m::PathToString(interest.path())));
      }
      ++union_changes_;
    };
    callbacks.list_registrations = [this] {
      std::vector<lwm2m::v1::Registration> all;
      for (const std::string& endpoint : registered_) all.emplace_back().set_endpoint(endpoint);
      return all;
    };
    server_ = std::make_unique<ServerEnd>("connector-0", outbox_.get(), &clock_, std::move(callbacks));
  }
  void RestartServer(bool keep_outbox) {
    server_.reset();
    if (!keep_outbox) outbox_ = MakeMemoryOutbox("epoch-2");
    StartServer();
  }
  // Joins the two; the returned function breaks the stream.
  std::function<void()> Connect(Cse& cse, bool cse_opens = true) {
    auto [a, b] = MakeStreamPair();
    if (cse_opens) {
      server_->Attach(b, false);
      cse.end->Attach(a, true);
    } else {
      cse.end->Attach(a, false);
      server_->Attach(b, true);
    }
    return [stream = std::weak_ptr<FrameStream>(a)] {
      if (const auto alive = stream.lock()) alive->Close(absl::UnavailableError("broken"));
    };
  }
  std::function<void()> Connect() { return Connect(cse_); }

  void Register(const std::string& endpoint) {
    registered_.push_back(endpoint);
    server_->Publish(Registered(endpoint));
  }
  lwm2m::v1::OperationResult Answer(uint32_t code) {
    lwm2m::v1::OperationResult result;
    result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
    result.set_coap_code(code);
    return result;
  }
  InCseEnd::ResultCallback Into(std::vector<std::string>& results) {
    return [&results](lwm2m::v1::OperationResult result) {
      results.push_back(result.outcome() == lwm2m::v1::OUTCOME_ANSWERED
                            ? absl::StrCat(result.coap_code())
                            : absl::StrCat(lwm2m::v1::Outcome_Name(result.outcome()), ": ", result.diagnostic()));
    };
  }

  FakeClock clock_;
  std::unique_ptr<Outbox> outbox_ = MakeMemoryOutbox("epoch-1");
  Cse cse_{&clock_};
  std::unique_ptr<ServerEnd> server_;
  std::vector<std::string> registered_;
  std::vector<v1::Request> requests_;
  std::vector<std::function<void(lwm2m::v1::OperationResult)>> responders_;
  std::vector<std::string> union_;
  int union_changes_ = 0;
};

class OpenerTest : public SessionTest, public ::testing::WithParamInterface<bool> {};

TEST_P(OpenerTest, SessionWorksWhoeverOpensIt) {
  Register("ep0");  // nobody is there yet: not kept, but in the snapshot
  const auto breaks = Connect(cse_, GetParam());
  EXPECT_TRUE(cse_.end->up());
  EXPECT_EQ(cse_.end->server_name(), "connector-0");
  Register("ep1");
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("up", "snapshot: ep0", "ep1#1"));
  cse_.end->AddInterest(MakeInterest("ep1", "/3/0/9"));
  EXPECT_THAT(union_, ElementsAre("ep1/3/0/9"));
  server_->Publish(Notified("ep1", "/3/0/9"));
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("ep1#2"));
  EXPECT_EQ(outbox_->first_sequence("/id-in"), 3u) << "applied events are acknowledged";

  std::vector<std::string> results;
  cse_.end->Perform("ep1", ReadOf("/3/0/9"), clock_.Now() + absl::Seconds(10), clock_.Now(), "trace-1", Into(results));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].endpoint(), "ep1");
  EXPECT_EQ(requests_[0].trace_id(), "trace-1");
  EXPECT_EQ(requests_[0].deadline().seconds(), absl::ToUnixSeconds(clock_.Now()) + 10);
  EXPECT_EQ(cse_.end->Describe().requests_in_flight(), 1u);
  EXPECT_EQ(server_->Describe()[0].requests_in_flight(), 1u);
  responders_[0](Answer(205));
  responders_[0](Answer(500));  // once is enough
  EXPECT_THAT(results, ElementsAre("205"));

  const v1::Role initiator = GetParam() ? v1::ROLE_IN_CSE : v1::ROLE_LWM2M_SERVER;
  const v1::Session mine = cse_.end->Describe();
  const v1::Session theirs = server_->Describe()[0];
  EXPECT_EQ(mine.initiator(), initiator);
  EXPECT_EQ(theirs.initiator(), initiator);
  EXPECT_EQ(mine.session_id(), theirs.session_id());
  EXPECT_FALSE(mine.session_id().empty());
  EXPECT_EQ(mine.state(), v1::SESSION_STATE_ESTABLISHED);
  EXPECT_EQ(mine.acknowledged().sequence(), 2u);
  EXPECT_EQ(theirs.acknowledged().sequence(), 2u);
  EXPECT_EQ(theirs.interests(), 1u);
  EXPECT_EQ(mine.purpose(), theirs.purpose());

  breaks();
  EXPECT_FALSE(cse_.end->up());
  EXPECT_EQ(cse_.end->Describe().state(), v1::SESSION_STATE_LOST);
  EXPECT_EQ(server_->Describe()[0].state(), v1::SESSION_STATE_LOST);
}
INSTANTIATE_TEST_SUITE_P(Openers, OpenerTest, ::testing::Values(true, false),
                         [](const auto& info) { return info.param ? "CseOpens" : "ServerOpens"; });

TEST_F(SessionTest, EventsWhileAwayComeAfterwardsOnceAndInOrder) {
  const auto breaks = Connect();
  Register("ep1");
  breaks();
  Register("ep2");
  Register("ep3");
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("up", "snapshot:", "ep1#1", "down"));
  Connect();
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("up", "ep2#2", "ep3#3"));
}

TEST_F(SessionTest, BreakInTheMiddleOfEvents) {
  std::function<void()> breaks = Connect();
  cse_.TakeLog();
  cse_.on_event = [&](const v1::Event& event) {
    if (event.position().sequence() == 5) breaks();  // while it is being applied: its acknowledgement gets lost
  };
  for (int i = 1; i <= 10; ++i) Register(absl::StrCat("ep", i));
  breaks = Connect();
  std::vector<std::string> expected;
  for (int i = 1; i <= 10; ++i) {
    expected.push_back(absl::StrCat("ep", i, "#", i));
    if (i == 5) expected.insert(expected.end(), {"down", "up"});
  }
  EXPECT_EQ(cse_.TakeLog(), expected);
  EXPECT_EQ(outbox_->first_sequence("/id-in"), 11u);
}

TEST_F(SessionTest, MoreEventsThanTheWindowHolds) {
  const auto breaks = Connect();
  breaks();
  for (int i = 1; i <= 1000; ++i) Register(absl::StrCat("ep", i));
  cse_.TakeLog();
  Connect();
  ASSERT_EQ(cse_.log.size(), 1001u);
  EXPECT_EQ(cse_.log.back(), "ep1000#1000");
  EXPECT_EQ(outbox_->first_sequence("/id-in"), 1001u);
}

TEST_F(SessionTest, RestartedCseResumesAtItsStoredPosition) {
  Connect();
  Register("ep1");
  cse_.Restart();
  Register("ep2");
  Connect();
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("up", "ep2#2"));
}

TEST_F(SessionTest, RestartedCseWithoutMemoryGetsASnapshot) {
  Connect();
  Register("ep1");
  cse_.stored.Clear();
  cse_.Restart();
  Register("ep2");
  Connect();
  Register("ep3");
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("up", "snapshot: ep1 ep2", "ep3#3"));
}

TEST_F(SessionTest, RestartedServerWithItsOutboxLosesNothing) {
  const auto breaks = Connect();
  cse_.end->AddInterest(MakeInterest("ep1", "/3"));
  breaks();
  Register("ep1");
  RestartServer(/*keep_outbox=*/true);
  EXPECT_EQ(server_->interests().size(), 1u) << "interests are kept with the peer";
  server_->Publish(Notified("ep1", "/3/0/9"));  // before the peer is back
  cse_.TakeLog();
  Connect();
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("up", "ep1#1", "ep1#2"));
}

TEST_F(SessionTest, ServerThatLostItsMemorySaysSo) {
  Connect();
  Register("ep1");
  RestartServer(/*keep_outbox=*/false);
  cse_.TakeLog();
  Connect();
  Register("ep2");
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("up", "snapshot: ep1", "ep2#1"));
  EXPECT_EQ(cse_.stored.epoch(), "epoch-2");
}

TEST_F(SessionTest, OverflowIsAGapAndASnapshotAndWhatIsLeft) {
  outbox_ = MakeMemoryOutbox("epoch-1", /*capacity=*/3);
  RestartServer(true);
  const auto breaks = Connect();
  breaks();
  for (int i = 1; i <= 5; ++i) Register(absl::StrCat("ep", i));
  cse_.TakeLog();
  Connect();
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("up", "snapshot: ep1 ep2 ep3 ep4 ep5", "ep3#3", "ep4#4", "ep5#5"));
}

TEST_F(SessionTest, InterestsAreSentInFullAfterEachConnection) {
  cse_.end->AddInterest(MakeInterest("ep1", "/3"));
  const auto breaks = Connect();
  EXPECT_THAT(union_, ElementsAre("ep1/3"));
  cse_.end->AddInterest(MakeInterest("ep1", "/3"));  // the same again: nothing to say
  EXPECT_EQ(union_changes_, 1);
  breaks();
  cse_.end->RemoveInterest("ep1", lwm2m::MakePath(3));
  cse_.end->AddInterest(MakeInterest("ep2", "/5/0"));
  EXPECT_THAT(union_, ElementsAre("ep1/3")) << "kept while the peer is away";
  Connect();
  EXPECT_THAT(union_, ElementsAre("ep2/5/0"));
  EXPECT_EQ(union_changes_, 2) << "the union changes once, not once for each interest";
  cse_.end->RemoveInterest("ep2", lwm2m::MakePath(5, 0));
  EXPECT_THAT(union_, IsEmpty());
  EXPECT_THAT(cse_.end->interests(), IsEmpty());
}

TEST_F(SessionTest, NotificationsGoOnlyToThoseWithAnInterest) {
  Cse other(&clock_, "/id-other");
  other.Start();
  Connect();
  Connect(other);
  cse_.end->AddInterest(MakeInterest("ep1", "/3/0"));
  other.end->AddInterest(MakeInterest("ep1", "/5"));
  other.end->AddInterest(MakeInterest("ep2", "/3/0"));
  EXPECT_THAT(union_, ElementsAre("ep1/3/0", "ep1/5", "ep2/3/0"));
  cse_.TakeLog();
  other.TakeLog();
  server_->Publish(Notified("ep1", "/3/0/9"));
  server_->Publish(Notified("ep1", "/5/0/3"));
  server_->Publish(Notified("ep2", "/3/0/9"));
  server_->Publish(Notified("ep2", "/4/0/1"));
  v1::Event failed;
  failed.set_endpoint("ep1");
  *failed.mutable_observation_failed()->mutable_path() = lwm2m::MakePath(5);
  server_->Publish(failed);
  Register("ep3");
  EXPECT_THAT(cse_.TakeLog(), ElementsAre("ep1#1", "ep3#2"));
  EXPECT_THAT(other.TakeLog(), ElementsAre("ep1#1", "ep2#2", "ep1#3", "ep3#4"));
}

TEST_F(SessionTest, DeadlineEndsARequestOnce) {
  Connect();
  std::vector<std::string> results;
  cse_.end->Perform("ep1", ReadOf("/3"), clock_.Now() + absl::Seconds(5), clock_.Now(), "", Into(results));
  clock_.Advance(absl::Seconds(4));
  cse_.end->Tick();
  EXPECT_THAT(results, IsEmpty());
  clock_.SetWallTime(clock_.Now() + absl::Hours(1));  // nobody's deadline
  cse_.end->Tick();
  EXPECT_THAT(results, IsEmpty());
  clock_.Advance(absl::Seconds(1));
  EXPECT_LE(cse_.end->Tick(), absl::Milliseconds(50));
  EXPECT_THAT(results, ElementsAre("OUTCOME_TIMEOUT: no answer from the server in time"));
  responders_[0](Answer(205));  // too late
  EXPECT_EQ(results.size(), 1u);
}

TEST_F(SessionTest, ADeadlineThatHasPassedIsNotSent) {
  Connect();
  std::vector<std::string> results;
  cse_.end->Perform("ep1", ReadOf("/3"), clock_.Now(), clock_.Now(), "", Into(results));
  EXPECT_THAT(results, ElementsAre("OUTCOME_EXPIRED_UNSENT: the deadline had passed before it was sent"));
  EXPECT_THAT(requests_, IsEmpty());
}

TEST_F(SessionTest, WithoutASessionARequestWaitsForOne) {
  std::vector<std::string> results;
  const absl::Time now = clock_.Now();
  cse_.end->Perform("ep1", WriteOf("/3"), now + absl::Seconds(10), now, "", Into(results));
  EXPECT_THAT(results, ElementsAre("OUTCOME_UNSPECIFIED: no session"));
  results.clear();
  cse_.end->Perform("a", WriteOf("/3"), now + absl::Seconds(10), now + absl::Seconds(1), "", Into(results));
  cse_.end->Perform("b", WriteOf("/3"), now + absl::Seconds(10), now + absl::Seconds(5), "", Into(results));
  cse_.end->Perform("c", ReadOf("/3"), now + absl::Seconds(10), now + absl::Seconds(5), "", Into(results));
  cse_.end->Perform("d", ReadOf("/3"), now + absl::Seconds(1), now + absl::Seconds(5), "", Into(results));
  clock_.Advance(absl::Seconds(2));
  cse_.end->Tick();
  EXPECT_THAT(results, ::testing::UnorderedElementsAre("OUTCOME_UNSPECIFIED: no session",
                                                       "OUTCOME_EXPIRED_UNSENT: no session before the deadline"));
  Connect();
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[0].endpoint(), "b");
  EXPECT_EQ(requests_[1].endpoint(), "c");
  clock_.Advance(absl::Seconds(4));  // past the session deadline, which no longer counts
  cse_.end->Tick();
  results.clear();
  responders_[0](Answer(204));
  responders_[1](Answer(205));
  EXPECT_THAT(results, ElementsAre("204", "205"));
}

TEST_F(SessionTest, BreakWithReadAndWriteUnderWay) {
  const auto breaks = Connect();
  std::vector<std::string> reads, writes;
  const absl::Time now = clock_.Now();
  cse_.end->Perform("ep1", WriteOf("/3"), now + absl::Seconds(10), now, "", Into(writes));
  cse_.end->Perform("ep1", ReadOf("/3"), now + absl::Seconds(10), now, "", Into(reads));
  breaks();
  EXPECT_THAT(writes, ElementsAre("OUTCOME_TIMEOUT: session lost while the request was under way"));
  EXPECT_THAT(reads, IsEmpty());
  responders_[1](Answer(404));  // to the stream that is gone
  Connect();
  ASSERT_EQ(requests_.size(), 3u) << "the read is sent again, the write is not";
  EXPECT_TRUE(requests_[2].operation().has_read());
  responders_[2](Answer(205));
  EXPECT_THAT(reads, ElementsAre("205"));
  EXPECT_EQ(writes.size(), 1u);
}

TEST_F(SessionTest, AnInterruptedReadEndsAtItsDeadline) {
  const auto breaks = Connect();
  std::vector<std::string> results;
  cse_.end->Perform("ep1", ReadOf("/3"), clock_.Now() + absl::Seconds(10), clock_.Now(), "", Into(results));
  breaks();
  clock_.Advance(absl::Seconds(10));
  cse_.end->Tick();
  EXPECT_THAT(results, ElementsAre("OUTCOME_TIMEOUT: session lost while the request was under way"));
}

TEST_F(SessionTest, ANewerSessionReplacesTheEarlierOne) {
  Connect();
  std::vector<std::string> reads, writes;
  cse_.end->Perform("ep1", ReadOf("/3"), clock_.Now() + absl::Seconds(10), clock_.Now(), "", Into(reads));
  cse_.end->Perform("ep1", WriteOf("/3"), clock_.Now() + absl::Seconds(10), clock_.Now(), "", Into(writes));
  Connect(cse_, /*cse_opens=*/false);
  EXPECT_TRUE(cse_.end->up());
  EXPECT_EQ(writes.size(), 1u);
  ASSERT_EQ(requests_.size(), 3u);
  responders_[2](Answer(205));
  EXPECT_THAT(reads, ElementsAre("205"));
  Register("ep1");
  EXPECT_EQ(cse_.log.back(), "ep1#1");
  EXPECT_EQ(server_->Describe().size(), 1u);
}

TEST_F(SessionTest, ShutdownOfEitherEnd) {
  Connect();
  std::vector<std::string> results;
  cse_.end->Perform("ep1", ReadOf("/3"), clock_.Now() + absl::Seconds(10), clock_.Now(), "", Into(results));
  server_->Shutdown("restarting");
  EXPECT_FALSE(cse_.end->up());
  Connect();  // refused
  EXPECT_FALSE(cse_.end->up());
  cse_.end->Shutdown("restarting");
  EXPECT_THAT(results, ElementsAre("OUTCOME_TIMEOUT: session lost while the request was under way"));
  cse_.end->Perform("ep1", ReadOf("/3"), clock_.Now() + absl::Seconds(10), clock_.Now() + absl::Seconds(10), "",
                    Into(results));
  EXPECT_EQ(results.back(), "OUTCOME_UNSPECIFIED: no session");
}

TEST_F(SessionTest, ManyThreadsAtOnce) {
  // Requests are answered at once, on whatever thread they come.
  ServerEnd::Callbacks callbacks;
  callbacks.on_request = [&](const v1::Request&, std::function<void(lwm2m::v1::OperationResult)> respond) {
    respond(Answer(205));
  };
  server_ = std::make_unique<ServerEnd>("connector-0", outbox_.get(), &clock_, std::move(callbacks));
  std::atomic<int> answered{0}, events{0};
  std::atomic<uint64_t> last{0};
  std::atomic<bool> in_order{true};
  InCseEnd::Callbacks mine;
  mine.on_event = [&](const v1::Event& event) {
    if (event.position().sequence() != last + 1) in_order = false;
    last = event.position().sequence();
    ++events;
  };
  InCseEnd end("/id-in", v1::EventPosition(), &clock_, std::move(mine));
  const auto connect = [&] {
    auto [a, b] = MakeStreamPair();
    server_->Attach(b, false);
    end.Attach(a, true);
  };
  connect();
  constexpr int kEach = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        end.Perform("ep1", ReadOf("/3"), clock_.Now() + absl::Seconds(10), clock_.Now() + absl::Seconds(10), "",
                    [&](lwm2m::v1::OperationResult) { ++answered; });
        end.Tick();
      }
    });
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        server_->Publish(Registered("ep"));
        end.AddInterest(MakeInterest(absl::StrCat("ep", t, "-", i), "/3"));
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 20; ++i) connect();
  });
  for (std::thread& thread : threads) thread.join();
  connect();
  EXPECT_EQ(answered, 2 * kEach);
  EXPECT_EQ(events, 2 * kEach);
  EXPECT_TRUE(in_order);
  EXPECT_EQ(server_->interests().size(), 2u * kEach);
}

}  // namespace
}  // namespace isthmus::session
