// A network, a LwM2M server and devices in one thread on a clock that jumps from event to event: minutes of traffic of
// hundreds of devices pass in a moment, and every run is the same.
//
//   Network network;
//   SimulatedServer server(&network);
//   SimulatedDevice device(&network, "10.0.0.1:5683", "urn:x");
//   device.Register("lt=60");
//   network.Run(absl::Seconds(10));
//   server.events ...
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_SIMULATION_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_SIMULATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/session/v1/session.pb.h"
#include "services/connector/core/coap_client.h"
#include "services/connector/core/lwm2m_server.h"
#include "services/connector/core/registration_store.h"
#include "services/lib/clock/fake_clock.h"
#include "services/lib/coap/endpoint.h"

namespace isthmus::connector {

class SeededRandom final : public coap::Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() override {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

class Network {
 public:
  struct Node {
    std::function<void(const coap::Peer& from, const std::string& datagram)> receive;
    std::function<absl::Duration()> tick;
  };
  void Attach(const coap::Peer& name, Node node);
  void Detach(const coap::Peer& name);
  // Something was called on the node from outside: its timers may have changed.
  void Touch(const coap::Peer& name);
  void Send(const coap::Peer& from, const coap::Peer& to, const std::string& datagram);
  void Run(absl::Duration time);
  // False when it did not become true within `most`.
  bool RunUntil(const std::function<bool()>& condition, absl::Duration most);

  FakeClock clock;
  double loss = 0;
  absl::Duration latency = absl::Milliseconds(2);
  uint64_t datagrams = 0;

 private:
  struct Datagram {
    coap::Peer from, to;
    std::string octets;
  };
  bool Step(absl::Duration until);
  void TickNode(const coap::Peer& name);

  std::map<coap::Peer, Node> nodes_;
  std::map<coap::Peer, absl::Duration> due_of_;
  std::set<std::pair<absl::Duration, coap::Peer>> due_;
  std::map<std::pair<absl::Duration, uint64_t>, Datagram> flying_;
  uint64_t next_ = 0;
  SeededRandom random_{1};
};

class Port final : public coap::Transport {
 public:
  Port(Network* network, coap::Peer name) : network_(network), name_(std::move(name)) {}
  void Send(const coap::Peer& peer, const std::string& datagram) override { network_->Send(name_, peer, datagram); }

 private:
  Network* const network_;
  const coap::Peer name_;
};

inline constexpr char kServerAddress[] = "192.0.2.1:5683";

class SimulatedServer {
 public:
  explicit SimulatedServer(Network* network, LwM2mServerOptions options = {});
  ~SimulatedServer();
  // The process dies and comes back with what its store kept.
  void Restart();
  void Interest(const std::string& endpoint, const std::string& path, uint64_t pmin = 0);
  void NoInterest(const std::string& endpoint, const std::string& path);
  void Perform(const std::string& endpoint, const lwm2m::v1::Operation& operation, absl::Duration within);
  void Read(const std::string& endpoint, const std::string& path, absl::Duration within = absl::Seconds(30));

  // Texts such as "registered d", "value d /3/0/9=80 initial", in their order.
  std::vector<std::string> Told() const;
  size_t CountTold(const std::string& text) const;

  LwM2mServer& core() { return *server_; }
  coap::Endpoint& endpoint() { return *endpoint_; }

  std::vector<session::v1::Event> events;
  struct Answer {
    absl::Duration after;
    lwm2m::v1::OperationResult result;
  };
  std::vector<Answer> answers;
  InMemoryRegistrationStore store;

 private:
  void Boot();

  Network* const network_;
  const LwM2mServerOptions options_;
  Port port_;
  SeededRandom random_{2};
  std::vector<session::v1::Interest> interests_;
  std::unique_ptr<coap::Endpoint> endpoint_;
  std::unique_ptr<EndpointClient> client_;
  std::unique_ptr<LwM2mServer> server_;
};

class SimulatedDevice {
 public:
  SimulatedDevice(Network* network, coap::Peer address, std::string endpoint);
  ~SimulatedDevice();

  // Query parameters besides `ep`.
  void Register(const std::vector<std::string>& query = {"lt=300", "lwm2m=1.1"},
                const std::string& links = "</1/0>,</3/0>");
  void Update(const std::vector<std::string>& query = {}, const std::string& links = "");
  void Deregister();
  // The value changes, and whoever observes it is notified.
  void Set(const std::string& path, const std::string& text, bool confirmable = true);
  // Everything but the values is forgotten; `address` "" = the same one.
  void Restart(const coap::Peer& address = "");
  // The same process behind another address (NAT).
  void Move(const coap::Peer& address);
  void Send(const coap::Peer& to, coap::OutgoingRequest request, coap::ExchangeCallback callback);
  void NotifyWith(const std::string& token, coap::OutgoingResponse response, bool confirmable = true);

  const std::string name;
  coap::Peer address;
  std::string location;        // "rd/..." once registered
  coap::Code last_answer = 0;  // of the server to the last Register, Update or De-register
  std::string last_diagnostic;
  absl::Time registered_at = absl::InfiniteFuture();

  std::map<std::string, std::string> values;                    // path -> text
  std::map<std::string, coap::Code> refusals;                   // path -> code of every request to it
  std::map<std::string, std::pair<uint32_t, std::string>> raw;  // path -> format and payload of a Read
  std::map<std::string, std::string> observers;                 // token -> path
  std::vector<std::string> requests;                            // "0.01 GET /3/0/9 observe=0"
  std::vector<std::optional<uint64_t>> accepts;                 // of each of them
  absl::Duration answer_delay;
  bool acknowledge_only = false;           // an empty ACK, and never a response
  bool silent_to_composites = false;       // acknowledges them, and no more; else 4.05
  bool deaf = false;                       // drops whatever comes
  absl::Duration deaf_after_registration;  // drops whatever comes until so long after its 2.01
  bool reset_until_registered = false;     // rejects requests before its 2.01
  uint32_t sequence = 10;
  std::vector<coap::Exchange::Outcome> notified;  // how notifications ended

 private:
  void Attach();
  void Boot();
  void OnDatagram(const coap::Peer& from, const std::string& datagram);
  void OnRequest(coap::IncomingRequest request, const coap::Responder& respond);
  coap::OutgoingResponse AnswerTo(const coap::IncomingRequest& request);

  // Sends from wherever the device is now.
  class Outlet final : public coap::Transport {
   public:
    explicit Outlet(SimulatedDevice* device) : device_(device) {}
    void Send(const coap::Peer& peer, const std::string& datagram) override {
      device_->network_->Send(device_->address, peer, datagram);
    }

   private:
    SimulatedDevice* const device_;
  };

  Network* const network_;
  Outlet outlet_{this};
  SeededRandom random_;
  std::unique_ptr<coap::Endpoint> endpoint_;
  std::multimap<absl::Duration, std::function<void()>> delayed_;
  std::vector<std::unique_ptr<coap::Endpoint>> retired_;  // may still be on the stack
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_SIMULATION_H_
