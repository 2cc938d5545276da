// Says once in the log that a neighbour cannot be reached, and once that it can again, however many calls want it.
//
//   NeighbourWatch watch(&clock);
//   watch.Add("translation", target, [channel] { return IsReady(*channel); });
//   watch.Tick();   // regularly
//
// A connection that ends and is made again at once, as each does at its greatest age, is not worth a line.
#ifndef ISTHMUS_SERVICES_LIB_SERVICE_NEIGHBOUR_WATCH_H_
#define ISTHMUS_SERVICES_LIB_SERVICE_NEIGHBOUR_WATCH_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "services/lib/clock/clock.h"

namespace isthmus::service {

// There is a connection. Makes one when there is none.
inline bool IsReady(grpc::Channel& channel) { return channel.GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY; }

// Not thread-safe: Add, then Tick on one thread. Outlives nothing that it is given.
class NeighbourWatch {
 public:
  // One that is away for less than `patience` is not told of.
  explicit NeighbourWatch(const Clock* clock, absl::Duration patience = absl::Seconds(1))
      : clock_(clock), patience_(patience) {}

  void Add(std::string name, std::string target, std::function<bool()> ready);
  // Looks at each neighbour, at most every tenth of a second.
  void Tick();

 private:
  struct Neighbour {
    std::string name, target;
    std::function<bool()> ready;
    absl::Duration there_at;  // when it was there last, or the watch began
    bool told = false;        // that it is away
  };

  const Clock* const clock_;
  const absl::Duration patience_;
  absl::Duration next_;
  std::vector<Neighbour> neighbours_;
};

}  // namespace isthmus::service

#endif  // ISTHMUS_SERVICES_LIB_SERVICE_NEIGHBOUR_WATCH_H_
