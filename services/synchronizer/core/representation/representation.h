// Checks the resource representation of a request against the attribute tables (TS-0004 7.3.3.3, 7.3.3.4), and brings
// one that passed into the form that is kept.
//
//   onem2m::v1::Object attributes;
//   RETURN_IF_REFUSED(CheckUpdate(table, "m2m:bat", request.primitive_content(), kRefuseUnknown, &attributes));
//
// Every objection names the attribute, what was expected, and what came.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_REPRESENTATION_REPRESENTATION_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_REPRESENTATION_REPRESENTATION_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "isthmus/onem2m/v1/primitive.pb.h"
#include "services/synchronizer/core/refusal.h"
#include "services/synchronizer/core/tables/resource_tables.h"

namespace isthmus::synchronizer {

// The table that the content of a CREATE is held to: by type, and for <mgmtObj> by root and mgmtDefinition.
Checked TableOfContent(const ResourceTables& tables, uint32_t type, const onem2m::v1::RequestPrimitive& request,
                       const ResourceTable** table);

// `attributes`: the content, with numbers in one form, initial values added, actions at what they always read. A null
// that asks the IN-CSE to fill an attribute stays in it.
Checked CheckCreate(const ResourceTable& table, const onem2m::v1::RequestPrimitive& request,
                    onem2m::v1::Object* attributes);

// What happens to attributes that the table does not have.
enum class Unknown {
  kRefuse,
  kPass,  // somebody else knows them: the mappings of a device
};

// `attributes`: the content, with numbers in one form; null asks for deletion.
Checked CheckUpdate(const ResourceTable& table, absl::string_view root, const onem2m::v1::RequestPrimitive& request,
                    Unknown unknown, onem2m::v1::Object* attributes);

// One attribute, for values that come from elsewhere. May bring the value's number into its form.
Checked CheckValue(const AttributeRule& rule, absl::string_view path, onem2m::v1::Value* value);

// What an UPDATE that was checked makes of an attribute: null deletes it (TS-0004 7.3.3.7).
void Assign(const onem2m::v1::Attribute& given, onem2m::v1::Object* attributes);

// Actions go to what they always read.
void ApplyDisplayRules(const ResourceTable& table, onem2m::v1::Object* attributes);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_REPRESENTATION_REPRESENTATION_H_
