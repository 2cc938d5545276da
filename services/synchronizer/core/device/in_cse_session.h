// SessionPort over session::InCseEnd: the sessions with one LwM2M Server, whoever opens them.
//
//   InCseSession session("/id-in", clock);
//   session.Begin(resume_from, {on_event, on_snapshot, nullptr, nullptr});
//   session.Attach(streams.Wrap(stream), /*opened_by_us=*/true);   // applied_stream.h
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_IN_CSE_SESSION_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_IN_CSE_SESSION_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/lib/clock/clock.h"
#include "services/lib/session/session.h"
#include "services/synchronizer/core/device/session_port.h"

namespace isthmus::synchronizer {

// Thread-safe.
class InCseSession final : public SessionPort {
 public:
  InCseSession(std::string cse_id, const Clock* clock) : cse_id_(std::move(cse_id)), clock_(clock) {}

  // Once. Interests that were added before are handed on; operations before it find no session.
  void Begin(session::v1::EventPosition resume_from, session::InCseEnd::Callbacks callbacks) {
    auto end = std::make_shared<session::InCseEnd>(cse_id_, std::move(resume_from), clock_, std::move(callbacks));
    std::lock_guard<std::mutex> lock(mutex_);
    for (const session::v1::Interest& interest : early_) end->AddInterest(interest);
    early_.clear();
    end_ = std::move(end);
  }

  void Attach(std::shared_ptr<session::FrameStream> stream, bool opened_by_us) {
    if (auto end = this->end(); end != nullptr) end->Attach(std::move(stream), opened_by_us);
  }

  // Whoever opens sessions says how it goes: a try is under way, or why the last one failed.
  void Connecting() {
    std::lock_guard<std::mutex> lock(mutex_);
    connecting_ = true;
  }
  void Failed(std::string problem) {
    std::lock_guard<std::mutex> lock(mutex_);
    connecting_ = false;
    problem_ = std::move(problem);
  }

  State state() const override {
    const auto end = this->end();
    if (end != nullptr && end->up()) return State::kUp;
    std::lock_guard<std::mutex> lock(mutex_);
    return connecting_ ? State::kConnecting : State::kNone;
  }
  std::string problem() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return problem_;
  }
  void Perform(const std::string& endpoint, const lwm2m::v1::Operation& operation, absl::Time deadline,
               absl::Time session_deadline, const std::string& trace_id, ResultCallback callback) override {
    if (auto end = this->end(); end != nullptr) {
      return end->Perform(endpoint, operation, deadline, session_deadline, trace_id, std::move(callback));
    }
    lwm2m::v1::OperationResult none;
    none.set_diagnostic("no session");
    callback(std::move(none));
  }
  void AddInterest(const session::v1::Interest& interest) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (end_ == nullptr) {
        early_.push_back(interest);
        return;
      }
    }
    end()->AddInterest(interest);
  }
  void RemoveInterest(const std::string& endpoint, const lwm2m::v1::Path& path) override {
    if (auto end = this->end(); end != nullptr) end->RemoveInterest(endpoint, path);
  }

  absl::Duration Tick() {
    auto end = this->end();
    return end != nullptr ? end->Tick() : absl::Milliseconds(50);
  }
  std::vector<session::v1::Session> Describe() const {
    auto end = this->end();
    if (end == nullptr) return {};
    return {end->Describe()};
  }
  // Ends the conversation: what waits is answered, streams that come later are refused.
  void Shutdown(absl::string_view reason) {
    if (auto end = this->end(); end != nullptr) end->Shutdown(reason);
  }

 private:
  std::shared_ptr<session::InCseEnd> end() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return end_;
  }

  const std::string cse_id_;
  const Clock* const clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<session::InCseEnd> end_;
  std::vector<session::v1::Interest> early_;
  bool connecting_ = false;
  std::string problem_ = "nobody opens one";
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_IN_CSE_SESSION_H_
