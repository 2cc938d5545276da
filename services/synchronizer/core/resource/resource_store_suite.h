// What every ResourceStore has to do, as a parameterized suite: a new store adds its factory to an
// INSTANTIATE_TEST_SUITE_P in its own test.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_STORE_SUITE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_STORE_SUITE_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_matchers.h"
#include "services/synchronizer/core/resource/resource_store.h"

namespace isthmus::synchronizer {

// Makes an empty store.
using StoreFactory = std::function<std::unique_ptr<ResourceStore>()>;

class ResourceStoreSuite : public testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override { store_ = GetParam()(); }

  static StoredResource Resource(const std::string& resource_id, const std::string& parent_id) {
    StoredResource resource;
    resource.resource_id = resource_id;
    resource.parent_id = parent_id;
    resource.type = 13;
    resource.name = "bat";
    resource.root = "m2m:bat";
    resource.creator = "CAdmin";
    resource.provisioned = true;
    resource.targets = {"Cmon", "mqtt://127.0.0.1:1883/noti"};
    resource.execution = {Execution::Phase::kScheduled, "r7", 2, absl::FromUnixSeconds(1700000000), 7};
    onem2m::Set(resource.attributes, "btl", onem2m::Integer(77));
    onem2m::Set(resource.attributes, "lbl", onem2m::TextList({"a", "b"}));
    return resource;
  }
  std::vector<std::string> Ids() {
    std::vector<std::string> ids;
    absl::StatusOr<std::vector<StoredResource>> loaded = store_->Load();
    EXPECT_THAT(loaded, status::IsOk());
    if (loaded.ok()) {
      for (const StoredResource& resource : *loaded) ids.push_back(resource.resource_id);
    }
    return ids;
  }
  absl::Status Put(const StoredResource& resource) { return store_->Commit({{&resource}, {}}); }

  std::unique_ptr<ResourceStore> store_;
};

TEST_P(ResourceStoreSuite, GivesBackWhatWasPut) {
  EXPECT_THAT(Ids(), testing::IsEmpty());
  const StoredResource put = Resource("r1", "id-in");
  ASSERT_THAT(Put(put), status::IsOk());
  absl::StatusOr<std::vector<StoredResource>> loaded = store_->Load();
  ASSERT_THAT(loaded, status::IsOk());
  ASSERT_EQ(loaded->size(), 1u);
  const StoredResource& got = loaded->front();
  EXPECT_EQ(got.resource_id, put.resource_id);
  EXPECT_EQ(got.parent_id, put.parent_id);
  EXPECT_EQ(got.type, put.type);
  EXPECT_EQ(got.name, put.name);
  EXPECT_EQ(got.root, put.root);
  EXPECT_EQ(got.creator, put.creator);
  EXPECT_TRUE(got.provisioned);
  EXPECT_EQ(got.targets, put.targets);
  EXPECT_TRUE(got.execution == put.execution);
  EXPECT_EQ(got.attributes.SerializeAsString(), put.attributes.SerializeAsString());
}

TEST_P(ResourceStoreSuite, KeepsTheOrderOfCreationOverChanges) {
  const StoredResource parent = Resource("z", "id-in"), child = Resource("m", "z"), last = Resource("a", "m");
  ASSERT_THAT(store_->Commit({{&parent, &child, &last}, {}}), status::IsOk());
  StoredResource changed = parent;
  onem2m::Set(changed.attributes, "btl", onem2m::Integer(5));
  ASSERT_THAT(Put(changed), status::IsOk());
  EXPECT_THAT(Ids(), testing::ElementsAre("z", "m", "a"));
  EXPECT_EQ(onem2m::Find(store_->Load()->front().attributes, "btl")->integer(), 5);
}

TEST_P(ResourceStoreSuite, RemovesAndPutsInOneCommit) {
  const StoredResource one = Resource("r1", "id-in"), two = Resource("r2", "id-in"), three = Resource("r3", "id-in");
  ASSERT_THAT(store_->Commit({{&one, &two}, {}}), status::IsOk());
  ASSERT_THAT(store_->Commit({{&three}, {"r1", "never-there"}}), status::IsOk());
  EXPECT_THAT(Ids(), testing::ElementsAre("r2", "r3"));
}

TEST_P(ResourceStoreSuite, TakesAnyOctetsInNames) {
  StoredResource resource = Resource("r1", "id-in");
  resource.name = std::string("a'b\"\0c\xff", 7);
  ASSERT_THAT(Put(resource), status::IsOk());
  EXPECT_EQ(store_->Load()->front().name, resource.name);
}

TEST_P(ResourceStoreSuite, KeepsState) {
  EXPECT_EQ(*store_->GetState("position"), "");
  ASSERT_THAT(store_->PutState("position", std::string("a\0b", 3)), status::IsOk());
  EXPECT_EQ(*store_->GetState("position"), std::string("a\0b", 3));
  ASSERT_THAT(store_->PutState("position", "c"), status::IsOk());
  EXPECT_EQ(*store_->GetState("position"), "c");
  ASSERT_THAT(store_->PutState("position", ""), status::IsOk());
  EXPECT_EQ(*store_->GetState("position"), "");
}

TEST_P(ResourceStoreSuite, IsThreadSafe) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        EXPECT_THAT(Put(Resource(name, "id-in")), status::IsOk());
        EXPECT_THAT(store_->PutState(name, name), status::IsOk());
        EXPECT_EQ(*store_->GetState(name), name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Ids().size(), 100u);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ResourceStoreSuite);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_RESOURCE_RESOURCE_STORE_SUITE_H_
