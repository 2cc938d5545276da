#include "services/lib/coap/message.h"

#include <coap3/coap.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/lib/coap/endpoint_testing.h"

namespace isthmus::coap {
namespace {

TEST(DecodeTest, TakesApartARegister) {
  const std::string datagram =
      Octets({0x44, 0x02, 0x12, 0x34, 1, 2, 3, 4, 0xb2, 'r', 'd', 0x11, 40, 0x35, 'e', 'p', '=', 'd', '1', 0xff}) +
      "</1/0>";
  const auto message = Decode(datagram);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->type, Type::kConfirmable);
  EXPECT_EQ(message->code, kPost);
  EXPECT_EQ(message->message_id, 0x1234);
  EXPECT_EQ(message->token, Octets({1, 2, 3, 4}));
  EXPECT_THAT(message->TextOptions(kUriPath), testing::ElementsAre("rd"));
  EXPECT_EQ(message->UintOption(kContentFormat), 40u);
  EXPECT_THAT(message->TextOptions(kUriQuery), testing::ElementsAre("ep=d1"));
  EXPECT_EQ(message->payload, "</1/0>");
  EXPECT_EQ(Encode(*message), datagram);
}

struct Broken {
  const char* name;
  std::vector<int> octets;
};
class BrokenTest : public testing::TestWithParam<Broken> {};
TEST_P(BrokenTest, IsAFormatError) {
  std::string datagram;
  for (const int octet : GetParam().octets) datagram.push_back(static_cast<char>(octet));
  const auto message = Decode(datagram);
  EXPECT_EQ(message.status().code(), absl::StatusCode::kInvalidArgument);
}
INSTANTIATE_TEST_SUITE_P(
    All, BrokenTest,
    testing::Values(
        Broken{"Nothing", {}}, Broken{"ThreeOctets", {0x40, 1, 0}}, Broken{"Version0", {0x00, 1, 0, 1}},
        Broken{"Version2", {0x80, 1, 0, 1}}, Broken{"TokenLength9", {0x49, 1, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
        Broken{"TokenLength15", {0x4f, 1, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
        Broken{"TokenCutOff", {0x44, 1, 0, 1, 1, 2, 3}}, Broken{"Class1", {0x40, 0x21, 0, 1}},
        Broken{"Class6", {0x40, 0xc1, 0, 1}}, Broken{"Class7", {0x40, 0xe1, 0, 1}},
        Broken{"EmptyWithToken", {0x41, 0, 0, 1, 1}}, Broken{"EmptyWithOctets", {0x40, 0, 0, 1, 0xff, 1}},
        Broken{"EmptyWithTokenLength", {0x42, 0, 0, 1}}, Broken{"MarkerWithoutPayload", {0x40, 1, 0, 1, 0xff}},
        Broken{"OptionThenMarkerWithoutPayload", {0x40, 1, 0, 1, 0xb1, 'a', 0xff}},
        Broken{"DeltaReserved", {0x40, 1, 0, 1, 0xf1, 1}}, Broken{"LengthReserved", {0x40, 1, 0, 1, 0x1f, 1}},
        Broken{"OptionCutOff", {0x40, 1, 0, 1, 0xb3, 'r', 'd'}}, Broken{"Delta1OctetMissing", {0x40, 1, 0, 1, 0xd0}},
        Broken{"Delta2OctetsMissing", {0x40, 1, 0, 1, 0xe0, 1}}, Broken{"Length1OctetMissing", {0x40, 1, 0, 1, 0x1d}},
        Broken{"Length2OctetsMissing", {0x40, 1, 0, 1, 0x1e, 0}},
        Broken{"LongLengthLies", {0x40, 1, 0, 1, 0x1e, 0xff, 0xff, 1}},
        Broken{"DeltaAbove65535", {0x40, 1, 0, 1, 0xe0, 0xff, 0xff}},
        Broken{"NumberAbove65535", {0x40, 1, 0, 1, 0xe0, 0xfe, 0xf2, 0x10}}),
    [](const auto& info) { return info.param.name; });

TEST(DecodeTest, LeavesElectiveOptionsOfOddLengthToTheirReaders) {
  // An ETag of nine octets and an Observe of four are to be ignored, not to cost the message (RFC 7252 5.4.3).
  const auto message = Decode(Octets({0x40, 69, 0, 1, 0x49, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x24, 1, 2, 3, 4}));
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->options.size(), 2u);
}

TEST(DecodeTest, EveryCutOfAMessageIsTakenOrRefused) {
  Message message = MakeMessage(Type::kConfirmable, kPost, 7, "token", Body(300));
  message.AddOption(kUriPath, Body(269));
  message.AddOption(kUriQuery, Body(13));
  message.AddOption(2049, Body(700));
  const std::string datagram = Encode(message);
  for (size_t size = 0; size < datagram.size(); ++size) (void)Decode(absl::string_view(datagram).substr(0, size));
}

// libcoap's own parser as an independent opinion: what it takes and we refuse can only be a reserved code class.
TEST(DecodeTest, AgreesWithLibcoapsParser) {
  coap_startup();
  coap_set_log_level(LOG_EMERG);
  SeededRandom random(7);
  Message message = MakeMessage(Type::kConfirmable, kPost, 7, "tok", "payload");
  message.AddOption(kUriPath, "rd");
  message.AddUintOption(kContentFormat, 40);
  message.AddOption(kUriQuery, "ep=urn:dev:imei:123456789");
  const std::string good = Encode(message);
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string datagram = good;
    for (uint64_t changes = 1 + random.Next() % 3; changes > 0; --changes) {
      datagram[random.Next() % datagram.size()] = static_cast<char>(random.Next());
    }
    if (random.Chance(20)) datagram.resize(random.Next() % datagram.size());
    coap_pdu_t* pdu = coap_pdu_init(COAP_MESSAGE_CON, COAP_EMPTY_CODE, 0, datagram.size());
    const bool theirs =
        coap_pdu_parse(COAP_PROTO_UDP, reinterpret_cast<const uint8_t*>(datagram.data()), datagram.size(), pdu) != 0;
    const auto ours = Decode(datagram);
    if (theirs) {
      const int code_class = static_cast<uint8_t>(datagram[1]) >> 5;
      const bool reserved = code_class == 1 || code_class > 5;
      EXPECT_EQ(ours.ok(), !reserved) << testing::PrintToString(datagram) << ours.status();
    }
    if (theirs && ours.ok()) {
      ++taken;
      size_t size = 0;
      const uint8_t* data = nullptr;
      const bool has_payload = coap_get_data(pdu, &size, &data) != 0;
      EXPECT_EQ(ours->payload, has_payload ? std::string(reinterpret_cast<const char*>(data), size) : "");
      coap_opt_iterator_t iterator;
      coap_option_iterator_init(pdu, &iterator, COAP_OPT_ALL);
      size_t count = 0;
      while (coap_opt_t* option = coap_option_next(&iterator)) {
        ASSERT_LT(count, ours->options.size());
        EXPECT_EQ(ours->options[count].number, iterator.number);
        EXPECT_EQ(ours->options[count].value.size(), coap_opt_length(option));
        ++count;
      }
      EXPECT_EQ(count, ours->options.size());
    }
    coap_delete_pdu(pdu);
  }
  EXPECT_GT(taken, 1000);
  coap_cleanup();
}

TEST(EncodeTest, SortsOptionsAndKeepsTheOrderOfEqualOnes) {
  Message message = MakeMessage(Type::kNonConfirmable, kGet, 1);
  message.AddOption(kUriQuery, "a");
  message.AddOption(kUriPath, "3");
  message.AddOption(kUriPath, "0");
  message.AddUintOption(kObserve, 0);
  const auto decoded = Decode(Encode(message));
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->options.size(), 4u);
  EXPECT_EQ(decoded->options[0].number, kObserve);
  EXPECT_EQ(decoded->options[0].value, "");
  EXPECT_THAT(decoded->TextOptions(kUriPath), testing::ElementsAre("3", "0"));
}

TEST(EncodeTest, EveryDeltaAndLengthComesBack) {
  for (const size_t size : {0, 1, 12, 13, 14, 268, 269, 270, 1034, 60000}) {
    for (const uint16_t number : {1, 12, 13, 14, 268, 269, 270, 65535}) {
      Message message = MakeMessage(Type::kConfirmable, kContent, 9, "t", "x");
      message.AddOption(number, Body(size));
      const auto decoded = Decode(Encode(message));
      ASSERT_TRUE(decoded.ok()) << decoded.status() << size << " " << number;
      ASSERT_EQ(decoded->options.size(), 1u);
      EXPECT_EQ(decoded->options[0].number, number);
      EXPECT_EQ(decoded->options[0].value, Body(size));
      EXPECT_EQ(decoded->payload, "x");
    }
  }
}

TEST(EncodeTest, EmptyIsFourOctets) {
  Message message = MakeMessage(Type::kReset, kEmpty, 0x1234, "token", "payload");
  message.AddUintOption(kObserve, 1);
  EXPECT_EQ(Encode(message), Octets({0x70, 0, 0x12, 0x34}));
}

TEST(MessageTest, UintOptions) {
  Message message;
  message.AddUintOption(kObserve, 0);
  message.AddUintOption(kSize1, 70000);
  message.AddOption(kETag, "123456789");
  EXPECT_EQ(message.UintOption(kObserve), 0u);
  EXPECT_EQ(message.UintOption(kSize1), 70000u);
  EXPECT_EQ(message.options[1].value.size(), 3u);
  EXPECT_EQ(message.UintOption(kETag), std::nullopt);
  EXPECT_EQ(message.UintOption(kAccept), std::nullopt);
  message.RemoveOption(kSize1);
  EXPECT_EQ(message.UintOption(kSize1), std::nullopt);
}

TEST(CodeTest, Names) {
  EXPECT_EQ(CodeToString(kContent), "2.05 Content");
  EXPECT_EQ(CodeToString(kGet), "0.01 GET");
  EXPECT_EQ(CodeToString(kEmpty), "0.00 Empty");
  EXPECT_EQ(CodeToString(499), "4.99");
}

}  // namespace
}  // namespace isthmus::coap
