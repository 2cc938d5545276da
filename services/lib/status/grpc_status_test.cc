#include "services/lib/status/grpc_status.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "isthmus/status/v1/status.pb.h"
#include "services/lib/status/invalid_field.h"

namespace isthmus::status {
namespace {

TEST(GrpcStatus, CodeAndMessageGoOver) {
  const grpc::Status status = ToGrpc(absl::UnavailableError("later"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "later");
  EXPECT_EQ(status.error_details(), "");
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_EQ(FromGrpc(status), absl::UnavailableError("later"));
}

TEST(GrpcStatus, AnInvalidFieldIsNamedForProgramsToo) {
  const grpc::Status status = ToGrpc(InvalidField("plan.steps[1].operation", FieldReason::kMissing, "expected a Read"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "plan.steps[1].operation: expected a Read");
  v1::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), 3);
  EXPECT_EQ(details.message(), status.error_message());
  ASSERT_EQ(details.details_size(), 1);
  EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.BadRequest");
  v1::BadRequest bad;
  ASSERT_TRUE(bad.ParseFromString(details.details(0).value()));
  ASSERT_EQ(bad.field_violations_size(), 1);
  EXPECT_EQ(bad.field_violations(0).field(), "plan.steps[1].operation");
  EXPECT_EQ(bad.field_violations(0).reason(), "MISSING");
  EXPECT_EQ(bad.field_violations(0).description(), "expected a Read");
}

TEST(GrpcStatus, AFieldOfAFieldIsNamedWhole) {
  const absl::Status status = BelowField("request", InvalidField("resource", FieldReason::kMissing, "missing"));
  EXPECT_EQ(status.message(), "request.resource: missing");
  v1::Status details;
  ASSERT_TRUE(details.ParseFromString(ToGrpc(status).error_details()));
  v1::BadRequest bad;
  ASSERT_TRUE(bad.ParseFromString(details.details(0).value()));
  EXPECT_EQ(bad.field_violations(0).field(), "request.resource");
  EXPECT_EQ(BelowField("request", absl::InternalError("x")), absl::InternalError("x"));
}

}  // namespace
}  // namespace isthmus::status
