// Short words for the tests of translation: the built-in table, resources of a device, values and plans as text.
//
//   resource = DeviceResource("m2m:bat", {{"btl", onem2m::Integer(77)}});
//   EXPECT_EQ(Text(response.attributes()), R"({"btl":80,"bts":2})");
//   EXPECT_EQ(Text(plan), "Write /5/0/1 [url]; when /5/0/3 in {2}: Execute /5/0/2 [ud]");
#ifndef ISTHMUS_SERVICES_TRANSLATION_CORE_TEST_SUPPORT_H_
#define ISTHMUS_SERVICES_TRANSLATION_CORE_TEST_SUPPORT_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "isthmus/translation/v1/translation.pb.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/translation/core/loader.h"
#include "services/translation/core/status_codes.h"
#include "services/translation/data/built_in.h"

namespace isthmus::translation {

inline const MappingTable& BuiltIn() {
  static const LoadResult* const kLoaded = new LoadResult(Load(BuiltInSources(), {}));
  return *kLoaded->table;
}

// ---- oneM2M --------------------------------------------------------------------------------------------------------

using Members = std::vector<std::pair<std::string, onem2m::v1::Value>>;

inline onem2m::v1::Object MakeObject(const Members& members) {
  onem2m::v1::Object object;
  for (const auto& [name, value] : members) {
    onem2m::v1::Attribute* member = object.add_members();
    member->set_name(name);
    *member->mutable_value() = value;
  }
  return object;
}

inline onem2m::v1::Value ActionStatus(const std::string& action, int64_t status) {
  return onem2m::Complex(MakeObject({{"acn", onem2m::Text(action)}, {"sus", onem2m::Integer(status)}}));
}

// A <mgmtObj> of instance 0 of its object.
inline onem2m::v1::Resource DeviceResource(const std::string& root, const Members& attributes = {}) {
  const ResourceMapping* mapping = BuiltIn().FindMapping(root);
  onem2m::v1::Resource resource;
  resource.set_root(root);
  if (mapping != nullptr) {
    resource.set_mgmt_definition(mapping->mgmt_definition);
    resource.add_object_ids(mapping->object_urn);
    resource.add_object_paths(absl::StrCat("/", mapping->object_id, "/0"));
  }
  *resource.mutable_attributes() = MakeObject(attributes);
  return resource;
}

inline onem2m::v1::RequestPrimitive Retrieve() {
  onem2m::v1::RequestPrimitive primitive;
  primitive.set_operation(onem2m::v1::OPERATION_TYPE_RETRIEVE);
  return primitive;
}

inline onem2m::v1::RequestPrimitive Update(const std::string& root, const Members& attributes) {
  onem2m::v1::RequestPrimitive primitive;
  primitive.set_operation(onem2m::v1::OPERATION_TYPE_UPDATE);
  primitive.mutable_primitive_content()->set_name(root);
  *primitive.mutable_primitive_content()->mutable_value() = onem2m::Complex(MakeObject(attributes));
  return primitive;
}

inline onem2m::v1::RequestPrimitive Delete() {
  onem2m::v1::RequestPrimitive primitive;
  primitive.set_operation(onem2m::v1::OPERATION_TYPE_DELETE);
  return primitive;
}

template <typename Attributes>
std::string Text(const Attributes& attributes) {
  onem2m::v1::Object object;
  for (const onem2m::v1::Attribute& attribute : attributes) *object.add_members() = attribute;
  return onem2m::Describe(onem2m::Complex(object), 4000);
}

// ---- LwM2M ---------------------------------------------------------------------------------------------------------

inline lwm2m::v1::Path P(const std::string& text) { return lwm2m::ParsePath(text).value(); }

inline lwm2m::v1::Value I(int64_t integer) {
  lwm2m::v1::Value value;
  value.set_integer(integer);
  return value;
}
inline lwm2m::v1::Value F(double floating) {
  lwm2m::v1::Value value;
  value.set_floating(floating);
  return value;
}
inline lwm2m::v1::Value B(bool boolean) {
  lwm2m::v1::Value value;
  value.set_boolean(boolean);
  return value;
}
inline lwm2m::v1::Value S(const std::string& text) {
  lwm2m::v1::Value value;
  value.set_text(text);
  return value;
}
inline lwm2m::v1::Value Time(int64_t seconds) {
  lwm2m::v1::Value value;
  value.set_time(seconds);
  return value;
}
inline lwm2m::v1::Value Opaque(const std::string& octets) {
  lwm2m::v1::Value value;
  value.set_opaque(octets);
  return value;
}
inline lwm2m::v1::Value Raw(uint32_t content_format, const std::string& octets) {
  lwm2m::v1::Value value;
  value.mutable_raw()->set_content_format(content_format);
  value.mutable_raw()->set_octets(octets);
  return value;
}
inline lwm2m::v1::Value Tlv(std::initializer_list<int> octets) {
  std::string text;
  for (const int octet : octets) text.push_back(static_cast<char>(octet));
  return Raw(11542, text);
}

using NodeList = std::vector<std::pair<std::string, lwm2m::v1::Value>>;

inline lwm2m::v1::Node MakeNode(const std::string& path, const lwm2m::v1::Value& value) {
  lwm2m::v1::Node node;
  *node.mutable_path() = P(path);
  *node.mutable_value() = value;
  return node;
}

inline lwm2m::v1::OperationResult Answered(uint32_t coap_code, const NodeList& nodes = {},
                                           const std::string& diagnostic = "") {
  lwm2m::v1::OperationResult result;
  result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
  result.set_coap_code(coap_code);
  result.set_diagnostic(diagnostic);
  for (const auto& [path, value] : nodes) *result.add_nodes() = MakeNode(path, value);
  return result;
}

inline lwm2m::v1::OperationResult Ended(lwm2m::v1::Outcome outcome, const std::string& diagnostic = "") {
  lwm2m::v1::OperationResult result;
  result.set_outcome(outcome);
  result.set_diagnostic(diagnostic);
  return result;
}

// ---- plans ---------------------------------------------------------------------------------------------------------

inline std::string Text(const v1::Plan& plan) {
  std::string text;
  for (const v1::PlanStep& step : plan.steps()) {
    if (!text.empty()) text += "; ";
    if (step.has_precondition()) {
      absl::StrAppend(&text, "when ", lwm2m::PathToString(step.precondition().path()), " in {",
                      absl::StrJoin(step.precondition().values(), ","), "}: ");
    }
    absl::StrAppend(&text, DescribeOperation(step.operation()));
    if (step.operation().write().partial()) text += " (partial)";
    absl::StrAppend(&text, " [", absl::StrJoin(step.attributes(), ","), "]");
  }
  return text;
}

}  // namespace isthmus::translation

#endif  // ISTHMUS_SERVICES_TRANSLATION_CORE_TEST_SUPPORT_H_
