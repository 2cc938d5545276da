// Mutated payloads into each decoder: none may crash, hang, or return what the other parts may rely on not to see.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/utf8/utf8.h"

namespace isthmus::lwm2m::codec {
namespace {

constexpr int kRounds = 100000;

class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, std::vector<std::string> tokens)
      : seeds_(std::move(seeds)), tokens_(std::move(tokens)) {}

  std::string Next() {
    std::string payload = seeds_[Below(seeds_.size())];
    for (size_t changes = 1 + Below(4); changes > 0; --changes) {
      const size_t at = Below(payload.size() + 1);
      switch (Below(6)) {
        case 0:
          if (at < payload.size()) payload[at] = static_cast<char>(Below(256));
          break;
        case 1:
          if (at < payload.size()) payload[at] = static_cast<char>(payload[at] ^ 1 << Below(8));
          break;
        case 2:
          payload.insert(at, tokens_[Below(tokens_.size())]);
          break;
        case 3:
          payload.erase(at, Below(8));
          break;
        case 4:
          payload.resize(at);
          break;
        case 5: {
          const std::string part = payload.substr(at, Below(16));
          payload.insert(Below(payload.size() + 1), part);
          break;
        }
      }
    }
    return payload;
  }
  size_t Below(size_t limit) { return random_() % limit; }

 private:
  const std::vector<std::string> seeds_, tokens_;
  std::mt19937 random_{12345};
};

std::string Hex(absl::string_view hex) { return absl::HexStringToBytes(hex); }

void CheckDecoder(uint32_t format, Mutator mutator) {
  const std::vector<v1::Path> paths = {MakePath(3),       MakePath(3, 0),       MakePath(3, 0, 6),
                                       MakePath(3, 0, 9), MakePath(3, 0, 6, 1), v1::Path()};
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  int decoded = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string payload = mutator.Next();
    const v1::Path& path = paths[mutator.Below(paths.size())];
    const absl::StatusOr<std::vector<v1::Node>> nodes = Decode(format, payload, path, now);
    if (!nodes.ok()) {
      ASSERT_EQ(nodes.status().code(), absl::StatusCode::kInvalidArgument);
      ASSERT_TRUE(IsUtf8(nodes.status().message()));
      continue;
    }
    if (!nodes->empty()) ++decoded;
    ASSERT_LE(nodes->size(), payload.size());
    for (const v1::Node& node : *nodes) {
      ASSERT_TRUE(Contains(path, node.path()) && node.path().has_resource_id());
      ASSERT_NE(node.value().kind_case(), v1::Value::KIND_NOT_SET);
      ASSERT_TRUE(IsUtf8(node.value().text()));
      (void)TypeValue(node.value(), static_cast<ResourceType>(mutator.Below(10)));
    }
  }
  EXPECT_GT(decoded, kRounds / 100);  // the mutations leave enough that is well-formed
}

TEST(RobustnessTest, Tlv) {
  CheckDecoder(kTlv, Mutator({Hex("C10950"), Hex("8606410001410105"), Hex("080009C40041636D65C10950"),
                              Hex("C500416E6A61798606410001410105C800084142434445464748E0FFFF"), Hex("410105"),
                              Hex("0300C100010301C10002")},
                             {Hex("C8"), Hex("FFFFFF"), Hex("0000"), Hex("4100"), Hex("F8"), Hex("8006")}));
}

TEST(RobustnessTest, SenMlJson) {
  CheckDecoder(kSenMlJson,
               Mutator({R"([{"bn":"/3/0/","n":"0","vs":"Acme"},{"n":"9","v":80,"t":-30},{"n":"6/1","vb":true}])",
                        R"([{"n":"/3/0/9","v":1.5e3},{"n":"/3/0/6/0","vd":"AAEC"},{"n":"/3/0/6/1","vlo":"3:0"}])",
                        R"([{"bn":"/3/0/9","bt":1701172800.25,"v":80,"x":[{"y":[]}]}])", R"([{"n":"/3/0/9","v":80}])"},
                       {"\"", "[", "{", "}", "]", ",", ":", "1e999", "null", "\\u0000", "\\ud800", "\"v\":1",
                        "\"bn\":\"/\"", std::string(1, '\0'), "\xFF"}));
}

TEST(RobustnessTest, Lwm2mJson) {
  CheckDecoder(
      kLwm2mJson,
      Mutator({R"({"bn":"/3/0/","e":[{"n":"0","sv":"Acme"},{"n":"9","v":80,"t":-30},{"n":"6/1","bv":true}]})",
               R"({"bt":1701172800.25,"bn":"/3/0","e":[{"n":"/9","v":1.5e3},{"n":"6/1","ov":"3:0"}],"x":[{}]})"},
              {"\"", "[", "{", "}", "]", ",", ":", "1e999", "null", "\\u0000", "\\ud800", "\"v\":1", "\"bn\":\"/\"",
               "\"e\":[]", std::string(1, '\0'), "\xFF"}));
}

TEST(RobustnessTest, SenMlCbor) {
  CheckDecoder(kSenMlCbor, Mutator({Hex("82a321652f332f302f006130036441636d65a2006139021850"),
                                    Hex("81a300662f332f302f3902fb4054000000000000061a6565d640"),
                                    Hex("81a321652f332f302f0063362f3163766c6f63333a31")},
                                   {Hex("80"), Hex("a0"), Hex("9f"), Hex("bf"), Hex("ff"), Hex("f6"), Hex("f97e00"),
                                    Hex("c1"), Hex("c0"), Hex("5bffffffffffffffff"), Hex("9bffffffffffffffff"),
                                    Hex("1bffffffffffffffff"), Hex("61ff")}));
}

TEST(RobustnessTest, Cbor) {
  CheckDecoder(kCbor, Mutator({Hex("1850"), Hex("6441636d65"), Hex("c11a6565d640"), Hex("5f42010243030405ff")},
                              {Hex("c1"), Hex("ff"), Hex("f6"), Hex("3bffffffffffffffff"), Hex("61ff")}));
}

TEST(RobustnessTest, Lwm2mCbor) {
  CheckDecoder(kLwm2mCbor, Mutator({Hex("a103a100a2006441636d65091850"), Hex("a1820300a206a200010102091850"),
                                    Hex("a183030009c11a6565d640")},
                                   {Hex("a0"), Hex("80"), Hex("bf"), Hex("ff"), Hex("820300"),
                                    Hex("bbffffffffffffffff"), Hex("1a00010000"), Hex("61ff")}));
}

TEST(RobustnessTest, Text) {
  CheckDecoder(kText, Mutator({"80", "-0.5", "1e2", "3:0", "QUJD", "Acme"}, {"e", ".", "-", "9999999999", ":"}));
}

TEST(RobustnessTest, Opaque) { CheckDecoder(kOpaque, Mutator({"ABC"}, {std::string(1, '\0')})); }

TEST(RobustnessTest, LinkFormat) {
  Mutator mutator({"</>;rt=\"oma.lwm2m\";ct=\"110 112\",</1>;ver=1.1,</1/0>,</3/0>,</3/0/6>;dim=2;pmin=10",
                   "</lwm2m>;rt=\"oma.lwm2m\";ct=110,</lwm2m/3/0>,</lwm2m/3/0/9>;x=\"a,b\\\"\"", "</3/0>, </6/0>"},
                  {",", ";", "<", ">", "\"", "=", "/", "\\", " ", "</3/0>", ";ver=1.1", ";rt=oma.lwm2m", "\xFF"});
  int parsed = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string payload = mutator.Next();
    for (const absl::StatusOr<Links>& links :
         {ParseRegistrationLinks(payload), ParseDiscoverLinks(payload, round % 2 == 0 ? "" : "/lwm2m")}) {
      if (!links.ok()) {
        ASSERT_EQ(links.status().code(), absl::StatusCode::kInvalidArgument);
        ASSERT_TRUE(IsUtf8(links.status().message()));
        continue;
      }
      ++parsed;
      ASSERT_LE(links->links.size(), payload.size());
      ASSERT_TRUE(IsUtf8(links->root_path));
      for (const std::string& warning : links->warnings) ASSERT_TRUE(IsUtf8(warning));
      for (const v1::ObjectLink& link : links->links) ASSERT_TRUE(IsUtf8(link.version()));
    }
  }
  EXPECT_GT(parsed, kRounds / 100);
}

TEST(RobustnessTest, LargePayloadsTakeLinearTime) {
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  std::string tlv, json = "[", links, lwm2m_json = "{\"e\":[", senml_cbor = "\x9f", lwm2m_cbor = "\xa1\x82\x03";
  lwm2m_cbor += std::string(1, '\0') + "\xbf";
  const auto two_octets = [](int i) { return std::string({static_cast<char>(i >> 8), static_cast<char>(i)}); };
  for (int i = 0; i < 60000; ++i) {
    absl::StrAppend(&tlv, Hex("E0"), std::string(1, static_cast<char>(i >> 8)), std::string(1, static_cast<char>(i)));
    absl::StrAppend(&json, i == 0 ? "" : ",", "{\"n\":\"/3/0/", i, "\",\"v\":1}");
    absl::StrAppend(&lwm2m_json, i == 0 ? "" : ",", "{\"n\":\"", i, "\",\"v\":1}");
    const std::string name = absl::StrCat("/3/0/", i);
    senml_cbor += Hex("a200") + static_cast<char>(0x60 + name.size()) + name + Hex("0201");
    lwm2m_cbor += Hex("19") + two_octets(i) + Hex("01");
    absl::StrAppend(&links, i == 0 ? "" : ",", "</", i, "/0>");
  }
  EXPECT_EQ(Decode(kTlv, tlv, MakePath(3, 0), now)->size(), 60000u);
  EXPECT_EQ(Decode(kSenMlJson, json + "]", MakePath(3, 0), now)->size(), 60000u);
  EXPECT_EQ(Decode(kLwm2mJson, lwm2m_json + "]}", MakePath(3, 0), now)->size(), 60000u);
  EXPECT_EQ(Decode(kSenMlCbor, senml_cbor + "\xff", MakePath(3, 0), now)->size(), 60000u);
  EXPECT_EQ(Decode(kLwm2mCbor, lwm2m_cbor + "\xff", MakePath(3, 0), now)->size(), 60000u);
  EXPECT_EQ(ParseRegistrationLinks(links)->links.size(), 60000u);
  EXPECT_FALSE(ParseRegistrationLinks(std::string(300000, '<')).ok());
  EXPECT_FALSE(ParseRegistrationLinks(absl::StrCat("</3>", std::string(300000, ';'), "x=\"")).ok());
  EXPECT_TRUE(ParseRegistrationLinks(absl::StrCat("</", std::string(300000, 'x'), ">")).ok());
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
