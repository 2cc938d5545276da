#include "services/translation/core/mapping_list.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/status/invalid_field.h"
#include "services/translation/core/conversion.h"
#include "services/translation/core/generic_mapping.h"

namespace isthmus::translation {

absl::StatusOr<v1::ListMappingsResponse> ListMappings(const MappingTable& table,
                                                      const v1::ListMappingsRequest& request) {
  if (!request.root().empty() && request.root() != kGenericRoot && table.FindMapping(request.root()) == nullptr) {
    std::vector<std::string> known = {kGenericRoot};
    for (const ResourceMapping& mapping : table.mappings()) known.push_back(mapping.root);
    return status::InvalidField(
        "root", status::FieldReason::kUnexpected,
        absl::StrCat("there is no mapping for '", request.root(), "'; mapped are ", absl::StrJoin(known, ", ")));
  }
  v1::ListMappingsResponse response;
  response.set_mapping_version(table.version());
  std::vector<const ResourceMapping*> mappings;
  if (request.root() == kGenericRoot) {
    for (const ResourceMapping& mapping : table.generic_mappings()) {
      if (!IsHidden(mapping.object_id) && !table.IsMapped(mapping.object_id)) mappings.push_back(&mapping);
    }
  } else {
    for (const ResourceMapping& mapping : table.mappings()) {
      if (request.root().empty() || mapping.root == request.root()) mappings.push_back(&mapping);
    }
  }
  for (const ResourceMapping* listed : mappings) {
    const ResourceMapping& mapping = *listed;
    for (const AttributeMapping& attribute : mapping.attributes) {
      v1::Mapping* entry = response.add_mappings();
      entry->set_root(mapping.root);
      entry->set_attribute(attribute.short_name);
      entry->set_attribute_long_name(attribute.long_name);
      entry->set_conversion(DescribeConversion(attribute));
      entry->set_clause(attribute.clause);
      if (attribute.access == Access::kLocal) continue;
      entry->set_object_id(mapping.object_urn);
      entry->set_resource_id(attribute.FirstId());
      if (attribute.readable()) entry->add_operations("Read");
      if (attribute.writable()) entry->add_operations("Write");
      if (attribute.is_action()) entry->add_operations("Execute");
    }
  }
  return response;
}

}  // namespace isthmus::translation
