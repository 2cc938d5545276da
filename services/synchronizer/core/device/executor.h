// Where work runs that must not hold up the thread that found it: a function, so that tests run it in place and the
// service on a thread of its own (session::Worker).
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_EXECUTOR_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_EXECUTOR_H_

#include <functional>

namespace isthmus::synchronizer {

using Executor = std::function<void(std::function<void()>)>;

inline Executor RunInPlace() {
  return [](const std::function<void()>& work) { work(); };
}

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_EXECUTOR_H_
