#include "services/synchronizer/core/cse/result_content.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/cse/primitive_check.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;

constexpr uint32_t kUnlimited = std::numeric_limits<uint32_t>::max();

Object AttributesOf(const CseContext& context, const Entry& entry, const std::vector<std::string>& wanted) {
  Object attributes;
  if (wanted.empty()) {
    attributes = entry.record.attributes;
  } else {
    for (const std::string& name : wanted) {
      if (onem2m::Find(attributes, name) != nullptr) continue;
      if (const Value* value = onem2m::Find(entry.record.attributes, name)) onem2m::Set(attributes, name, *value);
    }
  }
  const bool wants_time = wanted.empty() || std::find(wanted.begin(), wanted.end(), "ctm") != wanted.end();
  if (entry.record.type == kCseBase && wants_time) {
    onem2m::Set(attributes, "ctm", onem2m::Text(onem2m::FormatTimestamp(context.clock->Now())));
  }
  return attributes;
}

// One listing while it is made.
class Collector {
 public:
  Collector(const CseContext& context, const Listing& listing, const Filter& filter)
      : context_(context), listing_(listing), filter_(filter), now_(context.clock->Now()) {
    const onem2m::v1::FilterCriteria& criteria = listing.primitive->filter_criteria();
    limit_ = context.options.max_results;
    if (criteria.has_limit()) limit_ = std::min(limit_, criteria.limit());
    level_ = criteria.has_level() ? criteria.level() : kUnlimited;
    first_ = criteria.has_offset() && criteria.offset() > 0 ? criteria.offset() : 1;
  }

  // Everything below `target` that matches, in one list.
  std::vector<const Entry*> Flat(const Entry& target) {
    std::vector<const Entry*> results;
    uint32_t matched = 0;
    CollectFlat(target, 1, &matched, &results);
    if (matched >= first_ + limit_) MarkPartial(first_ + limit_);
    return results;
  }

  // Children of `target` as members of `object`: a list for each root, each child with its own below it. A resource
  // that does not match takes those below it along, because they have no other place. Limit counts all, offset the
  // direct children.
  void Nest(const Entry& target, Object* object) {
    uint32_t direct = 0;
    for (const auto& [order, child] : target.children) {
      if (!Visible(*child) || level_ < 1 || !filter_.Matches(*child)) continue;
      if (++direct < first_) continue;
      if (count_ >= limit_) {
        MarkPartial(direct);
        return;
      }
      AddNested(*child, 1, object);
      if (full_) {
        MarkPartial(direct);
        return;
      }
    }
  }

  bool partial() const { return next_ > 0; }
  uint32_t next() const { return next_; }

 private:
  bool Visible(const Entry& entry) const {
    return entry.expires > now_ && context_.access.Allows(listing_.originator, entry, listing_.operation);
  }
  void MarkPartial(uint32_t next) { next_ = next; }

  void CollectFlat(const Entry& parent, uint32_t level, uint32_t* matched, std::vector<const Entry*>* results) {
    if (level > level_) return;
    for (const auto& [order, child] : parent.children) {
      if (child->expires <= now_) continue;
      if (filter_.Matches(*child) && Visible(*child)) {
        ++*matched;
        if (*matched >= first_ && results->size() < limit_) results->push_back(child);
      }
      CollectFlat(*child, level + 1, matched, results);
    }
  }

  void AddNested(const Entry& entry, uint32_t level, Object* object) {
    ++count_;
    Object attributes = AttributesOf(context_, entry, {});
    if (level < level_) {
      for (const auto& [order, child] : entry.children) {
        if (!Visible(*child) || !filter_.Matches(*child)) continue;
        if (count_ >= limit_) {
          full_ = true;
          break;
        }
        AddNested(*child, level + 1, &attributes);
      }
    }
    Value* list = onem2m::FindMutable(*object, entry.record.root);
    if (list == nullptr) {
      onem2m::Set(*object, entry.record.root, onem2m::List({}));
      list = onem2m::FindMutable(*object, entry.record.root);
    }
    *list->mutable_list()->add_values() = onem2m::Complex(std::move(attributes));
  }

  const CseContext& context_;
  const Listing& listing_;
  const Filter& filter_;
  const absl::Time now_;
  uint32_t limit_ = 0, level_ = 0, first_ = 1, count_ = 0, next_ = 0;
  bool full_ = false;
};

Value References(const CseContext& context, const Listing& listing, const std::vector<const Entry*>& entries) {
  Value references;
  references.mutable_list();
  for (const Entry* entry : entries) {
    Object reference;
    onem2m::Set(reference, "nm", onem2m::Text(entry->record.name));
    onem2m::Set(reference, "typ", onem2m::Integer(entry->record.type));
    onem2m::Set(reference, "val",
                onem2m::Text(AddressFor(context, *entry, listing.originator,
                                        listing.primitive->desired_identifier_result_type())));
    *references.mutable_list()->add_values() = onem2m::Complex(std::move(reference));
  }
  return references;
}

// With the path that the originator wants appended, where there is a resource of that address.
std::vector<const Entry*> Append(const CseContext& context, const Listing& listing, std::vector<const Entry*> entries) {
  const std::string& relative_path = listing.primitive->filter_criteria().applied_relative_path();
  if (relative_path.empty()) return entries;
  std::vector<const Entry*> results;
  for (const Entry* entry : entries) {
    const Entry* found = context.tree.FindByPath(absl::StrCat(entry->path, "/", relative_path));
    if (found != nullptr && context.access.Allows(listing.originator, *found, listing.operation))
      results.push_back(found);
  }
  return results;
}

void SetContent(onem2m::v1::ResponsePrimitive* response, absl::string_view name, Value value) {
  onem2m::v1::Attribute* content = response->mutable_primitive_content();
  content->set_name(std::string(name));
  *content->mutable_value() = std::move(value);
}

}  // namespace

onem2m::v1::Attribute Representation(const CseContext& context, const Entry& entry,
                                     const std::vector<std::string>& wanted) {
  onem2m::v1::Attribute content;
  content.set_name(entry.record.root);
  *content.mutable_value()->mutable_object() = AttributesOf(context, entry, wanted);
  return content;
}

std::string AddressFor(const CseContext& context, const Entry& entry, absl::string_view originator, uint32_t drt) {
  if (drt == 2) return context.ReferenceOf(entry.record.resource_id);
  if (!originator.empty() && originator.front() == '/') return context.ReferenceOf(entry.path);
  return entry.path;
}

Checked ListInto(const CseContext& context, const Entry& target, const Listing& listing, uint32_t result_content,
                 onem2m::v1::ResponsePrimitive* response) {
  Filter filter;
  RETURN_IF_REFUSED(filter.Parse(listing.primitive->filter_criteria()));
  Collector collector(context, listing, filter);
  if (result_content == kAttributesAndChildren || result_content == kChildren) {
    Object object = result_content == kChildren ? Object() : AttributesOf(context, target, {});
    collector.Nest(target, &object);
    SetContent(response, target.record.root, onem2m::Complex(std::move(object)));
  } else {
    const std::vector<const Entry*> entries = Append(context, listing, collector.Flat(target));
    if (result_content == kDiscoveryReferences) {
      Value list;
      list.mutable_list();
      for (const Entry* entry : entries) {
        *list.mutable_list()->add_values() = onem2m::Text(
            AddressFor(context, *entry, listing.originator, listing.primitive->desired_identifier_result_type()));
      }
      SetContent(response, "m2m:uril", std::move(list));
    } else if (result_content == kChildReferences) {
      Object object;
      onem2m::Set(object, "rrf", References(context, listing, entries));
      SetContent(response, "m2m:rrl", onem2m::Complex(std::move(object)));
    } else {
      Object object = AttributesOf(context, target, {});
      onem2m::Set(object, "ch", References(context, listing, entries));
      SetContent(response, target.record.root, onem2m::Complex(std::move(object)));
    }
  }
  RETURN_IF_REFUSED(filter.CheckNames(context.tables));
  if (collector.partial()) {
    response->set_content_status(1);
    response->set_content_offset(collector.next());
  }
  return std::nullopt;
}

}  // namespace isthmus::synchronizer
