// CseService over gRPC: hands requests to the IN-CSE, gives each a trace id, logs one line for each.
//
//   CseService rpc([&](const auto& request, auto done) { cse.Handle(request, std::move(done)); }, &clock, &ids);
//   runtime.AddGrpcService(&rpc);
//   rpc.SetServing(true);                                             // before that: UNAVAILABLE
//   runtime.OnDrain([&](absl::Duration left) { rpc.Drain(left); });   // after that too
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_SERVER_CSE_SERVICE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_SERVER_CSE_SERVICE_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

#include "absl/time/time.h"
#include "isthmus/onem2m/v1/cse.grpc.pb.h"
#include "services/lib/clock/clock.h"
#include "services/synchronizer/core/id_source.h"

namespace isthmus::synchronizer {

// Thread-safe. Outlives the gRPC server that serves it.
class CseService final : public onem2m::v1::CseService::CallbackService {
 public:
  // Calls back exactly once; a second call is passed over.
  using Handler =
      std::function<void(const onem2m::v1::HandleRequest&, std::function<void(onem2m::v1::HandleResponse)>)>;

  CseService(Handler handler, const Clock* clock, IdSource* ids);

  grpc::ServerUnaryReactor* Handle(grpc::CallbackServerContext* context, const onem2m::v1::HandleRequest* request,
                                   onem2m::v1::HandleResponse* response) override;

  void SetServing(bool serving);
  // Takes no more requests and waits for those in flight, at most `left`. Returns how many did not end.
  size_t Drain(absl::Duration left);
  size_t in_flight() const;

 private:
  struct Call;

  void Finish(Call& call, onem2m::v1::HandleResponse response);

  const Handler handler_;
  const Clock* const clock_;
  IdSource* const ids_;
  mutable std::mutex mutex_;
  std::condition_variable none_;
  bool serving_ = false;
  size_t in_flight_ = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_SERVER_CSE_SERVICE_H_
