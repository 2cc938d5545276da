#include "services/translation/core/explainer.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/lwm2m/typed_value.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/invalid_field.h"
#include "services/translation/core/conversion.h"
#include "services/translation/core/definition_rules.h"
#include "services/translation/core/generic_mapping.h"
#include "services/translation/core/request_translator.h"
#include "services/translation/core/status_codes.h"
#include "services/translation/core/target.h"

namespace isthmus::translation {
namespace {

using lwm2m::v1::Operation;
using onem2m::v1::Value;

// The order in which the connector tries formats; it says more in its own documentation.
constexpr char kReadFormats[] =
    "what this device answered in before, else its own choice, else TLV, SenML JSON, SenML CBOR, LwM2M JSON";
constexpr char kSelfDescribingFormats[] =
    "what tells types, as far as the device has it: SenML CBOR, SenML JSON, LwM2M CBOR, LwM2M JSON; else as any other "
    "read";
constexpr char kSelfDescribingWrites[] =
    "what this device told types in before, else as any other write: what it took before, else TLV, text or opaque, "
    "SenML "
    "JSON, SenML CBOR";
constexpr char kWriteFormats[] = "what this device took before, else TLV, text or opaque, SenML JSON, SenML CBOR";

// "UPDATE" of OPERATION_TYPE_UPDATE.
std::string NameOf(onem2m::v1::OperationType operation) {
  constexpr absl::string_view kPrefix = "OPERATION_TYPE_";
  const std::string name = onem2m::v1::OperationType_Name(operation);
  return absl::StartsWith(name, kPrefix) ? name.substr(kPrefix.size()) : absl::StrCat("operation ", operation);
}

// "CONTENTS_UNACCEPTABLE" of 4102.
std::string NameOfStatus(uint32_t code) {
  constexpr absl::string_view kPrefix = "RESPONSE_STATUS_CODE_";
  const auto known = static_cast<onem2m::v1::ResponseStatusCode>(code);
  const std::string name = onem2m::v1::ResponseStatusCode_Name(known);
  return absl::StartsWith(name, kPrefix) ? name.substr(kPrefix.size()) : "";
}

std::string InWords(const lwm2m::v1::Value& value) {
  using Kind = lwm2m::v1::Value;
  switch (value.kind_case()) {
    case Kind::kText:
      return absl::StrCat("\"", value.text(), "\"");
    case Kind::kInteger:
      return absl::StrCat(value.integer());
    case Kind::kUnsignedInteger:
      return absl::StrCat(value.unsigned_integer());
    case Kind::kFloating:
      return absl::StrCat(value.floating());
    case Kind::kBoolean:
      return value.boolean() ? "true" : "false";
    case Kind::kOpaque:
      return absl::StrCat(value.opaque().size(), " octets ", absl::BytesToHexString(value.opaque().substr(0, 16)),
                          value.opaque().size() > 16 ? "..." : "");
    case Kind::kTime:
      return absl::StrCat(value.time(), " (",
                          absl::FormatTime(absl::FromUnixSeconds(value.time()), absl::UTCTimeZone()), ")");
    case Kind::kObjectLink:
      return absl::StrCat(value.object_link().object_id(), ":", value.object_link().object_instance_id());
    case Kind::kCoreLink:
      return value.core_link();
    default:
      return "";
  }
}

// "GET /3/0/9", as the device sees it below its root.
std::string CoapRequest(const Operation& operation) {
  switch (operation.kind_case()) {
    case Operation::kRead:
      return absl::StrCat("GET ", lwm2m::PathToString(operation.read().path()));
    case Operation::kWrite:
      return absl::StrCat(operation.write().partial() ? "POST " : "PUT ",
                          lwm2m::PathToString(operation.write().path()));
    case Operation::kExecute:
      return absl::StrCat("POST ", lwm2m::PathToString(operation.execute().path()));
    case Operation::kCreate:
      // The payload says which instance is wanted.
      return absl::StrCat("POST /", operation.create().path().object_id());
    case Operation::kDelete:
      return absl::StrCat("DELETE ", lwm2m::PathToString(operation.delete_().path()));
    default:
      return "";
  }
}

std::string FormatsOf(const Operation& operation) {
  if (operation.read().self_describing()) return kSelfDescribingFormats;
  if (operation.has_read()) return kReadFormats;
  if (operation.write().self_describing() || operation.create().self_describing()) return kSelfDescribingWrites;
  if (operation.has_write() || operation.has_create()) return kWriteFormats;
  return "";
}

lwm2m::v1::Path PathOf(const Operation& operation) {
  switch (operation.kind_case()) {
    case Operation::kRead:
      return operation.read().path();
    case Operation::kWrite:
      return operation.write().path();
    case Operation::kExecute:
      return operation.execute().path();
    case Operation::kCreate:
      return operation.create().path();
    case Operation::kDelete:
      return operation.delete_().path();
    default:
      return {};
  }
}

class Explainer {
 public:
  Explainer(const MappingTable& table, const v1::TranslateRequestRequest& request) : table_(table), request_(request) {}

  v1::ExplainResponse Run(v1::TranslateRequestResponse translation) {
    response_.set_mapping_version(table_.version());
    *response_.mutable_translation() = std::move(translation);
    const bool creation = request_.primitive().operation() == onem2m::v1::OPERATION_TYPE_CREATE;
    absl::StatusOr<Target> target =
        Locate(table_, request_.resource(), "resource", creation ? Place::kNew : Place::kExisting);
    if (target.ok()) {
      target_ = *std::move(target);
      AdmitNames();
      response_.set_rule(Rule());
      response_.set_place(Place());
      for (const v1::PlanStep& step : plan().steps()) ExplainStep(step, response_.add_steps());
      if (response_.translation().refusal_status_code() == 0) ExplainLocals();
    }
    response_.set_text(Text());
    return std::move(response_);
  }

 private:
  const v1::Plan& plan() const { return response_.translation().plan(); }
  const ResourceMapping& mapping() const { return *target_.mapping; }
  const onem2m::v1::Object& content() const { return request_.primitive().primitive_content().value().object(); }

  void AdmitNames() {
    for (const std::string& name : request_.wanted_attributes()) target_.AdmitName(name, false);
    for (const onem2m::v1::Attribute& member : content().members()) {
      target_.AdmitName(member.name(), member.value().kind_case() == Value::kList);
    }
  }

  std::string Rule() const {
    return absl::StrCat("[", mapping().name, "] ", mapping().root, ", mgmtDefinition ", mapping().mgmt_definition, " (",
                        mapping().clause, ")");
  }

  std::string Place() const {
    const ObjectDefinition* object = table_.FindObject(target_.instance.object_id(), target_.version);
    return absl::StrCat(object == nullptr ? RegistryUrn(target_.instance.object_id()) : object->urn,
                        target_.version.empty() ? "" : ":", target_.version, object == nullptr ? "" : " ",
                        object == nullptr ? "" : object->name, ", ",
                        target_.chosen ? absl::StrCat("instance ", lwm2m::PathToString(target_.instance))
                                       : "an instance that the device chooses");
  }

  std::string NameOfPlace(const lwm2m::v1::Path& path) const {
    if (path.has_resource_id()) return target_.Describe(path.resource_id());
    const ObjectDefinition* object = table_.FindObject(path.object_id(), target_.version);
    return absl::StrCat(lwm2m::PathToString(path), object == nullptr ? "" : " ", object == nullptr ? "" : object->name);
  }

  void ExplainStep(const v1::PlanStep& step, v1::ExplainedStep* explained) const {
    const Operation& operation = step.operation();
    const lwm2m::v1::Path path = PathOf(operation);
    const std::string verb = DescribeOperation(operation);
    explained->set_operation(absl::StrCat(verb.substr(0, verb.find(' ')), " ", NameOfPlace(path)));
    explained->set_coap_request(CoapRequest(operation));
    explained->set_content_formats(FormatsOf(operation));
    if (step.has_precondition()) {
      explained->set_condition(absl::StrCat(NameOfPlace(step.precondition().path()), " is ",
                                            absl::StrJoin(step.precondition().values(), " or "), " (",
                                            step.precondition().description(), ")"));
    }
    for (const std::string& name : step.attributes()) {
      const AttributeMapping* attribute = mapping().Find(name);
      if (attribute != nullptr) ExplainAttribute(*attribute, operation, explained->add_attributes());
    }
  }

  void ExplainAttribute(const AttributeMapping& attribute, const Operation& operation,
                        v1::ExplainedAttribute* explained) const {
    uint32_t id = attribute.FirstId();
    // A mgmtLink is written resource by resource.
    for (const LinkSource& source : attribute.sources) {
      if (operation.has_write() && lwm2m::Equal(operation.write().path(), target_.At(source.resource_id))) {
        id = source.resource_id;
      }
    }
    explained->set_attribute(attribute.short_name);
    explained->set_attribute_long_name(attribute.long_name);
    *explained->mutable_path() = target_.At(id);
    if (const ResourceDefinition* resource = target_.Definition(id)) {
      explained->set_resource_name(resource->name);
      explained->set_resource_type(TypeOf(attribute, *resource));
    }
    explained->set_attribute_type(
        absl::StrCat(attribute.list && !attribute.is_links() ? "list of " : "", TypeName(attribute.type)));
    explained->set_conversion(DescribeConversion(attribute));
    explained->set_clause(attribute.clause);
    if (operation.has_read()) return;
    if (const Value* value = onem2m::Find(content(), attribute.short_name)) {
      explained->set_onem2m_value(onem2m::Describe(*value, 200));
    }
    std::vector<std::string> written;
    const auto& nodes = operation.has_create() ? operation.create().nodes() : operation.write().nodes();
    for (const lwm2m::v1::Node& node : nodes) {
      if (lwm2m::Contains(target_.At(id), node.path())) written.push_back(InWords(node.value()));
    }
    explained->set_lwm2m_value(absl::StrJoin(written, ", "));
    if (attribute.sets.has_value()) {
      static constexpr const char* kStatusNames[] = {"uninitialized", "successful", "failure", "in process"};
      explained->set_effect(absl::StrCat(attribute.sets->attribute, " becomes ",
                                         kStatusNames[attribute.sets->status & 3], " when the device has accepted it"));
    }
  }

  static std::string TypeOf(const AttributeMapping& attribute, const ResourceDefinition& resource) {
    if (attribute.type == AttributeType::kAny) return "not known";
    return absl::StrCat(lwm2m::ResourceTypeName(resource.type), resource.multiple ? " (multiple)" : "",
                        resource.range.has_value() ? " " : "",
                        resource.range.has_value() ? resource.range->ToString() : "", resource.unit.empty() ? "" : " ",
                        resource.unit);
  }

  void AddLocal(const std::string& name, absl::string_view reason) {
    v1::ExplainedLocalAttribute* local = response_.add_local_attributes();
    local->set_attribute(name);
    local->set_reason(std::string(reason));
  }

  // A RETRIEVE of everything gives these as well; a request that names attributes only those.
  void ExplainLocals() {
    const bool retrieve = request_.primitive().operation() == onem2m::v1::OPERATION_TYPE_RETRIEVE;
    const bool creation = request_.primitive().operation() == onem2m::v1::OPERATION_TYPE_CREATE;
    const std::set<std::string> wanted(request_.wanted_attributes().begin(), request_.wanted_attributes().end());
    for (const AttributeMapping& attribute : mapping().attributes) {
      const std::string& name = attribute.short_name;
      if (retrieve ? !wanted.empty() && wanted.count(name) == 0 : onem2m::Find(content(), name) == nullptr) continue;
      if (attribute.access == Access::kLocal) AddLocal(name, "has no counterpart on the device");
      if (attribute.access == Access::kWrite && retrieve) AddLocal(name, "can only be written on the device");
      if (creation && attribute.is_action()) AddLocal(name, "an action: asked for by an UPDATE only");
      if (creation && !attribute.is_action() && attribute.access != Access::kLocal && !attribute.writable()) {
        AddLocal(name, "as given until the device is read");
      }
      if (creation || !attribute.is_action()) continue;
      if (retrieve) AddLocal(name, absl::StrCat("an action: always reads ", attribute.reads ? "true" : "false"));
      const Value* value = onem2m::Find(content(), name);
      if (!retrieve && !value->boolean()) AddLocal(name, "an action that is not asked for");
    }
    for (const std::string& name : plan().local_attributes()) {
      if (IsCommonAttribute(name)) AddLocal(name, "every resource has it: the IN-CSE keeps it");
    }
  }

  std::string Text() const {
    const v1::TranslateRequestResponse& translation = response_.translation();
    std::string text = absl::StrCat(NameOf(request_.primitive().operation()), " of ",
                                    response_.rule().empty() ? request_.resource().root() : response_.rule(), "\n");
    if (!response_.place().empty()) absl::StrAppend(&text, "on ", response_.place(), "\n");
    if (translation.refusal_status_code() != 0) {
      absl::StrAppend(&text, "\nRefused with ", translation.refusal_status_code(), " ",
                      NameOfStatus(translation.refusal_status_code()), ", the device is not asked:\n  ",
                      translation.refusal_reason(), "\n");
      return text;
    }
    int number = 0;
    for (const v1::ExplainedStep& step : response_.steps()) {
      absl::StrAppend(&text, "\n", ++number, ". ", step.operation(), "   (CoAP ", step.coap_request(), ")\n");
      if (!step.condition().empty()) absl::StrAppend(&text, "   once ", step.condition(), "\n");
      if (!step.content_formats().empty()) absl::StrAppend(&text, "   in ", step.content_formats(), "\n");
      for (const v1::ExplainedAttribute& attribute : step.attributes()) AppendAttribute(attribute, &text);
    }
    if (response_.steps().empty()) text += "\nThe device is not asked.\n";
    if (!response_.local_attributes().empty()) text += "\nStays with the IN-CSE\n";
    for (const v1::ExplainedLocalAttribute& local : response_.local_attributes()) {
      absl::StrAppendFormat(&text, "   %-5s %s\n", local.attribute(), local.reason());
    }
    return text;
  }

  static void AppendAttribute(const v1::ExplainedAttribute& attribute, std::string* text) {
    const std::string path = lwm2m::PathToString(attribute.path());
    absl::StrAppendFormat(text, "   %-5s %s, %s  <->  %s%s%s, %s: %s\n", attribute.attribute(),
                          attribute.attribute_long_name(), attribute.attribute_type(), path,
                          attribute.resource_name().empty() ? "" : " ", attribute.resource_name(),
                          attribute.resource_type(), attribute.conversion());
    if (!attribute.lwm2m_value().empty()) {
      absl::StrAppend(text, "         ", attribute.onem2m_value(), " -> ", attribute.lwm2m_value(), "\n");
    }
    if (!attribute.effect().empty()) absl::StrAppend(text, "         ", attribute.effect(), "\n");
  }

  const MappingTable& table_;
  const v1::TranslateRequestRequest& request_;
  v1::ExplainResponse response_;
  Target target_;
};

}  // namespace

absl::StatusOr<v1::ExplainResponse> Explain(const MappingTable& table, const v1::ExplainRequest& request) {
  if (!request.has_request()) return status::InvalidField("request", status::FieldReason::kMissing, "missing");
  absl::StatusOr<v1::TranslateRequestResponse> translation = TranslateRequest(table, request.request());
  if (!translation.ok()) return status::BelowField("request", translation.status());
  return Explainer(table, request.request()).Run(*std::move(translation));
}

}  // namespace isthmus::translation
