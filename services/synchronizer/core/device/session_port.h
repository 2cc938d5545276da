// The sessions with a LwM2M Server as the device side sees them: operations on devices, and interests in their values.
//
//   session->Perform("urn:dev:1", operation, deadline, session_deadline, trace_id,
//                    [](lwm2m::v1::OperationResult result) { ... });
//
// in_cse_session.h is the implementation over session::InCseEnd, fake_session.h the fake.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_SESSION_PORT_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_SESSION_PORT_H_

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "isthmus/lwm2m/v1/lwm2m.pb.h"
#include "isthmus/session/v1/session.pb.h"

namespace isthmus::synchronizer {

// Thread-safe.
class SessionPort {
 public:
  using ResultCallback = std::function<void(lwm2m::v1::OperationResult)>;

  // kNone: nobody tries to open a session, or the last try was refused. kConnecting: a try is under way.
  enum class State { kNone, kConnecting, kUp };

  virtual ~SessionPort() = default;
  virtual State state() const = 0;
  // Why there is no session, in words.
  virtual std::string problem() const = 0;
  // Calls back exactly once, by `deadline`. Without a session it waits for one until `session_deadline`, and then gives
  // OUTCOME_UNSPECIFIED.
  virtual void Perform(const std::string& endpoint, const lwm2m::v1::Operation& operation, absl::Time deadline,
                       absl::Time session_deadline, const std::string& trace_id, ResultCallback callback) = 0;
  virtual void AddInterest(const session::v1::Interest& interest) = 0;
  virtual void RemoveInterest(const std::string& endpoint, const lwm2m::v1::Path& path) = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_DEVICE_SESSION_PORT_H_
