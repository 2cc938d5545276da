// Fakes of the two ports that the resource side calls: they keep what they were asked, and answer as the test says.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_FAKE_PORTS_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_FAKE_PORTS_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/synchronizer/core/ports.h"

namespace isthmus::synchronizer {

// Thread-safe. Answers with `answer`, or keeps the request for Finish when there is none.
class FakeManagement final : public ManagementPort {
 public:
  struct Subscribers {
    std::string resource_id, node_id, root;
    int count = 0;
  };

  void Perform(ManagementRequest request, std::function<void(ManagementResult)> done) override {
    std::function<ManagementResult(const ManagementRequest&)> answer;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      requests_.push_back(request);
      answer = answer_;
      if (!answer) {
        waiting_.push_back(std::move(done));
        return;
      }
    }
    done(answer(request));
  }
  void SubscribersChanged(const std::string& resource_id, const std::string& node_id,
                          const onem2m::v1::Resource& resource, int subscribers) override {
    std::lock_guard<std::mutex> lock(mutex_);
    subscribers_.push_back({resource_id, node_id, resource.root(), subscribers});
  }

  void AnswerWith(std::function<ManagementResult(const ManagementRequest&)> answer) {
    std::lock_guard<std::mutex> lock(mutex_);
    answer_ = std::move(answer);
  }
  // Answers the oldest request that waits.
  void Finish(ManagementResult result) {
    std::function<void(ManagementResult)> done;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      done = std::move(waiting_.front());
      waiting_.erase(waiting_.begin());
    }
    done(std::move(result));
  }
  std::vector<ManagementRequest> requests() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return requests_;
  }
  std::vector<Subscribers> subscribers() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return subscribers_;
  }

 private:
  mutable std::mutex mutex_;
  std::function<ManagementResult(const ManagementRequest&)> answer_;
  std::vector<ManagementRequest> requests_;
  std::vector<std::function<void(ManagementResult)>> waiting_;
  std::vector<Subscribers> subscribers_;
};

// Thread-safe. Every target answers 2000 unless SetAnswer says something else; a target that was told to be silent is
// answered for with Finish.
class FakeNotifications final : public NotificationPort {
 public:
  using Answer = std::function<void(absl::StatusOr<onem2m::v1::ResponsePrimitive>)>;

  void Send(OutgoingNotification notification, Answer done) override {
    absl::StatusOr<onem2m::v1::ResponsePrimitive> answer = Code(2000);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      sent_.push_back(notification);
      if (auto found = silent_.find(notification.target); found != silent_.end()) {
        found->second.push_back(std::move(done));
        return;
      }
      if (auto found = answers_.find(notification.target); found != answers_.end()) answer = found->second;
    }
    if (done) done(answer);
  }

  static onem2m::v1::ResponsePrimitive Code(uint32_t code) {
    onem2m::v1::ResponsePrimitive response;
    response.set_response_status_code(code);
    return response;
  }
  void SetAnswer(const std::string& target, absl::StatusOr<onem2m::v1::ResponsePrimitive> answer) {
    std::lock_guard<std::mutex> lock(mutex_);
    answers_.insert_or_assign(target, std::move(answer));
  }
  void SetSilent(const std::string& target) {
    std::lock_guard<std::mutex> lock(mutex_);
    silent_[target];
  }
  void Finish(const std::string& target, absl::StatusOr<onem2m::v1::ResponsePrimitive> answer) {
    std::vector<Answer> waiting;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      waiting.swap(silent_[target]);
    }
    for (const Answer& done : waiting) {
      if (done) done(answer);
    }
  }
  std::vector<OutgoingNotification> sent() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return sent_;
  }
  // What was sent since the last call.
  std::vector<OutgoingNotification> Take() {
    std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(sent_, {});
  }

 private:
  mutable std::mutex mutex_;
  std::vector<OutgoingNotification> sent_;
  std::map<std::string, absl::StatusOr<onem2m::v1::ResponsePrimitive>> answers_;
  std::map<std::string, std::vector<Answer>> silent_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_FAKE_PORTS_H_
