// Sessions over real connections on the loopback.
#include "services/lib/session/grpc_stream.h"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "services/lib/clock/clock.h"
#include "services/lib/service/service.h"
#include "services/lib/session/hello.h"
#include "services/lib/session/session_opener.h"
#include "services/lib/session/testing.h"
#include "services/lib/session/worker.h"

namespace isthmus::session {
namespace {

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + kBound;
  while (!condition()) {
    if (absl::Now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// A gRPC server with a SessionServer in it.
class Served {
 public:
  Served(std::function<void(std::shared_ptr<FrameStream>)> accept, std::function<std::vector<v1::Session>()> list,
         int port = 0)
      : sessions_(std::move(accept), std::move(list)) {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&sessions_);
    server_ = builder.BuildAndStart();
  }
  ~Served() { End(absl::ZeroDuration()); }
  // Kills: streams are cut off.
  void End(absl::Duration left) {
    if (server_ == nullptr) return;
    sessions_.EndAll(left);
    server_->Shutdown(absl::ToChronoTime(absl::Now() + left));
    server_->Wait();
    server_.reset();
  }
  SessionServer& sessions() { return sessions_; }
  int port() const { return port_; }
  std::string target() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  SessionServer sessions_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& target) {
  return service::MakeChannel(target, "", absl::Milliseconds(100));
}

// A client's half of a stream, which has ended when this has gone.
class Client {
 public:
  explicit Client(const std::string& target) : half_(std::make_unique<Half>(OpenStream(ChannelTo(target)))) {}
  ~Client() {
    half_->Close(absl::CancelledError("end of the test"));
    EXPECT_TRUE(half_->AwaitClose());
  }
  Half* operator->() { return half_.get(); }

 private:
  const std::unique_ptr<Half> half_;
};

class GrpcStreamTest : public ::testing::Test {
 protected:
  void Serve(int port = 0) {
    served_ = std::make_unique<Served>(
        [this](std::shared_ptr<FrameStream> stream) {
          std::lock_guard<std::mutex> lock(mutex_);
          accepted_.push_back(std::make_unique<Half>(std::move(stream)));
        },
        [] {
          std::vector<v1::Session> sessions(1);
          sessions[0].set_peer("/id-in");
          return sessions;
        },
        port);
    ASSERT_NE(served_->port(), 0);
  }
  Half* Accepted(size_t index) {
    if (!Eventually([&] {
          std::lock_guard<std::mutex> lock(mutex_);
          return accepted_.size() > index;
        })) {
      return nullptr;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    return accepted_[index].get();
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Half>> accepted_;
  std::unique_ptr<Served> served_;
};

TEST_F(GrpcStreamTest, FramesGoBothWaysInOrder) {
  Serve();
  Client client(served_->target());
  for (uint64_t i = 1; i <= 1000; ++i) {
    v1::Frame frame;
    frame.mutable_request()->set_request_id(i);
    client->Write(frame);
  }
  Half* const server = Accepted(0);
  ASSERT_NE(server, nullptr);
  for (uint64_t i = 1; i <= 1000; ++i) {
    v1::Frame frame = server->Next();
    ASSERT_EQ(frame.request().request_id(), i);
    server->Write(std::move(frame));
  }
  for (uint64_t i = 1; i <= 1000; ++i) ASSERT_EQ(client->Next().request().request_id(), i);
}

TEST_F(GrpcStreamTest, WhatWasWrittenBeforeTheCloseArrives) {
  Serve();
  Client client(served_->target());
  client->Write(HelloFrame(v1::ROLE_IN_CSE, "/id-in"));
  Half* const server = Accepted(0);
  ASSERT_NE(server, nullptr);
  EXPECT_TRUE(server->Next().has_hello());
  v1::Frame bye;
  bye.mutable_bye()->set_reason("wrong");
  server->Write(bye);
  server->Close(absl::FailedPreconditionError("wrong version"));
  EXPECT_EQ(client->Next().bye().reason(), "wrong");
  ASSERT_TRUE(client->AwaitClose());
  EXPECT_EQ(client->closed()->code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(client->closed()->message(), "wrong version");
  ASSERT_TRUE(server->AwaitClose());

  Client second(served_->target());
  second->Write(bye);
  second->Close(absl::CancelledError("enough"));
  Half* const other = Accepted(1);
  ASSERT_NE(other, nullptr);
  EXPECT_TRUE(other->Next().has_bye());
  ASSERT_TRUE(other->AwaitClose());
  EXPECT_TRUE(other->closed()->ok()) << "a clean end";
  ASSERT_TRUE(second->AwaitClose());
  EXPECT_EQ(second->closed()->code(), absl::StatusCode::kCancelled);
}

TEST_F(GrpcStreamTest, NobodyThere) {
  Client client("127.0.0.1:1");
  client->Write(HelloFrame(v1::ROLE_IN_CSE, "/id-in"));
  ASSERT_TRUE(client->AwaitClose());
  EXPECT_EQ(client->closed()->code(), absl::StatusCode::kUnavailable);
}

// gRPC's threads end with the last channel, and the end of a stream comes on one of them.
TEST_F(GrpcStreamTest, AStreamMayHoldTheLastChannel) {
  for (int i = 0; i < 30; ++i) {
    Half half(OpenStream(ChannelTo("127.0.0.1:1")));
    ASSERT_TRUE(half.AwaitClose());
  }
}

TEST_F(GrpcStreamTest, LettingGoEndsTheCallOnEitherSide) {
  Serve();
  const std::shared_ptr<grpc::Channel> channel = ChannelTo(served_->target());
  { const std::shared_ptr<FrameStream> never_started = OpenStream(channel); }
  std::shared_ptr<FrameStream> stream = OpenStream(channel);
  std::promise<absl::Status> closed;
  stream->Start([](v1::Frame) {}, [&](absl::Status status) { closed.set_value(status); });
  stream.reset();
  EXPECT_EQ(closed.get_future().get().code(), absl::StatusCode::kCancelled);
  served_ = nullptr;
  served_ = std::make_unique<Served>([](std::shared_ptr<FrameStream>) {}, [] { return std::vector<v1::Session>(); });
  Client client(served_->target());
  EXPECT_TRUE(client->AwaitClose());
}

TEST_F(GrpcStreamTest, ListSessions) {
  Serve();
  const auto stub = v1::SessionService::NewStub(ChannelTo(served_->target()));
  grpc::ClientContext context;
  v1::ListSessionsResponse response;
  ASSERT_TRUE(stub->ListSessions(&context, v1::ListSessionsRequest(), &response).ok());
  ASSERT_EQ(response.sessions_size(), 1);
  EXPECT_EQ(response.sessions(0).peer(), "/id-in");
}

TEST_F(GrpcStreamTest, DrainingEndsStreamsAndRefusesNewOnes) {
  Serve();
  Client client(served_->target());
  ASSERT_NE(Accepted(0), nullptr);
  const absl::Time start = absl::Now();
  served_->sessions().EndAll(kBound);
  EXPECT_LT(absl::Now() - start, kBound / 2) << "it waits for the streams and not for the time";
  ASSERT_TRUE(client->AwaitClose());
  EXPECT_EQ(client->closed()->code(), absl::StatusCode::kUnavailable);
  Client late(served_->target());
  ASSERT_TRUE(late->AwaitClose());
  EXPECT_EQ(late->closed()->code(), absl::StatusCode::kUnavailable);
}

// Two ends over gRPC, opened by one side; the other side's server is killed and comes back on the same port.
class ResumeTest : public ::testing::TestWithParam<bool> {
 protected:
  ~ResumeTest() override {
    opener_.reset();
    served_.reset();
  }
  void Serve(int port = 0) {
    served_ = std::make_unique<Served>(
        [this](std::shared_ptr<FrameStream> stream) {
          if (GetParam()) return server_->Attach(std::move(stream), false);
          ReadHello(std::move(stream), [this](const v1::Hello& hello, std::shared_ptr<FrameStream> known) {
            if (hello.peer() == "connector-0") cse_->Attach(std::move(known), false);
          });
        },
        [this] { return server_->Describe(); }, port);
  }
  void Start() {
    ServerEnd::Callbacks callbacks;
    callbacks.on_request = [](const v1::Request& request, std::function<void(lwm2m::v1::OperationResult)> respond) {
      lwm2m::v1::OperationResult result;
      result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
      result.set_coap_code(205);
      respond(std::move(result));
    };
    server_ = std::make_unique<ServerEnd>("connector-0", outbox_.get(), &clock_, std::move(callbacks));
    InCseEnd::Callbacks mine;
    mine.on_event = [this](const v1::Event& event) {
      std::lock_guard<std::mutex> lock(mutex_);
      events_.push_back(event.position().sequence());
    };
    mine.on_snapshot = [this](const v1::Snapshot&) { ++snapshots_; };
    mine.executor = worker_.executor();
    cse_ = std::make_unique<InCseEnd>("/id-in", v1::EventPosition(), &clock_, std::move(mine));
    Serve();
    OpenerOptions options;
    options.shortest = absl::Milliseconds(10);
    options.longest = absl::Milliseconds(50);
    opener_ = std::make_unique<SessionOpener>(
        served_->target(), [channel = ChannelTo(served_->target())] { return OpenStream(channel); },
        [this](std::shared_ptr<FrameStream> stream) {
          if (GetParam()) {
            cse_->Attach(std::move(stream), true);
          } else {
            server_->Attach(std::move(stream), true);
          }
        },
        nullptr, options);
    // What is published before the first snapshot is in it.
    ASSERT_TRUE(Eventually([this] { return snapshots_ == 1; }));
  }
  size_t events() {
    std::lock_guard<std::mutex> lock(mutex_);
    return events_.size();
  }

  const SystemClock clock_{};
  std::unique_ptr<Outbox> outbox_ = MakeMemoryOutbox("e1");
  std::mutex mutex_;
  std::vector<uint64_t> events_;
  std::atomic<int> snapshots_{0};
  Worker worker_;
  std::unique_ptr<ServerEnd> server_;
  std::unique_ptr<InCseEnd> cse_;
  std::unique_ptr<Served> served_;
  std::unique_ptr<SessionOpener> opener_;
};

TEST_P(ResumeTest, EventsResumeAfterTheServerWasKilled) {
  Start();
  for (int i = 0; i < 100; ++i) server_->Publish(Registered("ep"));
  const int port = served_->port();
  served_.reset();  // in the middle of them, or not: it must not matter
  ASSERT_TRUE(Eventually([this] { return !cse_->up(); }));
  for (int i = 0; i < 400; ++i) server_->Publish(Registered("ep"));
  Serve(port);
  ASSERT_TRUE(Eventually([this] { return events() >= 500; }));
  std::lock_guard<std::mutex> lock(mutex_);
  ASSERT_EQ(events_.size(), 500u);
  for (size_t i = 0; i < events_.size(); ++i) ASSERT_EQ(events_[i], i + 1);
}

TEST_P(ResumeTest, RequestsAreAnswered) {
  Start();
  std::atomic<int> answered{0};
  for (int i = 0; i < 1000; ++i) {
    cse_->Perform("ep1", ReadOf("/3/0/9"), absl::Now() + kBound, absl::Now() + kBound, "",
                  [&](lwm2m::v1::OperationResult result) { answered += result.coap_code() == 205; });
  }
  EXPECT_TRUE(Eventually([&] { return answered == 1000; }));
}

INSTANTIATE_TEST_SUITE_P(Openers, ResumeTest, ::testing::Values(true, false),
                         [](const auto& info) { return info.param ? "CseOpens" : "ServerOpens"; });

}  // namespace
}  // namespace isthmus::session
