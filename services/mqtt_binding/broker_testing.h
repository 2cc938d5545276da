// Who takes part in a test on a real broker: the service as main.cc wires it, and applications.
//
//   TestBroker broker;
//   Service service(broker);                 // with a CSE that answers OK
//   Ae ae(broker, "Cme");
//   ASSERT_TRUE(service.link.Is(PahoClient::Link::kOnline));
//   ae.Retrieve("r1");
//   EXPECT_EQ(ae.Await("\"r1\""), 1u);
//
// Each class is thread-safe where its callbacks meet the test, and must go before the broker does.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_BROKER_TESTING_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_BROKER_TESTING_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/lib/onem2m/codec.h"
#include "services/lib/onem2m/json/json_codec.h"
#include "services/lib/session/worker.h"
#include "services/mqtt_binding/adapters/paho/paho_client.h"
#include "services/mqtt_binding/core/binding.h"
#include "services/mqtt_binding/core/notifier.h"
#include "services/mqtt_binding/test_broker.h"

namespace isthmus::mqtt_binding {

inline constexpr absl::Duration kPatience = absl::Seconds(20);

inline ReconnectPolicy::Options Hasty() {
  ReconnectPolicy::Options options;
  options.shortest = absl::Milliseconds(100);
  options.longest_absent = absl::Milliseconds(200);
  options.longest_contested = absl::Milliseconds(800);
  options.stable = absl::Seconds(3);
  return options;
}

// Something that one thread changes and the test waits for.
class Monitor {
 public:
  template <typename Change>
  void Update(Change change) {
    std::lock_guard<std::mutex> lock(mutex_);
    change();
    changed_.notify_all();
  }
  template <typename Condition>
  bool Wait(Condition condition, absl::Duration patience = kPatience) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoMilliseconds(patience), condition);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class Link {
 public:
  std::function<void(PahoClient::Link)> Callback() {
    return [this](PahoClient::Link link) { monitor_.Update([&] { seen_.push_back(link); }); };
  }
  // True once the link is this now.
  bool Is(PahoClient::Link link, absl::Duration patience = kPatience) {
    return monitor_.Wait([&] { return !seen_.empty() && seen_.back() == link; }, patience);
  }
  bool Was(PahoClient::Link link) {
    return monitor_.Wait([&] { return std::count(seen_.begin(), seen_.end(), link) > 0; });
  }

 private:
  Monitor monitor_;
  std::vector<PahoClient::Link> seen_;
};

// Calls are answered by `behaviour`, at once and on the thread of the call unless it does otherwise.
class ScriptedCse final : public CsePort {
 public:
  using Behaviour = std::function<void(const onem2m::v1::HandleRequest&, Done)>;
  explicit ScriptedCse(Behaviour behaviour) : behaviour_(std::move(behaviour)) {}
  void Handle(onem2m::v1::HandleRequest request, absl::Time, Done done) override {
    ++calls_;
    behaviour_(request, std::move(done));
  }
  int calls() const { return calls_; }

 private:
  const Behaviour behaviour_;
  std::atomic<int> calls_{0};
};

inline void AnswerOk(const onem2m::v1::HandleRequest& request, CsePort::Done done) {
  onem2m::v1::HandleResponse response;
  response.mutable_primitive()->set_response_status_code(2000);
  response.mutable_primitive()->set_request_identifier(request.primitive().request_identifier());
  done(std::move(response));
}

// What main.cc wires, with a CSE of the test's.
class Service {
 public:
  explicit Service(const TestBroker& broker, ScriptedCse::Behaviour behaviour = AnswerOk)
      : cse(std::move(behaviour)), mqtt(MqttOptions(broker), &clock_) {
    mqtt.Start({[this](const IncomingMessage& message) { binding.OnMessage(message); }, link.Callback()});
  }
  ~Service() { mqtt.Stop(absl::ZeroDuration()); }

 private:
  PahoClient::Options MqttOptions(const TestBroker& broker) {
    PahoClient::Options options;
    options.port = broker.port();
    options.client_id = "C::id-in";
    options.filters = scheme_.Filters();
    options.reconnect = Hasty();
    options.keep_alive = absl::Seconds(2);
    return options;
  }
  static std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> Codecs() {
    std::vector<std::unique_ptr<const onem2m::PrimitiveCodec>> codecs;
    codecs.push_back(std::make_unique<onem2m::JsonCodec>());
    return codecs;
  }
  SystemClock clock_;
  TopicScheme scheme_{"/id-in", ""};
  onem2m::CodecRegistry codecs_{Codecs()};

 public:
  Link link;
  ScriptedCse cse;
  PahoClient mqtt;
  Notifier notifier{&scheme_, &codecs_, &mqtt, &clock_, {absl::StrCat("127.0.0.1:", 1883)}};
  Binding binding{BindingOptions(), &scheme_, &codecs_, &clock_, &cse, &mqtt, &notifier};

 private:
  session::Ticker ticker_{[this] {
    notifier.Tick();
    return absl::Milliseconds(10);
  }};
};

// An application with a durable session.
class Ae {
 public:
  Ae(const TestBroker& broker, const std::string& id, std::function<void(Ae&, const IncomingMessage&)> react = {})
      : id_(id), react_(std::move(react)), mqtt_(MqttOptions(broker, id), &clock_) {
    mqtt_.Start({[this](const IncomingMessage& message) {
                   monitor_.Update([&] { received_.emplace_back(message.topic, message.payload); });
                   if (react_) react_(*this, message);
                 },
                 link.Callback()});
  }
  ~Ae() { mqtt_.Stop(absl::ZeroDuration()); }

  void Publish(const std::string& topic, const std::string& payload) { mqtt_.Publish({topic, payload}); }
  void Send(const std::string& payload) { Publish(absl::StrCat("/oneM2M/req/", id_, "/id-in/json"), payload); }
  void Retrieve(const std::string& rqi) { Send(Request(2, rqi)); }
  std::string Request(int op, const std::string& rqi) const {
    return absl::StrCat(R"({"op":)", op, R"(,"to":"cse-in/n/bat","fr":")", id_, R"(","rqi":")", rqi, R"(","rvi":"4"})");
  }
  // How many messages have this in their payload, once there is one.
  size_t Await(const std::string& part, absl::Duration patience = kPatience) {
    monitor_.Wait([&] { return Count(part) > 0; }, patience);
    size_t count = 0;
    monitor_.Update([&] { count = Count(part); });
    return count;
  }
  bool AwaitNumber(size_t number) {
    return monitor_.Wait([&] { return received_.size() >= number; });
  }
  std::vector<std::pair<std::string, std::string>> received() {
    std::vector<std::pair<std::string, std::string>> received;
    monitor_.Update([&] { received = received_; });
    return received;
  }

  Link link;

 private:
  size_t Count(const std::string& part) const {
    return static_cast<size_t>(std::count_if(received_.begin(), received_.end(), [&](const auto& message) {
      return absl::StrContains(message.second, part);
    }));
  }
  static PahoClient::Options MqttOptions(const TestBroker& broker, const std::string& id) {
    PahoClient::Options options;
    options.port = broker.port();
    options.client_id = absl::StrCat("A::", id);
    options.filters = {absl::StrCat("/oneM2M/resp/", id, "/#"), absl::StrCat("/oneM2M/req/+/", id, "/#"),
                       absl::StrCat("/oneM2M/reg_resp/", id, "/#"), "noti/#"};
    options.reconnect = Hasty();
    options.keep_alive = absl::Seconds(2);
    return options;
  }

  const std::string id_;
  const std::function<void(Ae&, const IncomingMessage&)> react_;
  SystemClock clock_;
  Monitor monitor_;
  std::vector<std::pair<std::string, std::string>> received_;
  PahoClient mqtt_;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_BROKER_TESTING_H_
