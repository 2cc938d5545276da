#include "gtest/gtest.h"
#include "services/synchronizer/core/resource/in_memory_resource_store.h"
#include "services/synchronizer/core/resource/resource_store_suite.h"

namespace isthmus::synchronizer {
namespace {

INSTANTIATE_TEST_SUITE_P(InMemory, ResourceStoreSuite,
                         testing::Values(StoreFactory([] { return std::make_unique<InMemoryResourceStore>(); })));

TEST(Internal, DamagedOctetsAreAnError) {
  StoredResource resource;
  resource.resource_id = "r1";
  EXPECT_THAT(DecodeInternal("\xff\xff\xff", &resource),
              status::StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("r1")));
}

}  // namespace
}  // namespace isthmus::synchronizer
