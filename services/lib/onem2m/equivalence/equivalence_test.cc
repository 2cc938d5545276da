// The three serialisations say the same of any primitive (TS-0004 8.3 to 8.5): random primitives, shrunk to the least
// one that fails.
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rapidcheck.h"
#include "services/lib/onem2m/cbor/cbor_codec.h"
#include "services/lib/onem2m/codec.h"
#include "services/lib/onem2m/equivalence/parameters_of.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/onem2m/json/json_text.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/onem2m/xml/xml_codec.h"

namespace isthmus::onem2m {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

// What all three can carry: XML has no control characters. Words that look like other types are common.
rc::Gen<std::string> Words() {
  return rc::gen::weightedOneOf<std::string>(
      {{3,
        rc::gen::element<std::string>("", " ", "a b", "21", "-0", "1.50", "true", "false", "null", "<&>\"']]>",
                                      "\t\r\n", "cse-in/n", "20231128T120000", "\xC3\xA4\xF0\x9F\x98\x80", "_x0041_")},
       {2, rc::gen::container<std::string>(rc::gen::inRange<char>(' ', 127))}});
}

// Names that mean something somewhere, names that mean nothing, and no names for XML.
rc::Gen<std::string> MemberNames() {
  return rc::gen::weightedOneOf<std::string>(
      {{6, rc::gen::element<std::string>("rn", "btl", "lbl", "mgd", "rbo", "obis", "cmlk", "nm", "typ", "val", "enc",
                                         "net", "ty", "acr", "acor", "acop", "nu", "ch", "uds", "sus", "acn", "syst",
                                         "pc", "fc", "m2m:bat", "m2m:nod", "m2m:sub", "dcfg:wific", "con")},
       {2, rc::gen::element<std::string>("temperature", "5700", "on", "x y", "xsi:type", "a:b:c", "")},
       {1, rc::gen::container<std::string>(rc::gen::inRange<char>(' ', 127))}});
}

rc::Gen<v1::Value> Values(int depth);

rc::Gen<v1::Value> Objects(int depth) {
  return rc::gen::map(rc::gen::mapcat(rc::gen::inRange(0, 5),
                                      [depth](int count) {
                                        return rc::gen::container<std::vector<std::pair<std::string, v1::Value>>>(
                                            static_cast<size_t>(count),
                                            rc::gen::pair(MemberNames(), Values(depth - 1)));
                                      }),
                      [](const std::vector<std::pair<std::string, v1::Value>>& members) {
                        v1::Object object;
                        for (const auto& [name, value] : members) Set(object, name, value);
                        return Complex(std::move(object));
                      });
}

rc::Gen<v1::Value> Lists(int depth) {
  return rc::gen::map(rc::gen::mapcat(rc::gen::inRange(0, 4),
                                      [depth](int count) {
                                        return rc::gen::container<std::vector<v1::Value>>(static_cast<size_t>(count),
                                                                                          Values(depth - 1));
                                      }),
                      [](const std::vector<v1::Value>& values) { return List(values); });
}

rc::Gen<v1::Value> Values(int depth) {
  const auto simple = rc::gen::weightedOneOf<v1::Value>(
      {{1, rc::gen::just(Null())},
       {1, rc::gen::map(rc::gen::arbitrary<bool>(), [](bool boolean) { return Boolean(boolean); })},
       {2, rc::gen::map(rc::gen::arbitrary<int64_t>(), [](int64_t integer) { return Integer(integer); })},
       {1, rc::gen::map(rc::gen::arbitrary<double>(),
                        [](double number) { return Number(std::isfinite(number) ? number : 0.5); })},
       {3, rc::gen::map(Words(), [](const std::string& text) { return Text(text); })}});
  if (depth <= 0) return simple;
  return rc::gen::weightedOneOf<v1::Value>({{4, simple}, {2, Lists(depth)}, {3, Objects(depth)}});
}

rc::Gen<v1::Attribute> Contents() {
  return rc::gen::map(
      rc::gen::pair(
          rc::gen::weightedOneOf<std::string>(
              {{5, rc::gen::element<std::string>("m2m:bat", "m2m:nod", "m2m:sgn", "m2m:dbg", "m2m:uri", "m2m:uril",
                                                 "m2m:rce", "m2m:acp", "m2m:acmeThing", "dcfg:wific")},
               {1, MemberNames()}}),
          rc::gen::weightedOneOf<v1::Value>({{5, Objects(4)}, {1, Values(3)}})),
      [](const std::pair<std::string, v1::Value>& member) {
        v1::Attribute content;
        content.set_name(member.first);
        *content.mutable_value() = member.second;
        return content;
      });
}

rc::Gen<std::string> Identifiers() {
  return rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>(' ', 127)));
}

v1::RequestPrimitive AnyRequest() {
  v1::RequestPrimitive request;
  request.set_operation(static_cast<v1::OperationType>(*rc::gen::inRange(1, 6)));
  request.set_to(*Identifiers());
  request.set_from(*Words());
  request.set_request_identifier(*Identifiers());
  request.set_release_version_indicator(*rc::gen::element<std::string>("", "1", "2a", "3", "4", "5"));
  if (*rc::gen::arbitrary<bool>()) request.set_resource_type(*rc::gen::inRange<uint32_t>(1, 70));
  if (*rc::gen::arbitrary<bool>()) *request.mutable_primitive_content() = *Contents();
  if (*rc::gen::arbitrary<bool>()) request.set_result_content(*rc::gen::inRange<uint32_t>(0, 13));
  if (*rc::gen::arbitrary<bool>()) {
    v1::FilterCriteria* criteria = request.mutable_filter_criteria();
    criteria->set_filter_usage(*rc::gen::inRange<uint32_t>(0, 4));
    for (const uint32_t type : *rc::gen::container<std::vector<uint32_t>>(rc::gen::arbitrary<uint32_t>())) {
      criteria->add_resource_types(type);
    }
    for (const std::string& label : *rc::gen::container<std::vector<std::string>>(Words())) criteria->add_labels(label);
    if (*rc::gen::arbitrary<bool>()) criteria->set_limit(*rc::gen::arbitrary<uint32_t>());
    if (*rc::gen::arbitrary<bool>()) criteria->set_level(*rc::gen::arbitrary<uint32_t>());
    if (*rc::gen::arbitrary<bool>()) criteria->set_offset(*rc::gen::arbitrary<uint32_t>());
    criteria->set_filter_operation(*rc::gen::inRange<uint32_t>(0, 4));
    criteria->set_applied_relative_path(*Words());
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
      v1::Attribute* condition = criteria->add_conditions();
      condition->set_name(*rc::gen::element<std::string>("btl", "con", "crb", "cty", "lbl", "sts", "x"));
      *condition->mutable_value() = *Values(1);
    }
  }
  if (*rc::gen::arbitrary<bool>()) {
    request.mutable_response_type()->set_value(*rc::gen::inRange<uint32_t>(0, 6));
    for (const std::string& uri : *rc::gen::container<std::vector<std::string>>(Words())) {
      request.mutable_response_type()->add_notification_uris(uri);
    }
  }
  if (*rc::gen::arbitrary<bool>()) {
    request.mutable_request_expiration()->set_seconds(*rc::gen::inRange<int64_t>(0, 4'000'000'000));
    request.mutable_request_expiration()->set_nanos(*rc::gen::inRange(0, 1'000'000'000));
  }
  request.set_originating_timestamp(*Words());
  request.set_desired_identifier_result_type(*rc::gen::inRange<uint32_t>(0, 3));
  if (*rc::gen::arbitrary<bool>()) {
    v1::Attribute* other = request.add_other_parameters();
    other->set_name(*rc::gen::element<std::string>("ec", "vsi", "tkns", "da"));
    *other->mutable_value() = *Values(1);
  }
  return request;
}

v1::ResponsePrimitive AnyResponse() {
  v1::ResponsePrimitive response;
  response.set_response_status_code(*rc::gen::inRange<uint32_t>(1000, 7000));
  response.set_request_identifier(*Identifiers());
  response.set_release_version_indicator(*rc::gen::element<std::string>("", "2a", "3", "4"));
  response.set_from(*Words());
  response.set_to(*Words());
  response.set_originating_timestamp(*Words());
  if (*rc::gen::arbitrary<bool>()) *response.mutable_primitive_content() = *Contents();
  response.set_content_status(*rc::gen::inRange<uint32_t>(0, 3));
  if (*rc::gen::arbitrary<bool>()) response.set_content_offset(*rc::gen::arbitrary<uint32_t>());
  return response;
}

template <typename Primitive>
Primitive Taken(Decoded<Primitive> decoded, const std::string& octets) {
  if (const auto* error = std::get_if<DecodeError>(&decoded)) RC_FAIL(error->reason + "\n" + octets);
  return std::get<Primitive>(std::move(decoded));
}

const std::vector<std::unique_ptr<const PrimitiveCodec>>& Codecs() {
  static const auto* const codecs = [] {
    auto* made = new std::vector<std::unique_ptr<const PrimitiveCodec>>;
    made->push_back(std::make_unique<JsonCodec>());
    made->push_back(std::make_unique<CborCodec>());
    made->push_back(std::make_unique<XmlCodec>());
    return made;
  }();
  return *codecs;
}

// Equal in meaning, and whole numbers are none with a fraction.
template <typename Primitive>
void CheckSame(const Primitive& read, const Primitive& expected, const std::string& octets) {
  const v1::Value is = ParametersOf(read), should_be = ParametersOf(expected);
  if (!Equal(is, should_be)) RC_FAIL(ToJson(should_be) + " became\n" + ToJson(is) + " by\n" + octets);
}

TEST(Equivalence, ARequestIsTheSameInEachSerialisation) {
  EXPECT_TRUE(rc::check([] {
    const v1::RequestPrimitive request = AnyRequest();
    for (const auto& codec : Codecs()) {
      const std::string octets = codec->EncodeRequest(request);
      const v1::RequestPrimitive read = Taken(codec->DecodeRequest(octets, kNow), octets);
      CheckSame(read, request, octets);
      // From each into each other.
      for (const auto& other : Codecs()) {
        const std::string translated = other->EncodeRequest(read);
        CheckSame(Taken(other->DecodeRequest(translated, kNow), translated), request, translated);
      }
    }
  }));
}

TEST(Equivalence, AnAnswerIsTheSameInEachSerialisation) {
  EXPECT_TRUE(rc::check([] {
    const v1::ResponsePrimitive response = AnyResponse();
    for (const auto& codec : Codecs()) {
      const std::string octets = codec->EncodeResponse(response);
      const v1::ResponsePrimitive read = Taken(codec->DecodeResponse(octets), octets);
      CheckSame(read, response, octets);
      for (const auto& other : Codecs()) {
        const std::string translated = other->EncodeResponse(read);
        CheckSame(Taken(other->DecodeResponse(translated), translated), response, translated);
      }
    }
  }));
}

}  // namespace
}  // namespace isthmus::onem2m
