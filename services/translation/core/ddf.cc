#include "services/translation/core/ddf.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/core/definition_rules.h"
#include "services/translation/core/xml_reader.h"

namespace isthmus::translation {
namespace {

using lwm2m::ResourceType;

std::optional<uint32_t> ParseId(const std::string& text) {
  uint32_t id = 0;
  if (!absl::SimpleAtoi(text, &id) || id > kMaxId) return std::nullopt;
  return id;
}

// Which of two words stands there; what is absent or empty is the second.
bool IsFirst(const XmlElement& element, absl::string_view first, absl::string_view second) {
  const std::string text = element.Text();
  if (absl::EqualsIgnoreCase(text, first)) return true;
  if (!text.empty() && !absl::EqualsIgnoreCase(text, second)) element.Fail(absl::StrCat(first, " or ", second));
  return false;
}

std::optional<ResourceType> TypeOf(const std::string& text) {
  static constexpr std::pair<const char*, ResourceType> kTypes[] = {
      {"String", ResourceType::kString},
      {"Integer", ResourceType::kInteger},
      {"Unsigned Integer", ResourceType::kUnsignedInteger},
      {"UnsignedInteger", ResourceType::kUnsignedInteger},
      {"Float", ResourceType::kFloat},
      {"Boolean", ResourceType::kBoolean},
      {"Opaque", ResourceType::kOpaque},
      {"Time", ResourceType::kTime},
      {"Objlnk", ResourceType::kObjectLink},
      {"Corelnk", ResourceType::kCoreLink},
  };
  for (const auto& [word, type] : kTypes) {
    if (absl::EqualsIgnoreCase(text, word)) return type;
  }
  return std::nullopt;
}

// A whole number, also as "100.0"; where it is beyond 64 bits, the end of them.
std::optional<int64_t> ParseBound(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (const size_t point = text.find('.'); point != absl::string_view::npos) {
    const absl::string_view fraction = text.substr(point + 1);
    if (fraction.empty() || fraction.find_first_not_of('0') != absl::string_view::npos) return std::nullopt;
    text = text.substr(0, point);
  }
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (text.empty() || text.find_first_not_of("0123456789") != absl::string_view::npos) return std::nullopt;
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number)) return negative ? -number : number;
  return negative ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

// "0..100", "0...100", "-5..5", and for a String "0-255 bytes"; anything else says nothing to a program.
std::optional<Interval> ParseRange(const std::string& text, ResourceType type) {
  std::string range = absl::AsciiStrToLower(text);
  if (type == ResourceType::kString) {
    for (const char* unit : {"bytes", "byte", "octets"}) {
      if (absl::EndsWith(range, unit)) range.resize(range.size() - absl::string_view(unit).size());
    }
  } else if (type != ResourceType::kInteger && type != ResourceType::kUnsignedInteger && type != ResourceType::kFloat) {
    return std::nullopt;
  }
  size_t size = 3;
  size_t separator = range.find("...");
  if (separator == std::string::npos) separator = range.find(".."), size = 2;
  if (separator == std::string::npos) separator = range.find('-', 1), size = 1;
  if (separator == std::string::npos) return std::nullopt;
  const std::optional<int64_t> first = ParseBound(absl::string_view(range).substr(0, separator));
  const std::optional<int64_t> last = ParseBound(absl::string_view(range).substr(separator + size));
  if (!first.has_value() || !last.has_value() || *first > *last) return std::nullopt;
  return Interval{*first, *last};
}

ResourceDefinition ReadItem(const XmlElement& item) {
  ResourceDefinition resource;
  if (const std::optional<uint32_t> id = ParseId(item.Attribute("ID"))) {
    resource.id = *id;
  } else {
    item.FailAttribute("ID", absl::StrCat("a whole number from 0 to ", kMaxId));
  }
  const XmlElement name = item.Require("Name");
  resource.name = name.Text();
  if (name.present() && resource.name.empty()) name.Fail("a name");
  // "R", "RW", "R/W", "E", or nothing of what only a bootstrap reads and writes.
  const XmlElement operations = item.Require("Operations");
  const std::string letters =
      absl::StrReplaceAll(absl::AsciiStrToUpper(operations.Text()), {{" ", ""}, {"/", ""}, {",", ""}, {"|", ""}});
  if (const std::optional<OperationSet> set = ParseOperations(letters)) {
    resource.readable = set->read;
    resource.writable = set->write;
    resource.executable = set->execute;
  } else {
    operations.Fail("R, W, RW, E or nothing");
  }
  resource.multiple = IsFirst(item.Child("MultipleInstances"), "Multiple", "Single");
  resource.mandatory = IsFirst(item.Child("Mandatory"), "Mandatory", "Optional");
  const XmlElement type = item.Require("Type");
  const std::string word = type.Text();
  if (resource.executable && !resource.readable && !resource.writable) {
    resource.type = ResourceType::kNone;  // whatever it says: there is no value
  } else if (const std::optional<ResourceType> known = TypeOf(word)) {
    resource.type = *known;
  } else if (word.empty() && letters.empty()) {
    resource.type = ResourceType::kNone;
  } else if (type.present()) {
    type.Fail("String, Integer, Unsigned Integer, Float, Boolean, Opaque, Time, Objlnk or Corelnk");
  }
  resource.range = ParseRange(item.Child("RangeEnumeration").Text(), resource.type);
  resource.unit = item.Child("Units").Text();
  return resource;
}

// URN and version say the same thing twice; either may be missing, and they may not contradict each other.
void ReadIdentity(const XmlElement& element, ObjectDefinition* object) {
  const XmlElement id = element.Require("ObjectID");
  if (const std::optional<uint32_t> number = ParseId(id.Text())) {
    object->id = *number;
  } else if (id.present()) {
    id.Fail(absl::StrCat("a whole number from 0 to ", kMaxId));
  }
  object->urn = RegistryUrn(object->id);
  object->version = "1.0";
  const XmlElement urn = element.Child("ObjectURN");
  bool urn_has_version = false;
  if (const std::string text = urn.Text(); !text.empty()) {
    const std::optional<DefinitionUrn> parsed = ParseObjectUrn(text);
    if (!parsed.has_value()) {
      urn.Fail("urn:oma:lwm2m:<class>:<object id> with or without a version");
    } else if (parsed->object_id != object->id) {
      urn.Fail(absl::StrCat("the URN of object ", object->id));
    } else {
      object->urn = parsed->base;
      urn_has_version = !parsed->version.empty();
      if (urn_has_version) object->version = parsed->version;
    }
  }
  const XmlElement version = element.Child("ObjectVersion");
  if (const std::string text = version.Text(); !text.empty()) {
    const std::optional<std::string> canonical = CanonicalVersion(text);
    if (!canonical.has_value()) {
      version.Fail("a version as 1.0");
    } else if (urn_has_version && *canonical != object->version) {
      version.Fail(absl::StrCat(object->version, " as in ObjectURN"));
    } else {
      object->version = *canonical;
    }
  }
}

ParsedObject ReadObject(const XmlElement& element) {
  ParsedObject parsed;
  parsed.where = element.Where();
  ObjectDefinition& object = parsed.object;
  const std::string object_type = element.Attribute("ObjectType");
  if (!object_type.empty() && object_type != "MODefinition") element.FailAttribute("ObjectType", "MODefinition");
  const XmlElement name = element.Require("Name");
  object.name = name.Text();
  if (name.present() && object.name.empty()) name.Fail("a name");
  ReadIdentity(element, &object);
  object.multiple = IsFirst(element.Child("MultipleInstances"), "Multiple", "Single");
  object.mandatory = IsFirst(element.Child("Mandatory"), "Mandatory", "Optional");
  std::set<uint32_t> ids;
  for (const XmlElement& item : element.Require("Resources").Children("Item")) {
    object.resources.push_back(ReadItem(item));
    if (!ids.insert(object.resources.back().id).second) item.FailAttribute("ID", "an id that no Item above has");
  }
  SortResources(&object);
  return parsed;
}

}  // namespace

absl::StatusOr<std::vector<ParsedObject>> ParseDdf(const std::string& file, absl::string_view text) {
  XmlDocument document(file, text);
  RETURN_IF_ERROR(document.status());
  const XmlElement root = document.root();
  RETURN_IF_ERROR(document.status());
  if (root.name() != "LWM2M") {
    root.FailName("an object definition with the root element 'LWM2M'");
    return document.status();
  }
  std::vector<ParsedObject> objects;
  std::set<std::pair<uint32_t, std::string>> seen;
  for (const XmlElement& element : root.Children("Object")) {
    ParsedObject object = ReadObject(element);
    if (!seen.emplace(object.object.id, object.object.version).second) {
      element.Require("ObjectID").Fail("an object and version that is not above");
    }
    objects.push_back(std::move(object));
  }
  RETURN_IF_ERROR(document.status());
  if (objects.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(root.Where(), ": element 'Object' is missing"));
  }
  return objects;
}

}  // namespace isthmus::translation
