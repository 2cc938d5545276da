#include "tools/lwm2m_fleet/device_model.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::fleet {
namespace {

using lwm2m::MakePath;
using status::IsOk;
using status::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);
constexpr absl::Duration kStart = absl::Seconds(100);

class CountingRandom final : public coap::Random {
 public:
  uint64_t Next() override { return next_++; }

 private:
  uint64_t next_ = 0;
};

class DeviceModelTest : public testing::Test {
 protected:
  std::vector<v1::Node> Nodes(const v1::Path& path) {
    std::vector<v1::Node> nodes;
    EXPECT_EQ(model_.Read(path, kNow, &nodes), coap::kContent);
    return nodes;
  }
  coap::Code ReadCode(const v1::Path& path) {
    std::vector<v1::Node> nodes;
    return model_.Read(path, kNow, &nodes);
  }
  coap::Code WriteText(const v1::Path& path, const std::string& text, bool replace = true) {
    v1::Node node;
    *node.mutable_path() = path;
    node.mutable_value()->mutable_raw()->set_octets(text);
    return model_.Write(path, {node}, replace, kNow, kStart);
  }
  std::vector<std::string> Changes() {
    std::vector<std::string> changes;
    for (const v1::Path& path : model_.TakeChanges()) changes.push_back(lwm2m::PathToString(path));
    return changes;
  }
  int64_t State() { return model_.IntegerAt(5, 3); }
  int64_t Result() { return model_.IntegerAt(5, 5); }

  DeviceModel model_{DeviceOptions{}};
};

TEST_F(DeviceModelTest, ReadsEveryLevel) {
  ASSERT_EQ(Nodes(MakePath(3, 0, 9)).size(), 1u);
  EXPECT_EQ(Nodes(MakePath(3, 0, 9))[0].value().integer(), 80);
  EXPECT_EQ(Nodes(MakePath(3, 0, 6)).size(), 2u);
  EXPECT_EQ(Nodes(MakePath(3, 0, 6, 1))[0].value().integer(), 5);
  EXPECT_EQ(Nodes(MakePath(3)).size(), Nodes(MakePath(3, 0)).size());
  EXPECT_EQ(Nodes(MakePath(3, 0, 13))[0].value().time(), 1700000000);
  for (const v1::Node& node : Nodes(MakePath(5, 0))) EXPECT_NE(node.path().resource_id(), 0u);  // Package is W
}

TEST_F(DeviceModelTest, SaysWhyItCannotBeRead) {
  EXPECT_EQ(ReadCode(v1::Path()), coap::kBadRequest);
  EXPECT_EQ(ReadCode(MakePath(0, 0)), coap::kUnauthorized);
  EXPECT_EQ(ReadCode(MakePath(6)), coap::kNotFound);
  EXPECT_EQ(ReadCode(MakePath(3, 1)), coap::kNotFound);
  EXPECT_EQ(ReadCode(MakePath(3, 0, 99)), coap::kNotFound);
  EXPECT_EQ(ReadCode(MakePath(3, 0, 6, 7)), coap::kNotFound);
  EXPECT_EQ(ReadCode(MakePath(3, 0, 9, 0)), coap::kNotFound);
  EXPECT_EQ(ReadCode(MakePath(3, 0, 4)), coap::kMethodNotAllowed);
  EXPECT_EQ(ReadCode(MakePath(5, 0, 0)), coap::kMethodNotAllowed);
}

TEST_F(DeviceModelTest, WritesWhatMayBeWritten) {
  EXPECT_EQ(WriteText(MakePath(3, 0, 15), "Asia/Kolkata"), coap::kChanged);
  EXPECT_EQ(Nodes(MakePath(3, 0, 15))[0].value().text(), "Asia/Kolkata");
  EXPECT_THAT(Changes(), ElementsAre("/3/0/15"));
  EXPECT_EQ(WriteText(MakePath(3, 0, 13), "1701172800"), coap::kChanged);
  EXPECT_EQ(Nodes(MakePath(3, 0, 13))[0].value().time(), 1701172800);
  EXPECT_EQ(WriteText(MakePath(3, 0, 9), "5"), coap::kMethodNotAllowed);
  EXPECT_EQ(WriteText(MakePath(3, 0, 4), "5"), coap::kMethodNotAllowed);
  EXPECT_EQ(WriteText(MakePath(3, 0, 99), "5"), coap::kNotFound);
  EXPECT_EQ(WriteText(MakePath(1, 0, 2), "ten"), coap::kBadRequest);
  EXPECT_EQ(WriteText(MakePath(0, 0, 2), "ten"), coap::kUnauthorized);
  EXPECT_EQ(model_.Write(MakePath(3), {}, false, kNow, kStart), coap::kMethodNotAllowed);
}

TEST_F(DeviceModelTest, AWriteThatFailsChangesNothing) {
  std::vector<v1::Node> nodes(2);
  *nodes[0].mutable_path() = MakePath(3, 0, 15);
  nodes[0].mutable_value()->set_text("Asia/Kolkata");
  *nodes[1].mutable_path() = MakePath(3, 0, 9);
  nodes[1].mutable_value()->set_integer(5);
  EXPECT_EQ(model_.Write(MakePath(3, 0), nodes, false, kNow, kStart), coap::kMethodNotAllowed);
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(DeviceModelTest, ALifetimeThatIsWrittenWantsAnUpdate) {
  EXPECT_EQ(WriteText(MakePath(1, 0, 1), "60"), coap::kChanged);
  EXPECT_THAT(model_.TakeActions(), ElementsAre(Action::kUpdateRegistration));
  EXPECT_EQ(WriteText(MakePath(1, 0, 1), "0"), coap::kBadRequest);
  EXPECT_THAT(model_.TakeActions(), IsEmpty());
}

TEST_F(DeviceModelTest, ExecutesWhatCanBeExecuted) {
  EXPECT_EQ(model_.Execute(MakePath(3, 0, 4), kStart), coap::kChanged);
  EXPECT_EQ(model_.Execute(MakePath(3, 0, 5), kStart), coap::kChanged);
  EXPECT_EQ(model_.Execute(MakePath(1, 0, 8), kStart), coap::kChanged);
  EXPECT_THAT(model_.TakeActions(), ElementsAre(Action::kReboot, Action::kFactoryReset, Action::kUpdateRegistration));
  EXPECT_EQ(model_.Execute(MakePath(3, 0, 9), kStart), coap::kMethodNotAllowed);
  EXPECT_EQ(model_.Execute(MakePath(3, 0), kStart), coap::kMethodNotAllowed);
  EXPECT_EQ(model_.Execute(MakePath(9, 0, 4), kStart), coap::kNotFound);
}

TEST_F(DeviceModelTest, FirmwareFromUriToSuccess) {
  EXPECT_EQ(model_.Execute(MakePath(5, 0, 2), kStart), coap::kMethodNotAllowed);
  EXPECT_EQ(WriteText(MakePath(5, 0, 1), "http://example.com/pump-1.4.2.bin"), coap::kChanged);
  EXPECT_EQ(State(), kDownloading);
  EXPECT_EQ(model_.Execute(MakePath(5, 0, 2), kStart), coap::kMethodNotAllowed);
  EXPECT_EQ(model_.next_due(), kStart + absl::Seconds(2));
  model_.Tick(kStart + absl::Seconds(1));
  EXPECT_EQ(State(), kDownloading);
  model_.Tick(kStart + absl::Seconds(2));
  EXPECT_EQ(State(), kDownloaded);
  EXPECT_EQ(Nodes(MakePath(5, 0, 6))[0].value().text(), "pump");
  EXPECT_EQ(Nodes(MakePath(5, 0, 7))[0].value().text(), "1.4.2");
  EXPECT_EQ(model_.next_due(), absl::InfiniteDuration());

  EXPECT_EQ(model_.Execute(MakePath(5, 0, 2), kStart), coap::kChanged);
  EXPECT_EQ(State(), kUpdating);
  EXPECT_EQ(WriteText(MakePath(5, 0, 1), ""), coap::kMethodNotAllowed);
  EXPECT_EQ(model_.Execute(MakePath(5, 0, 10), kStart), coap::kMethodNotAllowed);
  model_.Tick(kStart + absl::Seconds(2));
  EXPECT_THAT(model_.TakeActions(), ElementsAre(Action::kInstalled));
  model_.Restart();
  EXPECT_EQ(State(), kIdle);
  EXPECT_EQ(Result(), kSuccess);
  EXPECT_EQ(Nodes(MakePath(3, 0, 3))[0].value().text(), "1.4.2");
}

TEST_F(DeviceModelTest, FirmwareThatGoesOtherWays) {
  EXPECT_EQ(WriteText(MakePath(5, 0, 1), "gopher://example.com/x"), coap::kBadRequest);
  EXPECT_EQ(Result(), kUnsupportedProtocol);
  EXPECT_EQ(WriteText(MakePath(5, 0, 1), "coap://example.com/x"), coap::kChanged);
  EXPECT_EQ(Result(), kInitial);
  EXPECT_EQ(model_.Execute(MakePath(5, 0, 10), kStart), coap::kChanged);
  EXPECT_EQ(State(), kIdle);
  EXPECT_EQ(Result(), kCancelledByServer);
  EXPECT_EQ(WriteText(MakePath(5, 0, 1), ""), coap::kChanged);
  EXPECT_EQ(Result(), kInitial);
  EXPECT_EQ(WriteText(MakePath(5, 0, 1), "coap://example.com/x"), coap::kChanged);
  model_.Restart();  // a power cut
  EXPECT_EQ(State(), kIdle);
  EXPECT_EQ(Result(), kInitial);
  EXPECT_EQ(model_.next_due(), absl::InfiniteDuration());
}

TEST_F(DeviceModelTest, FirmwareThatIsPushed) {
  v1::Node node;
  *node.mutable_path() = MakePath(5, 0, 0);
  node.mutable_value()->set_opaque(std::string(5000, 'x'));
  EXPECT_EQ(model_.Write(node.path(), {node}, true, kNow, kStart), coap::kChanged);
  EXPECT_EQ(State(), kDownloaded);
  node.mutable_value()->set_opaque(std::string(1, '\0'));
  EXPECT_EQ(model_.Write(node.path(), {node}, true, kNow, kStart), coap::kChanged);
  EXPECT_EQ(State(), kIdle);
}

TEST_F(DeviceModelTest, SetReachesWhatTheServerCannotWrite) {
  EXPECT_THAT(model_.Set(MakePath(3, 0, 9), "20"), IsOk());
  EXPECT_THAT(Changes(), ElementsAre("/3/0/9"));
  EXPECT_THAT(model_.Set(MakePath(3, 0, 9), "20"), IsOk());
  EXPECT_THAT(Changes(), IsEmpty());  // the same value is no change
  EXPECT_THAT(model_.Set(MakePath(3303, 0, 5700), "-3.5"), IsOk());
  EXPECT_THAT(Changes(), ElementsAre("/3303/0/5700", "/3303/0/5601"));
  EXPECT_THAT(model_.Set(MakePath(3, 0, 11, 0), "2"), IsOk());
  EXPECT_THAT(model_.Set(MakePath(3, 0, 9), "low"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(model_.Set(MakePath(3, 0, 11), "2"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(model_.Set(MakePath(3, 0, 4), "2"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(model_.Set(MakePath(9, 0, 4), "2"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(model_.Set(MakePath(3, 0), "2"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(DeviceModelTest, WalkingChangesTemperatureAndBatteryWithinBounds) {
  CountingRandom random;
  model_.Walk(&random);
  EXPECT_THAT(Changes(), testing::IsSupersetOf({"/3303/0/5700", "/3/0/9"}));
  EXPECT_EQ(model_.IntegerAt(3, 9), 79);
  for (int i = 0; i < 1000; ++i) {
    model_.Walk(&random);
    EXPECT_GE(model_.IntegerAt(3, 9), 0);
    EXPECT_LE(model_.IntegerAt(3, 9), 100);
    const double celsius = Nodes(MakePath(3303, 0, 5700))[0].value().floating();
    EXPECT_TRUE(celsius >= 15 && celsius <= 35) << celsius;
  }
}

// ---- the objects of `more_objects` ----

class MoreObjectsTest : public DeviceModelTest {
 protected:
  void SetUp() override { ASSERT_EQ(model_.Read(MakePath(9, 0), kNow, &ignored_), coap::kNotFound); }
  static DeviceOptions Options() {
    DeviceOptions options;
    options.more_objects = true;
    return options;
  }
  std::string Told(const v1::Path& path) {
    std::vector<v1::Node> nodes;
    EXPECT_EQ(more_.Read(path, kNow, &nodes), coap::kContent);
    std::string told;
    for (const v1::Node& node : nodes) told += (told.empty() ? "" : ", ") + node.value().ShortDebugString();
    return told;
  }
  std::vector<v1::Node> ignored_;
  DeviceModel more_{Options()};
};

TEST_F(MoreObjectsTest, SoftwareIsInstalled) {
  v1::Node uri;
  *uri.mutable_path() = MakePath(9, 0, 3);
  uri.mutable_value()->mutable_raw()->set_octets("http://h/app-1.2.bin");
  EXPECT_EQ(more_.Write(uri.path(), {uri}, true, kNow, kStart), coap::kChanged);
  EXPECT_EQ(more_.IntegerAt(9, 7), 1);
  EXPECT_EQ(more_.next_due(), kStart + absl::Seconds(2));
  more_.Tick(kStart + absl::Seconds(2));
  EXPECT_EQ(more_.IntegerAt(9, 7), 3);
  EXPECT_EQ(Told(MakePath(9, 0, 1)), "text: \"1.2\"");
  EXPECT_EQ(more_.Execute(MakePath(9, 0, 4), kStart + absl::Seconds(2)), coap::kChanged);
  more_.TakeChanges();
  more_.Tick(kStart + absl::Seconds(4));
  EXPECT_EQ(more_.IntegerAt(9, 7), 4);
  EXPECT_EQ(more_.TakeChanges().size(), 2u);  // State and Result
  EXPECT_EQ(more_.Execute(MakePath(9, 0, 10), kStart), coap::kChanged);
  EXPECT_EQ(Told(MakePath(9, 0, 12)), "boolean: true");
}

TEST_F(MoreObjectsTest, CapabilityAndLog) {
  EXPECT_EQ(more_.Execute(MakePath(15, 0, 6), kStart), coap::kChanged);
  EXPECT_EQ(Told(MakePath(15, 0, 4)), "boolean: false");
  EXPECT_EQ(more_.Execute(MakePath(15, 0, 5), kStart), coap::kChanged);
  EXPECT_EQ(Told(MakePath(15, 0, 4)), "boolean: true");
  EXPECT_EQ(more_.IntegerAt(20, 4013), 1);
  EXPECT_EQ(more_.Execute(MakePath(20, 0, 4011), kStart), coap::kChanged);
  EXPECT_EQ(more_.IntegerAt(20, 4013), 2);
  EXPECT_EQ(more_.Execute(MakePath(20, 0, 4012), kStart), coap::kChanged);
  EXPECT_EQ(more_.IntegerAt(20, 4013), 3);
  EXPECT_EQ(Told(MakePath(20, 0, 4014)), "opaque: \"started, stopped\"");
}

TEST_F(MoreObjectsTest, AMultipleResourceIsReplacedOrAddedTo) {
  const auto category = [](uint32_t instance, int64_t number) {
    v1::Node node;
    *node.mutable_path() = MakePath(2056, 0, 0, instance);
    node.mutable_value()->set_integer(number);
    return node;
  };
  const v1::Path categories = MakePath(2056, 0, 0);
  EXPECT_EQ(more_.Write(categories, {category(0, 5), category(1, 6)}, true, kNow, kStart), coap::kChanged);
  EXPECT_EQ(Told(categories), "integer: 5, integer: 6");
  EXPECT_EQ(more_.Write(categories, {category(2, 7)}, false, kNow, kStart), coap::kChanged);
  EXPECT_EQ(Told(categories), "integer: 5, integer: 6, integer: 7");
  EXPECT_EQ(more_.Write(categories, {category(0, 8)}, true, kNow, kStart), coap::kChanged);
  EXPECT_EQ(Told(categories), "integer: 8");
  EXPECT_EQ(Told(MakePath(2048, 0, 1)), "object_link { object_id: 2050 }");
}

}  // namespace
}  // namespace isthmus::fleet
