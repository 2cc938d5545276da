#include "services/mqtt_binding/adapters/paho/paho_client.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "mqtt/async_client.h"
#include "services/lib/log/log.h"
#include "services/mqtt_binding/adapters/paho/no_delay.h"

namespace isthmus::mqtt_binding {
namespace {

constexpr int kQos = 1;
// How often waits look whether Stop was called.
constexpr std::chrono::milliseconds kSlice(20);
// How often an established connection is looked at, for whether it is stable by now.
constexpr std::chrono::milliseconds kLook(500);

std::string Uri(const PahoClient::Options& options) { return absl::StrCat("tcp://", options.host, ":", options.port); }

mqtt::create_options CreateOptions() {
  // The outbox bounds what waits; Paho's own bound would turn a burst into an error.
  return mqtt::create_options(MQTTVERSION_3_1_1, std::numeric_limits<int>::max());
}

}  // namespace

struct PahoClient::Anchor {
  explicit Anchor(const Options& options)
      : client(Uri(options), absl::StrCat(options.client_id, "-anchor"), CreateOptions()) {}
  mqtt::async_client client;
};

// One connection from connecting to its end. Made, used and destroyed on the owner's thread, but for Send, which any
// thread may call while the owner knows that it does. Paho calls back under a mutex that it also takes for each Send:
// the owner must not hold its own mutex when it sends.
class PahoClient::Connection final : public virtual mqtt::callback, public virtual mqtt::iaction_listener {
 public:
  explicit Connection(PahoClient* owner)
      : owner_(owner), client_(Uri(owner->options_), owner->options_.client_id, CreateOptions()) {
    client_.set_callback(*this);
  }

  // Runs a Paho operation to its end, or until the time is over or it has become pointless.
  template <typename Start>
  absl::StatusOr<mqtt::token_ptr> Await(absl::Duration timeout, bool even_if_stopping, Start start) {
    try {
      mqtt::token_ptr token = start(client_);
      const absl::Duration end = owner_->clock_->Monotonic() + timeout;
      while (!token->wait_for(kSlice)) {
        if (owner_->clock_->Monotonic() >= end) return absl::DeadlineExceededError("no answer in time");
        if (owner_->Lost()) return absl::UnavailableError("the connection was lost");
        if (!even_if_stopping && owner_->Stopping()) return absl::CancelledError("stopped");
      }
      return token;
    } catch (const std::exception& failure) {
      return absl::UnavailableError(failure.what());
    }
  }

  absl::Status Open() {
    const Options& options = owner_->options_;
    const auto connected = Await(options.connect_timeout, false, [&options](mqtt::async_client& client) {
      mqtt::connect_options connect;
      connect.set_mqtt_version(MQTTVERSION_3_1_1);
      connect.set_clean_session(false);
      connect.set_automatic_reconnect(false);
      connect.set_keep_alive_interval(static_cast<int>(absl::ToInt64Seconds(options.keep_alive)));
      connect.set_connect_timeout(std::max<int>(1, static_cast<int>(absl::ToInt64Seconds(options.connect_timeout))));
      connect.set_max_inflight(static_cast<int>(options.outbox.window) + 8);
      if (!options.username.empty()) connect.set_user_name(options.username);
      if (!options.password.empty()) connect.set_password(options.password);
      return client.connect(connect);
    });
    if (!connected.ok()) return connected.status();
    try {
      session_present_ = (*connected)->get_connect_response().is_session_present();
    } catch (const std::exception& failure) {
      return absl::UnavailableError(failure.what());
    }
    if (SetNoDelayTowards(options.port) == 0) {
      log::Warning("socket to the broker not found; each request will be slow", {{"port", options.port}});
    }
    return absl::OkStatus();
  }

  absl::Status Subscribe() {
    const Options& options = owner_->options_;
    if (options.filters.empty()) return absl::OkStatus();
    const auto subscribed = Await(options.connect_timeout, false, [&options](mqtt::async_client& client) {
      return client.subscribe(mqtt::string_collection::create(options.filters),
                              mqtt::iasync_client::qos_collection(options.filters.size(), kQos));
    });
    if (!subscribed.ok()) return subscribed.status();
    try {
      const mqtt::subscribe_response response = (*subscribed)->get_subscribe_response();
      for (const auto code : response.get_reason_codes()) {
        if (static_cast<int>(code) >= 0x80) return absl::PermissionDeniedError("the broker refuses a subscription");
      }
    } catch (const std::exception& failure) {
      return absl::UnavailableError(failure.what());
    }
    return absl::OkStatus();
  }

  // INVALID_ARGUMENT: this message can never be sent. UNAVAILABLE: the connection is of no use any more.
  absl::Status Send(const Outbox::Ticket& ticket) {
    try {
      client_.publish(mqtt::message::create(mqtt::string_ref(ticket.topic), mqtt::binary_ref(ticket.payload), kQos,
                                            /*retained=*/false),
                      reinterpret_cast<void*>(ticket.sequence), *this);
      return absl::OkStatus();
    } catch (const mqtt::exception& failure) {
      if (failure.get_return_code() == MQTTASYNC_BAD_UTF8_STRING) return absl::InvalidArgumentError(failure.what());
      return absl::UnavailableError(failure.what());
    } catch (const std::exception& failure) {
      return absl::UnavailableError(failure.what());
    }
  }

  void Close() {
    (void)Await(absl::Seconds(1), true, [](mqtt::async_client& client) { return client.disconnect(100); });
  }

  bool session_present() const { return session_present_; }

 private:
  void connection_lost(const std::string& cause) override { owner_->OnLost(cause); }
  void message_arrived(mqtt::const_message_ptr message) override {
    try {
      const std::string& topic = message->get_topic();
      const auto& payload = message->get_payload_ref();
      owner_->OnMessage({topic,
                         payload.empty() ? absl::string_view() : absl::string_view(payload.data(), payload.size()),
                         message->is_retained(), message->is_duplicate()});
    } catch (const std::exception& failure) {
      // An exception must not unwind through Paho's C code.
      log::Error("message not handled", {{"reason", failure.what()}});
    }
  }
  void on_success(const mqtt::token& token) override {
    if (token.get_user_context() != nullptr) {
      owner_->OnAcknowledged(reinterpret_cast<uint64_t>(token.get_user_context()));
    }
  }
  void on_failure(const mqtt::token& token) override {
    owner_->OnLost(absl::StrCat("a message was not sent (", token.get_return_code(), ")"));
  }

  PahoClient* const owner_;
  bool session_present_ = false;
  mqtt::async_client client_;
};

PahoClient::PahoClient(Options options, const Clock* clock)
    : options_(std::move(options)), clock_(clock), outbox_(options_.outbox), policy_(options_.reconnect, [] {
        thread_local std::mt19937 random{std::random_device()()};
        return std::uniform_real_distribution<double>()(random);
      }) {
  anchor_ = std::make_unique<Anchor>(options_);
}

PahoClient::~PahoClient() { Stop(absl::ZeroDuration()); }

void PahoClient::Start(Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  thread_ = std::thread([this] { Run(); });
}

void PahoClient::Stop(absl::Duration left, std::function<bool()> settled) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!stopping_) {
      stop_deadline_ = clock_->Monotonic() + left;
      settled_ = std::move(settled);
    }
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  outbox_.Close();
}

bool PahoClient::Stopping() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!stopping_) return false;
  if (clock_->Monotonic() >= stop_deadline_) return true;
  return (settled_ == nullptr || settled_()) && outbox_.empty();
}

bool PahoClient::Lost() {
  std::lock_guard<std::mutex> lock(mutex_);
  return lost_;
}

void PahoClient::Publish(OutgoingMessage message) {
  outbox_.Add(std::move(message));
  Pump();
}

void PahoClient::Run() {
  bool first = true;
  while (!Stopping()) {
    std::unique_ptr<Connection> connection = Connect();
    if (connection != nullptr) {
      Serve(std::move(connection));
    } else if (!Stopping()) {
      const absl::Duration wait = policy_.OnFailed();
      if (first) log::Info("looking for the broker", {{"broker", Uri(options_)}});
      Pause(wait);
    }
    first = false;
  }
  ShowLink(Link::kAway);
}

std::unique_ptr<PahoClient::Connection> PahoClient::Connect() {
  std::unique_ptr<Connection> connection;
  absl::Status status;
  try {
    connection = std::make_unique<Connection>(this);
  } catch (const std::exception& failure) {
    log::Error("Paho client not made", {{"reason", failure.what()}});
    return nullptr;
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    lost_ = false;
  }
  status = connection->Open();
  if (status.ok()) {
    // From here on messages of the session come in; their answers need not wait for the subscriptions.
    {
      std::lock_guard<std::mutex> lock(mutex_);
      connection_ = connection.get();
    }
    connected_ = true;
    Pump();
    status = connection->Subscribe();
    if (status.ok()) {
      policy_.OnConnected(clock_->Monotonic());
      log::Info("connected to the broker", {{"broker", Uri(options_)},
                                            {"client_id", options_.client_id},
                                            {"session_present", connection->session_present()},
                                            {"waiting", outbox_.size()}});
      return connection;
    }
    Detach(connection.get());
    connection->Close();
  }
  if (!absl::IsCancelled(status) && failure_lines_.Allow(clock_->Monotonic())) {
    log::Warning("not connected to the broker", {{"broker", Uri(options_)}, {"reason", status.message()}});
  }
  return nullptr;
}

void PahoClient::Serve(std::unique_ptr<Connection> connection) {
  bool lost = false;
  std::string cause;
  ShowLink(policy_.Contested(clock_->Monotonic()) ? Link::kContested : Link::kOnline);
  while (true) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      const bool was_stopping = stopping_;
      changed_.wait_for(lock, was_stopping ? kSlice : kLook,
                        [this, was_stopping] { return lost_ || stopping_ != was_stopping; });
      lost = lost_;
      cause = lost_cause_;
    }
    if (lost || Stopping()) break;
    ShowLink(policy_.Contested(clock_->Monotonic()) ? Link::kContested : Link::kOnline);
  }
  Detach(connection.get());
  if (!lost) {
    connection->Close();
    return;
  }
  const absl::Duration now = clock_->Monotonic();
  const absl::Duration wait = policy_.OnLost(now);
  const bool contested = policy_.Contested(now);
  log::Warning(contested ? "taken over by another client with the same id?" : "connection to the broker lost",
               {{"broker", Uri(options_)},
                {"client_id", options_.client_id},
                {"cause", cause},
                {"waiting", outbox_.size()},
                {"again_in_ms", absl::ToInt64Milliseconds(wait)}});
  ShowLink(Link::kAway);
  connection.reset();
  Pause(wait);
}

void PahoClient::Detach(Connection* connection) {
  connected_ = false;
  std::unique_lock<std::mutex> lock(mutex_);
  connection_ = nullptr;
  // A thread may be sending on it.
  pump_ended_.wait(lock, [this] { return !pumping_; });
  lock.unlock();
  outbox_.Rewind();
}

void PahoClient::Pause(absl::Duration wait) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoMilliseconds(wait), [this] { return stopping_; });
}

void PahoClient::ShowLink(Link link) {
  if (link == link_) return;
  link_ = link;
  if (callbacks_.on_link) callbacks_.on_link(link);
}

void PahoClient::Pump() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (pumping_) {
    // The thread that pumps looks again before it ends.
    pump_again_ = true;
    return;
  }
  pumping_ = true;
  while (connection_ != nullptr) {
    Connection* const connection = connection_;
    pump_again_ = false;
    lock.unlock();
    absl::Status status;
    while (status.ok()) {
      const auto ticket = outbox_.Next(clock_->Now());
      if (!ticket) break;
      status = connection->Send(*ticket);
      if (absl::IsInvalidArgument(status)) {
        log::Error("message cannot be sent", {{"topic", *ticket->topic}, {"reason", status.message()}});
        outbox_.Drop(ticket->sequence, status);
        status = absl::OkStatus();
      }
    }
    lock.lock();
    if (!status.ok()) {
      // What was taken from the outbox is offered again by the Rewind that follows.
      if (!lost_) lost_cause_ = std::string(status.message());
      lost_ = true;
      changed_.notify_all();
      break;
    }
    if (!pump_again_) break;
  }
  pumping_ = false;
  pump_ended_.notify_all();
}

void PahoClient::OnMessage(const IncomingMessage& message) {
  if (callbacks_.on_message) callbacks_.on_message(message);
}

void PahoClient::OnAcknowledged(uint64_t sequence) {
  outbox_.Acknowledge(sequence);
  Pump();
}

void PahoClient::OnLost(const std::string& cause) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (lost_) return;
    lost_ = true;
    lost_cause_ = cause.empty() ? "the broker closed it" : cause;
  }
  changed_.notify_all();
}

}  // namespace isthmus::mqtt_binding
