// The whole service as a process of its own, between neighbours that this test plays on loopback: translation,
// mqtt_binding and a connector, with a real session.
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "isthmus/onem2m/v1/cse.grpc.pb.h"
#include "isthmus/translation/v1/translation.grpc.pb.h"
#include "services/lib/clock/clock.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/session/grpc_stream.h"
#include "services/lib/session/session.h"
#include "services/lib/status/grpc_status.h"
#include "services/synchronizer/core/device/fake_session.h"
#include "services/synchronizer/core/device/fake_translation.h"

extern char** environ;

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::HandleResponse;

// FakeTranslation as a service.
class TranslationServer final : public translation::v1::TranslationService::CallbackService {
 public:
  grpc::ServerUnaryReactor* TranslateRequest(grpc::CallbackServerContext* context,
                                             const translation::v1::TranslateRequestRequest* request,
                                             translation::v1::TranslateRequestResponse* response) override {
    return Answer(context, response, [&](auto done) { fake.TranslateRequest(*request, {}, done); });
  }
  grpc::ServerUnaryReactor* TranslateResponse(grpc::CallbackServerContext* context,
                                              const translation::v1::TranslateResponseRequest* request,
                                              translation::v1::TranslateResponseResponse* response) override {
    return Answer(context, response, [&](auto done) { fake.TranslateResponse(*request, {}, done); });
  }
  grpc::ServerUnaryReactor* TranslateNotification(grpc::CallbackServerContext* context,
                                                  const translation::v1::TranslateNotificationRequest* request,
                                                  translation::v1::TranslateNotificationResponse* response) override {
    return Answer(context, response, [&](auto done) { fake.TranslateNotification(*request, {}, done); });
  }
  grpc::ServerUnaryReactor* DescribeDevice(grpc::CallbackServerContext* context,
                                           const translation::v1::DescribeDeviceRequest* request,
                                           translation::v1::DescribeDeviceResponse* response) override {
    return Answer(context, response, [&](auto done) { fake.DescribeDevice(*request, {}, done); });
  }

  FakeTranslation fake;

 private:
  template <typename Response, typename Ask>
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, Response* response, Ask ask) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    ask([&](absl::StatusOr<Response> answer) {
      if (answer.ok()) *response = *std::move(answer);
      reactor->Finish(status::ToGrpc(answer.status()));
    });
    return reactor;
  }
};

class BindingServer final : public onem2m::v1::NotificationService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Notify(grpc::CallbackServerContext* context, const onem2m::v1::NotifyRequest* request,
                                   onem2m::v1::NotifyResponse* response) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      requests_.push_back(*request);
    }
    response->mutable_primitive()->set_response_status_code(2000);
    response->mutable_primitive()->set_request_identifier(request->primitive().request_identifier());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  std::vector<onem2m::v1::NotifyRequest> requests() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<onem2m::v1::NotifyRequest> requests_;
};

int FreePort() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  bind(descriptor, reinterpret_cast<sockaddr*>(&address), length);
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  close(descriptor);
  return ntohs(address.sin_port);
}

bool Within(absl::Duration limit, const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + limit;
  while (!condition()) {
    if (absl::Now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class SynchronizerTest : public testing::Test {
 protected:
  SynchronizerTest() {
    session::ServerEnd::Callbacks callbacks;
    callbacks.on_request = [this](const session::v1::Request& request,
                                  const std::function<void(lwm2m::v1::OperationResult)>& done) {
      ++operations_;
      done(request.operation().has_read() ? Content({{"/3/0/9", battery_.load()}}) : Answered(204));
    };
    callbacks.on_interests = [this](const std::vector<session::v1::Interest>& interests) {
      interests_ = static_cast<int>(interests.size());
    };
    callbacks.list_registrations = [] { return std::vector<lwm2m::v1::Registration>(); };
    server_end_ = std::make_unique<session::ServerEnd>("connector", outbox_.get(), &clock_, callbacks);
    session_server_ = std::make_unique<session::SessionServer>(
        [this](std::shared_ptr<session::FrameStream> stream) {
          ++streams_;
          server_end_->Attach(std::move(stream), /*opened_by_us=*/false);
        },
        [this] { return server_end_->Describe(); });
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &neighbours_port_);
    builder.RegisterService(&translation_);
    builder.RegisterService(&binding_);
    builder.RegisterService(session_server_.get());
    server_ = builder.BuildAndStart();
    store_ = absl::StrCat(std::getenv("TEST_TMPDIR"), "/", FreePort(), ".db");
  }
  ~SynchronizerTest() override {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
    server_end_->Shutdown("the test ends");
    session_server_->EndAll(absl::Seconds(1));
    server_->Shutdown();
  }

  void StartProcess(std::string connector = "default") {
    const std::string neighbours = absl::StrCat("127.0.0.1:", neighbours_port_);
    if (connector == "default") connector = neighbours;
    const int port = FreePort();
    process_port_ = port;
    std::vector<std::string> arguments = {"services/synchronizer/synchronizer",
                                          absl::StrCat("--grpc.listen=127.0.0.1:", port),
                                          absl::StrCat("--store.path=", store_),
                                          absl::StrCat("--translation.target=", neighbours),
                                          absl::StrCat("--binding.target=", neighbours),
                                          absl::StrCat("--connector.target=", connector),
                                          "--session.timeout=300ms",
                                          "--log.format=text"};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ASSERT_EQ(posix_spawn(&process_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
    cse_ = onem2m::v1::CseService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
    ASSERT_TRUE(Within(absl::Seconds(20), [this] { return Code(Retrieve("cse-in")) == 2000; }));
  }
  // Exit status, or -1.
  int EndProcess(int signal) {
    kill(process_, signal);
    int status = -1;
    const bool ended = Within(absl::Seconds(10), [&] { return waitpid(process_, &status, WNOHANG) == process_; });
    if (!ended) return -1;
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  bool SessionUp() {
    return Within(absl::Seconds(20), [this] {
      for (const session::v1::Session& session : server_end_->Describe()) {
        if (session.state() == session::v1::SESSION_STATE_ESTABLISHED) return true;
      }
      return false;
    });
  }

  HandleResponse Handle(const onem2m::v1::HandleRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context.set_wait_for_ready(true);
    HandleResponse response;
    const grpc::Status status = cse_->Handle(&context, request, &response);
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::UNAVAILABLE) << status.error_message();
    return response;
  }
  HandleResponse Retrieve(const std::string& to) {
    onem2m::v1::HandleRequest request;
    SetCommon(&request, onem2m::v1::OPERATION_TYPE_RETRIEVE, to, "CAdmin");
    return Handle(request);
  }
  HandleResponse Create(const std::string& to, const std::string& from, uint32_t type, const std::string& root,
                        onem2m::v1::Object content) {
    onem2m::v1::HandleRequest request;
    SetCommon(&request, onem2m::v1::OPERATION_TYPE_CREATE, to, from);
    request.mutable_primitive()->set_resource_type(type);
    request.mutable_primitive()->mutable_primitive_content()->set_name(root);
    *request.mutable_primitive()->mutable_primitive_content()->mutable_value() = onem2m::Complex(std::move(content));
    return Handle(request);
  }
  static void SetCommon(onem2m::v1::HandleRequest* request, onem2m::v1::OperationType operation, const std::string& to,
                        const std::string& from) {
    request->mutable_primitive()->set_operation(operation);
    request->mutable_primitive()->set_to(to);
    request->mutable_primitive()->set_from(from);
    request->mutable_primitive()->set_request_identifier("q");
    request->mutable_primitive()->set_release_version_indicator("4");
  }
  static uint32_t Code(const HandleResponse& response) { return response.primitive().response_status_code(); }
  static int64_t Attribute(const HandleResponse& response, const std::string& name) {
    const onem2m::v1::Value* value = onem2m::Find(response.primitive().primitive_content().value().object(), name);
    return value == nullptr ? -1 : value->integer();
  }
  static std::string Debug(const HandleResponse& response) { return response.ShortDebugString(); }

  void PublishRegistered() {
    session::v1::Event event;
    event.set_endpoint("dev");
    lwm2m::v1::Registration& registration = *event.mutable_registered()->mutable_registration();
    registration.set_endpoint("dev");
    registration.set_registration_id("rd/1");
    registration.set_address("192.0.2.1:5683");
    *registration.add_links()->mutable_path() = lwm2m::MakePath(3, 0);
    server_end_->Publish(std::move(event));
  }
  void PublishBattery(int64_t level) {
    session::v1::Event event;
    event.set_endpoint("dev");
    *event.mutable_notification()->mutable_path() = lwm2m::MakePath(3, 0);
    *event.mutable_notification()->mutable_nodes() = Content({{"/3/0/9", level}}).nodes();
    server_end_->Publish(std::move(event));
  }
  bool DeviceKnown() {
    PublishRegistered();
    return Within(absl::Seconds(20), [this] { return Attribute(Retrieve("cse-in/dev/o3-0"), "r9") == battery_; });
  }

  SystemClock clock_;
  TranslationServer translation_;
  BindingServer binding_;
  std::unique_ptr<session::Outbox> outbox_ = session::MakeMemoryOutbox("e1");
  std::unique_ptr<session::ServerEnd> server_end_;
  std::unique_ptr<session::SessionServer> session_server_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<onem2m::v1::CseService::Stub> cse_;
  int neighbours_port_ = 0;
  std::string store_;
  pid_t process_ = 0;
  int process_port_ = 0;
  std::atomic<int64_t> battery_{80};
  std::atomic<int> operations_{0};
  std::atomic<int> interests_{0};
  std::atomic<int> streams_{0};
};

TEST_F(SynchronizerTest, ADeviceIsReadThroughTheWholeService) {
  StartProcess();
  ASSERT_TRUE(SessionUp());
  ASSERT_TRUE(DeviceKnown());
  // One session round trip and one call to translation for a RETRIEVE.
  const int operations = operations_;
  const int responses = translation_.fake.responses;
  const int requests = translation_.fake.requests;
  battery_ = 61;
  const HandleResponse response = Retrieve("cse-in/dev/o3-0");
  EXPECT_EQ(Code(response), 2000u) << Debug(response);
  EXPECT_EQ(Attribute(response, "r9"), 61);
  EXPECT_EQ(operations_, operations + 1);
  EXPECT_EQ(translation_.fake.responses, responses + 1);
  EXPECT_EQ(translation_.fake.requests, requests);
  ASSERT_EQ(response.steps_size(), 1);
  EXPECT_EQ(response.steps(0).operation(), "Read /3/0");
  EXPECT_EQ(EndProcess(SIGTERM), 0);
}

TEST_F(SynchronizerTest, ASubscriptionBringsNotificationsInOrder) {
  StartProcess();
  ASSERT_TRUE(SessionUp());
  ASSERT_TRUE(DeviceKnown());
  onem2m::v1::Object application;
  onem2m::Set(application, "api", onem2m::Text("Nmon"));
  onem2m::Set(application, "rr", onem2m::Boolean(true));
  onem2m::Set(application, "srv", onem2m::TextList({"4"}));
  HandleResponse response = Create("cse-in", "Cmon", 2, "m2m:ae", application);
  ASSERT_EQ(Code(response), 2001u) << Debug(response);
  onem2m::v1::Object subscription;
  onem2m::Set(subscription, "nu", onem2m::TextList({"Cmon"}));
  response = Create("cse-in/dev/o3-0", "CAdmin", 23, "m2m:sub", subscription);
  ASSERT_EQ(Code(response), 2001u) << Debug(response);
  ASSERT_TRUE(Within(absl::Seconds(20), [this] { return interests_ == 1; }));
  const size_t before = binding_.requests().size();  // the verification
  for (int level = 1; level <= 50; ++level) PublishBattery(level);
  ASSERT_TRUE(Within(absl::Seconds(20), [&] { return binding_.requests().size() >= before + 50; }));
  const auto requests = binding_.requests();
  EXPECT_EQ(requests.size(), before + 50);
  for (int level = 1; level <= 50; ++level) {
    EXPECT_EQ(requests[before + level - 1].target(), "Cmon");
    EXPECT_THAT(requests[before + level - 1].primitive().ShortDebugString(),
                testing::HasSubstr(absl::StrCat("integer: ", level, " ")));
  }
  // All of it is acknowledged: nothing is left at the server.
  EXPECT_TRUE(Within(absl::Seconds(20), [this] { return outbox_->Read("/id-in", 0, 1).empty(); }));
}

TEST_F(SynchronizerTest, AfterAKillItGoesOnWhereItWas) {
  StartProcess();
  ASSERT_TRUE(SessionUp());
  ASSERT_TRUE(DeviceKnown());
  // Applied to the end, its position stored: what is killed earlier is told of the registration again, and rightly so.
  ASSERT_TRUE(Within(absl::Seconds(20), [this] { return outbox_->Read("/id-in", 0, 1).empty(); }));
  EXPECT_EQ(EndProcess(SIGKILL), -1);
  const int descriptions = translation_.fake.descriptions;
  session::v1::Event gone;
  gone.set_endpoint("dev");
  gone.mutable_deregistered()->set_reason(session::v1::DEREGISTRATION_REASON_EXPIRED);
  server_end_->Publish(std::move(gone));  // while it is away
  StartProcess();
  ASSERT_TRUE(SessionUp());
  ASSERT_TRUE(Within(absl::Seconds(20), [this] { return Code(Retrieve("cse-in/dev/o3-0")) == 6003; }));
  const HandleResponse node = Retrieve("cse-in/dev");
  EXPECT_EQ(Code(node), 2000u);
  EXPECT_THAT(Debug(node), testing::HasSubstr("Isthmus-State:lost"));
  EXPECT_EQ(translation_.fake.descriptions, descriptions);  // no snapshot, nothing described anew
  EXPECT_EQ(EndProcess(SIGTERM), 0);
}

TEST_F(SynchronizerTest, WithoutAConnectorItAnswers6020InTime) {
  StartProcess();
  ASSERT_TRUE(SessionUp());
  ASSERT_TRUE(DeviceKnown());
  ASSERT_EQ(EndProcess(SIGTERM), 0);
  StartProcess(absl::StrCat("127.0.0.1:", FreePort()));
  const absl::Time start = absl::Now();
  const HandleResponse response = Retrieve("cse-in/dev/o3-0");
  EXPECT_EQ(Code(response), 6020u) << Debug(response);
  EXPECT_LT(absl::Now() - start, absl::Seconds(3));
  EXPECT_EQ(EndProcess(SIGTERM), 0);
}

TEST_F(SynchronizerTest, TheServerMayOpenTheSession) {
  StartProcess(/*connector=*/"");
  EXPECT_EQ(streams_, 0);
  const auto channel =
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", process_port_), grpc::InsecureChannelCredentials());
  server_end_->Attach(session::OpenStream(channel), /*opened_by_us=*/true);
  ASSERT_TRUE(SessionUp());
  ASSERT_TRUE(DeviceKnown());
  const auto stub = session::v1::SessionService::NewStub(channel);
  grpc::ClientContext context;
  session::v1::ListSessionsResponse sessions;
  ASSERT_TRUE(stub->ListSessions(&context, {}, &sessions).ok());
  ASSERT_EQ(sessions.sessions_size(), 1);
  EXPECT_EQ(sessions.sessions(0).peer(), "connector");
  EXPECT_EQ(sessions.sessions(0).initiator(), session::v1::ROLE_LWM2M_SERVER);
  EXPECT_EQ(EndProcess(SIGINT), 0);
}

TEST_F(SynchronizerTest, RefusesAConfigurationThatMakesNoSense) {
  std::vector<std::string> arguments = {"services/synchronizer/synchronizer", "--device.timeuot=3s"};
  std::vector<char*> argv = {arguments[0].data(), arguments[1].data(), nullptr};
  ASSERT_EQ(posix_spawn(&process_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
  int status = 0;
  ASSERT_EQ(waitpid(process_, &status, 0), process_);
  process_ = 0;
  EXPECT_EQ(WEXITSTATUS(status), 2);
}

}  // namespace
}  // namespace isthmus::synchronizer
