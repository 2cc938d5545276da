#include "services/synchronizer/core/cse/cse_context.h"

#include <algorithm>

#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/subscription/notification_target.h"

namespace isthmus::synchronizer {
namespace {

void CopyTexts(const onem2m::v1::Value* list, google::protobuf::RepeatedPtrField<std::string>* texts) {
  if (list == nullptr) return;
  for (const onem2m::v1::Value& value : list->list().values()) *texts->Add() = value.text();
}

}  // namespace

onem2m::v1::Resource MakeResource(const StoredResource& record) {
  onem2m::v1::Resource resource;
  resource.set_root(record.root);
  if (const onem2m::v1::Value* definition = onem2m::Find(record.attributes, "mgd")) {
    resource.set_mgmt_definition(static_cast<uint32_t>(definition->integer()));
  }
  CopyTexts(onem2m::Find(record.attributes, "obis"), resource.mutable_object_ids());
  CopyTexts(onem2m::Find(record.attributes, "obps"), resource.mutable_object_paths());
  const ResourceTable& table = ResourceTables::BuiltIn().Of(record.type, record.root);
  resource.mutable_attributes();
  for (const onem2m::v1::Attribute& attribute : record.attributes.members()) {
    if (!table.IsCommon(attribute.name())) *resource.mutable_attributes()->add_members() = attribute;
  }
  return resource;
}

bool IsOnDevice(const StoredResource& record) {
  if (record.type != kManagementObject) return false;
  const onem2m::v1::Value* paths = onem2m::Find(record.attributes, "obps");
  return paths != nullptr && paths->list().values_size() > 0;
}

const onem2m::v1::Resource& ResourceOf(const Entry& management_object) {
  return management_object.Compiled<onem2m::v1::Resource>(MakeResource);
}

ManagementCommand CommandOf(const Entry& execution) {
  onem2m::v1::Object attributes = execution.record.attributes;
  if (const onem2m::v1::Value* type = onem2m::Find(execution.parent->record.attributes, "cmt")) {
    onem2m::Set(attributes, "cmt", *type);
  }
  ManagementCommand command;
  // It was converted once before its first run; a version that converts less leaves a command without effect.
  if (ConvertCommand(attributes, &command).has_value()) return {};
  return command;
}

std::string NodeIdOf(const Entry& management_object) {
  return management_object.parent == nullptr ? "" : onem2m::FindText(management_object.parent->record.attributes, "ni");
}

int SubscribersOf(const CseContext& context, const Entry& management_object) {
  return static_cast<int>(management_object.subscriptions.size() +
                          context.tree.ExecutionsBy(management_object.record.resource_id).size());
}

onem2m::v1::RequestPrimitive MakeNotification(const CseContext& context, const std::string& target,
                                              onem2m::v1::Attribute content) {
  // Release 4 is what every peer in the field takes, where it is served at all.
  static constexpr char kRelease[] = "4";
  const auto& releases = context.options.releases;
  const bool has_release = std::find(releases.begin(), releases.end(), kRelease) != releases.end();
  onem2m::v1::RequestPrimitive primitive;
  primitive.set_operation(onem2m::v1::OPERATION_TYPE_NOTIFY);
  primitive.set_to(IsUrl(target) ? target.substr(0, target.find('?')) : target);
  primitive.set_from(context.options.cse_id);
  primitive.set_request_identifier(context.ids->NextId());
  primitive.set_release_version_indicator(has_release || releases.empty() ? kRelease : releases.back());
  *primitive.mutable_primitive_content() = std::move(content);
  return primitive;
}

}  // namespace isthmus::synchronizer
