// What the properties of the mappings are about: every attribute that ListMappings tells of, with its entry in the
// tables of translation and its rule in the tables of the IN-CSE, and the things that one asks translation about it.
//
//   for (const Subject& subject : Subjects("Write")) { ... }
//
// A subject points into tables that live for ever.
#ifndef ISTHMUS_SERVICES_TRANSLATION_PROPERTIES_SUBJECTS_H_
#define ISTHMUS_SERVICES_TRANSLATION_PROPERTIES_SUBJECTS_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/representation/representation.h"
#include "services/synchronizer/core/tables/resource_tables.h"
#include "services/translation/core/generic_mapping.h"
#include "services/translation/core/mapping_list.h"
#include "services/translation/core/request_translator.h"
#include "services/translation/core/response_translator.h"
#include "services/translation/core/test_support.h"

namespace isthmus::translation {

struct Subject {
  const AttributeMapping* attribute = nullptr;
  // Of the IN-CSE; null when it takes what comes: <mgmtObj> that TS-0001 annex D does not have.
  const synchronizer::AttributeRule* rule = nullptr;
  onem2m::v1::Resource resource;  // without attributes
  uint32_t object_id = 0;
  std::string object_version;

  std::string name() const {
    return absl::StrCat(resource.object_ids(0), " ", resource.root(), " ", attribute->short_name);
  }
  lwm2m::v1::Path instance() const { return lwm2m::MakePath(object_id, 0); }
  const ResourceDefinition& Definition(uint32_t resource_id) const {
    return *BuiltIn().FindResource(object_id, object_version, resource_id);
  }
};

// Versions of an object are listed one after the other: the version of the entry that follows `before` others for the
// same attribute.
inline std::string VersionOf(const v1::Mapping& entry, uint32_t object_id, int before) {
  for (const ObjectDefinition& object : BuiltIn().objects()) {
    if (object.id != object_id) continue;
    const ResourceMapping* mapping = BuiltIn().FindGenericMapping(object_id, object.version);
    if (mapping->Find(entry.attribute()) != nullptr && before-- == 0) return object.version;
  }
  return "";
}

// All attributes of all mappings, and of all objects that have a definition alone, that have this operation.
inline std::vector<Subject> Subjects(const std::string& operation) {
  std::vector<Subject> subjects;
  std::map<std::string, int> listed_before;  // object and attribute
  for (const char* root : {"", kGenericRoot}) {
    v1::ListMappingsRequest request;
    request.set_root(root);
    const v1::ListMappingsResponse listed = ListMappings(BuiltIn(), request).value();
    for (const v1::Mapping& entry : listed.mappings()) {
      const int before = listed_before[absl::StrCat(entry.root(), entry.object_id(), " ", entry.attribute())]++;
      const auto& operations = entry.operations();
      if (std::find(operations.begin(), operations.end(), operation) == operations.end()) continue;
      Subject& subject = subjects.emplace_back();
      subject.object_id = static_cast<uint32_t>(std::stoul(entry.object_id().substr(entry.object_id().rfind(':') + 1)));
      const bool generic = entry.root() == kGenericRoot;
      if (generic) subject.object_version = VersionOf(entry, subject.object_id, before);
      const ResourceMapping* mapping = generic ? BuiltIn().FindGenericMapping(subject.object_id, subject.object_version)
                                               : BuiltIn().FindMapping(entry.root());
      subject.attribute = mapping->Find(entry.attribute());
      subject.resource.set_root(entry.root());
      subject.resource.set_mgmt_definition(mapping->mgmt_definition);
      subject.resource.add_object_ids(subject.object_version.empty()
                                          ? entry.object_id()
                                          : absl::StrCat(entry.object_id(), ":", subject.object_version));
      subject.resource.add_object_paths(lwm2m::PathToString(subject.instance()));
      const synchronizer::ResourceTable* table = synchronizer::ResourceTables::BuiltIn().ByRoot(entry.root());
      if (table != nullptr) subject.rule = table->Find(entry.attribute());
    }
  }
  return subjects;
}

// ---- what one asks -------------------------------------------------------------------------------------------------

inline v1::TranslateRequestResponse PlanOf(const onem2m::v1::RequestPrimitive& primitive, const Subject& subject,
                                           const std::vector<std::string>& wanted = {}) {
  v1::TranslateRequestRequest request;
  *request.mutable_primitive() = primitive;
  *request.mutable_resource() = subject.resource;
  for (const std::string& name : wanted) request.add_wanted_attributes(name);
  return TranslateRequest(BuiltIn(), request).value();
}

// Payload formats that a device may answer in. The last three carry one value.
inline constexpr uint32_t kFormats[] = {lwm2m::codec::kTlv,       lwm2m::codec::kSenMlJson, lwm2m::codec::kSenMlCbor,
                                        lwm2m::codec::kLwm2mJson, lwm2m::codec::kLwm2mCbor, lwm2m::codec::kText,
                                        lwm2m::codec::kOpaque,    lwm2m::codec::kCbor};

// `nodes` as they come out of an answer in `format` to a Read of `path`; in TLV where the format cannot say it: several
// values in one of a single value, and an empty text, which in text/plain is an empty payload and means no value.
inline std::vector<lwm2m::v1::Node> Transferred(const std::vector<lwm2m::v1::Node>& nodes, const lwm2m::v1::Path& path,
                                                uint32_t format) {
  absl::StatusOr<std::string> encoded = lwm2m::codec::Encode(format, nodes, path);
  if (!encoded.ok() || encoded->empty()) {
    format = lwm2m::codec::kTlv;
    encoded = lwm2m::codec::Encode(format, nodes, path);
  }
  const std::string payload = encoded.value();
  return lwm2m::codec::Decode(format, payload, path, absl::UnixEpoch()).value();
}

// A device that has `nodes` and does all of the plan. What it tells has been written in `format`.
inline v1::TranslateResponseResponse AnswerOf(const onem2m::v1::RequestPrimitive& primitive, const Subject& subject,
                                              const v1::Plan& plan, const std::vector<lwm2m::v1::Node>& nodes,
                                              uint32_t format) {
  v1::TranslateResponseRequest request;
  *request.mutable_primitive() = primitive;
  *request.mutable_resource() = subject.resource;
  *request.mutable_plan() = plan;
  for (const v1::PlanStep& step : plan.steps()) {
    if (!step.operation().has_read()) {
      *request.add_results() = Answered(204);
      continue;
    }
    const lwm2m::v1::Path& path = step.operation().read().path();
    std::vector<lwm2m::v1::Node> told;
    for (const lwm2m::v1::Node& node : nodes) {
      if (lwm2m::Contains(path, node.path())) told.push_back(node);
    }
    lwm2m::v1::OperationResult result = Answered(205);
    for (lwm2m::v1::Node& node : Transferred(told, path, format)) *result.add_nodes() = std::move(node);
    *request.add_results() = std::move(result);
  }
  return TranslateResponse(BuiltIn(), request).value();
}

inline const onem2m::v1::Value* ValueOf(const v1::TranslateResponseResponse& answer, const std::string& name) {
  for (const onem2m::v1::Attribute& attribute : answer.attributes()) {
    if (attribute.name() == name) return &attribute.value();
  }
  return nullptr;
}

inline bool IsAbsent(const v1::TranslateResponseResponse& answer, const std::string& name) {
  const auto& absent = answer.absent_attributes();
  return std::find(absent.begin(), absent.end(), name) != absent.end();
}

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_PROPERTIES_SUBJECTS_H_
