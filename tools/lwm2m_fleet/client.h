// A LwM2M client: one device model behind one CoAP endpoint, registered with one server.
//
//   Client client(options, &clock, &random, &transport, &counters);
//   client.Start();
//   client.Receive(peer, datagram);                        // for each datagram that came
//   const absl::Duration next = client.Tick();             // after Receive and the like, and after `next` at the
//   latest
//
// It registers, updates at a share of its lifetime, registers again when the server has forgotten it, answers device
// management requests, notifies, restarts when it is told to, and can be silent, slow, asleep or hard to hear.
// Not thread-safe; no threads, sockets or clock of its own.
#ifndef ISTHMUS_TOOLS_LWM2M_FLEET_CLIENT_H_
#define ISTHMUS_TOOLS_LWM2M_FLEET_CLIENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"
#include "tools/lwm2m_fleet/device_model.h"
#include "tools/lwm2m_fleet/management.h"
#include "tools/lwm2m_fleet/observations.h"

namespace isthmus::fleet {

// What a device makes of composite operations.
enum class Composites { kAnswer, kRefuse, kSilence };

// "answer", "refuse" or "silence"; INVALID_ARGUMENT else.
absl::StatusOr<Composites> ParseComposites(absl::string_view word);

struct ClientOptions {
  std::string endpoint_name = "fleet-00001";
  coap::Peer server = "127.0.0.1:5683";
  DeviceOptions device;
  double update_share = 0.9;  // of the lifetime, after which an Update is sent
  bool confirmable_notifications = true;
  absl::Duration register_after;                             // from Start
  absl::Duration change_every = absl::InfiniteDuration();    // temperature and battery
  absl::Duration first_change_after = absl::ZeroDuration();  // so that a fleet does not change in step
  absl::Duration restart_time = absl::Seconds(1);            // deaf and dumb for so long
  absl::Duration answer_after;                               // the server waits for each answer
  double loss = 0;                                           // share of datagrams that are lost, each way
  bool silent = false;                          // once registered it only updates: no answers, no notifications
  Composites composites = Composites::kAnswer;  // kRefuse: 4.05; kSilence: an empty acknowledgement, and no more
  bool queue_mode = false;  // deaf once `awake` has passed since the last exchange, until it speaks itself
  absl::Duration awake = absl::Seconds(93);
  coap::EndpointOptions endpoint;
};

// Of all clients together.
struct Counters {
  uint64_t registrations = 0, updates = 0, deregistrations = 0, failures = 0;  // failures: of any of the three
  uint64_t requests = 0, notifications = 0, notifications_failed = 0;
  uint64_t datagrams_in = 0, datagrams_out = 0, datagrams_lost = 0;
};

class Client {
 public:
  enum class State { kOff, kRegistering, kRegistered, kDeregistering, kRestarting };

  // `clock`, `random`, `transport` and `counters` must outlive the client.
  Client(ClientOptions options, const Clock* clock, coap::Random* random, coap::Transport* transport,
         Counters* counters);

  // Registers, after `register_after`.
  void Start();
  void Receive(const coap::Peer& peer, absl::string_view datagram);
  // Does what is due. Returns how long until something is due again.
  absl::Duration Tick();

  // Leaves the server; stays off. `done` may be empty; it is called also when the server does not answer.
  void Deregister(std::function<void()> done);
  // Like pulling the plug: no De-register, observations are forgotten.
  void Reboot();
  void SetSilent(bool silent) { options_.silent = silent; }
  void SetComposites(Composites composites) { options_.composites = composites; }
  absl::Status Set(const v1::Path& path, absl::string_view text) { return model_.Set(path, text); }

  State state() const { return state_; }
  bool registered() const { return state_ == State::kRegistered; }
  const std::string& name() const { return options_.endpoint_name; }
  // Why the last registration, update or de-registration failed; empty when none did.
  const std::string& last_failure() const { return last_failure_; }
  size_t observations() const { return observations_.size(); }

 private:
  // What the endpoint sends goes through here, and some of it gets lost.
  class Outlet final : public coap::Transport {
   public:
    explicit Outlet(Client* client) : client_(client) {}
    void Send(const coap::Peer& peer, const std::string& datagram) override;

   private:
    Client* const client_;
  };

  absl::Duration Now() const { return clock_->Monotonic(); }
  bool Lost();
  bool Asleep() const { return options_.queue_mode && registered() && Now() > awake_until_; }
  void StayAwake() { awake_until_ = Now() + options_.awake; }
  void SwitchOn();  // a fresh endpoint

  void SendRegister();
  void SendUpdate();
  void RegisterLater();
  void RegisterAgain();
  void Fail(absl::string_view what, const coap::Exchange& exchange);
  void HandleActions();

  void OnRequest(coap::IncomingRequest request, coap::Responder respond);
  coap::OutgoingResponse Answer(const coap::IncomingRequest& request);
  void AnswerDue();
  void NotifyDue();
  void Notify(Observation* observation);

  ClientOptions options_;
  const Clock* const clock_;
  coap::Random* const random_;
  coap::Transport* const transport_;
  Counters* const counters_;
  DeviceModel model_;
  Management management_;
  Observations observations_;
  Outlet outlet_{this};
  std::unique_ptr<coap::Endpoint> endpoint_;
  uint64_t start_ = 0;  // counts the starts: callbacks of an endpoint that is gone are not for us

  State state_ = State::kOff;
  std::vector<std::string> location_;
  bool exchange_under_way_ = false;  // a Register, Update or De-register
  bool update_wanted_ = false;
  int tries_ = 0;
  absl::Duration register_at_ = absl::InfiniteDuration();
  absl::Duration update_at_ = absl::InfiniteDuration();
  absl::Duration switch_on_at_ = absl::InfiniteDuration();
  absl::Duration change_at_ = absl::InfiniteDuration();
  absl::Duration awake_until_;
  std::multimap<absl::Duration, std::function<void()>> answers_;  // that wait for their time
  std::string last_failure_;
};

}  // namespace isthmus::fleet

#endif  // ISTHMUS_TOOLS_LWM2M_FLEET_CLIENT_H_
