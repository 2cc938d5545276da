// FrameStreams over gRPC (SessionService.Open), for both sides of the call, and the service that serves them.
//
//   std::shared_ptr<FrameStream> stream = OpenStream(service::MakeChannel("connector:7003"));     // client
//   end.Attach(stream, /*opened_by_us=*/true);
//
//   SessionServer server([&](std::shared_ptr<FrameStream> stream) { end.Attach(stream, false); },  // server
//                        [&] { return end.Describe(); });
//   runtime.AddGrpcService(&server);
//   runtime.OnDrain([&](absl::Duration left) { end.Shutdown("restarting"); server.EndAll(left); });
//
// A stream is held by whoever has its pointer; letting go of it ends the call. Frames come on gRPC's own threads, which
// are few and must not be made to wait.
#ifndef ISTHMUS_SERVICES_LIB_SESSION_GRPC_STREAM_H_
#define ISTHMUS_SERVICES_LIB_SESSION_GRPC_STREAM_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "isthmus/session/v1/session.grpc.pb.h"
#include "services/lib/session/session.h"

namespace isthmus::session {

// Opens a call at once. When the other side cannot be reached, `on_close` says so (UNAVAILABLE). The stream holds the
// channel until then.
std::shared_ptr<FrameStream> OpenStream(std::shared_ptr<grpc::ChannelInterface> channel);

// Thread-safe. Must outlive the gRPC server that serves it.
class SessionServer final : public v1::SessionService::CallbackService {
 public:
  // Both are called on gRPC's threads and must not wait. `accept` takes each stream that somebody opens; to look at its
  // Hello first, see hello.h.
  SessionServer(std::function<void(std::shared_ptr<FrameStream>)> accept,
                std::function<std::vector<v1::Session>()> list);
  ~SessionServer() override;

  grpc::ServerBidiReactor<v1::Frame, v1::Frame>* Open(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ListSessions(grpc::CallbackServerContext* context, const v1::ListSessionsRequest* request,
                                         v1::ListSessionsResponse* response) override;

  // Refuses new streams (UNAVAILABLE) and ends those that are open: what was written still goes out; after `left` they
  // are cut off. Returns when all have ended.
  void EndAll(absl::Duration left);

  // Internal.
  class Streams;

 private:
  const std::function<void(std::shared_ptr<FrameStream>)> accept_;
  const std::function<std::vector<v1::Session>()> list_;
  const std::shared_ptr<Streams> streams_;
};

}  // namespace isthmus::session

#endif  // ISTHMUS_SERVICES_LIB_SESSION_GRPC_STREAM_H_
