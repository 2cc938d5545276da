// Properties of the payload formats, over random objects (rapidcheck; a failure is shrunk to the least one): what a
// format writes it reads back, and all formats say the same of the same nodes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rapidcheck.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/codec/node_generators.h"
#include "services/lib/lwm2m/codec/node_text.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/lwm2m/value_text.h"

namespace isthmus::lwm2m::codec {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);
constexpr uint32_t kOfManyValues[] = {kTlv, kSenMlJson, kSenMlCbor, kLwm2mJson, kLwm2mCbor};
constexpr uint32_t kOfOneValue[] = {kText, kOpaque, kCbor};
constexpr uint32_t kWithTimes[] = {kSenMlJson, kSenMlCbor, kLwm2mJson};
constexpr uint32_t kSenMl[] = {kSenMlJson, kSenMlCbor};

std::string Shown(const std::vector<v1::Node>& nodes) { return absl::StrJoin(NodeTexts(nodes), "\n"); }

template <typename T>
T Taken(absl::StatusOr<T> result, const std::string& of) {
  if (!result.ok()) RC_FAIL(absl::StrCat(result.status().message(), "\n", of));
  return *std::move(result);
}

void CheckSame(const std::vector<v1::Node>& is, const std::vector<v1::Node>& should_be, uint32_t format,
               const std::string& payload) {
  if (NodeTexts(is) == NodeTexts(should_be)) return;
  RC_FAIL(absl::StrCat(FormatName(format), "\n", Shown(should_be), "\nbecame\n", Shown(is), "\nby ",
                       absl::CHexEscape(payload)));
}

// What an object definition makes of the values.
std::vector<v1::Node> Typed(std::vector<v1::Node> nodes, const Definition& definition, uint32_t format) {
  for (v1::Node& node : nodes) {
    const ResourceType type = definition.resources.at(node.path().resource_id()).type;
    *node.mutable_value() = Taken(TypeValue(node.value(), type), absl::StrCat(FormatName(format), ": ", Shown({node})));
  }
  return nodes;
}

// A path that all of `nodes` lie at or below, at any of the levels that they share.
v1::Path AnyTargetOf(const std::vector<v1::Node>& nodes, const Definition& definition) {
  std::vector<uint32_t> shared = {definition.object_id};
  if (!nodes.empty()) {
    shared = Levels(nodes.front().path());
    for (const v1::Node& node : nodes) {
      const std::vector<uint32_t> levels = Levels(node.path());
      const auto end = std::mismatch(shared.begin(), shared.end(), levels.begin(), levels.end()).first;
      shared.erase(end, shared.end());
    }
  }
  shared.resize(*rc::gen::inRange<size_t>(1, shared.size() + 1));
  return MakePath(shared);
}

// All nodes, those of one instance, of one resource, or a single one.
std::vector<v1::Node> AnyPart(std::vector<v1::Node> nodes) {
  const size_t levels = *rc::gen::inRange<size_t>(1, 5);
  if (nodes.empty() || levels == 1) return nodes;
  std::vector<uint32_t> prefix = Levels(nodes[*rc::gen::inRange<size_t>(0, nodes.size())].path());
  prefix.resize(std::min(levels, prefix.size()));
  std::vector<v1::Node> part;
  for (v1::Node& node : nodes) {
    if (Contains(MakePath(prefix), node.path())) part.push_back(std::move(node));
  }
  return part;
}

TEST(NodeEquivalence, FormatsOfManyValuesCarryTheSameNodes) {
  EXPECT_TRUE(rc::check([] {
    const Definition definition = AnyDefinition();
    const std::vector<v1::Node> nodes = AnyPart(AnyNodes(definition));
    const v1::Path target = AnyTargetOf(nodes, definition);
    std::vector<v1::Node> shuffled = nodes;
    std::reverse(shuffled.begin(), shuffled.end());
    for (const uint32_t format : kOfManyValues) {
      const std::string payload = Taken(Encode(format, nodes, target), Shown(nodes));
      RC_ASSERT(Taken(Encode(format, shuffled, target), Shown(nodes)) == payload);  // the order is the format's
      const std::vector<v1::Node> decoded = Taken(Decode(format, payload, target, kNow), absl::CHexEscape(payload));
      CheckSame(Typed(decoded, definition, format), nodes, format, payload);
      // An answer may be wider than what was asked for, never narrower: the same values as an answer for the object.
      if (format == kTlv) continue;  // which leaves out the levels above
      CheckSame(
          Typed(Taken(Decode(format, payload, MakePath(definition.object_id), kNow), payload), definition, format),
          nodes, format, payload);
    }
  }));
}

TEST(NodeEquivalence, EveryFormatCarriesASingleValue) {
  EXPECT_TRUE(rc::check([] {
    Definition definition = AnyDefinition();
    const auto& [id, resource] = *definition.resources.begin();
    v1::Node node;
    *node.mutable_path() = resource.multiple ? MakePath(definition.object_id, *Ids(65534), id, *Ids())
                                             : MakePath(definition.object_id, *Ids(65534), id);
    *node.mutable_value() = AnyValue(resource.type);
    for (const uint32_t format : kOfOneValue) {
      const absl::StatusOr<std::string> encoded = Encode(format, {node}, node.path());
      if (format == kOpaque && resource.type != ResourceType::kOpaque) {
        RC_ASSERT(!encoded.ok());  // octets are nothing else
        continue;
      }
      const std::string payload = Taken(encoded, Shown({node}));
      const std::vector<v1::Node> decoded =
          Taken(Decode(format, payload, node.path(), kNow), absl::CHexEscape(payload));
      if (payload.empty()) {
        RC_ASSERT(decoded.empty());  // an empty payload says that there is no value, and an empty text looks the same
        continue;
      }
      CheckSame(Typed(decoded, definition, format), {node}, format, payload);
    }
  }));
}

// What a format tells of a type by itself, which is all that there is for an object that nobody defined.
v1::Value AsTold(const v1::Value& value, uint32_t format) {
  v1::Value told;
  switch (value.kind_case()) {
    case v1::Value::kCoreLink:
      told.set_text(value.core_link());
      return told;
    case v1::Value::kOpaque:
      if (format != kLwm2mJson) return value;
      told.set_text(absl::Base64Escape(value.opaque()));
      return told;
    case v1::Value::kObjectLink:
      if (format != kLwm2mCbor && format != kCbor) return value;
      told.set_text(FormatObjectLink(value.object_link()));
      return told;
    case v1::Value::kTime:
      if (format == kLwm2mCbor || format == kCbor) return value;
      told.set_integer(value.time());
      return told;
    case v1::Value::kFloating:
      if (const std::optional<int64_t> integer = AsInteger(value.floating())) {
        told.set_integer(*integer);
        return told;
      }
      return value;
    default:
      return value;
  }
}

TEST(NodeEquivalence, FormatsThatTellTypesTellThem) {
  EXPECT_TRUE(rc::check([] {
    const Definition definition = AnyDefinition();
    std::vector<v1::Node> nodes = AnyNodes(definition);
    for (const uint32_t format : {kSenMlJson, kSenMlCbor, kLwm2mJson, kLwm2mCbor}) {
      const v1::Path target = MakePath(definition.object_id);
      const std::string payload = Taken(Encode(format, nodes, target), Shown(nodes));
      const std::vector<v1::Node> decoded = Taken(Decode(format, payload, target, kNow), absl::CHexEscape(payload));
      std::vector<v1::Node> expected = nodes;
      for (v1::Node& node : expected) *node.mutable_value() = AsTold(node.value(), format);
      // Whole numbers of 64 bits without a sign are Unsigned Integers, whoever made them.
      for (size_t i = 0; i < expected.size() && i < decoded.size(); ++i) {
        if (!expected[i].value().has_floating() || !decoded[i].value().has_unsigned_integer()) continue;
        RC_ASSERT(static_cast<double>(decoded[i].value().unsigned_integer()) == expected[i].value().floating());
        *expected[i].mutable_value() = decoded[i].value();
      }
      CheckSame(decoded, expected, format, payload);
    }
  }));
}

TEST(NodeEquivalence, ValuesKeepTheirTimes) {
  EXPECT_TRUE(rc::check([] {
    const Definition definition = AnyDefinition();
    std::vector<v1::Node> nodes = AnyNodes(definition);
    for (v1::Node& node : nodes) {
      if (*rc::gen::weightedElement<bool>({{1, true}, {2, false}})) continue;
      constexpr int64_t kFirstAbsolute = 1 << 28;
      node.mutable_time()->set_seconds(
          *rc::gen::weightedOneOf<int64_t>({{2, rc::gen::inRange<int64_t>(1'500'000'000, 2'500'000'000)},
                                            {1, rc::gen::inRange<int64_t>(kFirstAbsolute, kLatestTime + 1)},
                                            {1, rc::gen::element(+kFirstAbsolute, +kLatestTime)}}));
      // Microseconds: the numbers of CBOR and of LwM2M JSON are doubles, which hold no more beside the seconds of today
      // and milliseconds beside those of the year 9999.
      const int32_t step = node.time().seconds() < 2'500'000'000 ? 1'000 : 1'000'000;
      node.mutable_time()->set_nanos(*rc::gen::inRange(0, 1'000'000'000 / step) * step);
    }
    const v1::Path target = MakePath(definition.object_id);
    for (const uint32_t format : kWithTimes) {
      const std::string payload = Taken(Encode(format, nodes, target), Shown(nodes));
      const std::vector<v1::Node> decoded = Taken(Decode(format, payload, target, kNow), absl::CHexEscape(payload));
      CheckSame(Typed(decoded, definition, format), nodes, format, payload);
    }
  }));
}

TEST(NodeEquivalence, SenMlNamesMayBeginWithTheRoot) {
  EXPECT_TRUE(rc::check([] {
    const std::string root = *rc::gen::element<std::string>("", "/lwm2m", "/3", "/3/0", "/a/b");
    const Definition definition = AnyDefinition();
    const std::vector<v1::Node> nodes = AnyNodes(definition);
    const v1::Path target = MakePath(definition.object_id);
    for (const uint32_t format : kSenMl) {
      const std::string payload = Taken(Encode(format, nodes, target, root), Shown(nodes));
      const std::vector<v1::Node> decoded =
          Taken(Decode(format, payload, target, kNow, root), absl::CHexEscape(payload));
      CheckSame(Typed(decoded, definition, format), nodes, format, payload);
    }
  }));
}

v1::Path AnyPath(size_t least_levels, size_t most_levels) {
  const auto levels = static_cast<size_t>(*rc::gen::inRange(least_levels, most_levels + 1));
  return MakePath(*rc::gen::container<std::vector<uint32_t>>(levels, Ids(65534)));
}

TEST(NodeEquivalence, SeveralObjectsTravelTogether) {
  EXPECT_TRUE(rc::check([] {
    std::vector<v1::Node> nodes;
    Definition all;  // types by resource, whatever the object: ids of the two do not meet
    for (int objects = *rc::gen::inRange(0, 4); objects > 0; --objects) {
      const Definition definition = AnyDefinition();
      for (const auto& [id, resource] : definition.resources) all.resources.emplace(id, resource);
      Definition merged = definition;
      for (auto& [id, resource] : merged.resources) resource = all.resources.at(id);
      for (v1::Node& node : AnyNodes(merged)) {
        const bool taken = std::any_of(nodes.begin(), nodes.end(), [&node](const v1::Node& other) {
          return Contains(other.path(), node.path()) || Contains(node.path(), other.path());
        });
        if (!taken) nodes.push_back(std::move(node));
      }
    }
    std::sort(nodes.begin(), nodes.end(),
              [](const v1::Node& a, const v1::Node& b) { return Less(a.path(), b.path()); });
    for (const uint32_t format : {kSenMlJson, kSenMlCbor, kLwm2mJson, kLwm2mCbor}) {
      const std::string payload = Taken(Encode(format, nodes, v1::Path()), Shown(nodes));
      const std::vector<v1::Node> decoded = Taken(Decode(format, payload, v1::Path(), kNow), absl::CHexEscape(payload));
      CheckSame(Typed(decoded, all, format), nodes, format, payload);
    }
  }));
}

TEST(NodeEquivalence, PathsOfACompositeReadComeBack) {
  EXPECT_TRUE(rc::check([] {
    const std::string root = *rc::gen::element<std::string>("", "/lwm2m", "/a/b");
    std::vector<v1::Path> paths;
    std::vector<std::string> texts;
    for (int count = *rc::gen::inRange(0, 6); count > 0; --count) {
      paths.push_back(AnyPath(0, 4));
      texts.push_back(PathToString(paths.back()));
    }
    for (const uint32_t format : kSenMl) {
      const std::string payload = Taken(EncodePaths(format, paths, root), absl::StrJoin(texts, " "));
      std::vector<std::string> decoded;
      for (const v1::Path& path : Taken(DecodePaths(format, payload, root), absl::CHexEscape(payload))) {
        decoded.push_back(PathToString(path));
      }
      RC_ASSERT(decoded == texts);
    }
  }));
}

// Link format as one device or another writes it: with blanks, quotes and attributes that mean nothing to us.
struct LinkStyle {
  std::string root, comma = ",", semicolon = ";";
  bool quoted = false, noise = false;
};

LinkStyle AnyLinkStyle() {
  LinkStyle style;
  style.root = *rc::gen::element<std::string>("", "/lwm2m", "/a/b");
  style.comma = *rc::gen::element<std::string>(",", ", ", " ,\r\n");
  style.semicolon = *rc::gen::element<std::string>(";", " ; ");
  style.quoted = *rc::gen::arbitrary<bool>();
  style.noise = *rc::gen::arbitrary<bool>();
  return style;
}

std::string WriteLinks(const std::vector<v1::ObjectLink>& links, const LinkStyle& style) {
  std::vector<std::string> texts;
  for (const v1::ObjectLink& link : links) {
    std::string text = absl::StrCat("<", style.root, PathToString(link.path()), ">");
    const auto attribute = [&](absl::string_view name, absl::string_view value) {
      const char* quote = style.quoted ? "\"" : "";
      absl::StrAppend(&text, style.semicolon, name, "=", quote, value, quote);
    };
    if (style.noise) absl::StrAppend(&text, style.semicolon, "title=\"a,b;c<d>\\\"\"", style.semicolon, "obs");
    if (!link.version().empty()) attribute("ver", link.version());
    if (link.has_dimension()) attribute("dim", absl::StrCat(link.dimension()));
    texts.push_back(std::move(text));
  }
  return absl::StrJoin(texts, style.comma);
}

std::vector<v1::ObjectLink> AnyLinks(size_t most_levels) {
  std::vector<v1::ObjectLink> links;
  for (int count = *rc::gen::inRange(0, 6); count > 0; --count) {
    v1::ObjectLink link;
    *link.mutable_path() = AnyPath(1, most_levels);
    const bool known = std::any_of(links.begin(), links.end(),
                                   [&link](const v1::ObjectLink& other) { return Equal(other.path(), link.path()); });
    if (known) continue;
    if (!link.path().has_object_instance_id()) {
      link.set_version(*rc::gen::element<std::string>("", "1.0", "1.1", "2.10", "12.0"));
    }
    if (link.path().has_resource_id() && *rc::gen::arbitrary<bool>()) link.set_dimension(*Ids());
    links.push_back(std::move(link));
  }
  return links;
}

std::vector<std::string> LinkTexts(const std::vector<v1::ObjectLink>& links) {
  std::vector<std::string> texts;
  for (const v1::ObjectLink& link : links) {
    texts.push_back(absl::StrCat(PathToString(link.path()), " ", link.version(), " ",
                                 link.has_dimension() ? absl::StrCat(link.dimension()) : "-"));
  }
  return texts;
}

TEST(NodeEquivalence, LinksComeBack) {
  EXPECT_TRUE(rc::check([] {
    const LinkStyle style = AnyLinkStyle();
    const std::vector<v1::ObjectLink> discovered = AnyLinks(4);
    std::string payload = WriteLinks(discovered, style);
    const Links found = Taken(ParseDiscoverLinks(payload, style.root), payload);
    RC_ASSERT(LinkTexts(found.links) == LinkTexts(discovered));
    RC_ASSERT(found.warnings.empty());

    const std::vector<v1::ObjectLink> registered = AnyLinks(2);
    payload = absl::StrCat("<", style.root.empty() ? "/" : style.root, ">;rt=\"oma.lwm2m\";ct=\"110 112\"",
                           registered.empty() ? "" : style.comma, WriteLinks(registered, style));
    const Links links = Taken(ParseRegistrationLinks(payload), payload);
    RC_ASSERT(LinkTexts(links.links) == LinkTexts(registered));
    RC_ASSERT(links.root_path == style.root);
    RC_ASSERT((links.content_formats == std::vector<uint32_t>{kSenMlJson, kSenMlCbor}));
    RC_ASSERT(links.warnings.empty());
  }));
}

}  // namespace
}  // namespace isthmus::lwm2m::codec
