#include "services/mqtt_binding/core/binding.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/lib/log/log.h"
#include "services/lib/onem2m/timestamp.h"
#include "services/lib/onem2m/value.h"
#include "services/mqtt_binding/core/originator.h"

namespace isthmus::mqtt_binding {

using onem2m::v1::HandleRequest;
using onem2m::v1::HandleResponse;
using onem2m::v1::RequestPrimitive;
using onem2m::v1::ResponsePrimitive;

namespace {

constexpr uint32_t kTypeAe = 2;
constexpr uint32_t kTypeRemoteCse = 16;
constexpr uint32_t kNoResponse = 5;  // rt.rtv

// The CSE watches rqet too and knows better what to say when it passes; this is how much later we give up.
constexpr absl::Duration kOutcomeGrace = absl::Seconds(1);
// How long after rqet an answer may still wait for the broker: 4008 and 6030 are given when it passes.
constexpr absl::Duration kAnswerGrace = absl::Seconds(10);
// No call is left open for longer, whatever rqet says.
constexpr absl::Duration kLongestCall = absl::Hours(24);

std::string NewTraceId() {
  thread_local std::mt19937_64 random{std::random_device()()};
  return absl::StrCat(absl::Hex(random(), absl::kZeroPad16));
}

absl::Time ExpirationOf(const RequestPrimitive& request) {
  if (!request.has_request_expiration()) return absl::InfiniteFuture();
  return absl::FromUnixSeconds(request.request_expiration().seconds()) +
         absl::Nanoseconds(request.request_expiration().nanos());
}

// After that the originator does not wait any more.
absl::Time AnswerExpiration(const RequestPrimitive& request, absl::Time now) {
  return std::max(ExpirationOf(request), now) + kAnswerGrace;
}

// fr and rqi are what TS-0010 asks for. What is asked is a part of the key too: AEs that use one rqi for everything are
// common, and the answer to another question must not be theirs. Times are not: a repeated request may carry new ones,
// and relative ones were made absolute differently.
std::string DuplicateKey(const Topic& topic, RequestPrimitive& request) {
  RequestPrimitive times;
  times.set_allocated_request_expiration(request.release_request_expiration());
  times.set_allocated_operation_execution_time(request.release_operation_execution_time());
  times.mutable_originating_timestamp()->swap(*request.mutable_originating_timestamp());
  times.mutable_other_parameters()->Swap(request.mutable_other_parameters());
  const size_t digest = absl::HashOf(request.SerializeAsString());
  request.set_allocated_request_expiration(times.release_request_expiration());
  request.set_allocated_operation_execution_time(times.release_operation_execution_time());
  request.mutable_originating_timestamp()->swap(*times.mutable_originating_timestamp());
  request.mutable_other_parameters()->Swap(times.mutable_other_parameters());
  const bool registration = topic.kind == TopicKind::kRegistrationRequest;
  // Before it is registered an AE may have no fr, or just "C" like others: its credential tells it from them.
  return absl::StrCat(registration ? topic.originator : "", "\n", request.from(), "\n", request.request_identifier(),
                      "\n", topic.serialization(), "\n", absl::Hex(digest));
}

uint32_t CodeOf(const absl::Status& failure, const RequestPrimitive& request, std::string* reason) {
  using namespace onem2m::v1;  // NOLINT: the response status codes
  switch (failure.code()) {
    case absl::StatusCode::kUnavailable:
      *reason = absl::StrCat("the synchronizer is not reachable; nothing was performed (", failure.message(), ")");
      return RESPONSE_STATUS_CODE_TARGET_NOT_REACHABLE;
    case absl::StatusCode::kAborted:
      *reason = absl::StrCat("the synchronizer was lost while it worked; the request may have been performed (",
                             failure.message(), ")");
      return RESPONSE_STATUS_CODE_TARGET_NOT_REACHABLE;
    case absl::StatusCode::kCancelled:
      *reason = "the service is being stopped; the request may have been performed";
      return RESPONSE_STATUS_CODE_TARGET_NOT_REACHABLE;
    case absl::StatusCode::kDeadlineExceeded:
      if (request.has_request_expiration()) {
        *reason = "no outcome before rqet; the request may still be performed";
        return RESPONSE_STATUS_CODE_REQUEST_TIMEOUT;
      }
      *reason = "the synchronizer did not answer in time; the request may still be performed";
      return RESPONSE_STATUS_CODE_TARGET_NOT_REACHABLE;
    default:
      *reason = absl::StrCat("the synchronizer failed: ", failure.message());
      return RESPONSE_STATUS_CODE_INTERNAL_SERVER_ERROR;
  }
}

}  // namespace

struct Binding::Flight {
  std::string key;
  const onem2m::PrimitiveCodec* codec = nullptr;
  std::string trace_id;
  // All of the request but its content: what the answer needs.
  RequestPrimitive request;
};

Binding::Binding(BindingOptions options, const TopicScheme* scheme, const onem2m::CodecRegistry* codecs,
                 const Clock* clock, CsePort* cse, MqttClient* mqtt, Notifier* notifier)
    : options_(std::move(options)),
      scheme_(scheme),
      codecs_(codecs),
      clock_(clock),
      cse_(cse),
      mqtt_(mqtt),
      notifier_(notifier),
      duplicates_(options_.duplicates) {}

void Binding::OnMessage(const IncomingMessage& message) {
  const std::optional<Topic> topic = scheme_->Parse(message.topic);
  if (!topic) return Stray(message, "no topic of the binding");
  if (message.retained) {
    // The broker hands it out at each subscription: executed, a reboot command would come back at every reconnect.
    ++counters_.retained;
    if (retained_lines_.Allow(clock_->Monotonic())) {
      log::Warning("retained message ignored", {{"topic", message.topic}, {"octets", message.payload.size()}});
    }
    return;
  }
  switch (topic->kind) {
    case TopicKind::kRequest:
    case TopicKind::kRegistrationRequest:
      if (topic->receiver != scheme_->cse_segment()) return Stray(message, "for another receiver");
      return OnRequest(*topic, message);
    case TopicKind::kResponse:
      if (topic->originator != scheme_->cse_segment()) return Stray(message, "an answer for another originator");
      if (message.payload.size() > options_.payload_limit) return Stray(message, "an answer beyond payload.limit");
      if (!notifier_->OnAnswer(*topic, message.payload)) Stray(message, "an answer that nobody waits for");
      return;
    case TopicKind::kRegistrationResponse:
      return Stray(message, "an answer to a registration");
  }
}

void Binding::OnRequest(const Topic& topic, const IncomingMessage& message) {
  const onem2m::PrimitiveCodec* codec = codecs_->Find(topic.serialization());
  if (codec == nullptr) return Stray(message, "a serialisation that is not known");
  const std::string answer_topic = scheme_->Format(TopicScheme::AnswerTo(topic));
  const bool too_long = message.payload.size() > options_.payload_limit;
  // Of a payload that is too long only the beginning is looked at, for the sake of its rqi.
  constexpr size_t kBeginning = 4096;
  onem2m::Decoded<RequestPrimitive> decoded = codec->DecodeRequest(
      too_long ? message.payload.substr(0, std::min(kBeginning, options_.payload_limit)) : message.payload,
      clock_->Now());
  if (auto* error = std::get_if<onem2m::DecodeError>(&decoded)) {
    RequestPrimitive known;
    known.set_request_identifier(error->request_identifier);
    known.set_release_version_indicator(error->release_version_indicator);
    known.set_from(error->from);
    return Refuse(answer_topic, codec, known, error->response_status_code,
                  too_long ? TooLong(message.payload.size()) : error->reason);
  }
  RequestPrimitive& request = std::get<RequestPrimitive>(decoded);
  if (too_long) {  // the rest is white space
    return Refuse(answer_topic, codec, request, onem2m::v1::RESPONSE_STATUS_CODE_BAD_REQUEST,
                  TooLong(message.payload.size()));
  }
  std::string reason;
  if (const uint32_t code = Check(topic, request, &reason)) return Refuse(answer_topic, codec, request, code, reason);
  Execute(topic, answer_topic, codec, std::move(request));
}

std::string Binding::TooLong(size_t octets) const {
  return absl::StrCat("the payload has ", octets, " octets; at most ", options_.payload_limit, " are taken");
}

uint32_t Binding::Check(const Topic& topic, const RequestPrimitive& request, std::string* reason) const {
  using namespace onem2m::v1;  // NOLINT: the response status codes
  if (topic.kind == TopicKind::kRegistrationRequest) {
    // The originator is not checked here, so nothing else may come this way.
    if (request.operation() != OPERATION_TYPE_CREATE ||
        (request.resource_type() != kTypeAe && request.resource_type() != kTypeRemoteCse)) {
      *reason = "a registration topic takes only the CREATE of an AE (ty 2) or a remoteCSE (ty 16)";
      return RESPONSE_STATUS_CODE_BAD_REQUEST;
    }
    if (request.from().empty() && request.resource_type() != kTypeAe) {
      *reason = "fr is missing";
      return RESPONSE_STATUS_CODE_BAD_REQUEST;
    }
  } else {
    OriginatorVerdict verdict = CheckOriginator(topic.originator, request.from(), scheme_->cse_segment());
    if (verdict.response_status_code != 0) {
      *reason = std::move(verdict.reason);
      return verdict.response_status_code;
    }
  }
  if (ExpirationOf(request) <= clock_->Now()) {
    *reason = "rqet had passed when the request arrived";
    return RESPONSE_STATUS_CODE_REQUEST_TIMEOUT;
  }
  return 0;
}

void Binding::Execute(const Topic& topic, const std::string& answer_topic, const onem2m::PrimitiveCodec* codec,
                      RequestPrimitive request) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (in_flight_ >= options_.in_flight_limit) {
      lock.unlock();
      return Refuse(answer_topic, codec, request, onem2m::v1::RESPONSE_STATUS_CODE_TARGET_NOT_REACHABLE,
                    absl::StrCat("more than ", options_.in_flight_limit,
                                 " requests are under way; nothing was performed, send it again later"));
    }
    ++in_flight_;
  }
  Flight flight;
  flight.key = DuplicateKey(topic, request);
  const DuplicateMemory::Arrival arrival = duplicates_.Arrive(flight.key, answer_topic, clock_->Monotonic());
  if (arrival.verdict != DuplicateMemory::Verdict::kNew) {
    ++counters_.duplicates;
    if (arrival.answer != nullptr && !arrival.answer->empty()) {
      mqtt_->Publish({answer_topic, *arrival.answer, AnswerExpiration(request, clock_->Now()), nullptr});
    }
    std::lock_guard<std::mutex> lock(mutex_);
    if (--in_flight_ == 0) idle_.notify_all();
    return;
  }
  ++counters_.requests;
  flight.codec = codec;
  flight.trace_id = NewTraceId();
  const absl::Time now = clock_->Now();
  const absl::Time expiration = ExpirationOf(request);
  const absl::Time deadline = request.has_request_expiration()
                                  ? std::min(expiration + kOutcomeGrace, now + kLongestCall)
                                  : now + options_.request_timeout;
  HandleRequest handle;
  handle.set_registration(topic.kind == TopicKind::kRegistrationRequest);
  handle.set_trace_id(flight.trace_id);
  flight.request.set_from(request.from());
  flight.request.set_request_identifier(request.request_identifier());
  flight.request.set_release_version_indicator(request.release_version_indicator());
  if (request.has_request_expiration()) *flight.request.mutable_request_expiration() = request.request_expiration();
  if (request.has_response_type()) *flight.request.mutable_response_type() = request.response_type();
  if (log::Enabled(log::Level::kDebug)) {
    log::Debug("request", {{"op", static_cast<int>(request.operation())},
                           {"to", request.to()},
                           {"fr", request.from()},
                           {"rqi", request.request_identifier()},
                           {"trace", flight.trace_id}});
  }
  *handle.mutable_primitive() = std::move(request);
  cse_->Handle(std::move(handle), deadline, [this, flight = std::move(flight)](absl::StatusOr<HandleResponse> outcome) {
    OnOutcome(flight, std::move(outcome));
  });
}

void Binding::OnOutcome(const Flight& flight, absl::StatusOr<HandleResponse> outcome) {
  const RequestPrimitive& request = flight.request;
  ResponsePrimitive response;
  if (outcome.ok()) {
    response = std::move(*outcome->mutable_primitive());
    response.set_request_identifier(request.request_identifier());
    if (response.response_status_code() == 0) {
      response = onem2m::MakeResponse(request, onem2m::v1::RESPONSE_STATUS_CODE_INTERNAL_SERVER_ERROR,
                                      "the synchronizer gave an answer without a response status code");
    }
  } else {
    std::string reason;
    const uint32_t code = CodeOf(outcome.status(), request, &reason);
    response = onem2m::MakeResponse(request, code, reason);
    if (failed_lines_.Allow(clock_->Monotonic())) {
      log::Warning("request failed", {{"rsc", code},
                                      {"reason", reason},
                                      {"fr", request.from()},
                                      {"rqi", request.request_identifier()},
                                      {"trace", flight.trace_id},
                                      {"suppressed", failed_lines_.TakeSuppressed()}});
    }
  }
  // noResponse (TS-0004 6.3.4.2.26): an empty answer is remembered, and not sent.
  const bool silent = request.response_type().value() == kNoResponse;
  const auto answer = std::make_shared<const std::string>(
      silent ? std::string() : EncodeAnswer(flight.codec, request.from(), std::move(response)));
  for (const std::string& topic : duplicates_.Finish(flight.key, answer, clock_->Monotonic())) {
    if (!silent) mqtt_->Publish({topic, *answer, AnswerExpiration(request, clock_->Now()), nullptr});
  }
  std::lock_guard<std::mutex> lock(mutex_);
  if (--in_flight_ == 0) idle_.notify_all();
}

void Binding::Refuse(const std::string& answer_topic, const onem2m::PrimitiveCodec* codec,
                     const RequestPrimitive& request, uint32_t code, absl::string_view reason) {
  ++counters_.refused;
  if (refused_lines_.Allow(clock_->Monotonic())) {
    log::Warning("request refused", {{"rsc", code},
                                     {"reason", reason},
                                     {"fr", request.from()},
                                     {"rqi", request.request_identifier()},
                                     {"topic", answer_topic},
                                     {"suppressed", refused_lines_.TakeSuppressed()}});
  }
  mqtt_->Publish({answer_topic, EncodeAnswer(codec, request.from(), onem2m::MakeResponse(request, code, reason)),
                  absl::InfiniteFuture(), nullptr});
}

std::string Binding::EncodeAnswer(const onem2m::PrimitiveCodec* codec, const std::string& originator,
                                  ResponsePrimitive response) const {
  // Peers drop answers without rvi, or with a release that they do not know.
  const std::string& rvi = response.release_version_indicator();
  if (rvi != "2a" && rvi != "3" && rvi != "5") response.set_release_version_indicator("4");
  if (response.from().empty()) response.set_from(options_.cse_id);
  if (response.to().empty()) response.set_to(originator);
  if (response.originating_timestamp().empty()) {
    response.set_originating_timestamp(onem2m::FormatTimestamp(clock_->Now()));
  }
  return codec->EncodeResponse(response);
}

void Binding::Stray(const IncomingMessage& message, absl::string_view reason) {
  ++counters_.stray;
  if (stray_lines_.Allow(clock_->Monotonic())) {
    log::Info("message dropped", {{"reason", reason},
                                  {"topic", message.topic},
                                  {"octets", message.payload.size()},
                                  {"suppressed", stray_lines_.TakeSuppressed()}});
  }
}

size_t Binding::in_flight() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return in_flight_;
}

bool Binding::WaitUntilIdle(absl::Duration timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  return idle_.wait_for(lock, absl::ToChronoMilliseconds(timeout), [this] { return in_flight_ == 0; });
}

BindingCounters Binding::counters() const {
  return {counters_.requests, counters_.refused, counters_.duplicates, counters_.retained, counters_.stray};
}

}  // namespace isthmus::mqtt_binding
