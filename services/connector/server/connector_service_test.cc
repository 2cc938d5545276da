#include "services/connector/server/connector_service.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using ::testing::HasSubstr;

class ConnectorServiceTest : public testing::Test {
 protected:
  ConnectorServiceTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::ConnectorService::NewStub(server_->InProcessChannel({}));
  }
  ~ConnectorServiceTest() override { server_->Shutdown(); }

  void Register(const std::string& endpoint, const std::string& links = "</3/0>") {
    coap::IncomingRequest request;
    request.peer = absl::StrCat("10.0.0.1:", registry_.size() + 1);
    request.message.code = coap::kPost;
    request.message.AddOption(coap::kUriQuery, "ep=" + endpoint);
    request.message.payload = links;
    auto outcome = registry_.Register(request);
    ASSERT_TRUE(std::holds_alternative<Registry::Registered>(outcome));
  }
  grpc::Status List(int page_size, const std::string& token, v1::ListDevicesResponse* response) {
    grpc::ClientContext context;
    v1::ListDevicesRequest request;
    request.set_page_size(page_size);
    request.set_page_token(token);
    return stub_->ListDevices(&context, request, response);
  }

  class CountingRandom final : public coap::Random {
   public:
    uint64_t Next() override { return ++last_ * 0x9E3779B97F4A7C15ull; }

   private:
    uint64_t last_ = 0;
  };

  FakeClock clock_;
  CountingRandom random_;
  InMemoryRegistrationStore store_;
  Registry registry_{RegistryOptions(), &clock_, &random_, &store_};
  ConnectorService service_{&registry_, &store_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::ConnectorService::Stub> stub_;
};

TEST_F(ConnectorServiceTest, ListsInPages) {
  for (int i = 0; i < 5; ++i) Register(absl::StrCat("d", i));
  std::vector<std::string> seen;
  std::string token;
  int pages = 0;
  do {
    v1::ListDevicesResponse response;
    ASSERT_TRUE(List(2, token, &response).ok());
    for (const auto& device : response.devices()) seen.push_back(device.endpoint());
    token = response.next_page_token();
  } while (!token.empty() && ++pages < 10);
  EXPECT_THAT(seen, testing::ElementsAre("d0", "d1", "d2", "d3", "d4"));
  v1::ListDevicesResponse all;
  ASSERT_TRUE(List(5, "", &all).ok());
  EXPECT_EQ(all.next_page_token(), "");
  EXPECT_EQ(List(-1, "", &all).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// Devices with thousands of objects must not make a page that no client can receive.
TEST_F(ConnectorServiceTest, APageOfBigDevicesIsShorter) {
  std::string links = "</3/0>";
  for (int i = 0; i < 9000; ++i) absl::StrAppend(&links, ",</", 10000 + i, "/0>");
  for (int i = 0; i < 60; ++i) Register(absl::StrCat("d", 10 + i), links);
  std::vector<std::string> seen;
  std::string token;
  int pages = 0;
  do {
    v1::ListDevicesResponse response;
    const grpc::Status status = List(1000, token, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_GE(response.devices_size(), 1);
    EXPECT_LT(response.ByteSizeLong(), size_t{4} << 20);
    for (const auto& device : response.devices()) seen.push_back(device.endpoint());
    token = response.next_page_token();
  } while (!token.empty() && ++pages < 100);
  EXPECT_EQ(seen.size(), 60u);
}

TEST_F(ConnectorServiceTest, TheDefaultPageIsAHundred) {
  for (int i = 0; i < 101; ++i) Register(absl::StrCat("d", i));
  v1::ListDevicesResponse response;
  ASSERT_TRUE(List(0, "", &response).ok());
  EXPECT_EQ(response.devices_size(), 100);
  EXPECT_NE(response.next_page_token(), "");
}

TEST_F(ConnectorServiceTest, OneDeviceAndWhatIsObservedOnIt) {
  Register("d");
  store_.PutObservation({"d", lwm2m::MakePath(3, 0, 9), "tokentok", "10.0.0.1:1", std::nullopt, {}});
  grpc::ClientContext context;
  v1::GetDeviceRequest request;
  request.set_endpoint("d");
  v1::GetDeviceResponse response;
  ASSERT_TRUE(stub_->GetDevice(&context, request, &response).ok());
  EXPECT_EQ(response.device().endpoint(), "d");
  ASSERT_EQ(response.observed_size(), 1);
  EXPECT_EQ(lwm2m::PathToString(response.observed(0)), "/3/0/9");
}

TEST_F(ConnectorServiceTest, AnUnknownOrExpiredDeviceIsNotFound) {
  Register("d");
  for (const char* endpoint : {"x", "d"}) {
    clock_.Advance(absl::Hours(48));
    grpc::ClientContext context;
    v1::GetDeviceRequest request;
    request.set_endpoint(endpoint);
    v1::GetDeviceResponse response;
    const grpc::Status status = stub_->GetDevice(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(status.error_message(), HasSubstr(endpoint));
  }
}

}  // namespace
}  // namespace isthmus::connector
