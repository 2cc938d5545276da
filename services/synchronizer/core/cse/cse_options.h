// Who this IN-CSE is and how it behaves.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_OPTIONS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace isthmus::synchronizer {

struct CseOptions {
  std::string cse_id = "/id-in";
  std::string cse_name = "cse-in";
  std::string sp_id = "//isthmus.example.com";
  // May do everything; needs no <AE>.
  std::string admin_originator = "CAdmin";
  // Values of `rvi` that are served.
  std::vector<std::string> releases = {"2a", "3", "4", "5"};
  // A request without `rvi` is one of release 1 (TS-0004 6.4.1): served, or answered 4001.
  bool accept_absent_release = true;
  // pointOfAccess of the CSEBase.
  std::vector<std::string> points_of_access;
  // accessControlOriginators of cse-in/devicesAcp, which governs what the device side makes. Counts at the first start;
  // later the policy is a resource like any other.
  std::vector<std::string> device_originators = {"CAdmin"};
  // expirationTime of what is created without one.
  absl::Duration default_expiration = absl::Hours(24 * 365 * 5);
  // The most results of one discovery or listing; more are told by `cnst` and `cnot`.
  uint32_t max_results = 10000;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_CSE_CSE_OPTIONS_H_
