#include "services/synchronizer/core/device/in_cse_session.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/session/session.h"
#include "services/synchronizer/core/device/applied_stream.h"
#include "services/synchronizer/core/device/operation_text.h"

namespace isthmus::synchronizer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A LwM2M Server with an outbox, and an IN-CSE side that can be restarted.
class InCseSessionTest : public testing::Test {
 protected:
  InCseSessionTest() {
    session::ServerEnd::Callbacks callbacks;
    callbacks.on_request = [this](const session::v1::Request& request,
                                  const std::function<void(lwm2m::v1::OperationResult)>& done) {
      asked_.push_back(request.endpoint() + " " + OperationText(request.operation()));
      lwm2m::v1::OperationResult result;
      result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
      result.set_coap_code(205);
      done(std::move(result));
    };
    callbacks.on_interests = [this](const std::vector<session::v1::Interest>& interests) {
      interests_.clear();
      for (const auto& interest : interests) {
        interests_.push_back(interest.endpoint() + " " + lwm2m::PathToString(interest.path()));
      }
    };
    callbacks.list_registrations = [] { return std::vector<lwm2m::v1::Registration>(); };
    server_ = std::make_unique<session::ServerEnd>("server", outbox_.get(), &clock_, callbacks);
    Restart({});
  }
  ~InCseSessionTest() override { session_->Shutdown("test ends"); }

  void Restart(const session::v1::EventPosition& position) {
    if (session_ != nullptr) session_->Shutdown("restart");
    session_ = std::make_unique<InCseSession>("/id-in", &clock_);
    streams_ = std::make_unique<AppliedStreams>();
    streams_->Acknowledge(position);
    session::InCseEnd::Callbacks callbacks;
    callbacks.on_event = [this](const session::v1::Event& event) {
      events_.push_back(event.position().sequence());
      last_ = event.position();
    };
    callbacks.on_snapshot = [this](const session::v1::Snapshot& snapshot) { last_ = snapshot.position(); };
    session_->Begin(position, callbacks);
  }
  void Connect() {
    auto [ours, theirs] = session::MakeStreamPair();
    server_->Attach(theirs, /*opened_by_us=*/false);
    session_->Attach(streams_->Wrap(ours, [this](const absl::Status& status) { closed_.push_back(status); }),
                     /*opened_by_us=*/true);
  }
  void Publish() {
    session::v1::Event event;
    event.set_endpoint("dev");
    event.mutable_deregistered();
    server_->Publish(std::move(event));
    session_->Tick();
  }

  FakeClock clock_;
  std::unique_ptr<session::Outbox> outbox_ = session::MakeMemoryOutbox("e1");
  std::vector<std::string> asked_;
  std::vector<std::string> interests_;
  std::unique_ptr<session::ServerEnd> server_;
  std::unique_ptr<AppliedStreams> streams_;
  std::unique_ptr<InCseSession> session_;
  std::vector<uint64_t> events_;
  session::v1::EventPosition last_;
  std::vector<absl::Status> closed_;
};

TEST_F(InCseSessionTest, TellsItsState) {
  EXPECT_EQ(session_->state(), SessionPort::State::kNone);
  EXPECT_EQ(session_->problem(), "nobody opens one");
  session_->Connecting();
  EXPECT_EQ(session_->state(), SessionPort::State::kConnecting);
  session_->Failed("refused");
  EXPECT_EQ(session_->state(), SessionPort::State::kNone);
  EXPECT_EQ(session_->problem(), "refused");
  Connect();
  EXPECT_EQ(session_->state(), SessionPort::State::kUp);
  ASSERT_EQ(session_->Describe().size(), 1u);
  EXPECT_EQ(session_->Describe()[0].peer(), "server");
}

TEST_F(InCseSessionTest, InterestsFromBeforeTheBeginningAreTold) {
  InCseSession early("/id-in", &clock_);
  session::v1::Interest interest;
  interest.set_endpoint("dev");
  *interest.mutable_path() = lwm2m::MakePath(3, 0);
  early.AddInterest(interest);
  early.Begin({}, {});
  auto [ours, theirs] = session::MakeStreamPair();
  server_->Attach(theirs, false);
  early.Attach(ours, true);
  early.Tick();
  EXPECT_THAT(interests_, ElementsAre("dev /3/0"));
  early.RemoveInterest("dev", lwm2m::MakePath(3, 0));
  EXPECT_THAT(interests_, IsEmpty());
  early.Shutdown("test ends");
}

TEST_F(InCseSessionTest, Performs) {
  Connect();
  lwm2m::v1::OperationResult heard;
  session_->Perform("dev", ReadOperation(lwm2m::MakePath(3, 0)), clock_.Now() + absl::Seconds(5), clock_.Now(), "t",
                    [&](lwm2m::v1::OperationResult result) { heard = std::move(result); });
  EXPECT_EQ(heard.coap_code(), 205u);
  EXPECT_THAT(asked_, ElementsAre("dev Read /3/0"));
}

TEST_F(InCseSessionTest, BeforeTheBeginningThereIsNoSession) {
  InCseSession early("/id-in", &clock_);
  bool heard = false;
  early.Perform("dev", ReadOperation(lwm2m::MakePath(3, 0)), clock_.Now(), clock_.Now(), "t",
                [&](const lwm2m::v1::OperationResult& result) {
                  heard = true;
                  EXPECT_EQ(result.outcome(), lwm2m::v1::OUTCOME_UNSPECIFIED);
                });
  EXPECT_TRUE(heard);
}

TEST_F(InCseSessionTest, TheServerKeepsWhatIsNotApplied) {
  Connect();
  for (int i = 0; i < 3; ++i) Publish();
  ASSERT_THAT(events_, ElementsAre(1, 2, 3));
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(absl::Seconds(1));
    session_->Tick();
  }
  EXPECT_EQ(outbox_->first_sequence("/id-in"), 1u);
  session::v1::EventPosition applied = last_;
  applied.set_sequence(2);
  streams_->Acknowledge(applied);
  EXPECT_EQ(outbox_->first_sequence("/id-in"), 3u);
}

TEST_F(InCseSessionTest, ARestartSeesAgainWhatWasNotApplied) {
  Connect();
  for (int i = 0; i < 3; ++i) Publish();
  session::v1::EventPosition applied = last_;
  applied.set_sequence(1);
  streams_->Acknowledge(applied);
  events_.clear();
  Restart(applied);
  Connect();
  EXPECT_THAT(events_, ElementsAre(2, 3));
}

TEST_F(InCseSessionTest, AReconnectLosesNothingAndDoublesNothing) {
  Connect();
  for (int i = 0; i < 3; ++i) Publish();
  const session::v1::EventPosition first = last_;
  Connect();
  Publish();
  EXPECT_THAT(events_, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(outbox_->first_sequence("/id-in"), 1u);
  streams_->Acknowledge(first);
  EXPECT_EQ(outbox_->first_sequence("/id-in"), 4u);
}

TEST_F(InCseSessionTest, TellsHowAStreamEnded) {
  Connect();
  server_->Shutdown("maintenance");
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_NE(session_->state(), SessionPort::State::kUp);
}

}  // namespace
}  // namespace isthmus::synchronizer
