// What the device side does to the resources (ResourcePort).
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/log/log.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_macros.h"
#include "services/synchronizer/core/cse/cse_core.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;

constexpr char kDevicesPolicy[] = "devicesAcp";

std::string KeyOf(const std::string& label) { return label.substr(0, label.find(':')); }

std::vector<std::string> Texts(const Value* list) {
  std::vector<std::string> texts;
  if (list == nullptr) return texts;
  for (const Value& value : list->list().values()) texts.push_back(value.text());
  return texts;
}

// New labels in the place of those with the same key; what is the same stays where it is.
std::vector<std::string> MergeLabels(const std::vector<std::string>& old, const std::vector<std::string>& given) {
  std::vector<std::string> merged;
  const auto contains = [](const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  };
  for (const std::string& label : old) {
    const bool replaced =
        std::any_of(given.begin(), given.end(), [&](const std::string& other) { return KeyOf(other) == KeyOf(label); });
    if (!replaced || contains(given, label)) merged.push_back(label);
  }
  for (const std::string& label : given) {
    if (!contains(merged, label)) merged.push_back(label);
  }
  return merged;
}

bool SamePaths(const StoredResource& record, const onem2m::v1::Resource& resource) {
  const std::vector<std::string> paths = Texts(onem2m::Find(record.attributes, "obps"));
  return std::equal(paths.begin(), paths.end(), resource.object_paths().begin(), resource.object_paths().end());
}

// A <mgmtObj> stays the same resource while it stands for the same place on the device in the same role. Several
// specializations may stand for one place; a self-defined one that was made here is the only one of its kind there, so
// that it stays, with its subscriptions, when a mapping of its own comes or goes.
bool SameResource(const StoredResource& record, const onem2m::v1::Resource& resource) {
  const Value* definition = onem2m::Find(record.attributes, "mgd");
  const bool self_defined =
      record.provisioned && resource.mgmt_definition() == 0 && definition != nullptr && definition->integer() == 0;
  return (self_defined || record.root == resource.root()) && SamePaths(record, resource);
}

// Another mapping has other attributes. `old` are those of the mapping before.
void TakeRoot(const onem2m::v1::Object& old, const onem2m::v1::Resource& resource, StoredResource* record) {
  for (const onem2m::v1::Attribute& attribute : old.members()) onem2m::Remove(record->attributes, attribute.name());
  record->root = resource.root();
  for (const onem2m::v1::Attribute& attribute : resource.attributes().members()) {
    onem2m::Set(record->attributes, attribute.name(), attribute.value());
  }
}

Value TextsOf(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return onem2m::TextList({texts.begin(), texts.end()});
}

}  // namespace

absl::StatusOr<std::string> CseCore::PutNode(const std::string& node_id, const std::string& client_address,
                                             const std::vector<std::string>& labels) {
  if (node_id.empty()) return absl::InvalidArgumentError("node_id: expected the Endpoint Client Name, got nothing");
  std::string resource_id;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Entry* root = context_.tree.root();
    if (root == nullptr) return absl::FailedPreconditionError("the CSE has not started");
    const std::string policy = absl::StrCat(root->path, "/", kDevicesPolicy);
    Entry* node = context_.tree.FindNode(node_id);
    Change change(&context_);
    if (node == nullptr) {
      Object attributes;
      onem2m::Set(attributes, "ni", onem2m::Text(node_id));
      if (context_.tree.FindByPath(policy) != nullptr) onem2m::Set(attributes, "acpi", onem2m::TextList({policy}));
      if (!labels.empty()) onem2m::Set(attributes, "lbl", onem2m::TextList(MergeLabels({}, labels)));
      if (!client_address.empty()) onem2m::Set(attributes, "mgca", onem2m::Text(client_address));
      resource_id = context_.ids->NextId();
      StoredResource record =
          NewRecord(*root, kNode, "m2m:nod", resource_id, FreeName(*root, ToResourceName(node_id)), attributes);
      record.provisioned = true;
      change.Insert(std::move(record));
    } else {
      resource_id = node->record.resource_id;
      StoredResource& record = change.Edit(node);
      // A node that an AE made for the same device becomes ours.
      if (!record.provisioned && onem2m::Find(record.attributes, "acpi") == nullptr &&
          context_.tree.FindByPath(policy) != nullptr) {
        onem2m::Set(record.attributes, "acpi", onem2m::TextList({policy}));
      }
      record.provisioned = true;
      const std::vector<std::string> merged = MergeLabels(Texts(onem2m::Find(record.attributes, "lbl")), labels);
      if (!merged.empty()) onem2m::Set(record.attributes, "lbl", onem2m::TextList(merged));
      if (client_address.empty()) {
        onem2m::Remove(record.attributes, "mgca");
      } else {
        onem2m::Set(record.attributes, "mgca", onem2m::Text(client_address));
      }
    }
    RETURN_IF_ERROR(change.Commit());
  }
  context_.effects.Run();
  return resource_id;
}

absl::StatusOr<std::vector<std::string>> CseCore::PutManagementObjects(const std::string& node_id,
                                                                       const std::vector<ProvisionedObject>& objects) {
  std::vector<std::string> resource_ids;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Entry* node = context_.tree.FindNode(node_id);
    if (node == nullptr) return absl::NotFoundError(absl::StrCat("node_id: there is no node ", node_id));
    Change change(&context_);
    std::set<const Entry*> kept;
    std::set<std::string> names;
    for (const ProvisionedObject& object : objects) {
      const onem2m::v1::Resource& resource = object.resource;
      if (resource.root().empty() || resource.object_paths().empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("object ", object.resource_name, ": expected a root and objectPaths"));
      }
      const auto same = std::find_if(node->children.begin(), node->children.end(), [&](const auto& child) {
        return IsOnDevice(child.second->record) && SameResource(child.second->record, resource);
      });
      if (same != node->children.end()) {
        Entry* entry = same->second;
        kept.insert(entry);
        const Object old = ResourceOf(*entry).attributes();
        StoredResource& record = change.Edit(entry);
        record.provisioned = true;
        if (record.root != resource.root()) TakeRoot(old, resource, &record);
        if (const Value* schema = onem2m::Find(resource.attributes(), "mgs")) {
          onem2m::Set(record.attributes, "mgs", *schema);
        }
        // The device may speak another version of the object now.
        if (resource.object_ids_size() > 0) onem2m::Set(record.attributes, "obis", TextsOf(resource.object_ids()));
        resource_ids.push_back(entry->record.resource_id);
        continue;
      }
      Object attributes;
      onem2m::Set(attributes, "mgd", onem2m::Integer(resource.mgmt_definition()));
      if (resource.object_ids_size() > 0) onem2m::Set(attributes, "obis", TextsOf(resource.object_ids()));
      onem2m::Set(attributes, "obps", TextsOf(resource.object_paths()));
      for (const onem2m::v1::Attribute& attribute : resource.attributes().members()) {
        onem2m::Set(attributes, attribute.name(), attribute.value());
      }
      const std::string wanted = ToResourceName(object.resource_name);
      std::string name = FreeName(*node, wanted);
      for (int number = 2; names.count(name) > 0; ++number) {
        name = FreeName(*node, absl::StrCat(wanted, "-", number));
      }
      names.insert(name);
      const std::string resource_id = context_.ids->NextId();
      StoredResource record = NewRecord(*node, kManagementObject, resource.root(), resource_id, name, attributes);
      record.provisioned = true;
      resource_ids.push_back(resource_id);
      change.Insert(std::move(record));
    }
    for (const auto& [order, child] : node->children) {
      if (child->record.provisioned && IsOnDevice(child->record) && kept.count(child) == 0) change.Remove(child);
    }
    RETURN_IF_ERROR(change.Commit());
  }
  context_.effects.Run();
  return resource_ids;
}

absl::Status CseCore::UpdateAttributes(const std::string& resource_id,
                                       const std::vector<onem2m::v1::Attribute>& attributes,
                                       const std::vector<std::string>& removed) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Entry* entry = context_.tree.FindById(resource_id);
    if (entry == nullptr || entry->record.type != kManagementObject) {
      return absl::NotFoundError(absl::StrCat("resource_id: there is no <mgmtObj> ", resource_id));
    }
    Change change(&context_);
    ManagementResult result;
    result.attributes = attributes;
    result.absent_attributes = removed;
    MergeResult(&change, entry, result);
    RETURN_IF_ERROR(change.Commit());
  }
  context_.effects.Run();
  return absl::OkStatus();
}

std::vector<std::pair<std::string, onem2m::v1::Resource>> CseCore::ManagementObjects(const std::string& node_id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::pair<std::string, onem2m::v1::Resource>> objects;
  const Entry* node = context_.tree.FindNode(node_id);
  if (node == nullptr) return objects;
  for (const auto& [order, child] : node->children) {
    if (!IsOnDevice(child->record)) continue;
    objects.emplace_back(child->record.resource_id, ResourceOf(*child));
  }
  return objects;
}

std::vector<std::string> CseCore::ProvisionedNodes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> nodes;
  if (context_.tree.root() == nullptr) return nodes;
  for (const auto& [order, child] : context_.tree.root()->children) {
    if (child->record.type == kNode && child->record.provisioned) {
      nodes.push_back(onem2m::FindText(child->record.attributes, "ni"));
    }
  }
  return nodes;
}

absl::Status CseCore::KeepState(const std::string& key, const std::string& value) {
  return context_.store->PutState(key, value);
}

std::string CseCore::GetState(const std::string& key) const {
  absl::StatusOr<std::string> value = context_.store->GetState(key);
  if (value.ok()) return *std::move(value);
  log::Error("a kept value cannot be read", {{"key", key}, {"error", value.status().ToString()}});
  return "";
}

}  // namespace isthmus::synchronizer
