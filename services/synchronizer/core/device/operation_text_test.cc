#include "services/synchronizer/core/device/operation_text.h"

#include "gtest/gtest.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::synchronizer {
namespace {

using lwm2m::MakePath;
using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;

TEST(OperationText, NamesTheOperationAndItsPath) {
  EXPECT_EQ(OperationText(ReadOperation(MakePath(3, 0))), "Read /3/0");
  Operation operation;
  *operation.mutable_write()->mutable_path() = MakePath(5, 0, 1);
  EXPECT_EQ(OperationText(operation), "Write /5/0/1");
  operation.mutable_write()->set_partial(true);
  EXPECT_EQ(OperationText(operation), "Write (partial) /5/0/1");
  *operation.mutable_execute()->mutable_path() = MakePath(5, 0, 2);
  EXPECT_EQ(OperationText(operation), "Execute /5/0/2");
  *operation.mutable_delete_()->mutable_path() = MakePath(9, 1);
  EXPECT_EQ(OperationText(operation), "Delete /9/1");
  *operation.mutable_read_composite()->add_paths() = MakePath(3, 0, 9);
  *operation.mutable_read_composite()->add_paths() = MakePath(1);
  EXPECT_EQ(OperationText(operation), "Read-Composite /3/0/9 /1");
  EXPECT_EQ(OperationText(Operation()), "no operation");
}

TEST(OperationText, ResultCountsResourcesAndNotTheirInstances) {
  OperationResult result;
  result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
  result.set_coap_code(205);
  *result.add_nodes()->mutable_path() = MakePath(3, 0, 9);
  EXPECT_EQ(ResultText(result), "2.05 Content, 1 resource");
  *result.add_nodes()->mutable_path() = MakePath(3, 0, 11, 0);
  *result.add_nodes()->mutable_path() = MakePath(3, 0, 11, 1);
  EXPECT_EQ(ResultText(result), "2.05 Content, 2 resources");
  result.clear_nodes();
  result.set_coap_code(404);
  EXPECT_EQ(ResultText(result), "4.04 Not Found");
  result.set_diagnostic("no such thing");
  EXPECT_EQ(ResultText(result), "4.04 Not Found: no such thing");
  result.Clear();
  result.set_outcome(lwm2m::v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(ResultText(result), "no answer in time");
}

lwm2m::v1::Value Raw(const std::string& octets, uint32_t format) {
  lwm2m::v1::Value value;
  value.mutable_raw()->set_octets(octets);
  value.mutable_raw()->set_content_format(format);
  return value;
}

TEST(IntegerOf, ReadsEveryPayloadFormat) {
  lwm2m::v1::Value value;
  EXPECT_EQ(IntegerOf(value), std::nullopt);
  value.set_integer(-2);
  EXPECT_EQ(IntegerOf(value), -2);
  value.set_floating(2.0);
  EXPECT_EQ(IntegerOf(value), 2);
  value.set_floating(2.5);
  EXPECT_EQ(IntegerOf(value), std::nullopt);
  value.set_unsigned_integer(~uint64_t{0});
  EXPECT_EQ(IntegerOf(value), std::nullopt);
  EXPECT_EQ(IntegerOf(Raw("2", 0)), 2);
  EXPECT_EQ(IntegerOf(Raw("two", 0)), std::nullopt);
  EXPECT_EQ(IntegerOf(Raw(std::string("\x02", 1), 11542)), 2);
  EXPECT_EQ(IntegerOf(Raw(std::string("\xff", 1), 11542)), -1);
  EXPECT_EQ(IntegerOf(Raw(std::string("\x01\x00", 2), 11542)), 256);
  EXPECT_EQ(IntegerOf(Raw(std::string("\x80\x00\x00\x00\x00\x00\x00\x00", 8), 11542)), INT64_MIN);
  EXPECT_EQ(IntegerOf(Raw("", 11542)), std::nullopt);
  EXPECT_EQ(IntegerOf(Raw("abc", 11542)), std::nullopt);
}

TEST(IntegerAt, TakesTheLatestAtThePathItself) {
  OperationResult result;
  for (const int64_t number : {1, 2}) {
    auto& node = *result.add_nodes();
    *node.mutable_path() = MakePath(5, 0, 3);
    node.mutable_value()->set_integer(number);
  }
  EXPECT_EQ(IntegerAt(result.nodes(), MakePath(5, 0, 3)), 2);
  EXPECT_EQ(IntegerAt(result.nodes(), MakePath(5, 0)), std::nullopt);
}

}  // namespace
}  // namespace isthmus::synchronizer
