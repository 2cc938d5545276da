// A mosquitto of a test's own, on a free loopback port, with its files in the test's directory.
//
//   TestBroker broker;           // started
//   broker.Kill(); broker.Start();
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_TEST_BROKER_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_TEST_BROKER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace isthmus::mqtt_binding {

// Aborts the test with a message when there is no mosquitto or it does not start. Not thread-safe.
class TestBroker {
 public:
  TestBroker();
  ~TestBroker();

  // Back on the same port.
  void Start();
  // Ends it as an operator would: sessions and what waits for them are written to the persistence file.
  void Stop();
  // Ends it at once: what was not written yet is lost.
  void Kill();
  // Deletes the persistence file; only while it is not running.
  void ForgetSessions();

  uint16_t port() const { return port_; }

 private:
  void End(int signal);

  std::string directory_;
  uint16_t port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_TEST_BROKER_H_
