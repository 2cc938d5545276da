#include "services/connector/core/lwm2m_server.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/connector/core/composite_codec.h"
#include "services/connector/core/printable.h"
#include "services/lib/clock/proto_time.h"
#include "services/lib/log/log.h"
#include "services/lib/lwm2m/codec/codec.h"
#include "services/lib/lwm2m/path.h"

namespace isthmus::connector {
namespace {

using lwm2m::v1::Node;
using lwm2m::v1::Operation;
using lwm2m::v1::OperationResult;

coap::OutgoingResponse Answer(coap::Code code, std::string text = "") {
  coap::OutgoingResponse response;
  response.code = code;
  response.payload = std::move(text);
  return response;
}

coap::OutgoingResponse Answer(const Refusal& refusal) { return Answer(refusal.code, refusal.text); }

void LogResult(const session::v1::Request& request, const OperationResult& result) {
  log::Info("operation", {{"trace", request.trace_id()},
                          {"endpoint", request.endpoint()},
                          {"operation", KindOf(request.operation())},
                          {"path", lwm2m::PathToString(PathOf(request.operation()))},
                          {"outcome", lwm2m::v1::Outcome_Name(result.outcome())},
                          {"code", result.coap_code()},
                          {"diagnostic", result.diagnostic()},
                          {"duration_us", result.duration_us()}});
}

OperationResult Local(lwm2m::v1::Outcome outcome, coap::Code code, absl::string_view why) {
  OperationResult result;
  result.set_outcome(outcome);
  result.set_coap_code(static_cast<uint32_t>(code));
  result.set_diagnostic(std::string(why));
  return result;
}

}  // namespace

LwM2mServer::LwM2mServer(LwM2mServerOptions options, Parts parts, Publish publish)
    : options_(options),
      parts_(parts),
      publish_(std::move(publish)),
      registry_(options.registry, parts.clock, parts.random, parts.store),
      lines_(options.lines, parts.clock, parts.coap),
      operations_(parts.clock, &lines_),
      composites_(options.composites, parts.clock, &operations_),
      observer_(options.observer, {parts.clock, parts.random, parts.coap, &operations_, &registry_, parts.store},
                {[this](const std::string& endpoint, const lwm2m::v1::Path& path, const std::vector<Node>& nodes,
                        bool initial) {
                   session::v1::Event event = EventOf(endpoint);
                   auto* notification = event.mutable_notification();
                   *notification->mutable_path() = path;
                   for (const Node& node : nodes) *notification->add_nodes() = node;
                   notification->set_initial(initial);
                   publish_(std::move(event));
                 },
                 [this](const std::string& endpoint, const lwm2m::v1::Path& path, const OperationResult& result) {
                   session::v1::Event event = EventOf(endpoint);
                   *event.mutable_observation_failed()->mutable_path() = path;
                   *event.mutable_observation_failed()->mutable_result() = result;
                   publish_(std::move(event));
                 }}) {}

void LwM2mServer::Start(const std::vector<session::v1::Interest>& interests) {
  registry_.Load();
  for (const DevicePtr& device : registry_.List("", registry_.size())) {
    lines_.OnRestored(device);
    const DevicePtr owner = registry_.FindByAddress(device->address());
    if (owner != device) lines_.OnDisplaced(device->endpoint());
  }
  observer_.Restore();
  observer_.SetInterests(interests);
  log::Info("devices restored", {{"registrations", registry_.size()}});
}

session::v1::Event LwM2mServer::EventOf(const std::string& endpoint) const {
  session::v1::Event event;
  event.set_endpoint(endpoint);
  *event.mutable_time() = ToTimestamp(parts_.clock->Now());
  return event;
}

// ---- what devices ask -----------------------------------------------------------------------------------------------

void LwM2mServer::OnRequest(coap::IncomingRequest request, const coap::Responder& respond) {
  ExpireDevices();  // nobody is served by a registration whose time is over
  std::vector<std::string> path = request.message.TextOptions(coap::kUriPath);
  while (!path.empty() && path.back().empty()) path.pop_back();
  const coap::Code method = request.message.code;
  if (path.size() == 1 && path[0] == "rd") {
    return method == coap::kPost ? Register(request, respond) : respond(Answer(coap::kMethodNotAllowed));
  }
  if (path.size() == 2 && path[0] == "rd") {
    const std::string location = absl::StrCat("rd/", path[1]);
    if (method == coap::kPost) return Update(location, request, respond);
    if (method == coap::kDelete) return Deregister(location, respond);
    return respond(Answer(coap::kMethodNotAllowed));
  }
  if (path.size() == 1 && path[0] == "dp") {
    return method == coap::kPost ? TakeSend(request, respond) : respond(Answer(coap::kMethodNotAllowed));
  }
  respond(Answer(coap::kNotFound));
}

void LwM2mServer::Register(const coap::IncomingRequest& request, const coap::Responder& respond) {
  auto outcome = registry_.Register(request);
  if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
    log::Warning("registration refused", {{"address", request.peer}, {"code", refusal->code}, {"why", refusal->text}});
    return respond(Answer(*refusal));
  }
  const auto& registered = std::get<Registry::Registered>(outcome);
  const DevicePtr& device = registered.device;
  const std::string& endpoint = device->endpoint();
  coap::OutgoingResponse created = Answer(coap::kCreated);
  for (const auto segment : absl::StrSplit(device->registration.registration_id(), '/')) {
    created.options.push_back({coap::kLocationPath, std::string(segment)});
  }
  respond(std::move(created));
  log::Info("device registered", {{"endpoint", endpoint},
                                  {"address", device->address()},
                                  {"location", device->registration.registration_id()},
                                  {"lwm2m", device->registration.lwm2m_version()},
                                  {"lifetime_s", device->registration.lifetime_seconds()},
                                  {"again", registered.replaced != nullptr}});
  Displace(registered.displaced);
  operations_.ForgetFormats(endpoint);
  session::v1::Event event = EventOf(endpoint);
  *event.mutable_registered()->mutable_registration() = device->registration;
  publish_(std::move(event));
  // Only now may anything be asked: the 2.01 is on its way.
  lines_.OnRegistered(device);
  observer_.OnRegistered(endpoint);
}

void LwM2mServer::Update(const std::string& location, const coap::IncomingRequest& request,
                         const coap::Responder& respond) {
  auto outcome = registry_.Update(location, request);
  if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
    log::Info("update refused", {{"address", request.peer},
                                 {"location", Printable(location, 40)},
                                 {"code", refusal->code},
                                 {"why", refusal->text}});
    return respond(Answer(*refusal));
  }
  const auto& updated = std::get<Registry::Updated>(outcome);
  const std::string& endpoint = updated.device->endpoint();
  respond(Answer(coap::kChanged));
  Displace(updated.displaced);
  if (updated.visible) {
    log::Info("device updated", {{"endpoint", endpoint},
                                 {"address", updated.device->address()},
                                 {"address_changed", updated.address_changed},
                                 {"objects_changed", updated.links_changed}});
    session::v1::Event event = EventOf(endpoint);
    *event.mutable_updated()->mutable_registration() = updated.device->registration;
    publish_(std::move(event));
  }
  lines_.OnUpdated(updated.device);
  observer_.OnUpdated(endpoint, updated.address_changed, updated.links_changed);
}

void LwM2mServer::Deregister(const std::string& location, const coap::Responder& respond) {
  auto outcome = registry_.Deregister(location);
  if (const auto* refusal = std::get_if<Refusal>(&outcome)) return respond(Answer(*refusal));
  respond(Answer(coap::kDeleted));
  Leave(std::get<DevicePtr>(outcome), session::v1::DEREGISTRATION_REASON_DEREGISTERED);
}

void LwM2mServer::TakeSend(const coap::IncomingRequest& request, const coap::Responder& respond) {
  const DevicePtr device = registry_.FindByAddress(request.peer);
  if (device == nullptr) return respond(Answer(coap::kNotFound, "not registered"));
  const auto format = request.message.UintOption(coap::kContentFormat);
  const bool senml = format && (*format == lwm2m::codec::kSenMlJson || *format == lwm2m::codec::kSenMlCbor);
  if (format && !senml) return respond(Answer(coap::kUnsupportedContentFormat));
  if (!format) return respond(Answer(coap::kBadRequest, "a Send needs a Content-Format"));
  const auto nodes = lwm2m::codec::Decode(static_cast<uint32_t>(*format), request.message.payload, lwm2m::v1::Path(),
                                          parts_.clock->Now(), device->registration.root_path());
  if (!nodes.ok()) {
    log::Warning("Send cannot be decoded", {{"endpoint", device->endpoint()}, {"error", nodes.status().message()}});
    return respond(Answer(coap::kBadRequest, Printable(nodes.status().message())));
  }
  respond(Answer(coap::kChanged));
  lines_.OnHeard(device->endpoint());
  // Each interest hears of what lies in it.
  for (const lwm2m::v1::Path& path : observer_.WantedPaths(device->endpoint())) {
    session::v1::Event event = EventOf(device->endpoint());
    auto* notification = event.mutable_notification();
    for (const Node& node : *nodes) {
      if (lwm2m::Contains(path, node.path())) *notification->add_nodes() = node;
    }
    if (notification->nodes().empty()) continue;
    *notification->mutable_path() = path;
    publish_(std::move(event));
  }
}

bool LwM2mServer::OnNotification(const coap::Notified& notified) {
  ExpireDevices();
  if (!observer_.OnNotification(notified)) return false;
  const DevicePtr device = registry_.FindByAddress(notified.peer);
  if (device != nullptr) lines_.OnHeard(device->endpoint());
  return true;
}

void LwM2mServer::Displace(const std::vector<std::string>& endpoints) {
  for (const std::string& endpoint : endpoints) {
    log::Warning("address of a device now belongs to another one", {{"endpoint", endpoint}});
    lines_.OnDisplaced(endpoint);
    observer_.OnDisplaced(endpoint);
  }
}

void LwM2mServer::Leave(const DevicePtr& device, session::v1::DeregistrationReason reason) {
  const std::string& endpoint = device->endpoint();
  log::Info("device gone", {{"endpoint", endpoint}, {"expired", reason == session::v1::DEREGISTRATION_REASON_EXPIRED}});
  lines_.OnGone(endpoint);
  observer_.OnGone(endpoint);
  operations_.ForgetFormats(endpoint);
  composites_.Forget(endpoint);
  session::v1::Event event = EventOf(endpoint);
  event.mutable_deregistered()->set_reason(reason);
  publish_(std::move(event));
}

void LwM2mServer::ExpireDevices() {
  for (const DevicePtr& device : registry_.Expire()) Leave(device, session::v1::DEREGISTRATION_REASON_EXPIRED);
}

// ---- what the session asks ------------------------------------------------------------------------------------------

void LwM2mServer::Perform(const session::v1::Request& request, Done done) {
  const auto finish = [request, done = std::move(done)](OperationResult result) {
    LogResult(request, result);
    done(std::move(result));
  };
  ExpireDevices();
  const DevicePtr device = registry_.FindByEndpoint(request.endpoint());
  Operation operation = request.operation();
  if (device != nullptr && operation.has_cancel_observation()) {
    // Observations follow the interests; there is none that could be cancelled on its own.
    if (observer_.IsWanted(request.endpoint(), PathOf(operation))) {
      return finish(Local(lwm2m::v1::OUTCOME_UNSUPPORTED, 0, "there is an interest in this path: remove that instead"));
    }
    return finish(Local(lwm2m::v1::OUTCOME_ANSWERED, coap::kContent, "not sent: the path is not observed"));
  }
  if (operation.has_observe()) {
    observer_.Nudge(request.endpoint(), operation.observe().path());
    const lwm2m::v1::Observe observe = operation.observe();
    *operation.mutable_read()->mutable_path() = observe.path();
    operation.mutable_read()->set_self_describing(observe.self_describing());
  }
  Operations::Options options;
  const absl::Duration left = ToTime(request.deadline()) - parts_.clock->Now();
  options.deadline = parts_.clock->Monotonic() + left - std::min(options_.answer_margin, left / 4);
  if (IsComposite(operation)) return composites_.Perform(device, operation, std::move(options), finish);
  operations_.Perform(device, operation, std::move(options),
                      [finish](Operations::Performed performed) { finish(std::move(performed.result)); });
}

void LwM2mServer::ChangeInterests(const session::v1::InterestChange& change) { observer_.ChangeInterests(change); }

absl::Duration LwM2mServer::Tick() {
  ExpireDevices();
  const absl::Duration observer = observer_.Tick();
  const absl::Duration lines = lines_.Tick();
  return std::min({registry_.UntilNextExpiry(), observer, lines});
}

}  // namespace isthmus::connector
