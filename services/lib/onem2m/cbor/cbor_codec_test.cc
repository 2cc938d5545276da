#include "services/lib/onem2m/cbor/cbor_codec.h"

#include <random>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/cbor/cbor.h"
#include "services/lib/onem2m/cbor/cbor_octets.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/onem2m/json/json_text.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::onem2m {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

// The octets of what `json` says.
std::string Octets(absl::string_view json) {
  const JsonDocument document = ParseJson(json);
  EXPECT_EQ(document.error, "") << json;
  return ToCbor(document.value);
}

Decoded<v1::RequestPrimitive> Decode(absl::string_view payload) { return CborCodec().DecodeRequest(payload, kNow); }

DecodeError ErrorOf(absl::string_view payload) {
  auto decoded = Decode(payload);
  if (const auto* error = std::get_if<DecodeError>(&decoded)) return *error;
  ADD_FAILURE() << "accepted: " << absl::BytesToHexString(payload);
  return {};
}

// Octets as cbor2 for Python writes them: {"op":2,"to":"cse-in/n/bat","fr":"Cme","rqi":"r1","rvi":"4","fc":{"lim":10}}.
TEST(CborCodec, ReadsWhatAnotherEncoderWrote) {
  auto decoded = Decode(
      absl::HexStringToBytes("a6626f700262746f6c6373652d696e2f6e2f62617462667263436d6563727169627231637276696134626663"
                             "a1636c696d0a"));
  ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(decoded)) << std::get<DecodeError>(decoded).reason;
  const auto& request = std::get<v1::RequestPrimitive>(decoded);
  EXPECT_EQ(request.operation(), v1::OPERATION_TYPE_RETRIEVE);
  EXPECT_EQ(request.to(), "cse-in/n/bat");
  EXPECT_EQ(request.from(), "Cme");
  EXPECT_EQ(request.request_identifier(), "r1");
  EXPECT_EQ(request.release_version_indicator(), "4");
  EXPECT_EQ(request.filter_criteria().limit(), 10u);
}

// Field case "oneM2M requests as AEs send them".
TEST(CborCodec, ShapesOfTheFieldAreServedOrAnsweredWithTheirIdentifier) {
  DecodeError error = ErrorOf(Octets(R"({"m2m:rqp":{"op":2,"fr":"Cshape","to":"x","rqi":"w1","rvi":"4"}})"));
  EXPECT_THAT(error.reason, HasSubstr("m2m:rqp"));
  EXPECT_EQ(error.request_identifier, "w1");
  EXPECT_EQ(error.response_status_code, 4000u);

  error = ErrorOf(Octets(R"({"op":2,"fr":"Cshape","to":"x","rqi":123456,"rvi":"4"})"));
  EXPECT_THAT(error.reason, HasSubstr("rqi"));
  EXPECT_EQ(error.request_identifier, "123456");

  auto decoded = Decode(Octets(R"({"op":2,"fr":"Cshape","to":"x","rqi":"w3","rvi":4})"));
  EXPECT_EQ(std::get<v1::RequestPrimitive>(decoded).release_version_indicator(), "4");

  error = ErrorOf(Octets(R"({"op":3,"fr":"Cshape","to":"x","rqi":"w5","rvi":"4","pc":"{\"m2m:bat\":{}}"})"));
  EXPECT_THAT(error.reason, HasSubstr("pc: expected an object"));
  EXPECT_EQ(error.request_identifier, "w5");
  EXPECT_EQ(error.from, "Cshape");
  EXPECT_EQ(error.to, "x");

  error = ErrorOf(Octets(R"([{"op":2,"rqi":"w6"}])"));
  EXPECT_THAT(error.reason, HasSubstr("map at the top level"));
  EXPECT_EQ(error.request_identifier, "w6");

  // JSON on the topic of CBOR.
  error = ErrorOf(R"({"op":2,"rqi":"w7"})");
  EXPECT_THAT(error.reason, HasSubstr("CBOR, octet"));

  // One wrong member, in front of rqi.
  error = ErrorOf(cbor::Encode(cbor::Map({cbor::Text("op"), cbor::Integer(3), cbor::Text("pc"),
                                          cbor::Map({cbor::Text("m2m:bat"), cbor::Bytes("\x01")}), cbor::Text("rqi"),
                                          cbor::Text("w8"), cbor::Text("fr"), cbor::Text("C")})));
  EXPECT_EQ(error.reason, "pc.m2m:bat: expected a text, got a byte string");
  EXPECT_EQ(error.request_identifier, "w8");
  EXPECT_EQ(error.from, "C");

  // Deeper than the decoder of octets goes: what stands behind is found all the same.
  error = ErrorOf(absl::StrCat("\xa3\x62op\x03\x62pc", std::string(10'000, '\x81'), "\x01\x63rqi\x62w9"));
  EXPECT_THAT(error.reason, HasSubstr("nested deeper"));
  EXPECT_EQ(error.request_identifier, "w9");
}

TEST(CborCodec, BrokenOctetsStillTellTheIdentifier) {
  const std::string whole = Octets(R"({"op":2,"fr":"Cme","to":"cse-in","rqi":"a1","rvi":"3","lbl":["x"]})");
  const size_t known = whole.find("a1") + 2;
  for (size_t size = known; size < whole.size(); ++size) {
    EXPECT_EQ(ErrorOf(whole.substr(0, size)).request_identifier, "a1") << size;
    EXPECT_EQ(ErrorOf(whole.substr(0, size)).from, "Cme") << size;
  }
  // Behind the error.
  EXPECT_EQ(ErrorOf(absl::StrCat("\xa2\x62op\x1c", "\x63rqi\x62", "a2")).request_identifier, "a2");
  EXPECT_EQ(ErrorOf(absl::StrCat("\xa2\x62op\x1c", "\x63rqi\x19\x03\xe8")).request_identifier, "1000");
  EXPECT_EQ(ErrorOf(absl::StrCat("\xa2\x62op\x1c", "\x63rqi\x78\x1e", std::string(30, 'x'))).request_identifier,
            std::string(30, 'x'));
  // Nowhere to be trusted.
  EXPECT_EQ(ErrorOf(absl::StrCat("\xa2\x1c\x62pc\xa1\x63rqi\x65inner\x63rqi\x65outer")).request_identifier, "");
  EXPECT_EQ(ErrorOf(absl::StrCat("\xa2\x1c\x63rqi\x65", "cut")).request_identifier, "");
  EXPECT_EQ(ErrorOf(absl::StrCat("\xa2\x1c\x63rqi\x62\xc3\x28")).request_identifier, "");
  EXPECT_EQ(ErrorOf(absl::StrCat("\xa2\x1c\x63rqi\x81\x01")).request_identifier, "");
  EXPECT_EQ(ErrorOf("\x1c\x63rqi").request_identifier, "");
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

TEST(CborCodec, RequestsComeBackAndSayWhatJsonSays) {
  const CborCodec codec;
  for (const std::string& json : Corpus()) {
    auto first = Decode(Octets(json));
    ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(first)) << std::get<DecodeError>(first).reason << json;
    const std::string expected = std::get<v1::RequestPrimitive>(first).SerializeAsString();
    auto same = JsonCodec().DecodeRequest(json, kNow);
    EXPECT_EQ(std::get<v1::RequestPrimitive>(same).SerializeAsString(), expected) << json;
    auto second = Decode(codec.EncodeRequest(std::get<v1::RequestPrimitive>(first)));
    ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(second)) << std::get<DecodeError>(second).reason << json;
    EXPECT_EQ(std::get<v1::RequestPrimitive>(second).SerializeAsString(), expected) << json;
  }
}

TEST(CborCodec, WritesAnAnswerAsPeersExpectIt) {
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
  const CborCodec codec;
  const std::string octets = codec.EncodeResponse(response);
  EXPECT_EQ(octets, Octets(R"({"rsc":2000,"rqi":"r\"1","rvi":"4","fr":"/id-in","to":"Cme","ot":"20231114T221320",)"
                           R"("pc":{"m2m:bat":{"btl":77,"x":0.5}}})"));
  auto decoded = codec.DecodeResponse(octets);
  ASSERT_TRUE(std::holds_alternative<v1::ResponsePrimitive>(decoded));
  EXPECT_EQ(std::get<v1::ResponsePrimitive>(decoded).SerializeAsString(), response.SerializeAsString());
}

TEST(CborCodec, BrokenAnswersAreErrors) {
  const CborCodec codec;
  for (const char* json : {"[]", "null", "{}", R"({"rqi":"1"})", R"({"rsc":"x","rqi":"1"})", R"({"rsc":2000})",
                           R"({"rsc":2000,"rqi":"1","pc":{"a":1,"b":2}})", R"({"rsc":2000,"rqi":"1","pc":"x"})"}) {
    EXPECT_TRUE(std::holds_alternative<DecodeError>(codec.DecodeResponse(Octets(json)))) << json;
  }
  EXPECT_TRUE(std::holds_alternative<DecodeError>(codec.DecodeResponse("")));
  auto cut = codec.DecodeResponse(Octets(R"({"rqi":"7","rsc":2000})").substr(0, 8));
  EXPECT_EQ(std::get<DecodeError>(cut).request_identifier, "7");
}

// Whatever a payload is turned into, it is decoded or refused; what is decoded can be written and read again.
TEST(CborCodec, MutatedPayloadsAreSurvived) {
  const CborCodec codec;
  std::vector<std::string> corpus;
  for (const std::string& json : Corpus()) corpus.push_back(Octets(json));
  std::mt19937_64 random(42);
  const std::string fragments[] = {"\xa1",
                                   "\x81",
                                   "\xf6",
                                   "\xf5",
                                   "\x21",
                                   "\xfb",
                                   "\x62pc\xa1",
                                   "\x62op",
                                   "\xff",
                                   "\x9f",
                                   "\xbf",
                                   "\x41",
                                   "\xc1",
                                   "\x1b",
                                   "\x64rqet",
                                   "\x62"
                                   "fc"};
  int served = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string octets = corpus[random() % corpus.size()];
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = octets.empty() ? 0 : random() % octets.size();
      switch (random() % 4) {
        case 0:
        case 1:
          if (!octets.empty()) octets[at] = static_cast<char>(random());
          break;
        case 2:
          octets.insert(at, fragments[random() % std::size(fragments)]);
          break;
        default:
          octets.erase(at, random() % 8);
      }
    }
    auto decoded = Decode(octets);
    (void)codec.DecodeResponse(octets);
    if (const auto* request = std::get_if<v1::RequestPrimitive>(&decoded)) {
      ++served;
      auto second = Decode(codec.EncodeRequest(*request));
      ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(second)) << std::get<DecodeError>(second).reason << "\n"
                                                                        << absl::BytesToHexString(octets);
    } else {
      EXPECT_FALSE(std::get<DecodeError>(decoded).reason.empty());
    }
  }
  EXPECT_GT(served, 100);
}

}  // namespace
}  // namespace isthmus::onem2m
