#include "services/lib/lwm2m/path.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::lwm2m {
namespace {

using status::IsOk;
using status::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(PathTest, EveryLevelIsReadAndWritten) {
  for (const char* text : {"/", "/3", "/3/0", "/3/0/9", "/3/0/11/1", "/65535/65535/65535/65535"}) {
    const absl::StatusOr<v1::Path> path = ParsePath(text);
    ASSERT_THAT(path, IsOk()) << text;
    EXPECT_EQ(PathToString(*path), text);
  }
}

TEST(PathTest, LevelsThatAreZeroAreSet) {
  const absl::StatusOr<v1::Path> path = ParsePath("/0/0/0/0");
  ASSERT_THAT(path, IsOk());
  EXPECT_TRUE(path->has_object_id());
  EXPECT_TRUE(path->has_resource_instance_id());
  EXPECT_THAT(Levels(*path), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(Levels(*ParsePath("/")), IsEmpty());
}

TEST(PathTest, OtherTextIsRefused) {
  for (const char* text : {"", "3", "3/0", "//", "/3/", "/3//0", "/03", "/3/00", "/65536", "/-1", "/+1", "/3/0/9/1/2",
                           "/3/a", "/3 ", " /3", "/3/0x1", "/123456", "/99999999999999999999"}) {
    EXPECT_THAT(ParsePath(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a LwM2M path"))) << text;
  }
}

TEST(PathTest, MakePathSetsLevelsFromTheLeft) {
  EXPECT_EQ(PathToString(MakePath(3)), "/3");
  EXPECT_EQ(PathToString(MakePath(3, 0)), "/3/0");
  EXPECT_EQ(PathToString(MakePath(3, 0, 9)), "/3/0/9");
  EXPECT_EQ(PathToString(MakePath(3, 0, 11, 1)), "/3/0/11/1");
  EXPECT_EQ(PathToString(MakePath(std::vector<uint32_t>{})), "/");
}

TEST(PathTest, APathContainsItselfAndWhatLiesBelow) {
  const v1::Path instance = MakePath(3, 0);
  EXPECT_TRUE(Contains(instance, instance));
  EXPECT_TRUE(Contains(instance, MakePath(3, 0, 9)));
  EXPECT_TRUE(Contains(v1::Path(), instance));
  EXPECT_FALSE(Contains(instance, MakePath(3)));
  EXPECT_FALSE(Contains(instance, MakePath(3, 1, 9)));
  EXPECT_FALSE(Contains(MakePath(3), MakePath(33)));
}

TEST(PathTest, OrderPutsAPrefixFirstAndCountsNumbers) {
  std::vector<v1::Path> paths = {MakePath(10), MakePath(3, 0, 9),  MakePath(3, 0),
                                 MakePath(3),  MakePath(3, 0, 10), v1::Path()};
  std::sort(paths.begin(), paths.end(), Less);
  std::vector<std::string> order;
  for (const v1::Path& path : paths) order.push_back(PathToString(path));
  EXPECT_THAT(order, ElementsAre("/", "/3", "/3/0", "/3/0/9", "/3/0/10", "/10"));
  EXPECT_FALSE(Less(MakePath(3), MakePath(3)));
}

TEST(PathTest, EqualTellsZeroFromAbsent) {
  EXPECT_TRUE(Equal(MakePath(3, 0), MakePath(3, 0)));
  EXPECT_FALSE(Equal(MakePath(3), MakePath(3, 0)));
}

}  // namespace
}  // namespace isthmus::lwm2m
