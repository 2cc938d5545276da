// One at a time for each resource: what changes a device through a <mgmtObj> (an UPDATE, a DELETE, the rest of an
// unfinished plan), and what the device says of a status that such a change moves, waits until the one before has
// ended.
//
//   lanes.Enter("4711", [&](ResourceLanes::Leave leave) { start(..., [leave] { leave(); }); });
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_RESOURCE_LANES_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_RESOURCE_LANES_H_

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace isthmus::synchronizer {

// Thread-safe. Outlives every `leave` that it gave out.
class ResourceLanes {
 public:
  // To be called exactly once, from any thread.
  using Leave = std::function<void()>;
  using Task = std::function<void(Leave)>;

  // Runs `task` now, or on the thread of the Leave before it.
  void Enter(const std::string& resource_id, Task task) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      Lane& lane = lanes_[resource_id];
      lane.waiting.push_back(std::move(task));
      if (lane.occupied) return;
      lane.occupied = true;
    }
    RunNext(resource_id);
  }

  // Lanes that are occupied now.
  size_t size() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return lanes_.size();
  }

 private:
  struct Lane {
    bool occupied = false;
    bool running = false;  // somebody is in the loop of RunNext
    bool left = false;     // the task left while it was still being started
    std::deque<Task> waiting;
  };

  // A loop and not a recursion: tasks that end at once must not pile up on the stack.
  void RunNext(const std::string& resource_id) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      auto found = lanes_.find(resource_id);
      Lane& lane = found->second;
      if (lane.waiting.empty()) {
        lanes_.erase(found);
        return;
      }
      Task task = std::move(lane.waiting.front());
      lane.waiting.pop_front();
      lane.running = true;
      lane.left = false;
      lock.unlock();
      task([this, resource_id] { Left(resource_id); });
      task = nullptr;
      lock.lock();
      // The lane is still ours: only its last Leave, which is this task's, removes it.
      Lane& after = lanes_.find(resource_id)->second;
      after.running = false;
      if (!after.left) return;
    }
  }

  void Left(const std::string& resource_id) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      Lane& lane = lanes_.find(resource_id)->second;
      if (lane.running) {
        lane.left = true;
        return;
      }
    }
    RunNext(resource_id);
  }

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Lane> lanes_;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_RESOURCE_LANES_H_
