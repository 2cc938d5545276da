// Which critical options are known here; the others forbid to take a message (RFC 7252 5.4.1).
#ifndef ISTHMUS_SERVICES_LIB_COAP_CRITICAL_OPTIONS_H_
#define ISTHMUS_SERVICES_LIB_COAP_CRITICAL_OPTIONS_H_

#include "services/lib/coap/message.h"

namespace isthmus::coap {

// What to answer to a request because of its critical options; kEmpty when they are all known.
Code RefusalOfCriticalOptions(const Message& message);

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_CRITICAL_OPTIONS_H_
