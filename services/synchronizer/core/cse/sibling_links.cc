#include "services/synchronizer/core/cse/sibling_links.h"

#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "services/lib/onem2m/value.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Value;

// The texts that are links: `val` of each mgmtLinkRef, or the attribute itself.
void ForEachLink(Value* value, const std::function<void(std::string*)>& change) {
  if (value->kind_case() == Value::kText) return change(value->mutable_text());
  if (value->kind_case() != Value::kList) return;
  for (Value& member : *value->mutable_list()->mutable_values()) {
    if (member.kind_case() != Value::kObject) continue;
    Value* target = onem2m::FindMutable(*member.mutable_object(), "val");
    if (target != nullptr && target->kind_case() == Value::kText) change(target->mutable_text());
  }
}

// "/2050/0" of "/2050/0" and of "/prefix/2050/0", where the device has an alternate root.
bool IsAt(const StoredResource& record, const std::string& path) {
  const Value* paths = onem2m::Find(record.attributes, "obps");
  if (paths == nullptr) return false;
  for (const Value& one : paths->list().values()) {
    if (absl::EndsWith(one.text(), path)) return true;
  }
  return false;
}

// The last two levels of its first path.
std::string PathOnDevice(const StoredResource& record) {
  const Value* paths = onem2m::Find(record.attributes, "obps");
  if (paths == nullptr || paths->list().values().empty()) return "";
  const std::string& path = paths->list().values(0).text();
  const size_t instance = path.rfind('/');
  if (instance == std::string::npos || instance == 0) return "";
  const size_t object = path.rfind('/', instance - 1);
  return object == std::string::npos ? "" : path.substr(object);
}

}  // namespace

void ShowSiblings(const Entry& object, Value* value) {
  if (object.parent == nullptr) return;
  ForEachLink(value, [&object](std::string* text) {
    if (!absl::StartsWith(*text, "/")) return;
    for (const auto& [order, sibling] : object.parent->children) {
      if (sibling->record.type != kManagementObject || !IsAt(sibling->record, *text)) continue;
      *text = sibling->record.resource_id;
      return;
    }
  });
}

void NameOnDevice(const CseContext& context, const ResourceTable& table, const Entry& object,
                  onem2m::v1::Object* attributes) {
  for (onem2m::v1::Attribute& attribute : *attributes->mutable_members()) {
    const AttributeRule* rule = table.Find(attribute.name());
    if (rule == nullptr || !rule->link) continue;
    ForEachLink(attribute.mutable_value(), [&](std::string* text) {
      if (text->empty()) return;
      const Entry* sibling = context.Resolve(*text);
      if (sibling == nullptr || sibling->parent != object.parent) return;
      if (const std::string path = PathOnDevice(sibling->record); !path.empty()) *text = path;
    });
  }
}

}  // namespace isthmus::synchronizer
