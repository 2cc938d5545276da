#include "services/translation/core/loader.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/translation/data/built_in.h"

namespace isthmus::translation {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kVendorObject[] = R"(object: 34120
name: "Pump"
version: "1.0"
urn: urn:oma:lwm2m:x:34120
multiple: true
resources:
  - {id: 0, name: "Speed", operations: RW, type: integer, range: "0..3000"}
  - {id: 1, name: "Tags", operations: RW, type: string, multiple: true}
  - {id: 2, name: "Start", operations: E, type: none}
)";

constexpr char kVendorMapping[] = R"(mapping: pump
mgmtDefinition: 0
root: acme:pump
object: urn:oma:lwm2m:x:34120
clause: acme manual 4
attributes:
  - {short: spd, long: speed, resource: 0, access: read-write, type: unsigned, fallback: 0}
  - {short: tgs, long: tags, resource: 1, access: read-write, type: string, list: true}
  - {short: stt, long: start, resource: 2, access: execute, type: boolean, reads: false}
)";

LoadResult LoadMounted(const std::vector<Source>& mounted) { return Load(BuiltInSources(), mounted); }

TEST(Loader, BuiltInDataHasNoProblems) {
  const LoadResult loaded = LoadMounted({});
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.table->mappings(), SizeIs(20));
  std::vector<uint32_t> definitions;
  for (const ResourceMapping& mapping : loaded.table->mappings()) definitions.push_back(mapping.mgmt_definition);
  EXPECT_THAT(definitions, ElementsAre(1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                                       1015, 1016, 1017, 1018, 1019, 1028, 1031));
  for (const uint32_t id : {0u,  1u,    2u,    3u,    4u,    5u,    6u,    7u,    9u,    12u,   15u,   20u,
                            25u, 2048u, 2049u, 2050u, 2051u, 2052u, 2053u, 2054u, 2055u, 2056u, 2057u, 3303u}) {
    EXPECT_NE(loaded.table->FindObject(id, ""), nullptr) << id;
  }
}

TEST(Loader, ObjectDefinitionsAreThoseOfTheRegistry) {
  const LoadResult loaded = LoadMounted({});
  const ObjectDefinition* device = loaded.table->FindObject(3, "1.2");
  ASSERT_NE(device, nullptr);
  EXPECT_EQ(device->urn, "urn:oma:lwm2m:oma:3");
  EXPECT_FALSE(device->multiple);
  EXPECT_TRUE(device->mandatory);
  const ResourceDefinition* level = device->Find(9);
  ASSERT_NE(level, nullptr);
  EXPECT_EQ(level->name, "Battery Level");
  EXPECT_TRUE(level->readable);
  EXPECT_FALSE(level->writable);
  EXPECT_EQ(level->type, lwm2m::ResourceType::kInteger);
  EXPECT_EQ(level->range->ToString(), "0..100");
  EXPECT_EQ(level->unit, "/100");
  EXPECT_TRUE(device->Find(4)->executable);
  EXPECT_TRUE(device->Find(11)->multiple);
  EXPECT_TRUE(device->Find(11)->mandatory);
  EXPECT_EQ(device->Find(4711), nullptr);
}

TEST(Loader, IpsoObjectsAreThere) {
  const auto table = LoadMounted({}).table;
  for (uint32_t id = 3200; id <= 3350; ++id) {
    const bool exists = id <= 3203 || (id >= 3300 && id != 3307 && id != 3309);
    ASSERT_EQ(table->FindObject(id, "") != nullptr, exists) << id;
    if (!exists) continue;
    const ObjectDefinition& object = *table->FindObject(id, "1.1");
    EXPECT_EQ(object.urn, absl::StrCat("urn:oma:lwm2m:ext:", id));
    EXPECT_TRUE(object.multiple) << id;
    ASSERT_NE(object.Find(5750), nullptr) << id;  // Application Type is in each of them
  }
  const ObjectDefinition& temperature = *table->FindObject(3303, "1.1");
  EXPECT_EQ(temperature.name, "Temperature");
  EXPECT_THAT(temperature.resources, SizeIs(12));
  EXPECT_TRUE(temperature.Find(5700)->mandatory);
  EXPECT_EQ(temperature.Find(5700)->type, lwm2m::ResourceType::kFloat);
  EXPECT_EQ(temperature.Find(5701)->type, lwm2m::ResourceType::kString);
  EXPECT_TRUE(temperature.Find(5605)->executable);
  EXPECT_EQ(temperature.Find(5518)->type, lwm2m::ResourceType::kTime);
  // Latitudes were texts before they were numbers.
  EXPECT_EQ(table->FindObject(3336, "1.0")->Find(5514)->type, lwm2m::ResourceType::kString);
  EXPECT_EQ(table->FindObject(3336, "2.0")->Find(6051)->type, lwm2m::ResourceType::kFloat);
  EXPECT_EQ(table->FindObject(3336, "2.0")->Find(5514), nullptr);
}

TEST(Loader, VersionIsSixteenHexDigitsOfTheData) {
  const std::string version = LoadMounted({}).table->version();
  EXPECT_THAT(version, ::testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(LoadMounted({}).table->version(), version);
  EXPECT_NE(LoadMounted({{"pump.yaml", kVendorObject}}).table->version(), version);
}

TEST(Loader, MountedObjectAndMappingAreAddedInAnyOrder) {
  const LoadResult loaded = LoadMounted({{"a.yaml", kVendorMapping}, {"b.yaml", kVendorObject}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  ASSERT_NE(loaded.table->FindMapping("acme:pump"), nullptr);
  EXPECT_EQ(loaded.table->FindMapping("acme:pump")->Find("spd")->resource_id, 0u);
  EXPECT_TRUE(loaded.table->FindMapping("acme:pump")->Find("tgs")->list);
  ASSERT_NE(loaded.table->FindObject(34120, "1.0"), nullptr);
}

TEST(Loader, MountedEntriesAddToAMappingAndReplaceByName) {
  const LoadResult loaded = LoadMounted({{"battery.yaml", R"(mapping: battery
mgmtDefinition: 1006
root: m2m:bat
object: urn:oma:lwm2m:oma:3
clause: ours
attributes:
  - {short: btl, long: batteryLevel, resource: 9, access: read, type: unsigned, range: 0..200, fallback: 1}
  - {short: pwv, long: voltage, resource: 7, access: read, type: integer, list: true}
)"}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  const ResourceMapping* battery = loaded.table->FindMapping("m2m:bat");
  EXPECT_THAT(battery->attributes, SizeIs(3));
  EXPECT_EQ(battery->Find("btl")->range->last, 200);
  EXPECT_EQ(battery->Find("btl")->clause, "ours");
  EXPECT_EQ(battery->Find("bts")->resource_id, 20u);
  EXPECT_EQ(battery->Find("pwv")->resource_id, 7u);
}

TEST(Loader, VersionsOfAnObjectLiveSideBySideAndTheNearestServes) {
  const std::string second = absl::StrReplaceAll(kVendorObject, {{"\"1.0\"", "\"2.1\""}, {"Pump", "Pump II"}});
  const LoadResult loaded = LoadMounted({{"1.yaml", kVendorObject}, {"2.yaml", second}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.table->FindObject(34120, "")->name, "Pump");
  EXPECT_EQ(loaded.table->FindObject(34120, "1.7")->name, "Pump");
  EXPECT_EQ(loaded.table->FindObject(34120, "2.0")->name, "Pump II");
  EXPECT_EQ(loaded.table->FindObject(34120, "3.0")->name, "Pump II");
  EXPECT_EQ(loaded.table->FindObject(34121, ""), nullptr);
}

TEST(Loader, AnOlderVersionMayLackWhatAMappingUses) {
  const LoadResult loaded = LoadMounted({{"device.yaml", R"(object: 3
name: "Device"
version: "1.0"
urn: urn:oma:lwm2m:oma:3
resources:
  - {id: 9, name: "Battery Level", operations: R, type: integer}
)"}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.table->FindObject(3, "1.0")->resources.size(), 1u);
  ASSERT_NE(loaded.table->FindResource(3, "1.0", 20), nullptr);
  EXPECT_EQ(loaded.table->FindResource(3, "1.0", 20)->name, "Battery Status");
}

TEST(Loader, ABadMountedFileIsRefusedAndTheRestServes) {
  const LoadResult loaded = LoadMounted({{"good.yaml", kVendorObject}, {"bad.yaml", "object: [\n"}});
  EXPECT_THAT(loaded.problems, ElementsAre(StartsWith("bad.yaml:")));
  EXPECT_NE(loaded.table->FindObject(34120, ""), nullptr);
  EXPECT_THAT(loaded.table->mappings(), SizeIs(20));
}

struct BadFile {
  const char* what;
  std::string text;
  std::vector<std::string> message;  // parts that the refusal has, the first at its beginning
};

std::string Change(const std::string& text, const std::string& from, const std::string& to) {
  const std::string changed = absl::StrReplaceAll(text, {{from, to}});
  EXPECT_NE(changed, text) << from;
  return changed;
}

std::vector<BadFile> BadFiles() {
  const std::string object = kVendorObject;
  const std::string mapping = kVendorMapping;
  const auto attribute = [&](const std::string& entry) { return absl::StrCat(mapping, "  - ", entry, "\n"); };
  return {
      {"empty", "", {"x.yaml:1:", "expected a map"}},
      {"list", "- 1\n", {"x.yaml:1:", "expected a map, got a list"}},
      {"binary", std::string("\x00\x01\xff", 3), {"x.yaml:"}},
      {"neither", "a: 1\n", {"x.yaml:1:", "object definition", "mapping"}},
      {"id", Change(object, "object: 34120", "object: pump"), {"x.yaml:1:", "key 'object'", "whole number", "'pump'"}},
      {"id too large", Change(object, "{id: 0,", "{id: 70000,"), {"x.yaml:7:", "key 'id'", "65535"}},
      {"id twice", Change(object, "{id: 1,", "{id: 0,"), {"x.yaml:8:", "key 'id'"}},
      {"type", Change(object, "type: integer", "type: int"), {"x.yaml:7:", "key 'type'", "integer", "'int'"}},
      {"operations", Change(object, "operations: E", "operations: X"), {"x.yaml:9:", "key 'operations'", "'X'"}},
      {"range", Change(object, "0..3000", "3000..0"), {"x.yaml:7:", "key 'range'", "interval"}},
      {"version", Change(object, "\"1.0\"", "one"), {"x.yaml:3:", "key 'version'", "'one'"}},
      {"urn", Change(object, "x:34120", "x:34121"), {"x.yaml:4:", "key 'urn'", "34120"}},
      {"unknown key", object + "colour: red\n", {"x.yaml:10:", "unknown key 'colour'"}},
      {"missing key", Change(object, "name: \"Pump\"\n", ""), {"x.yaml:1:", "key 'name' is missing"}},
      {"boolean",
       Change(object, "multiple: true\nres", "multiple: yes\nres"),
       {"x.yaml:5:", "key 'multiple'", "true or false", "'yes'"}},
      {"object unknown", mapping, {"x.yaml:1:", "no definition of object 34120"}},
      {"root", Change(mapping, "acme:pump", "pump"), {"x.yaml:3:", "key 'root'", "'pump'"}},
      {"name", Change(mapping, "mapping: pump", "mapping: a/b"), {"x.yaml:1:", "key 'mapping'", "'a/b'"}},
      {"access", Change(mapping, "access: execute", "access: run"), {"x.yaml:9:", "key 'access'", "execute", "'run'"}},
      {"urn with version",
       Change(mapping, "x:34120", "x:34120:1.0"),
       {"x.yaml:4:", "key 'object'", "without a version"}},
      {"attribute twice",
       attribute("{short: spd, long: a, access: local, type: string}"),
       {"x.yaml:10:", "key 'short'"}},
      {"key twice", Change(mapping, "clause:", "root: acme:p\nclause:"), {"x.yaml:5:", "key 'root' is given twice"}},
      {"fallback", Change(mapping, "fallback: 0", "fallback: none"), {"x.yaml:7:", "key 'fallback'", "'none'"}},
      {"conversion",
       attribute("{short: a, long: a, access: read, resource: 0, type: integer, conversion: {plus: 1}}"),
       {"x.yaml:10:", "unknown key 'plus'"}},
      {"two conversions",
       attribute("{short: a, long: a, access: read, resource: 0, type: integer, conversion: {offset: 1, scale: 2}}"),
       {"x.yaml:10:", "exactly one of"}},
      {"links without sources",
       attribute("{short: a, long: a, access: read, type: links}"),
       {"x.yaml:10:", "key 'type'", "links exactly where there are sources"}},
      {"sources without links",
       attribute("{short: a, long: a, access: read, resource: 0, type: string, sources: [{resource: 0, name: a, "
                 "mgmtDefinition: 1}]}"),
       {"x.yaml:10:", "links exactly where there are sources"}},
      {"sources of one type",
       attribute("{short: a, long: a, access: read, type: links, sources: [{resource: 0, name: a, mgmtDefinition: 1}, "
                 "{resource: 1, name: b, mgmtDefinition: 1}]}"),
       {"x.yaml:10:", "one resource for each mgmtDefinition"}},
      {"length", attribute("{short: a, long: a, access: local, type: string, length: 2}"), {"x.yaml:10:", "of a list"}},
      {"action keys",
       attribute("{short: a, long: a, access: local, type: string, reboots: true}"),
       {"x.yaml:10:", "key 'reboots'", "execute"}},
  };
}

TEST(Loader, BadFilesAreRefusedWithFileLineKeyAndWhatWasExpected) {
  for (const BadFile& bad : BadFiles()) {
    SCOPED_TRACE(bad.what);
    const LoadResult loaded = LoadMounted({{"x.yaml", bad.text}});
    ASSERT_THAT(loaded.problems, SizeIs(1));
    EXPECT_THAT(loaded.problems[0], StartsWith(bad.message[0]));
    for (const std::string& part : bad.message) EXPECT_THAT(loaded.problems[0], HasSubstr(part));
    EXPECT_EQ(loaded.table->version(), LoadMounted({}).table->version());
  }
}

TEST(Loader, ListsThatAreComparedWithEachOtherHaveAnEnd) {
  std::string attributes = kVendorMapping;
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(&attributes, "  - {short: a", i, ", long: a, access: local, type: string}\n");
  }
  std::string names = "[";
  std::string pairs = "exclusive: [";
  for (int i = 0; i < 101; ++i) {
    absl::StrAppend(&names, "spd, ");
    absl::StrAppend(&pairs, "[stt, stt], ");
  }
  const std::string refreshes =
      absl::StrCat(kVendorMapping,
                   "  - {short: a, long: a, access: execute, resource: 2, type: boolean, refreshes: ", names, "]}\n");
  const std::string exclusive = Change(kVendorMapping, "clause: acme manual 4", pairs + "]\nclause: acme manual 4");
  for (const std::string& text : {attributes, refreshes, exclusive}) {
    const LoadResult loaded = LoadMounted({{"o.yaml", kVendorObject}, {"m.yaml", text}});
    EXPECT_THAT(loaded.problems, ElementsAre(AllOf(StartsWith("m.yaml:"), HasSubstr("at most 100"))));
  }
}

TEST(Loader, AMappingMustFitItsObject) {
  const std::string mapping = kVendorMapping;
  const struct {
    const char* what;
    std::string entry;
    const char* message;
  } cases[] = {
      {"resource", "{short: a, long: a, access: read, resource: 77, type: string}",
       "expected a resource of object 34120"},
      {"read", "{short: a, long: a, access: read, resource: 2, type: string}",
       "/34120/n/2 Start does not allow this access"},
      {"execute", "{short: a, long: a, access: execute, resource: 0, type: boolean, reads: true}",
       "does not allow this access"},
      {"type", "{short: a, long: a, access: read, resource: 0, type: timestamp}", "m2m:timestamp does not go with"},
      {"list", "{short: a, long: a, access: read, resource: 1, type: string}", "key 'list'"},
      {"decimal",
       "{short: a, long: a, access: read, resource: 1, type: boolean, list: true, conversion: {decimal: true}}",
       "decimal are for whole numbers"},
      {"words",
       "{short: a, long: a, access: read, resource: 1, type: string, list: true, conversion: {words: {x: true}}}",
       "words are for lists of booleans"},
      {"map", "{short: a, long: a, access: read, resource: 0, type: float, conversion: {map: {0: 1}}}",
       "map is for whole numbers and booleans"},
      {"sources",
       "{short: a, long: a, access: read, type: links, sources: [{resource: 1, name: a, mgmtDefinition: 1}]}",
       "list of m2m:mgmtLinkRef does not go with"},
      {"sets", "{short: a, long: a, access: execute, resource: 2, type: boolean, sets: {attribute: spd, status: 3}}",
       "key 'sets'"},
      {"refreshes", "{short: a, long: a, access: execute, resource: 2, type: boolean, refreshes: [nix]}",
       "key 'refreshes'"},
  };
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.what);
    const LoadResult loaded =
        LoadMounted({{"o.yaml", kVendorObject}, {"m.yaml", absl::StrCat(mapping, "  - ", bad.entry, "\n")}});
    ASSERT_THAT(loaded.problems, SizeIs(1));
    EXPECT_THAT(loaded.problems[0], AllOf(StartsWith("m.yaml:10:"), HasSubstr(bad.message)));
    EXPECT_EQ(loaded.table->FindMapping("acme:pump"), nullptr);
    EXPECT_NE(loaded.table->FindObject(34120, ""), nullptr);
  }
}

TEST(Loader, ADefinitionThatBreaksAMappingIsRefused) {
  const LoadResult loaded = LoadMounted({{"device.yaml", R"(object: 3
name: "Device"
version: "1.2"
urn: urn:oma:lwm2m:oma:3
resources:
  - {id: 9, name: "Battery Level", operations: R, type: string}
)"}});
  ASSERT_THAT(loaded.problems, SizeIs(1));
  EXPECT_THAT(loaded.problems[0], AllOf(StartsWith("device.yaml:1:"), HasSubstr("btl")));
  EXPECT_EQ(loaded.table->FindObject(3, "1.2")->Find(9)->type, lwm2m::ResourceType::kInteger);
}

TEST(Loader, AMountedMappingMayNotMoveARootToAnotherObject) {
  const LoadResult loaded =
      LoadMounted({{"o.yaml", kVendorObject}, {"m.yaml", Change(kVendorMapping, "root: acme:pump", "root: m2m:bat")}});
  EXPECT_THAT(loaded.problems, ElementsAre(AllOf(StartsWith("m.yaml:1:"), HasSubstr("1006"))));
  EXPECT_THAT(loaded.table->FindMapping("m2m:bat")->attributes, Not(IsEmpty()));
}

// The same object in OMA's form.
std::string Ddf(const std::string& version, const std::string& name, const std::string& type = "Integer") {
  return absl::StrCat(
      "<LWM2M><Object ObjectType=\"MODefinition\">\n<Name>", name,
      "</Name><ObjectID>34120</ObjectID><ObjectURN>urn:oma:lwm2m:x:34120:", version, "</ObjectURN><ObjectVersion>",
      version, "</ObjectVersion><MultipleInstances>Multiple</MultipleInstances><Resources>\n",
      "<Item ID=\"0\"><Name>Speed</Name><Operations>RW</Operations><Type>", type,
      "</Type><RangeEnumeration>0..3000</RangeEnumeration></Item>\n",
      "<Item ID=\"1\"><Name>Tags</Name><Operations>RW</Operations><Type>String</Type>",
      "<MultipleInstances>Multiple</MultipleInstances></Item>\n",
      "<Item ID=\"2\"><Name>Start</Name><Operations>E</Operations><Type/></Item>\n", "</Resources></Object></LWM2M>\n");
}

TEST(LoaderDdf, CarriesAMappingAsADefinitionInOurFormDoes) {
  const LoadResult loaded = LoadMounted({{"m.yaml", kVendorMapping}, {"pump.xml", Ddf("1.0", "Pump")}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  ASSERT_NE(loaded.table->FindMapping("acme:pump"), nullptr);
  const LoadResult ours = LoadMounted({{"m.yaml", kVendorMapping}, {"pump.yaml", kVendorObject}});
  const ObjectDefinition& a = *loaded.table->FindObject(34120, "");
  const ObjectDefinition& b = *ours.table->FindObject(34120, "");
  EXPECT_EQ(a.urn, b.urn);
  EXPECT_EQ(a.Find(0)->range->ToString(), b.Find(0)->range->ToString());
  EXPECT_EQ(a.Find(2)->type, b.Find(2)->type);
}

TEST(LoaderDdf, VersionsLiveSideBySideAndTheDevicesOneIsChosen) {
  const LoadResult loaded =
      LoadMounted({{"1.xml", Ddf("1.0", "Pump")}, {"1-2.xml", Ddf("1.2", "Pump I")}, {"2.xml", Ddf("2.0", "Pump II")}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.table->FindObject(34120, "")->name, "Pump");
  EXPECT_EQ(loaded.table->FindObject(34120, "1.0")->name, "Pump");
  // As near to one as to the other: minor versions only add.
  EXPECT_EQ(loaded.table->FindObject(34120, "1.1")->name, "Pump I");
  EXPECT_EQ(loaded.table->FindObject(34120, "1.2")->name, "Pump I");
  EXPECT_EQ(loaded.table->FindObject(34120, "1.10")->name, "Pump I");
  EXPECT_EQ(loaded.table->FindObject(34120, "2.0")->name, "Pump II");
}

TEST(LoaderDdf, OurFormReplacesAVendorsFileWhateverTheNames) {
  for (const auto& names : {std::pair("a", "b"), std::pair("b", "a")}) {
    const LoadResult loaded = LoadMounted({{absl::StrCat(names.first, ".xml"), Ddf("1.0", "Theirs")},
                                           {absl::StrCat(names.second, ".yaml"), kVendorObject}});
    EXPECT_THAT(loaded.problems, IsEmpty());
    EXPECT_EQ(loaded.table->FindObject(34120, "")->name, "Pump");
  }
}

TEST(LoaderDdf, AMountedDefinitionReplacesTheBuiltInOne) {
  std::string text = Ddf("1.1", "Our thermometer");
  text = absl::StrReplaceAll(text, {{"34120", "3303"}, {"lwm2m:x", "lwm2m:ext"}});
  const LoadResult loaded = LoadMounted({{"3303.xml", text}});
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.table->FindObject(3303, "1.1")->name, "Our thermometer");
}

TEST(LoaderDdf, TwoFilesOfAFormThatContradictEachOtherAreNotGuessedAbout) {
  const std::vector<Source> xml = {{"a.xml", Ddf("1.0", "Pump")}, {"b.xml", Ddf("1.0", "Pump", "Float")}};
  LoadResult loaded = LoadMounted(xml);
  EXPECT_THAT(loaded.problems,
              ElementsAre(AllOf(StartsWith("b.xml:1:"), HasSubstr("a.xml:1"), HasSubstr("object 34120 version 1.0"))));
  EXPECT_EQ(loaded.table->FindObject(34120, "")->Find(0)->type, lwm2m::ResourceType::kInteger);

  const std::string other = absl::StrReplaceAll(kVendorObject, {{"Pump", "Pumpe"}});
  loaded = LoadMounted({{"a.yaml", kVendorObject}, {"b.yaml", other}});
  EXPECT_THAT(loaded.problems, ElementsAre(AllOf(StartsWith("b.yaml:1:"), HasSubstr("a.yaml:1"))));
  EXPECT_EQ(loaded.table->FindObject(34120, "")->name, "Pump");

  // Twice the same is no contradiction, whatever stands around it.
  EXPECT_THAT(LoadMounted({{"a.xml", Ddf("1.0", "Pump")}, {"b.xml", Ddf("1.0", "Pump") + "<!-- again -->"}}).problems,
              IsEmpty());
}

TEST(LoaderDdf, AFileOfSeveralObjectsIsTakenWholeOrNotAtAll) {
  // The second object takes from [deviceInfo] and others what they need.
  std::string text = Ddf("1.0", "Pump");
  const std::string device = absl::StrReplaceAll(
      Ddf("1.2", "Device"), {{"<LWM2M>", ""}, {"34120", "3"}, {"lwm2m:x", "lwm2m:oma"}, {"</LWM2M>", ""}});
  text = absl::StrReplaceAll(text, {{"</LWM2M>", device + "</LWM2M>"}});
  const LoadResult loaded = LoadMounted({{"both.xml", text}, {"pump.xml", Ddf("2.0", "Pump II")}});
  EXPECT_THAT(loaded.problems, ElementsAre(AllOf(StartsWith("both.xml:6:"), HasSubstr("does not fit a mapping"))));
  EXPECT_EQ(loaded.table->FindObject(34120, "1.0")->name, "Pump II");
  EXPECT_EQ(loaded.table->FindObject(3, "1.2")->Find(9)->name, "Battery Level");
}

TEST(LoaderDdf, ABadFileIsNamedAndTheRestServes) {
  const LoadResult loaded = LoadMounted({{"404.xml", "<!DOCTYPE html><html></html>"},
                                         {"bad.xml", Ddf("1.0", "Pump", "Number")},
                                         {"good.xml", Ddf("1.0", "Pump")}});
  EXPECT_THAT(loaded.problems,
              ElementsAre(StartsWith("404.xml:1:"), AllOf(StartsWith("bad.xml:3:"), HasSubstr("Type"))));
  EXPECT_NE(loaded.table->FindObject(34120, ""), nullptr);
}

TEST(LoaderDdf, AThousandFilesLoadInTheirStride) {
  std::vector<Source> sources;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = absl::StrCat(40000 + i);
    sources.push_back({id + ".xml", absl::StrReplaceAll(Ddf("1.0", "Pump"), {{"34120", id}})});
  }
  const LoadResult loaded = LoadMounted(sources);
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_NE(loaded.table->FindObject(41999, ""), nullptr);
}

}  // namespace
}  // namespace isthmus::translation
