#include "services/synchronizer/server/cse_service.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::HandleRequest;
using onem2m::v1::HandleResponse;

class CseServiceTest : public testing::Test {
 protected:
  using Done = std::function<void(HandleResponse)>;

  CseServiceTest()
      : service_(
            [this](const HandleRequest& request, Done done) {
              {
                std::lock_guard<std::mutex> lock(mutex_);
                seen_.push_back(request);
                if (hold_) {
                  held_.push_back(std::move(done));
                  changed_.notify_all();
                  return;
                }
              }
              Answer(request, done);
            },
            &clock_, &ids_) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = onem2m::v1::CseService::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
    service_.SetServing(true);
  }

  static void Answer(const HandleRequest& request, const Done& done) {
    HandleResponse response;
    response.mutable_primitive()->set_response_status_code(2000);
    response.mutable_primitive()->set_request_identifier(request.primitive().request_identifier());
    response.add_steps()->set_operation("Read /3/0");
    done(response);
    done(HandleResponse());  // once too often; must do no harm
  }
  grpc::Status Call(HandleRequest request, HandleResponse* response, const std::string& header = "") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!header.empty()) context.AddMetadata("x-request-id", header);
    return stub_->Handle(&context, request, response);
  }
  bool WaitForHeld() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !held_.empty(); });
  }

  SystemClock clock_;
  CountingIdSource ids_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hold_ = false;
  std::vector<HandleRequest> seen_;
  std::vector<Done> held_;
  CseService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<onem2m::v1::CseService::Stub> stub_;
};

TEST_F(CseServiceTest, HandsOverAndAnswers) {
  HandleRequest request;
  request.mutable_primitive()->set_request_identifier("q1");
  HandleResponse response;
  ASSERT_TRUE(Call(request, &response).ok());
  EXPECT_EQ(response.primitive().response_status_code(), 2000u);
  EXPECT_EQ(response.primitive().request_identifier(), "q1");
  EXPECT_EQ(response.steps_size(), 1);
}

TEST_F(CseServiceTest, TheTraceIdIsTheCallersOrMade) {
  HandleRequest request;
  HandleResponse response;
  ASSERT_TRUE(Call(request, &response).ok());
  ASSERT_TRUE(Call(request, &response, "from-header").ok());
  request.set_trace_id("from-request");
  ASSERT_TRUE(Call(request, &response, "from-header").ok());
  request.set_trace_id(std::string(5000, 'x'));
  ASSERT_TRUE(Call(request, &response).ok());
  ASSERT_EQ(seen_.size(), 4u);
  EXPECT_EQ(seen_[0].trace_id(), "r1");
  EXPECT_EQ(seen_[1].trace_id(), "from-header");
  EXPECT_EQ(seen_[2].trace_id(), "from-request");
  EXPECT_EQ(seen_[3].trace_id().size(), 128u);
}

TEST_F(CseServiceTest, IsUnavailableWhileStarting) {
  service_.SetServing(false);
  HandleResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  EXPECT_EQ(stub_->Handle(&context, {}, &response).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(seen_.empty());
  EXPECT_EQ(context.GetServerTrailingMetadata().count("isthmus-not-performed"), 1u) << "it may be sent again";
}

TEST_F(CseServiceTest, DrainingWaitsForWhatIsInFlight) {
  hold_ = true;
  HandleResponse response;
  grpc::Status status;
  std::thread caller([&] { status = Call({}, &response); });
  ASSERT_TRUE(WaitForHeld());
  EXPECT_EQ(service_.Drain(absl::Milliseconds(10)), 1u);
  HandleResponse late;
  EXPECT_EQ(Call({}, &late).error_code(), grpc::StatusCode::UNAVAILABLE);
  std::thread drainer([&] { EXPECT_EQ(service_.Drain(absl::Seconds(20)), 0u); });
  held_[0](HandleResponse());
  drainer.join();
  caller.join();
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(service_.in_flight(), 0u);
}

TEST_F(CseServiceTest, ACallerThatGoesAwayDoesNoHarm) {
  hold_ = true;
  grpc::ClientContext context;
  HandleResponse response;
  grpc::Status status;
  std::thread caller([&] { status = stub_->Handle(&context, {}, &response); });
  ASSERT_TRUE(WaitForHeld());
  context.TryCancel();
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  held_[0](HandleResponse());
  EXPECT_EQ(service_.Drain(absl::Seconds(20)), 0u);
}

}  // namespace
}  // namespace isthmus::synchronizer
