#include "services/synchronizer/core/resource/resource_tree.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

StoredResource Record(const std::string& id, const std::string& parent, uint32_t type, const std::string& name) {
  StoredResource record;
  record.resource_id = id;
  record.parent_id = parent;
  record.type = type;
  record.name = name;
  return record;
}

class ResourceTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(tree_.Insert(Record("id-in", "", 5, "cse-in")), nullptr);
    StoredResource node = Record("r1", "id-in", 14, "n");
    onem2m::Set(node.attributes, "ni", onem2m::Text("urn:dev:1"));
    ASSERT_NE(tree_.Insert(node), nullptr);
    ASSERT_NE(tree_.Insert(Record("r2", "r1", 13, "bat")), nullptr);
    ASSERT_NE(tree_.Insert(Record("r3", "r2", 23, "sub")), nullptr);
  }
  ResourceTree tree_;
};

TEST_F(ResourceTreeTest, FindsByEveryFormOfAddress) {
  Entry* battery = tree_.FindById("r2");
  ASSERT_NE(battery, nullptr);
  EXPECT_EQ(battery->path, "cse-in/n/bat");
  EXPECT_EQ(tree_.Find("cse-in/n/bat", true), battery);
  EXPECT_EQ(tree_.Find("r2", false), battery);
  EXPECT_EQ(tree_.Find("r1/bat", false), battery);
  EXPECT_EQ(tree_.Find("id-in/n/bat", false), battery);
  EXPECT_EQ(tree_.Find("cse-in/n/none", true), nullptr);
  EXPECT_EQ(tree_.Find("r9/bat", false), nullptr);
  EXPECT_EQ(tree_.Find("n/bat", false), nullptr);
  EXPECT_EQ(tree_.FindNode("urn:dev:1"), battery->parent);
  EXPECT_EQ(tree_.FindNode("urn:dev:2"), nullptr);
}

TEST_F(ResourceTreeTest, RefusesTakenPlacesAndMissingParents) {
  EXPECT_EQ(tree_.Insert(Record("r4", "r1", 13, "bat")), nullptr);
  EXPECT_EQ(tree_.Insert(Record("r2", "r1", 13, "other")), nullptr);
  EXPECT_EQ(tree_.Insert(Record("r4", "nobody", 13, "bat")), nullptr);
  EXPECT_EQ(tree_.Insert(Record("r4", "", 5, "cse-2")), nullptr);
  EXPECT_EQ(tree_.size(), 4u);
}

TEST_F(ResourceTreeTest, TellsWhichExecutionsAreDue) {
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  const auto add = [&](const std::string& id, absl::Time next) {
    StoredResource record = Record(id, "id-in", 8, id);
    record.execution.phase = Execution::Phase::kScheduled;
    record.execution.next = next;
    return tree_.Insert(record);
  };
  Entry* late = add("e1", now);
  Entry* never = add("e2", absl::InfiniteFuture());
  Entry* overdue = add("e3", now - absl::Seconds(1));
  add("e4", now + absl::Seconds(1));
  using testing::ElementsAre;
  EXPECT_THAT(tree_.DueExecutions(now, 10), ElementsAre(overdue, late));
  EXPECT_THAT(tree_.DueExecutions(now, 1), ElementsAre(overdue));
  StoredResource ended = overdue->record;
  ended.execution = {};
  tree_.Replace(overdue, ended);
  tree_.Remove(late);
  EXPECT_THAT(tree_.DueExecutions(now, 10), ElementsAre());
  EXPECT_THAT(tree_.executions(), testing::Contains(never));
}

TEST_F(ResourceTreeTest, RemovesWithEverythingBelow) {
  Entry* node = tree_.FindById("r1");
  EXPECT_THAT(tree_.FindById("r2")->subscriptions, testing::ElementsAre(tree_.FindById("r3")));
  tree_.Remove(node);
  EXPECT_EQ(tree_.size(), 1u);
  EXPECT_EQ(tree_.FindByPath("cse-in/n/bat"), nullptr);
  EXPECT_EQ(tree_.FindNode("urn:dev:1"), nullptr);
  EXPECT_TRUE(tree_.root()->children.empty());
  EXPECT_NE(tree_.Insert(Record("r2", "id-in", 14, "n")), nullptr);
}

TEST_F(ResourceTreeTest, ReplaceFollowsTheNodeId) {
  Entry* node = tree_.FindById("r1");
  StoredResource changed = node->record;
  onem2m::Set(changed.attributes, "ni", onem2m::Text("urn:dev:2"));
  tree_.Replace(node, changed);
  EXPECT_EQ(tree_.FindNode("urn:dev:1"), nullptr);
  EXPECT_EQ(tree_.FindNode("urn:dev:2"), node);
}

TEST_F(ResourceTreeTest, ExpiryCountsForEverythingBelow) {
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  Entry* battery = tree_.FindById("r2");
  EXPECT_EQ(ResourceTree::Expired(battery, now), nullptr);
  StoredResource node = battery->parent->record;
  onem2m::Set(node.attributes, "et", onem2m::Text(onem2m::FormatTimestamp(now)));
  tree_.Replace(battery->parent, node);
  EXPECT_EQ(ResourceTree::Expired(battery, now - absl::Seconds(1)), nullptr);
  EXPECT_EQ(ResourceTree::Expired(battery, now), battery->parent);
  node.provisioned = true;
  tree_.Replace(battery->parent, node);
  EXPECT_EQ(ResourceTree::Expired(battery, now), nullptr);
}

TEST_F(ResourceTreeTest, VisitsInOrderOfCreation) {
  ASSERT_NE(tree_.Insert(Record("r0", "r1", 13, "abc")), nullptr);
  std::vector<std::string> paths;
  ResourceTree::Visit(tree_.root(), [&](const Entry* entry) { paths.push_back(entry->path); });
  EXPECT_THAT(paths, testing::ElementsAre("cse-in", "cse-in/n", "cse-in/n/bat", "cse-in/n/bat/sub", "cse-in/n/abc"));
}

}  // namespace
}  // namespace isthmus::synchronizer
