#include "services/lib/coap/critical_options.h"

namespace isthmus::coap {
namespace {

constexpr uint16_t kIfMatch = 1, kUriHost = 3, kIfNoneMatch = 5, kUriPort = 7, kProxyUri = 35, kProxyScheme = 39;
constexpr Code kProxyingNotSupported = 505;

}  // namespace

Code RefusalOfCriticalOptions(const Message& message) {
  for (const Option& option : message.options) {
    if (option.number % 2 == 0) continue;  // elective
    switch (option.number) {
      case kIfMatch:
      case kUriHost:
      case kIfNoneMatch:
      case kUriPort:
      case kUriPath:
      case kUriQuery:
      case kAccept:
      case kBlock1:
      case kBlock2:
        continue;
      case kProxyUri:
      case kProxyScheme:
        return kProxyingNotSupported;
      default:
        return kBadOption;
    }
  }
  return kEmpty;
}

}  // namespace isthmus::coap
