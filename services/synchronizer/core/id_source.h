// Where identifiers come from: resource IDs, request identifiers, names that nobody chose.
#ifndef ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ID_SOURCE_H_
#define ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ID_SOURCE_H_

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

namespace isthmus::synchronizer {

// Thread-safe. Every id is of letters and digits, starts with a lower-case letter (so that it is never taken for the
// AE-ID of an application), and comes once.
class IdSource {
 public:
  virtual ~IdSource() = default;
  virtual std::string NextId() = 0;
};

// 'r' and 13 characters: 64 random bits, so that two never meet, not over restarts either.
class RandomIdSource final : public IdSource {
 public:
  RandomIdSource() {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device()};
    engine_.seed(seed);
  }

  std::string NextId() override {
    static constexpr char kDigits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint64_t bits = 0;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      bits = engine_();
    }
    std::string id(14, 'r');
    for (size_t i = 1; i < id.size(); ++i, bits >>= 5) id[i] = kDigits[bits & 31];
    return id;
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

// Counts: r1, r2, ... For tests.
class CountingIdSource final : public IdSource {
 public:
  std::string NextId() override {
    std::lock_guard<std::mutex> lock(mutex_);
    return "r" + std::to_string(++last_);
  }

 private:
  std::mutex mutex_;
  uint64_t last_ = 0;
};

}  // namespace isthmus::synchronizer

#endif  // ISTHMUS_SERVICES_SYNCHRONIZER_CORE_ID_SOURCE_H_
