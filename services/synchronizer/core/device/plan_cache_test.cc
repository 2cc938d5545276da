#include "services/synchronizer/core/device/plan_cache.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace isthmus::synchronizer {
namespace {

using translation::v1::TranslateRequestRequest;
using translation::v1::TranslateRequestResponse;

TranslateRequestRequest Request(std::vector<std::string> wanted = {}) {
  TranslateRequestRequest request;
  request.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_RETRIEVE);
  request.mutable_resource()->set_root("m2m:bat");
  request.mutable_resource()->add_object_paths("/3/0");
  for (const std::string& attribute : wanted) request.add_wanted_attributes(attribute);
  return request;
}

TranslateRequestResponse Response(const std::string& version) {
  TranslateRequestResponse response;
  response.set_mapping_version(version);
  response.mutable_plan()->add_steps();
  return response;
}

TEST(PlanCache, KeepsByKindOfRequest) {
  PlanCache cache;
  EXPECT_FALSE(cache.Find(Request()).has_value());
  cache.Keep(Request(), Response("1"));
  ASSERT_TRUE(cache.Find(Request()).has_value());
  EXPECT_EQ(cache.Find(Request())->plan().steps_size(), 1);
  EXPECT_FALSE(cache.Find(Request({"btl"})).has_value());
  TranslateRequestRequest other = Request();
  other.mutable_resource()->set_object_paths(0, "/3/1");
  EXPECT_FALSE(cache.Find(other).has_value());
  other = Request();
  other.mutable_resource()->add_object_ids("urn:oma:lwm2m:oma:3:1.1");
  EXPECT_FALSE(cache.Find(other).has_value());
}

TEST(PlanCache, OrderOfWantedAttributesDoesNotMatterAndTheirBordersDo) {
  PlanCache cache;
  cache.Keep(Request({"a", "b"}), Response("1"));
  EXPECT_TRUE(cache.Find(Request({"b", "a"})).has_value());
  EXPECT_FALSE(cache.Find(Request({"a1:b"})).has_value());
  EXPECT_FALSE(cache.Find(Request({"ab"})).has_value());
}

TEST(PlanCache, OnlyRetrieve) {
  PlanCache cache;
  TranslateRequestRequest update = Request();
  update.mutable_primitive()->set_operation(onem2m::v1::OPERATION_TYPE_UPDATE);
  cache.Keep(update, Response("1"));
  EXPECT_FALSE(cache.Find(update).has_value());
  EXPECT_EQ(cache.size(), 0u);
}

TEST(PlanCache, AnotherVersionClearsIt) {
  PlanCache cache;
  std::vector<std::string> changes;
  cache.OnVersionChange([&](const std::string& version) { changes.push_back(version); });
  cache.Keep(Request(), Response("1"));
  EXPECT_FALSE(cache.ObserveVersion("1"));
  EXPECT_FALSE(cache.ObserveVersion(""));
  EXPECT_TRUE(cache.Find(Request()).has_value());
  EXPECT_TRUE(cache.ObserveVersion("2"));
  EXPECT_FALSE(cache.Find(Request()).has_value());
  cache.Keep(Request(), Response("3"));
  EXPECT_TRUE(cache.Find(Request()).has_value());
  EXPECT_THAT(changes, testing::ElementsAre("2", "3"));  // the first version is no change
}

TEST(PlanCache, IsBounded) {
  PlanCache cache(/*capacity=*/10);
  for (int i = 0; i < 100; ++i) cache.Keep(Request({std::to_string(i)}), Response("1"));
  EXPECT_LE(cache.size(), 10u);
}

}  // namespace
}  // namespace isthmus::synchronizer
