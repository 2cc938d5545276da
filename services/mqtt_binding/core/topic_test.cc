#include "services/mqtt_binding/core/topic.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace isthmus::mqtt_binding {
namespace {

TEST(Topic, IdsBecomeSegments) {
  EXPECT_EQ(ToSegment("/id-in"), "id-in");
  EXPECT_EQ(ToSegment("Cme"), "Cme");
  EXPECT_EQ(ToSegment("/Sme"), "Sme");
  EXPECT_EQ(ToSegment("/id-in/Cme"), "id-in:Cme");
  EXPECT_EQ(ToSegment("//sp.example/x"), ":sp.example:x");
}

TEST(Topic, AnswersRepeatTheSegmentsLiterally) {
  const TopicScheme scheme("/id-in", "");
  for (const auto& [request, answer] : std::initializer_list<std::pair<const char*, const char*>>{
           {"/oneM2M/req/Cme/id-in/json", "/oneM2M/resp/Cme/id-in/json"},
           {"/oneM2M/req/id-in:Cme/id-in/json", "/oneM2M/resp/id-in:Cme/id-in/json"},
           {"/oneM2M/req/Cme/id-in", "/oneM2M/resp/Cme/id-in"},
           {"/oneM2M/reg_req/cred:1/id-in/json", "/oneM2M/reg_resp/cred:1/id-in/json"}}) {
    const std::optional<Topic> topic = scheme.Parse(request);
    ASSERT_TRUE(topic) << request;
    EXPECT_EQ(scheme.Format(*topic), request);
    EXPECT_EQ(scheme.Format(TopicScheme::AnswerTo(*topic)), answer);
    EXPECT_EQ(topic->serialization(), "json");
  }
}

TEST(Topic, StrayTopicsAreNone) {
  const TopicScheme scheme("/id-in", "");
  for (const char* topic :
       {"", "/", "oneM2M/req/Cme/id-in/json", "/oneM2M/req/Cme", "/oneM2M/req/Cme/id-in/json/more",
        "/oneM2M/req//id-in/json", "/oneM2M/req/Cme/id-in/", "/oneM2M/request/Cme/id-in/json",
        "/onem2m/req/Cme/id-in/json", "x/oneM2M/req/Cme/id-in/json", "//oneM2M/req/Cme/id-in/json"}) {
    EXPECT_FALSE(scheme.Parse(topic)) << topic;
  }
}

TEST(Topic, PrefixStandsInFrontOfEverything) {
  const TopicScheme scheme("/id-in", "abc/def");
  const std::optional<Topic> topic = scheme.Parse("abc/def/oneM2M/req/Cme/id-in/cbor");
  ASSERT_TRUE(topic);
  EXPECT_EQ(topic->serialization(), "cbor");
  EXPECT_EQ(scheme.Format(TopicScheme::AnswerTo(*topic)), "abc/def/oneM2M/resp/Cme/id-in/cbor");
  EXPECT_FALSE(scheme.Parse("/oneM2M/req/Cme/id-in/json"));
  EXPECT_FALSE(scheme.Parse("abc/def"));
}

TEST(Topic, FiltersOfACse) {
  EXPECT_THAT(TopicScheme("/id-in", "p").Filters(),
              ::testing::ElementsAre("p/oneM2M/req/+/id-in/#", "p/oneM2M/resp/id-in/#", "p/oneM2M/reg_req/+/id-in/#"));
}

}  // namespace
}  // namespace isthmus::mqtt_binding
