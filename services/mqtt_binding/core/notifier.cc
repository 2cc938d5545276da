#include "services/mqtt_binding/core/notifier.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/mqtt_binding/core/notification_target.h"

namespace isthmus::mqtt_binding {

using onem2m::v1::NotifyRequest;
using onem2m::v1::NotifyResponse;

Notifier::Notifier(const TopicScheme* scheme, const onem2m::CodecRegistry* codecs, MqttClient* mqtt, const Clock* clock,
                   std::vector<std::string> brokers)
    : scheme_(scheme), codecs_(codecs), mqtt_(mqtt), clock_(clock), brokers_(std::move(brokers)) {}

void Notifier::Notify(NotifyRequest request, absl::Duration timeout, Done done) {
  const onem2m::v1::RequestPrimitive& primitive = request.primitive();
  const absl::StatusOr<NotificationTarget> target = ResolveTarget(
      request.target(), *scheme_, brokers_, request.serialization().empty() ? "json" : request.serialization());
  if (!target.ok()) return done(target.status());
  const onem2m::PrimitiveCodec* codec = codecs_->Find(target->serialization);
  if (codec == nullptr) {
    return done(absl::InvalidArgumentError(absl::StrCat(
        "notification target '", request.target(), "': the serialisation '", target->serialization, "' is not known")));
  }
  if (primitive.operation() != onem2m::v1::OPERATION_TYPE_NOTIFY || primitive.request_identifier().empty()) {
    return done(absl::InvalidArgumentError("primitive: expected op 5 (NOTIFY) and an rqi"));
  }
  if (timeout <= absl::ZeroDuration()) {
    return done(absl::UnavailableError("no time is left to notify; the notification was not sent"));
  }
  if (!mqtt_->connected()) {
    return done(absl::UnavailableError("no connection to the broker; the notification was not sent"));
  }

  const bool expects_answer = !target->receiver.empty() && !request.without_answer();
  uint64_t id = 0;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (closed_) {
      lock.unlock();
      return done(absl::UnavailableError("the service is being stopped"));
    }
    id = next_id_++;
    Pending pending{
        {expects_answer ? target->receiver : "", primitive.request_identifier()}, clock_->Monotonic() + timeout, done};
    if (!expects_answer || by_key_.try_emplace(pending.key, id).second) {
      by_deadline_.emplace(pending.deadline, id);
      pending_.emplace(id, std::move(pending));
    } else {
      id = 0;
    }
  }
  if (id == 0) {
    return done(absl::AlreadyExistsError(absl::StrCat("an answer of '", request.target(), "' to the request '",
                                                      primitive.request_identifier(), "' is awaited already")));
  }
  OutgoingMessage message;
  message.topic = target->topic;
  message.payload = codec->EncodeRequest(primitive);
  message.expires = clock_->Now() + timeout;
  message.done = [this, id, expects_answer](const absl::Status& status) {
    if (status.ok() && expects_answer) {
      Taken(id);
    } else if (status.ok()) {
      Complete(id, NotifyResponse());
    } else if (absl::IsInvalidArgument(status)) {
      Complete(id, status);
    } else {
      Complete(id, absl::UnavailableError(absl::StrCat("the notification was not sent: ", status.message())));
    }
  };
  mqtt_->Publish(std::move(message));
}

bool Notifier::OnAnswer(const Topic& topic, absl::string_view payload) {
  const onem2m::PrimitiveCodec* codec = codecs_->Find(topic.serialization());
  if (codec == nullptr) return false;
  onem2m::Decoded<onem2m::v1::ResponsePrimitive> decoded = codec->DecodeResponse(payload);
  const auto* error = std::get_if<onem2m::DecodeError>(&decoded);
  const std::string& rqi = error != nullptr ? error->request_identifier
                                            : std::get<onem2m::v1::ResponsePrimitive>(decoded).request_identifier();
  uint64_t id = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto it = by_key_.find(std::make_pair(topic.receiver, rqi));
    if (it == by_key_.end()) return false;
    id = it->second;
  }
  if (error != nullptr) {
    Complete(id,
             absl::InternalError(absl::StrCat("the answer of '", topic.receiver, "' cannot be read: ", error->reason)));
  } else {
    NotifyResponse response;
    *response.mutable_primitive() = std::move(std::get<onem2m::v1::ResponsePrimitive>(decoded));
    Complete(id, std::move(response));
  }
  return true;
}

void Notifier::Tick() {
  const absl::Duration now = clock_->Monotonic();
  std::vector<std::pair<uint64_t, bool>> late;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [deadline, id] : by_deadline_) {
      if (deadline > now) break;
      late.emplace_back(id, pending_.at(id).at_broker);
    }
  }
  for (const auto& [id, at_broker] : late) {
    // On a line that has died without a word the target had no chance to answer: that is not its silence.
    Complete(id, at_broker ? absl::DeadlineExceededError("the target did not answer in time")
                           : absl::UnavailableError("the broker did not take the notification in time"));
  }
}

void Notifier::Taken(uint64_t id) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = pending_.find(id);
  if (it != pending_.end()) it->second.at_broker = true;
}

void Notifier::Shutdown() {
  std::vector<uint64_t> all;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    for (const auto& [id, pending] : pending_) all.push_back(id);
  }
  for (const uint64_t id : all) Complete(id, absl::UnavailableError("the service is being stopped"));
}

size_t Notifier::pending() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return pending_.size();
}

void Notifier::Complete(uint64_t id, absl::StatusOr<NotifyResponse> outcome) {
  // Outside the lock: `done` may call back in here.
  const Pending pending = Remove(id);
  if (pending.done) pending.done(std::move(outcome));
}

Notifier::Pending Notifier::Remove(uint64_t id) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = pending_.find(id);
  if (it == pending_.end()) return {};
  Pending pending = std::move(it->second);
  pending_.erase(it);
  by_deadline_.erase({pending.deadline, id});
  if (!pending.key.first.empty()) by_key_.erase(pending.key);
  return pending;
}

}  // namespace isthmus::mqtt_binding
