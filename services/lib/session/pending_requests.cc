#include "services/lib/session/pending_requests.h"

#include <algorithm>

namespace isthmus::session {
namespace {

constexpr char kSessionLost[] = "session lost while the request was under way";

// A device that performs it twice does nothing else than one that performs it once.
bool SafeToRepeat(const lwm2m::v1::Operation& operation) {
  switch (operation.kind_case()) {
    case lwm2m::v1::Operation::kRead:
    case lwm2m::v1::Operation::kDiscover:
    case lwm2m::v1::Operation::kReadComposite:
      return true;
    default:
      return false;
  }
}

}  // namespace

lwm2m::v1::OperationResult MakeResult(lwm2m::v1::Outcome outcome, absl::string_view diagnostic) {
  lwm2m::v1::OperationResult result;
  result.set_outcome(outcome);
  result.set_diagnostic(std::string(diagnostic));
  return result;
}

void PendingRequests::Add(v1::Frame& frame, bool up, absl::Duration due, absl::Duration session_due,
                          Callback callback) {
  const uint64_t id = next_id_++;
  frame.mutable_request()->set_request_id(id);
  Request& request = requests_[id];
  request.state = up ? State::kSent : State::kWaiting;
  request.safe = SafeToRepeat(frame.request().operation());
  request.due = due;
  request.session_due = session_due;
  if (!up || request.safe) request.frame = frame;
  request.callback = std::move(callback);
  next_due_ = std::min(next_due_, Expires(request));
}

PendingRequests::Callback PendingRequests::Take(uint64_t request_id) {
  const auto found = requests_.find(request_id);
  if (found == requests_.end() || found->second.state != State::kSent) return nullptr;
  Callback callback = std::move(found->second.callback);
  requests_.erase(found);
  return callback;
}

std::vector<v1::Frame> PendingRequests::Resend() {
  std::vector<uint64_t> ids;
  for (const auto& [id, request] : requests_) {
    if (request.state != State::kSent) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  std::vector<v1::Frame> frames;
  frames.reserve(ids.size());
  for (const uint64_t id : ids) {
    Request& request = requests_[id];
    request.state = State::kSent;
    if (request.safe) {
      frames.push_back(request.frame);
    } else {
      frames.push_back(std::move(request.frame));
    }
  }
  return frames;
}

void PendingRequests::Interrupt(Ended& ended) {
  for (auto it = requests_.begin(); it != requests_.end();) {
    Request& request = it->second;
    if (request.state == State::kSent && !request.safe) {
      ended.emplace_back(std::move(request.callback), MakeResult(lwm2m::v1::OUTCOME_TIMEOUT, kSessionLost));
      it = requests_.erase(it);
      continue;
    }
    if (request.state == State::kSent) request.state = State::kInterrupted;
    ++it;
  }
}

void PendingRequests::Expire(absl::Duration now, Ended& ended) {
  if (now < next_due_) return;
  next_due_ = absl::InfiniteDuration();
  for (auto it = requests_.begin(); it != requests_.end();) {
    if (Expires(it->second) <= now) {
      ended.emplace_back(std::move(it->second.callback), Expired(it->second));
      it = requests_.erase(it);
    } else {
      next_due_ = std::min(next_due_, Expires(it->second));
      ++it;
    }
  }
}

void PendingRequests::EndAll(Ended& ended) {
  for (auto& [id, request] : requests_) {
    ended.emplace_back(std::move(request.callback), request.state == State::kWaiting
                                                        ? MakeResult(lwm2m::v1::OUTCOME_UNSPECIFIED, kNoSession)
                                                        : MakeResult(lwm2m::v1::OUTCOME_TIMEOUT, kSessionLost));
  }
  requests_.clear();
}

absl::Duration PendingRequests::Expires(const Request& request) {
  return request.state == State::kWaiting ? std::min(request.due, request.session_due) : request.due;
}

lwm2m::v1::OperationResult PendingRequests::Expired(const Request& request) {
  if (request.state == State::kSent) {
    return MakeResult(lwm2m::v1::OUTCOME_TIMEOUT, "no answer from the server in time");
  }
  if (request.state == State::kInterrupted) return MakeResult(lwm2m::v1::OUTCOME_TIMEOUT, kSessionLost);
  if (request.session_due <= request.due) return MakeResult(lwm2m::v1::OUTCOME_UNSPECIFIED, kNoSession);
  return MakeResult(lwm2m::v1::OUTCOME_EXPIRED_UNSENT, "no session before the deadline");
}

}  // namespace isthmus::session
