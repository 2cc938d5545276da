// A session that the test plays: it answers operations itself, or keeps them for the test to answer.
//
//   session.on_perform = [](const std::string& endpoint, const lwm2m::v1::Operation& operation) {
//     return std::optional(Content({{"/3/0/9", 80}}));   // nothing = kept in `pending`
//   };
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_SESSION_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_SESSION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/lib/lwm2m/path.h"
#include "services/synchronizer/core/device/operation_text.h"
#include "services/synchronizer/core/device/session_port.h"

namespace isthmus::synchronizer {

inline lwm2m::v1::OperationResult Answered(uint32_t code) {
  lwm2m::v1::OperationResult result;
  result.set_outcome(lwm2m::v1::OUTCOME_ANSWERED);
  result.set_coap_code(code);
  result.set_duration_us(1000);
  return result;
}

inline lwm2m::v1::OperationResult Content(std::initializer_list<std::pair<const char*, int64_t>> values) {
  lwm2m::v1::OperationResult result = Answered(205);
  for (const auto& [path, value] : values) {
    lwm2m::v1::Node& node = *result.add_nodes();
    *node.mutable_path() = *lwm2m::ParsePath(path);
    node.mutable_value()->set_integer(value);
  }
  return result;
}

inline lwm2m::v1::OperationResult Ended(lwm2m::v1::Outcome outcome) {
  lwm2m::v1::OperationResult result;
  result.set_outcome(outcome);
  return result;
}

// Thread-safe but for `on_perform`, which is set while nothing runs.
class FakeSession final : public SessionPort {
 public:
  struct Pending {
    std::string endpoint;
    lwm2m::v1::Operation operation;
    absl::Time deadline;
    absl::Time session_deadline;
    std::string trace_id;
    ResultCallback callback;
  };

  std::function<std::optional<lwm2m::v1::OperationResult>(const std::string&, const lwm2m::v1::Operation&)> on_perform;

  State state() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return state_;
  }
  void SetState(State state, std::string problem = "") {
    std::lock_guard<std::mutex> lock(mutex_);
    state_ = state;
    problem_ = std::move(problem);
  }
  std::string problem() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return problem_;
  }

  void Perform(const std::string& endpoint, const lwm2m::v1::Operation& operation, absl::Time deadline,
               absl::Time session_deadline, const std::string& trace_id, ResultCallback callback) override {
    std::optional<lwm2m::v1::OperationResult> result;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      log_.push_back(endpoint + " " + OperationText(operation));
    }
    if (on_perform) result = on_perform(endpoint, operation);
    if (result.has_value()) return callback(*std::move(result));
    std::lock_guard<std::mutex> lock(mutex_);
    pending_.push_back({endpoint, operation, deadline, session_deadline, trace_id, std::move(callback)});
  }
  void AddInterest(const session::v1::Interest& interest) override {
    std::lock_guard<std::mutex> lock(mutex_);
    interests_.insert(interest.endpoint() + " " + lwm2m::PathToString(interest.path()));
  }
  void RemoveInterest(const std::string& endpoint, const lwm2m::v1::Path& path) override {
    std::lock_guard<std::mutex> lock(mutex_);
    interests_.erase(endpoint + " " + lwm2m::PathToString(path));
  }

  // "endpoint Read /3/0" for each operation so far.
  std::vector<std::string> log() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return log_;
  }
  void ClearLog() {
    std::lock_guard<std::mutex> lock(mutex_);
    log_.clear();
  }
  std::set<std::string> interests() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return interests_;
  }
  size_t pending() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return pending_.size();
  }
  // Takes the oldest kept operation; the test calls its callback. There must be one.
  Pending Take() {
    std::lock_guard<std::mutex> lock(mutex_);
    Pending pending = std::move(pending_.at(0));
    pending_.pop_front();
    return pending;
  }
  void Answer(lwm2m::v1::OperationResult result) { Take().callback(std::move(result)); }

 private:
  mutable std::mutex mutex_;
  State state_ = State::kUp;
  std::string problem_;
  std::vector<std::string> log_;
  std::deque<Pending> pending_;
  std::set<std::string> interests_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_SESSION_H_
