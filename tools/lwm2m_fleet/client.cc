#include "tools/lwm2m_fleet/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/lib/lwm2m/codec/codec.h"

namespace isthmus::fleet {
namespace {

constexpr uint32_t kServerObject = 1, kLifetimeResource = 1;

// Registration payload: an object whose version is not 1.0 names it.
std::string RegistrationLinks() {
  std::string links = R"(</>;rt="oma.lwm2m";ct="110 112 11542")";
  for (const ObjectDefinition& object : Objects()) {
    absl::StrAppend(&links, ",</", object.object, ">;ver=", object.version, ",</", object.object, "/0>");
  }
  return links;
}

bool IsRequestDatagram(absl::string_view datagram) {
  return datagram.size() >= 4 && coap::IsRequest(static_cast<uint8_t>(datagram[1]));
}

std::string OutcomeText(const coap::Exchange& exchange) {
  switch (exchange.outcome) {
    case coap::Exchange::Outcome::kAnswered:
      return absl::StrCat(coap::CodeToString(exchange.message.code), exchange.message.payload.empty() ? "" : ": ",
                          exchange.message.payload);
    case coap::Exchange::Outcome::kTimeout:
      return "no answer";
    case coap::Exchange::Outcome::kReset:
      return "reset";
    case coap::Exchange::Outcome::kCancelled:
      return "cancelled";
    case coap::Exchange::Outcome::kTransferFailed:
      return "block-wise transfer failed";
  }
  return "";
}

bool IsComposite(coap::Code method) { return method == coap::kFetch || method == coap::kIPatch; }

bool IsAnswer(const coap::Exchange& exchange, coap::Code code) {
  return exchange.outcome == coap::Exchange::Outcome::kAnswered && exchange.message.code == code;
}

}  // namespace

absl::StatusOr<Composites> ParseComposites(absl::string_view word) {
  if (word == "answer") return Composites::kAnswer;
  if (word == "refuse") return Composites::kRefuse;
  if (word == "silence") return Composites::kSilence;
  return absl::InvalidArgumentError(absl::StrCat("'", word, "': expected answer, refuse or silence"));
}

void Client::Outlet::Send(const coap::Peer& peer, const std::string& datagram) {
  ++client_->counters_->datagrams_out;
  if (!client_->Lost()) client_->transport_->Send(peer, datagram);
}

Client::Client(ClientOptions options, const Clock* clock, coap::Random* random, coap::Transport* transport,
               Counters* counters)
    : options_(std::move(options)),
      clock_(clock),
      random_(random),
      transport_(transport),
      counters_(counters),
      model_(options_.device),
      management_(&model_, clock) {
  SwitchOn();
}

bool Client::Lost() {
  if (options_.loss <= 0) return false;
  const double chance = static_cast<double>(random_->Next() >> 11) / static_cast<double>(uint64_t{1} << 53);
  if (chance >= options_.loss) return false;
  ++counters_->datagrams_lost;
  return true;
}

void Client::SwitchOn() {
  ++start_;
  answers_.clear();
  observations_.Clear();
  management_.ForgetAttributes();
  exchange_under_way_ = false;
  update_wanted_ = false;
  endpoint_ = std::make_unique<coap::Endpoint>(options_.endpoint, clock_, random_, &outlet_);
  endpoint_->SetRequestHandler([this](coap::IncomingRequest request, coap::Responder respond) {
    OnRequest(std::move(request), std::move(respond));
  });
  StayAwake();
}

void Client::Start() {
  state_ = State::kRegistering;
  register_at_ = Now() + options_.register_after;
  if (options_.change_every < absl::InfiniteDuration()) {
    change_at_ = Now() + options_.change_every + options_.first_change_after;
  }
}

void Client::Receive(const coap::Peer& peer, absl::string_view datagram) {
  ++counters_->datagrams_in;
  if (Lost() || state_ == State::kRestarting) return;
  if (IsRequestDatagram(datagram) && ((options_.silent && registered()) || Asleep())) return;
  if (!Asleep()) StayAwake();
  endpoint_->Receive(peer, datagram);
}

absl::Duration Client::Tick() {
  if (state_ == State::kRestarting) {
    if (Now() < switch_on_at_) return switch_on_at_ - Now();
    switch_on_at_ = absl::InfiniteDuration();
    model_.Restart();
    SwitchOn();
    RegisterAgain();
  }
  endpoint_->Tick();
  model_.Tick(Now());
  if (Now() >= change_at_) {
    change_at_ = Now() + options_.change_every;
    model_.Walk(random_);
  }
  AnswerDue();
  HandleActions();
  if (state_ == State::kRestarting) return std::max(switch_on_at_ - Now(), absl::ZeroDuration());
  if (state_ == State::kRegistering && Now() >= register_at_ && !exchange_under_way_) SendRegister();
  if (registered() && (Now() >= update_at_ || update_wanted_) && !exchange_under_way_) SendUpdate();
  NotifyDue();

  absl::Duration next = std::min({model_.next_due(), change_at_, update_at_, register_at_});
  if (!answers_.empty()) next = std::min(next, answers_.begin()->first);
  if (registered() && !options_.silent) next = std::min(next, observations_.NextTime(management_));
  return std::min(std::max(next - Now(), absl::ZeroDuration()), endpoint_->Tick());
}

void Client::SendRegister() {
  register_at_ = absl::InfiniteDuration();
  exchange_under_way_ = true;
  observations_.Clear();  // they belonged to the registration before
  coap::OutgoingRequest request;
  request.method = coap::kPost;
  request.path = {"rd"};
  request.query = {absl::StrCat("ep=", options_.endpoint_name),
                   absl::StrCat("lt=", model_.IntegerAt(kServerObject, kLifetimeResource)), "lwm2m=1.1",
                   absl::StrCat("b=", options_.device.binding)};
  if (options_.queue_mode) request.query.push_back("Q");
  request.content_format = lwm2m::codec::kLinkFormat;
  request.payload = RegistrationLinks();
  StayAwake();
  endpoint_->Send(options_.server, std::move(request), [this, start = start_](coap::Exchange exchange) {
    if (start != start_ || state_ != State::kRegistering) return;
    exchange_under_way_ = false;
    std::vector<std::string> location = exchange.message.TextOptions(coap::kLocationPath);
    if (!IsAnswer(exchange, coap::kCreated) || location.empty()) {
      Fail("Register", exchange);
      RegisterLater();
      return;
    }
    ++counters_->registrations;
    state_ = State::kRegistered;
    location_ = std::move(location);
    tries_ = 0;
    update_at_ = Now() + absl::Seconds(model_.IntegerAt(kServerObject, kLifetimeResource)) * options_.update_share;
  });
}

void Client::SendUpdate() {
  exchange_under_way_ = true;
  coap::OutgoingRequest request;
  request.method = coap::kPost;
  request.path = location_;
  const int64_t lifetime = model_.IntegerAt(kServerObject, kLifetimeResource);
  if (update_wanted_) request.query.push_back(absl::StrCat("lt=", lifetime));
  update_wanted_ = false;
  update_at_ = absl::InfiniteDuration();
  StayAwake();
  endpoint_->Send(options_.server, std::move(request), [this, lifetime, start = start_](coap::Exchange exchange) {
    if (start != start_ || !registered()) return;
    exchange_under_way_ = false;
    if (IsAnswer(exchange, coap::kChanged)) {
      ++counters_->updates;
      update_at_ = Now() + absl::Seconds(lifetime) * options_.update_share;
      return;
    }
    Fail("Update", exchange);
    RegisterAgain();
  });
}

void Client::Deregister(std::function<void()> done) {
  const bool known = registered() && !location_.empty();
  register_at_ = update_at_ = absl::InfiniteDuration();
  observations_.Clear();
  if (!known) {
    state_ = State::kOff;
    switch_on_at_ = absl::InfiniteDuration();
    if (done) done();
    return;
  }
  state_ = State::kDeregistering;
  exchange_under_way_ = true;
  coap::OutgoingRequest request;
  request.method = coap::kDelete;
  request.path = location_;
  endpoint_->Send(options_.server, std::move(request),
                  [this, done = std::move(done), start = start_](coap::Exchange exchange) {
                    if (start != start_) return;
                    exchange_under_way_ = false;
                    state_ = State::kOff;
                    if (IsAnswer(exchange, coap::kDeleted)) {
                      ++counters_->deregistrations;
                    } else {
                      Fail("De-register", exchange);
                    }
                    if (done) done();
                  });
}

void Client::Reboot() {
  state_ = State::kRestarting;
  switch_on_at_ = Now() + options_.restart_time;
  register_at_ = update_at_ = absl::InfiniteDuration();
}

void Client::RegisterAgain() {
  state_ = State::kRegistering;
  register_at_ = Now();
  update_at_ = absl::InfiniteDuration();
}

void Client::RegisterLater() {
  constexpr int kMostDoublings = 6;
  const absl::Duration wait = absl::Seconds(1) * (1 << std::min(tries_++, kMostDoublings));
  // Up to half as long again, so that a fleet does not come back in step.
  register_at_ = Now() + wait + wait * (static_cast<double>(random_->Next() % 1000) / 2000);
}

void Client::Fail(absl::string_view what, const coap::Exchange& exchange) {
  ++counters_->failures;
  last_failure_ = absl::StrCat(what, ": ", OutcomeText(exchange));
}

void Client::HandleActions() {
  for (const Action action : model_.TakeActions()) {
    switch (action) {
      case Action::kReboot:
        Reboot();
        break;
      case Action::kFactoryReset:
      case Action::kInstalled:
        Deregister([this] { Reboot(); });
        break;
      case Action::kUpdateRegistration:
        update_wanted_ = true;
        break;
    }
  }
}

void Client::OnRequest(coap::IncomingRequest request, coap::Responder respond) {
  ++counters_->requests;
  if (IsComposite(request.message.code) && options_.composites == Composites::kSilence) return;
  if (options_.answer_after <= absl::ZeroDuration()) {
    respond(Answer(request));
    return;
  }
  answers_.emplace(Now() + options_.answer_after,
                   [this, request = std::move(request), respond = std::move(respond)] { respond(Answer(request)); });
}

coap::OutgoingResponse Client::Answer(const coap::IncomingRequest& request) {
  coap::OutgoingResponse response;
  if (IsComposite(request.message.code) && options_.composites == Composites::kRefuse) {
    response.code = coap::kMethodNotAllowed;
    return response;
  }
  response = management_.Answer(request.message);
  const std::optional<uint64_t> observe = request.message.UintOption(coap::kObserve);
  if (request.message.code != coap::kGet || !observe.has_value()) return response;
  if (observe == 1u) observations_.Remove(request.peer, request.message.token);
  const std::optional<uint64_t> accept = request.message.UintOption(coap::kAccept);
  if (observe != 0u || response.code != coap::kContent || accept == lwm2m::codec::kLinkFormat) return response;
  Observation observation;
  observation.peer = request.peer;
  observation.token = request.message.token;
  observation.path = *Management::PathOf(request.message);
  observation.accept = accept;
  observation.last_sent = Now();
  observation.last_number = management_.NumberAt(observation.path);
  response.options.push_back(UintOption(coap::kObserve, observation.sequence));
  observations_.Add(std::move(observation));
  return response;
}

void Client::AnswerDue() {
  while (!answers_.empty() && answers_.begin()->first <= Now()) {
    const std::function<void()> answer = std::move(answers_.begin()->second);
    answers_.erase(answers_.begin());
    answer();
  }
}

void Client::NotifyDue() {
  for (const v1::Path& path : model_.TakeChanges()) observations_.OnChange(path);
  if (!registered() || options_.silent) return;
  while (Observation* due = observations_.NextDue(Now(), management_)) Notify(due);
}

void Client::Notify(Observation* observation) {
  StayAwake();
  coap::OutgoingResponse response = management_.Read(observation->path, observation->accept);
  observation->last_sent = Now();
  observation->last_number = management_.NumberAt(observation->path);
  observation->changed = false;
  observation->under_way = options_.confirmable_notifications;
  ++observation->sequence;
  ++counters_->notifications;
  const coap::Peer peer = observation->peer;
  const std::string token = observation->token;
  // The callback may come at once: `observation` is not touched after this.
  endpoint_->Notify(peer, token, std::move(response), observation->sequence, options_.confirmable_notifications,
                    [this, peer, token, start = start_](coap::Exchange exchange) {
                      if (start != start_) return;
                      if (exchange.outcome != coap::Exchange::Outcome::kAnswered) {
                        ++counters_->notifications_failed;
                        observations_.Remove(peer, token);
                      } else if (Observation* told = observations_.Find(peer, token)) {
                        told->under_way = false;
                      }
                    });
}

}  // namespace isthmus::fleet
