#include "services/connector/core/simulation.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {

// ---- network --------------------------------------------------------------------------------------------------------

void Network::Attach(const coap::Peer& name, Node node) {
  nodes_[name] = std::move(node);
  TickNode(name);
}

void Network::Detach(const coap::Peer& name) {
  nodes_.erase(name);
  const auto due = due_of_.find(name);
  if (due == due_of_.end()) return;
  due_.erase({due->second, name});
  due_of_.erase(due);
}

void Network::Touch(const coap::Peer& name) { TickNode(name); }

void Network::TickNode(const coap::Peer& name) {
  const auto node = nodes_.find(name);
  if (node == nodes_.end()) return;
  const auto tick = node->second.tick;
  const absl::Duration next = tick();
  const auto old = due_of_.find(name);
  if (old != due_of_.end()) due_.erase({old->second, name});
  due_of_.erase(name);
  if (next == absl::InfiniteDuration() || nodes_.count(name) == 0) return;
  const absl::Duration due = clock.Monotonic() + next;
  due_of_[name] = due;
  due_.emplace(due, name);
}

void Network::Send(const coap::Peer& from, const coap::Peer& to, const std::string& datagram) {
  ++datagrams;
  if (loss > 0 && static_cast<double>(random_.Next() % 100000) / 100000.0 < loss) return;
  flying_[{clock.Monotonic() + latency, ++next_}] = {from, to, datagram};
}

bool Network::Step(absl::Duration until) {
  absl::Duration next = until;
  if (!flying_.empty()) next = std::min(next, flying_.begin()->first.first);
  if (!due_.empty()) next = std::min(next, due_.begin()->first);
  if (next > clock.Monotonic()) clock.Advance(next - clock.Monotonic());
  const absl::Duration now = clock.Monotonic();
  if (!flying_.empty() && flying_.begin()->first.first <= now) {
    const Datagram datagram = std::move(flying_.begin()->second);
    flying_.erase(flying_.begin());
    const auto node = nodes_.find(datagram.to);
    if (node == nodes_.end()) return true;
    const auto receive = node->second.receive;
    receive(datagram.from, datagram.octets);
    TickNode(datagram.to);
    return true;
  }
  if (!due_.empty() && due_.begin()->first <= now) {
    TickNode(coap::Peer(due_.begin()->second));
    return true;
  }
  return false;
}

void Network::Run(absl::Duration time) {
  RunUntil([] { return false; }, time);
}

bool Network::RunUntil(const std::function<bool()>& condition, absl::Duration most) {
  const absl::Duration until = clock.Monotonic() + most;
  absl::Duration last = clock.Monotonic();
  int at_once = 0;
  while (!condition()) {
    if (!Step(until)) return condition();
    at_once = clock.Monotonic() == last ? at_once + 1 : 0;
    last = clock.Monotonic();
    if (at_once > 1000000) {
      std::fprintf(stderr, "the simulation spins without time passing\n");
      std::abort();
    }
  }
  return true;
}

// ---- server ---------------------------------------------------------------------------------------------------------

SimulatedServer::SimulatedServer(Network* network, LwM2mServerOptions options)
    : network_(network), options_(options), port_(network, kServerAddress) {
  Boot();
}

SimulatedServer::~SimulatedServer() {
  network_->Detach(kServerAddress);
  server_.reset();
}

void SimulatedServer::Restart() {
  network_->Detach(kServerAddress);
  server_.reset();
  Boot();
}

void SimulatedServer::Boot() {
  endpoint_ = std::make_unique<coap::Endpoint>(coap::EndpointOptions(), &network_->clock, &random_, &port_);
  client_ = std::make_unique<EndpointClient>(endpoint_.get());
  server_ =
      std::make_unique<LwM2mServer>(options_, LwM2mServer::Parts{&network_->clock, &random_, client_.get(), &store},
                                    [this](session::v1::Event event) { events.push_back(std::move(event)); });
  server_->Start(interests_);
  endpoint_->SetRequestHandler([this](coap::IncomingRequest request, const coap::Responder& respond) {
    server_->OnRequest(std::move(request), respond);
  });
  endpoint_->SetNotificationHandler(
      [this](const coap::Notified& notified) { return server_->OnNotification(notified); });
  network_->Attach(kServerAddress,
                   {[this](const coap::Peer& from, const std::string& datagram) { endpoint_->Receive(from, datagram); },
                    [this] {
                      const absl::Duration server = server_->Tick();
                      return std::min(server, endpoint_->Tick());
                    }});
}

void SimulatedServer::Interest(const std::string& endpoint, const std::string& path, uint64_t pmin) {
  session::v1::InterestChange change;
  session::v1::Interest* interest = change.add_add();
  interest->set_endpoint(endpoint);
  *interest->mutable_path() = *lwm2m::ParsePath(path);
  if (pmin > 0) interest->mutable_attributes()->set_minimum_period(pmin);
  interests_.push_back(*interest);
  server_->ChangeInterests(change);
  network_->Touch(kServerAddress);
}

void SimulatedServer::NoInterest(const std::string& endpoint, const std::string& path) {
  session::v1::InterestChange change;
  session::v1::Interest* interest = change.add_remove();
  interest->set_endpoint(endpoint);
  *interest->mutable_path() = *lwm2m::ParsePath(path);
  interests_.erase(std::remove_if(interests_.begin(), interests_.end(),
                                  [&](const session::v1::Interest& known) {
                                    return known.endpoint() == endpoint && lwm2m::PathToString(known.path()) == path;
                                  }),
                   interests_.end());
  server_->ChangeInterests(change);
  network_->Touch(kServerAddress);
}

void SimulatedServer::Perform(const std::string& endpoint, const lwm2m::v1::Operation& operation,
                              absl::Duration within) {
  session::v1::Request request;
  request.set_endpoint(endpoint);
  *request.mutable_operation() = operation;
  *request.mutable_deadline() = ToTimestamp(network_->clock.Now() + within);
  const absl::Duration start = network_->clock.Monotonic();
  server_->Perform(request, [this, start](lwm2m::v1::OperationResult result) {
    answers.push_back({network_->clock.Monotonic() - start, std::move(result)});
  });
  network_->Touch(kServerAddress);
}

void SimulatedServer::Read(const std::string& endpoint, const std::string& path, absl::Duration within) {
  lwm2m::v1::Operation operation;
  *operation.mutable_read()->mutable_path() = *lwm2m::ParsePath(path);
  Perform(endpoint, operation, within);
}

std::vector<std::string> SimulatedServer::Told() const {
  std::vector<std::string> told;
  for (const session::v1::Event& event : events) {
    switch (event.kind_case()) {
      case session::v1::Event::kRegistered:
        told.push_back(absl::StrCat("registered ", event.endpoint()));
        break;
      case session::v1::Event::kUpdated:
        told.push_back(absl::StrCat("updated ", event.endpoint()));
        break;
      case session::v1::Event::kDeregistered:
        told.push_back(absl::StrCat(
            event.deregistered().reason() == session::v1::DEREGISTRATION_REASON_EXPIRED ? "expired " : "left ",
            event.endpoint()));
        break;
      case session::v1::Event::kNotification: {
        std::vector<std::string> values;
        for (const auto& node : event.notification().nodes()) {
          const auto& value = node.value();
          values.push_back(value.has_raw() ? value.raw().octets() : absl::StrCat(value.integer()));
        }
        told.push_back(absl::StrCat("value ", event.endpoint(), " ", lwm2m::PathToString(event.notification().path()),
                                    "=", absl::StrJoin(values, ","), event.notification().initial() ? " initial" : ""));
        break;
      }
      case session::v1::Event::kObservationFailed:
        told.push_back(absl::StrCat("failed ", event.endpoint(), " ",
                                    lwm2m::PathToString(event.observation_failed().path()), " ",
                                    event.observation_failed().result().coap_code()));
        break;
      case session::v1::Event::KIND_NOT_SET:
        told.push_back("nothing");
        break;
    }
  }
  return told;
}

size_t SimulatedServer::CountTold(const std::string& text) const {
  const std::vector<std::string> told = Told();
  return static_cast<size_t>(std::count(told.begin(), told.end(), text));
}

// ---- device ---------------------------------------------------------------------------------------------------------

SimulatedDevice::SimulatedDevice(Network* network, coap::Peer device_address, std::string endpoint)
    : name(std::move(endpoint)),
      address(std::move(device_address)),
      network_(network),
      random_(std::hash<std::string>()(name)) {
  values["/3/0/9"] = "80";
  Boot();
}

SimulatedDevice::~SimulatedDevice() { network_->Detach(address); }

void SimulatedDevice::Boot() {
  if (endpoint_ != nullptr) retired_.push_back(std::move(endpoint_));
  endpoint_ = std::make_unique<coap::Endpoint>(coap::EndpointOptions(), &network_->clock, &random_, &outlet_);
  endpoint_->SetRequestHandler([this](coap::IncomingRequest request, const coap::Responder& respond) {
    OnRequest(std::move(request), respond);
  });
  Attach();
}

void SimulatedDevice::Attach() {
  network_->Attach(address,
                   {[this](const coap::Peer& from, const std::string& datagram) { OnDatagram(from, datagram); },
                    [this] {
                      while (!delayed_.empty() && delayed_.begin()->first <= network_->clock.Monotonic()) {
                        const auto run = std::move(delayed_.begin()->second);
                        delayed_.erase(delayed_.begin());
                        run();
                      }
                      absl::Duration next = endpoint_->Tick();
                      if (!delayed_.empty())
                        next = std::min(next, delayed_.begin()->first - network_->clock.Monotonic());
                      return std::max(next, absl::ZeroDuration());
                    }});
}

void SimulatedDevice::Restart(const coap::Peer& new_address) {
  network_->Detach(address);
  if (!new_address.empty()) address = new_address;
  observers.clear();
  location.clear();
  registered_at = absl::InfiniteFuture();
  delayed_.clear();
  Boot();
}

void SimulatedDevice::Move(const coap::Peer& new_address) {
  network_->Detach(address);
  address = new_address;
  Attach();
}

void SimulatedDevice::OnDatagram(const coap::Peer& from, const std::string& datagram) {
  if (deaf) return;
  const auto message = coap::Decode(datagram);
  const bool is_request = message.ok() && coap::IsRequest(message->code);
  const bool knows = network_->clock.Now() >= registered_at + deaf_after_registration;
  if (is_request && !knows && reset_until_registered) {
    coap::Message reset;
    reset.type = coap::Type::kReset;
    reset.message_id = message->message_id;
    network_->Send(address, from, coap::Encode(reset));
    return;
  }
  if (is_request && !knows && deaf_after_registration > absl::ZeroDuration()) return;
  endpoint_->Receive(from, datagram);
}

void SimulatedDevice::OnRequest(coap::IncomingRequest request, const coap::Responder& respond) {
  std::string line = absl::StrCat(coap::CodeToString(request.message.code), " /",
                                  absl::StrJoin(request.message.TextOptions(coap::kUriPath), "/"));
  for (const std::string& query : request.message.TextOptions(coap::kUriQuery)) absl::StrAppend(&line, " ", query);
  if (const auto observe = request.message.UintOption(coap::kObserve)) absl::StrAppend(&line, " observe=", *observe);
  requests.push_back(line);
  accepts.push_back(request.message.UintOption(coap::kAccept));
  const bool composite = request.message.code == coap::kFetch || request.message.code == coap::kIPatch;
  if (acknowledge_only || (composite && silent_to_composites)) return;
  if (answer_delay == absl::ZeroDuration()) return respond(AnswerTo(request));
  delayed_.emplace(network_->clock.Monotonic() + answer_delay,
                   [this, request = std::move(request), respond] { respond(AnswerTo(request)); });
}

coap::OutgoingResponse SimulatedDevice::AnswerTo(const coap::IncomingRequest& request) {
  const std::string path = absl::StrCat("/", absl::StrJoin(request.message.TextOptions(coap::kUriPath), "/"));
  coap::OutgoingResponse response;
  if (request.message.code == coap::kFetch || request.message.code == coap::kIPatch) {
    response.code = coap::kMethodNotAllowed;
    return response;
  }
  const auto refusal = refusals.find(path);
  if (refusal != refusals.end()) {
    response.code = refusal->second;
    return response;
  }
  if (request.message.code == coap::kGet) {
    const auto made = raw.find(path);
    const auto value = values.find(path);
    if (made == raw.end() && value == values.end()) {
      response.code = coap::kNotFound;
      return response;
    }
    coap::Message options;
    const auto observe = request.message.UintOption(coap::kObserve);
    if (observe == 0u) {
      observers[request.message.token] = path;
      options.AddUintOption(coap::kObserve, ++sequence);
    } else if (observe == 1u) {
      observers.erase(request.message.token);
    }
    options.AddUintOption(coap::kContentFormat, made != raw.end() ? made->second.first : lwm2m::codec::kText);
    response.payload = made != raw.end() ? made->second.second : value->second;
    response.options = options.options;
    return response;
  }
  response.code = coap::kChanged;
  return response;
}

void SimulatedDevice::Set(const std::string& path, const std::string& text, bool confirmable) {
  values[path] = text;
  for (const auto& [token, observed] : std::map<std::string, std::string>(observers)) {
    if (observed != path) continue;
    coap::Message options;
    options.AddUintOption(coap::kContentFormat, lwm2m::codec::kText);
    coap::OutgoingResponse response;
    response.options = options.options;
    response.payload = text;
    NotifyWith(token, std::move(response), confirmable);
  }
}

void SimulatedDevice::NotifyWith(const std::string& token, coap::OutgoingResponse response, bool confirmable) {
  endpoint_->Notify(kServerAddress, token, std::move(response), ++sequence, confirmable,
                    [this, token](const coap::Exchange& exchange) {
                      notified.push_back(exchange.outcome);
                      if (exchange.outcome == coap::Exchange::Outcome::kReset) observers.erase(token);
                    });
  network_->Touch(address);
}

void SimulatedDevice::Send(const coap::Peer& to, coap::OutgoingRequest request, coap::ExchangeCallback callback) {
  endpoint_->Send(to, std::move(request), std::move(callback));
  network_->Touch(address);
}

void SimulatedDevice::Register(const std::vector<std::string>& query, const std::string& links) {
  coap::OutgoingRequest request;
  request.method = coap::kPost;
  request.path = {"rd"};
  request.query = query;
  request.query.push_back("ep=" + name);
  request.content_format = lwm2m::codec::kLinkFormat;
  request.payload = links;
  registered_at = absl::InfiniteFuture();
  Send(kServerAddress, std::move(request), [this](const coap::Exchange& exchange) {
    last_answer = exchange.outcome == coap::Exchange::Outcome::kAnswered ? exchange.message.code : 0;
    last_diagnostic = exchange.message.payload;
    if (last_answer != coap::kCreated) return;
    location = absl::StrJoin(exchange.message.TextOptions(coap::kLocationPath), "/");
    registered_at = network_->clock.Now();
  });
}

void SimulatedDevice::Update(const std::vector<std::string>& query, const std::string& links) {
  coap::OutgoingRequest request;
  request.method = coap::kPost;
  request.path = {"rd", location.size() > 3 ? location.substr(3) : "none"};
  request.query = query;
  request.payload = links;
  if (!links.empty()) request.content_format = lwm2m::codec::kLinkFormat;
  Send(kServerAddress, std::move(request), [this](const coap::Exchange& exchange) {
    last_answer = exchange.outcome == coap::Exchange::Outcome::kAnswered ? exchange.message.code : 0;
    last_diagnostic = exchange.message.payload;
  });
}

void SimulatedDevice::Deregister() {
  coap::OutgoingRequest request;
  request.method = coap::kDelete;
  request.path = {"rd", location.size() > 3 ? location.substr(3) : "none"};
  Send(kServerAddress, std::move(request), [this](const coap::Exchange& exchange) {
    last_answer = exchange.outcome == coap::Exchange::Outcome::kAnswered ? exchange.message.code : 0;
  });
}

}  // namespace isthmus::connector
