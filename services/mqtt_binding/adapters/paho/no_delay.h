// TCP_NODELAY for sockets that a library opened and does not show.
//
// Paho writes PUBACK and the PUBLISH that follows as two small segments and never sets the option: Nagle's algorithm
// holds the second back until the peer's delayed acknowledgement, which costs 40 ms for each request.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_PAHO_NO_DELAY_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_PAHO_NO_DELAY_H_

#include <cstdint>

namespace isthmus::mqtt_binding {

// Sets the option on each TCP socket of this process whose peer has this port, and returns how many there are. By port
// only: the address may be any that the broker's name resolves to, and the option harms nobody.
int SetNoDelayTowards(uint16_t peer_port);

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_PAHO_NO_DELAY_H_
