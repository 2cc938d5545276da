// Why a request is not served: a Response Status Code and a reason in words, for `m2m:dbg`.
//
//   Checked CheckName(absl::string_view name) {
//     if (name.empty()) return Refusal{4000, "rn: expected a name, got nothing"};
//     return std::nullopt;  // fine
//   }
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_REFUSAL_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_REFUSAL_H_

#include <cstdint>
#include <optional>
#include <string>

namespace isthmus::synchronizer {

struct Refusal {
  uint32_t code = 0;
  std::string reason;
};

// Nothing = no objection.
using Checked = std::optional<Refusal>;

#define RETURN_IF_REFUSED(expression)                                                              \
  do {                                                                                             \
    if (::isthmus::synchronizer::Checked isthmus_refusal_ = (expression)) return isthmus_refusal_; \
  } while (false)

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_REFUSAL_H_
