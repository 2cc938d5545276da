#include "services/lib/onem2m/json/json_codec.h"

#include <random>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::onem2m {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

Decoded<v1::RequestPrimitive> Decode(absl::string_view payload) { return JsonCodec().DecodeRequest(payload, kNow); }

DecodeError ErrorOf(absl::string_view payload) {
  auto decoded = Decode(payload);
  if (const auto* error = std::get_if<DecodeError>(&decoded)) return *error;
  ADD_FAILURE() << "accepted: " << payload;
  return {};
}

TEST(JsonCodec, ReadsWhatAcmeForwards) {
  auto decoded = Decode(R"({"fr":"/id-in/CAdmin","to":"/id-lw/lwm2m/n1/bat","ot":"20261124T224426,504382","op":-2,)"
                        R"("rqi":"0e9ZxUAEYZ","rvi":"4","rcn":11,"drt":1,"fc":{"fu":1,"ty":[14]}})");
  ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(decoded)) << std::get<DecodeError>(decoded).reason;
  const auto& request = std::get<v1::RequestPrimitive>(decoded);
  EXPECT_EQ(request.operation(), v1::OPERATION_TYPE_RETRIEVE);
  EXPECT_EQ(request.filter_criteria().filter_usage(), 1u);
  EXPECT_EQ(request.originating_timestamp(), "20261124T224426,504382");
  EXPECT_EQ(request.result_content(), 11u);
}

// Field case "oneM2M requests as AEs send them".
TEST(JsonCodec, ShapesOfTheFieldAreServedOrAnsweredWithTheirIdentifier) {
  DecodeError error = ErrorOf(R"({"m2m:rqp":{"op":2,"fr":"Cshape","to":"cse-in/n/bat","rqi":"w1","rvi":"4"}})");
  EXPECT_THAT(error.reason, HasSubstr("m2m:rqp"));
  EXPECT_EQ(error.request_identifier, "w1");
  EXPECT_EQ(error.response_status_code, 4000u);

  error = ErrorOf(R"({"op":2,"fr":"Cshape","to":"cse-in/n/bat","rqi":123456,"rvi":"4"})");
  EXPECT_THAT(error.reason, HasSubstr("rqi"));
  EXPECT_EQ(error.request_identifier, "123456");

  auto decoded = Decode(R"({"op":2,"fr":"Cshape","to":"cse-in/n/bat","rqi":"w3","rvi":4})");
  EXPECT_EQ(std::get<v1::RequestPrimitive>(decoded).release_version_indicator(), "4");

  error = ErrorOf(
      "\xEF\xBB\xBF"
      R"({"op":2,"fr":"Cshape","to":"cse-in/n/bat","rqi":"w4","rvi":"4"})");
  EXPECT_THAT(error.reason, HasSubstr("byte-order mark"));
  EXPECT_EQ(error.request_identifier, "w4");
  EXPECT_EQ(error.from, "Cshape");

  error = ErrorOf(R"({"op":3,"fr":"Cshape","to":"x","rqi":"w5","rvi":"4","pc":"{\"m2m:bat\":{\"btl\":5}}"})");
  EXPECT_THAT(error.reason, HasSubstr("pc: expected an object"));
  EXPECT_EQ(error.request_identifier, "w5");

  error = ErrorOf(R"([{"op":2,"rqi":"w6"}])");
  EXPECT_THAT(error.reason, HasSubstr("object at the top level"));
  EXPECT_EQ(error.request_identifier, "w6");

  error = ErrorOf(R"({"op":2,"op":4,"fr":"Cshape","to":"x","rqi":"w7","rvi":"4"})");
  EXPECT_THAT(error.reason, HasSubstr("'op' occurs twice"));
  EXPECT_EQ(error.request_identifier, "w7");

  error = ErrorOf(R"({"op":2,"fr":"Cshape","to":"x","rqi":"w8","rvi":"4","pc":)" + std::string(10'000, '[') +
                  std::string(10'000, ']') + "}");
  EXPECT_THAT(error.reason, HasSubstr("nested deeper"));
  EXPECT_EQ(error.request_identifier, "w8");
}

TEST(JsonCodec, BrokenTextStillTellsTheIdentifier) {
  // Before the error, after it, and nowhere to be trusted.
  EXPECT_EQ(ErrorOf(R"({"rqi":"a1","rvi":"3","fr":"C","op":)").request_identifier, "a1");
  EXPECT_EQ(ErrorOf(R"({"op":2,,"rqi" : "a2"})").request_identifier, "a2");
  EXPECT_EQ(ErrorOf(R"({"op":2 "rqi":77)"
                    "}")
                .request_identifier,
            "77");
  EXPECT_EQ(ErrorOf(R"({,"pc":{"rqi":"inner"},"rqi":"outer"})").request_identifier, "");
  EXPECT_EQ(ErrorOf(R"({,"rqi":"esc\"aped"})").request_identifier, "");
  EXPECT_EQ(ErrorOf("hello").request_identifier, "");
  EXPECT_EQ(ErrorOf("").request_identifier, "");
}

std::vector<std::string> Corpus() {
  return {
      R"({"op":1,"ty":13,"to":"cse-in/n","fr":"Cme","rqi":"1","rvi":"4","rcn":3,"pc":{"m2m:bat":{"mgd":1006,"btl":77,)"
      R"("bts":1,"obis":["urn:oma:lwm2m:oma:3"],"obps":["/3/0"],"lbl":["a","b"]}}})",
      R"({"op":2,"to":"cse-in","fr":"Cme","rqi":"2","rvi":"3","fc":{"fu":1,"ty":[13,14],"lbl":["x"],"lim":10,"fo":2,)"
      R"("btl":"5","atr":[{"nm":"con","val":"a*"}]},"drt":2,"rqet":"20301231T235959,5"})",
      R"({"op":3,"to":"cse-in/n/rbo","fr":"/id-in/Cme","rqi":"3","rvi":"2a","rt":{"rtv":2,"nu":["Cme"]},"ec":2,)"
      R"("pc":{"m2m:rbo":{"rbo":true,"far":null,"x":[1,2.5,-3e-7,"\u00e4\n"]}}})",
      R"({"op":5,"to":"Cmon","fr":"/id-in","rqi":"4","rvi":"4","pc":{"m2m:sgn":{"nev":{"net":1,"rep":{"m2m:bat":)"
      R"({"btl":1}}},"sur":"/id-in/sub1"}}})"};
}

TEST(JsonCodec, RequestsComeBackFromTheirText) {
  const JsonCodec codec;
  for (const std::string& text : Corpus()) {
    auto first = Decode(text);
    ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(first)) << std::get<DecodeError>(first).reason << text;
    const std::string again = codec.EncodeRequest(std::get<v1::RequestPrimitive>(first));
    auto second = Decode(again);
    ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(second)) << std::get<DecodeError>(second).reason << again;
    EXPECT_EQ(std::get<v1::RequestPrimitive>(first).SerializeAsString(),
              std::get<v1::RequestPrimitive>(second).SerializeAsString())
        << again;
  }
}

TEST(JsonCodec, WritesAnAnswerAsPeersExpectIt) {
  v1::ResponsePrimitive response;
  response.set_response_status_code(2000);
  response.set_request_identifier("r\"1");
  response.set_release_version_indicator("4");
  response.set_from("/id-in");
  response.set_to("Cme");
  response.set_originating_timestamp("20231114T221320");
  response.mutable_primitive_content()->set_name("m2m:bat");
  v1::Object battery;
  Set(battery, "btl", Integer(77));
  Set(battery, "x", Number(0.5));
  *response.mutable_primitive_content()->mutable_value() = Complex(battery);
  const JsonCodec codec;
  const std::string text = codec.EncodeResponse(response);
  EXPECT_EQ(text, R"({"rsc":2000,"rqi":"r\"1","rvi":"4","fr":"/id-in","to":"Cme","ot":"20231114T221320",)"
                  R"("pc":{"m2m:bat":{"btl":77,"x":0.5}}})");
  auto decoded = codec.DecodeResponse(text);
  ASSERT_TRUE(std::holds_alternative<v1::ResponsePrimitive>(decoded));
  EXPECT_EQ(std::get<v1::ResponsePrimitive>(decoded).SerializeAsString(), response.SerializeAsString());
}

TEST(JsonCodec, BrokenAnswersAreErrors) {
  const JsonCodec codec;
  for (const char* text : {"", "[]", "null", "{}", R"({"rqi":"1"})", R"({"rsc":"x","rqi":"1"})", R"({"rsc":2000})",
                           R"({"rsc":2000,"rqi":"1","pc":{"a":1,"b":2}})", R"({"rsc":2000,"rqi":"1","pc":"x"})"}) {
    EXPECT_TRUE(std::holds_alternative<DecodeError>(codec.DecodeResponse(text))) << text;
  }
}

// Whatever a payload is turned into, it is decoded or refused; what is decoded can be written and read again.
TEST(JsonCodec, MutatedPayloadsAreSurvived) {
  const JsonCodec codec;
  const std::vector<std::string> corpus = Corpus();
  std::mt19937_64 random(42);
  const std::string fragments[] = {"{",
                                   "}",
                                   "[",
                                   "]",
                                   "\"",
                                   ":",
                                   ",",
                                   "null",
                                   "-2",
                                   "1e5",
                                   "\"op\":",
                                   "\"pc\":{",
                                   "\\u0000",
                                   "\xFF",
                                   "\xEF\xBB\xBF",
                                   "9999999999999999999999",
                                   "\"rqet\":\"",
                                   "\"fc\":"};
  int served = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = corpus[random() % corpus.size()];
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = text.empty() ? 0 : random() % text.size();
      switch (random() % 4) {
        case 0:
          if (!text.empty()) text[at] = static_cast<char>(random());
          break;
        case 1:
          text.insert(at, fragments[random() % std::size(fragments)]);
          break;
        case 2:
          text.erase(at, random() % 8);
          break;
        default:
          text.insert(at, corpus[random() % corpus.size()].substr(random() % 50, random() % 50));
      }
    }
    auto decoded = Decode(text);
    (void)codec.DecodeResponse(text);
    if (const auto* request = std::get_if<v1::RequestPrimitive>(&decoded)) {
      ++served;
      const std::string again = codec.EncodeRequest(*request);
      auto second = Decode(again);
      ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(second)) << std::get<DecodeError>(second).reason << "\n"
                                                                        << text << "\n"
                                                                        << again;
    } else {
      EXPECT_FALSE(std::get<DecodeError>(decoded).reason.empty());
    }
  }
  EXPECT_GT(served, 100);
}

}  // namespace
}  // namespace isthmus::onem2m
