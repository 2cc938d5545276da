#include "tools/lwm2m_fleet/management.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::fleet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ManagementTest : public testing::Test {
 protected:
  coap::OutgoingResponse Ask(coap::Code method, absl::string_view path, std::vector<std::string> queries = {}) {
    return management_.Answer(Request(method, path, std::move(queries)));
  }
  coap::OutgoingResponse Get(absl::string_view path, uint64_t accept) {
    coap::Message request = Request(coap::kGet, path);
    request.AddUintOption(coap::kAccept, accept);
    return management_.Answer(request);
  }
  coap::OutgoingResponse Send(coap::Code method, absl::string_view path, uint64_t format, std::string payload) {
    coap::Message request = Request(method, path);
    request.AddUintOption(coap::kContentFormat, format);
    request.payload = std::move(payload);
    return management_.Answer(request);
  }
  static coap::Message Request(coap::Code method, absl::string_view path, std::vector<std::string> queries = {}) {
    coap::Message request;
    request.code = method;
    for (absl::string_view segment : absl::StrSplit(path, '/', absl::SkipEmpty())) {
      request.AddOption(coap::kUriPath, segment);
    }
    for (const std::string& query : queries) request.AddOption(coap::kUriQuery, query);
    return request;
  }
  static uint64_t FormatOf(const coap::OutgoingResponse& response) {
    coap::Message message;
    message.options = response.options;
    return message.UintOption(coap::kContentFormat).value_or(99999);
  }

  FakeClock clock_;
  DeviceModel model_{DeviceOptions{}};
  Management management_{&model_, &clock_};
};

TEST_F(ManagementTest, ReadsInTheFormatThatIsAsked) {
  EXPECT_EQ(Get("/3/0/9", 0).payload, "80");
  EXPECT_EQ(absl::BytesToHexString(Get("/3/0/9", 11542).payload), "c10950");
  EXPECT_EQ(Get("/3/0/9", 110).payload, R"([{"bn":"/3/0/","n":"9","v":80}])");
  EXPECT_EQ(FormatOf(Get("/3/0/9", 110)), 110u);
  EXPECT_EQ(Get("/3/0", 110).code, coap::kContent);
  EXPECT_EQ(Get("/3/0", 0).code, coap::kNotAcceptable);
  EXPECT_EQ(Get("/3/0/6", 0).code, coap::kNotAcceptable);
  EXPECT_EQ(Get("/3/0/9", 42).code, coap::kNotAcceptable);
  EXPECT_EQ(Get("/3/0/9", 65000).code, coap::kNotAcceptable);
}

TEST_F(ManagementTest, ReadsAndWritesSeveralAtOnce) {
  const char kAsked[] = R"([{"n":"/3/0/9"},{"n":"/1/0/1"},{"n":"/3/0/99"},{"n":"/0/0"},{"n":"/3/0/9"}])";
  EXPECT_EQ(Send(coap::kFetch, "", 110, kAsked).payload,
            R"([{"bn":"/1/0/","n":"1","v":300},{"bn":"/3/0/","n":"9","v":80}])");
  const auto cbor = Send(coap::kFetch, "", 112, *lwm2m::codec::EncodePaths(112, {lwm2m::MakePath(3, 0, 9)}));
  EXPECT_EQ(FormatOf(cbor), 112u);
  EXPECT_EQ(lwm2m::codec::Decode(112, cbor.payload, {}, clock_.Now())->at(0).value().integer(), 80);
  EXPECT_EQ(Send(coap::kFetch, "", 110, R"([{"n":"/3/0/99"},{"n":"/0"}])").code, coap::kNotFound);
  for (const char* broken : {"", "[]", R"([{"n":"x"}])"}) {
    EXPECT_EQ(Send(coap::kFetch, "", 110, broken).code, coap::kBadRequest) << broken;
    EXPECT_EQ(Send(coap::kIPatch, "", 110, broken).code, coap::kBadRequest) << broken;
  }

  EXPECT_EQ(Send(coap::kIPatch, "", 110, R"([{"n":"/1/0/1","v":60},{"n":"/3/0/15","vs":"Asia/Seoul"}])").code,
            coap::kChanged);
  EXPECT_EQ(Get("/1/0/1", 0).payload, "60");
  EXPECT_EQ(Get("/3/0/15", 0).payload, "Asia/Seoul");
  // All or nothing.
  EXPECT_EQ(Send(coap::kIPatch, "", 110, R"([{"n":"/1/0/1","v":61},{"n":"/3/0/9","v":5}])").code,
            coap::kMethodNotAllowed);
  EXPECT_EQ(Send(coap::kIPatch, "", 110, R"([{"n":"/1/0/1","v":61},{"n":"/3/1/15","vs":"x"}])").code, coap::kNotFound);
  EXPECT_EQ(Send(coap::kIPatch, "", 110, R"([{"n":"/1/0/1","v":61},{"n":"/0/0/0","vs":"x"}])").code,
            coap::kUnauthorized);
  EXPECT_EQ(Get("/1/0/1", 0).payload, "60");
}

TEST_F(ManagementTest, ReadsInItsOwnFormatWhenNoneIsAsked) {
  EXPECT_EQ(FormatOf(Ask(coap::kGet, "/3/0/9")), 0u);
  EXPECT_EQ(FormatOf(Ask(coap::kGet, "/3/0/6")), 11542u);
  EXPECT_EQ(FormatOf(Ask(coap::kGet, "/3")), 11542u);
}

TEST_F(ManagementTest, RefusesWhatCannotBe) {
  EXPECT_EQ(Ask(coap::kGet, "").code, coap::kBadRequest);
  EXPECT_EQ(Ask(coap::kGet, "/rd").code, coap::kNotFound);
  EXPECT_EQ(Ask(coap::kGet, "/3/0/99").code, coap::kNotFound);
  EXPECT_EQ(Ask(coap::kGet, "/1/2/3/4/5").code, coap::kNotFound);
  EXPECT_EQ(Ask(coap::kDelete, "/3/0").code, coap::kMethodNotAllowed);
  EXPECT_EQ(Ask(coap::kFetch, "/3").code, coap::kMethodNotAllowed);
  EXPECT_EQ(Ask(coap::kFetch, "").code, coap::kUnsupportedContentFormat);
  EXPECT_EQ(Ask(coap::kIPatch, "").code, coap::kUnsupportedContentFormat);
  EXPECT_EQ(Ask(coap::kPost, "/3303").code, coap::kMethodNotAllowed);
}

TEST_F(ManagementTest, Writes) {
  EXPECT_EQ(Send(coap::kPut, "/3/0/15", 0, "Asia/Kolkata").code, coap::kChanged);
  EXPECT_EQ(Get("/3/0/15", 0).payload, "Asia/Kolkata");
  EXPECT_EQ(Send(coap::kPut, "/3/0/15", 0, "").code, coap::kChanged);
  EXPECT_EQ(Get("/3/0/15", 0).payload, "");
  EXPECT_EQ(Send(coap::kPost, "/1/0", 110, R"([{"bn":"/1/0/","n":"2","v":5},{"n":"3","v":50}])").code, coap::kChanged);
  EXPECT_EQ(Get("/1/0/3", 0).payload, "50");
  EXPECT_EQ(Send(coap::kPost, "/1/0", 11542, absl::HexStringToBytes("C10206")).code, coap::kChanged);
  EXPECT_EQ(Get("/1/0/2", 0).payload, "6");
  EXPECT_EQ(Send(coap::kPut, "/3/0/15", 65000, "x").code, coap::kUnsupportedContentFormat);
  EXPECT_EQ(Send(coap::kPut, "/1/0/2", 11542, absl::HexStringToBytes("C802FF")).code, coap::kBadRequest);
  EXPECT_EQ(Send(coap::kPut, "/3/0/9", 0, "5").code, coap::kMethodNotAllowed);
}

TEST_F(ManagementTest, Executes) {
  EXPECT_EQ(Ask(coap::kPost, "/3/0/4").code, coap::kChanged);
  EXPECT_EQ(model_.TakeActions().size(), 1u);
  EXPECT_EQ(Ask(coap::kPost, "/5/0/2").code, coap::kMethodNotAllowed);
  EXPECT_EQ(Ask(coap::kPost, "/3/0/9").code, coap::kMethodNotAllowed);
  EXPECT_EQ(Ask(coap::kPost, "/3/0/99").code, coap::kNotFound);
}

TEST_F(ManagementTest, DiscoversWithAttributes) {
  EXPECT_EQ(Ask(coap::kPut, "/3/0/9", {"pmin=10", "lt=20"}).code, coap::kChanged);
  EXPECT_EQ(Get("/3/0/9", 40).payload, "</3/0/9>;pmin=10;lt=20");
  EXPECT_EQ(Get("/3/0/6", 40).payload, "</3/0/6>;dim=2");
  EXPECT_THAT(Get("/3", 40).payload, StartsWith("</3>;ver=1.1,</3/0>,</3/0/0>,"));
  EXPECT_THAT(Get("/3", 40).payload, HasSubstr("</3/0/4>"));
  const auto links = lwm2m::codec::ParseDiscoverLinks(Get("/3/0", 40).payload);
  ASSERT_TRUE(links.ok());
  EXPECT_TRUE(links->warnings.empty());
  EXPECT_EQ(Get("/9", 40).code, coap::kNotFound);
  EXPECT_EQ(Ask(coap::kPut, "/3/0/9", {"x=10"}).code, coap::kBadRequest);
  EXPECT_EQ(Ask(coap::kPut, "/3/0/99", {"pmin=10"}).code, coap::kNotFound);
}

}  // namespace
}  // namespace isthmus::fleet
