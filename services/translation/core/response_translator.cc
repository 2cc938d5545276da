#include "services/translation/core/response_translator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/status_code.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/invalid_field.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/core/action_status.h"
#include "services/translation/core/conversion.h"
#include "services/translation/core/generic_mapping.h"
#include "services/translation/core/reading.h"
#include "services/translation/core/status_codes.h"
#include "services/translation/core/target.h"

namespace isthmus::translation {
namespace {

using lwm2m::v1::OperationResult;
using onem2m::v1::Object;
using onem2m::v1::OperationType;
using onem2m::v1::Value;

class Translator {
 public:
  Translator(const MappingTable& table, const v1::TranslateResponseRequest& request) : request_(request) {
    response_.set_mapping_version(table.version());
  }

  absl::StatusOr<v1::TranslateResponseResponse> Run(const MappingTable& table) {
    RETURN_IF_ERROR(CheckInput());
    const bool creation = operation() == onem2m::v1::OPERATION_TYPE_CREATE;
    absl::StatusOr<Target> target =
        Locate(table, request_.resource(), "resource", creation ? Place::kNew : Place::kExisting);
    if (!target.ok()) {
      const uint32_t code = StatusCodeOfLocate(target.status());
      if (code == 0) return target.status();
      Fail(code, std::string(target.status().message()));
      return std::move(response_);
    }
    target_ = *std::move(target);
    for (int i = 0; i < request_.results_size(); ++i) {
      target_.AdmitNodes(request_.results(i).nodes());
      target_.AdmitNodes(step(i).operation().write().nodes());
      target_.AdmitNodes(step(i).operation().create().nodes());
    }
    switch (operation()) {
      case onem2m::v1::OPERATION_TYPE_RETRIEVE:
        Retrieve();
        break;
      case onem2m::v1::OPERATION_TYPE_UPDATE:
        Update();
        break;
      case onem2m::v1::OPERATION_TYPE_CREATE:
        Create();
        break;
      default:
        Delete();
        break;
    }
    response_.mutable_attributes()->Swap(attributes_.mutable_members());
    return std::move(response_);
  }

 private:
  OperationType operation() const { return request_.primitive().operation(); }
  const ResourceMapping& mapping() const { return *target_.mapping; }
  const Object& kept() const { return request_.resource().attributes(); }
  const v1::PlanStep& step(int i) const { return request_.plan().steps(i); }

  absl::Status CheckInput() const {
    if (!request_.has_primitive()) return status::InvalidField("primitive", status::FieldReason::kMissing, "missing");
    if (!request_.has_resource()) return status::InvalidField("resource", status::FieldReason::kMissing, "missing");
    if (operation() != onem2m::v1::OPERATION_TYPE_CREATE && operation() != onem2m::v1::OPERATION_TYPE_RETRIEVE &&
        operation() != onem2m::v1::OPERATION_TYPE_UPDATE && operation() != onem2m::v1::OPERATION_TYPE_DELETE) {
      return status::InvalidField("primitive.operation", status::FieldReason::kUnexpected,
                                  absl::StrCat("expected CREATE, RETRIEVE, UPDATE or DELETE, got ", operation()));
    }
    for (int i = 0; i < request_.plan().steps_size(); ++i) {
      if (step(i).operation().kind_case() == lwm2m::v1::Operation::KIND_NOT_SET) {
        return status::InvalidField(absl::StrCat("plan.steps[", i, "].operation"), status::FieldReason::kMissing,
                                    "missing");
      }
    }
    if (request_.results_size() > request_.plan().steps_size()) {
      return status::InvalidField(
          "results", status::FieldReason::kUnexpected,
          absl::StrCat(request_.results_size(), " for a plan of ", request_.plan().steps_size(), " steps"));
    }
    for (int i = 0; i < request_.results_size(); ++i) {
      const OperationResult& result = request_.results(i);
      if (result.outcome() == lwm2m::v1::OUTCOME_UNSPECIFIED ||
          !lwm2m::v1::Outcome_IsValid(static_cast<int>(result.outcome()))) {
        return status::InvalidField(absl::StrCat("results[", i, "].outcome"), status::FieldReason::kMissing,
                                    "missing or unknown");
      }
      if (result.outcome() == lwm2m::v1::OUTCOME_ANSWERED && (result.coap_code() < 200 || result.coap_code() >= 600)) {
        return status::InvalidField(absl::StrCat("results[", i, "].coap_code"), status::FieldReason::kOutOfRange,
                                    absl::StrCat("expected class * 100 + detail, got ", result.coap_code()));
      }
    }
    const int missing = request_.results_size();
    if (missing < request_.plan().steps_size() && LastSucceeded() && !step(missing).has_precondition()) {
      return status::InvalidField(
          "results", status::FieldReason::kMissing,
          absl::StrCat(missing, " for a plan of ", request_.plan().steps_size(), " steps, and the last did not fail"));
    }
    return absl::OkStatus();
  }

  Row RowOfStep(int i) const {
    return operation() == onem2m::v1::OPERATION_TYPE_DELETE ? Row::kDelete : RowOf(step(i).operation());
  }
  uint32_t CodeOf(int i) const { return StatusCodeFor(RowOfStep(i), request_.results(i)); }
  bool LastSucceeded() const {
    return request_.results_size() == 0 || onem2m::IsSuccess(CodeOf(request_.results_size() - 1));
  }

  void Fail(uint32_t code, const std::string& reason) {
    response_.set_response_status_code(code);
    response_.set_reason(reason);
  }

  // Number of steps that were performed with success; the failure of the one after them is in the response.
  int Succeeded(uint32_t success) {
    response_.set_response_status_code(success);
    for (int i = 0; i < request_.results_size(); ++i) {
      const uint32_t code = CodeOf(i);
      if (onem2m::IsSuccess(code)) continue;
      // What was written is written, even when it cannot be read back.
      if (operation() == onem2m::v1::OPERATION_TYPE_UPDATE && RowOfStep(i) == Row::kRead) return i;
      Fail(code, DescribeFailure(step(i).operation(), request_.results(i)));
      return i;
    }
    const int done = request_.results_size();
    if (done < request_.plan().steps_size()) {
      const v1::Precondition& condition = step(done).precondition();
      Fail(onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED,
           absl::StrCat("not performed: ", DescribeOperation(step(done).operation()), " needs ",
                        lwm2m::PathToString(condition.path()), " = ", absl::StrJoin(condition.values(), " or "), " (",
                        condition.description(), "), which did not come true"));
    }
    return done;
  }

  // ---- RETRIEVE ----

  void Retrieve() {
    const int succeeded = Succeeded(onem2m::v1::RESPONSE_STATUS_CODE_OK);
    if (!onem2m::IsSuccess(response_.response_status_code())) return;
    for (const AttributeMapping& attribute : mapping().attributes) {
      if (attribute.is_action()) Set(attribute, onem2m::Boolean(attribute.reads));
    }
    for (int i = 0; i < succeeded; ++i) {
      if (!step(i).operation().has_read()) continue;
      Reading reading = ReadAttributes(target_, kept(), step(i).operation().read().path(), request_.results(i).nodes());
      for (const Reading::Problem& problem : reading.problems) {
        if (step(i).attributes_size() == 1 && step(i).attributes(0) == problem.attribute) {
          attributes_.Clear();
          response_.clear_absent_attributes();
          return Fail(onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR, problem.text);
        }
        Absent(problem.attribute);
      }
      for (const std::string& name : reading.missing) Absent(name);
      if (target_.generic && !step(i).operation().read().path().has_resource_id()) DropUnknownNames();
      if (attributes_.members().empty()) {
        attributes_.mutable_members()->Swap(&reading.attributes);
        continue;
      }
      for (onem2m::v1::Attribute& attribute : reading.attributes) {
        onem2m::Set(attributes_, attribute.name(), std::move(*attribute.mutable_value()));
      }
    }
  }

  // The device does not tell. What oneM2M demands keeps its value, or takes its fallback; the rest goes.
  void Absent(const std::string& name) {
    const AttributeMapping& attribute = *mapping().Find(name);
    if (attribute.is_status()) {
      if (onem2m::Find(kept(), name) == nullptr) Set(attribute, MakeStatus("", kUninitialized));
    } else if (attribute.fallback.has_value()) {
      if (onem2m::Find(kept(), name) == nullptr) Set(attribute, *attribute.fallback);
    } else {
      const auto& absent = response_.absent_attributes();
      if (std::find(absent.begin(), absent.end(), name) == absent.end()) response_.add_absent_attributes(name);
    }
  }

  // Names of an earlier definition, or of resources that the device has no more.
  void DropUnknownNames() {
    for (const onem2m::v1::Attribute& attribute : kept().members()) {
      if (mapping().Find(attribute.name()) == nullptr && !IsCommonAttribute(attribute.name())) {
        response_.add_absent_attributes(attribute.name());
      }
    }
  }

  // ---- UPDATE ----

  void Update() {
    const int succeeded = Succeeded(onem2m::v1::RESPONSE_STATUS_CODE_UPDATED);
    SetActionsOfContent();
    Object effects;  // statuses that the steps have moved
    for (int i = 0; i < succeeded; ++i) ApplyStep(i, &effects);
    const bool done = onem2m::IsSuccess(response_.response_status_code());
    // An Execute without an answer may have been performed: its status is "in process" until the device says more.
    const bool unknown = !done && succeeded < request_.results_size() &&
                         request_.results(succeeded).outcome() == lwm2m::v1::OUTCOME_TIMEOUT &&
                         step(succeeded).operation().has_execute();
    if (unknown) ApplyStep(succeeded, &effects);
    // A plan that ended early leaves the statuses to what the device tells.
    if (!done && !unknown) return;
    for (const onem2m::v1::Attribute& effect : effects.members()) {
      onem2m::Set(attributes_, effect.name(), effect.value());
    }
    if (done) ReadBack(succeeded, effects);
  }

  // An action reads what it always reads, whatever was asked for.
  void SetActionsOfContent() {
    const Value& content = request_.primitive().primitive_content().value();
    for (const onem2m::v1::Attribute& member : content.object().members()) {
      const AttributeMapping* attribute = mapping().Find(member.name());
      if (attribute != nullptr && attribute->is_action()) Set(*attribute, onem2m::Boolean(attribute->reads));
    }
  }

  void ApplyStep(int i, Object* effects) {
    for (const std::string& name : step(i).attributes()) {
      const AttributeMapping* attribute = mapping().Find(name);
      if (attribute == nullptr) continue;
      if (step(i).operation().has_write() && attribute->writable()) {
        const lwm2m::v1::Write& write = step(i).operation().write();
        const Value* before = onem2m::Find(attributes_, name);
        if (before == nullptr) before = onem2m::Find(kept(), name);
        absl::StatusOr<Value> value = WrittenValue(target_, *attribute, before, write.path(), write.nodes());
        if (value.ok()) Set(*attribute, *std::move(value));
      } else if (!step(i).operation().has_execute()) {
        continue;
      }
      if (attribute->sets.has_value()) {
        onem2m::Set(*effects, attribute->sets->attribute, MakeStatus(name, attribute->sets->status));
      }
    }
  }

  // What the device says now counts more than what was written to it.
  void ReadBack(int succeeded, const Object& effects) {
    for (int i = 0; i < succeeded; ++i) {
      if (!step(i).operation().has_read()) continue;
      Object before = kept();
      for (const onem2m::v1::Attribute& effect : effects.members()) {
        onem2m::Set(before, effect.name(), effect.value());
      }
      const Reading reading =
          ReadAttributes(target_, before, step(i).operation().read().path(), request_.results(i).nodes());
      for (const onem2m::v1::Attribute& attribute : reading.attributes) {
        const auto& served = step(i).attributes();
        if (std::find(served.begin(), served.end(), attribute.name()) != served.end()) {
          onem2m::Set(attributes_, attribute.name(), attribute.value());
        }
      }
    }
  }

  // ---- CREATE ----

  void Create() {
    const int succeeded = Succeeded(onem2m::v1::RESPONSE_STATUS_CODE_CREATED);
    if (!onem2m::IsSuccess(response_.response_status_code())) return;
    for (int i = 0; i < succeeded; ++i) {
      if (!step(i).operation().has_create()) continue;
      // A device that chose the instance says so (LwM2M Core 1.1 6.3.6: Location-Path).
      const bool told = request_.results(i).created_path().has_object_instance_id();
      if (!told && !target_.chosen) {
        return Fail(onem2m::v1::RESPONSE_STATUS_CODE_MGMT_CONVERSION_ERROR,
                    absl::StrCat("the device has made an instance of object ", target_.instance.object_id(),
                                 " and does not say which; it comes with the device's next registration update"));
      }
      *response_.mutable_created_path() = told ? request_.results(i).created_path() : target_.instance;
      for (const std::string& name : step(i).attributes()) {
        const AttributeMapping* attribute = mapping().Find(name);
        if (attribute == nullptr) continue;
        absl::StatusOr<Value> value =
            WrittenValue(target_, *attribute, nullptr, target_.instance, step(i).operation().create().nodes());
        if (value.ok()) Set(*attribute, *std::move(value));
      }
    }
  }

  // ---- DELETE ----

  void Delete() { Succeeded(onem2m::v1::RESPONSE_STATUS_CODE_DELETED); }

  void Set(const AttributeMapping& attribute, Value value) {
    onem2m::Set(attributes_, attribute.short_name, std::move(value));
  }

  const v1::TranslateResponseRequest& request_;
  v1::TranslateResponseResponse response_;
  Target target_;
  Object attributes_;
};

}  // namespace

absl::StatusOr<v1::TranslateResponseResponse> TranslateResponse(const MappingTable& table,
                                                                const v1::TranslateResponseRequest& request) {
  return Translator(table, request).Run(table);
}

}  // namespace isthmus::translation
