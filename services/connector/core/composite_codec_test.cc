#include "services/connector/core/composite_codec.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;
using status::StatusIs;
using ::testing::HasSubstr;
namespace codec = lwm2m::codec;

Operation ReadOf(const std::vector<std::string>& paths) {
  Operation operation;
  for (const std::string& path : paths) *operation.mutable_read_composite()->add_paths() = *lwm2m::ParsePath(path);
  return operation;
}
Operation WriteOf(const std::vector<std::string>& paths) {
  Operation operation;
  for (const std::string& path : paths) {
    auto* node = operation.mutable_write_composite()->add_nodes();
    *node->mutable_path() = *lwm2m::ParsePath(path);
    node->mutable_value()->set_text("v");
  }
  return operation;
}

TEST(CompositeCodecTest, RequestsInBothFormats) {
  for (const uint32_t format : {codec::kSenMlJson, codec::kSenMlCbor}) {
    const auto read = CompositeRequest(ReadOf({"/3/0/9", "/1"}), format, "");
    EXPECT_EQ(read->method, coap::kFetch);
    EXPECT_EQ(read->content_format, format);
    EXPECT_EQ(read->accept, format);
    EXPECT_TRUE(read->path.empty());
    EXPECT_EQ(codec::DecodePaths(format, read->payload)->size(), 2u);
    const auto write = CompositeRequest(WriteOf({"/3/0/14", "/1/0/7"}), format, "/r");
    EXPECT_EQ(write->method, coap::kIPatch);
    EXPECT_EQ(write->accept, std::nullopt);
    EXPECT_EQ(codec::Decode(format, write->payload, {}, absl::UnixEpoch(), "/r")->size(), 2u);
  }
  EXPECT_THAT(CompositeRequest(ReadOf({"/3", "/1"}), codec::kTlv, ""), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(CompositeCodecTest, AnswersInFormatsThatSayNoPathsAreRefused) {
  const Operation operation = ReadOf({"/3/0/9", "/1/0/1"});
  coap::Message response;
  response.code = coap::kContent;
  EXPECT_TRUE(DecodeComposite(operation.read_composite(), response, "", absl::UnixEpoch())->empty());
  response.payload = "80";
  EXPECT_THAT(DecodeComposite(operation.read_composite(), response, "", absl::UnixEpoch()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("Content-Format")));
  for (const uint32_t format : {0u, 42u, 60u, 11542u, 65000u}) {
    coap::Message foreign = response;
    foreign.AddUintOption(coap::kContentFormat, format);
    EXPECT_THAT(DecodeComposite(operation.read_composite(), foreign, "", absl::UnixEpoch()),
                StatusIs(absl::StatusCode::kUnimplemented));
  }
}

TEST(CompositeCodecTest, WritesOfOneInstanceBelongTogether) {
  const auto singles = SingleOperations(WriteOf({"/1/0/1", "/3/0/14", "/3/0/15", "/1/0/2", "/4/0/3/0"}));
  ASSERT_EQ(singles.size(), 4u);
  EXPECT_EQ(lwm2m::PathToString(singles[0].write().path()), "/1/0/1");
  EXPECT_FALSE(singles[0].write().partial());
  EXPECT_EQ(lwm2m::PathToString(singles[1].write().path()), "/3/0");
  EXPECT_TRUE(singles[1].write().partial());
  EXPECT_EQ(singles[1].write().nodes_size(), 2);
  EXPECT_EQ(lwm2m::PathToString(singles[2].write().path()), "/1/0/2");
  // The other instances of a multiple resource stay as they are.
  EXPECT_EQ(lwm2m::PathToString(singles[3].write().path()), "/4/0");
  EXPECT_TRUE(singles[3].write().partial());
}

TEST(CompositeCodecTest, NothingSentIsNothingAnswered) {
  const Operation operation = ReadOf({"/3/0/9", "/1/0/1"});
  const OperationResult whole = Combine(operation, SingleOperations(operation), {}, "why");
  EXPECT_EQ(whole.outcome(), lwm2m::v1::OUTCOME_EXPIRED_UNSENT);
  EXPECT_EQ(whole.diagnostic(), "why");
  EXPECT_EQ(whole.paths_size(), 2);
}

// Each read fits into a message; together they do not.
TEST(CompositeCodecTest, MoreValuesThanAMessageCarriesAreNotPassedOn) {
  const Operation operation = ReadOf({"/3/0/1", "/3/0/2"});
  std::vector<OperationResult> results(2);
  for (uint32_t i = 0; i < 2; ++i) {
    results[i].set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
    results[i].set_coap_code(205);
    auto* node = results[i].add_nodes();
    *node->mutable_path() = lwm2m::MakePath(3, 0, i + 1);
    node->mutable_value()->set_text(std::string(3 << 20, 'x'));
  }
  const OperationResult whole = Combine(operation, SingleOperations(operation), results, "");
  EXPECT_EQ(whole.outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
  EXPECT_LT(whole.ByteSizeLong(), size_t{8} << 20);
  results[1].mutable_nodes(0)->mutable_value()->set_text("y");
  EXPECT_EQ(Combine(operation, SingleOperations(operation), results, "").outcome(), lwm2m::v1::OUTCOME_ANSWERED);
}

}  // namespace
}  // namespace isthmus::connector
