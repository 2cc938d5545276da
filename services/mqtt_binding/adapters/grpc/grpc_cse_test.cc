#include "services/mqtt_binding/adapters/grpc/grpc_cse.h"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::mqtt_binding {
namespace {

using onem2m::v1::HandleRequest;
using onem2m::v1::HandleResponse;
using status::IsOk;
using status::StatusIs;

// What a call does is decided by the test.
class Cse final : public onem2m::v1::CseService::CallbackService {
 public:
  using Behaviour = std::function<void(grpc::CallbackServerContext*, const HandleRequest&, HandleResponse*,
                                       grpc::ServerUnaryReactor*)>;
  explicit Cse(Behaviour behaviour) : behaviour_(std::move(behaviour)) {}
  grpc::ServerUnaryReactor* Handle(grpc::CallbackServerContext* context, const HandleRequest* request,
                                   HandleResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const auto id = context->client_metadata().find("x-request-id");
    if (id != context->client_metadata().end()) {
      std::lock_guard<std::mutex> lock(mutex_);
      request_id_ = std::string(id->second.data(), id->second.size());
    }
    ++calls_;
    behaviour_(context, *request, response, reactor);
    return reactor;
  }
  int calls() const { return calls_; }
  std::string request_id() {
    std::lock_guard<std::mutex> lock(mutex_);
    return request_id_;
  }

 private:
  const Behaviour behaviour_;
  std::atomic<int> calls_{0};
  std::mutex mutex_;
  std::string request_id_;
};

class Outcome {
 public:
  CsePort::Done Done() {
    return [this](absl::StatusOr<HandleResponse> outcome) {
      std::lock_guard<std::mutex> lock(mutex_);
      EXPECT_FALSE(outcome_) << "called twice";
      outcome_ = std::move(outcome);
      changed_.notify_all();
    };
  }
  absl::StatusOr<HandleResponse> Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20), [this] { return outcome_.has_value(); })) {
      return absl::UnknownError("no outcome");
    }
    return *outcome_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<absl::StatusOr<HandleResponse>> outcome_;
};

std::unique_ptr<grpc::Server> StartServer(Cse* cse, int* port) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(absl::StrCat("127.0.0.1:", *port), grpc::InsecureServerCredentials(), port);
  builder.RegisterService(cse);
  return builder.BuildAndStart();
}

std::shared_ptr<grpc::Channel> Channel(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments);
}

HandleRequest Request(onem2m::v1::OperationType operation) {
  HandleRequest request;
  request.set_trace_id("trace1");
  request.mutable_primitive()->set_operation(operation);
  return request;
}

void Ok(grpc::CallbackServerContext*, const HandleRequest&, HandleResponse* response,
        grpc::ServerUnaryReactor* reactor) {
  response->mutable_primitive()->set_response_status_code(2000);
  reactor->Finish(grpc::Status::OK);
}

absl::Time In(absl::Duration time) { return absl::Now() + time; }

TEST(GrpcCse, GivesTheAnswerAndSendsTheTraceId) {
  Cse server_side(Ok);
  int port = 0;
  const auto server = StartServer(&server_side, &port);
  GrpcCse cse(Channel(port), {});
  Outcome outcome;
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Seconds(10)), outcome.Done());
  const auto response = outcome.Wait();
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->primitive().response_status_code(), 2000u);
  EXPECT_EQ(server_side.request_id(), "trace1");
}

TEST(GrpcCse, WaitsForASynchronizerThatIsNotThereYet) {
  int port = 0;
  {
    Cse probe(Ok);
    StartServer(&probe, &port)->Shutdown();
  }
  GrpcCse cse(Channel(port), {});
  Outcome outcome;
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Seconds(10)), outcome.Done());
  Cse server_side(Ok);
  const auto server = StartServer(&server_side, &port);
  ASSERT_NE(server, nullptr);
  EXPECT_THAT(outcome.Wait(), IsOk());
  EXPECT_EQ(server_side.calls(), 1);
}

TEST(GrpcCse, UnreachableIsUnavailableInBoundedTime) {
  int port = 0;
  {
    Cse probe(Ok);
    StartServer(&probe, &port)->Shutdown();
  }
  GrpcCse cse(Channel(port), {/*patience=*/absl::Milliseconds(200)});
  Outcome patient, hurried;
  const absl::Time start = absl::Now();
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Seconds(60)), patient.Done());
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_RETRIEVE), In(absl::Milliseconds(50)), hurried.Done());
  EXPECT_THAT(hurried.Wait(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(patient.Wait(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST(GrpcCse, ReadsAreRepeatedAndWritesOnlyWhenNothingWasPerformed) {
  std::atomic<int> refusals{0};
  std::atomic<bool> says_so{false};
  std::atomic<grpc::StatusCode> code{grpc::StatusCode::UNAVAILABLE};
  Cse server_side([&](grpc::CallbackServerContext* context, const HandleRequest& request, HandleResponse* response,
                      grpc::ServerUnaryReactor* reactor) {
    if (refusals.fetch_sub(1) <= 0) return Ok(context, request, response, reactor);
    if (says_so) context->AddTrailingMetadata(kNotPerformedTrailer, "1");
    reactor->Finish(grpc::Status(code, "draining"));
  });
  int port = 0;
  const auto server = StartServer(&server_side, &port);
  GrpcCse cse(Channel(port), {});

  refusals = 2;
  Outcome read;
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_RETRIEVE), In(absl::Seconds(10)), read.Done());
  EXPECT_THAT(read.Wait(), IsOk());
  EXPECT_EQ(server_side.calls(), 3);

  refusals = 2;
  says_so = true;
  Outcome certain;
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Seconds(10)), certain.Done());
  EXPECT_THAT(certain.Wait(), IsOk());
  EXPECT_EQ(server_side.calls(), 6);

  refusals = 1;
  says_so = false;
  Outcome uncertain;
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Seconds(10)), uncertain.Done());
  EXPECT_THAT(uncertain.Wait(), StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(server_side.calls(), 7);

  // What gRPC says to a call that reaches a server which is being shut down.
  code = grpc::StatusCode::CANCELLED;
  refusals = 1;
  Outcome late_read;
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_RETRIEVE), In(absl::Seconds(10)), late_read.Done());
  EXPECT_THAT(late_read.Wait(), IsOk());
  EXPECT_EQ(server_side.calls(), 9);
  refusals = 1;
  Outcome late_write;
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Seconds(10)), late_write.Done());
  EXPECT_THAT(late_write.Wait(), StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(server_side.calls(), 10);
}

TEST(GrpcCse, DeadlineAndShutdownEndACall) {
  std::mutex mutex;
  std::vector<grpc::ServerUnaryReactor*> hung;
  Cse server_side(
      [&](grpc::CallbackServerContext*, const HandleRequest&, HandleResponse*, grpc::ServerUnaryReactor* reactor) {
        std::lock_guard<std::mutex> lock(mutex);
        hung.push_back(reactor);
      });
  int port = 0;
  const auto server = StartServer(&server_side, &port);
  GrpcCse cse(Channel(port), {});
  Outcome late, stopped, after;
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Milliseconds(200)), late.Done());
  EXPECT_THAT(late.Wait(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Seconds(60)), stopped.Done());
  for (int i = 0; i < 20000 && server_side.calls() < 2; ++i) absl::SleepFor(absl::Milliseconds(1));
  ASSERT_GE(server_side.calls(), 2) << "the second call did not arrive within 20 s";
  cse.Shutdown();
  EXPECT_THAT(stopped.Wait(), StatusIs(absl::StatusCode::kCancelled));
  cse.Handle(Request(onem2m::v1::OPERATION_TYPE_UPDATE), In(absl::Seconds(60)), after.Done());
  EXPECT_THAT(after.Wait(), StatusIs(absl::StatusCode::kUnavailable));
  std::lock_guard<std::mutex> lock(mutex);
  for (grpc::ServerUnaryReactor* reactor : hung) reactor->Finish(grpc::Status::CANCELLED);
}

}  // namespace
}  // namespace isthmus::mqtt_binding
