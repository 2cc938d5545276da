// Calls a gRPC server with a fixed number in flight: its health service, which is the floor of an empty unary call, or
// the method that is named, with a request as it travels.
//
//   grpc_load HOST:PORT WINDOW COUNT [REQUEST_FILE [/PACKAGE.SERVICE/METHOD]]
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>

#include "tools/bench_load/latencies.h"

namespace isthmus::bench {
namespace {

class Run {
 public:
  Run(const std::string& target, int window, size_t count, const std::string& request, std::string method)
      : stub_(grpc::CreateChannel(target, grpc::InsecureChannelCredentials())),
        window_(window),
        count_(count),
        request_(request),
        method_(std::move(method)) {}

  int Go() {
    latencies_.Reserve(count_);
    Call(Now());  // connects; not counted
    Wait(1);
    latencies_ = Latencies();
    sent_ = finished_ = 0;
    const Instant start = Now();
    for (int i = 0; i < window_; ++i) Next();
    Wait(count_);
    latencies_.Print(Seconds(start, Now()), window_, errors_);
    return errors_ == 0 ? 0 : 1;
  }

 private:
  struct Pending {
    grpc::ClientContext context;
    grpc::ByteBuffer request, response;
    Instant begin;
  };

  void Next() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (sent_ == count_) return;
      ++sent_;
    }
    Call(Now());
  }

  void Call(Instant begin) {
    auto* pending = new Pending;
    pending->begin = begin;
    pending->request = grpc::ByteBuffer(&request_, 1);
    stub_.UnaryCall(&pending->context, method_, grpc::StubOptions(), &pending->request, &pending->response,
                    [this, pending](grpc::Status status) {
                      {
                        std::lock_guard<std::mutex> lock(mutex_);
                        latencies_.Add(Seconds(pending->begin, Now()));
                        if (!status.ok()) ++errors_;
                        ++finished_;
                        changed_.notify_all();
                      }
                      delete pending;
                      if (measuring()) Next();
                    });
  }

  bool measuring() {
    std::lock_guard<std::mutex> lock(mutex_);
    return sent_ > 0;
  }

  void Wait(size_t finished) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return finished_ >= finished; });
  }

  grpc::GenericStub stub_;
  const int window_;
  const size_t count_;
  const grpc::Slice request_;
  const std::string method_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t sent_ = 0, finished_ = 0;
  long errors_ = 0;
  Latencies latencies_;
};

}  // namespace
}  // namespace isthmus::bench

int main(int argc, char** argv) {
  if (argc < 4 || argc > 6) {
    std::fprintf(stderr, "usage: grpc_load HOST:PORT WINDOW COUNT [REQUEST_FILE [/PACKAGE.SERVICE/METHOD]]\n");
    return 2;
  }
  std::string request;
  if (argc > 4) {
    std::ifstream file(argv[4], std::ios::binary);
    request.assign(std::istreambuf_iterator<char>(file), {});
    if (!file) {
      std::fprintf(stderr, "grpc_load: %s cannot be read\n", argv[4]);
      return 2;
    }
  }
  return isthmus::bench::Run(argv[1], std::atoi(argv[2]), std::strtoul(argv[3], nullptr, 10), request,
                             argc > 5 ? argv[5] : "/grpc.health.v1.Health/Check")
      .Go();
}
