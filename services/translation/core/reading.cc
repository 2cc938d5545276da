#include "services/translation/core/reading.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "services/lib/lwm2m/path.h"
#include "services/lib/onem2m/value.h"
#include "services/lib/status/status_macros.h"
#include "services/translation/core/action_status.h"
#include "services/translation/core/conversion.h"

namespace isthmus::translation {
namespace {

using lwm2m::v1::Node;
using onem2m::v1::Value;

// Is `a` older than `b`? A value without a time is of now.
bool Older(const Node& a, const Node& b) {
  if (!a.has_time()) return false;
  if (!b.has_time()) return true;
  return std::make_pair(a.time().seconds(), a.time().nanos()) < std::make_pair(b.time().seconds(), b.time().nanos());
}

// The values of one resource, in the order of its instances; the resource itself is before them.
struct Instance {
  int64_t id = -1;
  const Node* node = nullptr;
};
using Instances = absl::Span<const Instance>;

// The newest value at each place, sorted: by resource, then by resource instance.
class Values {
 public:
  void Add(uint32_t resource, int64_t instance, const Node* node) { all_.push_back({resource, {instance, node}}); }
  // Of several for one place the one measured last counts; of equally old ones the last.
  void Sort() {
    std::stable_sort(all_.begin(), all_.end(), [](const One& a, const One& b) {
      return a.resource != b.resource ? a.resource < b.resource : a.instance.id < b.instance.id;
    });
    for (const One& one : all_) {
      if (!places_.empty() && resources_.back() == one.resource && places_.back().id == one.instance.id) {
        if (!Older(*one.instance.node, *places_.back().node)) places_.back() = one.instance;
        continue;
      }
      resources_.push_back(one.resource);
      places_.push_back(one.instance);
    }
  }
  // Empty when there is none.
  Instances Of(uint32_t resource) const {
    const auto [first, last] = std::equal_range(resources_.begin(), resources_.end(), resource);
    return Instances(places_).subspan(first - resources_.begin(), last - first);
  }

 private:
  struct One {
    uint32_t resource = 0;
    Instance instance;
  };
  absl::InlinedVector<One, 24> all_;
  absl::InlinedVector<uint32_t, 24> resources_;
  absl::InlinedVector<Instance, 24> places_;
};

Values Collect(const Target& target, const lwm2m::v1::Path& path, const Nodes& nodes) {
  Values values;
  for (const Node& node : nodes) {
    if (!lwm2m::Contains(target.instance, node.path()) || !lwm2m::Contains(path, node.path()) ||
        !node.path().has_resource_id()) {
      continue;
    }
    const int64_t instance =
        node.path().has_resource_instance_id() ? static_cast<int64_t>(node.path().resource_instance_id()) : -1;
    values.Add(node.path().resource_id(), instance, &node);
  }
  values.Sort();
  return values;
}

bool Has(const std::vector<Value>& members, const Value& member) {
  return std::any_of(members.begin(), members.end(),
                     [&member](const Value& other) { return onem2m::Equal(other, member); });
}

absl::StatusOr<Value> Convert(const Target& target, const AttributeMapping& attribute, uint32_t resource_id,
                              Instances instances) {
  const ResourceDefinition& definition = *target.Definition(resource_id);
  if (attribute.list) {
    std::vector<Value> members;
    for (const Instance& instance : instances) {
      absl::StatusOr<Value> member = ToOneM2m(attribute, definition, instance.node->value());
      if (!member.ok()) return member.status();
      // One text may say several members, and a link that leads nowhere says none.
      if (member->kind_case() == Value::kList) {
        for (Value& said : *member->mutable_list()->mutable_values()) {
          if (!Has(members, said)) members.push_back(std::move(said));
        }
      } else if (!attribute.is_links() || !member->text().empty()) {
        members.push_back(*std::move(member));
      }
    }
    if (members.empty() && !attribute.is_links()) return absl::InvalidArgumentError("a text that says no member");
    if (attribute.length.has_value() && members.size() != *attribute.length) {
      return absl::InvalidArgumentError(absl::StrCat(members.size(), " values where there are ", *attribute.length));
    }
    return onem2m::List(std::move(members));
  }
  // Some devices send a single resource as a multiple one with one instance.
  if (instances.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(instances.size(), " values for a single resource"));
  }
  return ToOneM2m(attribute, definition, instances.front().node->value());
}

// Values of the resources that an attribute draws on, of those that were told.
using Found = absl::InlinedVector<std::pair<uint32_t, Value>, 1>;

const Value* At(const Found& found, uint32_t resource_id) {
  for (const auto& [id, value] : found) {
    if (id == resource_id) return &value;
  }
  return nullptr;
}

// mgmtLink from the links of its sources. What `path` does not cover stays as it is kept.
Value CombineLinks(const Target& target, const AttributeMapping& attribute, const Value* kept,
                   const lwm2m::v1::Path& path, const Found& found) {
  std::vector<Value> links;
  for (const LinkSource& source : attribute.sources) {
    if (const Value* told = At(found, source.resource_id)) {
      for (const Value& target_path : told->list().values()) {
        onem2m::v1::Object link;
        onem2m::Set(link, "nm", onem2m::Text(source.name));
        onem2m::Set(link, "typ", onem2m::Integer(source.mgmt_definition));
        onem2m::Set(link, "val", target_path);
        links.push_back(onem2m::Complex(std::move(link)));
      }
    } else if (kept != nullptr && !lwm2m::Contains(path, target.At(source.resource_id))) {
      for (const Value& link : kept->list().values()) {
        const Value* type = onem2m::Find(link.object(), "typ");
        if (type != nullptr && type->integer() == source.mgmt_definition) links.push_back(link);
      }
    }
  }
  return onem2m::List(std::move(links));
}

}  // namespace

Reading ReadAttributes(const Target& target, const onem2m::v1::Object& kept, const lwm2m::v1::Path& path,
                       const Nodes& nodes) {
  Reading reading;
  const Values values = Collect(target, path, nodes);
  reading.attributes.Reserve(static_cast<int>(target.mapping->attributes.size()));
  for (const AttributeMapping& attribute : target.mapping->attributes) {
    bool covered = false;
    bool broken = false;
    Found found;
    for (const uint32_t id : attribute.ReadIds()) {
      covered = covered || lwm2m::Contains(path, target.At(id)) || lwm2m::Contains(target.At(id), path);
      const Instances instances = values.Of(id);
      if (instances.empty()) continue;
      absl::StatusOr<Value> value = Convert(target, attribute, id, instances);
      if (value.ok()) {
        found.emplace_back(id, *std::move(value));
      } else {
        broken = true;
        reading.problems.push_back(
            {attribute.short_name, absl::StrCat(attribute.short_name, " (", attribute.long_name, ") from ",
                                                target.Describe(id), ": ", value.status().message())});
      }
    }
    if (!covered || broken) continue;
    if (found.empty()) {
      reading.missing.push_back(attribute.short_name);
      continue;
    }
    onem2m::v1::Attribute& result = *reading.attributes.Add();
    result.set_name(attribute.short_name);
    if (attribute.is_links()) {
      *result.mutable_value() = CombineLinks(target, attribute, onem2m::Find(kept, attribute.short_name), path, found);
      continue;
    }
    if (!attribute.is_status()) {
      *result.mutable_value() = std::move(found.front().second);
      continue;
    }
    const StatusConversion& status = *attribute.conversion.status;
    StatusInput input;
    if (const Value* state = At(found, status.state_id)) input.state = state->integer();
    if (status.result_id.has_value()) {
      if (const Value* result_value = At(found, *status.result_id)) input.result = result_value->integer();
    }
    input.kept = onem2m::Find(kept, attribute.short_name);
    *result.mutable_value() = EvaluateStatus(status, input);
  }
  return reading;
}

absl::StatusOr<Value> WrittenValue(const Target& target, const AttributeMapping& attribute, const Value* kept,
                                   const lwm2m::v1::Path& path, const Nodes& nodes) {
  const Values values = Collect(target, target.instance, nodes);
  if (attribute.is_links()) {
    Found found;
    for (const uint32_t id : attribute.ReadIds()) {
      const Instances instances = values.Of(id);
      if (instances.empty()) continue;
      ASSIGN_OR_RETURN(Value value, Convert(target, attribute, id, instances));
      found.emplace_back(id, std::move(value));
    }
    if (found.empty()) return absl::NotFoundError("not written");
    return CombineLinks(target, attribute, kept, path, found);
  }
  const Instances instances = values.Of(attribute.resource_id);
  if (instances.empty()) return absl::NotFoundError("not written");
  return Convert(target, attribute, attribute.resource_id, instances);
}

}  // namespace isthmus::translation
