#include "services/lib/service/neighbour_watch.h"

#include "services/lib/log/log.h"

namespace isthmus::service {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(100);

}  // namespace

void NeighbourWatch::Add(std::string name, std::string target, std::function<bool()> ready) {
  neighbours_.push_back({std::move(name), std::move(target), std::move(ready), clock_->Monotonic(), false});
}

void NeighbourWatch::Tick() {
  const absl::Duration now = clock_->Monotonic();
  if (now < next_) return;
  next_ = now + kLook;
  for (Neighbour& neighbour : neighbours_) {
    const absl::Duration away = now - neighbour.there_at;
    if (!neighbour.ready()) {
      if (neighbour.told || away < patience_) continue;
      neighbour.told = true;
      log::Warning("no connection to a neighbour; trying again until there is one",
                   {{"neighbour", neighbour.name}, {"target", neighbour.target}});
      continue;
    }
    if (neighbour.told) {
      log::Info(
          "connected to a neighbour again",
          {{"neighbour", neighbour.name}, {"target", neighbour.target}, {"away_ms", absl::ToInt64Milliseconds(away)}});
    }
    neighbour.told = false;
    neighbour.there_at = now;
  }
}

}  // namespace isthmus::service
