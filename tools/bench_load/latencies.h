// Latencies of a run, and the one line of JSON that says what they were.
#ifndef ISTHMUS_TOOLS_BENCH_LOAD_LATENCIES_H_
#define ISTHMUS_TOOLS_BENCH_LOAD_LATENCIES_H_

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace isthmus::bench {

using Instant = std::chrono::steady_clock::time_point;
inline Instant Now() { return std::chrono::steady_clock::now(); }
inline double Seconds(Instant from, Instant to) { return std::chrono::duration<double>(to - from).count(); }

// Not thread-safe.
class Latencies {
 public:
  void Reserve(size_t count) { seconds_.reserve(count); }
  void Add(double seconds) { seconds_.push_back(seconds); }
  size_t count() const { return seconds_.size(); }

  void Print(double wall_seconds, int window, long errors) {
    std::sort(seconds_.begin(), seconds_.end());
    const auto at = [this](double share) {
      return seconds_.empty() ? 0
                              : seconds_[static_cast<size_t>(share * static_cast<double>(seconds_.size() - 1))] * 1e3;
    };
    std::printf(
        "{\"window\":%d,\"count\":%zu,\"errors\":%ld,\"per_second\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
        "\"max_ms\":%.3f}\n",
        window, seconds_.size(), errors, static_cast<double>(seconds_.size()) / wall_seconds, at(0.5), at(0.99), at(1));
  }

 private:
  std::vector<double> seconds_;
};

}  // namespace isthmus::bench

#endif  // ISTHMUS_TOOLS_BENCH_LOAD_LATENCIES_H_
