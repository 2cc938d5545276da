#include "services/translation/server/translation_service.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "isthmus/status/v1/status.pb.h"
#include "services/translation/core/loader.h"
#include "services/translation/data/built_in.h"

namespace isthmus::translation {
namespace {

using ::testing::HasSubstr;

class TranslationServiceTest : public ::testing::Test {
 protected:
  TranslationServiceTest() : table_(Load(BuiltInSources(), {}).table), service_(&table_) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::TranslationService::NewStub(server_->InProcessChannel(grpc::ChannelArguments()));
  }
  ~TranslationServiceTest() override { server_->Shutdown(); }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::TranslationService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                         Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    return (stub_.get()->*method)(&context, request, response);
  }

  CurrentTable table_;
  TranslationServiceImpl service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::TranslationService::Stub> stub_;
};

using Stub = v1::TranslationService::Stub;

TEST_F(TranslationServiceTest, OneRequestThroughAllItsSteps) {
  v1::DescribeDeviceRequest device;
  device.set_endpoint("dev1");
  device.add_links()->mutable_path()->set_object_id(3);
  v1::DescribeDeviceResponse described;
  ASSERT_TRUE(Call(&Stub::DescribeDevice, device, &described).ok());
  ASSERT_EQ(described.management_objects(1).resource_name(), "battery");
  const onem2m::v1::Resource& battery = described.management_objects(1).resource();

  v1::TranslateRequestRequest request;
  request.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_RETRIEVE);
  *request.mutable_resource() = battery;
  request.add_wanted_attributes("btl");
  v1::TranslateRequestResponse plan;
  ASSERT_TRUE(Call(&Stub::TranslateRequest, request, &plan).ok());
  ASSERT_EQ(plan.plan().steps_size(), 1);

  v1::TranslateResponseRequest results;
  *results.mutable_primitive() = request.primitive();
  *results.mutable_resource() = battery;
  *results.mutable_plan() = plan.plan();
  lwm2m::v1::OperationResult* result = results.add_results();
  result->set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
  result->set_coap_code(205);
  lwm2m::v1::Node* node = result->add_nodes();
  *node->mutable_path() = plan.plan().steps(0).operation().read().path();
  node->mutable_value()->set_integer(80);
  v1::TranslateResponseResponse answer;
  ASSERT_TRUE(Call(&Stub::TranslateResponse, results, &answer).ok());
  EXPECT_EQ(answer.response_status_code(), 2000u);
  ASSERT_EQ(answer.attributes_size(), 1);
  EXPECT_EQ(answer.attributes(0).value().integer(), 80);

  v1::TranslateNotificationRequest notification;
  *notification.mutable_observed_path() = node->path();
  *notification.add_nodes() = *node;
  notification.mutable_nodes(0)->mutable_value()->set_integer(60);
  notification.add_resources()->set_id("r1");
  *notification.mutable_resources(0)->mutable_resource() = battery;
  v1::TranslateNotificationResponse changes;
  ASSERT_TRUE(Call(&Stub::TranslateNotification, notification, &changes).ok());
  ASSERT_EQ(changes.changes_size(), 1);
  EXPECT_EQ(changes.changes(0).id(), "r1");
  EXPECT_EQ(changes.changes(0).attributes(0).value().integer(), 60);
}

TEST_F(TranslationServiceTest, ARequestIsExplained) {
  v1::ExplainRequest request;
  request.mutable_request()->mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_RETRIEVE);
  onem2m::v1::Resource* battery = request.mutable_request()->mutable_resource();
  battery->set_root("m2m:bat");
  battery->add_object_ids("urn:oma:lwm2m:oma:3");
  battery->add_object_paths("/3/0");
  v1::ExplainResponse response;
  ASSERT_TRUE(Call(&Stub::Explain, request, &response).ok());
  EXPECT_THAT(response.text(), HasSubstr("batteryLevel"));
}

TEST_F(TranslationServiceTest, ProgramsLearnWhichFieldMakesNoSense) {
  v1::ExplainRequest request;
  request.mutable_request()->mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_RETRIEVE);
  v1::ExplainResponse response;
  const grpc::Status status = Call(&Stub::Explain, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "request.resource: missing");
  status::v1::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  status::v1::BadRequest bad;
  ASSERT_EQ(details.details_size(), 1);
  ASSERT_TRUE(bad.ParseFromString(details.details(0).value()));
  EXPECT_EQ(bad.field_violations(0).field(), "request.resource");
  EXPECT_EQ(bad.field_violations(0).reason(), "MISSING");
}

TEST_F(TranslationServiceTest, InputThatMakesNoSenseIsAnInvalidArgumentThatNamesTheField) {
  v1::TranslateRequestResponse plan;
  grpc::Status status = Call(&Stub::TranslateRequest, v1::TranslateRequestRequest(), &plan);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("primitive"));
  v1::TranslateResponseResponse answer;
  status = Call(&Stub::TranslateResponse, v1::TranslateResponseRequest(), &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::TranslateNotificationResponse changes;
  status = Call(&Stub::TranslateNotification, v1::TranslateNotificationRequest(), &changes);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("observed_path"));
  v1::DescribeDeviceResponse described;
  status = Call(&Stub::DescribeDevice, v1::DescribeDeviceRequest(), &described);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("endpoint"));
  v1::ListMappingsRequest list;
  list.set_root("nix");
  v1::ListMappingsResponse mappings;
  status = Call(&Stub::ListMappings, list, &mappings);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("root"));
}

TEST_F(TranslationServiceTest, ANewTableServesFromTheNextCallOn) {
  v1::ListMappingsResponse before;
  ASSERT_TRUE(Call(&Stub::ListMappings, v1::ListMappingsRequest(), &before).ok());
  table_.Set(Load({}, {}).table);
  v1::ListMappingsResponse after;
  ASSERT_TRUE(Call(&Stub::ListMappings, v1::ListMappingsRequest(), &after).ok());
  EXPECT_GT(before.mappings_size(), 0);
  EXPECT_EQ(after.mappings_size(), 0);
  EXPECT_NE(before.mapping_version(), after.mapping_version());
}

}  // namespace
}  // namespace isthmus::translation
