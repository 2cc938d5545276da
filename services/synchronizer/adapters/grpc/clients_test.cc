// Both clients against real servers on loopback.
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "services/lib/service/service.h"
#include "services/lib/status/status_matchers.h"
#include "services/synchronizer/adapters/grpc/binding_client.h"
#include "services/synchronizer/adapters/grpc/translation_client.h"

namespace isthmus::synchronizer {
namespace {

using status::IsOk;
using status::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;

std::string MetadataOf(const grpc::CallbackServerContext& context, const char* key) {
  auto found = context.client_metadata().find(key);
  return found == context.client_metadata().end() ? "" : std::string(found->second.data(), found->second.size());
}

class TranslationServer final : public translation::v1::TranslationService::CallbackService {
 public:
  grpc::ServerUnaryReactor* TranslateRequest(grpc::CallbackServerContext* context,
                                             const translation::v1::TranslateRequestRequest* request,
                                             translation::v1::TranslateRequestResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (request->resource().root().empty()) {
      reactor->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "resource.root: a root was expected"));
      return reactor;
    }
    if (request->resource().root() == "silent") return reactor;  // the client cancels
    if (request->resource().root() == "ending" && endings++ == 0) {
      reactor->Finish(grpc::Status::CANCELLED);
      return reactor;
    }
    response->set_mapping_version("v1");
    response->set_refusal_reason(MetadataOf(*context, "x-request-id"));
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* TranslateResponse(grpc::CallbackServerContext* context,
                                              const translation::v1::TranslateResponseRequest*,
                                              translation::v1::TranslateResponseResponse* response) override {
    response->set_mapping_version("response");
    return Ok(context);
  }
  grpc::ServerUnaryReactor* TranslateNotification(grpc::CallbackServerContext* context,
                                                  const translation::v1::TranslateNotificationRequest*,
                                                  translation::v1::TranslateNotificationResponse* response) override {
    response->set_mapping_version("notification");
    return Ok(context);
  }
  grpc::ServerUnaryReactor* DescribeDevice(grpc::CallbackServerContext* context,
                                           const translation::v1::DescribeDeviceRequest* request,
                                           translation::v1::DescribeDeviceResponse* response) override {
    response->set_node_id(request->endpoint());
    return Ok(context);
  }

  std::atomic<int> endings{0};  // how often a server that is being shut down was asked

 private:
  static grpc::ServerUnaryReactor* Ok(grpc::CallbackServerContext* context) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

class NotificationServer final : public onem2m::v1::NotificationService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Notify(grpc::CallbackServerContext* context, const onem2m::v1::NotifyRequest* request,
                                   onem2m::v1::NotifyResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (request->target() == "Csilent") {
      std::lock_guard<std::mutex> lock(mutex_);
      silent_.push_back(reactor);
      return reactor;
    }
    if (request->target() == "Cending") {
      reactor->Finish(grpc::Status::CANCELLED);
      return reactor;
    }
    if (request->target() == "Caway") {
      context->AddTrailingMetadata("isthmus-at-broker", "1");
      reactor->Finish(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "the target did not answer in time"));
      return reactor;
    }
    response->mutable_primitive()->set_request_identifier(request->primitive().request_identifier());
    response->mutable_primitive()->set_to(MetadataOf(*context, "x-request-id"));
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  // Ends the calls that were met with silence: the server waits for them.
  void EndSilent() {
    std::lock_guard<std::mutex> lock(mutex_);
    for (grpc::ServerUnaryReactor* reactor : silent_) reactor->Finish(grpc::Status::CANCELLED);
    silent_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<grpc::ServerUnaryReactor*> silent_;
};

class ClientsTest : public testing::Test {
 protected:
  ClientsTest() { Serve(0); }
  void Serve(int port) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&translation_service_);
    builder.RegisterService(&notification_service_);
    server_ = builder.BuildAndStart();
  }
  std::string Target() const { return "127.0.0.1:" + std::to_string(port_); }

  // Runs a call and waits for its end.
  template <typename Response, typename Start>
  absl::StatusOr<Response> Wait(Start start) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
    std::future<absl::StatusOr<Response>> future = promise->get_future();
    start([promise](absl::StatusOr<Response> response) { promise->set_value(std::move(response)); });
    if (future.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
      return absl::InternalError("the test waited for nothing");
    }
    return future.get();
  }
  absl::StatusOr<translation::v1::TranslateRequestResponse> Translate(TranslationClient& client,
                                                                      const std::string& root, absl::Duration timeout) {
    translation::v1::TranslateRequestRequest request;
    request.mutable_resource()->set_root(root);
    return Wait<translation::v1::TranslateRequestResponse>([&](auto callback) {
      client.TranslateRequest(request, {absl::Now() + timeout, "trace-7"}, std::move(callback));
    });
  }

  int port_ = 0;
  TranslationServer translation_service_;
  NotificationServer notification_service_;
  std::unique_ptr<grpc::Server> server_;
};

constexpr char kTranslationService[] = "isthmus.translation.v1.TranslationService";

TEST_F(ClientsTest, TranslationAnswersAndCarriesTheTraceId) {
  TranslationClient client(service::MakeChannel(Target(), kTranslationService));
  const auto response = Translate(client, "m2m:bat", absl::Seconds(10));
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->mapping_version(), "v1");
  EXPECT_EQ(response->refusal_reason(), "trace-7");
  const CallContext context{absl::Now() + absl::Seconds(10), ""};
  EXPECT_EQ(Wait<translation::v1::TranslateResponseResponse>([&](auto callback) {
              client.TranslateResponse({}, context, std::move(callback));
            })->mapping_version(),
            "response");
  EXPECT_EQ(Wait<translation::v1::TranslateNotificationResponse>([&](auto callback) {
              client.TranslateNotification({}, context, std::move(callback));
            })->mapping_version(),
            "notification");
  translation::v1::DescribeDeviceRequest describe;
  describe.set_endpoint("dev");
  EXPECT_EQ(Wait<translation::v1::DescribeDeviceResponse>([&](auto callback) {
              client.DescribeDevice(describe, context, std::move(callback));
            })->node_id(),
            "dev");
}

TEST_F(ClientsTest, TranslationErrorsKeepTheirCodeAndText) {
  TranslationClient client(service::MakeChannel(Target(), kTranslationService));
  EXPECT_THAT(Translate(client, "", absl::Seconds(10)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("resource.root")));
}

TEST_F(ClientsTest, TranslationWaitsForAServerThatComesBack) {
  const int port = port_;
  TranslationClient client(service::MakeChannel(Target(), kTranslationService));
  ASSERT_THAT(Translate(client, "m2m:bat", absl::Seconds(10)), IsOk());
  server_->Shutdown();
  server_.reset();
  translation::v1::TranslateRequestRequest request;
  request.mutable_resource()->set_root("m2m:bat");
  const auto response = Wait<translation::v1::TranslateRequestResponse>([&](auto callback) {
    client.TranslateRequest(request, {absl::Now() + absl::Seconds(15), ""}, std::move(callback));
    Serve(port);
  });
  EXPECT_THAT(response, IsOk());
}

TEST_F(ClientsTest, TranslationEndsAtItsDeadline) {
  server_->Shutdown();
  TranslationClient client(service::MakeChannel(Target(), kTranslationService));
  EXPECT_THAT(Translate(client, "m2m:bat", absl::Milliseconds(50)), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(ClientsTest, AClientThatEndsLeavesNoCallUnanswered) {
  server_->Shutdown();  // nobody will answer
  TranslationClient client(service::MakeChannel(Target(), kTranslationService));
  translation::v1::TranslateRequestRequest request;
  request.mutable_resource()->set_root("m2m:bat");
  std::vector<absl::Status> heard;
  const auto callback = [&](const absl::StatusOr<translation::v1::TranslateRequestResponse>& response) {
    heard.push_back(response.status());
  };
  client.TranslateRequest(request, {absl::Now() + absl::Hours(1), ""}, callback);
  client.End();
  client.TranslateRequest(request, {absl::Now() + absl::Hours(1), ""}, callback);
  EXPECT_THAT(heard, ElementsAre(StatusIs(absl::StatusCode::kCancelled), StatusIs(absl::StatusCode::kCancelled)));
}

// Field case "gRPC clients that stay on the old address": gRPC says CANCELLED to what reaches a server that is being
// shut down; translation is pure, so another replica may be asked.
TEST_F(ClientsTest, TranslationThatIsBeingShutDownIsAskedAgain) {
  TranslationClient client(service::MakeChannel(Target(), kTranslationService));
  translation::v1::TranslateRequestRequest request;
  request.mutable_resource()->set_root("ending");
  const auto response = Wait<translation::v1::TranslateRequestResponse>([&](auto callback) {
    client.TranslateRequest(request, {absl::Now() + absl::Seconds(10), ""}, std::move(callback));
  });
  EXPECT_THAT(response, IsOk());
  EXPECT_EQ(translation_service_.endings, 2);
}

TEST_F(ClientsTest, BindingAnswers) {
  BindingClient client(service::MakeChannel(Target()));
  onem2m::v1::NotifyRequest request;
  request.set_target("Cmon");
  request.mutable_primitive()->set_request_identifier("n1");
  const auto response = Wait<onem2m::v1::NotifyResponse>(
      [&](auto callback) { client.Notify(request, absl::Seconds(10), std::move(callback)); });
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->primitive().request_identifier(), "n1");
  EXPECT_EQ(response->primitive().to(), "n1");
}

// Field case "idle gRPC session": on a line that has died without a word nobody knows whether the broker has it.
TEST_F(ClientsTest, SilenceOfTheLineIsNotThatOfTheTarget) {
  BindingClient client(service::MakeChannel(Target()));
  const auto notify = [&](const std::string& target) {
    onem2m::v1::NotifyRequest request;
    request.set_target(target);
    return Wait<onem2m::v1::NotifyResponse>(
        [&](auto callback) { client.Notify(request, absl::Milliseconds(300), std::move(callback)); });
  };
  EXPECT_THAT(notify("Caway"), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(notify("Csilent"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(notify("Cending"), StatusIs(absl::StatusCode::kUnavailable));
  notification_service_.EndSilent();
}

TEST_F(ClientsTest, BindingWithoutServerIsUnavailableAtOnce) {
  server_->Shutdown();
  BindingClient client(service::MakeChannel(Target()));
  EXPECT_THAT(Wait<onem2m::v1::NotifyResponse>(
                  [&](auto callback) { client.Notify({}, absl::Seconds(15), std::move(callback)); }),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace isthmus::synchronizer
