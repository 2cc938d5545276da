// The MQTT connection, over Paho C++: MQTT 3.1.1, QoS 1, a durable session (clean session false), no will.
//
//   PahoClient mqtt({.host = "127.0.0.1", .port = 1883, .client_id = "C::id-in", .filters = scheme.Filters()}, &clock);
//   mqtt.Start({[&](const IncomingMessage& m) { binding.OnMessage(m); }, [&](PahoClient::Link link) { ... }});
//   mqtt.Publish({topic, payload});
//   mqtt.Stop(absl::Seconds(5));
//
// Connects and connects again by itself, for ever; see core/reconnect_policy.h. After each connect the filters are
// subscribed again, whatever the broker remembers of the session.
//
// Each connection is a Paho client of its own and what the broker has not acknowledged is kept in the Outbox: Paho
// drops what is in flight when the broker lost the session, and keeps it when the broker did not; with a new client for
// each connection the outcome is one, everything unacknowledged goes out again in its order. Nothing of Paho throws
// past this class.
//
// The price is a leak in Paho (1.3.12): messages that it was given and had not begun to write when the connection was
// lost are never freed with their client. Outbox::Limits::window bounds them.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_PAHO_PAHO_CLIENT_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_PAHO_PAHO_CLIENT_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/mqtt_binding/core/log_limiter.h"
#include "services/mqtt_binding/core/mqtt_client.h"
#include "services/mqtt_binding/core/outbox.h"
#include "services/mqtt_binding/core/reconnect_policy.h"

namespace isthmus::mqtt_binding {

// Thread-safe.
class PahoClient final : public MqttClient {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    uint16_t port = 1883;
    std::string client_id;
    std::string username;  // empty = none
    std::string password;
    absl::Duration keep_alive = absl::Seconds(10);
    // How long the broker may take to accept a connection or a subscription.
    absl::Duration connect_timeout = absl::Seconds(5);
    std::vector<std::string> filters;
    Outbox::Limits outbox;
    ReconnectPolicy::Options reconnect;
  };
  enum class Link {
    kAway,       // no connection, or not subscribed yet
    kOnline,     // connected and subscribed
    kContested,  // connected and subscribed, but somebody else seems to use our client id
  };
  struct Callbacks {
    // On Paho's thread; must not block, and may Publish.
    std::function<void(const IncomingMessage&)> on_message;
    // On this class's own thread.
    std::function<void(Link)> on_link;
  };

  PahoClient(Options options, const Clock* clock);
  ~PahoClient() override;

  void Start(Callbacks callbacks);
  // Waits up to `left` until the broker has everything that was published and `settled` (null = yes) says that nothing
  // more is to come, disconnects, and drops the rest. When a message slips in while it disconnects, it connects again
  // for the sake of its answer. The session stays at the broker, which keeps what comes for us. No callback after that.
  // `settled` must not call back in here.
  void Stop(absl::Duration left, std::function<bool()> settled = nullptr);

  void Publish(OutgoingMessage message) override;
  bool connected() const override { return connected_; }

 private:
  class Connection;

  void Run();
  // Connects and subscribes. Null when that failed or Stop was called, with the reason logged.
  std::unique_ptr<Connection> Connect();
  // Waits until the connection is lost or Stop was called, and ends it.
  void Serve(std::unique_ptr<Connection> connection);
  void Detach(Connection* connection);
  void Pause(absl::Duration wait);
  // Stop was called, and there is nothing left to wait for.
  bool Stopping();
  bool Lost();
  void ShowLink(Link link);
  // Hands messages of the outbox to the connection.
  void Pump();

  // Called by the connection, on Paho's threads.
  void OnMessage(const IncomingMessage& message);
  void OnAcknowledged(uint64_t sequence);
  void OnLost(const std::string& cause);

  const Options options_;
  const Clock* const clock_;
  Callbacks callbacks_;
  Outbox outbox_;
  ReconnectPolicy policy_;
  LogLimiter failure_lines_;
  // A Paho client that is never connected. Paho ends its threads with its last client and starts them with the next
  // one, which takes a second and is not needed at each reconnect.
  struct Anchor;
  std::unique_ptr<Anchor> anchor_;

  std::mutex mutex_;
  std::condition_variable changed_;     // lost_ or stopping_
  std::condition_variable pump_ended_;  // apart from the other, because it is signalled for each message
  Connection* connection_ = nullptr;    // where Pump sends to; null while there is no link
  bool pumping_ = false;                // one thread at a time, for the order of messages
  bool pump_again_ = false;             // somebody came while it was
  bool lost_ = false;
  std::string lost_cause_;
  bool stopping_ = false;
  absl::Duration stop_deadline_;
  std::function<bool()> settled_;
  Link link_ = Link::kAway;
  std::atomic<bool> connected_{false};
  std::thread thread_;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_PAHO_PAHO_CLIENT_H_
