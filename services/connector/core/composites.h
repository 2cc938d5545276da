// Composite operations on devices that know them, and the same by single operations on those that do not.
//
//   Composites composites(CompositeOptions(), &clock, &operations);
//   composites.Perform(device, operation, {.deadline = clock.Monotonic() + absl::Seconds(5)}, [](OperationResult r)
//   {...});
//
// Rules:
// - A device below LwM2M 1.1, or one that names its formats and no SenML among them, is never asked for composites.
// - A Read-Composite that a device refuses or is silent to is read one by one. Silence is waited for only shortly, so
//   that the caller's deadline leaves time for the reads; when these are answered, the device is remembered as one
//   without composites: silence is paid once.
// - A Write-Composite that is silent stays unknown: it is not repeated in any form. So that this does not happen to a
//   device that has no composites, one of whom nothing is known yet is asked first for a composite read of what every
//   device has. A definite refusal is followed by single writes, which end at the first that fails.
// - What is learned holds for as long as the device stays registered, also over new registrations with the same version
//   of LwM2M.
#ifndef ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITES_H_
#define ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITES_H_

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "services/connector/core/device.h"
#include "services/connector/core/operations.h"
#include "services/lib/clock/clock.h"

namespace isthmus::connector {

struct CompositeOptions {
  // How long an answer to a composite read is waited for while it is not known whether the device has any; a third of
  // what the caller has, if that is less.
  absl::Duration patience = absl::Seconds(5);
};

// Not thread-safe: on the thread of the operations.
class Composites {
 public:
  using Done = std::function<void(lwm2m::v1::OperationResult)>;

  // `clock` and `operations` must outlive it.
  Composites(CompositeOptions options, const Clock* clock, Operations* operations);

  // `operation` is a composite one; `device` null = not registered. Calls back exactly once, by the deadline, maybe
  // before Perform returns.
  void Perform(const DevicePtr& device, const lwm2m::v1::Operation& operation, Operations::Options options, Done done);

  // The device is no longer registered.
  void Forget(const std::string& endpoint) { memories_.erase(endpoint); }

 private:
  enum class Support { kUnknown, kYes, kNo };
  struct Memory {
    std::string version;  // of LwM2M, that it was learned of
    Support read = Support::kUnknown, write = Support::kUnknown;
  };
  struct Run;
  using RunPtr = std::shared_ptr<Run>;

  // Remembers it of a device that is still the one that was asked.
  void Learn(Run& run, Support Memory::*what, Support support);
  void Read(const RunPtr& run);
  void Probe(const RunPtr& run);
  void Write(const RunPtr& run);
  // One by one from here on.
  void Split(const RunPtr& run);
  void NextSingle(const RunPtr& run);
  void FinishSingles(const RunPtr& run);
  absl::Duration PatienceFor(const Run& run) const;

  const CompositeOptions options_;
  const Clock* const clock_;
  Operations* const operations_;
  std::unordered_map<std::string, Memory> memories_;  // by endpoint
};

}  // namespace isthmus::connector

#endif  // ISTHMUS_SERVICES_CONNECTOR_CORE_COMPOSITES_H_
