#include "services/lib/onem2m/xml/xml_codec.h"

#include <random>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::onem2m {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);
constexpr char kRoot[] = "<m2m:rqp xmlns:m2m=\"http://www.onem2m.org/xml/protocols\">";

Decoded<v1::RequestPrimitive> Decode(absl::string_view payload) { return XmlCodec().DecodeRequest(payload, kNow); }
std::string Primitive(absl::string_view inside) { return absl::StrCat(kRoot, inside, "</m2m:rqp>"); }

DecodeError ErrorOf(absl::string_view payload) {
  auto decoded = Decode(payload);
  if (const auto* error = std::get_if<DecodeError>(&decoded)) return *error;
  ADD_FAILURE() << "accepted: " << payload;
  return {};
}

TEST(XmlCodec, ReadsARequest) {
  auto decoded = Decode(Primitive(R"(
      <op>1</op> <to>cse-in/n</to> <fr>Cme</fr> <rqi>1</rqi> <rvi>4</rvi> <ty>13</ty> <rcn>3</rcn> <rqet>120000</rqet>
      <pc><m2m:bat rn="b"><mgd>1006</mgd><btl>77</btl><bts>1</bts><obis>urn:oma:lwm2m:oma:3</obis></m2m:bat></pc>)"));
  ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(decoded)) << std::get<DecodeError>(decoded).reason;
  const auto& request = std::get<v1::RequestPrimitive>(decoded);
  EXPECT_EQ(request.operation(), v1::OPERATION_TYPE_CREATE);
  EXPECT_EQ(request.request_identifier(), "1");
  EXPECT_EQ(request.resource_type(), 13u);
  EXPECT_EQ(request.request_expiration().seconds(), 1700000120);
  EXPECT_EQ(request.primitive_content().name(), "m2m:bat");
  EXPECT_EQ(Describe(request.primitive_content().value()),
            R"({"rn":"b","mgd":1006,"btl":77,"bts":1,"obis":["urn:oma:lwm2m:oma:3"]})");
}

// Field case "oneM2M requests as AEs send them", as far as it can be said in XML.
TEST(XmlCodec, ShapesOfTheFieldAreServedOrAnsweredWithTheirIdentifier) {
  DecodeError error = ErrorOf("<op>2</op>");
  EXPECT_THAT(error.reason, HasSubstr("expected the root element m2m:rqp, got 'op'"));

  error = ErrorOf("<rqp><op>2</op><rqi>w1</rqi><fr>C</fr><to>x</to></rqp>");  // no namespace
  EXPECT_THAT(error.reason, HasSubstr("m2m:rqp"));
  EXPECT_EQ(error.request_identifier, "w1");
  EXPECT_EQ(error.from, "C");
  EXPECT_EQ(error.to, "x");

  error = ErrorOf(Primitive("<op>2</op><fr>C</fr><to>x</to><rqi>w2</rqi><foo>1</foo>"));
  EXPECT_THAT(error.reason, HasSubstr("unknown parameter 'foo'"));
  EXPECT_EQ(error.request_identifier, "w2");

  error = ErrorOf(Primitive("<op>two</op><rqi>w3</rqi>"));
  EXPECT_THAT(error.reason, HasSubstr("op: expected an integer"));

  error = ErrorOf(Primitive("<op>3</op><fr>C</fr><to>x</to><rqi>w4</rqi><pc>{&quot;m2m:bat&quot;:{}}</pc>"));
  EXPECT_THAT(error.reason, HasSubstr("pc: expected an object"));
  EXPECT_EQ(error.request_identifier, "w4");

  error = ErrorOf(Primitive("<op>2</op><op>4</op><fr>C</fr><to>x</to><rqi>w5</rqi>"));
  EXPECT_THAT(error.reason, HasSubstr("op: it occurs twice"));
  EXPECT_EQ(error.request_identifier, "w5");

  error = ErrorOf(R"({"op":2,"rqi":"w6"})");
  EXPECT_FALSE(error.reason.empty());

  error = ErrorOf(absl::StrCat("<!DOCTYPE x []>", Primitive("<op>2</op><rqi>w7</rqi>")));
  EXPECT_THAT(error.reason, HasSubstr("document type"));
  EXPECT_EQ(error.request_identifier, "w7");
}

TEST(XmlCodec, BrokenTextStillTellsTheIdentifier) {
  const std::string whole = Primitive("<op>2</op><fr>Cme</fr><to>cse-in</to><rqi>a1</rqi><rvi>3</rvi><ot>x</ot>");
  const std::string end = "</rqi>";
  for (size_t size = whole.find(end) + end.size(); size < whole.size(); ++size) {
    EXPECT_EQ(ErrorOf(whole.substr(0, size)).request_identifier, "a1") << size;
    EXPECT_EQ(ErrorOf(whole.substr(0, size)).from, "Cme") << size;
  }
  EXPECT_EQ(ErrorOf("<m2m:rqp><to>&</to><rqi> a2 </rqi>").request_identifier, "a2");
  // Nowhere to be trusted.
  EXPECT_EQ(ErrorOf("<m2m:rqp><rqi>a").request_identifier, "");
  EXPECT_EQ(ErrorOf("<m2m:rqp><pc><rqi>inner</rqi></pc><rqi>outer</rqi>").request_identifier, "");
  EXPECT_EQ(ErrorOf("<m2m:rqp><rqi>a&amp;b</rqi>").request_identifier, "");
  EXPECT_EQ(ErrorOf("<m2m:rqp><rqi>\xFF</rqi>").request_identifier, "");
  EXPECT_EQ(ErrorOf("").request_identifier, "");
}

std::vector<std::string> Corpus() {
  return {
      R"({"op":1,"ty":13,"to":"cse-in/n","fr":"Cme","rqi":"1","rvi":"4","rcn":3,"pc":{"m2m:bat":{"mgd":1006,"btl":77,)"
      R"("bts":1,"obis":["urn:oma:lwm2m:oma:3"],"obps":["/3/0"],"lbl":["a","b c"]}}})",
      R"({"op":2,"to":"cse-in","fr":"Cme","rqi":"2","rvi":"3","fc":{"fu":1,"ty":[13,14],"lbl":["x"],"lim":10,"fo":2,)"
      R"("btl":"5","atr":[{"nm":"con","val":"a*"}]},"drt":2,"rqet":"20301231T235959,5"})",
      R"({"op":3,"to":"cse-in/n/rbo","fr":"/id-in/Cme","rqi":"3","rvi":"2a","rt":{"rtv":2,"nu":["Cme"]},"ec":2,)"
      R"("pc":{"m2m:rbo":{"rbo":true,"far":null,"x":[1,2.5,-3e-7,"\u00e4\n"]}}})",
      R"({"op":5,"to":"Cmon","fr":"/id-in","rqi":"4","rvi":"4","pc":{"m2m:sgn":{"nev":{"net":1,"rep":{"m2m:bat":)"
      R"({"btl":1}}},"sur":"/id-in/sub1"}}})",
      R"({"op":1,"ty":1,"to":"cse-in","fr":"Cme","rqi":"5","rvi":"4","pc":{"m2m:acp":{"rn":"p","pv":{"acr":[{"acor":)"
      R"(["Ca","C*"],"acop":63}]},"pvs":{"acr":[]}}}})"};
}

TEST(XmlCodec, RequestsSayWhatJsonSays) {
  const XmlCodec codec;
  for (const std::string& json : Corpus()) {
    const auto same = JsonCodec().DecodeRequest(json, kNow);
    ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(same)) << json;
    const auto& request = std::get<v1::RequestPrimitive>(same);
    const std::string text = codec.EncodeRequest(request);
    auto decoded = Decode(text);
    ASSERT_TRUE(std::holds_alternative<v1::RequestPrimitive>(decoded)) << std::get<DecodeError>(decoded).reason << text;
    // By way of JSON: the members of a resource may come in another order (rn is first).
    EXPECT_EQ(JsonCodec().EncodeRequest(std::get<v1::RequestPrimitive>(decoded)), JsonCodec().EncodeRequest(request))
        << text;
  }
}

TEST(XmlCodec, WritesAnAnswerAsPeersExpectIt) {
  v1::ResponsePrimitive response;
  response.set_response_status_code(2000);
  response.set_request_identifier("r<1");
  response.set_release_version_indicator("4");
  response.set_from("/id-in");
  response.set_to("Cme");
  response.set_originating_timestamp("20231114T221320");
  response.mutable_primitive_content()->set_name("m2m:bat");
  v1::Object battery;
  Set(battery, "btl", Integer(77));
  Set(battery, "x", Number(0.5));
  *response.mutable_primitive_content()->mutable_value() = Complex(battery);
  const XmlCodec codec;
  const std::string text = codec.EncodeResponse(response);
  EXPECT_EQ(text, R"(<?xml version="1.0" encoding="UTF-8"?><m2m:rsp xmlns:m2m="http://www.onem2m.org/xml/protocols">)"
                  R"(<rsc>2000</rsc><rqi>r&lt;1</rqi><rvi>4</rvi><fr>/id-in</fr><to>Cme</to><ot>20231114T221320</ot>)"
                  R"(<pc><m2m:bat><btl>77</btl><x>0.5</x></m2m:bat></pc></m2m:rsp>)");
  auto decoded = codec.DecodeResponse(text);
  ASSERT_TRUE(std::holds_alternative<v1::ResponsePrimitive>(decoded));
  EXPECT_EQ(std::get<v1::ResponsePrimitive>(decoded).SerializeAsString(), response.SerializeAsString());
  EXPECT_THAT(std::get<DecodeError>(codec.DecodeRequest(text, kNow)).reason, HasSubstr("got 'm2m:rsp'"));
}

TEST(XmlCodec, BrokenAnswersAreErrors) {
  const XmlCodec codec;
  for (const char* inside : {"", "<rqi>1</rqi>", "<rsc>x</rsc><rqi>1</rqi>", "<rsc>2000</rsc>",
                             "<rsc>2000</rsc><rqi>1</rqi><pc><a/><b/></pc>", "<rsc>2000</rsc><rqi>1</rqi><pc>x</pc>"}) {
    EXPECT_TRUE(
        std::holds_alternative<DecodeError>(codec.DecodeResponse(absl::StrCat("<m2m:rsp>", inside, "</m2m:rsp>"))))
        << inside;
  }
  EXPECT_TRUE(std::holds_alternative<DecodeError>(codec.DecodeResponse("")));
  EXPECT_TRUE(std::holds_alternative<v1::ResponsePrimitive>(
      codec.DecodeResponse("<m2m:rsp><rsc>2000</rsc><rqi>1</rqi><pc/></m2m:rsp>")));
}

// Whatever a payload is turned into, it is decoded or refused; what is decoded can be written and read again.
TEST(XmlCodec, MutatedPayloadsAreSurvived) {
  const XmlCodec codec;
  std::vector<std::string> corpus;
  for (const std::string& json : Corpus()) {
    corpus.push_back(codec.EncodeRequest(std::get<v1::RequestPrimitive>(JsonCodec().DecodeRequest(json, kNow))));
  }
  std::mt19937_64 random(42);
  const std::string fragments[] = {"<",         ">",    "/>",   "&",        "&#9;",           "<op>",
                                   "</op>",     "<pc>", "<!--", "-->",      "<![CDATA[",      "]]>",
                                   " rn=\"x\"", "\"",   "m2m:", "<x>1</x>", "<lbl>a b</lbl>", " xsi:nil=\"true\""};
  int served = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string text = corpus[random() % corpus.size()];
    for (uint64_t changes = 1 + random() % 2; changes > 0; --changes) {
      const size_t at = text.empty() ? 0 : random() % text.size();
      switch (random() % 3) {
        case 0:
          if (!text.empty()) text[at] = static_cast<char>(random());
          break;
        case 1:
          text.insert(at, fragments[random() % std::size(fragments)]);
          break;
        default:
          text.erase(at, random() % 8);
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
