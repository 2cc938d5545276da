// CsePort over CseService of the synchronizer.
//
//   GrpcCse cse(service::MakeChannel("127.0.0.1:7001"), {});
//   cse.Handle(request, deadline, [](absl::StatusOr<HandleResponse> response) { ... });
//
// What is repeated: while there is no connection, everything; after a connection was lost under a call, or the server
// was starting, draining or ending, RETRIEVE always, and the rest only when it is certain that nothing was performed.
// The server says so by the trailing metadata `isthmus-not-performed`. A write is never done twice.
#ifndef ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_GRPC_GRPC_CSE_H_
#define ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_GRPC_GRPC_CSE_H_

#include <memory>
#include <mutex>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "isthmus/onem2m/v1/cse.grpc.pb.h"
#include "services/mqtt_binding/core/cse_port.h"

namespace isthmus::mqtt_binding {

// Set by a server that refuses a call before it has done anything for it.
inline constexpr char kNotPerformedTrailer[] = "isthmus-not-performed";

// Thread-safe. Must outlive its calls: Shutdown, then wait for their callbacks.
class GrpcCse final : public CsePort {
 public:
  struct Options {
    // How long a request waits for a synchronizer that cannot be reached.
    absl::Duration patience = absl::Seconds(10);
    // First pause before a call is repeated; doubles up to 32 times as much.
    absl::Duration pause = absl::Milliseconds(20);
  };

  GrpcCse(std::shared_ptr<grpc::Channel> channel, Options options);

  void Handle(onem2m::v1::HandleRequest request, absl::Time deadline, Done done) override;
  // Cancels what is under way, and what comes from now on.
  void Shutdown();

 private:
  struct Call;

  // Sends the call if there is a connection, else waits for one.
  void Attempt(Call* call);
  void Send(Call* call);
  // Attempts again a little later, or gives up.
  void Later(Call* call, const absl::Status& last);
  void OnStatus(Call* call, const grpc::Status& status);
  void Finish(Call* call, absl::StatusOr<onem2m::v1::HandleResponse> outcome);
  bool stopped();

  const Options options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<onem2m::v1::CseService::Stub> stub_;

  std::mutex mutex_;
  bool stopped_ = false;
  absl::flat_hash_set<Call*> calls_;
};

}  // namespace isthmus::mqtt_binding

#endif  // ISTHMUS_SERVICES_MQTT_BINDING_ADAPTERS_GRPC_GRPC_CSE_H_
