#include "services/connector/core/operation_codec.h"

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/status/status_matchers.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Operation;
using lwm2m::v1::Path;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace codec = lwm2m::codec;

Path PathFrom(const std::string& text) { return *lwm2m::ParsePath(text); }

Operation ReadOf(const std::string& path) {
  Operation operation;
  *operation.mutable_read()->mutable_path() = PathFrom(path);
  return operation;
}
Operation WriteOf(const std::string& path, const std::vector<std::string>& texts, bool partial = false) {
  Operation operation;
  *operation.mutable_write()->mutable_path() = PathFrom(path);
  operation.mutable_write()->set_partial(partial);
  for (const std::string& at : texts) {
    auto* node = operation.mutable_write()->add_nodes();
    *node->mutable_path() = PathFrom(at);
    node->mutable_value()->set_text("v");
  }
  return operation;
}
std::string TargetOf(const coap::OutgoingRequest& request) {
  return absl::StrCat(coap::CodeToString(request.method), " /", absl::StrJoin(request.path, "/"));
}
coap::Message ResponseOf(coap::Code code, std::optional<uint32_t> format = std::nullopt, std::string payload = "") {
  coap::Message message;
  message.code = code;
  if (format) message.AddUintOption(coap::kContentFormat, *format);
  message.payload = std::move(payload);
  return message;
}
Interpretation InterpretRead(const std::string& path, const coap::Message& response) {
  return Interpret(ReadOf(path), response, std::nullopt, {}, "", absl::UnixEpoch());
}

TEST(OperationCodecTest, EachKindAsTheStandardSaysIt) {
  EXPECT_EQ(TargetOf(*ToRequest(ReadOf("/3/0/9"), std::nullopt)), "0.01 GET /3/0/9");
  EXPECT_EQ(TargetOf(*ToRequest(ReadOf("/3"), std::nullopt)), "0.01 GET /3");
  EXPECT_EQ(ToRequest(ReadOf("/3"), 110)->accept, 110u);

  Operation operation;
  *operation.mutable_observe()->mutable_path() = PathFrom("/3/0");
  EXPECT_EQ(ToRequest(operation, std::nullopt)->observe, 0u);
  *operation.mutable_cancel_observation()->mutable_path() = PathFrom("/3/0");
  EXPECT_EQ(ToRequest(operation, std::nullopt)->observe, 1u);
  *operation.mutable_discover()->mutable_path() = PathFrom("/3/0");
  EXPECT_EQ(ToRequest(operation, std::nullopt)->accept, 40u);
  *operation.mutable_execute()->mutable_path() = PathFrom("/3/0/4");
  EXPECT_EQ(TargetOf(*ToRequest(operation, std::nullopt)), "0.02 POST /3/0/4");
  EXPECT_EQ(ToRequest(operation, std::nullopt)->content_format, std::nullopt);
  operation.mutable_execute()->set_arguments("0='a',1");
  EXPECT_EQ(ToRequest(operation, std::nullopt)->payload, "0='a',1");
  EXPECT_EQ(ToRequest(operation, std::nullopt)->content_format, 0u);
  *operation.mutable_delete_()->mutable_path() = PathFrom("/9/1");
  EXPECT_EQ(TargetOf(*ToRequest(operation, std::nullopt)), "0.04 DELETE /9/1");
}

TEST(OperationCodecTest, AnAlternateRootComesFirst) {
  coap::OutgoingRequest request = *ToRequest(ReadOf("/3/0/9"), std::nullopt);
  PrependRoot("/lwm2m/x", request);
  EXPECT_EQ(TargetOf(request), "0.01 GET /lwm2m/x/3/0/9");
  PrependRoot("", request);
  EXPECT_EQ(TargetOf(request), "0.01 GET /lwm2m/x/3/0/9");
}

TEST(OperationCodecTest, AWriteIsNeverAnExecute) {
  EXPECT_EQ(TargetOf(*ToRequest(WriteOf("/3/0/14", {"/3/0/14"}), 11542)), "0.03 PUT /3/0/14");
  EXPECT_EQ(TargetOf(*ToRequest(WriteOf("/3/0", {"/3/0/14", "/3/0/15"}, true), 11542)), "0.02 POST /3/0");
  EXPECT_EQ(TargetOf(*ToRequest(WriteOf("/3/0/14", {"/3/0/14"}, true), 11542)), "0.03 PUT /3/0/14");
  EXPECT_EQ(TargetOf(*ToRequest(WriteOf("/16/0/0", {"/16/0/0/1", "/16/0/0/2"}, true), 11542)), "0.02 POST /16/0");
}

TEST(OperationCodecTest, FormatsOfAWriteInTheirOrder) {
  EXPECT_THAT(FormatsToTry(WriteOf("/3/0/14", {"/3/0/14"}), {}, {}),
              ElementsAre(Format(11542), Format(0), Format(110), Format(112)));
  EXPECT_THAT(FormatsToTry(WriteOf("/3/0", {"/3/0/14", "/3/0/15"}), {}, {}),
              ElementsAre(Format(11542), Format(110), Format(112)));
  // What the device says it speaks comes first.
  EXPECT_THAT(FormatsToTry(WriteOf("/3/0", {"/3/0/14", "/3/0/15"}), {}, {60, 112, 11543, 11544}),
              ElementsAre(Format(112), Format(11544), Format(11543), Format(11542), Format(110)));
  EXPECT_THAT(FormatsToTry(WriteOf("/3/0/14", {"/3/0/14"}), {}, {60}),
              ElementsAre(Format(60), Format(11542), Format(0), Format(110), Format(112)));
  FormatMemory memory;
  memory.write = 110;
  EXPECT_EQ(FormatsToTry(WriteOf("/3/0", {"/3/0/14"}), memory, {})[0], Format(110));
  for (const uint32_t format : {0u, 60u}) {  // these carry one value only
    memory.write = format;
    EXPECT_EQ(FormatsToTry(WriteOf("/3/0/14", {"/3/0/14"}), memory, {})[0], Format(format));
    EXPECT_EQ(FormatsToTry(WriteOf("/3/0", {"/3/0/14", "/3/0/15"}), memory, {})[0], Format(11542));
  }
}

TEST(OperationCodecTest, FormatsOfAReadInTheirOrder) {
  EXPECT_THAT(FormatsToTry(ReadOf("/3"), {}, {}),
              ElementsAre(Format(), Format(11542), Format(110), Format(112), Format(11543)));
  EXPECT_THAT(FormatsToTry(ReadOf("/3"), {}, {60, 112, 110}),
              ElementsAre(Format(), Format(110), Format(112), Format(11542), Format(11543)));
  EXPECT_THAT(FormatsToTry(ReadOf("/3/0/9"), {}, {60, 11544}),
              ElementsAre(Format(), Format(11544), Format(60), Format(11542), Format(110), Format(112), Format(11543)));
  FormatMemory memory;
  memory.read = Format(110);
  EXPECT_THAT(FormatsToTry(ReadOf("/3"), memory, {}),
              ElementsAre(Format(110), Format(), Format(11542), Format(112), Format(11543)));
  memory.read = Format(60);  // carries one value only
  EXPECT_EQ(FormatsToTry(ReadOf("/3/0/9"), memory, {})[0], Format(60));
  EXPECT_EQ(FormatsToTry(ReadOf("/3/0"), memory, {})[0], Format());
}

TEST(OperationCodecTest, CreateWithAndWithoutAWantedInstance) {
  Operation operation;
  *operation.mutable_create()->mutable_path() = PathFrom("/9");
  auto* node = operation.mutable_create()->add_nodes();
  *node->mutable_path() = PathFrom("/9/0/1");
  node->mutable_value()->set_text("ab");
  auto request = ToRequest(operation, 11542);
  ASSERT_THAT(request, status::IsOk());
  EXPECT_EQ(TargetOf(*request), "0.02 POST /9");
  EXPECT_EQ(absl::BytesToHexString(request->payload), "c2016162");  // no instance level: the device chooses
  EXPECT_THAT(ToRequest(operation, 110), status::StatusIs(absl::StatusCode::kInvalidArgument));

  *operation.mutable_create()->mutable_path() = PathFrom("/9/7");
  *node->mutable_path() = PathFrom("/9/7/1");
  request = ToRequest(operation, 11542);
  ASSERT_THAT(request, status::IsOk());
  EXPECT_EQ(TargetOf(*request), "0.02 POST /9");
  EXPECT_EQ(absl::BytesToHexString(request->payload), "0407c2016162");

  operation.mutable_create()->clear_nodes();
  EXPECT_EQ(absl::BytesToHexString(ToRequest(operation, 11542)->payload), "0007");
  *operation.mutable_create()->mutable_path() = PathFrom("/9/1000");
  EXPECT_EQ(absl::BytesToHexString(ToRequest(operation, 11542)->payload), "2003e8");
}

TEST(OperationCodecTest, WhatMustNeverBeSent) {
  for (const char* path : {"/0", "/0/0", "/1/0", "/1/1", "/2/0", "/21/0"}) {
    Operation operation;
    *operation.mutable_delete_()->mutable_path() = PathFrom(path);
    const auto refused = RefuseLocally(operation);
    ASSERT_TRUE(refused.has_value()) << path;
    EXPECT_EQ(refused->coap_code(), 405u) << path;
  }
  Operation operation;
  *operation.mutable_delete_()->mutable_path() = PathFrom("/9/0");
  EXPECT_FALSE(RefuseLocally(operation).has_value());
  *operation.mutable_delete_()->mutable_path() = Path();
  EXPECT_THAT(ToRequest(operation, std::nullopt), status::StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(OperationCodecTest, WhatMakesNoSenseIsRefusedInWords) {
  using status::StatusIs;
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ToRequest(Operation(), std::nullopt), StatusIs(absl::StatusCode::kUnimplemented));
  Operation operation;
  operation.mutable_read_composite();
  EXPECT_THAT(ToRequest(operation, std::nullopt), StatusIs(kInvalid, HasSubstr("at least one path")));
  EXPECT_THAT(ToRequest(ReadOf("/"), std::nullopt), StatusIs(kInvalid, HasSubstr("path")));
  EXPECT_THAT(ToRequest(WriteOf("/3", {"/3/0/1"}), 11542), StatusIs(kInvalid, HasSubstr("instance")));
  EXPECT_THAT(ToRequest(WriteOf("/3/0", {}), 11542), StatusIs(kInvalid, HasSubstr("value")));
  EXPECT_THAT(ToRequest(WriteOf("/3/0", {"/5/0/1"}), 11542), StatusIs(kInvalid));
  *operation.mutable_execute()->mutable_path() = PathFrom("/3/0");
  EXPECT_THAT(ToRequest(operation, std::nullopt), StatusIs(kInvalid, HasSubstr("resource")));
  *operation.mutable_delete_()->mutable_path() = PathFrom("/3");
  EXPECT_THAT(ToRequest(operation, std::nullopt), StatusIs(kInvalid, HasSubstr("instance")));
  *operation.mutable_write_attributes()->mutable_path() = PathFrom("/3/0");
  EXPECT_THAT(ToRequest(operation, std::nullopt), StatusIs(kInvalid, HasSubstr("attribute")));
}

TEST(OperationCodecTest, Attributes) {
  lwm2m::v1::NotificationAttributes wanted, before;
  wanted.set_minimum_period(0);
  wanted.set_maximum_period(60);
  wanted.set_greater_than(23.1);
  wanted.set_less_than(-1e-7);
  wanted.set_step(1);
  EXPECT_THAT(*AttributeQuery(wanted, before), ElementsAre("pmin=0", "pmax=60", "gt=23.1", "lt=-1e-07", "st=1"));
  EXPECT_THAT(*AttributeQuery(before, wanted), ElementsAre("pmin", "pmax", "gt", "lt", "st"));
  EXPECT_THAT(*AttributeQuery(before, before), IsEmpty());
  wanted.set_step(std::numeric_limits<double>::infinity());
  EXPECT_THAT(AttributeQuery(wanted, before), status::StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("st")));
}

// Field case: 2.05 with nothing in it, or with no Content-Format.
TEST(OperationCodecTest, EmptyMeansEmpty) {
  for (const char* path : {"/7", "/7/0", "/4/0/4"}) {
    std::vector<coap::Message> responses = {ResponseOf(205), ResponseOf(205, 11542), ResponseOf(205, 110, "[]"),
                                            ResponseOf(205, 65000)};
    if (codec::CanDecode(codec::kSenMlCbor)) responses.push_back(ResponseOf(205, codec::kSenMlCbor, "\x80"));
    for (const auto& response : responses) {
      const Interpretation seen = InterpretRead(path, response);
      EXPECT_EQ(seen.result.outcome(), lwm2m::v1::OUTCOME_ANSWERED) << path << seen.result.diagnostic();
      EXPECT_EQ(seen.result.coap_code(), 205u);
      EXPECT_EQ(seen.result.nodes_size(), 0) << path;
    }
  }
}

TEST(OperationCodecTest, UnlabelledSingleResourceIsText) {
  const Interpretation seen = InterpretRead("/3/0/9", ResponseOf(205, std::nullopt, "77"));
  ASSERT_EQ(seen.result.nodes_size(), 1);
  EXPECT_EQ(seen.result.nodes(0).value().raw().octets(), "77");
  EXPECT_EQ(seen.result.nodes(0).value().raw().content_format(), 0u);
  EXPECT_EQ(InterpretRead("/3/0", ResponseOf(205, std::nullopt, "77")).result.outcome(),
            lwm2m::v1::OUTCOME_UNDECODABLE);
}

TEST(OperationCodecTest, UnknownFormatAsksForAnotherBrokenPayloadDoesNot) {
  const Interpretation unknown = InterpretRead("/3/0/9", ResponseOf(205, 65000, "x"));
  EXPECT_EQ(unknown.result.outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
  EXPECT_EQ(unknown.result.coap_code(), 205u);
  EXPECT_TRUE(unknown.try_other_format);
  for (const std::string& broken : {std::string("\xC1\x09"), std::string("\xC8\x09\xFF\x50")}) {
    const Interpretation seen = InterpretRead("/3/0/9", ResponseOf(205, 11542, broken));
    EXPECT_EQ(seen.result.outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
    EXPECT_FALSE(seen.try_other_format);
    EXPECT_NE(seen.result.diagnostic(), "");
  }
  EXPECT_EQ(InterpretRead("/3/0/9", ResponseOf(205, 110, "[{\"n\":")).result.outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
  EXPECT_EQ(InterpretRead("/3/0/9", ResponseOf(205, 11542, std::string("\xC1\x00\x50", 3))).result.outcome(),
            lwm2m::v1::OUTCOME_UNDECODABLE);
}

TEST(OperationCodecTest, ErrorsKeepTheTextOfTheDevice) {
  const Interpretation seen = InterpretRead("/3/0/9", ResponseOf(404, std::nullopt, "no such thing"));
  EXPECT_EQ(seen.result.outcome(), lwm2m::v1::OUTCOME_ANSWERED);
  EXPECT_EQ(seen.result.coap_code(), 404u);
  EXPECT_EQ(seen.result.diagnostic(), "no such thing");
  EXPECT_FALSE(seen.try_other_format);
  EXPECT_EQ(InterpretRead("/3/0/9", ResponseOf(404, 0)).result.diagnostic(), "");
  EXPECT_EQ(InterpretRead("/3/0/9", ResponseOf(500, std::nullopt, "\xFF\xFF")).result.diagnostic(), "0xffff");
  EXPECT_TRUE(InterpretRead("/3/0/9", ResponseOf(406)).try_other_format);
}

TEST(OperationCodecTest, RefusedFormatOfAWrite) {
  const Operation write = WriteOf("/3/0/14", {"/3/0/14"});
  EXPECT_TRUE(Interpret(write, ResponseOf(415), 11542, {}, "", absl::UnixEpoch()).try_other_format);
  EXPECT_FALSE(Interpret(write, ResponseOf(400), 11542, {}, "", absl::UnixEpoch()).try_other_format);
  EXPECT_TRUE(Interpret(write, ResponseOf(400), 11542, {110}, "", absl::UnixEpoch()).try_other_format);
  EXPECT_FALSE(Interpret(write, ResponseOf(400), 110, {110}, "", absl::UnixEpoch()).try_other_format);
}

TEST(OperationCodecTest, WhatACreateMade) {
  Operation operation;
  *operation.mutable_create()->mutable_path() = PathFrom("/9");
  coap::Message response = ResponseOf(201);
  for (const char* segment : {"lwm2m", "9", "31024"}) response.AddOption(coap::kLocationPath, segment);
  auto seen = Interpret(operation, response, 11542, {}, "/lwm2m", absl::UnixEpoch());
  EXPECT_EQ(lwm2m::PathToString(seen.result.created_path()), "/9/31024");
  seen = Interpret(operation, ResponseOf(201), 11542, {}, "", absl::UnixEpoch());
  EXPECT_FALSE(seen.result.has_created_path());
  *operation.mutable_create()->mutable_path() = PathFrom("/9/5");
  seen = Interpret(operation, ResponseOf(201), 11542, {}, "", absl::UnixEpoch());
  EXPECT_EQ(lwm2m::PathToString(seen.result.created_path()), "/9/5");
}

TEST(OperationCodecTest, DiscoverAnswers) {
  Operation operation;
  *operation.mutable_discover()->mutable_path() = PathFrom("/3/0");
  auto seen = Interpret(operation, ResponseOf(205, 40, "</3/0>;pmin=10,</3/0/6>;dim=2,</3/0/9>"), std::nullopt, {}, "",
                        absl::UnixEpoch());
  ASSERT_EQ(seen.result.links_size(), 3);
  EXPECT_EQ(seen.result.links(1).dimension(), 2u);
  seen = Interpret(operation, ResponseOf(205, 40, "</3/0"), std::nullopt, {}, "", absl::UnixEpoch());
  EXPECT_EQ(seen.result.outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
  seen = Interpret(operation, ResponseOf(205, 110, "[]"), std::nullopt, {}, "", absl::UnixEpoch());
  EXPECT_EQ(seen.result.outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
}

TEST(OperationCodecTest, ValuesThatNobodyWantsAreLeftOut) {
  Operation operation = ReadOf("/3/0");
  operation.mutable_read()->add_wanted_resources(9);
  operation.mutable_read()->add_wanted_resources(7);
  const coap::Message response =
      ResponseOf(205, 110, R"([{"bn":"/3/0/","n":"0","vs":"A"},{"n":"7/0","v":3},{"n":"7/1","v":5},{"n":"9","v":80}])");
  const auto seen = Interpret(operation, response, std::nullopt, {}, "", absl::UnixEpoch());
  std::vector<std::string> paths;
  for (const auto& node : seen.result.nodes()) paths.push_back(lwm2m::PathToString(node.path()));
  EXPECT_THAT(paths, ElementsAre("/3/0/7/0", "/3/0/7/1", "/3/0/9"));
}

TEST(OperationCodecTest, ObservingIsWhatTheAnswerSays) {
  Operation operation;
  *operation.mutable_observe()->mutable_path() = PathFrom("/3/0/9");
  coap::Message response = ResponseOf(205, 0, "80");
  EXPECT_FALSE(Interpret(operation, response, std::nullopt, {}, "", absl::UnixEpoch()).observing);
  response.AddUintOption(coap::kObserve, 12);
  EXPECT_TRUE(Interpret(operation, response, std::nullopt, {}, "", absl::UnixEpoch()).observing);
}

// Two octets of TLV are twenty in a message: one body of a device must not be more than a session can carry.
TEST(OperationCodecTest, MoreValuesThanAMessageCarriesAreRefused) {
  const auto object_of = [](int instances) {
    std::string payload;
    for (int instance = 0; instance < instances; ++instance) {
      std::string resources;
      for (int resource = 0; resource < 256; ++resource) {
        std::string values;
        for (int value = 0; value < 256; ++value) values += {'\x40', static_cast<char>(value)};
        resources += {'\x90', static_cast<char>(resource), '\x02', '\x00'};
        resources += values;
      }
      payload += {'\x18', static_cast<char>(instance)};
      for (const int shift : {16, 8, 0}) payload += static_cast<char>(resources.size() >> shift & 0xFF);
      payload += resources;
    }
    return payload;
  };
  const Interpretation some = InterpretRead("/65000", ResponseOf(205, 11542, object_of(1)));
  EXPECT_EQ(some.result.outcome(), lwm2m::v1::OUTCOME_ANSWERED);
  EXPECT_EQ(some.result.nodes_size(), 65536);
  const std::string payload = object_of(7);
  ASSERT_LT(payload.size(), coap::EndpointOptions().max_body_size);
  const Interpretation many = InterpretRead("/65000", ResponseOf(205, 11542, payload));
  EXPECT_EQ(many.result.outcome(), lwm2m::v1::OUTCOME_UNDECODABLE);
  EXPECT_THAT(many.result.diagnostic(), HasSubstr("more than can be passed on"));
  EXPECT_LT(many.result.ByteSizeLong(), size_t{8} << 20);
}

}  // namespace
}  // namespace isthmus::connector
