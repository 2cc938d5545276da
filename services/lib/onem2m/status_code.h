// What a Response Status Code says as a class (TS-0004 6.6).
#ifndef ISTHMUS_SERVICES_LIB_ONEM2M_STATUS_CODE_H_
#define ISTHMUS_SERVICES_LIB_ONEM2M_STATUS_CODE_H_

#include <cstdint>

namespace isthmus::onem2m {

// 2000 to 2999.
constexpr bool IsSuccess(uint32_t response_status_code) {
  return response_status_code >= 2000 && response_status_code < 3000;
}

}  // namespace isthmus::onem2m

#endif  // ISTHMUS_SERVICES_LIB_ONEM2M_STATUS_CODE_H_
