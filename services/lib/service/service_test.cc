#include "services/lib/service/service.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/validate_service_config.h"
#include "gtest/gtest.h"
#include "isthmus/session/v1/session.grpc.pb.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::service {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kBound = absl::Seconds(10);

config::Config MakeConfig(std::vector<std::string> flags) {
  static const config::Schema* const schema = [] {
    auto* made = new config::Schema("test", "A test.");
    AddCommonKeys(*made, "127.0.0.1:0");
    return made;
  }();
  std::vector<const char*> argv = {"test"};
  for (const std::string& flag : flags) argv.push_back(flag.c_str());
  const char* const environment[] = {nullptr};
  return config::Load(*schema, static_cast<int>(argv.size()), argv.data(), environment).value();
}

// Waits until `condition` holds, for kBound at most.
bool Eventually(const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + kBound;
  while (!condition()) {
    if (absl::Now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class EmptySessions final : public session::v1::SessionService::CallbackService {
 public:
  grpc::ServerUnaryReactor* ListSessions(grpc::CallbackServerContext* context, const session::v1::ListSessionsRequest*,
                                         session::v1::ListSessionsResponse*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const int call = ++calls;
    reactor->Finish(call <= failures ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "not yet") : grpc::Status::OK);
    return reactor;
  }
  std::atomic<int> calls{0};
  int failures = 0;
};

class RuntimeTest : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> flags = {}) {
    config_ = std::make_unique<config::Config>(MakeConfig(std::move(flags)));
    runtime_ = std::make_unique<Runtime>(*config_);
    runtime_->AddGrpcService(&sessions_);
    runtime_->OnDrain([this](absl::Duration left) {
      drained_.push_back("first");
      left_ = left;
      health_while_draining_ = Health();
    });
    runtime_->OnDrain([this](absl::Duration) { drained_.push_back("second"); });
    result_ = std::async(std::launch::async, [this] { return runtime_->Serve(); });
    ASSERT_TRUE(Eventually([this] { return runtime_->grpc_port() != 0; }));
    channel_ = MakeChannel(absl::StrCat("127.0.0.1:", runtime_->grpc_port()), "isthmus.session.v1.SessionService");
  }
  void TearDown() override {
    if (result_.valid()) {
      runtime_->Stop();
      result_.wait();
    }
  }

  // One call of any method, by its octets.
  grpc::Status Call(const std::string& method, const std::string& request, std::string* response,
                    absl::Duration timeout = kBound) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    grpc::Slice slice(request);
    grpc::ByteBuffer in(&slice, 1), out;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, method, grpc::StubOptions(), &in, &out,
                   [&](grpc::Status status) { done.set_value(std::move(status)); });
    grpc::Status status = done.get_future().get();
    grpc::Slice single;
    if (status.ok() && response != nullptr && out.DumpToSingleSlice(&single).ok()) {
      response->assign(reinterpret_cast<const char*>(single.begin()), single.size());
    }
    return status;
  }
  // 1 = SERVING, 2 = NOT_SERVING, as in grpc.health.v1; -1 = no answer.
  int Health() {
    std::string response;
    const grpc::Status status = Call("/grpc.health.v1.Health/Check", "", &response);
    if (!status.ok() || response.size() != 2) return -1;
    return response[1];
  }
  grpc::Status ListSessions(absl::Duration timeout = kBound) {
    return Call("/isthmus.session.v1.SessionService/ListSessions", "", nullptr, timeout);
  }

  EmptySessions sessions_;
  std::unique_ptr<config::Config> config_;
  std::unique_ptr<Runtime> runtime_;
  std::shared_ptr<grpc::Channel> channel_;
  std::future<absl::Status> result_;
  std::vector<std::string> drained_;
  absl::Duration left_;
  int health_while_draining_ = 0;
};

TEST_F(RuntimeTest, ServesWithHealthAndEndsCleanly) {
  Start();
  EXPECT_TRUE(ListSessions().ok());
  EXPECT_EQ(Health(), 1);
  runtime_->SetServing(false);
  EXPECT_EQ(Health(), 2);
  runtime_->SetServing(true);
  EXPECT_EQ(Health(), 1);
  runtime_->Stop();
  EXPECT_THAT(result_.get(), IsOk());
  EXPECT_THAT(drained_, ElementsAre("first", "second"));
  EXPECT_EQ(health_while_draining_, 2) << "not ready before the first drain callback";
  EXPECT_GT(left_, absl::Seconds(5));
  EXPECT_LE(left_, absl::Seconds(10));
}

TEST_F(RuntimeTest, ReflectionIsThere) {
  Start();
  // Asking the reflection service as a unary call is not how it is meant, but tells it from an unknown one.
  EXPECT_NE(Call("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "", nullptr).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Call("/grpc.reflection.v1alpha.ServerReflection/Other", "", nullptr).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(RuntimeTest, SigtermEndsIt) {
  Start();
  kill(getpid(), SIGTERM);
  EXPECT_THAT(result_.get(), IsOk());
  EXPECT_THAT(drained_, ElementsAre("first", "second"));
}

TEST_F(RuntimeTest, FailureIsWhatServeReturns) {
  Start();
  runtime_->Fail(absl::DataLossError("the store is gone"));
  runtime_->Fail(absl::InternalError("later"));
  EXPECT_THAT(result_.get(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("the store is gone")));
}

TEST_F(RuntimeTest, StopBeforeServeIsNotLost) {
  const config::Config config = MakeConfig({});
  Runtime runtime(config);
  runtime.Stop();
  EXPECT_THAT(runtime.Serve(), IsOk());
}

TEST_F(RuntimeTest, ATakenPortIsAnError) {
  Start();
  const std::string listen = absl::StrCat("127.0.0.1:", runtime_->grpc_port());
  const config::Config config = MakeConfig({"--grpc.listen=" + listen});
  Runtime second(config);
  EXPECT_THAT(second.Serve(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr(listen)));
}

TEST_F(RuntimeTest, AnAddressThatIsNoneIsAnError) {
  const config::Config config = MakeConfig({"--grpc.listen=nonsense:port"});
  Runtime runtime(config);
  EXPECT_THAT(runtime.Serve(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("nonsense:port")));
}

TEST_F(RuntimeTest, UnavailableIsRetried) {
  Start();
  sessions_.failures = 3;
  EXPECT_TRUE(ListSessions().ok());
  EXPECT_EQ(sessions_.calls, 4);
}

TEST_F(RuntimeTest, CallsWaitForANeighbourThatRestarts) {
  Start();
  const int port = runtime_->grpc_port();
  ASSERT_TRUE(ListSessions().ok());
  runtime_->Stop();
  ASSERT_THAT(result_.get(), IsOk());
  std::future<grpc::Status> waiting = std::async(std::launch::async, [this] { return ListSessions(); });
  const config::Config config = MakeConfig({absl::StrCat("--grpc.listen=127.0.0.1:", port)});
  Runtime again(config);
  again.AddGrpcService(&sessions_);
  std::future<absl::Status> result = std::async(std::launch::async, [&] { return again.Serve(); });
  EXPECT_TRUE(waiting.get().ok());
  again.Stop();
  EXPECT_THAT(result.get(), IsOk());
}

TEST_F(RuntimeTest, MessagesOfEightMebibytesAreTheLimit) {
  Start();
  // Field 1000 is one that the message does not know: it is skipped, however long.
  const auto request = [](size_t length) {
    std::string octets = "\xC2\x3E";
    for (size_t left = length; true; left >>= 7) {
      octets += static_cast<char>((left & 0x7F) | (left >= 0x80 ? 0x80 : 0));
      if (left < 0x80) break;
    }
    return octets + std::string(length, 'x');
  };
  EXPECT_TRUE(Call("/isthmus.session.v1.SessionService/ListSessions", request(7 << 20), nullptr).ok());
  EXPECT_EQ(Call("/isthmus.session.v1.SessionService/ListSessions", request(9 << 20), nullptr).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// A client that pings an idle connection more often than any of ours does: true if the server ends the connection.
bool PingsEndTheConnection(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 50);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments);
  EXPECT_TRUE(channel->WaitForConnected(absl::ToChronoTime(absl::Now() + kBound)));
  return channel->WaitForStateChange(GRPC_CHANNEL_READY, absl::ToChronoTime(absl::Now() + absl::Seconds(6)));
}

// Field case "idle gRPC session dies of its own keepalive".
TEST_F(RuntimeTest, PingsOfAnIdleClientAreNoAbuse) {
  Start();
  // What gRPC does by default is the control: pings are a second apart at least, and its third bad one is the end.
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  const std::unique_ptr<grpc::Server> plain = builder.BuildAndStart();
  std::future<bool> control = std::async(std::launch::async, [port] { return PingsEndTheConnection(port); });
  EXPECT_FALSE(PingsEndTheConnection(runtime_->grpc_port()));
  EXPECT_TRUE(control.get());
  plain->Shutdown();
}

TEST(ChannelTest, ServiceConfigsAreValid) {
  EXPECT_EQ(grpc::experimental::ValidateServiceConfigJSON(ServiceConfig("")), "");
  EXPECT_EQ(grpc::experimental::ValidateServiceConfigJSON(ServiceConfig("isthmus.translation.v1.TranslationService")),
            "");
  EXPECT_NE(grpc::experimental::ValidateServiceConfigJSON("{\"methodConfig\":3}"), "");
}

class MainTest : public ::testing::Test {
 protected:
  MainTest() : schema_("test", "A test.") { AddCommonKeys(schema_, "127.0.0.1:0"); }
  int Run(std::vector<std::string> flags, absl::Status result = absl::OkStatus()) {
    std::vector<char*> argv;
    flags.insert(flags.begin(), "test");
    for (std::string& flag : flags) argv.push_back(flag.data());
    argv.push_back(nullptr);
    return Main(static_cast<int>(flags.size()), argv.data(), schema_, [&](Runtime& runtime) {
      ++runs_;
      level_ = runtime.config().GetText("log.level");
      return result;
    });
  }
  config::Schema schema_;
  int runs_ = 0;
  std::string level_;
};

TEST_F(MainTest, RunsTheBody) {
  EXPECT_EQ(Run({"--log.level=warning", "--log.format", "text"}), 0);
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(level_, "warning");
  EXPECT_EQ(Run({}, absl::InternalError("broken")), 1);
}

TEST_F(MainTest, WrongConfigurationIsExitStatusTwo) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Run({"--log.level=loud"}), 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("log.level must be one of"));
  EXPECT_EQ(runs_, 0);
}

TEST_F(MainTest, ActionsThatDoNotRun) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_EQ(Run({"--print-config"}), 0);
  EXPECT_EQ(Run({"--check-config"}), 0);
  const std::string output = testing::internal::GetCapturedStdout();
  EXPECT_THAT(output, HasSubstr("--grpc.listen"));
  EXPECT_THAT(output, HasSubstr("grace: 10s  # default"));
  EXPECT_THAT(output, HasSubstr("configuration ok\n"));
  EXPECT_EQ(runs_, 0);
}

using MainDeathTest = MainTest;

TEST_F(MainDeathTest, ADrainThatHangsDoesNotHoldTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const config::Config config = MakeConfig({"--shutdown.grace=0s"});
        Runtime runtime(config);
        runtime.OnDrain([](absl::Duration) { pause(); });
        runtime.Stop();
        const absl::Status status = runtime.Serve();
        std::exit(0);
      },
      testing::ExitedWithCode(1), "draining does not end");
}

}  // namespace
}  // namespace isthmus::service
