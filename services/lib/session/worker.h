// Two threads that a service needs besides those of its servers; most of all one with session ends.
//
//   Worker worker;                                              // where events are applied: may write to a disk
//   callbacks.executor = worker.executor();
//   InCseEnd end("/id-in", position, &clock, callbacks);
//   Ticker ticker([&] { return end.Tick(); });                  // goes before what it ticks
//
// A Worker must outlive the ends that use it; it is no harm when it does not run what is left. Thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_WORKER_H_
#define ISTHMUS_SERVICES_LIB_SESSION_WORKER_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/time/time.h"

namespace isthmus::session {

// One thread that runs tasks in the order in which they were posted.
class Worker {
 public:
  Worker();
  // Runs what was posted before, then ends.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Post(std::function<void()> task);
  std::function<void(std::function<void()>)> executor() {
    return [this](std::function<void()> task) { Post(std::move(task)); };
  }

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> tasks_;
  bool ending_ = false;
  std::thread thread_;
};

// One thread that calls `tick` again after the time that it returned, from construction to destruction.
class Ticker {
 public:
  explicit Ticker(std::function<absl::Duration()> tick);
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  void Run();

  const std::function<absl::Duration()> tick_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_WORKER_H_
