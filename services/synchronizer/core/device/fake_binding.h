// A binding that the test plays: it keeps every notification until the test answers it.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_BINDING_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_BINDING_H_

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/synchronizer/core/device/binding_port.h"

namespace isthmus::synchronizer {

// Thread-safe but for `on_notify`.
class FakeBinding final : public BindingPort {
 public:
  using Callback = std::function<void(absl::StatusOr<onem2m::v1::NotifyResponse>)>;
  struct Pending {
    onem2m::v1::NotifyRequest request;
    absl::Duration timeout;
    Callback callback;
  };

  // Answers on the spot; nothing = kept.
  std::function<std::optional<absl::StatusOr<onem2m::v1::NotifyResponse>>(const onem2m::v1::NotifyRequest&)> on_notify;

  void Notify(const onem2m::v1::NotifyRequest& request, absl::Duration timeout, Callback callback) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      sent_.push_back(request.target() + " " + request.primitive().request_identifier());
    }
    if (on_notify) {
      if (auto answer = on_notify(request); answer.has_value()) return callback(*std::move(answer));
    }
    std::lock_guard<std::mutex> lock(mutex_);
    pending_.push_back({request, timeout, std::move(callback)});
  }

  // "target rqi" of every attempt.
  std::vector<std::string> sent() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return sent_;
  }
  size_t pending() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return pending_.size();
  }
  // Answers the oldest that is kept for the target; false when there is none.
  bool Answer(const std::string& target, absl::StatusOr<onem2m::v1::NotifyResponse> answer) {
    Callback callback;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (auto it = pending_.begin(); it != pending_.end(); ++it) {
        if (it->request.target() != target) continue;
        callback = std::move(it->callback);
        pending_.erase(it);
        break;
      }
    }
    if (!callback) return false;
    callback(std::move(answer));
    return true;
  }
  bool AnswerOk(const std::string& target) {
    onem2m::v1::NotifyResponse response;
    response.mutable_primitive()->set_response_status_code(2000);
    return Answer(target, response);
  }
  // Of the newest that is kept.
  onem2m::v1::NotifyRequest last_request() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return pending_.empty() ? onem2m::v1::NotifyRequest() : pending_.back().request;
  }
  absl::Duration last_timeout() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return pending_.empty() ? absl::ZeroDuration() : pending_.back().timeout;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> sent_;
  std::deque<Pending> pending_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_FAKE_BINDING_H_
