// A CoAP endpoint on a UDP socket of its own, with a thread of its own.
//
//   ASSIGN_OR_RETURN(auto loop, UdpLoop::Open({.host = "0.0.0.0", .port = 5683}, &clock));
//   loop->endpoint().SetRequestHandler(...);   // before Start
//   loop->Start();
//   loop->Post([&] { loop->endpoint().Send("192.0.2.1:5683", request, callback); });   // from any thread
//   loop->Stop();
//
// After Start the endpoint belongs to the loop's thread: other threads reach it through Post, and its callbacks (also
// responders that were kept) run and have to be called there. Post, Stop and local_port are thread-safe.
#ifndef ISTHMUS_SERVICES_LIB_COAP_UDP_UDP_TRANSPORT_H_
#define ISTHMUS_SERVICES_LIB_COAP_UDP_UDP_TRANSPORT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "services/lib/clock/clock.h"
#include "services/lib/coap/endpoint.h"
#include "services/lib/coap/udp/udp_socket.h"

namespace isthmus::coap {

struct UdpLoopOptions {
  std::string host = "0.0.0.0";  // local address; "::" takes IPv4, too
  uint16_t port = 0;             // 0 = any free one
  size_t receive_buffer = 8 << 20;
  EndpointOptions endpoint;
};

class UdpLoop {
 public:
  // Binds; does not receive yet. `clock` must outlive the loop and run by itself (no FakeClock: the loop sleeps by it).
  static absl::StatusOr<std::unique_ptr<UdpLoop>> Open(UdpLoopOptions options, const Clock* clock);
  // Stops.
  ~UdpLoop();
  UdpLoop(const UdpLoop&) = delete;
  UdpLoop& operator=(const UdpLoop&) = delete;

  Endpoint& endpoint() { return endpoint_; }
  uint16_t local_port() const { return socket_->local_port(); }

  void Start();
  // Runs on the loop's thread, in order; dropped after Stop.
  void Post(std::function<void()> run);
  // True on the loop's thread.
  bool IsLoopThread() const { return std::this_thread::get_id() == thread_id_; }
  // Runs what was posted before, then joins the thread. From another thread than the loop's; again is fine.
  void Stop();

 private:
  UdpLoop(UdpLoopOptions options, const Clock* clock, std::unique_ptr<UdpSocket> socket, int event);
  void Run();
  // False when the loop is to stop.
  bool RunPosted();
  void Sleep(absl::Duration at_most);
  void Wake();

  const std::unique_ptr<UdpSocket> socket_;
  const int event_;  // wakes the thread
  const std::unique_ptr<Random> random_;
  Endpoint endpoint_;
  std::thread thread_;
  std::thread::id thread_id_;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_, as are the following
  bool asleep_ = false;
  bool stopping_ = false;
};

}  // namespace isthmus::coap

#endif  // ISTHMUS_SERVICES_LIB_COAP_UDP_UDP_TRANSPORT_H_
