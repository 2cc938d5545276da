#include "services/translation/core/request_translator.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/invalid_field.h"
#include "services/translation/core/action_status.h"
#include "services/translation/core/conversion.h"
#include "services/translation/core/generic_mapping.h"
#include "services/translation/core/target.h"

namespace isthmus::translation {
namespace {

using onem2m::v1::Value;

// Attributes in the order of the table, each once.
class AttributeSet {
 public:
  void Add(const AttributeMapping* attribute) {
    if (attribute != nullptr && attribute->readable()) attributes_.insert(attribute);
  }
  bool empty() const { return attributes_.empty(); }
  std::vector<const AttributeMapping*> InOrder(const ResourceMapping& mapping) const {
    std::vector<const AttributeMapping*> ordered;
    for (const AttributeMapping& attribute : mapping.attributes) {
      if (attributes_.count(&attribute) > 0) ordered.push_back(&attribute);
    }
    return ordered;
  }

 private:
  std::set<const AttributeMapping*> attributes_;
};

class Translator {
 public:
  Translator(const MappingTable& table, const v1::TranslateRequestRequest& request) : request_(request) {
    response_.set_mapping_version(table.version());
  }

  absl::StatusOr<v1::TranslateRequestResponse> Run(const MappingTable& table) {
    if (!request_.has_primitive()) return status::InvalidField("primitive", status::FieldReason::kMissing, "missing");
    if (!request_.has_resource()) return status::InvalidField("resource", status::FieldReason::kMissing, "missing");
    const onem2m::v1::OperationType operation = request_.primitive().operation();
    const bool creation = operation == onem2m::v1::OPERATION_TYPE_CREATE;
    if (!creation && operation != onem2m::v1::OPERATION_TYPE_RETRIEVE &&
        operation != onem2m::v1::OPERATION_TYPE_UPDATE && operation != onem2m::v1::OPERATION_TYPE_DELETE) {
      return status::InvalidField("primitive.operation", status::FieldReason::kUnexpected,
                                  absl::StrCat("expected CREATE, RETRIEVE, UPDATE or DELETE, got ", operation));
    }
    absl::StatusOr<Target> target =
        Locate(table, request_.resource(), "resource", creation ? Place::kNew : Place::kExisting);
    if (!target.ok()) {
      const uint32_t code = StatusCodeOfLocate(target.status());
      if (code == 0) return target.status();
      Refuse(code, target.status().message());
      return std::move(response_);
    }
    target_ = *std::move(target);
    if (creation) Create();
    if (operation == onem2m::v1::OPERATION_TYPE_RETRIEVE) Retrieve();
    if (operation == onem2m::v1::OPERATION_TYPE_UPDATE) Update();
    if (operation == onem2m::v1::OPERATION_TYPE_DELETE) Delete();
    if (response_.refusal_status_code() != 0) {
      response_.clear_plan();
    } else {
      response_.mutable_plan();
    }
    return std::move(response_);
  }

 private:
  // The first refusal counts.
  void Refuse(uint32_t status_code, absl::string_view reason) {
    if (response_.refusal_status_code() != 0) return;
    response_.set_refusal_status_code(status_code);
    response_.set_refusal_reason(reason.data(), reason.size());
  }
  bool refused() const { return response_.refusal_status_code() != 0; }
  const ResourceMapping& mapping() const { return *target_.mapping; }

  static std::string NameOf(const AttributeMapping& attribute) {
    return absl::StrCat(attribute.short_name, " (", attribute.long_name, ")");
  }

  // One Read: of the resource when one is needed, else of the instance.
  void AddRead(const AttributeSet& set) {
    std::set<uint32_t> ids;
    const std::vector<const AttributeMapping*> attributes = set.InOrder(mapping());
    for (const AttributeMapping* attribute : attributes) {
      for (const uint32_t id : attribute->ReadIds()) ids.insert(id);
    }
    if (ids.empty()) return;
    v1::PlanStep* step = response_.mutable_plan()->add_steps();
    lwm2m::v1::Read* read = step->mutable_operation()->mutable_read();
    *read->mutable_path() = ids.size() == 1 ? target_.At(*ids.begin()) : target_.instance;
    if (ids.size() > 1) {
      for (const uint32_t id : ids) read->add_wanted_resources(id);
    }
    for (const AttributeMapping* attribute : attributes) {
      step->add_attributes(attribute->short_name);
      // Whatever no definition types is told by the payload alone.
      if (attribute->type == AttributeType::kAny) read->set_self_describing(true);
    }
  }

  void Retrieve() {
    if (target_.generic && request_.wanted_attributes().empty()) return ReadWholeInstance();
    for (const std::string& name : request_.wanted_attributes()) target_.AdmitName(name, /*list=*/false);
    AttributeSet set;
    if (request_.wanted_attributes().empty()) {
      for (const AttributeMapping& attribute : mapping().attributes) set.Add(&attribute);
    }
    for (const std::string& name : request_.wanted_attributes()) set.Add(mapping().Find(name));
    AddRead(set);
  }

  // All that the device has, also what no definition tells.
  void ReadWholeInstance() {
    v1::PlanStep* step = response_.mutable_plan()->add_steps();
    lwm2m::v1::Read* read = step->mutable_operation()->mutable_read();
    *read->mutable_path() = target_.instance;
    read->set_self_describing(target_.undefined);
    for (const AttributeMapping& attribute : mapping().attributes) {
      if (attribute.readable()) step->add_attributes(attribute.short_name);
    }
  }

  // ---- content ----

  const onem2m::v1::Object& content() const { return request_.primitive().primitive_content().value().object(); }

  bool CheckContent() {
    const onem2m::v1::RequestPrimitive& primitive = request_.primitive();
    const std::string& root = request_.resource().root();
    if (!primitive.has_primitive_content() || primitive.primitive_content().value().kind_case() != Value::kObject) {
      Refuse(onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
             absl::StrCat(primitive.operation() == onem2m::v1::OPERATION_TYPE_CREATE ? "CREATE" : "UPDATE",
                          " without a content: expected ", root, " with attributes"));
      return false;
    }
    if (primitive.primitive_content().name() != root) {
      Refuse(onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
             absl::StrCat("content '", primitive.primitive_content().name(), "' does not fit its target, a ", root));
      return false;
    }
    std::set<std::string> names;
    for (const onem2m::v1::Attribute& member : content().members()) {
      if (!names.insert(member.name()).second) {
        Refuse(onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
               absl::StrCat("attribute ", member.name(), " is given twice"));
        return false;
      }
    }
    for (const onem2m::v1::Attribute& member : content().members()) {
      target_.AdmitName(member.name(), member.value().kind_case() == Value::kList);
    }
    return true;
  }

  // ---- CREATE ----

  // What the device lets a server write goes with the Create; the rest is as the device says once it is read. Actions
  // are asked for by an UPDATE only (TS-0004 annex D).
  void Create() {
    if (!CheckContent()) return;
    for (const onem2m::v1::Attribute& member : content().members()) {
      const AttributeMapping* attribute = mapping().Find(member.name());
      if (attribute == nullptr && !IsCommonAttribute(member.name())) return RefuseName(member.name());
      if (attribute == nullptr || !attribute->writable() || member.value().kind_case() == Value::kNull) {
        response_.mutable_plan()->add_local_attributes(member.name());
      } else {
        AddNodes(*attribute, member.value());
      }
    }
    if (refused()) return;
    v1::PlanStep* step = response_.mutable_plan()->add_steps();
    lwm2m::v1::Create* create = step->mutable_operation()->mutable_create();
    *create->mutable_path() = target_.chosen ? target_.instance : lwm2m::MakePath(target_.instance.object_id());
    for (Written& written : written_) {
      for (size_t i = 0; i < written.values.size(); ++i) {
        lwm2m::v1::Node* node = create->add_nodes();
        *node->mutable_path() = target_.At(written.resource_id);
        if (written.multiple) node->mutable_path()->set_resource_instance_id(static_cast<uint32_t>(i));
        *node->mutable_value() = std::move(written.values[i]);
      }
      step->add_attributes(written.attribute->short_name);
      if (written.attribute->type == AttributeType::kAny) create->set_self_describing(true);
    }
  }

  void RefuseName(const std::string& name) {
    Refuse(onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
           absl::StrCat("attribute ", name, ": ", request_.resource().root(), " (", mapping().name,
                        ") has no attribute of this name"));
  }

  // ---- UPDATE ----

  void Update() {
    if (!CheckContent()) return;
    RefuseContradictions();
    for (const onem2m::v1::Attribute& member : content().members()) Sort(member);
    if (refused()) return;
    AddWrite();
    for (const AttributeMapping& attribute : mapping().attributes) {
      if (actions_.count(attribute.short_name) > 0) AddExecute(attribute);
    }
    // A device that reboots answers nothing for a while, and the new state comes with its next registration.
    if (!reboots_) AddRead(read_back_);
  }

  void RefuseContradictions() {
    const auto asked = [this](const std::string& name) {
      const Value* value = onem2m::Find(content(), name);
      return value != nullptr && value->kind_case() == Value::kBoolean && value->boolean();
    };
    for (const auto& [first, second] : mapping().exclusive) {
      if (asked(first) && asked(second)) {
        Refuse(onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
               absl::StrCat(NameOf(*mapping().Find(first)), " and ", NameOf(*mapping().Find(second)),
                            " cannot both be true in one request"));
      }
    }
  }

  // Puts one attribute of the content among those that stay here, are written, or are executed.
  void Sort(const onem2m::v1::Attribute& member) {
    const AttributeMapping* attribute = mapping().Find(member.name());
    if (attribute == nullptr && !IsCommonAttribute(member.name())) return RefuseName(member.name());
    if (attribute == nullptr || attribute->access == Access::kLocal) {
      response_.mutable_plan()->add_local_attributes(member.name());
      return;
    }
    if (member.value().kind_case() == Value::kNull) {
      return Refuse(onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED,
                    absl::StrCat(NameOf(*attribute), " cannot be deleted: it is on the device, ", PlaceOf(*attribute)));
    }
    if (attribute->is_action()) {
      if (member.value().kind_case() != Value::kBoolean) {
        return Refuse(
            onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
            absl::StrCat(NameOf(*attribute), ": expected true or false, got ", onem2m::Describe(member.value(), 80)));
      }
      if (member.value().boolean()) actions_.insert(attribute->short_name);
      return;
    }
    if (!attribute->writable()) {
      return Refuse(onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED,
                    absl::StrCat(NameOf(*attribute), " cannot be written: LwM2M resource ", PlaceOf(*attribute),
                                 " allows Read only"));
    }
    if (RepeatsRunningAction(*attribute, member.value())) return;
    AddNodes(*attribute, member.value());
  }

  std::string PlaceOf(const AttributeMapping& attribute) const { return target_.Describe(attribute.FirstId()); }

  // The value that started what is in process now, once more: writing it would start it anew.
  bool RepeatsRunningAction(const AttributeMapping& attribute, const Value& value) const {
    if (!attribute.sets.has_value()) return false;
    const onem2m::v1::Object& kept = request_.resource().attributes();
    const Value* before = onem2m::Find(kept, attribute.short_name);
    return before != nullptr && onem2m::Equal(*before, value) &&
           StatusOf(onem2m::Find(kept, attribute.sets->attribute)) == kInProcess;
  }

  // The values of one resource that an attribute is written to.
  struct Written {
    const AttributeMapping* attribute;
    uint32_t resource_id;
    bool multiple;
    std::vector<lwm2m::v1::Value> values;
  };

  void RefuseValue(const absl::Status& status) {
    Refuse(status.code() == absl::StatusCode::kOutOfRange ? onem2m::v1::RESPONSE_STATUS_CODE_CONTENTS_UNACCEPTABLE
                                                          : onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
           status.message());
  }

  void AddNodes(const AttributeMapping& attribute, const Value& value) {
    if (attribute.is_links()) {
      AddLinks(attribute, value);
    } else if (attribute.list) {
      AddList(attribute, attribute.resource_id, value);
    } else {
      const ResourceDefinition& definition = *target_.Definition(attribute.resource_id);
      absl::StatusOr<lwm2m::v1::Value> converted = ToLwm2m(attribute, definition, value);
      if (!converted.ok()) return RefuseValue(converted.status());
      written_.push_back({&attribute, attribute.resource_id, false, {*std::move(converted)}});
    }
    read_back_.Add(&attribute);
    if (attribute.sets.has_value()) read_back_.Add(mapping().Find(attribute.sets->attribute));
  }

  void AddList(const AttributeMapping& attribute, uint32_t resource_id, const Value& list) {
    const ResourceDefinition& definition = *target_.Definition(resource_id);
    absl::StatusOr<std::vector<lwm2m::v1::Value>> values = ListToLwm2m(attribute, definition, list);
    if (!values.ok()) return RefuseValue(values.status());
    // Links alone come from single resources as well.
    const bool multiple = definition.multiple || !attribute.is_links();
    written_.push_back({&attribute, resource_id, multiple, *std::move(values)});
  }

  // A mgmtLink names siblings: each goes to the resource that holds links of its type.
  void AddLinks(const AttributeMapping& attribute, const Value& value) {
    const auto refuse = [&](absl::string_view why) {
      Refuse(onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST, absl::StrCat(NameOf(attribute), ": ", why));
    };
    if (value.kind_case() != Value::kList) {
      return refuse(absl::StrCat("expected a list, got ", onem2m::Describe(value, 80)));
    }
    std::vector<std::vector<Value>> targets(attribute.sources.size());
    for (const Value& link : value.list().values()) {
      const Value* type = link.kind_case() == Value::kObject ? onem2m::Find(link.object(), "typ") : nullptr;
      const auto source = std::find_if(attribute.sources.begin(), attribute.sources.end(), [&](const LinkSource& one) {
        return type != nullptr && type->kind_case() == Value::kInteger && type->integer() == one.mgmt_definition;
      });
      const Value* target = link.kind_case() == Value::kObject ? onem2m::Find(link.object(), "val") : nullptr;
      if (source == attribute.sources.end() || target == nullptr) {
        return refuse(absl::StrCat("expected links with typ and val, typ one of ",
                                   absl::StrJoin(attribute.sources, ", ",
                                                 [](std::string* out, const LinkSource& one) {
                                                   absl::StrAppend(out, one.mgmt_definition, " (", one.name, ")");
                                                 }),
                                   ", got ", onem2m::Describe(link, 120)));
      }
      const ResourceMapping* linked = target_.table->FindMapping(source->mgmt_definition);
      const absl::StatusOr<lwm2m::v1::Path> path =
          lwm2m::ParsePath(target->kind_case() == Value::kText ? target->text() : "");
      if (linked != nullptr && (!path.ok() || path->object_id() != linked->object_id)) {
        return refuse(absl::StrCat("expected a ", source->name, " of this node (/", linked->object_id,
                                   "/<instance>), got ", onem2m::Describe(*target, 80)));
      }
      targets[source - attribute.sources.begin()].push_back(*target);
    }
    for (size_t i = 0; i < attribute.sources.size(); ++i) {
      const LinkSource& source = attribute.sources[i];
      const ResourceDefinition& definition = *target_.Definition(source.resource_id);
      if (targets[i].empty() || (!definition.multiple && targets[i].size() > 1)) {
        return refuse(absl::StrCat("expected ", definition.multiple ? "at least one link" : "one link", " to a ",
                                   source.name, " (", source.mgmt_definition, "), got ", targets[i].size()));
      }
      AddList(attribute, source.resource_id, onem2m::List(std::move(targets[i])));
    }
  }

  // Single resources change together: one of them is replaced, several are a partial update of the instance. A multiple
  // resource is replaced by itself, since a partial update would leave the instances that the list has lost.
  void AddWrite() {
    const auto singles =
        std::count_if(written_.begin(), written_.end(), [](const Written& one) { return !one.multiple; });
    lwm2m::v1::Write* together = nullptr;
    v1::PlanStep* step_together = nullptr;
    for (const bool multiple : {false, true}) {
      for (Written& written : written_) {
        if (written.multiple != multiple) continue;
        lwm2m::v1::Write* write = together;
        v1::PlanStep* step = step_together;
        if (multiple || write == nullptr) {
          step = response_.mutable_plan()->add_steps();
          write = step->mutable_operation()->mutable_write();
          write->set_partial(!multiple && singles > 1);
          *write->mutable_path() = write->partial() ? target_.instance : target_.At(written.resource_id);
          if (write->partial()) together = write, step_together = step;
        }
        if (written.attribute->type == AttributeType::kAny) write->set_self_describing(true);
        for (size_t i = 0; i < written.values.size(); ++i) {
          lwm2m::v1::Node* node = write->add_nodes();
          *node->mutable_path() = target_.At(written.resource_id);
          if (multiple) node->mutable_path()->set_resource_instance_id(static_cast<uint32_t>(i));
          *node->mutable_value() = std::move(written.values[i]);
        }
        step->add_attributes(written.attribute->short_name);
      }
    }
  }

  void AddExecute(const AttributeMapping& attribute) {
    v1::PlanStep* step = response_.mutable_plan()->add_steps();
    *step->mutable_operation()->mutable_execute()->mutable_path() = target_.At(attribute.resource_id);
    step->add_attributes(attribute.short_name);
    if (attribute.precondition.has_value()) {
      v1::Precondition* precondition = step->mutable_precondition();
      *precondition->mutable_path() = target_.At(attribute.precondition->resource_id);
      for (const int64_t value : attribute.precondition->values) precondition->add_values(value);
      for (const int64_t value : attribute.precondition->failure_values) precondition->add_failure_values(value);
      precondition->set_description(attribute.precondition->description);
    }
    reboots_ = reboots_ || attribute.reboots;
    if (attribute.sets.has_value()) read_back_.Add(mapping().Find(attribute.sets->attribute));
    for (const std::string& name : attribute.refreshes) read_back_.Add(mapping().Find(name));
  }

  // ---- DELETE ----

  void Delete() {
    if (mapping().delete_effect == DeleteEffect::kInstance) {
      *response_.mutable_plan()->add_steps()->mutable_operation()->mutable_delete_()->mutable_path() = target_.instance;
    }
    if (mapping().delete_effect == DeleteEffect::kWrite) {
      const AttributeMapping& attribute = *mapping().Find(mapping().delete_attribute);
      v1::PlanStep* step = response_.mutable_plan()->add_steps();
      lwm2m::v1::Write* write = step->mutable_operation()->mutable_write();
      *write->mutable_path() = target_.At(attribute.resource_id);
      lwm2m::v1::Node* node = write->add_nodes();
      *node->mutable_path() = write->path();
      node->mutable_value()->set_text(mapping().delete_value);
      step->add_attributes(attribute.short_name);
    }
  }

  const v1::TranslateRequestRequest& request_;
  v1::TranslateRequestResponse response_;
  Target target_;
  std::vector<Written> written_;
  std::set<std::string> actions_;
  AttributeSet read_back_;
  bool reboots_ = false;
};

}  // namespace

absl::StatusOr<v1::TranslateRequestResponse> TranslateRequest(const MappingTable& table,
                                                              const v1::TranslateRequestRequest& request) {
  return Translator(table, request).Run(table);
}

}  // namespace isthmus::translation
