#include "services/mqtt_binding/server/notification_server.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
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
#include "services/lib/clock/clock.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/mqtt_binding/core/fake_mqtt_client.h"

namespace isthmus::mqtt_binding {
namespace {

using onem2m::v1::NotifyRequest;
using onem2m::v1::NotifyResponse;

class NotificationServerTest : public ::testing::Test {
 protected:
  NotificationServerTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = onem2m::v1::NotificationService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  static std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> Codecs() {
    std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> codecs;
    codecs.push_back(std::make_unique<onem2m::JsonCodec>());
    return codecs;
  }
  static NotifyRequest Request(const std::string& target) {
    NotifyRequest request;
    request.set_target(target);
    request.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_NOTIFY);
    request.mutable_primitive()->set_to(target);
    request.mutable_primitive()->set_request_identifier("n1");
    return request;
  }
  grpc::Status Notify(const NotifyRequest& request, NotifyResponse* response, int deadline_ms = 10'000) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(deadline_ms));
    return stub_->Notify(&context, request, response);
  }

  SystemClock clock_;
  TopicScheme scheme_{"/id-in", ""};
  onem2m::CodecRegistry codecs_{Codecs()};
  FakeMqttClient mqtt_;
  Notifier notifier_{&scheme_, &codecs_, &mqtt_, &clock_, {"127.0.0.1:1883"}};
  NotificationServer service_{&notifier_, absl::Seconds(30)};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<onem2m::v1::NotificationService::Stub> stub_;
};

TEST_F(NotificationServerTest, GivesTheAnswerOfTheTarget) {
  std::thread target([this] {
    bool sent = false;
    for (int i = 0; i < 20000 && !sent; ++i) {
      sent = !mqtt_.Take().empty();
      if (!sent) absl::SleepFor(absl::Milliseconds(1));
    }
    EXPECT_TRUE(sent) << "nothing was published within 20 s";
    notifier_.OnAnswer({TopicKind::kResponse, "id-in", "Cmon", "json"}, R"({"rsc":2000,"rqi":"n1","rvi":"4"})");
  });
  NotifyResponse response;
  const grpc::Status status = Notify(Request("Cmon"), &response);
  target.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.primitive().response_status_code(), 2000u);
}

TEST_F(NotificationServerTest, FailuresKeepTheirCode) {
  NotifyResponse response;
  EXPECT_EQ(Notify(Request("http://x/y"), &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  mqtt_.set_connected(false);
  EXPECT_EQ(Notify(Request("Cmon"), &response).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(NotificationServerTest, SilenceOfTheTargetIsToldFromSilenceOfTheLine) {
  const auto at_broker = [this](int deadline_ms, bool tick) {
    std::atomic<bool> ended{false};
    std::thread ticker([&] {
      while (tick && !ended) {
        notifier_.Tick();
        absl::SleepFor(absl::Milliseconds(1));  // the pace of the ticker, and nothing that is waited for
      }
    });
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(deadline_ms));
    NotifyResponse response;
    const grpc::Status status = stub_->Notify(&context, Request("Cmon"), &response);
    ended = true;
    ticker.join();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    return context.GetServerTrailingMetadata().count(kAtBrokerTrailer) == 1;
  };
  EXPECT_TRUE(at_broker(2000, true));
  EXPECT_FALSE(at_broker(200, false)) << "the call ended by its own deadline";
  const absl::Time end = absl::Now() + absl::Seconds(10);
  while (notifier_.pending() > 0 && absl::Now() < end) notifier_.Tick();
  EXPECT_EQ(notifier_.pending(), 0u);
}

TEST_F(NotificationServerTest, SilenceEndsWithTheDeadlineOfTheCall) {
  NotifyResponse response;
  EXPECT_EQ(Notify(Request("Cmon"), &response, 50).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  const absl::Time end = absl::Now() + absl::Seconds(10);
  while (notifier_.pending() > 0 && absl::Now() < end) notifier_.Tick();
  EXPECT_EQ(notifier_.pending(), 0u);
}

}  // namespace
}  // namespace isthmus::mqtt_binding
