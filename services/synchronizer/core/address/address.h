// Addresses of resources (`to`, TS-0004 6.2.3) and identities of originators (`fr`).
//
//   AddressSpace space("/id-in", "cse-in", "//isthmus.example.com");
//   Address address;
//   Checked checked = space.Parse("//isthmus.example.com/id-in/cse-in/n/bat#btl", &address);
//   // address.local == "cse-in/n/bat", address.structured, address.attribute == "btl"
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ADDRESS_ADDRESS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ADDRESS_ADDRESS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "services/synchronizer/core/refusal.h"

namespace isthmus::synchronizer {

struct Address {
  // CSE-relative, without fragment. Structured: starts with the name of the CSEBase. Else: a resource ID, maybe
  // followed by '/' and names of resources below it.
  std::string local;
  bool structured = false;
  // Fragment: the short name of one attribute; empty = the whole resource.
  std::string attribute;
};

// Immutable, thread-safe.
class AddressSpace {
 public:
  // `cse_id` starts with one '/', `sp_id` with two.
  AddressSpace(std::string cse_id, std::string cse_name, std::string sp_id);

  // 4000 for what is no address, 4004 for another CSE's or another service provider's.
  Checked Parse(absl::string_view to, Address* address) const;

  // One form for each identity: our AEs as stem (`Cmon`), CSEs and AEs of other CSEs SP-relative (`/id-x`, `/id-x/Cy`).
  std::string NormalizeOriginator(absl::string_view from) const;
  // The other form of an AE of ours: `/id-in/Cmon` for `Cmon`; "" for any other identity.
  std::string SpRelativeForm(absl::string_view normalized) const;

  const std::string& cse_id() const { return cse_id_; }
  const std::string& cse_name() const { return cse_name_; }
  const std::string& sp_id() const { return sp_id_; }

 private:
  const std::string cse_id_, cse_name_, sp_id_;
};

// Letter or digit, then letters, digits, '-', '.', '_' (resourceName of TS-0004 6.3.3), 256 characters at the most.
bool IsResourceName(absl::string_view name);
// What remains of any text as a resource name: other characters become '-'.
std::string ToResourceName(absl::string_view text);
// `C` or `S` and at least one character of a resource name (AE-ID-Stem).
bool IsAeIdStem(absl::string_view text);

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ADDRESS_ADDRESS_H_
