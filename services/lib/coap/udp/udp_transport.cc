#include "services/lib/coap/udp/udp_transport.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace isthmus::coap {

absl::StatusOr<std::unique_ptr<UdpLoop>> UdpLoop::Open(UdpLoopOptions options, const Clock* clock) {
  auto socket = UdpSocket::Open(options.host, options.port, options.receive_buffer);
  if (!socket.ok()) return socket.status();
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return absl::InternalError(absl::StrCat("cannot make an eventfd: ", strerror(errno)));
  return std::unique_ptr<UdpLoop>(new UdpLoop(std::move(options), clock, *std::move(socket), event));
}

UdpLoop::UdpLoop(UdpLoopOptions options, const Clock* clock, std::unique_ptr<UdpSocket> socket, int event)
    : socket_(std::move(socket)),
      event_(event),
      random_(SystemRandom()),
      endpoint_(options.endpoint, clock, random_.get(), socket_.get()) {}

UdpLoop::~UdpLoop() {
  Stop();
  close(event_);
}

void UdpLoop::Start() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopping_ || thread_.joinable()) return;
  // The thread waits for the mutex before it looks at anything of ours, its own id included.
  thread_ = std::thread([this] {
    { std::lock_guard<std::mutex> started(mutex_); }
    Run();
  });
  thread_id_ = thread_.get_id();
}

void UdpLoop::Post(std::function<void()> run) {
  bool wake = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return;
    posted_.push_back(std::move(run));
    wake = std::exchange(asleep_, false);
  }
  if (wake) Wake();
}

void UdpLoop::Stop() {
  std::thread thread;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    asleep_ = false;
    thread = std::move(thread_);
  }
  Wake();
  if (thread.joinable()) thread.join();
}

void UdpLoop::Wake() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread is being woken anyway.
  if (write(event_, &one, sizeof(one)) < 0) return;
}

bool UdpLoop::RunPosted() {
  std::vector<std::function<void()>> posted;
  bool stopping = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    asleep_ = false;
    posted.swap(posted_);
    stopping = stopping_;
  }
  for (std::function<void()>& run : posted) {
    run();
    run = nullptr;  // what it holds is let go before the next one runs
  }
  return !stopping;
}

void UdpLoop::Run() {
  const std::function<void(const Peer&, absl::string_view)> take =
      [this](const Peer& peer, absl::string_view datagram) { endpoint_.Receive(peer, datagram); };
  bool goes_on = true;
  while (goes_on) {
    goes_on = RunPosted();
    const absl::Duration next = endpoint_.Tick();
    socket_->Flush();
    if (!goes_on) break;
    // A full batch: more is likely to be there, and posts get their turn in between.
    const size_t taken = socket_->ReceiveBatch(take);
    socket_->Flush();
    if (taken == 0) Sleep(next);
  }
}

void UdpLoop::Sleep(absl::Duration at_most) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!posted_.empty() || stopping_) return;
    asleep_ = true;
  }
  pollfd waits[] = {{socket_->descriptor(), POLLIN, 0}, {event_, POLLIN, 0}};
  const timespec time = absl::ToTimespec(std::min(at_most, absl::Hours(1)));
  ppoll(waits, 2, &time, nullptr);
  if (waits[1].revents != 0) {
    uint64_t count = 0;
    if (read(event_, &count, sizeof(count)) < 0) return;
  }
}

}  // namespace isthmus::coap
