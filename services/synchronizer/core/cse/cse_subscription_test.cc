// Subscriptions: creation, verification, and who hears what.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/synchronizer/core/cse/cse_fixture.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::Boolean;
using onem2m::Integer;
using onem2m::Text;
using onem2m::TextList;
using testing::HasSubstr;
using testing::IsEmpty;

class CseSubscriptionTest : public CseFixture {
 protected:
  void SetUp() override {
    CseFixture::SetUp();
    ASSERT_EQ(CreateNode("n").code(), 2001u);
    ASSERT_EQ(CreateBattery("cse-in/n").code(), 2001u);
    ASSERT_EQ(Register("Cmon", "monitor").code(), 2001u);
    const auto rules =
        MakeComplex({{"acr", onem2m::List({MakeComplex({{"acor", TextList({"C*"})}, {"acop", Integer(63)}})})}});
    ASSERT_EQ(Create("CAdmin", "cse-in", 1, "m2m:acp", {{"rn", Text("acp")}, {"pv", rules}, {"pvs", rules}}).code(),
              2001u);
    ASSERT_EQ(Update("CAdmin", "cse-in/n", "m2m:nod", {{"acpi", TextList({"cse-in/acp"})}}).code(), 2004u);
  }
  Result Subscribe(const std::string& to, std::vector<std::string> targets, std::vector<int> events = {},
                   Members more = {}, const std::string& from = "Cmon", const std::string& name = "sub") {
    return Ask(SubscribePrimitive(to, targets, events, more, from, name));
  }
  static onem2m::v1::RequestPrimitive SubscribePrimitive(const std::string& to, const std::vector<std::string>& targets,
                                                         const std::vector<int>& events = {}, Members more = {},
                                                         const std::string& from = "Cmon",
                                                         const std::string& name = "sub") {
    onem2m::v1::Object attributes = MakeObject(more);
    onem2m::Set(attributes, "rn", Text(name));
    onem2m::Set(attributes, "nu", TextList(targets));
    if (!events.empty()) {
      onem2m::v1::Value* criteria = onem2m::FindMutable(attributes, "enc");
      if (criteria == nullptr) onem2m::Set(attributes, "enc", MakeComplex({}));
      std::vector<onem2m::v1::Value> numbers;
      for (const int event : events) numbers.push_back(Integer(event));
      onem2m::Set(*onem2m::FindMutable(attributes, "enc")->mutable_object(), "net", onem2m::List(numbers));
    }
    return CreatePrimitive(from, to, 23, "m2m:sub", attributes);
  }
  Result SetLevel(int level) { return Update("CAdmin", "cse-in/n/bat", "m2m:bat", {{"btl", Integer(level)}}); }
  static std::string ContentOf(const OutgoingNotification& notification) {
    return onem2m::Describe(notification.primitive.primitive_content().value(), 10000);
  }
};

TEST_F(CseSubscriptionTest, NotifiesItsOriginatorWithoutVerification) {
  const Result created = Subscribe("cse-in/n/bat", {"Cmon"});
  EXPECT_EQ(created.code(), 2001u) << created.reason();
  EXPECT_EQ(created.get("nct"), "1");
  EXPECT_FALSE(created.has("cr"));
  EXPECT_THAT(notifications_.Take(), IsEmpty());
  ASSERT_EQ(SetLevel(5).code(), 2004u);
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, "Cmon");
  EXPECT_EQ(sent[0].subscription_id, created.text("ri"));
  const onem2m::v1::RequestPrimitive& primitive = sent[0].primitive;
  EXPECT_EQ(primitive.operation(), onem2m::v1::OPERATION_TYPE_NOTIFY);
  EXPECT_EQ(primitive.to(), "Cmon");
  EXPECT_EQ(primitive.from(), "/id-in");
  EXPECT_FALSE(primitive.request_identifier().empty());
  EXPECT_EQ(primitive.release_version_indicator(), "4");
  EXPECT_EQ(primitive.primitive_content().name(), "m2m:sgn");
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(R"("net":1,"rep":{"m2m:bat":{)"));
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(R"("btl":5)"));
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(absl::StrCat(R"("sur":"/id-in/)", created.text("ri"), "\"")));
}

// Field case: notification to the wrong receiver, or to nobody.
TEST_F(CseSubscriptionTest, EveryFormOfATargetReachesTheAe) {
  int number = 0;
  for (const char* uri : {"Cmon", "cse-in/monitor", "/id-in/Cmon", "-/monitor", "//isthmus.example.com/id-in/Cmon"}) {
    const Result created = Subscribe("cse-in/n/bat", {uri}, {}, {}, "CAdmin", absl::StrCat("s", ++number));
    ASSERT_EQ(created.code(), 2001u) << uri << created.reason();
    EXPECT_EQ(created.get("nu"), absl::StrCat("[\"", uri, "\"]"));
    EXPECT_EQ(created.text("cr"), "CAdmin");
    const auto verification = notifications_.Take();
    ASSERT_EQ(verification.size(), 1u) << uri;
    EXPECT_EQ(verification[0].target, "Cmon");
    EXPECT_EQ(ContentOf(verification[0]),
              absl::StrCat(R"({"vrq":true,"sur":"/id-in/)", created.text("ri"), R"(","cr":"CAdmin"})"));
    SetLevel(number);
    const auto sent = notifications_.Take();
    ASSERT_EQ(sent.size(), 1u) << uri;
    EXPECT_EQ(sent[0].target, "Cmon");
    EXPECT_EQ(sent[0].primitive.to(), "Cmon");
    ASSERT_EQ(Delete("CAdmin", absl::StrCat("cse-in/n/bat/s", number)).code(), 2002u);
  }
}

TEST_F(CseSubscriptionTest, EachTargetOncePerChange) {
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon", "cse-in/monitor", "/id-in/Cmon", "mqtt://127.0.0.1:1883/noti/x?ct=json"})
                .code(),
            2001u);
  EXPECT_THAT(notifications_.Take(), IsEmpty());
  for (int level = 0; level < 50; ++level) SetLevel(level);
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 100u);
  int to_ae = 0, to_url = 0;
  for (const auto& notification : sent) {
    to_ae += notification.target == "Cmon";
    to_url += notification.target == "mqtt://127.0.0.1:1883/noti/x";
  }
  EXPECT_EQ(to_ae, 50);
  EXPECT_EQ(to_url, 50);
}

TEST_F(CseSubscriptionTest, NotificationsComeInTheSerialisationOfTheirTarget) {
  ASSERT_EQ(Update("Cmon", "cse-in/monitor", "m2m:ae", {{"csz", TextList({"application/cbor"})}}).code(), 2004u);
  // The verification too: CAdmin subscribes for Cmon.
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon", "mqtt://127.0.0.1:1883/noti/x?ct=cbor"}, {}, {}, "CAdmin").code(),
            2001u);
  SetLevel(1);
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 3u);
  for (const auto& notification : sent) {
    if (notification.target == "Cmon") {
      EXPECT_EQ(notification.serialization, "cbor");
    } else {
      EXPECT_EQ(notification.target, "mqtt://127.0.0.1:1883/noti/x?ct=cbor");
      EXPECT_EQ(notification.primitive.to(), "mqtt://127.0.0.1:1883/noti/x");
    }
  }
}

TEST_F(CseSubscriptionTest, ADeadTargetDoesNotTouchTheUpdate) {
  ASSERT_EQ(Register("Cdead", "dead").code(), 2001u);
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cdead", "Cmon"}, {}, {}, "Cdead").code(), 2001u);
  notifications_.Take();
  notifications_.SetSilent("Cdead");
  for (int level = 0; level < 3; ++level) EXPECT_EQ(SetLevel(level).code(), 2004u);
  EXPECT_EQ(notifications_.Take().size(), 6u);
  notifications_.SetAnswer("Cmon", absl::UnavailableError("no broker"));
  EXPECT_EQ(SetLevel(9).code(), 2004u);
  notifications_.Take();
  ASSERT_EQ(Delete("Cdead", "cse-in/dead").code(), 2002u);
  SetLevel(10);
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, "Cmon");
  notifications_.Finish("Cdead", absl::DeadlineExceededError("too late"));
}

TEST_F(CseSubscriptionTest, WhatCannotBeATarget) {
  for (const char* uri : {"", "cse-in", "/id-in", "cse-in/nobody", "cse-in/n", "999", "http://host/x", "mqtt://host"}) {
    const Result result = Subscribe("cse-in/n/bat", {uri});
    EXPECT_EQ(result.code(), 4000u) << uri;
    EXPECT_THAT(result.reason(), HasSubstr("notification target")) << uri;
  }
  EXPECT_EQ(Subscribe("cse-in/n/bat", {}).code(), 4000u);
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {}, {{"su", Text("cse-in/nobody")}}).code(), 4000u);
}

TEST_F(CseSubscriptionTest, VerificationDecidesAboutTheCreation) {
  notifications_.SetSilent("Cmon");
  const auto waiting = Begin(SubscribePrimitive("cse-in/n/bat", {"Cmon"}, {}, {}, "CAdmin"));
  EXPECT_FALSE(waiting->has_value());
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n/bat/sub").code(), 4004u);
  notifications_.Finish("Cmon", FakeNotifications::Code(2000));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((*waiting)->code(), 2001u);
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(absl::StrCat("/id-in/", (*waiting)->text("ri"))));
}

TEST_F(CseSubscriptionTest, VerificationThatFails) {
  notifications_.SetAnswer("Cmon", FakeNotifications::Code(2001));
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {}, {}, "CAdmin").code(), 5204u);
  notifications_.SetAnswer("Cmon", FakeNotifications::Code(4103));
  const Result refused = Subscribe("cse-in/n/bat", {"Cmon"}, {}, {}, "CAdmin");
  EXPECT_EQ(refused.code(), 5204u);
  EXPECT_THAT(refused.reason(), HasSubstr("answered 4103"));
  notifications_.SetAnswer("Cghost", absl::DeadlineExceededError("no answer"));
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cghost"}, {}, {}, "CAdmin").code(), 5204u);
  EXPECT_EQ(Retrieve("CAdmin", "cse-in/n/bat/sub").code(), 4004u);
  // One of several is enough to refuse, and it is told once.
  notifications_.SetSilent("Cone");
  const auto waiting = Begin(SubscribePrimitive("cse-in/n/bat", {"Cone", "Cghost"}, {}, {}, "CAdmin"));
  ASSERT_TRUE(waiting->has_value());
  EXPECT_EQ((*waiting)->code(), 5204u);
  notifications_.Finish("Cone", FakeNotifications::Code(2000));
}

TEST_F(CseSubscriptionTest, WhatChangesDuringVerificationCounts) {
  notifications_.SetSilent("Cmon");
  const auto duplicate = Begin(SubscribePrimitive("cse-in/n/bat", {"Cmon"}, {}, {}, "CAdmin"));
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}).code(), 2001u);  // by Cmon itself: not asked
  notifications_.Finish("Cmon", FakeNotifications::Code(2000));
  EXPECT_EQ((*duplicate)->code(), 4105u);
  const auto orphan = Begin(SubscribePrimitive("cse-in/n/bat", {"Cmon"}, {}, {}, "CAdmin", "other"));
  ASSERT_EQ(Delete("CAdmin", "cse-in/n").code(), 2002u);
  notifications_.Finish("Cmon", FakeNotifications::Code(2000));
  EXPECT_EQ((*orphan)->code(), 4004u);
}

TEST_F(CseSubscriptionTest, NewTargetsOfAnUpdateAreVerified) {
  ASSERT_EQ(Register("Cother", "other").code(), 2001u);
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}).code(), 2001u);
  notifications_.SetAnswer("Cother", FakeNotifications::Code(4103));
  EXPECT_EQ(Update("Cmon", "cse-in/n/bat/sub", "m2m:sub", {{"nu", TextList({"Cmon", "Cother"})}}).code(), 5204u);
  notifications_.SetAnswer("Cother", FakeNotifications::Code(2000));
  EXPECT_EQ(Update("Cmon", "cse-in/n/bat/sub", "m2m:sub", {{"nu", TextList({"Cother"})}}).code(), 2004u);
  notifications_.Take();
  SetLevel(1);
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, "Cother");
}

TEST_F(CseSubscriptionTest, ModifiedAttributesAndReferences) {
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {1}, {{"nct", Integer(2)}}).code(), 2001u);
  clock_.Advance(absl::Seconds(1));
  SetLevel(7);
  auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(R"("rep":{"m2m:bat":{"lt":"20231114T221321","btl":7}})"));
  ASSERT_EQ(Update("Cmon", "cse-in/n/bat/sub", "m2m:sub", {{"nct", Integer(3)}}).code(), 2004u);
  SetLevel(8);
  sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(ContentOf(sent[0]),
              HasSubstr(absl::StrCat(R"("rep":{"m2m:uri":")", Retrieve("CAdmin", "cse-in/n/bat").text("ri"), "\"}")));
  EXPECT_EQ(Update("Cmon", "cse-in/n/bat/sub", "m2m:sub", {{"nct", Integer(4)}}).code(), 4000u);
}

TEST_F(CseSubscriptionTest, AttributeFilter) {
  const auto criteria = MakeComplex({{"net", onem2m::List({Integer(1)})}, {"atr", TextList({"bts"})}});
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {}, {{"enc", criteria}}).code(), 2001u);
  SetLevel(7);
  EXPECT_THAT(notifications_.Take(), IsEmpty());
  Update("CAdmin", "cse-in/n/bat", "m2m:bat", {{"bts", Integer(2)}});
  EXPECT_EQ(notifications_.Take().size(), 1u);
}

TEST_F(CseSubscriptionTest, ChildrenThatComeAndGo) {
  const auto criteria =
      MakeComplex({{"net", onem2m::List({Integer(3), Integer(4)})}, {"chty", onem2m::List({Integer(13)})}});
  ASSERT_EQ(Subscribe("cse-in/n", {"Cmon"}, {}, {{"enc", criteria}}).code(), 2001u);
  ASSERT_EQ(CreateBattery("cse-in/n", "second").code(), 2001u);
  auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(R"("net":3)"));
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(R"("rn":"second")"));
  ASSERT_EQ(Delete("CAdmin", "cse-in/n/second").code(), 2002u);
  sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(R"("net":4)"));
  ASSERT_EQ(Subscribe("cse-in/n", {"Cmon"}, {}, {}, "Cmon", "another").code(), 2001u);
  EXPECT_THAT(notifications_.Take(), IsEmpty());
}

TEST_F(CseSubscriptionTest, DeletionIsToldToSubscribersOfTheResourceAndOfItsEnd) {
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {2}, {{"su", Text("cse-in/monitor")}}).code(), 2001u);
  ASSERT_EQ(Delete("CAdmin", "cse-in/n").code(), 2002u);
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(R"("net":2,"rep":{"m2m:bat":{)"));
  EXPECT_THAT(ContentOf(sent[1]), HasSubstr(R"("sud":true)"));
  EXPECT_EQ(sent[1].target, "Cmon");
}

TEST_F(CseSubscriptionTest, ExpirationCounterEndsIt) {
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {}, {{"exc", Integer(2)}, {"su", Text("Cmon")}}).code(), 2001u);
  SetLevel(1);
  EXPECT_EQ(Retrieve("Cmon", "cse-in/n/bat/sub").get("exc"), "1");
  Restart();
  SetLevel(2);
  EXPECT_EQ(Retrieve("Cmon", "cse-in/n/bat/sub").code(), 4004u);
  SetLevel(3);
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_THAT(ContentOf(sent[2]), HasSubstr(R"("sud":true)"));
  Restart();
  EXPECT_EQ(Retrieve("Cmon", "cse-in/n/bat/sub").code(), 4004u);
}

TEST_F(CseSubscriptionTest, RefusalsBeforeAnybodyIsAsked) {
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {7}, {{"nct", Integer(2)}}).code(), 5001u);
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {9}).code(), 4000u);
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {}, {{"bn", MakeComplex({{"num", Integer(2)}})}}).code(), 5001u);
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {}, {{"cr", Text("Cmon")}}).code(), 4000u);
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}, {}, {{"cr", onem2m::Null()}}).text("cr"), "Cmon");
  EXPECT_EQ(Subscribe("cse-in/n/bat/sub", {"Cmon"}).code(), 5203u);
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}).code(), 4105u);
  EXPECT_EQ(Subscribe("cse-in/n/bat", {"/id-x/Cy"}, {}, {}, "/id-x/Cy").code(), 4103u);
  EXPECT_THAT(notifications_.Take(), IsEmpty());
}

TEST_F(CseSubscriptionTest, SubscribingNeedsTheRightToRetrieve) {
  const auto rules =
      MakeComplex({{"acr", onem2m::List({MakeComplex({{"acor", TextList({"Cmon"})}, {"acop", Integer(1)}})})}});
  ASSERT_EQ(Update("CAdmin", "cse-in/acp", "m2m:acp", {{"pv", rules}}).code(), 2004u);
  const Result result = Subscribe("cse-in/n/bat", {"Cmon"});
  EXPECT_EQ(result.code(), 4103u);
  EXPECT_THAT(result.reason(), HasSubstr("RETRIEVE"));
}

TEST_F(CseSubscriptionTest, DeviceSideHearsOfSubscribers) {
  const std::string battery = Provision()[0];
  EXPECT_THAT(management_.subscribers(), IsEmpty());
  ASSERT_EQ(Subscribe("cse-in/dev1/battery", {"CAdmin"}, {}, {}, "CAdmin", "a").code(), 2001u);
  ASSERT_EQ(Subscribe("cse-in/dev1/battery", {"CAdmin"}, {}, {}, "CAdmin", "b").code(), 2001u);
  ASSERT_EQ(Subscribe("cse-in/dev1", {"CAdmin"}, {}, {}, "CAdmin", "c").code(), 2001u);
  ASSERT_EQ(Delete("CAdmin", "cse-in/dev1/battery/a").code(), 2002u);
  Restart();
  ASSERT_EQ(Delete("CAdmin", "cse-in/dev1").code(), 2002u);
  std::vector<int> counts;
  for (const auto& call : management_.subscribers()) {
    EXPECT_EQ(call.resource_id, battery);
    EXPECT_EQ(call.node_id, "dev1");
    EXPECT_EQ(call.root, "m2m:bat");
    counts.push_back(call.count);
  }
  EXPECT_THAT(counts, testing::ElementsAre(1, 2, 1, 1, 0));
}

TEST_F(CseSubscriptionTest, ValuesFromTheDeviceAreToldOnceWhenTheyDiffer) {
  const std::string battery = Provision()[0];
  ASSERT_EQ(Subscribe("cse-in/dev1/battery", {"CAdmin"}, {}, {}, "CAdmin").code(), 2001u);
  ASSERT_THAT(cse_->UpdateAttributes(battery, {Attribute("btl", Integer(60))}, {}), status::IsOk());
  ASSERT_THAT(cse_->UpdateAttributes(battery, {Attribute("btl", Integer(60))}, {}), status::IsOk());
  management_.AnswerWith([](const ManagementRequest&) {
    ManagementResult result;
    result.response_status_code = 2000;
    result.attributes = {Attribute("btl", Integer(60))};
    return result;
  });
  ASSERT_EQ(Retrieve("CAdmin", "cse-in/dev1/battery").code(), 2000u);
  EXPECT_EQ(notifications_.Take().size(), 1u);
}

TEST_F(CseSubscriptionTest, NewDevicesAreToldToSubscribersOfTheCseBase) {
  ASSERT_EQ(Subscribe("cse-in", {"Cmon"}, {3}).code(), 2001u);
  Provision();
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(ContentOf(sent[0]), HasSubstr(R"("ni":"dev1")"));
}

// Changes from many threads: every notification is sent once, in the order of the changes, and nothing deadlocks when a
// target's answer calls back into the CSE.
TEST_F(CseSubscriptionTest, ManyThreads) {
  ASSERT_EQ(Subscribe("cse-in/n/bat", {"Cmon"}).code(), 2001u);
  constexpr int kThreads = 4, kChanges = 50;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kChanges; ++i) {
        SetLevel((t * kChanges + i) % 101);
        Retrieve("CAdmin", "cse-in/n/bat");
        Retrieve("CAdmin", "cse-in", 4);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto sent = notifications_.Take();
  ASSERT_EQ(sent.size(), static_cast<size_t>(kThreads * kChanges));
  EXPECT_THAT(ContentOf(sent.back()),
              HasSubstr(absl::StrCat(R"("btl":)", Retrieve("CAdmin", "cse-in/n/bat").get("btl"), ",")));
}

}  // namespace
}  // namespace isthmus::synchronizer
