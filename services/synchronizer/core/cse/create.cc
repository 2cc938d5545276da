// CREATE (TS-0004 7.3.3.1; <AE> 7.4.5.2.1, <subscription> 7.4.8.2.1, <mgmtObj> 7.4.15.2.1).
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/synchronizer/core/cse/cse_core.h"
#include "services/synchronizer/core/cse/primitive_check.h"
#include "services/synchronizer/core/cse/result_content.h"
#include "services/synchronizer/core/representation/representation.h"

namespace isthmus::synchronizer {
namespace {

using onem2m::v1::Object;
using onem2m::v1::Value;

constexpr uint32_t kBadRequest = onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST;

bool IsNull(const Value* value) { return value != nullptr && value->kind_case() == Value::kNull; }

}  // namespace

StoredResource CseCore::NewRecord(const Entry& parent, uint32_t type, const std::string& root,
                                  const std::string& resource_id, const std::string& name,
                                  const Object& attributes) const {
  StoredResource record;
  record.resource_id = resource_id;
  record.parent_id = parent.record.resource_id;
  record.type = type;
  record.name = name;
  record.root = root;
  const absl::Time now = context_.clock->Now();
  Object& all = record.attributes;
  onem2m::Set(all, "rn", onem2m::Text(name));
  onem2m::Set(all, "ty", onem2m::Integer(type));
  onem2m::Set(all, "ri", onem2m::Text(resource_id));
  onem2m::Set(all, "pi", onem2m::Text(record.parent_id));
  onem2m::Set(all, "ct", onem2m::Text(onem2m::FormatTimestamp(now)));
  onem2m::Set(all, "lt", onem2m::Text(onem2m::FormatTimestamp(now)));
  const Value* expiration = onem2m::Find(attributes, "et");
  onem2m::Set(all, "et",
              expiration != nullptr ? *expiration
                                    : onem2m::Text(onem2m::FormatTimestamp(now + context_.options.default_expiration)));
  for (const onem2m::v1::Attribute& attribute : attributes.members()) {
    if (attribute.name() != "rn" && attribute.name() != "et" && attribute.value().kind_case() != Value::kNull) {
      *all.add_members() = attribute;
    }
  }
  return record;
}

std::string CseCore::FreeName(const Entry& parent, const std::string& wanted) const {
  std::string name = wanted;
  for (int number = 2; context_.tree.FindByPath(absl::StrCat(parent.path, "/", name)) != nullptr; ++number) {
    name = absl::StrCat(wanted, "-", number);
  }
  return name;
}

Checked CseCore::CheckPolicies(const Object& attributes) const {
  const Value* policies = onem2m::Find(attributes, "acpi");
  if (policies == nullptr || IsNull(policies)) return std::nullopt;
  for (const Value& policy : policies->list().values()) {
    Address address;
    const Checked checked = context_.space.Parse(policy.text(), &address);
    // A policy of another CSE cannot be looked at; it gives no rights here.
    if (checked.has_value() && checked->code == onem2m::v1::RESPONSE_STATUS_CODE_NOT_FOUND) continue;
    if (context_.access.FindPolicy(policy.text()) == nullptr) {
      return Refusal{kBadRequest, absl::StrCat("attribute acpi (accessControlPolicyIDs): there is no "
                                               "<accessControlPolicy> '",
                                               policy.text(), "'")};
    }
  }
  return std::nullopt;
}

Checked CseCore::SettleExpiration(const Entry& parent, bool creation, Object* attributes) const {
  const absl::Time now = context_.clock->Now();
  const Value* given = onem2m::Find(*attributes, "et");
  if (given == nullptr && !creation) return std::nullopt;
  absl::Time expiration = now + context_.options.default_expiration;
  if (given != nullptr && !IsNull(given)) {
    expiration = onem2m::ParseTimestamp(given->text()).value_or(absl::InfinitePast());
    if (expiration <= now) {
      return Refusal{kBadRequest, absl::StrCat("attribute et (expirationTime): expected a time after now (",
                                               onem2m::FormatTimestamp(now), "), got ", given->text())};
    }
  }
  if (parent.expires < expiration) expiration = parent.expires;
  onem2m::Set(*attributes, "et", onem2m::Text(onem2m::FormatTimestamp(expiration)));
  return std::nullopt;
}

CseCore::Outcome CseCore::Create(const Call& call, Entry* parent) {
  const uint32_t type = call.primitive.resource_type();
  if (type == kCseBase) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED, "a CSEBase is not created by request");
  }
  if (type == kExecInstance) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_OPERATION_NOT_ALLOWED,
                   "an <execInstance> is not created by request: an UPDATE of execEnable of a <mgmtCmd> makes it");
  }
  // Whoever is to become an AE has no rights yet.
  if (type != kAe && !context_.access.Allows(call.originator, *parent, kCreate, type)) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE,
                   absl::StrCat(call.primitive.from(), " may not CREATE below ", parent->path));
  }
  if (type == kSubscription && !context_.access.Allows(call.originator, *parent, kRetrieve)) {
    return Refused(
        call, onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_NO_PRIVILEGE,
        absl::StrCat(call.primitive.from(), " may not RETRIEVE ", parent->path, ", so it may not subscribe"));
  }
  if (!context_.tables.Implements(type)) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_NOT_IMPLEMENTED,
                   absl::StrCat("ty: resource type ", type, " is not supported here"));
  }
  const ResourceTable& parent_table = context_.TableOf(parent->record);
  if (!parent_table.AllowsChild(type)) {
    if (type == kSubscription) {
      return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_TARGET_NOT_SUBSCRIBABLE,
                     absl::StrCat("a ", parent_table.name, " cannot be subscribed to"));
    }
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_INVALID_CHILD_RESOURCE_TYPE,
                   absl::StrCat("ty: a ", parent_table.name, " has no children of type ", type));
  }
  const ResourceTable* table = nullptr;
  if (Checked checked = TableOfContent(context_.tables, type, call.primitive, &table)) return Refused(call, *checked);
  Object attributes;
  if (Checked checked = CheckCreate(*table, call.primitive, &attributes)) return Refused(call, *checked);
  if (Checked checked = CheckPolicies(attributes)) return Refused(call, *checked);
  if (Checked checked = SettleExpiration(*parent, true, &attributes)) return Refused(call, *checked);
  const std::string name = onem2m::FindText(attributes, "rn");
  if (onem2m::Find(attributes, "rn") != nullptr && !IsResourceName(name)) {
    return Refused(call, kBadRequest,
                   absl::StrCat("attribute rn (resourceName): expected a letter or digit, then letters, digits, '-', "
                                "'.' or '_', got '",
                                name.substr(0, 100), "'"));
  }
  const std::string resource_id = call.reserved_id.empty() ? context_.ids->NextId() : call.reserved_id;
  StoredResource record =
      NewRecord(*parent, type, call.primitive.primitive_content().name(), resource_id, name, attributes);
  record.creator = call.originator;
  if (type == kAe) return CreateApplication(call, parent, std::move(record));
  if (name.empty()) {
    // Unnamed resources are called after their type and their ID, as "bat-r7".
    const std::string& root = table->root.empty() ? record.root : table->root;
    record.name = FreeName(*parent, ToResourceName(absl::StrCat(root.substr(root.find(':') + 1), "-", resource_id)));
    onem2m::Set(record.attributes, "rn", onem2m::Text(record.name));
  }
  if (type == kSubscription) return CreateSubscription(call, parent, std::move(record));
  if (type == kManagementCommand) return CreateCommand(call, parent, std::move(record));
  if (type == kManagementObject &&
      (onem2m::Find(attributes, "obis") != nullptr || onem2m::Find(attributes, "obps") != nullptr)) {
    return CreateOnDevice(call, parent, std::move(record));
  }
  Change change(&context_);
  return FinishCreate(call, parent, std::move(record), &change);
}

CseCore::Outcome CseCore::CreateApplication(const Call& call, Entry* parent, StoredResource record) {
  const std::string& from = call.originator;
  std::string stem = from;
  if (from.empty() || from == "C") {
    stem = absl::StrCat("C", context_.ids->NextId());
  } else if (from == "S") {
    stem = absl::StrCat("S", context_.ids->NextId());
  } else if (from.front() == '/') {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_SECURITY_ASSOCIATION_REQUIRED,
                   absl::StrCat("fr: ", call.primitive.from(),
                                " is the ID of a CSE or of another CSE's AE; it does not "
                                "register here"));
  } else if (!IsAeIdStem(from)) {
    return Refused(
        call, kBadRequest,
        absl::StrCat("fr: expected an AE-ID-Stem that starts with C or S, or C, or S, or nothing; got ", from));
  }
  const std::string application = onem2m::FindText(record.attributes, "api");
  const std::string& release = call.primitive.release_version_indicator();
  const bool old_release = release != "4" && release != "5";
  const char kind = application.empty() ? '\0' : application.front();
  if (kind != 'R' && kind != 'N' && !(kind == 'r' && old_release)) {
    return Refused(call, kBadRequest,
                   absl::StrCat("attribute api (App-ID): expected to start with R or N", old_release ? " or r" : "",
                                ", got '", application, "'"));
  }
  if (context_.tree.FindById(stem) != nullptr) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_ORIGINATOR_HAS_ALREADY_REGISTERED,
                   absl::StrCat("fr: the AE-ID ", stem, " is registered already"));
  }
  record.resource_id = stem;
  record.creator = stem;
  if (record.name.empty()) record.name = FreeName(*parent, stem);
  onem2m::Set(record.attributes, "rn", onem2m::Text(record.name));
  onem2m::Set(record.attributes, "ri", onem2m::Text(stem));
  onem2m::Set(record.attributes, "aei", onem2m::Text(stem));
  Change change(&context_);
  Link(&change, stem, onem2m::FindText(record.attributes, "nl"));
  Outcome outcome = FinishCreate(call, parent, std::move(record), &change);
  if (outcome.response.primitive().response_status_code() == onem2m::v1::RESPONSE_STATUS_CODE_CREATED) {
    outcome.response.mutable_primitive()->set_to(stem);
  }
  return outcome;
}

CseCore::Outcome CseCore::FinishCreate(const Call& call, Entry* parent, StoredResource record, Change* change) {
  const std::string path = absl::StrCat(parent->path, "/", record.name);
  if (context_.tree.FindByPath(path) != nullptr) {
    return Refused(call, onem2m::v1::RESPONSE_STATUS_CODE_CONFLICT,
                   absl::StrCat("attribute rn (resourceName): ", path, " exists already"));
  }
  const std::string resource_id = record.resource_id;
  change->Insert(std::move(record));
  if (absl::Status status = change->Commit(); !status.ok()) return StoreFailed(call, status);
  const Entry& entry = *context_.tree.FindById(resource_id);

  Outcome outcome{Answer(call.primitive, onem2m::v1::RESPONSE_STATUS_CODE_CREATED), nullptr};
  onem2m::v1::ResponsePrimitive* response = outcome.response.mutable_primitive();
  const std::string address = AddressFor(context_, entry, call.originator, 1);
  switch (call.result_content) {
    case kNothing:
      break;
    case kHierarchicalAddress:
      response->mutable_primitive_content()->set_name("m2m:uri");
      *response->mutable_primitive_content()->mutable_value() = onem2m::Text(address);
      break;
    case kAddressAndAttributes: {
      Object result;
      const onem2m::v1::Attribute representation = Representation(context_, entry);
      onem2m::Set(result, "uri", onem2m::Text(address));
      onem2m::Set(result, representation.name(), representation.value());
      response->mutable_primitive_content()->set_name("m2m:rce");
      *response->mutable_primitive_content()->mutable_value() = onem2m::Complex(std::move(result));
      break;
    }
    case kModifiedAttributes: {
      // What the originator does not know yet.
      const Object& given = call.primitive.primitive_content().value().object();
      Object modified;
      for (const onem2m::v1::Attribute& attribute : entry.record.attributes.members()) {
        const Value* value = onem2m::Find(given, attribute.name());
        if (value == nullptr || !onem2m::Equal(*value, attribute.value())) *modified.add_members() = attribute;
      }
      response->mutable_primitive_content()->set_name(entry.record.root);
      *response->mutable_primitive_content()->mutable_value() = onem2m::Complex(std::move(modified));
      break;
    }
    default:
      *response->mutable_primitive_content() = Representation(context_, entry);
      break;
  }
  return outcome;
}

// ---- an AE and its <node> ------------------------------------------------------------------------------------------

void CseCore::Link(Change* change, const std::string& application_id, const std::string& node_link) {
  if (node_link.empty()) return;
  Entry* node = context_.Resolve(node_link);
  if (node == nullptr || node->record.type != kNode) return;
  Object& attributes = change->Edit(node).attributes;
  Value links = onem2m::List({});
  if (const Value* existing = onem2m::Find(attributes, "hael")) links = *existing;
  for (const Value& link : links.list().values()) {
    if (link.text() == application_id) return;
  }
  links.mutable_list()->add_values()->set_text(application_id);
  onem2m::Set(attributes, "hael", std::move(links));
}

void CseCore::Unlink(Change* change, const std::string& application_id, const std::string& node_link) {
  if (node_link.empty()) return;
  Entry* node = context_.Resolve(node_link);
  if (node == nullptr || node->record.type != kNode) return;
  Object& attributes = change->Edit(node).attributes;
  const Value* existing = onem2m::Find(attributes, "hael");
  if (existing == nullptr) return;
  Value links = onem2m::List({});
  for (const Value& link : existing->list().values()) {
    if (link.text() != application_id) *links.mutable_list()->add_values() = link;
  }
  if (links.list().values_size() == 0) {
    onem2m::Remove(attributes, "hael");
  } else {
    onem2m::Set(attributes, "hael", std::move(links));
  }
}

}  // namespace isthmus::synchronizer
